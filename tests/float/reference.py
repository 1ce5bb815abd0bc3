"""Floating point as Book I 4.2-4.6 and 7.6 word it, over exact rationals (gmpy2). Nothing here is shared with ppcdbt.

`arithmetic(op, a, b, c, fpscr)` gives the register written (None: suppressed) and FPSCR afterwards; operands are those
of FRA, FRB, FRC as the bits of doubles.
"""

from __future__ import annotations

from typing import NamedTuple

from gmpy2 import f_div, isqrt_rem, mpq, mpz

from .fpscr_reference import (
    FI,
    FPCC,
    FPRF,
    FR,
    OE,
    OX,
    UE,
    UX,
    VE,
    VXALL,
    VXCVI,
    VXIDI,
    VXIMZ,
    VXISI,
    VXSNAN,
    VXSQRT,
    VXVC,
    VXZDZ,
    XE,
    XX,
    ZE,
    ZX,
    raised,
)
from .rounding_reference import at_precision, choose, floor_log2, power

DEFAULT = 0x7FF8 << 48
INF = 0x7FF << 52
BIAS = mpq(2) ** 1536, mpq(2) ** 192


class Undefined(Exception):
    """What the manual leaves open: a scaled result of single operations on doubles that no double can hold."""


class Number(NamedTuple):
    """A double taken apart: kind is "nan", "inf" or "finite" (with its value)."""

    kind: str
    sign: int
    value: mpq
    bits: int


def number(bits: int) -> Number:
    """Read a double."""
    sign, exponent, fraction = bits >> 63, bits >> 52 & 0x7FF, bits & ((1 << 52) - 1)
    if exponent == 0x7FF:
        return Number("nan" if fraction else "inf", sign, mpq(0), bits)
    m = fraction + (1 << 52) if exponent else fraction
    return Number("finite", sign, power(m, max(exponent, 1) - 1075) * (-1 if sign else 1), bits)


def signalling(x: Number) -> bool:
    """A NaN with the quiet bit clear."""
    return x.kind == "nan" and not x.bits >> 51 & 1


def to_bits(sign: int, value: mpq) -> int:
    """The double equal to a magnitude (exactly)."""
    if value == 0:
        return sign << 63
    e = floor_log2(value)
    e = max(e, -1022)
    m = value / power(1, e - 52)
    if m.denominator != 1 or e > 1023:
        raise Undefined
    field = e + 1023 if m >= 1 << 52 else 0
    return sign << 63 | field << 52 | int(m) & ((1 << 52) - 1)


def finish(x: mpq, sticky: bool, sign: int, single: bool, fpscr: int) -> tuple[int, int]:
    """(bits, flags) of a nonzero exact magnitude; sticky: the true one is a little more (a square root)."""
    digits, least, top, bias = (24, -126, 127, BIAS[1]) if single else (53, -1022, 1023, BIAS[0])
    if sticky:
        x += power(1, floor_log2(x) - 200)
    mode, flags = fpscr & 3, 0
    tiny = x < power(1, least)
    if tiny and fpscr & UE:
        x *= bias
        r = at_precision(x, digits, None, sign, mode)
        flags |= UX
    else:
        r = at_precision(x, digits, least, sign, mode)
        if tiny and r != x:
            flags |= UX
    if r >= power(1, top + 1):
        if fpscr & OE:
            flags |= OX
            x, r = x / bias, r / bias
        else:
            inf = mode == 0 or (mode == 2 and not sign) or (mode == 3 and bool(sign))
            largest = power((1 << digits) - 1, top - digits + 1)
            return (sign << 63 | INF if inf else to_bits(sign, largest)), OX | XX | FI | (FR if inf else 0)
    if r != x:
        flags |= XX | FI | (FR if r > x else 0)
    return to_bits(sign, r), flags


def quiet(x: Number, cut: bool) -> int:
    """A NaN operand as a result."""
    bits = x.bits | 1 << 51
    return bits & ~((1 << 29) - 1) if cut else bits


def total(a: Number, b: Number, single: bool, fpscr: int) -> tuple[int, int]:
    """a + b, no NaNs."""
    if a.kind == b.kind == "inf":
        return (a.bits, 0) if a.sign == b.sign else (DEFAULT, VXISI)
    if "inf" in (a.kind, b.kind):
        return (a.bits if a.kind == "inf" else b.bits), 0
    s = a.value + b.value
    if s == 0:
        both = a.value == 0 and a.sign == b.sign
        return (a.sign if both else int(fpscr & 3 == 3)) << 63, 0
    return finish(abs(s), False, int(s < 0), single, fpscr)


def times(a: Number, c: Number) -> Number | None:
    """The exact product; None if it is infinity times zero."""
    sign = a.sign ^ c.sign
    if "inf" in (a.kind, c.kind):
        other = c if a.kind == "inf" else a
        if other.kind == "finite" and other.value == 0:
            return None
        return Number("inf", sign, mpq(0), sign << 63 | INF)
    return Number("finite", sign, a.value * c.value, sign << 63)


def over(a: Number, b: Number, single: bool, fpscr: int) -> tuple[int, int]:
    """a / b, no NaNs."""
    sign = a.sign ^ b.sign
    if a.kind == "inf":
        return (DEFAULT, VXIDI) if b.kind == "inf" else (sign << 63 | INF, 0)
    if b.kind == "inf":
        return sign << 63, 0
    if b.value == 0:
        return (DEFAULT, VXZDZ) if a.value == 0 else (sign << 63 | INF, ZX)
    if a.value == 0:
        return sign << 63, 0
    return finish(abs(a.value / b.value), False, sign, single, fpscr)


def root(b: Number, single: bool, fpscr: int) -> tuple[int, int]:
    """Square root, no NaNs."""
    if b.kind == "finite" and b.value == 0:
        return b.bits, 0
    if b.sign:
        return DEFAULT, VXSQRT
    if b.kind == "inf":
        return b.bits, 0
    scale = 2 * ((floor_log2(b.value) - 220) // 2)
    s, rest = isqrt_rem(mpz(b.value / power(1, scale)))
    return finish(power(s, scale // 2), rest != 0, 0, single, fpscr)


def value_of(name: str, a: Number, b: Number, c: Number, single: bool, fpscr: int) -> tuple[int, int]:
    """(result, flags) of a named operation."""
    operands = {"add": (a, b), "sub": (a, b), "mul": (a, c), "div": (a, b)}.get(name, (b,))
    fused = name in ("madd", "msub", "nmadd", "nmsub")
    if fused:
        operands = (a, b, c)
    flags = VXSNAN if any(map(signalling, operands)) else 0
    if fused and "nan" not in (a.kind, c.kind) and times(a, c) is None:
        flags |= VXIMZ
        if b.kind != "nan":
            return DEFAULT, flags
    nan = next((x for x in operands if x.kind == "nan"), None)
    if nan is not None:
        return quiet(nan, single or name == "rsp"), flags
    minus_b = number(b.bits ^ 1 << 63)
    if name in ("add", "sub"):
        return total(a, b if name == "add" else minus_b, single, fpscr)
    if name == "mul":
        p = times(a, c)
        if p is None:
            return DEFAULT, VXIMZ
        if p.kind == "inf" or p.value == 0:
            return p.bits, 0
        return finish(abs(p.value), False, p.sign, single, fpscr)
    if name == "div":
        return over(a, b, single, fpscr)
    if name == "sqrt":
        return root(b, single, fpscr)
    if name == "re":
        return over(number(0x3FF << 52), b, single, fpscr)
    if name == "rsqrte":
        r, first = root(b, False, 0)
        x, second = over(number(0x3FF << 52), number(r), single, fpscr) if not first & VXSQRT else (r, VXSQRT)
        return x, first & XX | second
    if name == "rsp":
        return (b.bits, 0) if b.kind == "inf" or b.value == 0 else finish(abs(b.value), False, b.sign, True, fpscr)
    p = times(a, c)
    assert p is not None
    bits, flags = total(p, minus_b if "sub" in name else b, single, fpscr)
    if name.startswith("n") and bits & ~(1 << 63) <= INF:
        bits ^= 1 << 63
    return bits, flags


def integral(name: str, b: Number) -> tuple[int, int]:
    """frin, friz, frip, frim."""
    if b.kind == "nan":
        return quiet(b, False), VXSNAN if signalling(b) else 0
    if b.kind == "inf":
        return b.bits, 0
    x = abs(b.value)
    whole = int(f_div(x.numerator, x.denominator))
    n = choose(whole, x - whole, b.sign, {"rin": 4, "riz": 1, "rip": 2, "rim": 3}[name])
    return to_bits(b.sign, mpq(n)), 0


def to_integer(name: str, b: Number, fpscr: int) -> tuple[int, int]:
    """to_s64, to_u32z ...: the register (a word result extended), and flags."""
    toward_zero = name.endswith("z")
    kind = name[3:].rstrip("z")
    bits = int(kind[1:])
    least, most = (-(1 << bits - 1), (1 << bits - 1) - 1) if kind[0] == "s" else (0, (1 << bits) - 1)
    if b.kind == "nan":
        return least & (1 << 64) - 1, VXCVI | (VXSNAN if signalling(b) else 0)
    if b.kind == "inf":
        return (least if b.sign else most) & (1 << 64) - 1, VXCVI
    x = abs(b.value)
    whole = int(f_div(x.numerator, x.denominator))
    m = choose(whole, x - whole, b.sign, 1 if toward_zero else fpscr & 3)
    n = -m if b.sign else m
    if not least <= n <= most:
        return (least if n < least else most) & (1 << 64) - 1, VXCVI
    return n & (1 << 64) - 1, (FI | XX if m != x else 0) | (FR if m > x else 0)


def from_integer(signed: bool, b: int, single: bool, fpscr: int) -> tuple[int, int]:
    """fcfid and relatives."""
    n = b - (1 << 64) if signed and b >> 63 else b
    return finish(mpq(abs(n)), False, int(n < 0), single, fpscr) if n else (0, 0)


def class_of(bits: int, single: bool) -> int:
    """FPRF (figure 47)."""
    x = number(bits)
    if x.kind == "nan":
        return 0b10001
    if x.kind == "inf":
        return 0b01001 if x.sign else 0b00101
    if x.value == 0:
        return 0b10010 if x.sign else 0b00010
    denormal = abs(x.value) < power(1, -126 if single else -1022)
    return (0b01000 if x.sign else 0b00100) | denormal << 4


def arithmetic(name: str, single: bool, a: int, b: int, c: int, fpscr: int) -> tuple[int | None, int]:
    """(register written, FPSCR afterwards) of an instruction with a result."""
    x = number(b)
    to_int = name.startswith("to_")
    if to_int:
        bits, flags = to_integer(name, x, fpscr)
    elif name.startswith("from_"):
        bits, flags = from_integer(name == "from_s64", b, single, fpscr)
    elif name in ("rin", "riz", "rip", "rim"):
        bits, flags = integral(name, x)
    else:
        bits, flags = value_of(name, number(a), x, number(c), single, fpscr)
    new = fpscr & ~(FR | FI) | flags & (FR | FI)
    if (flags & VXALL and fpscr & VE) or (flags & ZX and fpscr & ZE):
        return None, raised(new, flags)
    fprf = 0 if to_int else class_of(bits, single or name == "rsp")
    return bits, raised(new & ~FPRF | fprf << 12, flags)


def comparison(ordered: bool, a: int, b: int, fpscr: int) -> tuple[int, int]:
    """(CR field, FPSCR afterwards)."""
    x, y = number(a), number(b)
    flags = 0
    cc = order(x, y)
    if signalling(x) or signalling(y):
        flags = VXSNAN | (VXVC if ordered and not fpscr & VE else 0)
    elif ordered and cc == 1:
        flags = VXVC
    return cc, raised(fpscr & ~FPCC | cc << 12, flags)


# -- VSX (Book I 7.2.1, 7.6.1)


def order(x: Number, y: Number) -> int:
    """8 less, 4 greater, 2 equal, 1 unordered."""
    if "nan" in (x.kind, y.kind):
        return 1
    scale = power(1, 1100)
    p, q = (n.value if n.kind == "finite" else -scale if n.sign else scale for n in (x, y))
    return 8 if p < q else 4 if p > q else 2


def truth(name: str, a: int, b: int, fpscr: int) -> tuple[int, int]:
    """(ones or zeros, flags) of eq, gt, ge."""
    x, y = number(a), number(b)
    flags = VXSNAN if signalling(x) or signalling(y) else 0
    cc = order(x, y)
    if name != "eq" and cc == 1 and not (flags and fpscr & VE):
        flags |= VXVC
    return ((1 << 64) - 1 if cc & {"eq": 2, "gt": 4, "ge": 6}[name] else 0), flags


def extreme(name: str, a: int, b: int) -> tuple[int, int]:
    """(result, flags) of max, min and their C and Java forms, as the tables of the manual have them."""
    x, y = number(a), number(b)
    flags = VXSNAN if signalling(x) or signalling(y) else 0
    cc, wins = order(x, y), 4 if name.startswith("max") else 8
    if name.endswith("c"):
        return (a if cc == wins else b), flags
    if name.endswith("j") and cc == 1:
        return (a if x.kind == "nan" else b), flags
    if cc == 1:
        if signalling(x):
            return quiet(x, False), flags
        if x.kind == "nan":
            return (a if y.kind == "nan" else b), flags
        return (quiet(y, False) if signalling(y) else a), flags
    if cc == 2 and x.kind == "finite" and x.value == 0:
        return (min(a, b) if wins == 4 else max(a, b)), flags  # as numbers, +0 is below -0
    return (a if cc == wins else b), flags


def lane(name: str, single: bool, a: int, b: int, c: int, fpscr: int) -> tuple[int, int]:
    """(result, flags) of an element of a vector, as doubles. The estimate of a single root is rounded in between."""
    if name in ("eq", "gt", "ge"):
        return truth(name, a, b, fpscr)
    if name in ("max", "min"):
        return extreme(name, a, b)
    if name == "rsqrte" and single and number(b).kind != "nan":
        r, first = root(number(b), True, 0)
        x, second = over(number(0x3FF << 52), number(r), True, fpscr) if not first & VXSQRT else (r, VXSQRT)
        return x, first & XX | second
    return value_of(name, number(a), number(b), number(c), single, fpscr)


def enabled(flags: int, fpscr: int) -> bool:
    """Whether one of these exceptions is enabled."""
    return any(flags & f and fpscr & e for f, e in ((VXALL, VE), (OX, OE), (UX, UE), (ZX, ZE), (XX, XE)))


def from_single(x: int) -> int:
    """The double that a single is."""
    sign, exponent, fraction = x >> 31, x >> 23 & 0xFF, x & 0x7F_FFFF
    if exponent == 0xFF:
        return sign << 63 | INF | fraction << 29
    return to_bits(sign, power(fraction + (exponent > 0) * (1 << 23), max(exponent, 1) - 150))


def as_single(bits: int) -> int:
    """The single that a double is; Undefined if it is none."""
    x = number(bits)
    if x.kind != "finite":
        return x.sign << 31 | 0x7F80_0000 | bits >> 29 & 0x7F_FFFF
    if x.value == 0:
        return x.sign << 31
    e = max(floor_log2(abs(x.value)), -126)
    m = abs(x.value) / power(1, e - 23)
    if m.denominator != 1 or e > 127:
        raise Undefined
    return x.sign << 31 | (e + 127 if m >= 1 << 23 else 0) << 23 | int(m) & 0x7F_FFFF
