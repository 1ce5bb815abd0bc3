"""Quad-precision arithmetic, comparison, conversion and rounding (Book I 7.6.1.7-7.6.1.12 of 3.0B).

No host computes in this format: a compiled helper carries each instruction out exactly (backend/quad_compute.py), FPSCR
included. Those that end in `o` round to odd, so that rounding the result once more, to a shorter format, is harmless.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ... import fpscr
from ...fpscr import INEXACT, ODD
from ...ir.types import i64
from ..context import Context
from ..insn import insn

arithmetic = partial(insn, needs="vsx", since="3.0", section="I 7.6.1.7")
convert = partial(insn, needs="vsx", since="3.0", section="I 7.6.1.11")
CURRENT = 3  # R || RMC that mean FPSCR[RN]


def carry_out(c: Context, op: int, mode: Any = CURRENT) -> None:
    """Have the helper do the whole instruction."""
    word = c.word if isinstance(c.word, int) else c.word.to(i64)
    c.call("quad_instruction", word, op, mode, exits=True)


@arithmetic("xsaddqp VRT,VRA,VRB", "63 VRT VRA VRB 4:10 0", op=fpscr.ADD)
@arithmetic("xsaddqpo VRT,VRA,VRB", "63 VRT VRA VRB 4:10 1", op=fpscr.ADD | ODD)
@arithmetic("xssubqp VRT,VRA,VRB", "63 VRT VRA VRB 516:10 0", op=fpscr.SUB)
@arithmetic("xssubqpo VRT,VRA,VRB", "63 VRT VRA VRB 516:10 1", op=fpscr.SUB | ODD)
@arithmetic("xsmulqp VRT,VRA,VRB", "63 VRT VRA VRB 36:10 0", op=fpscr.MUL)
@arithmetic("xsmulqpo VRT,VRA,VRB", "63 VRT VRA VRB 36:10 1", op=fpscr.MUL | ODD)
@arithmetic("xsdivqp VRT,VRA,VRB", "63 VRT VRA VRB 548:10 0", op=fpscr.DIV)
@arithmetic("xsdivqpo VRT,VRA,VRB", "63 VRT VRA VRB 548:10 1", op=fpscr.DIV | ODD)
@arithmetic("xsmaddqp VRT,VRA,VRB", "63 VRT VRA VRB 388:10 0", op=fpscr.MADD)
@arithmetic("xsmaddqpo VRT,VRA,VRB", "63 VRT VRA VRB 388:10 1", op=fpscr.MADD | ODD)
@arithmetic("xsmsubqp VRT,VRA,VRB", "63 VRT VRA VRB 420:10 0", op=fpscr.MSUB)
@arithmetic("xsmsubqpo VRT,VRA,VRB", "63 VRT VRA VRB 420:10 1", op=fpscr.MSUB | ODD)
@arithmetic("xsnmaddqp VRT,VRA,VRB", "63 VRT VRA VRB 452:10 0", op=fpscr.NMADD)
@arithmetic("xsnmaddqpo VRT,VRA,VRB", "63 VRT VRA VRB 452:10 1", op=fpscr.NMADD | ODD)
@arithmetic("xsnmsubqp VRT,VRA,VRB", "63 VRT VRA VRB 484:10 0", op=fpscr.NMSUB)
@arithmetic("xsnmsubqpo VRT,VRA,VRB", "63 VRT VRA VRB 484:10 1", op=fpscr.NMSUB | ODD)
def xsqp(c: Context, VRT: Any, VRA: Any, VRB: Any, op: int) -> None:
    """Of a multiply-add: VRA * VRB with VRT, rounded once."""
    carry_out(c, op)


@arithmetic("xssqrtqp VRT,VRB", "63 VRT 27:5 VRB 804:10 0", op=fpscr.SQRT)
@arithmetic("xssqrtqpo VRT,VRB", "63 VRT 27:5 VRB 804:10 1", op=fpscr.SQRT | ODD)
@convert("xscvqpdp VRT,VRB", "63 VRT 20:5 VRB 836:10 0", op=fpscr.TO_DOUBLE)
@convert("xscvqpdpo VRT,VRB", "63 VRT 20:5 VRB 836:10 1", op=fpscr.TO_DOUBLE | ODD)
@convert("xscvdpqp VRT,VRB", "63 VRT 22:5 VRB 836:10 /", op=fpscr.FROM_DOUBLE)
@convert("xscvqpsdz VRT,VRB", "63 VRT 25:5 VRB 836:10 /", op=fpscr.TO_S64)
@convert("xscvqpswz VRT,VRB", "63 VRT 9:5 VRB 836:10 /", op=fpscr.TO_S32)
@convert("xscvqpudz VRT,VRB", "63 VRT 17:5 VRB 836:10 /", op=fpscr.TO_U64)
@convert("xscvqpuwz VRT,VRB", "63 VRT 1:5 VRB 836:10 /", op=fpscr.TO_U32)
@convert("xscvsdqp VRT,VRB", "63 VRT 10:5 VRB 836:10 /", op=fpscr.FROM_S64)
@convert("xscvudqp VRT,VRB", "63 VRT 2:5 VRB 836:10 /", op=fpscr.FROM_U64)
def xsunaryqp(c: Context, VRT: Any, VRB: Any, op: int) -> None:
    """Doubles and integers are in doubleword 0, results of these kinds with zero in doubleword 1."""
    carry_out(c, op)


@arithmetic("xscmpoqp BF,VRA,VRB", "63 BF /:2 VRA VRB 132:10 /", op=fpscr.CMPO)
@arithmetic("xscmpuqp BF,VRA,VRB", "63 BF /:2 VRA VRB 644:10 /", op=fpscr.CMPU)
def xscmpqp(c: Context, BF: Any, VRA: Any, VRB: Any, op: int) -> None:
    carry_out(c, op)


@convert("xsrqpi R,VRT,VRB,RMC", "63 VRT /:4 R VRB RMC 5:8 0", op=fpscr.TO_INTEGRAL)
@convert("xsrqpix R,VRT,VRB,RMC", "63 VRT /:4 R VRB RMC 5:8 1", op=fpscr.TO_INTEGRAL | INEXACT)
@convert("xsrqpxp R,VRT,VRB,RMC", "63 VRT /:4 R VRB RMC 37:8 /", op=fpscr.TO_EXTENDED)
def xsrqp(c: Context, VRT: Any, R: Any, VRB: Any, RMC: Any, op: int) -> None:
    """To an integral value, silently or with XX; to 64 digits."""
    carry_out(c, op, c.const(R) << 2 | c.const(RMC))
