"""Fixed-point rotate and shift (Book I 3.3.14)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import Op, eq, rotl, sar, select, shl, shr, slt, ult
from ...ir.types import M64, i32, i64
from ..context import Context
from ..insn import insn


def mask(mb: Any, me: Any) -> Any:
    """MASK(mb, me): ones from bit mb through bit me of 64, wrapping where mb > me."""
    return rotl(shl(M64, 63 - ((me - mb) & 63)), (64 - mb) & 63)


def rotate_word(c: Context, RS: Any, n: Any, MB: Any, ME: Any) -> tuple[Value, Any]:
    """ROTL32 of a word, and the mask, both as doublewords.

    ROTL32 puts the word in both halves of the register. The mask covers the high half only where MB > ME."""
    if MB <= ME:
        return rotl(c.gpr[RS].to(i32), n).to(i64), mask(MB + 32, ME + 32)
    word = c.gpr[RS] & 0xFFFF_FFFF
    return rotl(word | (word << 32), n), mask(MB + 32, ME + 32)


@insn("rlwinm[.] RA,RS,SH,MB,ME", "21 RS RA SH MB ME Rc", section="I 3.3.14.1")
def rlwinm(c: Context, RS: Any, RA: Any, SH: Any, MB: Any, ME: Any, Rc: Any) -> None:
    rotated, ones = rotate_word(c, RS, SH, MB, ME)
    c.gpr[RA] = result = rotated & ones
    c.record(Rc, result)


@insn("rlwnm[.] RA,RS,RB,MB,ME", "23 RS RA RB MB ME Rc", section="I 3.3.14.1")
def rlwnm(c: Context, RS: Any, RA: Any, RB: Any, MB: Any, ME: Any, Rc: Any) -> None:
    n = c.gpr[RB] & 31
    rotated, ones = rotate_word(c, RS, n.to(i32) if MB <= ME else n, MB, ME)
    c.gpr[RA] = result = rotated & ones
    c.record(Rc, result)


@insn("rlwimi[.] RA,RS,SH,MB,ME", "20 RS RA SH MB ME Rc", section="I 3.3.14.1")
def rlwimi(c: Context, RS: Any, RA: Any, SH: Any, MB: Any, ME: Any, Rc: Any) -> None:
    rotated, ones = rotate_word(c, RS, SH, MB, ME)
    c.gpr[RA] = result = (rotated & ones) | (c.gpr[RA] & ~ones)
    c.record(Rc, result)


@insn("rldicl[.] RA,RS,sh,mb", "30 RS RA sh mb 0:3 sh Rc", section="I 3.3.14.1")
def rldicl(c: Context, RS: Any, RA: Any, sh: Any, mb: Any, Rc: Any) -> None:
    c.gpr[RA] = result = rotl(c.gpr[RS], sh) & mask(mb, 63)
    c.record(Rc, result)


@insn("rldicr[.] RA,RS,sh,me", "30 RS RA sh me 1:3 sh Rc", section="I 3.3.14.1")
def rldicr(c: Context, RS: Any, RA: Any, sh: Any, me: Any, Rc: Any) -> None:
    c.gpr[RA] = result = rotl(c.gpr[RS], sh) & mask(0, me)
    c.record(Rc, result)


@insn("rldic[.] RA,RS,sh,mb", "30 RS RA sh mb 2:3 sh Rc", section="I 3.3.14.1")
def rldic(c: Context, RS: Any, RA: Any, sh: Any, mb: Any, Rc: Any) -> None:
    c.gpr[RA] = result = rotl(c.gpr[RS], sh) & mask(mb, 63 - sh)
    c.record(Rc, result)


@insn("rldimi[.] RA,RS,sh,mb", "30 RS RA sh mb 3:3 sh Rc", section="I 3.3.14.1")
def rldimi(c: Context, RS: Any, RA: Any, sh: Any, mb: Any, Rc: Any) -> None:
    ones = mask(mb, 63 - sh)
    c.gpr[RA] = result = (rotl(c.gpr[RS], sh) & ones) | (c.gpr[RA] & ~ones)
    c.record(Rc, result)


@insn("rldcl[.] RA,RS,RB,mb", "30 RS RA RB mb 8:4 Rc", section="I 3.3.14.1")
def rldcl(c: Context, RS: Any, RA: Any, RB: Any, mb: Any, Rc: Any) -> None:
    c.gpr[RA] = result = rotl(c.gpr[RS], c.gpr[RB] & 63) & mask(mb, 63)
    c.record(Rc, result)


@insn("rldcr[.] RA,RS,RB,me", "30 RS RA RB me 9:4 Rc", section="I 3.3.14.1")
def rldcr(c: Context, RS: Any, RA: Any, RB: Any, me: Any, Rc: Any) -> None:
    c.gpr[RA] = result = rotl(c.gpr[RS], c.gpr[RB] & 63) & mask(0, me)
    c.record(Rc, result)


# -- shifts -----------------------------------------------------------------------------------------------------------


@insn("slw[.] RA,RS,RB", "31 RS RA RB 24 Rc", section="I 3.3.14.2", f=shl)
@insn("srw[.] RA,RS,RB", "31 RS RA RB 536 Rc", section="I 3.3.14.2", f=shr)
def shift_word(c: Context, RS: Any, RA: Any, RB: Any, Rc: Any, f: Op) -> None:
    # A word in a doubleword: shifts by 32 to 63 need no case of their own.
    c.gpr[RA] = result = f(c.gpr[RS] & 0xFFFF_FFFF, c.gpr[RB] & 63) & 0xFFFF_FFFF
    c.record(Rc, result)


@insn("sld[.] RA,RS,RB", "31 RS RA RB 27 Rc", section="I 3.3.14.2", f=shl)
@insn("srd[.] RA,RS,RB", "31 RS RA RB 539 Rc", section="I 3.3.14.2", f=shr)
def shift_doubleword(c: Context, RS: Any, RA: Any, RB: Any, Rc: Any, f: Op) -> None:
    n = c.gpr[RB] & 127
    c.gpr[RA] = result = select(ult(n, 64), f(c.gpr[RS], n & 63), 0)
    c.record(Rc, result)


def shift_algebraic(c: Context, source: Value, n: Any, RA: Any, Rc: Any, whole: Any = 0) -> None:
    """RA = source >> n for n < 64; CA if it is negative and ones were lost (`whole`: its sign bit too)."""
    c.carry(slt(source, 0) & ((source & (shl(c.const(1), n) - 1) != 0) | whole))
    c.gpr[RA] = result = sar(source, n)
    c.record(Rc, result)


@insn("sraw[.] RA,RS,RB", "31 RS RA RB 792 Rc", section="I 3.3.14.2")
def sraw(c: Context, RS: Any, RA: Any, RB: Any, Rc: Any) -> None:
    shift_algebraic(c, c.gpr[RS].to(i32).to(i64, signed=True), c.gpr[RB] & 63, RA, Rc)


@insn("srawi[.] RA,RS,SH", "31 RS RA SH 824 Rc", section="I 3.3.14.2")
def srawi(c: Context, RS: Any, RA: Any, SH: Any, Rc: Any) -> None:
    shift_algebraic(c, c.gpr[RS].to(i32).to(i64, signed=True), SH, RA, Rc)


@insn("srad[.] RA,RS,RB", "31 RS RA RB 794 Rc", section="I 3.3.14.2")
def srad(c: Context, RS: Any, RA: Any, RB: Any, Rc: Any) -> None:
    amount = c.gpr[RB]
    whole = ~eq(amount & 64, 0)
    shift_algebraic(c, c.gpr[RS], select(whole, 63, amount & 63), RA, Rc, whole)


@insn("sradi[.] RA,RS,sh", "31 RS RA sh 413 sh Rc", section="I 3.3.14.2")
def sradi(c: Context, RS: Any, RA: Any, sh: Any, Rc: Any) -> None:
    shift_algebraic(c, c.gpr[RS], sh, RA, Rc)


@insn("extswsli[.] RA,RS,sh", "31 RS RA sh 445 sh Rc", since="3.0", section="I 3.3.14.2")
def extswsli(c: Context, RS: Any, RA: Any, sh: Any, Rc: Any) -> None:
    c.gpr[RA] = result = c.gpr[RS].to(i32).to(i64, signed=True) << sh
    c.record(Rc, result)
