"""Fixed-point compare and select (Book I 3.3.10, 3.3.12)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import Op, eq, select, slt, ule, ult
from ...ir.types import i8, i32, i64
from ..context import Context
from ..insn import insn


def compared(c: Context, BF: Any, L: Any, a: Value, b: Any, less: Op) -> None:
    """CR field BF from a and b, as doublewords if L, else as words; the mode does not matter."""
    b = c.const(b)
    if not L:
        a, b = a.to(i32), b.to(i32)
    c.compare(BF, less(a, b), less(b, a))


@insn("cmpi BF,L,RA,SI", "11 BF / L RA SI", section="I 3.3.10")
def cmpi(c: Context, BF: Any, L: Any, RA: Any, SI: Any) -> None:
    compared(c, BF, L, c.gpr[RA], SI, slt)


@insn("cmpli BF,L,RA,UI", "10 BF / L RA UI", section="I 3.3.10")
def cmpli(c: Context, BF: Any, L: Any, RA: Any, UI: Any) -> None:
    compared(c, BF, L, c.gpr[RA], UI, ult)


@insn("cmp BF,L,RA,RB", "31 BF / L RA RB 0:10 /", section="I 3.3.10", less=slt)
@insn("cmpl BF,L,RA,RB", "31 BF / L RA RB 32:10 /", section="I 3.3.10", less=ult)
def cmp(c: Context, BF: Any, L: Any, RA: Any, RB: Any, less: Op) -> None:
    compared(c, BF, L, c.gpr[RA], c.gpr[RB], less)


@insn("cmprb BF,L,RA,RB", "31 BF / L RA RB 192:10 /", since="3.0", section="I 3.3.10")
def cmprb(c: Context, BF: Any, L: Any, RA: Any, RB: Any) -> None:
    x, bounds = c.gpr[RA].to(i8), c.gpr[RB]

    def between(n: int) -> Value:
        return ule((bounds >> n).to(i8), x) & ule(x, (bounds >> (n + 8)).to(i8))

    inside = between(0) | between(16) if L else between(0)
    c.cr[BF] = inside.to(i8) << 2


@insn("cmpeqb BF,RA,RB", "31 BF /:2 RA RB 224:10 /", since="3.0", section="I 3.3.10")
def cmpeqb(c: Context, BF: Any, RA: Any, RB: Any) -> None:
    x, found = c.gpr[RA].to(i8), c.const(0, i8)
    for n in range(0, 64, 8):
        found = found | eq(x, (c.gpr[RB] >> n).to(i8)).to(i8)
    c.cr[BF] = found << 2


@insn("setb RT,BFA", "31 RT BFA /:2 /:5 128:10 /", since="3.0", section="I 3.3.12")
def setb(c: Context, RT: Any, BFA: Any) -> None:
    field = c.cr[BFA]
    c.gpr[RT] = select(eq(field & 8, 0), ((field >> 2) & 1).to(i64), -1)


@insn("isel RT,RA,RB,BC", "31 RT RA RB BC 15:5 /", since="2.03", section="I 3.3.12")
def isel(c: Context, RT: Any, RA: Any, RB: Any, BC: Any) -> None:
    c.gpr[RT] = select(c.cr_bit(BC), c.gpr_or_zero(RA), c.gpr[RB])
