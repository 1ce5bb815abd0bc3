"""Decimal arithmetic on unpacked data (Book I 5.6.1, 5.6.4, 5.6.5): exact results with their exceptions. Compiled.

A datum is (kind, sign, exponent, significand), see decimal_format.py. Every function gives (kind, sign, exponent,
significand, flags, format); flags are exception bits of FPSCR with FR and FI.
"""

from __future__ import annotations

import numpy as np

from .. import dfp, fpscr
from .decimal_format import FINITE, INFINITE, QUIET_NAN, SIGNALLING_NAN, most_exponent, precision
from .decimal_round import DOWNWARD, NOTHING, cut, mode_of, quantized, rounded
from .decimal_wide import ONE, ZERO, digits, is_nothing, last_digits, less, minus, plus, product, quotient, reduced, scaled
from .machinery import compiled, inlined, u64

VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ, VXCVI, ZX = (
    u64(x) for x in (fpscr.VXSNAN, fpscr.VXISI, fpscr.VXIDI, fpscr.VXZDZ, fpscr.VXIMZ, fpscr.VXCVI, fpscr.ZX)
)
NAMED_MODES = np.array([0, 1, 4, 0, 2, 3, 6, 5], np.uint64)  # RMC; from 4 on with R (Book I 5.5.2)
SIGN = u64(1 << 63)
ROUND_BY_DRN = u64(3)


@compiled
def invalid(flags, declets):  # type: ignore[no-untyped-def]
    """The default NaN."""
    return QUIET_NAN, ZERO, np.int64(0), NOTHING, flags, declets


@compiled
def quieted(a, declets):  # type: ignore[no-untyped-def]
    """A NaN operand as a result."""
    return QUIET_NAN, a[1], np.int64(0), a[3], VXSNAN if a[0] == SIGNALLING_NAN else ZERO, declets


@compiled
def first_nan(a, b, declets):  # type: ignore[no-untyped-def]
    """The NaN that two operands of which one is a NaN give: a signalling one goes first."""
    if a[0] == SIGNALLING_NAN or (a[0] == QUIET_NAN and b[0] != SIGNALLING_NAN):
        return quieted(a, declets)
    return quieted(b, declets)


@compiled
def infinity(sign, declets):  # type: ignore[no-untyped-def]
    return INFINITE, sign, np.int64(0), NOTHING, ZERO, declets


@inlined
def finished(sign, e, x, lost, ideal, declets, source, control):  # type: ignore[no-untyped-def]
    """A finite result, rounded."""
    kind, e, x, flags, delivered = rounded(sign, e, x, lost, ideal, declets, source, control)
    return kind, sign, e, x, flags, delivered


@inlined
def added(a, b, declets, control):  # type: ignore[no-untyped-def]
    if a[0] > INFINITE or b[0] > INFINITE:
        return first_nan(a, b, declets)
    if a[0] == INFINITE:
        if b[0] == INFINITE and a[1] != b[1]:
            return invalid(VXISI, declets)
        return infinity(a[1], declets)
    if b[0] == INFINITE:
        return infinity(b[1], declets)
    ideal = min(a[2], b[2])
    down = ONE if mode_of(control) == DOWNWARD else ZERO
    if is_nothing(a[3]):
        if is_nothing(b[3]):
            return FINITE, (a[1] if a[1] == b[1] else down), ideal, NOTHING, ZERO, declets
        return finished(b[1], b[2], b[3], False, ideal, declets, declets, control)
    if is_nothing(b[3]):
        return finished(a[1], a[2], a[3], False, ideal, declets, declets, control)
    if a[2] < b[2]:
        a, b = b, a
    # Two digits more than the format has are enough: what of b lies below them only says that there is something
    shift = min(a[2] - b[2], np.int64(precision(declets) + 2))
    x, e = scaled(a[3], shift), a[2] - shift
    y, lost = b[3], False
    if e > b[2]:
        y, digit, lost = reduced(y, min(e - b[2], np.int64(40)))
        lost = lost or digit != ZERO
    if a[1] == b[1]:
        return finished(a[1], e, plus(x, y), lost, ideal, declets, declets, control)
    sign = a[1]
    if less(x, y):
        x, y, sign = y, x, b[1]
    x = minus(x, y)
    if lost:  # then x was the larger by far
        x = minus(x, (ONE, ZERO, ZERO, ZERO))
    if is_nothing(x) and not lost:
        sign = down
    return finished(sign, e, x, lost, ideal, declets, declets, control)


@inlined
def multiplied(a, b, declets, control):  # type: ignore[no-untyped-def]
    if a[0] > INFINITE or b[0] > INFINITE:
        return first_nan(a, b, declets)
    sign = a[1] ^ b[1]
    if a[0] == INFINITE or b[0] == INFINITE:
        if (a[0] == FINITE and is_nothing(a[3])) or (b[0] == FINITE and is_nothing(b[3])):
            return invalid(VXIMZ, declets)
        return infinity(sign, declets)
    x = product(a[3][1], a[3][0], b[3][1], b[3][0])
    e = a[2] + b[2]
    return finished(sign, e, x, False, e, declets, declets, control)


@inlined
def divided(a, b, declets, control):  # type: ignore[no-untyped-def]
    if a[0] > INFINITE or b[0] > INFINITE:
        return first_nan(a, b, declets)
    sign = a[1] ^ b[1]
    if a[0] == INFINITE:
        return invalid(VXIDI, declets) if b[0] == INFINITE else infinity(sign, declets)
    if b[0] == INFINITE:
        return finished(sign, np.int64(0), NOTHING, False, np.int64(-(1 << 20)), declets, declets, control)
    ideal = a[2] - b[2]
    if is_nothing(b[3]):
        if is_nothing(a[3]):
            return invalid(VXZDZ, declets)
        return INFINITE, sign, np.int64(0), NOTHING, ZX, declets
    if is_nothing(a[3]):
        return finished(sign, ideal, NOTHING, False, ideal, declets, declets, control)
    shift = max(np.int64(precision(declets) + 1 + digits(b[3]) - digits(a[3])), np.int64(0))
    x, lost = quotient(scaled(a[3], shift), b[3][1], b[3][0])
    return finished(sign, ideal - shift, x, lost, ideal, declets, declets, control)


@compiled
def named_mode(R, RMC, control):  # type: ignore[no-untyped-def]
    """The rounding mode that an instruction names."""
    if R == ZERO and RMC == ROUND_BY_DRN:
        return mode_of(control)
    return NAMED_MODES[R << u64(2) | RMC]


@inlined
def with_exponent(target, b, mode, declets):  # type: ignore[no-untyped-def]
    """Finite b with the exponent `target`; the default NaN where its digits do not fit."""
    x, flags, fits = quantized(b[1], b[2], b[3], target, precision(declets), mode)
    if not fits:
        return invalid(VXCVI, declets)
    return FINITE, b[1], target, x, flags, declets


@inlined
def quantize(a, b, mode, declets):  # type: ignore[no-untyped-def]
    """b with the exponent of a."""
    if a[0] > INFINITE or b[0] > INFINITE:
        return first_nan(a, b, declets)
    if a[0] == INFINITE or b[0] == INFINITE:
        return infinity(b[1], declets) if a[0] == b[0] else invalid(VXCVI, declets)
    return with_exponent(a[2], b, mode, declets)


@compiled
def quantize_immediate(target, b, mode, declets):  # type: ignore[no-untyped-def]
    if b[0] > INFINITE:
        return quieted(b, declets)
    if b[0] == INFINITE:
        return invalid(VXCVI, declets)
    return with_exponent(target, b, mode, declets)


@compiled
def reround(significance, b, mode, declets):  # type: ignore[no-untyped-def]
    """b with at most so many significant digits; 0: as it is."""
    if b[0] > INFINITE:
        return quieted(b, declets)
    if b[0] == INFINITE:
        return infinity(b[1], declets)
    excess = np.int64(digits(b[3])) - np.int64(significance)
    if significance == ZERO or excess <= 0:
        return FINITE, b[1], b[2], b[3], ZERO, declets
    x, flags = cut(b[1], b[3], False, excess, mode)
    e = b[2] + excess
    if digits(x) > np.int64(significance):  # carried over: the last digit is zero
        x, _, _ = reduced(x, 1)
        e += 1
    if e > most_exponent(declets):
        return invalid(VXCVI, declets)
    return FINITE, b[1], e, x, flags, declets


@compiled
def integral(b, mode, exact, declets):  # type: ignore[no-untyped-def]
    """b rounded to an integral value. exact: that is no exception."""
    if b[0] > INFINITE:
        return quieted(b, declets)
    if b[0] == INFINITE:
        return infinity(b[1], declets)
    if b[2] >= 0:
        return FINITE, b[1], b[2], b[3], ZERO, declets
    x, flags, _ = quantized(b[1], b[2], b[3], np.int64(0), precision(declets), mode)
    return FINITE, b[1], np.int64(0), x, ZERO if exact else flags, declets


@compiled
def widened(b, declets):  # type: ignore[no-untyped-def]
    """b in a larger format. A short signalling NaN stays one: short is a format for storage."""
    if b[0] == SIGNALLING_NAN and declets == dfp.LONG:
        return SIGNALLING_NAN, b[1], np.int64(0), b[3], ZERO, declets
    if b[0] > INFINITE:
        return quieted(b, declets)
    if b[0] == INFINITE:
        return infinity(b[1], declets)
    return FINITE, b[1], b[2], b[3], ZERO, declets


@compiled
def narrowed(b, declets, source, control):  # type: ignore[no-untyped-def]
    """b rounded to a smaller format."""
    if b[0] > INFINITE:
        kept = last_digits(b[3], precision(declets) - 1)
        if b[0] == SIGNALLING_NAN and declets == dfp.SHORT:
            return SIGNALLING_NAN, b[1], np.int64(0), kept, ZERO, declets
        return quieted((b[0], b[1], b[2], kept), declets)
    if b[0] == INFINITE:
        return infinity(b[1], declets)
    return finished(b[1], b[2], b[3], False, b[2], declets, source, control)


@compiled
def from_fixed(b, declets, control):  # type: ignore[no-untyped-def]
    """A signed doubleword."""
    sign = b >> u64(63)
    x = (ZERO - b if sign else b, ZERO, ZERO, ZERO)
    return finished(sign, np.int64(0), x, False, np.int64(0), declets, declets, control)


@compiled
def to_fixed(b, control):  # type: ignore[no-untyped-def]
    """(doubleword, flags): a signed integer, saturating; a NaN gives the least."""
    if b[0] > INFINITE:
        return SIGN, VXCVI | (VXSNAN if b[0] == SIGNALLING_NAN else ZERO)
    saturated = SIGN if b[1] else SIGN - ONE
    if b[0] == INFINITE:
        return saturated, VXCVI
    x, flags, fits = quantized(b[1], b[2], b[3], np.int64(0), np.int64(20), mode_of(control))
    limit = SIGN if b[1] else SIGN - ONE
    if not fits or x[1] | x[2] | x[3] != ZERO or x[0] > limit:
        return saturated, VXCVI
    return (ZERO - x[0] if b[1] else x[0]), flags
