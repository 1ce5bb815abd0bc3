"""Branches (Book I 2.4)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import eq
from ...ir.types import i32
from ..context import Context
from ..insn import insn


def counted(c: Context, BO: Any, early: bool = False) -> Value | None:
    """ctr_ok (None: always), counting CTR down; it is tested after that, or before (`early`), by the mode's width."""
    if BO & 0b00100:
        return None
    before = c.ctr
    c.ctr = after = before - 1
    tested = before if early else after
    zero = eq(tested if c.sf else tested.to(i32), 0)
    return zero if BO & 0b00010 else ~zero


def met(c: Context, BO: Any, BI: Any) -> Value | None:
    """cond_ok (None: always)."""
    if BO & 0b10000:
        return None
    return c.cr_bit(BI) if BO & 0b01000 else ~c.cr_bit(BI)


def decided(c: Context, BO: Any, BI: Any, early: bool = False) -> Value | None:
    """ctr_ok and cond_ok (None: always). The hint bits of BO are ignored."""
    ctr_ok, cond_ok = counted(c, BO, early), met(c, BO, BI)
    if ctr_ok is None or cond_ok is None:
        return cond_ok if ctr_ok is None else ctr_ok
    return ctr_ok & cond_ok


def link(c: Context, LK: Any) -> None:
    if LK:
        c.lr = c.next_pc


@insn("b[l][a] LI", "18 LI AA LK", section="I 2.4")
def b(c: Context, LI: Any, AA: Any, LK: Any) -> None:
    link(c, LK)
    c.jump(LI if AA else c.pc + LI)


@insn("bc[l][a] BO,BI,BD", "16 BO BI BD AA LK", section="I 2.4")
def bc(c: Context, BO: Any, BI: Any, BD: Any, AA: Any, LK: Any) -> None:
    taken = decided(c, BO, BI)
    link(c, LK)
    c.jump_if(taken, BD if AA else c.pc + BD)


def branch_to(c: Context, taken: Value | None, target: Value, LK: Any) -> None:
    link(c, LK)
    c.jump_if(taken, target & ~3)


@insn("bclr[l] BO,BI,BH", "19 BO BI /:3 BH 16 LK", section="I 2.4")
def bclr(c: Context, BO: Any, BI: Any, LK: Any) -> None:
    branch_to(c, decided(c, BO, BI), c.lr, LK)


@insn("bctar[l] BO,BI,BH", "19 BO BI /:3 BH 560 LK", since="2.07", section="I 2.4")
def bctar(c: Context, BO: Any, BI: Any, LK: Any) -> None:
    branch_to(c, decided(c, BO, BI), c.reg("tar"), LK)


@insn("bcctr[l] BO,BI,BH", "19 BO BI /:3 BH 528 LK", section="I 2.4")
def bcctr(c: Context, BO: Any, BI: Any, LK: Any) -> None:
    # BO[2] = 0 is an invalid form that Linux executes all the same, to flush the count cache (Spectre). POWER
    # processors then test CTR as it was, and count it down.
    target = c.ctr
    branch_to(c, decided(c, BO, BI, early=True), target, LK)
