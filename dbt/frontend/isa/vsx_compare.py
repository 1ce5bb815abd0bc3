"""VSX comparison, maximum and minimum, and the tests for software division and square root (Book I 7.6.1.6-7.6.1.8).

Rounding plays no part, and only a NaN can raise an exception: it leaves for the exact path, except that a quiet one is
just unequal to xvcmpeq. FPCC is that of a comparison to a CR field; the others leave FPRF, FR and FI alone.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ... import fpscr
from ...fpscr import SINGLE, VECTOR, VSX
from ...ir.builder import Value
from ...ir.ops import select
from ...ir.ops_float import fp_order, fp_unordered
from ...ir.ops_vsx import vx_eq, vx_ge, vx_gt, vx_nan, vx_unordered
from ...ir.types import i8, i32, i64
from ..context import Context
from ..insn import insn
from .float_arithmetic import care, division_care, root_care
from .float_model import KIND, compared, leave_if
from .vector_compare import record_all
from .vector_lanes import choose, copies
from .vsx_model import set_scalar, width

vsx = partial(insn, needs="vsx", since="2.06")
vsx300 = partial(insn, needs="vsx", since="3.0")
LESS, GREATER, EQUAL = 8, 4, 2
COMPARE, EXTREME, CARE = "I 7.6.1.6", "I 7.6.1.7", "I 7.6.1.8"

# -- scalars


@vsx("xscmpudp BF,XA,XB", "60 BF /:2 XA XB 35:8 XA XB /", section=COMPARE, op=fpscr.CMPU | VSX)
@vsx("xscmpodp BF,XA,XB", "60 BF /:2 XA XB 43:8 XA XB /", section=COMPARE, op=fpscr.CMPO | VSX)
def xscmp(c: Context, BF: Any, XA: Any, XB: Any, op: int) -> None:
    cc = order(c, c.dw0[XA], c.dw0[XB], op)
    compared(c, cc)
    c.cr[BF] = cc.to(i8)


def order(c: Context, a: Value, b: Value, op: int) -> Value:
    """LESS, GREATER or EQUAL; leaves if there is a NaN."""
    leave_if(c, fp_unordered(a, b), op)
    return fp_order(a, b)


@vsx300("xscmpeqdp XT,XA,XB", "60 XT XA XB 3:8 XA XB XT", section=COMPARE, op=fpscr.EQ | VSX, wanted=EQUAL)
@vsx300("xscmpgtdp XT,XA,XB", "60 XT XA XB 11:8 XA XB XT", section=COMPARE, op=fpscr.GT | VSX, wanted=GREATER)
@vsx300("xscmpgedp XT,XA,XB", "60 XT XA XB 19:8 XA XB XT", section=COMPARE, op=fpscr.GE | VSX, wanted=GREATER | EQUAL)
def xscmp_mask(c: Context, XT: Any, XA: Any, XB: Any, op: int, wanted: int) -> None:
    """Ones or zeros."""
    holds = (order(c, c.dw0[XA], c.dw0[XB], op) & wanted) != 0
    set_scalar(c, XT, select(holds, c.const(i64.mask), 0))


@vsx("xsmaxdp XT,XA,XB", "60 XT XA XB 160:8 XA XB XT", section=EXTREME, op=fpscr.MAX | VSX, wins=GREATER)
@vsx("xsmindp XT,XA,XB", "60 XT XA XB 168:8 XA XB XT", section=EXTREME, op=fpscr.MIN | VSX, wins=LESS)
@vsx300("xsmaxjdp XT,XA,XB", "60 XT XA XB 144:8 XA XB XT", section=EXTREME, op=fpscr.MAXJ | VSX, wins=GREATER)
@vsx300("xsminjdp XT,XA,XB", "60 XT XA XB 152:8 XA XB XT", section=EXTREME, op=fpscr.MINJ | VSX, wins=LESS)
def xsextreme(c: Context, XT: Any, XA: Any, XB: Any, op: int, wins: int) -> None:
    """+0 is greater than -0."""
    a, b = c.dw0[XA], c.dw0[XB]
    cc = order(c, a, b, op)
    same = a & b if wins == GREATER else a | b
    set_scalar(c, XT, select(cc == wins, a, select(cc == EQUAL, same, b)))


@vsx300("xsmaxcdp XT,XA,XB", "60 XT XA XB 128:8 XA XB XT", section=EXTREME, op=fpscr.MAXC | VSX, wins=GREATER)
@vsx300("xsmincdp XT,XA,XB", "60 XT XA XB 136:8 XA XB XT", section=EXTREME, op=fpscr.MINC | VSX, wins=LESS)
def xsextreme_c(c: Context, XT: Any, XA: Any, XB: Any, op: int, wins: int) -> None:
    """As C's a > b ? a : b."""
    a, b = c.dw0[XA], c.dw0[XB]
    set_scalar(c, XT, select(order(c, a, b, op) == wins, a, b))


# -- vectors


def both(name: str, xo: int, **constants: Any) -> Any:
    """A comparison without and with its record bit (bit 21)."""

    def register(body: Any) -> Any:
        for record in (False, True):
            box = f"60 XT XA XB {xo + 128 * record}:8 XA XB XT"
            vsx(f"{name}{'.' * record} XT,XA,XB", box, section=COMPARE, record=record, **constants)(body)
        return body

    return register


@both("xvcmpeqdp", 99, op=fpscr.EQ | VECTOR | VSX, f=vx_eq)
@both("xvcmpgtdp", 107, op=fpscr.GT | VECTOR | VSX, f=vx_gt)
@both("xvcmpgedp", 115, op=fpscr.GE | VECTOR | VSX, f=vx_ge)
@both("xvcmpeqsp", 67, op=fpscr.EQ | SINGLE | VECTOR | VSX, f=vx_eq)
@both("xvcmpgtsp", 75, op=fpscr.GT | SINGLE | VECTOR | VSX, f=vx_gt)
@both("xvcmpgesp", 83, op=fpscr.GE | SINGLE | VECTOR | VSX, f=vx_ge)
def xvcmp(c: Context, XT: Any, XA: Any, XB: Any, op: int, f: Any, record: bool) -> None:
    a, b, bits = c.vsr[XA], c.vsr[XB], width(op)
    if op & KIND == fpscr.EQ:
        leave_if(c, signalling(a, bits) | signalling(b, bits), op)
    else:
        leave_if(c, vx_unordered(a, b, imm=bits), op)
    result = f(a, b, imm=bits)
    if record:
        record_all(c, result)
    c.vsr[XT] = result


def signalling(x: Value, bits: int) -> Value:
    """Whether any element is a signalling NaN."""
    quiet = copies(1 << (51 if bits == 64 else 22), bits)
    return (vx_nan(x, x, imm=bits) & ~x & quiet) != 0


@vsx("xvmaxdp XT,XA,XB", "60 XT XA XB 224:8 XA XB XT", section=EXTREME, op=fpscr.MAX | VECTOR | VSX)
@vsx("xvmindp XT,XA,XB", "60 XT XA XB 232:8 XA XB XT", section=EXTREME, op=fpscr.MIN | VECTOR | VSX)
@vsx("xvmaxsp XT,XA,XB", "60 XT XA XB 192:8 XA XB XT", section=EXTREME, op=fpscr.MAX | SINGLE | VECTOR | VSX)
@vsx("xvminsp XT,XA,XB", "60 XT XA XB 200:8 XA XB XT", section=EXTREME, op=fpscr.MIN | SINGLE | VECTOR | VSX)
def xvextreme(c: Context, XT: Any, XA: Any, XB: Any, op: int) -> None:
    """+0 is greater than -0."""
    a, b, bits = c.vsr[XA], c.vsr[XB], width(op)
    leave_if(c, vx_unordered(a, b, imm=bits), op)
    largest = op & KIND == fpscr.MAX
    same = a & b if largest else a | b
    wins = vx_gt(a, b, imm=bits) if largest else vx_gt(b, a, imm=bits)
    c.vsr[XT] = choose(wins, a, choose(vx_eq(a, b, imm=bits), same, b))


# -- whether a software division or square root needs care


def elements(x: Value, op: int) -> list[Value]:
    """The elements of a register, in a type of their width."""
    return [(x >> n).to(i32 if op & SINGLE else i64) for n in range(0, 128, width(op))]


def any_care(c: Context, BF: Any, answers: list[tuple[Value, Value]]) -> None:
    """fg and fe of any element."""
    fg, fe = answers[0]
    for g, e in answers[1:]:
        fg, fe = fg | g, fe | e
    care(c, BF, fg, fe)


@vsx("xstdivdp BF,XA,XB", "60 BF /:2 XA XB 61:8 XA XB /", section=CARE)
def xstdivdp(c: Context, BF: Any, XA: Any, XB: Any) -> None:
    care(c, BF, *division_care(c.dw0[XA], c.dw0[XB]))


@vsx("xstsqrtdp BF,XB", "60 BF /:7 XB 106:9 XB /", section=CARE)
def xstsqrtdp(c: Context, BF: Any, XB: Any) -> None:
    care(c, BF, *root_care(c.dw0[XB]))


@vsx("xvtdivdp BF,XA,XB", "60 BF /:2 XA XB 125:8 XA XB /", section=CARE, op=0)
@vsx("xvtdivsp BF,XA,XB", "60 BF /:2 XA XB 93:8 XA XB /", section=CARE, op=SINGLE)
def xvtdiv(c: Context, BF: Any, XA: Any, XB: Any, op: int) -> None:
    pairs = zip(elements(c.vsr[XA], op), elements(c.vsr[XB], op), strict=True)
    any_care(c, BF, [division_care(a, b) for a, b in pairs])


@vsx("xvtsqrtdp BF,XB", "60 BF /:7 XB 234:9 XB /", section=CARE, op=0)
@vsx("xvtsqrtsp BF,XB", "60 BF /:7 XB 170:9 XB /", section=CARE, op=SINGLE)
def xvtsqrt(c: Context, BF: Any, XB: Any, op: int) -> None:
    any_care(c, BF, [root_care(b) for b in elements(c.vsr[XB], op)])
