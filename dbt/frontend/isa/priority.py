"""Program priority (Book II 3.1; Book III 4.3.6): forms of `or` that change nothing but the priority in PPR.

A processor at low priority leaves its resources to others. So does ours: where vCPUs share host cores, it leaves translated code (Exit.YIELD).
"""

from __future__ import annotations

from typing import Any

from ...exits import Exit
from ...ir.ops import select
from ..context import Context
from ..insn import insn

VERY_LOW, LOW, MEDIUM_LOW, MEDIUM, MEDIUM_HIGH, HIGH = range(1, 7)
SHIFT = 50  # PPR[11:13]


@insn("mr RA,RS", "31 31:5 31:5 31:5 444:10 0", since="2.02", section="II 3.1", RA=31, RS=31, priority=VERY_LOW)
@insn("mr RA,RS", "31 1:5 1:5 1:5 444:10 0", since="2.02", section="II 3.1", RA=1, RS=1, priority=LOW)
@insn("mr RA,RS", "31 6:5 6:5 6:5 444:10 0", since="2.02", section="II 3.1", RA=6, RS=6, priority=MEDIUM_LOW)
@insn("mr RA,RS", "31 2:5 2:5 2:5 444:10 0", since="2.02", section="II 3.1", RA=2, RS=2, priority=MEDIUM)
@insn("mr RA,RS", "31 5:5 5:5 5:5 444:10 0", since="2.02", section="II 3.1", RA=5, RS=5, priority=MEDIUM_HIGH)
@insn("mr RA,RS", "31 3:5 3:5 3:5 444:10 0", since="2.02", section="III 4.3.6", RA=3, RS=3, priority=HIGH)
def set_priority(c: Context, RA: Any, RS: Any, priority: int) -> None:
    """Above medium is not for problem state, which needs time left in PSPB for medium high (Book III 4.3.7)."""
    if priority == HIGH and c.pr:
        return
    old = c.reg("ppr")
    new = (old & ~(7 << SHIFT)) | (priority << SHIFT)
    if priority == MEDIUM_HIGH and c.pr:
        new = select(c.reg("pspb") != 0, new, old)
    c.set_reg("ppr", new)
    if priority <= LOW:
        c.exit_if(c.reg("sharing") != 0, Exit.YIELD, after=True)
