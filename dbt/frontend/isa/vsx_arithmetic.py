"""VSX arithmetic (Book I 7.6.1.1-7.6.1.2 of 3.0's table): scalars on doubleword 0, vectors on every element.

What an operation is stands in the table of declarations; vsx_model.py builds it, backend/float_instruction.py carries it
out exactly.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ... import fpscr
from ...fpscr import ADDEND, FACTOR, SINGLE, VECTOR, VSX
from ..context import Context
from ..insn import insn
from .vsx_model import scalar, vector

vsx = partial(insn, needs="vsx", since="2.06", section="I 7.6.1.3")
vsx207 = partial(insn, needs="vsx", since="2.07", section="I 7.6.1.3")
VD, VS = VECTOR | VSX, VECTOR | VSX | SINGLE


@vsx("xsadddp XT,XA,XB", "60 XT XA XB 32:8 XA XB XT", op=fpscr.ADD | VSX)
@vsx("xssubdp XT,XA,XB", "60 XT XA XB 40:8 XA XB XT", op=fpscr.SUB | VSX)
@vsx("xsmuldp XT,XA,XB", "60 XT XA XB 48:8 XA XB XT", op=fpscr.MUL | VSX)
@vsx("xsdivdp XT,XA,XB", "60 XT XA XB 56:8 XA XB XT", op=fpscr.DIV | VSX)
@vsx207("xsaddsp XT,XA,XB", "60 XT XA XB 0:8 XA XB XT", op=fpscr.ADD | SINGLE | VSX)
@vsx207("xssubsp XT,XA,XB", "60 XT XA XB 8:8 XA XB XT", op=fpscr.SUB | SINGLE | VSX)
@vsx207("xsmulsp XT,XA,XB", "60 XT XA XB 16:8 XA XB XT", op=fpscr.MUL | SINGLE | VSX)
@vsx207("xsdivsp XT,XA,XB", "60 XT XA XB 24:8 XA XB XT", op=fpscr.DIV | SINGLE | VSX)
@vsx("xsmaddadp XT,XA,XB", "60 XT XA XB 33:8 XA XB XT", op=fpscr.MADD | ADDEND)
@vsx("xsmaddmdp XT,XA,XB", "60 XT XA XB 41:8 XA XB XT", op=fpscr.MADD | FACTOR)
@vsx("xsmsubadp XT,XA,XB", "60 XT XA XB 49:8 XA XB XT", op=fpscr.MSUB | ADDEND)
@vsx("xsmsubmdp XT,XA,XB", "60 XT XA XB 57:8 XA XB XT", op=fpscr.MSUB | FACTOR)
@vsx("xsnmaddadp XT,XA,XB", "60 XT XA XB 161:8 XA XB XT", op=fpscr.NMADD | ADDEND)
@vsx("xsnmaddmdp XT,XA,XB", "60 XT XA XB 169:8 XA XB XT", op=fpscr.NMADD | FACTOR)
@vsx("xsnmsubadp XT,XA,XB", "60 XT XA XB 177:8 XA XB XT", op=fpscr.NMSUB | ADDEND)
@vsx("xsnmsubmdp XT,XA,XB", "60 XT XA XB 185:8 XA XB XT", op=fpscr.NMSUB | FACTOR)
@vsx207("xsmaddasp XT,XA,XB", "60 XT XA XB 1:8 XA XB XT", op=fpscr.MADD | SINGLE | ADDEND)
@vsx207("xsmaddmsp XT,XA,XB", "60 XT XA XB 9:8 XA XB XT", op=fpscr.MADD | SINGLE | FACTOR)
@vsx207("xsmsubasp XT,XA,XB", "60 XT XA XB 17:8 XA XB XT", op=fpscr.MSUB | SINGLE | ADDEND)
@vsx207("xsmsubmsp XT,XA,XB", "60 XT XA XB 25:8 XA XB XT", op=fpscr.MSUB | SINGLE | FACTOR)
@vsx207("xsnmaddasp XT,XA,XB", "60 XT XA XB 129:8 XA XB XT", op=fpscr.NMADD | SINGLE | ADDEND)
@vsx207("xsnmaddmsp XT,XA,XB", "60 XT XA XB 137:8 XA XB XT", op=fpscr.NMADD | SINGLE | FACTOR)
@vsx207("xsnmsubasp XT,XA,XB", "60 XT XA XB 145:8 XA XB XT", op=fpscr.NMSUB | SINGLE | ADDEND)
@vsx207("xsnmsubmsp XT,XA,XB", "60 XT XA XB 153:8 XA XB XT", op=fpscr.NMSUB | SINGLE | FACTOR)
def scalar_arithmetic(c: Context, XT: Any, XA: Any, XB: Any, op: int) -> None:
    scalar(c, op, XT, XA, XB)


@vsx("xssqrtdp XT,XB", "60 XT /:5 XB 75:9 XB XT", op=fpscr.SQRT | VSX)
@vsx("xsredp XT,XB", "60 XT /:5 XB 90:9 XB XT", op=fpscr.RE | VSX)
@vsx("xsrsqrtedp XT,XB", "60 XT /:5 XB 74:9 XB XT", op=fpscr.RSQRTE | VSX)
@vsx207("xssqrtsp XT,XB", "60 XT /:5 XB 11:9 XB XT", op=fpscr.SQRT | SINGLE | VSX)
@vsx207("xsresp XT,XB", "60 XT /:5 XB 26:9 XB XT", op=fpscr.RE | SINGLE | VSX)
@vsx207("xsrsqrtesp XT,XB", "60 XT /:5 XB 10:9 XB XT", op=fpscr.RSQRTE | SINGLE | VSX)
@vsx207("xsrsp XT,XB", "60 XT /:5 XB 281:9 XB XT", op=fpscr.RSP | VSX)
def scalar_unary(c: Context, XT: Any, XB: Any, op: int) -> None:
    scalar(c, op, XT, None, XB)


@vsx("xvadddp XT,XA,XB", "60 XT XA XB 96:8 XA XB XT", op=fpscr.ADD | VD)
@vsx("xvsubdp XT,XA,XB", "60 XT XA XB 104:8 XA XB XT", op=fpscr.SUB | VD)
@vsx("xvmuldp XT,XA,XB", "60 XT XA XB 112:8 XA XB XT", op=fpscr.MUL | VD)
@vsx("xvdivdp XT,XA,XB", "60 XT XA XB 120:8 XA XB XT", op=fpscr.DIV | VD)
@vsx("xvaddsp XT,XA,XB", "60 XT XA XB 64:8 XA XB XT", op=fpscr.ADD | VS)
@vsx("xvsubsp XT,XA,XB", "60 XT XA XB 72:8 XA XB XT", op=fpscr.SUB | VS)
@vsx("xvmulsp XT,XA,XB", "60 XT XA XB 80:8 XA XB XT", op=fpscr.MUL | VS)
@vsx("xvdivsp XT,XA,XB", "60 XT XA XB 88:8 XA XB XT", op=fpscr.DIV | VS)
@vsx("xvmaddadp XT,XA,XB", "60 XT XA XB 97:8 XA XB XT", op=fpscr.MADD | VECTOR | ADDEND)
@vsx("xvmaddmdp XT,XA,XB", "60 XT XA XB 105:8 XA XB XT", op=fpscr.MADD | VECTOR | FACTOR)
@vsx("xvmsubadp XT,XA,XB", "60 XT XA XB 113:8 XA XB XT", op=fpscr.MSUB | VECTOR | ADDEND)
@vsx("xvmsubmdp XT,XA,XB", "60 XT XA XB 121:8 XA XB XT", op=fpscr.MSUB | VECTOR | FACTOR)
@vsx("xvnmaddadp XT,XA,XB", "60 XT XA XB 225:8 XA XB XT", op=fpscr.NMADD | VECTOR | ADDEND)
@vsx("xvnmaddmdp XT,XA,XB", "60 XT XA XB 233:8 XA XB XT", op=fpscr.NMADD | VECTOR | FACTOR)
@vsx("xvnmsubadp XT,XA,XB", "60 XT XA XB 241:8 XA XB XT", op=fpscr.NMSUB | VECTOR | ADDEND)
@vsx("xvnmsubmdp XT,XA,XB", "60 XT XA XB 249:8 XA XB XT", op=fpscr.NMSUB | VECTOR | FACTOR)
@vsx("xvmaddasp XT,XA,XB", "60 XT XA XB 65:8 XA XB XT", op=fpscr.MADD | SINGLE | VECTOR | ADDEND)
@vsx("xvmaddmsp XT,XA,XB", "60 XT XA XB 73:8 XA XB XT", op=fpscr.MADD | SINGLE | VECTOR | FACTOR)
@vsx("xvmsubasp XT,XA,XB", "60 XT XA XB 81:8 XA XB XT", op=fpscr.MSUB | SINGLE | VECTOR | ADDEND)
@vsx("xvmsubmsp XT,XA,XB", "60 XT XA XB 89:8 XA XB XT", op=fpscr.MSUB | SINGLE | VECTOR | FACTOR)
@vsx("xvnmaddasp XT,XA,XB", "60 XT XA XB 193:8 XA XB XT", op=fpscr.NMADD | SINGLE | VECTOR | ADDEND)
@vsx("xvnmaddmsp XT,XA,XB", "60 XT XA XB 201:8 XA XB XT", op=fpscr.NMADD | SINGLE | VECTOR | FACTOR)
@vsx("xvnmsubasp XT,XA,XB", "60 XT XA XB 209:8 XA XB XT", op=fpscr.NMSUB | SINGLE | VECTOR | ADDEND)
@vsx("xvnmsubmsp XT,XA,XB", "60 XT XA XB 217:8 XA XB XT", op=fpscr.NMSUB | SINGLE | VECTOR | FACTOR)
def vector_arithmetic(c: Context, XT: Any, XA: Any, XB: Any, op: int) -> None:
    vector(c, op, XT, XA, XB)


@vsx("xvsqrtdp XT,XB", "60 XT /:5 XB 203:9 XB XT", op=fpscr.SQRT | VD)
@vsx("xvredp XT,XB", "60 XT /:5 XB 218:9 XB XT", op=fpscr.RE | VD)
@vsx("xvrsqrtedp XT,XB", "60 XT /:5 XB 202:9 XB XT", op=fpscr.RSQRTE | VD)
@vsx("xvsqrtsp XT,XB", "60 XT /:5 XB 139:9 XB XT", op=fpscr.SQRT | VS)
@vsx("xvresp XT,XB", "60 XT /:5 XB 154:9 XB XT", op=fpscr.RE | VS)
@vsx("xvrsqrtesp XT,XB", "60 XT /:5 XB 138:9 XB XT", op=fpscr.RSQRTE | VS)
def vector_unary(c: Context, XT: Any, XB: Any, op: int) -> None:
    vector(c, op, XT, None, XB)
