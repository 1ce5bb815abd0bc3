"""A quad-precision operation by its number (fpscr.py): exact result and exceptions. Compiled; quad.py has the arithmetic.

`compute(op, x, y, z, mode, control)` gives (high, low, flags): x, y and z are pairs of doublewords, VRA, VRB and VRT (a
multiply-add is x * y + z; what has one operand has it in y), `mode` the rounding, `control` FPSCR. A result that is no quad is
in `high`. The rest is as in float_compute.py.
"""

from __future__ import annotations

import numpy as np

from .. import fpscr
from . import softfloat
from .float_compute import integer_limits
from .machinery import compiled, inlined, leading_zeros, u64
from .quad import (
    DEFAULT_NAN,
    DOUBLE,
    EXTENDED,
    FRACTION,
    INFINITY,
    QUIET,
    SIGN,
    cut,
    finished,
    finishing,
    is_infinite,
    is_nan,
    is_signalling,
    is_zero,
    pack,
    product,
    quotient,
    root,
    rounded,
    shifted_left,
    summed,
    total,
    unpack,
    widened,
)
from .softfloat import (
    ADD,
    CMPO,
    CMPU,
    DIV,
    FI,
    FR,
    FROM_S64,
    FROM_U64,
    KIND,
    MADD,
    MSUB,
    MUL,
    NMADD,
    NMSUB,
    ONE,
    SQRT,
    SUB,
    TO_S64,
    TO_U32,
    TOP,
    VE,
    VXCVI,
    VXIDI,
    VXIMZ,
    VXISI,
    VXSNAN,
    VXSQRT,
    VXVC,
    VXZDZ,
    XX,
    ZERO,
    ZX,
)

FROM_DOUBLE, TO_DOUBLE, TO_EXTENDED, TO_INTEGRAL = (
    u64(x) for x in (fpscr.FROM_DOUBLE, fpscr.TO_DOUBLE, fpscr.TO_EXTENDED, fpscr.TO_INTEGRAL)
)
INEXACT = u64(fpscr.INEXACT)
DOUBLE_INFINITY, DOUBLE_FRACTION = u64(fpscr.INFINITY), u64((1 << 52) - 1)


@inlined
def sum_of(x, y, mode, control):  # type: ignore[no-untyped-def]
    (xh, xl), (yh, yl) = x, y
    if is_infinite(xh, xl) or is_infinite(yh, yl):
        if is_infinite(xh, xl) and is_infinite(yh, yl) and xh != yh:
            return DEFAULT_NAN, ZERO, VXISI
        return (xh if is_infinite(xh, xl) else yh), ZERO, ZERO
    if is_zero(xh, xl) and is_zero(yh, yl):
        return (xh if xh == yh else SIGN if mode == softfloat.DOWN else ZERO), ZERO, ZERO
    if is_zero(xh, xl) or is_zero(yh, yl):
        high, low = y if is_zero(xh, xl) else x
        e, h, w = unpack(high, low)
        return finished(high >> u64(63), e, h, w, mode, control)
    return summed(xh >> u64(63), unpack(xh, xl), yh >> u64(63), unpack(yh, yl), mode, control)


@compiled
def add(x, y, mode, control):  # type: ignore[no-untyped-def]
    return sum_of(x, y, mode, control)


@inlined
def multiply_add(x, y, z, adds, mode, control):  # type: ignore[no-untyped-def]
    """x * y, + z if `adds`; x and y are no NaNs."""
    (xh, xl), (yh, yl), (zh, zl) = x, y, z
    sign = (xh ^ yh) & SIGN
    if is_infinite(xh, xl) or is_infinite(yh, yl):
        if is_zero(xh, xl) or is_zero(yh, yl):
            return DEFAULT_NAN, ZERO, VXIMZ
        if adds and is_infinite(zh, zl) and (zh ^ sign) & SIGN:
            return DEFAULT_NAN, ZERO, VXISI
        return sign | INFINITY, ZERO, ZERO
    if adds and is_infinite(zh, zl):
        return zh, zl, ZERO
    if is_zero(xh, xl) or is_zero(yh, yl):
        return add((sign, ZERO), z, mode, control) if adds else (sign, ZERO, ZERO)
    p = product(unpack(xh, xl), unpack(yh, yl))
    if not adds or is_zero(zh, zl):
        e, w3, w2, w1, w0 = p
        return finishing(sign >> u64(63), e, w3 << ONE | w2 >> u64(63), w2 << ONE | u64(w1 | w0 != ZERO), mode, control)
    return total(sign >> u64(63), p, zh >> u64(63), widened(unpack(zh, zl)), mode, control)


@inlined
def divide(x, y, mode, control):  # type: ignore[no-untyped-def]
    (xh, xl), (yh, yl) = x, y
    sign = (xh ^ yh) & SIGN
    if is_infinite(xh, xl):
        return (DEFAULT_NAN, ZERO, VXIDI) if is_infinite(yh, yl) else (sign | INFINITY, ZERO, ZERO)
    if is_infinite(yh, yl):
        return sign, ZERO, ZERO
    if is_zero(yh, yl):
        return (DEFAULT_NAN, ZERO, VXZDZ) if is_zero(xh, xl) else (sign | INFINITY, ZERO, ZX)
    if is_zero(xh, xl):
        return sign, ZERO, ZERO
    e, high, low = quotient(unpack(xh, xl), unpack(yh, yl))
    return finishing(sign >> u64(63), e, high, low, mode, control)


@inlined
def square_root(y, mode, control):  # type: ignore[no-untyped-def]
    yh, yl = y
    if is_zero(yh, yl):
        return yh, yl, ZERO
    if yh & SIGN:
        return DEFAULT_NAN, ZERO, VXSQRT
    if is_infinite(yh, yl):
        return yh, yl, ZERO
    e, high, low = root(unpack(yh, yl))
    return finished(ZERO, e, high, low, mode, control)


@compiled
def integral(y, mode, inexact):  # type: ignore[no-untyped-def]
    """Rounded to an integral value; XX, FI and FR only for the form that tells."""
    yh, yl = y
    if is_zero(yh, yl) or is_infinite(yh, yl):
        return yh, yl, ZERO
    sign = yh >> u64(63)
    e, high, low = unpack(yh, yl)
    if e >= np.int64(112):
        return yh, yl, ZERO
    if e < np.int64(-1):
        e, high, low = np.int64(-1), ONE, ZERO
    high, low, carry, cut_off, up = cut(sign, high, low, e + np.int64(1), mode)
    flags = XX | FI | (FR if up else ZERO) if inexact and cut_off else ZERO
    if carry:
        e += np.int64(1)
    if high == ZERO:
        return yh & SIGN, ZERO, flags
    high, low = pack(sign, e, high, low)
    return high, low, flags


@compiled
def to_integer(kind, y):  # type: ignore[no-untyped-def]
    """(integer, 0, flags), cut towards zero, saturating; a NaN gives the least. Words are extended."""
    yh, yl = y
    most, least, signed = integer_limits(kind)
    if is_nan(yh, yl):
        return least, ZERO, VXCVI | (VXSNAN if is_signalling(yh, yl) else ZERO)
    if is_zero(yh, yl):
        return ZERO, ZERO, ZERO
    negative = yh & SIGN != ZERO
    e, high, low = unpack(yh, yl)
    if is_infinite(yh, yl) or e > np.int64(63):
        return (least if negative else most), ZERO, VXCVI
    if e < np.int64(0):
        return ZERO, ZERO, FI | XX
    whole = high >> u64(np.int64(63) - e)
    rest, more = shifted_left(high, low, u64(e + np.int64(1)))
    flags = FI | XX if rest | more else ZERO
    if whole > (most if not negative else most + ONE if signed else ZERO):
        return (least if negative else most), ZERO, VXCVI
    return (ZERO - whole if negative else whole), ZERO, flags


@inlined
def from_integer(x, negative):  # type: ignore[no-untyped-def]
    """Exact."""
    if x == ZERO:
        return ZERO, ZERO, ZERO
    if negative:
        x = ZERO - x
    n = leading_zeros(x)
    high, low = pack(u64(negative), np.int64(63) - np.int64(n), x << n, ZERO)
    return high, low, ZERO


@inlined
def from_double(x):  # type: ignore[no-untyped-def]
    """Exact; a NaN becomes quiet."""
    sign = x & SIGN
    if softfloat.is_nan(x):
        flags = VXSNAN if softfloat.is_signalling(x) else ZERO
        return sign | INFINITY | QUIET | (x & DOUBLE_FRACTION) >> u64(4), x << u64(60), flags
    if softfloat.is_infinite(x):
        return sign | INFINITY, ZERO, ZERO
    if softfloat.is_zero(x):
        return x, ZERO, ZERO
    e, sig = softfloat.unpack(x)
    high, low = pack(x >> u64(63), e, sig, ZERO)
    return high, low, ZERO


@inlined
def to_double(y, mode, control):  # type: ignore[no-untyped-def]
    """Rounded to a double, in doubleword 0."""
    yh, yl = y
    sign = yh & SIGN
    if is_nan(yh, yl):
        flags = VXSNAN if is_signalling(yh, yl) else ZERO
        return sign | DOUBLE_INFINITY | softfloat.QUIET | (yh & FRACTION) << u64(4) | yl >> u64(60), ZERO, flags
    if is_infinite(yh, yl):
        return sign | DOUBLE_INFINITY, ZERO, ZERO
    if is_zero(yh, yl):
        return sign, ZERO, ZERO
    e, high, low = unpack(yh, yl)
    e, high, low, flags = rounded(sign >> u64(63), e, high, low, DOUBLE, mode, control)
    exponent = u64(e + np.int64(1023)) & u64(0x7FF) if high & TOP else ZERO
    return sign | exponent << u64(52) | (high & ~TOP) >> u64(11), ZERO, flags


@compiled
def to_extended(y, mode, control):  # type: ignore[no-untyped-def]
    """Rounded to 64 digits, as a quad; a NaN's fraction is cut to as many."""
    yh, yl = y
    cut_off = u64((1 << 49) - 1)
    if is_nan(yh, yl):
        return yh | QUIET, yl & ~cut_off, (VXSNAN if is_signalling(yh, yl) else ZERO)
    if is_zero(yh, yl) or is_infinite(yh, yl):
        return yh, yl, ZERO
    e, high, low = unpack(yh, yl)
    e, high, low, flags = rounded(yh >> u64(63), e, high, low, EXTENDED, mode, control)
    high, low = pack(yh >> u64(63), e, high, low)
    return high, low, flags


@compiled
def compare(kind, x, y, control):  # type: ignore[no-untyped-def]
    """FPCC and flags, as float_compute.compare."""
    (xh, xl), (yh, yl) = x, y
    if is_nan(xh, xl) or is_nan(yh, yl):
        flags = VXSNAN if is_signalling(xh, xl) or is_signalling(yh, yl) else ZERO
        if kind == CMPO and (flags == ZERO or control & VE == ZERO):
            flags |= VXVC
        return ONE, ZERO, flags
    if (xh == yh and xl == yl) or (is_zero(xh, xl) and is_zero(yh, yl)):
        return u64(2), ZERO, ZERO
    negative = xh & SIGN != ZERO
    if (xh ^ yh) & SIGN:
        return (u64(8) if negative else u64(4)), ZERO, ZERO
    less = (xh < yh or (xh == yh and xl < yl)) != negative
    return (u64(8) if less else u64(4)), ZERO, ZERO


@inlined
def with_nan(kind, x, y, z):  # type: ignore[no-untyped-def]
    """(whether a NaN decides, high, low, flags) of arithmetic: VRA's goes before VRT's, that before VRB's."""
    (xh, xl), (yh, yl), (zh, zl) = x, y, z
    three = kind >= MADD and kind <= NMSUB
    two = three or kind <= DIV
    first, second, third = two and is_nan(xh, xl), is_nan(yh, yl), three and is_nan(zh, zl)
    flags = ZERO
    if (first and xh & QUIET == ZERO) or (second and yh & QUIET == ZERO) or (third and zh & QUIET == ZERO):
        flags = VXSNAN
    if first:
        return True, xh | QUIET, xl, flags
    if third:
        infinite, nil = is_infinite(xh, xl) or is_infinite(yh, yl), is_zero(xh, xl) or is_zero(yh, yl)
        return True, zh | QUIET, zl, flags | (VXIMZ if infinite and nil else ZERO)
    return second, yh | QUIET, yl, flags


@inlined
def arithmetic(kind, x, y, z, mode, control):  # type: ignore[no-untyped-def]
    nan, high, low, flags = with_nan(kind, x, y, z)
    if nan:
        return high, low, flags
    if kind == ADD or kind == SUB:
        return sum_of(x, ((y[0] ^ SIGN if kind == SUB else y[0]), y[1]), mode, control)
    if kind == DIV:
        return divide(x, y, mode, control)
    if kind == SQRT:
        return square_root(y, mode, control)
    if kind == MSUB or kind == NMSUB:
        z = z[0] ^ SIGN, z[1]
    high, low, flags = multiply_add(x, y, z, kind != MUL, mode, control)
    if (kind == NMADD or kind == NMSUB) and not is_nan(high, low):
        high ^= SIGN
    return high, low, flags


@inlined
def compute(op, x, y, z, mode, control):  # type: ignore[no-untyped-def]
    """(high, low, flags)."""
    kind = op & KIND
    if kind >= ADD and kind <= NMSUB:
        return arithmetic(kind, x, y, z, mode, control)
    if kind == CMPU or kind == CMPO:
        return compare(kind, x, y, control)
    if kind >= TO_S64 and kind <= TO_U32:
        return to_integer(kind, y)
    if kind == FROM_S64 or kind == FROM_U64:
        return from_integer(y[0], kind == FROM_S64 and y[0] & SIGN != ZERO)
    if kind == FROM_DOUBLE:
        return from_double(y[0])
    if kind == TO_DOUBLE:
        return to_double(y, mode, control)
    if kind == TO_EXTENDED:
        return to_extended(y, mode, control)
    high, low = y
    if is_nan(high, low):
        return high | QUIET, low, (VXSNAN if is_signalling(high, low) else ZERO)
    return integral(y, mode, op & INEXACT != ZERO)
