"""Floating-point storage access (Book I 4.6.2-4.6.4). Registers hold doubles; the single forms convert without rounding."""

from __future__ import annotations

from functools import partial
from typing import Any

from ...ir.builder import Value
from ...ir.ops import select, ult
from ...ir.ops_float import fp_widen
from ...ir.types import i32, i64
from ..context import Context
from ..insn import insn
from .storage_fixed import effective_address

fp = partial(insn, needs="fp")


def narrowed(bits: Value) -> Value:
    """The single format of a double, as stfs stores it (SINGLE of Book I 4.6.3): fields moved, a denormal shifted
    into place.

    A magnitude below every denormal single gives a zero, where the manual leaves the result open."""
    exponent = (bits >> 52) & 0x7FF
    sign_and_high = (bits >> 62) << 30
    normal = sign_and_high | ((bits >> 29) & 0x3FFF_FFFF)
    fraction = (bits & ((1 << 52) - 1)) | (1 << 52)
    right = 926 - exponent
    denormal = ((bits >> 63) << 31) | (fraction >> select(ult(right, 64), right, 63))
    whole = ult(bits.ir.const(896), exponent) | ((bits << 1) == 0)
    return select(whole, normal, denormal).to(i32)


def load_float(c: Context, FRT: Any, RA: Any, displacement: Any, single: bool, update: bool) -> None:
    """FRT = storage."""
    ea = effective_address(c, RA, displacement, update)
    v = fp_widen(c.load(i32, ea)) if single else c.load(i64, ea)
    if update:
        c.gpr[RA] = c.address(ea)
    c.fpr[FRT] = v


def store_float(c: Context, FRS: Any, RA: Any, displacement: Any, single: bool, update: bool) -> None:
    """Storage = FRS."""
    ea = effective_address(c, RA, displacement, update)
    v = c.fpr[FRS]
    c.store(ea, narrowed(v) if single else v)
    if update:
        c.gpr[RA] = c.address(ea)


@fp("lfs FRT,D(RA)", "48 FRT RA D", section="I 4.6.2", single=True, update=False)
@fp("lfsu FRT,D(RA)", "49 FRT RA D", section="I 4.6.2", single=True, update=True)
@fp("lfd FRT,D(RA)", "50 FRT RA D", section="I 4.6.2", single=False, update=False)
@fp("lfdu FRT,D(RA)", "51 FRT RA D", section="I 4.6.2", single=False, update=True)
def load_d(c: Context, FRT: Any, RA: Any, D: Any, single: bool, update: bool) -> None:
    load_float(c, FRT, RA, D, single, update)


@fp("lfsx FRT,RA,RB", "31 FRT RA RB 535:10 /", section="I 4.6.2", single=True, update=False)
@fp("lfsux FRT,RA,RB", "31 FRT RA RB 567:10 /", section="I 4.6.2", single=True, update=True)
@fp("lfdx FRT,RA,RB", "31 FRT RA RB 599:10 /", section="I 4.6.2", single=False, update=False)
@fp("lfdux FRT,RA,RB", "31 FRT RA RB 631:10 /", section="I 4.6.2", single=False, update=True)
def load_x(c: Context, FRT: Any, RA: Any, RB: Any, single: bool, update: bool) -> None:
    load_float(c, FRT, RA, c.gpr[RB], single, update)


@fp("lfiwax FRT,RA,RB", "31 FRT RA RB 855:10 /", since="2.05", section="I 4.6.2", signed=True)
@fp("lfiwzx FRT,RA,RB", "31 FRT RA RB 887:10 /", since="2.06", section="I 4.6.2", signed=False)
def load_word(c: Context, FRT: Any, RA: Any, RB: Any, signed: bool) -> None:
    c.fpr[FRT] = c.load(i32, effective_address(c, RA, c.gpr[RB])).to(i64, signed)


@fp("stfs FRS,D(RA)", "52 FRS RA D", section="I 4.6.3", single=True, update=False)
@fp("stfsu FRS,D(RA)", "53 FRS RA D", section="I 4.6.3", single=True, update=True)
@fp("stfd FRS,D(RA)", "54 FRS RA D", section="I 4.6.3", single=False, update=False)
@fp("stfdu FRS,D(RA)", "55 FRS RA D", section="I 4.6.3", single=False, update=True)
def store_d(c: Context, FRS: Any, RA: Any, D: Any, single: bool, update: bool) -> None:
    store_float(c, FRS, RA, D, single, update)


@fp("stfsx FRS,RA,RB", "31 FRS RA RB 663:10 /", section="I 4.6.3", single=True, update=False)
@fp("stfsux FRS,RA,RB", "31 FRS RA RB 695:10 /", section="I 4.6.3", single=True, update=True)
@fp("stfdx FRS,RA,RB", "31 FRS RA RB 727:10 /", section="I 4.6.3", single=False, update=False)
@fp("stfdux FRS,RA,RB", "31 FRS RA RB 759:10 /", section="I 4.6.3", single=False, update=True)
def store_x(c: Context, FRS: Any, RA: Any, RB: Any, single: bool, update: bool) -> None:
    store_float(c, FRS, RA, c.gpr[RB], single, update)


@fp("stfiwx FRS,RA,RB", "31 FRS RA RB 983:10 /", section="I 4.6.3")
def stfiwx(c: Context, FRS: Any, RA: Any, RB: Any) -> None:
    c.store(effective_address(c, RA, c.gpr[RB]), c.fpr[FRS].to(i32))


# -- pairs (4.6.4): FRTp and FRTp + 1. The even register is the word at the lower address, in either byte order


def pair(c: Context, field: Any) -> Any:
    """The even register of a pair."""
    return field & ~1 if isinstance(field, int) else field & 30


@fp("lfdp FRTp,DS(RA)", "57 FRTp RA DS 0", since="2.05", section="I 4.6.4")
def lfdp(c: Context, FRTp: Any, RA: Any, DS: Any) -> None:
    load_pair(c, FRTp, effective_address(c, RA, DS))


@fp("lfdpx FRTp,RA,RB", "31 FRTp RA RB 791:10 /", since="2.05", section="I 4.6.4")
def lfdpx(c: Context, FRTp: Any, RA: Any, RB: Any) -> None:
    load_pair(c, FRTp, effective_address(c, RA, c.gpr[RB]))


def load_pair(c: Context, FRTp: Any, ea: Value) -> None:
    """Both are loaded before either register changes."""
    first, second = c.load(i64, ea), c.load(i64, ea + 8)
    even, odd = (second, first) if c.le else (first, second)
    c.fpr[pair(c, FRTp)] = even
    c.fpr[pair(c, FRTp) + 1] = odd


@fp("stfdp FRSp,DS(RA)", "61 FRSp RA DS 0", since="2.05", section="I 4.6.4")
def stfdp(c: Context, FRSp: Any, RA: Any, DS: Any) -> None:
    store_pair(c, FRSp, effective_address(c, RA, DS))


@fp("stfdpx FRSp,RA,RB", "31 FRSp RA RB 919:10 /", since="2.05", section="I 4.6.4")
def stfdpx(c: Context, FRSp: Any, RA: Any, RB: Any) -> None:
    store_pair(c, FRSp, effective_address(c, RA, c.gpr[RB]))


def store_pair(c: Context, FRSp: Any, ea: Value) -> None:
    """In little-endian mode the pair is one number of sixteen bytes: the even register, its upper half, comes last."""
    even, odd = c.fpr[pair(c, FRSp)], c.fpr[pair(c, FRSp) + 1]
    first, second = (odd, even) if c.le else (even, odd)
    c.store(ea, first)
    c.store(ea + 8, second)
