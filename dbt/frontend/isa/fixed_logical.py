"""Fixed-point logical (Book I 3.3.13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ir.builder import Value
from ...ir.ops import Op, clz, ctz, popcount, select, ult
from ...ir.types import Type, i8, i16, i32, i64
from ..context import Context
from ..insn import insn

Binary = Callable[[Any, Any], Value]


def and_(a: Any, b: Any) -> Value:
    return a & b


def or_(a: Any, b: Any) -> Value:
    return a | b


def xor(a: Any, b: Any) -> Value:
    return a ^ b


@insn("andi. RA,RS,UI", "28 RS RA UI", section="I 3.3.13", f=and_, shift=0, Rc=1)
@insn("andis. RA,RS,UI", "29 RS RA UI", section="I 3.3.13", f=and_, shift=16, Rc=1)
@insn("ori RA,RS,UI", "24 RS RA UI", section="I 3.3.13", f=or_, shift=0, Rc=0)
@insn("oris RA,RS,UI", "25 RS RA UI", section="I 3.3.13", f=or_, shift=16, Rc=0)
@insn("xori RA,RS,UI", "26 RS RA UI", section="I 3.3.13", f=xor, shift=0, Rc=0)
@insn("xoris RA,RS,UI", "27 RS RA UI", section="I 3.3.13", f=xor, shift=16, Rc=0)
def logical_immediate(c: Context, RS: Any, RA: Any, UI: Any, f: Binary, shift: int, Rc: int) -> None:
    result = f(c.gpr[RS], UI << shift)
    c.gpr[RA] = result
    c.record(Rc, result)


@insn("and[.] RA,RS,RB", "31 RS RA RB 28 Rc", section="I 3.3.13", f=and_)
@insn("or[.] RA,RS,RB", "31 RS RA RB 444 Rc", section="I 3.3.13", f=or_)
@insn("xor[.] RA,RS,RB", "31 RS RA RB 316 Rc", section="I 3.3.13", f=xor)
@insn("nand[.] RA,RS,RB", "31 RS RA RB 476 Rc", section="I 3.3.13", f=lambda a, b: ~(a & b))
@insn("nor[.] RA,RS,RB", "31 RS RA RB 124 Rc", section="I 3.3.13", f=lambda a, b: ~(a | b))
@insn("eqv[.] RA,RS,RB", "31 RS RA RB 284 Rc", section="I 3.3.13", f=lambda a, b: ~(a ^ b))
@insn("andc[.] RA,RS,RB", "31 RS RA RB 60 Rc", section="I 3.3.13", f=lambda a, b: a & ~b)
@insn("orc[.] RA,RS,RB", "31 RS RA RB 412 Rc", section="I 3.3.13", f=lambda a, b: a | ~b)
def logical(c: Context, RS: Any, RA: Any, RB: Any, Rc: Any, f: Binary) -> None:
    result = f(c.gpr[RS], c.gpr[RB])
    c.gpr[RA] = result
    c.record(Rc, result)


@insn("extsb[.] RA,RS", "31 RS RA /:5 954 Rc", section="I 3.3.13", ty=i8)
@insn("extsh[.] RA,RS", "31 RS RA /:5 922 Rc", section="I 3.3.13", ty=i16)
@insn("extsw[.] RA,RS", "31 RS RA /:5 986 Rc", section="I 3.3.13", ty=i32)
def exts(c: Context, RS: Any, RA: Any, Rc: Any, ty: Type) -> None:
    result = c.gpr[RS].to(ty).to(i64, signed=True)
    c.gpr[RA] = result
    c.record(Rc, result)


@insn("cntlzw[.] RA,RS", "31 RS RA /:5 26 Rc", section="I 3.3.13", f=clz, ty=i32)
@insn("cntlzd[.] RA,RS", "31 RS RA /:5 58 Rc", section="I 3.3.13", f=clz, ty=i64)
@insn("cnttzw[.] RA,RS", "31 RS RA /:5 538 Rc", since="3.0", section="I 3.3.13", f=ctz, ty=i32)
@insn("cnttzd[.] RA,RS", "31 RS RA /:5 570 Rc", since="3.0", section="I 3.3.13", f=ctz, ty=i64)
def count_zeros(c: Context, RS: Any, RA: Any, Rc: Any, f: Op, ty: Type) -> None:
    result = f(c.gpr[RS].to(ty)).to(i64)
    c.gpr[RA] = result
    c.record(Rc, result)


# -- bytes in parallel ------------------------------------------------------------------------------------------------

BYTES = 0x0101_0101_0101_0101  # the low bit of each


def word_by_word(x: Value, f: Callable[[Value], Value]) -> Value:
    """f of each word of x, in its place."""
    return (f((x >> 32).to(i32)).to(i64) << 32) | f(x.to(i32)).to(i64)


@insn("cmpb RA,RS,RB", "31 RS RA RB 508:10 /", since="2.05", section="I 3.3.13")
def cmpb(c: Context, RS: Any, RA: Any, RB: Any) -> None:
    x, low = c.gpr[RS] ^ c.gpr[RB], BYTES * 0x7F
    differ = ((x & low) + low) | x  # bit 0 of each byte: whether any bit of x is set there
    c.gpr[RA] = ((~differ >> 7) & BYTES) * 0xFF


@insn("popcntb RA,RS", "31 RS RA /:5 122:10 /", since="2.02", section="I 3.3.13")
def popcntb(c: Context, RS: Any, RA: Any) -> None:
    x = c.gpr[RS]
    x = x - ((x >> 1) & BYTES * 0x55)
    x = (x & BYTES * 0x33) + ((x >> 2) & BYTES * 0x33)
    c.gpr[RA] = (x + (x >> 4)) & BYTES * 0x0F


@insn("popcntw RA,RS", "31 RS RA /:5 378:10 /", since="2.06", section="I 3.3.13")
def popcntw(c: Context, RS: Any, RA: Any) -> None:
    c.gpr[RA] = word_by_word(c.gpr[RS], popcount)


@insn("popcntd RA,RS", "31 RS RA /:5 506:10 /", since="2.06", section="I 3.3.13")
def popcntd(c: Context, RS: Any, RA: Any) -> None:
    c.gpr[RA] = popcount(c.gpr[RS])


@insn("prtyw RA,RS", "31 RS RA /:5 154:10 /", since="2.05", section="I 3.3.13")
def prtyw(c: Context, RS: Any, RA: Any) -> None:
    c.gpr[RA] = word_by_word(c.gpr[RS] & BYTES, lambda x: popcount(x) & 1)


@insn("prtyd RA,RS", "31 RS RA /:5 186:10 /", since="2.05", section="I 3.3.13")
def prtyd(c: Context, RS: Any, RA: Any) -> None:
    c.gpr[RA] = popcount(c.gpr[RS] & BYTES) & 1


@insn("bpermd RA,RS,RB", "31 RS RA RB 252:10 /", since="2.06", section="I 3.3.13")
def bpermd(c: Context, RS: Any, RA: Any, RB: Any) -> None:
    permuted = c.const(0)
    for n in range(8):  # byte n from the right chooses bit n from the right
        index = (c.gpr[RS] >> (8 * n)) & 0xFF
        bit = select(ult(index, 64), c.gpr[RB] >> (~index & 63), 0) & 1
        permuted = permuted | (bit << n)
    c.gpr[RA] = permuted
