"""Fixed-point arithmetic (Book I 3.3.9).

Carries and overflow belong to the low 32 bits in 32-bit mode, except that Multiply Low and Divide report the overflow
of the width in their name. Where the manual leaves bits undefined (the high word of mulhw and divw) they are zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ...ir.builder import Value
from ...ir.ops import eq, mul, sar, slt, ule, ult
from ...ir.types import Type, i1, i32, i64, i128
from ..context import Context
from ..insn import insn


@insn("addi RT,RA,SI", "14 RT RA SI", section="I 3.3.9", shift=0)
@insn("addis RT,RA,SI", "15 RT RA SI", section="I 3.3.9", shift=16)
def addi(c: Context, RT: Any, RA: Any, SI: Any, shift: int) -> None:
    c.gpr[RT] = c.gpr_or_zero(RA) + (SI << shift)


# -- add and subtract: all of them are a + b + cin --------------------------------------------------------------------


def both_widths(c: Context, f: Callable[..., Value], *values: Value) -> tuple[Value, Value]:
    """f of the values as the mode's width has them, for CA and OV, and of their low words, for CA32 and OV32."""
    low = f(*(v.to(i32) for v in values))
    return (f(*values) if c.sf else low), low


def is_negative(v: Value) -> Value:
    return slt(v, 0)


def add_carrying(c: Context, a: Value, b: Any, cin: Value, RT: Any, OE: Any, Rc: Any, carry: bool) -> None:
    """RT = a + b + cin, with the carry and overflow of the mode's width."""
    b = c.const(b)
    total = a + b + cin.to(i64)
    if carry:
        c.carry(*both_widths(c, lambda x, sum_: ult(sum_, x) | (eq(sum_, x) & cin), a, total))
    if OE:
        c.overflow(OE, *both_widths(c, is_negative, (a ^ total) & (b ^ total)))
    c.gpr[RT] = total
    c.record(Rc, total)


@insn("add[o][.] RT,RA,RB", "31 RT RA RB OE 266 Rc", section="I 3.3.9", carry=False)
@insn("addc[o][.] RT,RA,RB", "31 RT RA RB OE 10 Rc", section="I 3.3.9", carry=True)
def add(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any, carry: bool) -> None:
    add_carrying(c, c.gpr[RA], c.gpr[RB], c.const(0, i1), RT, OE, Rc, carry)


@insn("adde[o][.] RT,RA,RB", "31 RT RA RB OE 138 Rc", section="I 3.3.9")
def adde(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    add_carrying(c, c.gpr[RA], c.gpr[RB], c.ca, RT, OE, Rc, carry=True)


@insn("addme[o][.] RT,RA", "31 RT RA /:5 OE 234 Rc", section="I 3.3.9", b=-1)
@insn("addze[o][.] RT,RA", "31 RT RA /:5 OE 202 Rc", section="I 3.3.9", b=0)
def addze(c: Context, RT: Any, RA: Any, OE: Any, Rc: Any, b: int) -> None:
    add_carrying(c, c.gpr[RA], b, c.ca, RT, OE, Rc, carry=True)


@insn("subfme[o][.] RT,RA", "31 RT RA /:5 OE 232 Rc", section="I 3.3.9", b=-1)
@insn("subfze[o][.] RT,RA", "31 RT RA /:5 OE 200 Rc", section="I 3.3.9", b=0)
def subfze(c: Context, RT: Any, RA: Any, OE: Any, Rc: Any, b: int) -> None:
    add_carrying(c, ~c.gpr[RA], b, c.ca, RT, OE, Rc, carry=True)


@insn("subfe[o][.] RT,RA,RB", "31 RT RA RB OE 136 Rc", section="I 3.3.9")
def subfe(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    add_carrying(c, ~c.gpr[RA], c.gpr[RB], c.ca, RT, OE, Rc, carry=True)


@insn("addex RT,RA,RB,CY", "31 RT RA RB CY 170:8 /", since="3.0B", section="I 3.3.9")
def addex(c: Context, RT: Any, RA: Any, RB: Any, CY: Any) -> None:
    """OV carries in and out. Other values of CY than 0 are reserved; POWER9 takes them as 0."""
    a, b, cin = c.gpr[RA], c.gpr[RB], c.ov
    total = a + b + cin.to(i64)
    c.ov, c.ov32 = both_widths(c, lambda x, sum_: ult(sum_, x) | (eq(sum_, x) & cin), a, total)
    c.gpr[RT] = total


@insn("addpcis RT,DX", "19 RT DX 2:5 DX", since="3.0", section="I 3.3.9")
def addpcis(c: Context, RT: Any, DX: Any) -> None:
    c.gpr[RT] = c.next_pc + (DX << 16)


@insn("addic RT,RA,SI", "12 RT RA SI", section="I 3.3.9", Rc=0)
@insn("addic. RT,RA,SI", "13 RT RA SI", section="I 3.3.9", Rc=1)
def addic(c: Context, RT: Any, RA: Any, SI: Any, Rc: int) -> None:
    add_carrying(c, c.gpr[RA], SI, c.const(0, i1), RT, 0, Rc, carry=True)


def subtract(c: Context, a: Value, b: Any, RT: Any, OE: Any, Rc: Any, carry: bool) -> None:
    """RT = b - a. With no borrow coming in, CA says that b >= a (unsigned)."""
    b = c.const(b).to(i64)
    difference = b - a
    if carry:
        c.carry(*both_widths(c, ule, a, b))
    if OE:
        c.overflow(OE, *both_widths(c, is_negative, (a ^ b) & (b ^ difference)))
    c.gpr[RT] = difference
    c.record(Rc, difference)


@insn("subf[o][.] RT,RA,RB", "31 RT RA RB OE 40 Rc", section="I 3.3.9", carry=False)
@insn("subfc[o][.] RT,RA,RB", "31 RT RA RB OE 8 Rc", section="I 3.3.9", carry=True)
def subf(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any, carry: bool) -> None:
    subtract(c, c.gpr[RA], c.gpr[RB], RT, OE, Rc, carry)


@insn("subfic RT,RA,SI", "8 RT RA SI", section="I 3.3.9")
def subfic(c: Context, RT: Any, RA: Any, SI: Any) -> None:
    subtract(c, c.gpr[RA], SI, RT, 0, 0, carry=True)


@insn("neg[o][.] RT,RA", "31 RT RA /:5 OE 104 Rc", section="I 3.3.9")
def neg(c: Context, RT: Any, RA: Any, OE: Any, Rc: Any) -> None:
    subtract(c, c.gpr[RA], 0, RT, OE, Rc, carry=False)


# -- multiply ---------------------------------------------------------------------------------------------------------


@insn("mulli RT,RA,SI", "7 RT RA SI", section="I 3.3.9")
def mulli(c: Context, RT: Any, RA: Any, SI: Any) -> None:
    c.gpr[RT] = c.gpr[RA] * SI


def product(c: Context, RA: Any, RB: Any, ty: Type, wide: Type, signed: bool) -> Value:
    """The whole product of the low `ty` of two registers."""
    return mul(c.gpr[RA].to(ty).to(wide, signed), c.gpr[RB].to(ty).to(wide, signed))


@insn("mullw[o][.] RT,RA,RB", "31 RT RA RB OE 235 Rc", section="I 3.3.9")
def mullw(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    p = product(c, RA, RB, i32, i64, signed=True)
    if OE:
        c.overflow(OE, p != p.to(i32).to(i64, signed=True))
    c.gpr[RT] = p
    c.record(Rc, p)


@insn("mulld[o][.] RT,RA,RB", "31 RT RA RB OE 233 Rc", section="I 3.3.9")
def mulld(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    low = c.gpr[RA] * c.gpr[RB]
    if OE:
        c.overflow(OE, (product(c, RA, RB, i64, i128, signed=True) >> 64).to(i64) != sar(low, 63))
    c.gpr[RT] = low
    c.record(Rc, low)


@insn("mulhw[.] RT,RA,RB", "31 RT RA RB / 75 Rc", section="I 3.3.9", ty=i32, wide=i64, signed=True)
@insn("mulhwu[.] RT,RA,RB", "31 RT RA RB / 11 Rc", section="I 3.3.9", ty=i32, wide=i64, signed=False)
@insn("mulhd[.] RT,RA,RB", "31 RT RA RB / 73 Rc", section="I 3.3.9", ty=i64, wide=i128, signed=True)
@insn("mulhdu[.] RT,RA,RB", "31 RT RA RB / 9 Rc", section="I 3.3.9", ty=i64, wide=i128, signed=False)
def mulh(c: Context, RT: Any, RA: Any, RB: Any, Rc: Any, ty: Type, wide: Type, signed: bool) -> None:
    high = (product(c, RA, RB, ty, wide, signed) >> ty.bits).to(i64)
    c.gpr[RT] = high
    c.record(Rc, high)


@insn("maddhd RT,RA,RB,RC", "4 RT RA RB RC 48:6", since="3.0", section="I 3.3.9", signed=True)
@insn("maddhdu RT,RA,RB,RC", "4 RT RA RB RC 49:6", since="3.0", section="I 3.3.9", signed=False)
def maddhd(c: Context, RT: Any, RA: Any, RB: Any, RC: Any, signed: bool) -> None:
    c.gpr[RT] = (product(c, RA, RB, i64, i128, signed) + c.gpr[RC].to(i128, signed)) >> 64


@insn("maddld RT,RA,RB,RC", "4 RT RA RB RC 51:6", since="3.0", section="I 3.3.9")
def maddld(c: Context, RT: Any, RA: Any, RB: Any, RC: Any) -> None:
    c.gpr[RT] = c.gpr[RA] * c.gpr[RB] + c.gpr[RC]


# -- random numbers ---------------------------------------------------------------------------------------------------


@insn("darn RT,LR", "31 RT /:3 LR /:5 755:10 /", since="3.0", section="I 3.3.9")
def darn(c: Context, RT: Any, LR: Any) -> None:
    """From a generator of the vCPU (SplitMix64 over the slot `darn`, its seed), so that a run can be repeated.

    LR 0 gives 32 bits, 1 and 2 give 64; 3 is reserved and gives the error value."""
    if LR == 3:
        c.gpr[RT] = -1
        return
    state = c.reg("darn") + 0x9E37_79B9_7F4A_7C15
    c.set_reg("darn", state)
    x = (state ^ (state >> 30)) * 0xBF58_476D_1CE4_E5B9
    x = (x ^ (x >> 27)) * 0x94D0_49BB_1331_11EB
    x = x ^ (x >> 31)
    c.gpr[RT] = x if LR else x & 0xFFFF_FFFF
