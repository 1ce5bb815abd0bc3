"""Fixed-point division (Book I 3.3.9).

Where the quotient does not fit or the divisor is zero the manual leaves RT undefined; POWER9 gives 0, and so do we.
Word forms leave the high word of RT undefined: zero for quotients, the sign for modsw.
"""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import eq, sdiv, select, slt, srem, udiv, ule, urem
from ...ir.ops_fixed import divdeu
from ...ir.types import Type, i32, i64
from ..context import Context
from ..insn import insn


def undefined(c: Context, a: Value, b: Value, signed: bool) -> Value:
    """Whether a / b has no quotient of its own width."""
    bad = eq(b, 0)
    return bad | (eq(a, 1 << (a.ty.bits - 1)) & eq(b, b.ty.mask)) if signed else bad


def finish(c: Context, RT: Any, OE: Any, Rc: Any, overflowed: Value, quotient: Value) -> None:
    result = select(overflowed, 0, quotient.to(i64))
    c.overflow(OE, overflowed)
    c.gpr[RT] = result
    c.record(Rc, result)


@insn("divw[o][.] RT,RA,RB", "31 RT RA RB OE 491 Rc", section="I 3.3.9", ty=i32, signed=True)
@insn("divwu[o][.] RT,RA,RB", "31 RT RA RB OE 459 Rc", section="I 3.3.9", ty=i32, signed=False)
@insn("divd[o][.] RT,RA,RB", "31 RT RA RB OE 489 Rc", section="I 3.3.9", ty=i64, signed=True)
@insn("divdu[o][.] RT,RA,RB", "31 RT RA RB OE 457 Rc", section="I 3.3.9", ty=i64, signed=False)
def div(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any, ty: Type, signed: bool) -> None:
    a, b = c.gpr[RA].to(ty), c.gpr[RB].to(ty)
    bad = undefined(c, a, b, signed)
    finish(c, RT, OE, Rc, bad, (sdiv if signed else udiv)(a, select(bad, 1, b)))


@insn("modsw RT,RA,RB", "31 RT RA RB 779:10 /", since="3.0", section="I 3.3.9", ty=i32, signed=True)
@insn("moduw RT,RA,RB", "31 RT RA RB 267:10 /", since="3.0", section="I 3.3.9", ty=i32, signed=False)
@insn("modsd RT,RA,RB", "31 RT RA RB 777:10 /", since="3.0", section="I 3.3.9", ty=i64, signed=True)
@insn("modud RT,RA,RB", "31 RT RA RB 265:10 /", since="3.0", section="I 3.3.9", ty=i64, signed=False)
def mod(c: Context, RT: Any, RA: Any, RB: Any, ty: Type, signed: bool) -> None:
    a, b = c.gpr[RA].to(ty), c.gpr[RB].to(ty)
    bad = undefined(c, a, b, signed)
    c.gpr[RT] = (srem if signed else urem)(a, select(bad, 1, b)).to(i64, signed)


# -- extended: the dividend is RA followed by as many zeros -----------------------------------------------------------


@insn("divwe[o][.] RT,RA,RB", "31 RT RA RB OE 427 Rc", since="2.06", section="I 3.3.9")
def divwe(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    a, b = c.gpr[RA] << 32, c.gpr[RB].to(i32).to(i64, signed=True)
    bad = undefined(c, a, b, signed=True)
    quotient = sdiv(a, select(bad, 1, b))
    low = quotient.to(i32)
    finish(c, RT, OE, Rc, bad | (low.to(i64, signed=True) != quotient), low)


@insn("divweu[o][.] RT,RA,RB", "31 RT RA RB OE 395 Rc", since="2.06", section="I 3.3.9")
def divweu(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    a, b = c.gpr[RA] << 32, c.gpr[RB] & 0xFFFF_FFFF
    bad = ule(b << 32, a)
    finish(c, RT, OE, Rc, bad, udiv(a, select(bad, 1, b)))


@insn("divdeu[o][.] RT,RA,RB", "31 RT RA RB OE 393 Rc", since="2.06", section="I 3.3.9")
def divdeu_(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    a, b = c.gpr[RA], c.gpr[RB]
    finish(c, RT, OE, Rc, ule(b, a), divdeu(a, b))


@insn("divde[o][.] RT,RA,RB", "31 RT RA RB OE 425 Rc", since="2.06", section="I 3.3.9")
def divde(c: Context, RT: Any, RA: Any, RB: Any, OE: Any, Rc: Any) -> None:
    a, b = c.gpr[RA], c.gpr[RB]
    negative = slt(a ^ b, 0)
    size_a, size_b = (select(slt(x, 0), -x, x) for x in (a, b))
    size = divdeu(size_a, size_b)
    quotient = select(negative, -size, size)
    misfit = (quotient != 0) & (slt(quotient, 0) ^ negative)  # -2**63 fits, 2**63 does not
    finish(c, RT, OE, Rc, ule(size_b, size_a) | misfit, quotient)
