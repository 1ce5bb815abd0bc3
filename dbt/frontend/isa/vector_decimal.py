"""Decimal integers in vector registers, and multiplication by ten (Book I 6.16; 6.17 of 3.0).

Packed decimal is 31 digits and a sign code in the last nibble: A C E F plus, B D minus. Where a source is invalid the
result is undefined; CR6 says so.
"""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import select, shl, shr, slt, ule, ult
from ...ir.ops_vector import decimal, v_gtu
from ...ir.types import i8, i16, i64, i128
from ..context import Context
from .vector_lanes import ONES, copies, joined, vec207, vec300

PACKED, NEW, TEN = "I 6.16", "I 6.17.2 (3.0)", "I 6.17.1 (3.0)"
NINES, SIXES = (int(d * 31, 16) for d in "96")  # 31 digits
SIGN, LOW = 15, (1 << 64) - 1


def negative(b: Value) -> Value:
    """Whether the sign code is minus."""
    code = b & SIGN
    return (code == 0xB) | (code == 0xD)


def wrong_digits(digits: Value) -> Value:
    """Whether a nibble is above 9: its 8 is set, and its 4 or its 2."""
    return (digits & ((digits << 1) | (digits << 2)) & copies(8, 4)) != 0


def invalid(*sources: Value) -> Value:
    """Whether one of these is no signed decimal."""
    bad = [ult(b & SIGN, 10) | wrong_digits(b >> 4) for b in sources]
    return bad[0] | bad[1] if len(bad) == 2 else bad[0]


def plus(c: Context, PS: Any) -> Value:
    """The sign code of a positive result: C, or F if PS."""
    return (c.const(PS) * 3 + 12).to(i128)


def signed(c: Context, digits: Value, minus: Value, PS: Any) -> Value:
    """Digits with the preferred sign code."""
    return (digits << 4) | select(minus, c.const(0xD, i128), plus(c, PS))


def conclude(c: Context, less: Value, is_zero: Value, wrong: Value, overflow: Value | None = None) -> None:
    """CR6: LT, GT or EQ, and SO for an overflow; an invalid source is SO alone."""
    order = select(is_zero, c.const(2, i8), select(less, c.const(8, i8), c.const(4, i8)))
    if overflow is not None:
        order = order | overflow.to(i8)
    c.cr[6] = select(wrong, c.const(1, i8), order)


def total(a: Value, b: Value, carry: Value) -> tuple[Value, Value]:
    """31 digits of a + b + carry, and whether there are more. Sixes make digits carry as nibbles do; where one did not,
    its six is taken off again."""
    first = a + SIXES
    both = first + b + carry
    kept = ~(both ^ first ^ b) & (copies(1, 4) ^ 1)  # no carry out of the digit below
    return (both - ((kept >> 2) | (kept >> 3))) & (ONES >> 4), (both >> 124) != 0


@vec207("bcdadd. VRT,VRA,VRB,PS", "4 VRT VRA VRB 1 PS 1:9", section=PACKED, subtract=False)
@vec207("bcdsub. VRT,VRA,VRB,PS", "4 VRT VRA VRB 1 PS 65:9", section=PACKED, subtract=True)
def add(c: Context, VRT: Any, VRA: Any, VRB: Any, PS: Any, subtract: bool) -> None:
    """A zero is positive. Different signs: the smaller magnitude is subtracted by its nines' complement and a carry."""
    a, b = c.vr[VRA], c.vr[VRB]
    minus_a, minus_b = negative(a), negative(b) ^ int(subtract)
    x, y = a >> 4, b >> 4
    like, larger = minus_a == minus_b, ule(y, x)
    most, least = select(larger, x, y), select(larger, y, x)
    digits, carried = total(most, select(like, least, c.const(NINES, i128) - least), (~like).to(i128))
    overflow = like & carried
    is_zero = (digits == 0) & ~overflow
    minus = select(larger, minus_a, minus_b) & ~is_zero
    conclude(c, minus, is_zero, invalid(a, b), overflow)
    c.vr[VRT] = signed(c, digits, minus, PS)


def squeezed(x: Value, width: int) -> Value:
    """The low nibbles of units of `width` bits, side by side."""
    bits = 4
    while width < 128:
        x = (x | (x >> (width - bits))) & copies((1 << 2 * bits) - 1, 2 * width)
        width, bits = 2 * width, 2 * bits
    return x


def spread(x: Value, width: int) -> Value:
    """The inverse of squeezed."""
    unit = 128
    while unit > width:
        unit //= 2
        bits = 4 * unit // width
        low = (1 << bits) - 1
        x = ((x & copies(low << bits, 2 * unit)) << (unit - bits)) | (x & copies(low, 2 * unit))
    return x


@vec300("bcdcfn. VRT,VRB,PS", "4 VRT 7:5 VRB 1 PS 385:9", section=NEW)
def bcdcfn(c: Context, VRT: Any, VRB: Any, PS: Any) -> None:
    """National decimal: seven halfwords 0x30..0x39, then + (0x2B) or - (0x2D)."""
    b = c.vr[VRB]
    code = b & 0xFFFF
    units = (b >> 16) ^ (copies(0x30, 16) >> 16)
    minus, digits = code == 0x2D, squeezed(units, 16)
    wrong = (v_gtu(units, copies(9, 16), imm=16) != 0) | ((code != 0x2B) & (code != 0x2D))
    conclude(c, minus, digits == 0, wrong)
    c.vr[VRT] = signed(c, digits, minus, PS)


@vec300("bcdctn. VRT,VRB", "4 VRT 5:5 VRB 1:1 /:1 385:9", section=NEW)
def bcdctn(c: Context, VRT: Any, VRB: Any) -> None:
    b = c.vr[VRB]
    minus, digits = negative(b), (b >> 4) & 0xFFF_FFFF
    conclude(c, minus, (b >> 4) == 0, invalid(b & 0xFFFF_FFFF), (b >> 32) != 0)
    text = (spread(digits, 16) | (copies(0x30, 16) >> 16)) << 16
    c.vr[VRT] = text | select(minus, c.const(0x2D, i128), c.const(0x2B, i128))


@vec300("bcdcfz. VRT,VRB,PS", "4 VRT 6:5 VRB 1 PS 385:9", section=NEW)
def bcdcfz(c: Context, VRT: Any, VRB: Any, PS: Any) -> None:
    """Zoned decimal: sixteen bytes of a zone (3, or F if PS) and a digit; the last zone is the sign."""
    b = c.vr[VRB]
    digits = squeezed(b & copies(0x0F, 8), 8)
    code = (b >> 4) & SIGN
    zones = (b >> 8) & (copies(0xF0, 8) >> 8)
    if PS:
        expected, minus = copies(0xF0, 8) >> 8, (code == 0xB) | (code == 0xD)
        wrong = (zones != expected) | ult(code, 10)
    else:
        expected, minus = copies(0x30, 8) >> 8, (code & 4) != 0
        wrong = zones != expected
    conclude(c, minus, digits == 0, wrong | wrong_digits(digits))
    c.vr[VRT] = signed(c, digits, minus, 0)


@vec300("bcdctz. VRT,VRB,PS", "4 VRT 4:5 VRB 1 PS 385:9", section=NEW)
def bcdctz(c: Context, VRT: Any, VRB: Any, PS: Any) -> None:
    b = c.vr[VRB]
    minus, digits = negative(b), (b >> 4) & LOW
    conclude(c, minus, (b >> 4) == 0, ult(b & SIGN, 10) | wrong_digits(digits), (b >> 68) != 0)
    zone, plus_code, minus_code = (0xF0, 0xC0, 0xD0) if PS else (0x30, 0x30, 0x70)
    code = select(minus, c.const(minus_code, i128), c.const(plus_code, i128))
    c.vr[VRT] = (spread(digits, 8) | (copies(zone, 8) & ~0xFF)) | code


@vec300("bcdcfsq. VRT,VRB,PS", "4 VRT 2:5 VRB 1 PS 385:9", section=NEW)
def bcdcfsq(c: Context, VRT: Any, VRB: Any, PS: Any) -> None:
    """Of a number with more than 31 digits the last ones, where the manual leaves them undefined."""
    b = c.vr[VRB]
    minus = slt(b, 0)
    size = select(minus, c.const(0, i128) - b, b)
    high, low = (size >> 64).to(i64), size.to(i64)
    digits = joined(decimal(high, low, 1), decimal(high, low, 0))
    conclude(c, minus, b == 0, c.const(0).to(minus.ty), ult(c.const(10**31 - 1, i128), size))
    c.vr[VRT] = signed(c, digits, minus, PS)


@vec300("bcdctsq. VRT,VRB", "4 VRT 0:5 VRB 1:1 /:1 385:9", section=NEW)
def bcdctsq(c: Context, VRT: Any, VRB: Any) -> None:
    """Pairs of digits, then of pairs, and so on."""
    b = c.vr[VRB]
    x, width, scale = b >> 4, 4, 10
    while width < 128:
        low = copies((1 << width) - 1, 2 * width)
        x = (x & low) + ((x >> width) & low) * scale
        width, scale = 2 * width, scale * scale
    conclude(c, negative(b), (b >> 4) == 0, invalid(b))
    c.vr[VRT] = select(negative(b), c.const(0, i128) - x, x)


@vec300("bcdcpsgn. VRT,VRA,VRB", "4 VRT VRA VRB 833:11", section=NEW)
def bcdcpsgn(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    a, b = c.vr[VRA], c.vr[VRB]
    conclude(c, negative(b), (a >> 4) == 0, invalid(a, b))
    c.vr[VRT] = (a & ~SIGN) | (b & SIGN)


@vec300("bcdsetsgn. VRT,VRB,PS", "4 VRT 31:5 VRB 1 PS 385:9", section=NEW)
def bcdsetsgn(c: Context, VRT: Any, VRB: Any, PS: Any) -> None:
    b = c.vr[VRB]
    conclude(c, negative(b), (b >> 4) == 0, invalid(b))
    c.vr[VRT] = signed(c, b >> 4, negative(b), PS)


def distance(a: Value) -> tuple[Value, Value]:
    """The shift that byte 7 of VRA asks for: whether it is to the left, and how far."""
    n = (a >> 64).to(i8).to(i64, signed=True)
    right = slt(n, 0)
    return ~right, select(right, -n, n)


def moved(x: Value, left: Value, far: Value) -> tuple[Value, Value]:
    """x shifted by `far` nibbles, at most 31, and what left it at the left."""
    bits = (select(ult(far, 31), far, far.ir.const(31)) << 2).to(i128)
    lost = shr(shr(x, -bits + 124), x.ir.const(4, i128))
    return select(left, shl(x, bits), shr(x, bits)), select(left, lost, x.ir.const(0, i128))


@vec300("bcds. VRT,VRA,VRB,PS", "4 VRT VRA VRB 1 PS 193:9", section=NEW, rounding=False)
@vec300("bcdsr. VRT,VRA,VRB,PS", "4 VRT VRA VRB 1 PS 449:9", section=NEW, rounding=True)
def shift(c: Context, VRT: Any, VRA: Any, VRB: Any, PS: Any, rounding: bool) -> None:
    """The digit that leaves last at the right takes the place of the sign."""
    b = c.vr[VRB]
    x, lost = moved(b & ~SIGN, *distance(c.vr[VRA]))
    digits = x >> 4
    if rounding:
        digits, _ = total(digits, c.const(0, i128), ule(5, x & SIGN).to(i128))
    conclude(c, negative(b), digits == 0, invalid(b), lost != 0)
    c.vr[VRT] = signed(c, digits, negative(b), PS)


@vec300("bcdus. VRT,VRA,VRB", "4 VRT VRA VRB 1:1 /:1 129:9", section=NEW)
def bcdus(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    """Unsigned: 32 digits."""
    b = c.vr[VRB]
    left, far = distance(c.vr[VRA])
    x, lost = moved(b, left, far)
    all_of_it = ult(31, far)
    result = select(all_of_it, c.const(0, i128), x)
    overflow = (lost != 0) | (all_of_it & left & (b != 0))
    conclude(c, c.const(0).to(left.ty), result == 0, wrong_digits(b), overflow)
    c.vr[VRT] = result


def kept(a: Value, more: int) -> Value:
    """A mask of the digits whose number halfword 3 of VRA gives, and `more` nibbles."""
    n = (a >> 64).to(i16).to(i64) + more
    bits = (select(ult(n, 32), n, n.ir.const(0)) << 2).to(i128)
    ones = a.ir.const(ONES, i128)
    return select(ult(n, 32), ~shl(ones, bits), ones)


@vec300("bcdtrunc. VRT,VRA,VRB,PS", "4 VRT VRA VRB 1 PS 257:9", section=NEW)
def bcdtrunc(c: Context, VRT: Any, VRA: Any, VRB: Any, PS: Any) -> None:
    b, mask = c.vr[VRB], kept(c.vr[VRA], 1)
    digits = (b & mask) >> 4
    conclude(c, negative(b), digits == 0, invalid(b), (b & ~mask) != 0)
    c.vr[VRT] = signed(c, digits, negative(b), PS)


@vec300("bcdutrunc. VRT,VRA,VRB", "4 VRT VRA VRB 1:1 /:1 321:9", section=NEW)
def bcdutrunc(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    b, mask = c.vr[VRB], kept(c.vr[VRA], 0)
    result = b & mask
    no = c.const(0).to(((b & 1) == 0).ty)
    conclude(c, no, result == 0, wrong_digits(b), (b & ~mask) != 0)
    c.vr[VRT] = result


# -- multiplication by ten: the quadword, or what it carries out; the extended forms add a digit


def times_ten(a: Value, digit: Value, carry: bool) -> Value:
    if not carry:
        return a * 10 + digit
    low = (a & LOW) * 10 + digit
    return ((a >> 64) * 10 + (low >> 64)) >> 64


@vec300("vmul10uq VRT,VRA", "4 VRT VRA /:5 513:11", section=TEN, carry=False)
@vec300("vmul10cuq VRT,VRA", "4 VRT VRA /:5 1:11", section=TEN, carry=True)
def multiply(c: Context, VRT: Any, VRA: Any, carry: bool) -> None:
    c.vr[VRT] = times_ten(c.vr[VRA], c.const(0, i128), carry)


@vec300("vmul10euq VRT,VRA,VRB", "4 VRT VRA VRB 577:11", section=TEN, carry=False)
@vec300("vmul10ecuq VRT,VRA,VRB", "4 VRT VRA VRB 65:11", section=TEN, carry=True)
def multiply_extended(c: Context, VRT: Any, VRA: Any, VRB: Any, carry: bool) -> None:
    """A digit above 9 is undefined."""
    c.vr[VRT] = times_ten(c.vr[VRA], c.vr[VRB] & SIGN, carry)
