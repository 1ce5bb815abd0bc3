"""Fixed-point trap (Book I 3.3.11)."""

from __future__ import annotations

from typing import Any

from ...exits import Exit
from ...ir.builder import Value
from ...ir.ops import eq, slt, ult
from ...ir.types import Type, i1, i32, i64
from ..context import TRAP, Context
from ..insn import insn

ALWAYS = 0b11111


def trapped(c: Context, TO: Any, a: Value, b: Any) -> None:
    """Trap if one of the relations chosen by the bits of TO holds."""
    if TO == ALWAYS:
        c.leave(Exit.PROGRAM, TRAP)
        return
    relations = ult(b, a), ult(a, b), eq(a, b), slt(b, a), slt(a, b)  # TO[4] to TO[0]
    holds = c.const(0, i1)
    for n, relation in enumerate(relations):
        holds = holds | (relation & c.const(TO >> n).to(i1))
    c.exit_if(holds, Exit.PROGRAM, TRAP)


@insn("tdi TO,RA,SI", "2 TO RA SI", section="I 3.3.11", ty=i64)
@insn("twi TO,RA,SI", "3 TO RA SI", section="I 3.3.11", ty=i32)
def trap_immediate(c: Context, TO: Any, RA: Any, SI: Any, ty: Type) -> None:
    trapped(c, TO, c.gpr[RA].to(ty), SI)


@insn("td TO,RA,RB", "31 TO RA RB 68:10 /", section="I 3.3.11", ty=i64)
@insn("tw TO,RA,RB", "31 TO RA RB 4:10 /", section="I 3.3.11", ty=i32)
def trap(c: Context, TO: Any, RA: Any, RB: Any, ty: Type) -> None:
    trapped(c, TO, c.gpr[RA].to(ty), c.gpr[RB].to(ty))
