"""Natural numbers below 2**256, as four u64 with the least significant first: what decimal significands need. Compiled.

A significand has up to 34 digits (113 bits), a product or a dividend twice as many. Digits are taken off and put on by
dividing and multiplying with powers of ten.
"""

from __future__ import annotations

import numpy as np

from .machinery import compiled, inlined, leading_zeros, multiply_high, u64
from .quad import divided

ZERO, ONE, TEN, LOW, HALF_WORD = u64(0), u64(1), u64(10), u64(0xFFFF_FFFF), u64(32)
POWERS = np.array([10**n for n in range(20)], np.uint64)
LOW_POWERS = np.array([10**n % (1 << 64) for n in range(39)], np.uint64)
HIGH_POWERS = np.array([10**n >> 64 for n in range(39)], np.uint64)
BY_DIVISION, BY_MULTIPLICATION = 9, 19  # digits in one step: divisors are below 2**32, factors below 2**64


@inlined
def times(x, m):  # type: ignore[no-untyped-def]
    """x * m for m < 2**64."""
    a = x[0] * m
    carry = multiply_high(x[0], m)
    b = x[1] * m + carry
    carry = multiply_high(x[1], m) + u64(b < carry)
    c = x[2] * m + carry
    carry = multiply_high(x[2], m) + u64(c < carry)
    return a, b, c, x[3] * m + carry


@inlined
def plus(x, y):  # type: ignore[no-untyped-def]
    a = x[0] + y[0]
    b = x[1] + y[1]
    c = x[2] + y[2]
    d = x[3] + y[3]
    carry = u64(a < x[0])
    b_out = u64(b < x[1])
    b += carry
    carry = b_out | u64(b < carry)
    c_out = u64(c < x[2])
    c += carry
    carry = c_out | u64(c < carry)
    return a, b, c, d + carry


@inlined
def minus(x, y):  # type: ignore[no-untyped-def]
    """x - y for x >= y."""
    borrow = u64(x[0] < y[0])
    b = x[1] - y[1]
    b_out = u64(x[1] < y[1]) | u64(b < borrow)
    b -= borrow
    c = x[2] - y[2]
    c_out = u64(x[2] < y[2]) | u64(c < b_out)
    c -= b_out
    return x[0] - y[0], b, c, x[3] - y[3] - c_out


@inlined
def less(x, y):  # type: ignore[no-untyped-def]
    if x[3] != y[3]:
        return x[3] < y[3]
    if x[2] != y[2]:
        return x[2] < y[2]
    if x[1] != y[1]:
        return x[1] < y[1]
    return x[0] < y[0]


@inlined
def is_nothing(x):  # type: ignore[no-untyped-def]
    return x[0] | x[1] | x[2] | x[3] == ZERO


@compiled
def product(high, low, other_high, other_low):  # type: ignore[no-untyped-def]
    """The product of two numbers below 2**128."""
    x = (low, high, ZERO, ZERO)
    upper = times(x, other_high)
    return plus(times(x, other_low), (ZERO, upper[0], upper[1], upper[2]))


@compiled
def step(limb, rest, d):  # type: ignore[no-untyped-def]
    """One limb of a long division: (quotient, remainder) of rest * 2**64 + limb by d < 2**32."""
    x = rest << HALF_WORD | limb >> HALF_WORD
    upper = x // d
    x = (x - upper * d) << HALF_WORD | limb & LOW
    lower = x // d
    return upper << HALF_WORD | lower, x - lower * d


@compiled
def over(x, d):  # type: ignore[no-untyped-def]
    """(quotient, remainder) by d < 2**32. Most numbers are short: limbs above them cost nothing."""
    a = b = c = rest = ZERO
    if x[3] != ZERO:
        a, rest = step(x[3], rest, d)
    if x[2] | rest != ZERO:
        b, rest = step(x[2], rest, d)
    if x[1] | rest != ZERO:
        c, rest = step(x[1], rest, d)
    e, rest = step(x[0], rest, d)
    return (e, c, b, a), rest


@compiled
def scaled(x, n):  # type: ignore[no-untyped-def]
    """x * 10**n."""
    while n > BY_MULTIPLICATION:
        x = times(x, POWERS[BY_MULTIPLICATION])
        n -= BY_MULTIPLICATION
    return times(x, POWERS[n])


@compiled
def reduced(x, n):  # type: ignore[no-untyped-def]
    """x without its last n > 0 digits: (what is left, the first of them, whether the others are not all zero)."""
    lost = False
    while n > 1:
        count = min(n - 1, BY_DIVISION)
        x, rest = over(x, POWERS[count])
        lost = lost or rest != ZERO
        n -= count
    x, digit = over(x, TEN)
    return x, digit, lost


@compiled
def last_digits(x, n):  # type: ignore[no-untyped-def]
    """The last n > 0 digits, as a number."""
    above, _, _ = reduced(x, n)
    return minus(x, scaled(above, n))


@compiled
def digits(x):  # type: ignore[no-untyped-def]
    """How many; 0 of zero."""
    n = np.int64(0)
    while x[3] | x[2] != ZERO:
        x, _ = over(x, POWERS[BY_DIVISION])
        n += BY_DIVISION
    low, high = x[0], x[1]
    if high | low == ZERO:
        return n
    bits = np.int64(128) - np.int64(leading_zeros(high)) if high else np.int64(64) - np.int64(leading_zeros(low))
    k = bits * np.int64(1233) >> np.int64(12)  # log 2: so many, or one more
    most = HIGH_POWERS[k]
    return n + k + np.int64(high > most or (high == most and low >= LOW_POWERS[k]))


@compiled
def short_quotient(x, y):  # type: ignore[no-untyped-def]
    """(x // y, whether there is a remainder) for 0 < y < 2**64."""
    n = leading_zeros(y)
    y <<= n
    rest = ZERO
    a, b, c, d = x
    if n:
        m = u64(64) - n
        rest, d, c, b, a = d >> m, d << n | c >> m, c << n | b >> m, b << n | a >> m, a << n
    if d | rest:
        d, rest = divided(rest, d, y)
    if c | rest:
        c, rest = divided(rest, c, y)
    if b | rest:
        b, rest = divided(rest, b, y)
    a, rest = divided(rest, a, y)
    return (a, b, c, d), rest != ZERO


@compiled
def quotient(x, high, low):  # type: ignore[no-untyped-def]
    """(x // d, whether there is a remainder) for the divisor d = high * 2**64 + low, 0 < d < 2**127."""
    if high == ZERO:
        return short_quotient(x, low)
    a, b, c, d = x
    rest_high = rest_low = ZERO
    bits = 256
    while d == ZERO and bits > 64:
        a, b, c, d = ZERO, a, b, c
        bits -= 64
    top = u64(63)
    for _ in range(bits):
        rest_high = rest_high << ONE | rest_low >> top
        rest_low = rest_low << ONE | d >> top
        d = d << ONE | c >> top
        c = c << ONE | b >> top
        b = b << ONE | a >> top
        a <<= ONE
        if rest_high > high or (rest_high == high and rest_low >= low):
            rest_high -= high + u64(rest_low < low)
            rest_low -= low
            a |= ONE
    return (a, b, c, d), rest_high | rest_low != ZERO
