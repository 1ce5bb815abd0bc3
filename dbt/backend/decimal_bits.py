"""Decimal instructions on digits and fields: BCD, biased exponents, shifts, tests (Book I 5.6.2, 5.6.3, 5.6.6). Compiled."""

from __future__ import annotations

import numpy as np

from .. import fpscr
from .decimal_format import (
    BIASES,
    FINITE,
    INFINITE,
    QUAD,
    QUIET_NAN,
    SIGNALLING_NAN,
    least_exponent,
    most_exponent,
    packed,
    precision,
)
from .decimal_round import NOTHING
from .decimal_wide import ONE, TEN, ZERO, digits, is_nothing, last_digits, less, over, plus, reduced, scaled, times
from .machinery import compiled, u64

VXSNAN, VXVC, VXCVI, VE = (u64(x) for x in (fpscr.VXSNAN, fpscr.VXVC, fpscr.VXCVI, fpscr.VE))
NIBBLE, NINE = u64(15), u64(9)
LESS, GREATER, EQUAL, UNORDERED = u64(8), u64(4), u64(2), ONE


@compiled
def to_bcd(b, signed, preferred, declets):  # type: ignore[no-untyped-def]
    """(high, low): the last digits of a significand as BCD; with `signed` one digit fewer and a sign code."""
    high = low = ZERO
    x = b[3]
    nibbles = 32 if declets == QUAD else 16
    first = 0
    if signed:
        low = u64(13) if b[1] else u64(15) if preferred else u64(12)
        first = 1
    for n in range(first, nibbles):
        x, digit = over(x, TEN)
        if n < 16:
            low |= digit << u64(4 * n)
        else:
            high |= digit << u64(4 * n - 64)
    return high, low


@compiled
def from_bcd(high, low, signed, declets):  # type: ignore[no-untyped-def]
    """(sign, significand, whether every code is valid)."""
    nibbles = 32 if declets == QUAD else 16
    x, sign, valid = NOTHING, ZERO, True
    last = 0
    if signed:
        code = low & NIBBLE
        valid = code > NINE
        sign = ONE if code == u64(11) or code == u64(13) else ZERO
        last = 1
    for n in range(nibbles - 1, last - 1, -1):
        digit = (low >> u64(4 * n) if n < 16 else high >> u64(4 * n - 64)) & NIBBLE
        valid = valid and digit <= NINE
        x = plus(times(x, TEN), (digit, ZERO, ZERO, ZERO))
    return sign, x, valid


@compiled
def biased_exponent(b, declets):  # type: ignore[no-untyped-def]
    """As a doubleword: -1 of infinity, -2 of a quiet NaN, -3 of a signalling one."""
    if b[0] == FINITE:
        return u64(b[2] + BIASES[declets])
    return ZERO - b[0]


@compiled
def with_biased_exponent(number, b, declets):  # type: ignore[no-untyped-def]
    """b with the biased exponent (or the special code) that a doubleword says, encoded."""
    wanted = np.int64(number)
    x = b[3]
    if wanted >= 0 and wanted <= most_exponent(declets) + BIASES[declets]:
        return packed(FINITE, b[1], wanted - BIASES[declets], x, declets)
    kind = INFINITE if wanted == -1 else SIGNALLING_NAN if wanted == -3 else QUIET_NAN
    return packed(kind, b[1], np.int64(0), last_digits(x, precision(declets) - 1), declets)


@compiled
def shifted(a, n, left, declets):  # type: ignore[no-untyped-def]
    """The significand moved by n digits, what leaves it is lost; encoded."""
    room = precision(declets)
    if a[0] != FINITE:
        room -= 1
    x = a[3]
    if n >= room:
        x = NOTHING
    elif n > 0 and left:
        x = scaled(last_digits(x, room - n), n)
    elif n > 0:
        x, _, _ = reduced(x, n)
    return packed(a[0], a[1], a[2], x, declets)


# -- tests: FPCC, and exceptions


@compiled
def compared(a, b, ordered, control):  # type: ignore[no-untyped-def]
    """(FPCC, flags). VXVC with a signalling NaN only if VE is 0 (Book I 5.6.2)."""
    if a[0] > INFINITE or b[0] > INFINITE:
        flags = VXSNAN if a[0] == SIGNALLING_NAN or b[0] == SIGNALLING_NAN else ZERO
        if ordered and (flags == ZERO or control & VE == ZERO):
            flags |= VXVC
        return UNORDERED, flags
    zero_a, zero_b = a[0] == FINITE and is_nothing(a[3]), b[0] == FINITE and is_nothing(b[3])
    if zero_a and zero_b:
        return EQUAL, ZERO
    if zero_a:
        return (GREATER if b[1] else LESS), ZERO
    if zero_b or a[1] != b[1]:
        return (LESS if a[1] else GREATER), ZERO
    up, down = (LESS, GREATER) if a[1] else (GREATER, LESS)
    if a[0] != b[0]:
        return (up if a[0] == INFINITE else down), ZERO
    if a[0] == INFINITE:
        return EQUAL, ZERO
    ends_a, ends_b = a[2] + digits(a[3]), b[2] + digits(b[3])
    if ends_a != ends_b:
        return (up if ends_a > ends_b else down), ZERO
    x = scaled(a[3], max(a[2] - b[2], np.int64(0)))
    y = scaled(b[3], max(b[2] - a[2], np.int64(0)))
    if less(x, y):
        return down, ZERO
    return (up if less(y, x) else EQUAL), ZERO


@compiled
def class_bit(a, declets):  # type: ignore[no-untyped-def]
    """The bit of DCM that a datum matches: zero, subnormal, normal, infinity, quiet NaN, signalling NaN from the left."""
    if a[0] != FINITE:
        return u64(4) >> (a[0] - ONE)
    n = digits(a[3])
    if n == 0:
        return u64(32)
    return u64(16) if a[2] + n < least_exponent(declets) + precision(declets) else u64(8)


@compiled
def group_bit(a, declets):  # type: ignore[no-untyped-def]
    """The bit of DGM that a datum matches: zero, zero with an extreme exponent, subnormal or extreme, normal with a leading
    zero, normal without, special."""
    if a[0] != FINITE:
        return ONE
    extreme = a[2] == least_exponent(declets) or a[2] == most_exponent(declets)
    n = digits(a[3])
    if n == 0:
        return u64(16) if extreme else u64(32)
    if extreme or a[2] + n < least_exponent(declets) + precision(declets):
        return u64(8)
    return u64(2) if n == precision(declets) else u64(4)


@compiled
def matched(sign, bit, mask):  # type: ignore[no-untyped-def]
    """FPCC of a class test."""
    return sign << u64(3) | (EQUAL if bit & mask else ZERO)


@compiled
def exponents_compared(a, b):  # type: ignore[no-untyped-def]
    if a[0] != FINITE or b[0] != FINITE:
        same = (a[0] > INFINITE and b[0] > INFINITE) or a[0] == b[0]
        return EQUAL if same else UNORDERED
    if a[2] == b[2]:
        return EQUAL
    return LESS if a[2] < b[2] else GREATER


@compiled
def significance_compared(wanted, b):  # type: ignore[no-untyped-def]
    """How many significant digits b has, compared with the reference."""
    if b[0] != FINITE:
        return UNORDERED
    n = u64(digits(b[3]))
    if wanted == ZERO or wanted > n:
        return GREATER
    return EQUAL if wanted == n else LESS
