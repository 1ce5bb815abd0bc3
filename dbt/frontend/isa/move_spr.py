"""Moves to and from special-purpose registers (Book III 4.4.4; Book II 6.1 for the time base)."""

from __future__ import annotations

from typing import Any

from ...mode import level_of
from ..context import Context
from ..insn import insn
from . import spr as table
from .spr import SPRS

ILLEGAL = {0, 4, 5, 6}  # registers of the POWER architecture: illegal even in privileged state
READABLE = {n for n, s in SPRS.items() if s.read}
WRITABLE = {n for n, s in SPRS.items() if s.write}


def register(c: Context, SPR: Any, defined: set[int]) -> table.Spr | None:
    """The register SPR names; None where the instruction is done with: privilege, or a number that is no register of the
    processor's level.

    Such a number is illegal in problem state (privileged, if the number says so); else nothing happens, 0, 4, 5 and 6
    excepted."""
    supervisor = bool(SPR & 0x10)
    if supervisor and c.privileged():
        return None
    n = c.choose(SPR, {n for n in defined | ILLEGAL if bool(n & 0x10) == supervisor})
    if n in defined and (level_of(SPRS[n].since) == 0 or c.at_least(SPRS[n].since)):
        return SPRS[n]
    if n in ILLEGAL or (not supervisor and c.pr):
        c.illegal()
    return None


@insn("mfspr RT,SPR", "31 RT SPR 339:10 /", section="III 4.4.4")
def mfspr(c: Context, RT: Any, SPR: Any) -> None:
    spr = register(c, SPR, READABLE)
    if spr and table.check(c, spr, False):
        c.gpr[RT] = table.read(c, spr)


@insn("mtspr SPR,RS", "31 RS SPR 467:10 /", section="III 4.4.4")
def mtspr(c: Context, SPR: Any, RS: Any) -> None:
    spr = register(c, SPR, WRITABLE)
    if spr and table.check(c, spr, True):
        table.write(c, spr, c.gpr[RS])


@insn("mftb RT,TBR", "31 RT TBR 371:10 /", section="II 6.1")
def mftb(c: Context, RT: Any, TBR: Any) -> None:
    n = c.choose(TBR, (268, 269))
    if n is None:  # an invalid form; POWER8 takes it as illegal
        c.illegal()
    else:
        c.gpr[RT] = table.read(c, SPRS[n])
