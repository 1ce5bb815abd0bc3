"""Exact arithmetic on quad-precision numbers (Book I 7.4.3, 7.6.2 of 3.0B). Compiled.

As softfloat.py for doubles, with every result computed here: no host has the format. A quad is its two doublewords (high,
low). A finite number that is not zero is (sign, e, high, low): the significand high:low has its top bit at 127 and stands for
high:low / 2**127 * 2**e; bit 0 of an inexact one is sticky. quad_compute.py chooses the operation.
"""

from __future__ import annotations

import numpy as np

from .machinery import compiled, inlined, leading_zeros, multiply_high, u64
from .softfloat import (
    AWAY,
    DOWN,
    FI,
    FR,
    NEAREST,
    OE,
    ONE,
    OX,
    TO_ZERO,
    TOP,
    UE,
    UP,
    UX,
    XX,
    ZERO,
    round_away,
    shifted_right,
)

SIGN, INFINITY, QUIET = u64(1 << 63), u64(0x7FFF << 48), u64(1 << 47)  # of the high doubleword
MAGNITUDE, FRACTION = u64((1 << 63) - 1), u64((1 << 48) - 1)
DEFAULT_NAN = INFINITY | QUIET
ODD = u64(5)  # a rounding mode beside those of softfloat.py: what is inexact gets an odd last digit
QUAD, EXTENDED, DOUBLE, HALF = np.int64(113), np.int64(64), np.int64(53), np.int64(11)  # digits of a precision
WORD, BITS = u64((1 << 32) - 1), u64(32)


@inlined
def is_nan(high, low):  # type: ignore[no-untyped-def]
    magnitude = high & MAGNITUDE
    return magnitude > INFINITY or (magnitude == INFINITY and low != ZERO)


@inlined
def is_signalling(high, low):  # type: ignore[no-untyped-def]
    return is_nan(high, low) and high & QUIET == ZERO


@inlined
def is_infinite(high, low):  # type: ignore[no-untyped-def]
    return high & MAGNITUDE == INFINITY and low == ZERO


@inlined
def is_zero(high, low):  # type: ignore[no-untyped-def]
    return high & MAGNITUDE | low == ZERO


@inlined
def shifted_left(high, low, n):  # type: ignore[no-untyped-def]
    """A 128-bit number shifted left by 0 to 127."""
    if n == ZERO:
        return high, low
    if n >= u64(64):
        return low << (n - u64(64)), ZERO
    return high << n | low >> (u64(64) - n), low << n


@inlined
def unpack(high, low):  # type: ignore[no-untyped-def]
    """(e, high, low) of a finite number that is not zero."""
    exponent = (high >> u64(48)) & u64(0x7FFF)
    high, low = shifted_left(high & FRACTION, low, u64(15))
    if exponent:
        return np.int64(exponent) - np.int64(16383), high | TOP, low
    n = leading_zeros(high) if high else u64(64) + leading_zeros(low)
    high, low = shifted_left(high, low, n)
    return np.int64(-16382) - np.int64(n), high, low


@inlined
def pack(sign, e, high, low):  # type: ignore[no-untyped-def]
    """The quad that is a rounded number; a significand without its top bit is denormal."""
    exponent = u64(e + np.int64(16383)) & u64(0x7FFF) if high & TOP else ZERO
    return sign << u64(63) | exponent << u64(48) | (high & ~TOP) >> u64(15), high << u64(49) | low >> u64(15)


@inlined
def cut(sign, high, low, digits, mode):  # type: ignore[no-untyped-def]
    """(high, low, carry, inexact, up): the first 0 to 127 digits, rounded. Carry: they became 1 and zeros, one place up."""
    keep = u64(digits)
    rest, more = shifted_left(high, low, keep)
    rest |= u64(more != ZERO)
    unit_high = ONE << (u64(64) - keep) if keep <= u64(64) and keep else ZERO
    unit_low = ONE << (u64(128) - keep) if keep > u64(64) else ZERO
    if unit_low:
        low &= ~(unit_low - ONE)
    else:
        low = ZERO
        high = high & ~(unit_high - ONE) if keep else ZERO
    if rest == ZERO:
        return high, low, False, False, False
    odd = (high & unit_high) | (low & unit_low) != ZERO
    up = not odd if mode == ODD else round_away(rest, TOP, odd, sign, mode)
    if not up:
        return high, low, False, True, False
    low += unit_low
    was = high
    high += unit_high + u64(unit_low != ZERO and low == ZERO)
    carry = high < was or keep == ZERO
    return (TOP if carry else high), low, carry, True, True


@inlined
def rounded(sign, e, high, low, digits, mode, control):  # type: ignore[no-untyped-def]
    """(e, high, low, flags) of a number that is not zero, rounded to a precision. Infinity has an exponent above all others."""
    flags = ZERO
    least, scale = np.int64(-16382), np.int64(24576)
    if digits == DOUBLE:
        least, scale = np.int64(-1022), np.int64(1536)
    elif digits == HALF:
        least, scale = np.int64(-14), np.int64(24)
    if e < least:  # tiny: detected before rounding
        if control & UE:
            flags = UX
            e += scale
        else:
            high, low = shifted_right(high, low, least - e)
            e = least
    tiny = high & TOP == ZERO
    high, low, carry, inexact, up = cut(sign, high, low, digits, mode)
    if inexact:
        flags |= FI | XX | (UX if tiny else ZERO) | (FR if up else ZERO)
    if carry:
        e += np.int64(1)
    most = -least + np.int64(1)
    if e > most:
        flags |= OX
        if control & OE:
            return e - scale, high, low, flags
        flags = OX | XX | FI
        if mode == NEAREST or mode == AWAY or (mode == UP and sign == ZERO) or (mode == DOWN and sign != ZERO):
            return most + np.int64(1), TOP, ZERO, flags | FR  # FR is undefined here: whether the magnitude grew
        high, low, carry, inexact, up = cut(sign, ~ZERO, ~ZERO, digits, TO_ZERO)
        return most, high, low, flags
    return e, high, low, flags


@inlined
def finishing(sign, e, high, low, mode, control):  # type: ignore[no-untyped-def]
    """(high, low, flags): a number that is not zero, rounded to a quad. Results on the usual way are not handed on through
    memory, where the host waits for what was stored in halves and is loaded whole."""
    e, high, low, flags = rounded(sign, e, high, low, QUAD, mode, control)
    high, low = pack(sign, e, high, low)
    return high, low, flags


@compiled
def finished(sign, e, high, low, mode, control):  # type: ignore[no-untyped-def]
    """As `finishing`, where that is rare."""
    return finishing(sign, e, high, low, mode, control)


# -- numbers of 256 bits, highest doubleword first; those of `total` have the top bit at 254


@inlined
def plus(a, b, carry):  # type: ignore[no-untyped-def]
    """(sum, carry)."""
    x = a + b
    y = x + carry
    return y, u64(x < a) | u64(y < x)


@inlined
def minus(a, b, borrow):  # type: ignore[no-untyped-def]
    """(difference, borrow)."""
    x = a - b
    y = x - borrow
    return y, u64(a < b) | u64(x < borrow)


@inlined
def product(x, y):  # type: ignore[no-untyped-def]
    """(e, w3, w2, w1, w0) of the product of two numbers (e, high, low)."""
    ex, xh, xl = x
    ey, yh, yl = y
    xh, xl = xh >> ONE, xh << u64(63) | xl >> ONE  # a significand has 15 zeros at its end
    w0, w1 = xl * yl, multiply_high(xl, yl)
    w1, carry = plus(w1, xl * yh, ZERO)
    w2, _ = plus(multiply_high(xl, yh), ZERO, carry)
    w1, carry = plus(w1, xh * yl, ZERO)
    w2, carry = plus(w2, multiply_high(xh, yl), carry)
    w3 = carry
    w2, carry = plus(w2, xh * yh, ZERO)
    w3, _ = plus(w3, multiply_high(xh, yh), carry)
    if w3 >> u64(62):
        return ex + ey + np.int64(1), w3, w2, w1, w0
    n, m = ONE, u64(63)
    return ex + ey, w3 << n | w2 >> m, w2 << n | w1 >> m, w1 << n | w0 >> m, w0 << n


@inlined
def shifted_far(w3, w2, w1, w0, n):  # type: ignore[no-untyped-def]
    """Shifted right by n >= 0, what is lost or'ed into bit 0."""
    if n >= np.int64(256):
        return ZERO, ZERO, ZERO, ONE
    lost = ZERO
    while n >= np.int64(64):
        lost |= w0
        w3, w2, w1, w0 = ZERO, w3, w2, w1
        n -= np.int64(64)
    if n:
        k, m = u64(n), u64(np.int64(64) - n)
        lost |= w0 << m
        w3, w2, w1, w0 = w3 >> k, w3 << m | w2 >> k, w2 << m | w1 >> k, w1 << m | w0 >> k
    return w3, w2, w1, w0 | u64(lost != ZERO)


@inlined
def total(sign, x, other, y, mode, control):  # type: ignore[no-untyped-def]
    """(high, low, flags) of the sum of two signed numbers (e, w3, w2, w1, w0), rounded."""
    if x < y:
        sign, other, x, y = other, sign, y, x
    e, x3, x2, x1, x0 = x
    ey, y3, y2, y1, y0 = y
    y3, y2, y1, y0 = shifted_far(y3, y2, y1, y0, e - ey)
    if sign == other:
        x0, carry = plus(x0, y0, ZERO)
        x1, carry = plus(x1, y1, carry)
        x2, carry = plus(x2, y2, carry)
        x3, carry = plus(x3, y3, carry)
    else:
        x0, carry = minus(x0, y0, ZERO)
        x1, carry = minus(x1, y1, carry)
        x2, carry = minus(x2, y2, carry)
        x3, carry = minus(x3, y3, carry)
    if x3 | x2 | x1 | x0 == ZERO:
        return (SIGN if mode == DOWN else ZERO), ZERO, ZERO
    while x3 == ZERO:
        x3, x2, x1, x0 = x2, x1, x0, ZERO
        e -= np.int64(64)
    n = leading_zeros(x3)
    if n:
        m = u64(64) - n
        x3, x2, x1, x0 = x3 << n | x2 >> m, x2 << n | x1 >> m, x1 << n | x0 >> m, x0 << n
    return finishing(sign, e + np.int64(1) - np.int64(n), x3, x2 | u64(x1 | x0 != ZERO), mode, control)


@inlined
def summed(sign, x, other, y, mode, control):  # type: ignore[no-untyped-def]
    """(high, low, flags) of the sum of two signed quads (e, high, low), rounded: the 15 zeros at their ends are room enough."""
    if x < y:
        sign, other, x, y = other, sign, y, x
    e, xh, xl = x
    ey, yh, yl = y
    if e > ey:
        yh, yl = shifted_right(yh, yl, e - ey)
    if sign == other:
        low = xl + yl
        high, carry = plus(xh, yh, u64(low < xl))
        if carry:
            high, low = TOP | high >> ONE, high << u64(63) | low >> ONE | low & ONE
            e += np.int64(1)
        return finishing(sign, e, high, low, mode, control)
    low = xl - yl
    high = xh - yh - u64(xl < yl)
    if high | low == ZERO:
        return (SIGN if mode == DOWN else ZERO), ZERO, ZERO
    n = leading_zeros(high) if high else u64(64) + leading_zeros(low)
    high, low = shifted_left(high, low, n)
    return finishing(sign, e - np.int64(n), high, low, mode, control)


@inlined
def widened(x):  # type: ignore[no-untyped-def]
    """A number (e, high, low) for `total`."""
    e, high, low = x
    return e, high >> ONE, high << u64(63) | low >> ONE, ZERO, ZERO


@compiled
def quotient(x, y):  # type: ignore[no-untyped-def]
    """(e, high, low) of x / y: long division, 32 bits a digit."""
    e, xh, xl = x
    ey, yh, yl = y
    e -= ey
    if xh > yh or (xh == yh and xl >= yl):
        xh, xl = xh >> ONE, xh << u64(63) | xl >> ONE
    else:
        e -= np.int64(1)
    high = low = ZERO
    for _ in range(4):  # the remainder x is less than y
        digit = min(xh // (yh >> BITS), WORD)  # never too small, too large by two at most
        part = digit * yl
        x0, borrow = minus(xl << BITS, part, ZERO)
        part, carry = plus(multiply_high(digit, yl), digit * yh, ZERO)
        x1, borrow = minus(xh << BITS | xl >> BITS, part, borrow)
        over = (xh >> BITS) - (multiply_high(digit, yh) + carry) - borrow
        while over:
            digit -= ONE
            x0, carry = plus(x0, yl, ZERO)
            x1, carry = plus(x1, yh, carry)
            over += carry
        xh, xl = x1, x0
        high, low = high << BITS | low >> BITS, low << BITS | digit
    return e, high, low | u64(xh | xl != ZERO)


@compiled
def divided(high, low, y):  # type: ignore[no-untyped-def]
    """(quotient, remainder) of high:low by y, which has its top bit and is more than high."""
    top, rest = y >> BITS, y & WORD
    quotient, high, next_ = ZERO, high, low >> BITS
    for _ in range(2):
        digit = high // top
        over = high - digit * top
        while digit > WORD or (over <= WORD and digit * rest > (over << BITS | next_)):
            digit -= ONE
            over += top
        high = (high << BITS | next_) - digit * y
        quotient, next_ = quotient << BITS | digit, low & WORD
    return quotient, high


@compiled
def root(x):  # type: ignore[no-untyped-def]
    """(e, high, low) of the square root of x: 30 digits one by one, then twice as many as there are by a division."""
    e, xh, xl = x
    if e & np.int64(1) == np.int64(0):
        xh, xl = xh >> ONE, xh << u64(63) | xl >> ONE  # pairs of bits, the first of them 01, 10 or 11
    r, rest, bits = ZERO, ZERO, xh
    for _ in range(30):
        rest, bits = rest << u64(2) | bits >> u64(62), bits << u64(2)
        trial = r << u64(2) | ONE
        fits = u64(rest >= trial)
        rest -= trial & (ZERO - fits)
        r = r << ONE | fits
    bits = (xh & u64(15)) << u64(56) | xl >> u64(8)  # the next 60 of them
    n = rest << u64(30) | bits >> u64(30)
    digits = min(n // (r << ONE), u64((1 << 30) - 1))  # never too small
    left = np.int64((n - digits * (r << ONE)) << u64(30) | bits & u64((1 << 30) - 1)) - np.int64(digits * digits)
    r = r << u64(30) | digits
    while left < np.int64(0):
        r -= ONE
        left += np.int64(r << ONE | ONE)
    n = u64(left)
    digits, over = divided(n >> ONE, n << u64(63) | (xl & u64(255)) << u64(55), r << u64(4))
    over >>= u64(3)
    most = u64((1 << 60) - 1)
    if digits > most:
        over += (r << ONE) * (digits - most)
        digits = most
    low, borrow = minus(over << u64(60), digits * digits, ZERO)
    high, borrow = minus(over >> u64(4), multiply_high(digits, digits), borrow)
    while borrow:
        digits -= ONE
        low, carry = plus(low, r << u64(61) | digits << ONE | ONE, ZERO)
        high, carry = plus(high, r >> u64(3), carry)
        borrow -= carry
    return e >> np.int64(1), r << u64(4) | digits >> u64(56), digits << u64(8) | u64(high | low != ZERO)
