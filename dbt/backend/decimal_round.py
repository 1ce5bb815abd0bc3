"""Rounding to a decimal format: eight modes, overflow, underflow, ideal exponents (Book I 5.5.10, 5.5.2). Compiled."""

from __future__ import annotations

import numpy as np

from .. import dfp, fpscr
from .decimal_format import FINITE, INFINITE, least_exponent, most_exponent, precision
from .decimal_wide import ONE, TEN, ZERO, digits, is_nothing, over, plus, reduced, scaled
from .machinery import compiled, u64

OX, UX, XX, FR, FI, OE, UE = (u64(x) for x in (fpscr.OX, fpscr.UX, fpscr.XX, fpscr.FR, fpscr.FI, fpscr.OE, fpscr.UE))
NEAREST_EVEN, TO_ZERO, UPWARD, DOWNWARD, NEAREST_AWAY, NEAREST_TO_ZERO, AWAY, PREPARE_SHORTER = (u64(n) for n in range(8))
FIVE = u64(5)
UNIT = (ONE, ZERO, ZERO, ZERO)
NOTHING = (ZERO, ZERO, ZERO, ZERO)


@compiled
def mode_of(control):  # type: ignore[no-untyped-def]
    """FPSCR[DRN]."""
    return control >> u64(32) & u64(7)


@compiled
def goes_up(x, digit, lost, sign, mode):  # type: ignore[no-untyped-def]
    """Whether to take the next larger magnitude: `digit` is the first one cut off, `lost` whether more follows."""
    if digit == ZERO and not lost:
        return False
    if mode == NEAREST_EVEN:
        return digit > FIVE or (digit == FIVE and (lost or x[0] & ONE != ZERO))
    if mode == UPWARD:
        return sign == ZERO
    if mode == DOWNWARD:
        return sign != ZERO
    if mode == NEAREST_AWAY:
        return digit >= FIVE
    if mode == NEAREST_TO_ZERO:
        return digit > FIVE or (digit == FIVE and lost)
    if mode == PREPARE_SHORTER:
        _, last = over(x, TEN)
        return last in (ZERO, FIVE)
    return mode == AWAY


@compiled
def cut(sign, x, lost, n, mode):  # type: ignore[no-untyped-def]
    """(x without its last n digits, FR FI XX); `lost`: the number is a little more than x."""
    digit = ZERO
    if n > 0:
        x, digit, more = reduced(x, n)
        lost = lost or more
    flags = FI | XX if digit != ZERO or lost else ZERO
    if goes_up(x, digit, lost, sign, mode):
        return plus(x, UNIT), flags | FR
    return x, flags


@compiled
def toward(e, x, ideal, room):  # type: ignore[no-untyped-def]
    """(e, x) of the same value, e as near to `ideal` as `room` digits and the digits of x let it be."""
    while e < ideal:
        shorter, digit = over(x, TEN)
        if digit != ZERO:
            break
        x = shorter
        e += 1
    if e > ideal:
        n = min(e - ideal, np.int64(room - digits(x)))
        if n > 0:
            x = scaled(x, n)
            e -= n
    return e, x


@compiled
def largest(declets):  # type: ignore[no-untyped-def]
    """The largest significand."""
    x = scaled(UNIT, precision(declets))
    return x[0] - ONE, x[1] - u64(x[0] == ZERO), ZERO, ZERO


@compiled
def rounded(sign, e, x, lost, ideal, declets, source, control):  # type: ignore[no-untyped-def]
    """A result rounded to a format: (kind, e, significand, flags, format it is delivered in).

    `lost`: the number is a little more than x, which then has more digits than the format. source: the format of the
    operands. Where it is wider, an enabled overflow or underflow delivers a result in it (5.5.5)."""
    mode, room = mode_of(control), precision(declets)
    least, most = least_exponent(declets), most_exponent(declets)
    if is_nothing(x) and not lost:
        return FINITE, min(max(ideal, least), most), NOTHING, ZERO, declets
    count = digits(x)
    tiny = e + count < least + room
    narrowing = source > declets
    scale = np.int64(576) if source == dfp.LONG else np.int64(9216)
    if narrowing:
        scale = np.int64(192) if source == dfp.LONG else np.int64(3072)
    flags, delivered = ZERO, declets
    wrapped = tiny and control & UE != ZERO
    if wrapped:
        flags = UX
        e += scale
        ideal += scale
        if narrowing:
            delivered = source
            least = least_exponent(source)
    drop = max(np.int64(count - room), min(least - e, np.int64(count + 1)), np.int64(0))
    before = e
    x, inexact = cut(sign, x, lost, drop, mode)
    e += max(drop, least - before) if drop > count else drop
    if inexact and tiny:
        flags |= UX
    if digits(x) > room:  # carried over: 10**room
        x, _ = over(x, TEN)
        e += 1
    if e + digits(x) > most + room and not wrapped:
        if control & OE:
            flags |= OX
            e -= scale
            ideal -= scale
            if narrowing:
                delivered = source
        else:
            flags = OX | XX | FI
            stays = mode in (TO_ZERO, PREPARE_SHORTER) or (mode == UPWARD and sign != ZERO) or (mode == DOWNWARD and sign == ZERO)
            if stays:
                return FINITE, most, largest(declets), flags, declets
            return INFINITE, np.int64(0), NOTHING, flags | FR, declets  # FR is undefined here: whether the magnitude grew
    flags |= inexact
    least, most = least_exponent(delivered), most_exponent(delivered)
    ideal = min(max(ideal, least), most)
    if inexact == ZERO or e > most:
        e, x = toward(e, x, ideal, room)
    return FINITE, e, x, flags, delivered


@compiled
def quantized(sign, e, x, target, room, mode):  # type: ignore[no-untyped-def]
    """(x, FR FI XX, whether it fits in `room` digits) of a finite number with another exponent."""
    count = digits(x)
    if target > e:
        n = min(target - e, np.int64(count + 1))
        x, flags = cut(sign, x, False, n, mode)
        return x, flags, digits(x) <= room
    if count == 0:
        return x, ZERO, True
    if e - target + count > room:
        return x, ZERO, False
    return scaled(x, e - target), ZERO, True
