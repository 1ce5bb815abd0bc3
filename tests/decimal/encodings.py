"""Encodings of decimal numbers as Book I 5.5 words them, to and from Python's `decimal`. Nothing here is shared with ppcdbt.

The bits of a declet are by Cowlishaw's equations.
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple


class Format(NamedTuple):
    """Width of the encoding, of its combination field, digits, bias, largest exponent of the leading digit."""

    width: int
    combination: int
    digits: int
    bias: int
    top: int


SHORT, LONG, QUAD = Format(32, 11, 7, 101, 96), Format(64, 13, 16, 398, 384), Format(128, 17, 34, 6176, 6144)


def declet(n: int) -> int:
    """Three digits packed."""
    a, b, c, D, e, f, g, h, i, j, k, m = (n // 10**p % 10 >> s & 1 for p in (2, 1, 0) for s in (3, 2, 1, 0))
    na, ne, ni = 1 - a, 1 - e, 1 - i
    bits = (b | a & j | a & f & i, c | a & k | a & g & i, D, f & (na | ni) | na & e & j | e & i, g | na & e & k | a & i, h,
            a | e | i, a | e & i | ne & j, e | a & i | na & k, m)  # fmt: skip
    return int("".join(map(str, bits)), 2)


PACKED = [declet(n) for n in range(1000)]
UNPACKED = {p: n for n, p in enumerate(PACKED)}
for _p in range(1024):  # the redundant ones: bits p and q count nothing where three digits are large
    UNPACKED.setdefault(_p, UNPACKED.get(_p & 0xFF, 0))


def digits_of(bits: int, f: Format) -> int:
    """The trailing significand as a number."""
    n = 0
    for k in range(f.digits // 3 - 1, -1, -1):
        n = n * 1000 + UNPACKED[bits >> 10 * k & 0x3FF]
    return n


def read(bits: int, f: Format) -> Decimal:
    """An encoding as a Decimal."""
    trailing = f.width - 1 - f.combination
    sign, g = bits >> f.width - 1 & 1, bits >> trailing & (1 << f.combination) - 1
    more = f.combination - 5
    five, payload = g >> more, digits_of(bits, f)
    if five == 31:
        kind = "N" if g >> more - 1 & 1 else "n"
        return Decimal((sign, tuple(map(int, str(payload))) if payload else (), kind))  # type: ignore[arg-type]
    if five == 30:
        return Decimal((sign, (0,), "F"))
    lead, high = (five & 7, five >> 3) if five < 24 else (8 + (five & 1), five >> 1 & 3)
    n = lead * 10 ** (f.digits - 1) + payload
    return Decimal((sign, tuple(map(int, str(n))), (high << more | g & (1 << more) - 1) - f.bias))


def write(x: Decimal, f: Format) -> int:
    """The encoding of a Decimal that fits."""
    sign, figures, e = x.as_tuple()
    n = int("".join(map(str, figures)) or "0")
    more = f.combination - 5
    if isinstance(e, int):
        assert n < 10**f.digits and 0 <= e + f.bias < 3 << more, x
        lead, biased = n // 10 ** (f.digits - 1), e + f.bias
        high = biased >> more
        five = high << 3 | lead if lead < 8 else 24 | high << 1 | lead & 1
        g = five << more | biased & (1 << more) - 1
    else:
        g = {"F": 30 << more, "n": 31 << more, "N": 63 << more - 1}[e]
        n = 0 if e == "F" else n
    bits = sign << f.combination | g
    for k in range(f.digits // 3 - 1, -1, -1):
        bits = bits << 10 | PACKED[n // 1000**k % 1000]
    return bits
