"""Decimal data taken apart and put together: the combination field, densely packed digits (Book I 5.2). Compiled.

A datum is (kind, sign, exponent, high, low): its significand, or a NaN's payload, is the integer high * 2**64 + low, and
a finite number is that times 10**exponent. Formats are known by their number of declets (dfp.py); encodings are
(high, low), right-aligned in 128 bits.
"""

from __future__ import annotations

import numpy as np

from .. import dfp
from .decimal_wide import POWERS, digits, over, plus, times
from .machinery import compiled, inlined, u64

ZERO, ONE = u64(0), u64(1)
FINITE, INFINITE, QUIET_NAN, SIGNALLING_NAN = (u64(x) for x in (dfp.FINITE, dfp.INFINITE, dfp.QUIET_NAN, dfp.SIGNALLING_NAN))
SHORT, LONG, QUAD = dfp.SHORT, dfp.LONG, dfp.QUAD
BIASES, CONTINUATIONS = (np.array([d.get(n, 0) for n in range(dfp.QUAD + 1)], np.int64) for d in (dfp.BIAS, dfp.CONTINUATION))
THOUSAND, BILLION, TEN_15, DECLET = u64(1000), u64(10**9), u64(10**15), u64(0x3FF)


def declet_value(x: int) -> int:
    """The three digits of a declet, as a number (Book I 5.2.3 and appendix "Densely Packed Decimal")."""
    p, q, r, s, t, u, v, w, z, y = (x >> n & 1 for n in range(9, -1, -1))
    first, second, third = 4 * p + 2 * q + r, 4 * s + 2 * t + u, 4 * w + 2 * z + y
    if v:
        if (w, z) == (0, 0):
            third = 8 + y
        elif (w, z) == (0, 1):
            second, third = 8 + u, 4 * s + 2 * t + y
        elif (w, z) == (1, 0):
            first, third = 8 + r, 4 * p + 2 * q + y
        elif (s, t) == (0, 0):
            first, second, third = 8 + r, 8 + u, 4 * p + 2 * q + y
        elif (s, t) == (0, 1):
            first, second, third = 8 + r, 4 * p + 2 * q + u, 8 + y
        elif (s, t) == (1, 0):
            second, third = 8 + u, 8 + y
        else:
            first, second, third = 8 + r, 8 + u, 8 + y
    return 100 * first + 10 * second + third


VALUES = np.array([declet_value(x) for x in range(1024)], np.uint64)
DECLETS = np.zeros(1000, np.uint64)
for _x in range(1023, -1, -1):  # the canonical of several is the least
    DECLETS[int(VALUES[_x])] = _x


@compiled
def precision(declets):  # type: ignore[no-untyped-def]
    """Digits of a significand."""
    return 3 * declets + 1


@compiled
def least_exponent(declets):  # type: ignore[no-untyped-def]
    return -BIASES[declets]


@compiled
def most_exponent(declets):  # type: ignore[no-untyped-def]
    return (np.int64(3) << CONTINUATIONS[declets]) - np.int64(1) - BIASES[declets]


@compiled
def declets_value(high, low, first, start, stop):  # type: ignore[no-untyped-def]
    """The number of at most 19 digits whose leading digit is `first`, the others in declets start-1 down to stop."""
    value = first
    for n in range(start - 1, stop - 1, -1):
        at = u64(10 * n)
        if n < 6:
            declet = low >> at
        elif n == 6:  # it lies in both halves
            declet = high << u64(4) | low >> at
        else:
            declet = high >> (at - u64(64))
        value = value * THOUSAND + VALUES[declet & DECLET]
    return value


@inlined
def from_declets(high, low, first, declets):  # type: ignore[no-untyped-def]
    """The number whose leading digit is `first` and whose other digits are the last declets of an encoding."""
    if declets < 6:
        return declets_value(high, low, first, declets, 0), ZERO, ZERO, ZERO
    x = times((declets_value(high, low, first, declets, 5), ZERO, ZERO, ZERO), TEN_15)
    return plus(x, (declets_value(high, low, ZERO, 5, 0), ZERO, ZERO, ZERO))


@inlined
def to_declets(x, declets):  # type: ignore[no-untyped-def]
    """(high, low, leading digit): the inverse, canonical."""
    high = low = ZERO
    if declets == LONG:
        value = x[0]
        for n in range(LONG):
            upper = value // THOUSAND
            low |= DECLETS[value - upper * THOUSAND] << u64(10 * n)
            value = upper
        return ZERO, low, value
    left = 0  # groups of three digits in `chunk`
    chunk = ZERO
    for n in range(declets):
        if left == 0:
            x, chunk = over(x, BILLION)
            left = 3
        upper = chunk // THOUSAND
        declet, at = DECLETS[chunk - upper * THOUSAND], u64(10 * n)
        chunk = upper
        left -= 1
        if n < 7:
            low |= declet << at
        if n == 6:
            high |= declet >> u64(4)
        elif n > 6:
            high |= declet << (at - u64(64))
    return high, low, x[0] * POWERS[3 * left] + chunk


@compiled
def unpacked(high, low, declets):  # type: ignore[no-untyped-def]
    """(kind, sign, exponent, significand) of an encoding. The significand of what is not finite has no leading digit."""
    more = u64(CONTINUATIONS[declets])
    width = u64(10 * declets)  # of the trailing significand
    field = high >> (width - u64(64)) if declets == QUAD else low >> width
    sign = field >> (more + u64(5)) & ONE
    rest = field & ((ONE << more) - ONE)
    five = field >> more & u64(31)
    kind, first, e = FINITE, ZERO, np.int64(0)
    if five == u64(31):
        kind = SIGNALLING_NAN if rest >> (more - ONE) else QUIET_NAN
    elif five == u64(30):
        kind = INFINITE
    else:
        top = five >> u64(3)
        first = five & u64(7)
        if top == u64(3):  # the leading digit is 8 or 9
            top, first = five >> ONE & u64(3), u64(8) | five & ONE
        e = np.int64(top << more | rest) - BIASES[declets]
    return kind, sign, e, from_declets(high, low, first, declets)


@compiled
def packed(kind, sign, e, x, declets):  # type: ignore[no-untyped-def]
    """The encoding (high, low) of a datum that fits."""
    more = u64(CONTINUATIONS[declets])
    width = u64(10 * declets)
    high, low, first = to_declets(x, declets)
    if kind == FINITE:
        biased = u64(e + BIASES[declets])
        top = biased >> more
        five = u64(24) | top << ONE | first & ONE if first >= u64(8) else top << u64(3) | first
        rest = biased & ((ONE << more) - ONE)
    else:
        five = u64(30) if kind == INFINITE else u64(31)
        rest = ONE << (more - ONE) if kind == SIGNALLING_NAN else ZERO
    field = sign << (more + u64(5)) | five << more | rest
    if declets == QUAD:
        return high | field << (width - u64(64)), low
    return ZERO, low | field << width


@compiled
def classified(kind, sign, e, x, declets):  # type: ignore[no-untyped-def]
    """FPRF of a datum (Book I 5.4, figure of the result flags)."""
    if kind == QUIET_NAN:
        return u64(0x11)
    if kind == SIGNALLING_NAN:
        return ONE
    if kind == INFINITE:
        return u64(9) if sign else u64(5)
    n = digits(x)
    if n == 0:
        return u64(0x12) if sign else u64(2)
    subnormal = e + n < least_exponent(declets) + precision(declets)
    return (u64(8) if sign else u64(4)) | (u64(16) if subnormal else ZERO)
