"""Exact rationals (gmpy2) rounded as Book I 4.3.6 and 7.3.2.6 word it. Nothing here is shared with ppcdbt."""

from __future__ import annotations

from gmpy2 import f_div, mpq, mpz

ODD = 5  # a rounding mode beside RN's four and 4, to nearest with ties away


def power(m: int, e: int) -> mpq:
    """m * 2**e."""
    return mpq(mpz(m) << e) if e >= 0 else mpq(mpz(m), mpz(1) << -e)


def floor_log2(x: mpq) -> int:
    """The exponent of the power of two not above x > 0."""
    e = int(x.numerator.bit_length() - x.denominator.bit_length())
    return e if power(1, e) <= x else e - 1


def choose(whole: int, rest: mpq, sign: int, mode: int) -> int:
    """Round whole + rest (0 <= rest < 1) in magnitude. Modes as RN; 4: nearest, ties away; ODD."""
    up = {
        0: rest > mpq(1, 2) or (rest == mpq(1, 2) and whole % 2 == 1),
        1: False,
        2: rest > 0 and not sign,
        3: rest > 0 and bool(sign),
        4: rest >= mpq(1, 2),
        ODD: rest > 0 and whole % 2 == 0,
    }[mode]
    return whole + up


def at_precision(x: mpq, digits: int, least: int | None, sign: int, mode: int) -> mpq:
    """A magnitude rounded to `digits`, no finer than those of exponent `least`."""
    e = floor_log2(x)
    unit = power(1, (e if least is None else max(e, least)) - digits + 1)
    y = x / unit
    whole = f_div(y.numerator, y.denominator)
    return choose(int(whole), y - whole, sign, mode) * unit
