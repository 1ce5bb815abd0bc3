"""VSX storage access (Book I 7.6.1.1-7.6.1.2). A VSR is a 128-bit number, its doubleword 0 the more significant half.

The forms that move doublewords and words keep element order and use the mode's byte order within an element; lxv and lxvx
move one quadword; lxvb16x and lxvll move bytes, in ascending addresses from the left in either byte order (lxvl from the
right in little-endian mode). Bits that the manual leaves undefined (doubleword 1 of scalars) are zero here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...ir.builder import Value
from ...ir.ops import rotl
from ...ir.ops_float import fp_widen
from ...ir.types import Type, i8, i16, i32, i64, i128
from ..context import Context
from ..insn import insn
from .float_storage import narrowed
from .storage_fixed import effective_address
from .vector_storage import joined

vsx = partial(insn, needs="vsx", section="I 7.6.1")
either = partial(insn, needs="vsx|vec", section="I 7.6.1", since="3.0")  # VSRs 32 to 63 belong to the vector facility
vec = partial(insn, needs="vec", section="I 7.6.1", since="3.0")
Halves = tuple[Value, Value]


def halves(v: Value) -> Halves:
    """Doublewords 0 and 1 of a register."""
    return (v >> 64).to(i64), v.to(i64)


def scalar(high: Value) -> Value:
    """A register with this doubleword 0."""
    return high.to(i128) << 64


# -- scalars


@vsx("lxsdx XT,RA,RB", "31 XT RA RB 588:10 XT", since="2.06", ty=i64, signed=False)
@vsx("lxsiwax XT,RA,RB", "31 XT RA RB 76:10 XT", since="2.07", ty=i32, signed=True)
@vsx("lxsiwzx XT,RA,RB", "31 XT RA RB 12:10 XT", since="2.07", ty=i32, signed=False)
@vsx("lxsihzx XT,RA,RB", "31 XT RA RB 813:10 XT", since="3.0", ty=i16, signed=False)
@vsx("lxsibzx XT,RA,RB", "31 XT RA RB 781:10 XT", since="3.0", ty=i8, signed=False)
def lxs(c: Context, XT: Any, RA: Any, RB: Any, ty: Type, signed: bool) -> None:
    c.vsr[XT] = scalar(c.load(ty, effective_address(c, RA, c.gpr[RB])).to(i64, signed))


@vsx("lxsspx XT,RA,RB", "31 XT RA RB 524:10 XT", since="2.07")
def lxsspx(c: Context, XT: Any, RA: Any, RB: Any) -> None:
    c.vsr[XT] = scalar(fp_widen(c.load(i32, effective_address(c, RA, c.gpr[RB]))))


@vsx("stxsdx XS,RA,RB", "31 XS RA RB 716:10 XS", since="2.06", ty=i64)
@vsx("stxsiwx XS,RA,RB", "31 XS RA RB 140:10 XS", since="2.07", ty=i32)
@vsx("stxsihx XS,RA,RB", "31 XS RA RB 941:10 XS", since="3.0", ty=i16)
@vsx("stxsibx XS,RA,RB", "31 XS RA RB 909:10 XS", since="3.0", ty=i8)
def stxs(c: Context, XS: Any, RA: Any, RB: Any, ty: Type) -> None:
    c.store(effective_address(c, RA, c.gpr[RB]), (c.vsr[XS] >> 64).to(ty))


@vsx("stxsspx XS,RA,RB", "31 XS RA RB 652:10 XS", since="2.07")
def stxsspx(c: Context, XS: Any, RA: Any, RB: Any) -> None:
    c.store(effective_address(c, RA, c.gpr[RB]), narrowed((c.vsr[XS] >> 64).to(i64)))


@vec("lxsd VRT,DS(RA)", "57 VRT RA DS 2", single=False)
@vec("lxssp VRT,DS(RA)", "57 VRT RA DS 3", single=True)
def lxs_ds(c: Context, VRT: Any, RA: Any, DS: Any, single: bool) -> None:
    ea = effective_address(c, RA, DS)
    c.vr[VRT] = scalar(fp_widen(c.load(i32, ea)) if single else c.load(i64, ea))


@vec("stxsd VRS,DS(RA)", "61 VRS RA DS 2", single=False)
@vec("stxssp VRS,DS(RA)", "61 VRS RA DS 3", single=True)
def stxs_ds(c: Context, VRS: Any, RA: Any, DS: Any, single: bool) -> None:
    v = (c.vr[VRS] >> 64).to(i64)
    c.store(effective_address(c, RA, DS), narrowed(v) if single else v)


# -- vectors: two doublewords of storage, and how elements lie in each


def words(c: Context, x: Value) -> Value:
    """A doubleword of two words in storage order, as the register has them, and the other way round."""
    return rotl(x, 32) if c.le else x


def halfwords(c: Context, x: Value) -> Value:
    """A doubleword of storage read in ascending order, as four halfwords of the mode's byte order; its own inverse."""
    even = 0x00FF_00FF_00FF_00FF
    return ((x & even) << 8) | ((x >> 8) & even) if c.le else x


def as_is(c: Context, x: Value) -> Value:
    return x


def load_pair(c: Context, ea: Value, ascending: bool = False) -> Halves:
    """The doublewords at ea and ea + 8; `ascending`: bytes from left to right in either mode."""
    reverse = bool(c.le) if ascending else False
    return c.load(i64, ea, reverse=reverse), c.load(i64, ea + 8, reverse=reverse)


def store_pair(c: Context, ea: Value, first: Value, second: Value, ascending: bool = False) -> None:
    """The inverse of load_pair."""
    reverse = bool(c.le) if ascending else False
    c.store(ea, first, reverse=reverse)
    c.store(ea + 8, second, reverse=reverse)


Arrange = Callable[[Context, Value], Value]


@vsx("lxvd2x XT,RA,RB", "31 XT RA RB 844:10 XT", since="2.06", arrange=as_is, ascending=False)
@vsx("lxvw4x XT,RA,RB", "31 XT RA RB 780:10 XT", since="2.06", arrange=words, ascending=False)
@either("lxvh8x XT,RA,RB", "31 XT RA RB 812:10 XT", arrange=halfwords, ascending=True)
@either("lxvb16x XT,RA,RB", "31 XT RA RB 876:10 XT", arrange=as_is, ascending=True)
def lxv_elements(c: Context, XT: Any, RA: Any, RB: Any, arrange: Arrange, ascending: bool) -> None:
    first, second = load_pair(c, effective_address(c, RA, c.gpr[RB]), ascending)
    c.vsr[XT] = joined(arrange(c, first), arrange(c, second))


@vsx("stxvd2x XS,RA,RB", "31 XS RA RB 972:10 XS", since="2.06", arrange=as_is, ascending=False)
@vsx("stxvw4x XS,RA,RB", "31 XS RA RB 908:10 XS", since="2.06", arrange=words, ascending=False)
@either("stxvh8x XS,RA,RB", "31 XS RA RB 940:10 XS", arrange=halfwords, ascending=True)
@either("stxvb16x XS,RA,RB", "31 XS RA RB 1004:10 XS", arrange=as_is, ascending=True)
def stxv_elements(c: Context, XS: Any, RA: Any, RB: Any, arrange: Arrange, ascending: bool) -> None:
    first, second = halves(c.vsr[XS])
    store_pair(c, effective_address(c, RA, c.gpr[RB]), arrange(c, first), arrange(c, second), ascending)


@vsx("lxvdsx XT,RA,RB", "31 XT RA RB 332:10 XT", since="2.06")
def lxvdsx(c: Context, XT: Any, RA: Any, RB: Any) -> None:
    v = c.load(i64, effective_address(c, RA, c.gpr[RB]))
    c.vsr[XT] = joined(v, v)


@either("lxvwsx XT,RA,RB", "31 XT RA RB 364:10 XT")
def lxvwsx(c: Context, XT: Any, RA: Any, RB: Any) -> None:
    w = c.load(i32, effective_address(c, RA, c.gpr[RB])).to(i64)
    v = w | (w << 32)
    c.vsr[XT] = joined(v, v)


def load_quadword(c: Context, X: Any, ea: Value) -> None:
    """VSR X = the 16 bytes at ea, one number in the mode's byte order; any alignment."""
    first, second = load_pair(c, ea)
    c.vsr[X] = joined(second, first) if c.le else joined(first, second)


def store_quadword(c: Context, X: Any, ea: Value) -> None:
    """The inverse of load_quadword."""
    high, low = halves(c.vsr[X])
    if c.le:
        high, low = low, high
    store_pair(c, ea, high, low)


@either("lxvx XT,RA,RB", "31 XT RA RB 4:4 / 12:5 XT")
def lxvx(c: Context, XT: Any, RA: Any, RB: Any) -> None:
    load_quadword(c, XT, effective_address(c, RA, c.gpr[RB]))


@either("stxvx XS,RA,RB", "31 XS RA RB 396:10 XS")
def stxvx(c: Context, XS: Any, RA: Any, RB: Any) -> None:
    store_quadword(c, XS, effective_address(c, RA, c.gpr[RB]))


@either("lxv XTQ,DQX(RA)", "61 XTQ RA DQX XTQ 1:3")
def lxv(c: Context, XTQ: Any, RA: Any, DQX: Any) -> None:
    load_quadword(c, XTQ, effective_address(c, RA, DQX))


@either("stxv XSQ,DQX(RA)", "61 XSQ RA DQX XSQ 5:3")
def stxv(c: Context, XSQ: Any, RA: Any, DQX: Any) -> None:
    store_quadword(c, XSQ, effective_address(c, RA, DQX))


# -- with a length, in the leftmost byte of RB: helpers


def with_length(c: Context, helper: str, X: Any, RA: Any, RB: Any, leftmost: bool) -> None:
    reverse = int(bool(c.le)) if not leftmost else 0
    c.call(helper, c.address(c.gpr_or_zero(RA)), X if not reverse else X | 64, c.gpr[RB] >> 56, exits=True)


@either("lxvl XT,RA,RB", "31 XT RA RB 269:10 XT", leftmost=False)
@either("lxvll XT,RA,RB", "31 XT RA RB 301:10 XT", leftmost=True)
def lxvl(c: Context, XT: Any, RA: Any, RB: Any, leftmost: bool) -> None:
    with_length(c, "load_vector_part", XT, RA, RB, leftmost)


@either("stxvl XS,RA,RB", "31 XS RA RB 397:10 XS", leftmost=False)
@either("stxvll XS,RA,RB", "31 XS RA RB 429:10 XS", leftmost=True)
def stxvl(c: Context, XS: Any, RA: Any, RB: Any, leftmost: bool) -> None:
    with_length(c, "store_vector_part", XS, RA, RB, leftmost)
