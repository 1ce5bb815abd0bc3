"""Conversions and roundings of one number on the host, as float_model.py has arithmetic; classic and VSX alike.

Numbers are doubles in 64 bits, or integers; each function leaves where the host cannot know the answer.
"""

from __future__ import annotations

from typing import Any

from ... import fpscr
from ...fpscr import SIGN, SINGLE, TRUNCATE
from ...ir.builder import Value
from ...ir.ops import select, shl, sub, ult
from ...ir.ops_float import fp_mul, fp_single_bits, fp_sub, fp_unordered
from ...ir.ops_float_convert import fp_ceil, fp_floor, fp_from_s64, fp_rint, fp_single_from_s64, fp_to_s64, fp_trunc
from ..context import Context
from .float_model import KIND, LEAST_SINGLE, leave_if


def to_nearest_away(b: Value) -> Value:
    """The nearest integral value, ties away from zero, by adding half of what is to be cut off."""
    e = (b >> 52) & 0x7FF
    cut = sub(1075, e)  # fraction bits below the point
    half = shl(b.ir.const(1), select(ult(cut - 1, 52), cut, 1) - 1)
    whole = (b + half) & ~((half << 1) - 1)
    small = (b & SIGN) | select(e == 1022, b.ir.const(0x3FF << 52), 0)
    return select(ult(e, 1023), small, select(ult(e, 1075), whole, b))


TWO_63, TWO_64 = 0x43E << 52, 0x43F << 52
BOUNDS = {  # the magnitude from which a conversion leaves: anything below it fits after rounding
    fpscr.TO_S64: TWO_63,
    fpscr.TO_U64: TWO_64,
    fpscr.TO_S32: 0x41DF_FFFF_FFE0_0000,
    fpscr.TO_U32: 0x41EF_FFFF_FFF0_0000,
}
ROUNDINGS: dict[int, Any] = {
    fpscr.RIN: to_nearest_away,
    fpscr.RIZ: fp_trunc,
    fpscr.RIP: fp_ceil,
    fpscr.RIM: fp_floor,
    fpscr.RIC: fp_rint,
}
HALF_SCALE = (1023 + 1008) << 52  # a half's bits, moved to where a double has them, are this factor too small


def to_integer(c: Context, op: int, b: Value) -> Value:
    """A double as an integer of 64 bits, by truncation or to nearest."""
    kind = op & KIND
    signed = kind in (fpscr.TO_S64, fpscr.TO_S32)
    leave_if(c, ~ult(b & ~SIGN if signed else b, BOUNDS[kind]), op)
    if kind != fpscr.TO_U64:
        return fp_to_s64(b if op & TRUNCATE else fp_rint(b))
    large = ~ult(b, TWO_63)
    b = fp_sub(b, select(large, c.const(TWO_63), 0))
    return fp_to_s64(b if op & TRUNCATE else fp_rint(b)) ^ select(large, c.const(SIGN), 0)


def from_integer(c: Context, op: int, b: Value) -> Value:
    """An integer of 64 bits as a double, rounded to it or to a single."""
    convert = fp_single_from_s64 if op & SINGLE else fp_from_s64
    if op & KIND == fpscr.FROM_S64:
        return convert(b)
    large = (b & SIGN) != 0  # halved, with a sticky bit below all that can count, and doubled again
    return convert(select(large, (b >> 1) | (b & 1), b)) + select(large, c.const(1 << 52), 0)


def to_single_bits(c: Context, op: int, b: Value) -> Value:
    """The single nearest to a double, in 32 bits."""
    leave_if(c, fp_unordered(b, b) | ult((b & ~SIGN) - 1, LEAST_SINGLE), op)
    return fp_single_bits(b)


def rounded_to_integral(c: Context, op: int, b: Value) -> Value:
    """A double rounded to an integral value."""
    return ROUNDINGS[op & KIND](widened(c, op, b))


def widened(c: Context, op: int, b: Value) -> Value:
    """A number that has become a double without loss; a NaN leaves."""
    leave_if(c, fp_unordered(b, b), op)
    return b


def from_half(c: Context, op: int, b: Value) -> Value:
    """A half's bits as a double; infinities leave too."""
    magnitude = (b & 0x7FFF) << 42
    leave_if(c, ~ult(magnitude, 0x1F << 52), op)
    return fp_mul(magnitude, c.const(HALF_SCALE)) | ((b >> 15) << 63)


__all__ = ["from_half", "from_integer", "rounded_to_integral", "to_integer", "to_single_bits", "widened"]
