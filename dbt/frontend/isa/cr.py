"""Condition register: logic (Book I 2.5) and moves (Book I 2.5.2, 3.3.17)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ir.builder import Value
from ...ir.ops import clz, select
from ...ir.types import i1, i8, i64
from ..context import Context
from ..insn import insn


@insn("crand BT,BA,BB", "19 BT BA BB 257:10 /", section="I 2.5.1", f=lambda a, b: a & b)
@insn("cror BT,BA,BB", "19 BT BA BB 449:10 /", section="I 2.5.1", f=lambda a, b: a | b)
@insn("crxor BT,BA,BB", "19 BT BA BB 193:10 /", section="I 2.5.1", f=lambda a, b: a ^ b)
@insn("crnand BT,BA,BB", "19 BT BA BB 225:10 /", section="I 2.5.1", f=lambda a, b: ~(a & b))
@insn("crnor BT,BA,BB", "19 BT BA BB 33:10 /", section="I 2.5.1", f=lambda a, b: ~(a | b))
@insn("creqv BT,BA,BB", "19 BT BA BB 289:10 /", section="I 2.5.1", f=lambda a, b: ~(a ^ b))
@insn("crandc BT,BA,BB", "19 BT BA BB 129:10 /", section="I 2.5.1", f=lambda a, b: a & ~b)
@insn("crorc BT,BA,BB", "19 BT BA BB 417:10 /", section="I 2.5.1", f=lambda a, b: a | ~b)
def cr_logical(c: Context, BT: Any, BA: Any, BB: Any, f: Callable[[Value, Value], Value]) -> None:
    c.set_cr_bit(BT, f(c.cr_bit(BA), c.cr_bit(BB)))


@insn("mcrf BF,BFA", "19 BF /:2 BFA /:2 /:5 0:10 /", section="I 2.5.2")
def mcrf(c: Context, BF: Any, BFA: Any) -> None:
    c.cr[BF] = c.cr[BFA]


def only_field(FXM: Any) -> Any:
    """The field chosen by a mask with one bit set; with several the leftmost, with none field 7 (all undefined)."""
    return clz(FXM | 1) - 56


@insn("mfcr RT", "31 RT 0:1 /:9 19:10 /", section="I 3.3.17")
def mfcr(c: Context, RT: Any) -> None:
    whole = c.const(0)
    for n in range(8):
        whole = whole | (c.cr[n].to(i64) << (28 - 4 * n))
    c.gpr[RT] = whole


@insn("mfocrf RT,FXM", "31 RT 1:1 FXM / 19:10 /", since="2.01", section="I 3.3.17")
def mfocrf(c: Context, RT: Any, FXM: Any) -> None:
    n = only_field(FXM)
    c.gpr[RT] = c.cr[n].to(i64) << (28 - 4 * n)


@insn("mtcrf FXM,RS", "31 RS 0:1 FXM / 144:10 /", section="I 3.3.17")
def mtcrf(c: Context, RS: Any, FXM: Any) -> None:
    for n in range(8):
        field = ((c.gpr[RS] >> (28 - 4 * n)) & 15).to(i8)
        c.cr[n] = select(c.const(FXM >> (7 - n)).to(i1), field, c.cr[n])


@insn("mtocrf FXM,RS", "31 RS 1:1 FXM / 144:10 /", since="2.01", section="I 3.3.17")
def mtocrf(c: Context, RS: Any, FXM: Any) -> None:
    n = only_field(FXM)
    c.cr[n] = (c.gpr[RS] >> (28 - 4 * n)) & 15


@insn("mcrxr BF", "31 BF /:2 /:5 /:5 512:10 /", until="2.06", section="I 3.3.17")
def mcrxr(c: Context, BF: Any) -> None:
    c.cr[BF] = (c.so.to(i8) << 3) | (c.ov.to(i8) << 2) | (c.ca.to(i8) << 1)
    c.so = c.ov = c.ca = 0


@insn("mcrxrx BF", "31 BF /:2 /:5 /:5 576:10 /", since="3.0", section="I 3.3.17")
def mcrxrx(c: Context, BF: Any) -> None:
    c.cr[BF] = (c.ov.to(i8) << 3) | (c.ov32.to(i8) << 2) | (c.ca.to(i8) << 1) | c.ca32.to(i8)
