"""Quad precision as Book I 7.4 and 7.6 of 3.0B word it, over exact rationals (gmpy2). Nothing here is shared with ppcdbt.

`instruction(name, odd, mode, x, y, z, fpscr)` gives the register written (None: suppressed, or there is none), FPSCR
afterwards, and the CR field of a comparison; x, y and z are VRA, VRB and VRT as numbers of 128 bits.
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
    XX,
    ZE,
    ZX,
    raised,
)
from .rounding_reference import ODD, at_precision, choose, floor_log2, power

Flagged = tuple[int, int]


class Format(NamedTuple):
    """A format: its digits, largest exponent, and exponent bits and fraction bits as it is written down."""

    digits: int
    top: int
    exponent: int = 15
    fraction: int = 112

    @property
    def infinity(self) -> int:
        """Its bits."""
        return ((1 << self.exponent) - 1) << self.fraction

    @property
    def sign(self) -> int:
        """The sign bit."""
        return 1 << (self.exponent + self.fraction)


QUAD, EXTENDED, DOUBLE = Format(113, 16383), Format(64, 16383), Format(53, 1023, 11, 52)


class Number(NamedTuple):
    """A datum taken apart: kind is "nan", "inf" or "finite" (with its value)."""

    kind: str
    sign: int
    value: mpq
    bits: int
    signalling: bool = False


def number(bits: int, form: Format = QUAD) -> Number:
    """Read one."""
    n, w = form.fraction, form.exponent
    sign, exponent, fraction = bits >> (n + w), bits >> n & ((1 << w) - 1), bits & ((1 << n) - 1)
    if exponent == (1 << w) - 1:
        return Number("nan" if fraction else "inf", sign, mpq(0), bits, bool(fraction) and not fraction >> (n - 1))
    m = fraction + (1 << n) if exponent else fraction
    bias = (1 << (w - 1)) - 1
    return Number("finite", sign, power(m, max(exponent, 1) - bias - n) * (-1 if sign else 1), bits)


def written(sign: int, value: mpq, form: Format) -> int:
    """The bits of a magnitude that the format holds exactly (as a quad: EXTENDED's values are)."""
    out = sign * form.sign
    if value == 0:
        return out
    n, bias = form.fraction, (1 << (form.exponent - 1)) - 1
    e = max(floor_log2(value), 1 - bias)
    m = value / power(1, e - n)
    assert m.denominator == 1 and e <= bias, (value, form)
    return out | (e + bias << n if m >= 1 << n else 0) | int(m) & ((1 << n) - 1)


def finish(x: mpq, sign: int, mode: int, fpscr: int, form: Format = QUAD) -> Flagged:
    """(bits, flags) of a nonzero exact magnitude."""
    flags, least = 0, 1 - form.top
    scale = power(1, 3 << (form.exponent - 2))
    tiny = x < power(1, least)
    if tiny and fpscr & UE:
        x *= scale
        r = at_precision(x, form.digits, None, sign, mode)
        flags |= UX
    else:
        r = at_precision(x, form.digits, least, sign, mode)
        if tiny and r != x:
            flags |= UX
    if r >= power(1, form.top + 1):
        if fpscr & OE:
            flags |= OX
            x, r = x / scale, r / scale
        else:
            inf = mode in (0, 4) or (mode == 2 and not sign) or (mode == 3 and bool(sign))
            largest = power((1 << form.digits) - 1, form.top - form.digits + 1)
            flags = OX | XX | FI | (FR if inf else 0)
            return (sign * form.sign | form.infinity if inf else written(sign, largest, form)), flags
    if r != x:
        flags |= XX | FI | (FR if r > x else 0)
    if (tiny and fpscr & UE and r < power(1, least)) or r >= power(1, form.top + 1):
        raise Undefined
    return written(sign, r, form), flags


class Undefined(Exception):
    """What the manual leaves open: a scaled result that the format does not hold either."""


NAN = 0x7FFF8 << 108
QUIET = 1 << 111


def total(a: Number, b: Number, mode: int, fpscr: int) -> Flagged:
    """a + b, no NaNs."""
    if a.kind == b.kind == "inf":
        return (a.bits, 0) if a.sign == b.sign else (NAN, VXISI)
    if "inf" in (a.kind, b.kind):
        return (a.bits if a.kind == "inf" else b.bits), 0
    s = a.value + b.value
    if s == 0:
        both = a.value == 0 and a.sign == b.sign
        return (a.sign if both else int(mode == 3)) << 127, 0
    return finish(abs(s), int(s < 0), mode, fpscr)


def times(a: Number, b: Number) -> Number | None:
    """The exact product; None if it is infinity times zero."""
    sign = a.sign ^ b.sign
    if "inf" in (a.kind, b.kind):
        other = b if a.kind == "inf" else a
        if other.kind == "finite" and other.value == 0:
            return None
        return Number("inf", sign, mpq(0), sign << 127 | QUAD.infinity)
    return Number("finite", sign, a.value * b.value, sign << 127)


def over(a: Number, b: Number, mode: int, fpscr: int) -> Flagged:
    """a / b, no NaNs."""
    sign = a.sign ^ b.sign
    if a.kind == "inf":
        return (NAN, VXIDI) if b.kind == "inf" else (sign << 127 | QUAD.infinity, 0)
    if b.kind == "inf":
        return sign << 127, 0
    if b.value == 0:
        return (NAN, VXZDZ) if a.value == 0 else (sign << 127 | QUAD.infinity, ZX)
    if a.value == 0:
        return sign << 127, 0
    return finish(abs(a.value / b.value), sign, mode, fpscr)


def square_root(b: Number, mode: int, fpscr: int) -> Flagged:
    """No NaN."""
    if b.kind == "finite" and b.value == 0:
        return b.bits, 0
    if b.sign:
        return NAN, VXSQRT
    if b.kind == "inf":
        return b.bits, 0
    scale = 2 * ((floor_log2(b.value) - 520) // 2)
    s, rest = isqrt_rem(mpz(b.value / power(1, scale)))  # 260 bits and more: exact, or a little above s
    return finish(power(2 * s + (rest != 0), scale // 2 - 1), 0, mode, fpscr)


def arithmetic(name: str, x: Number, y: Number, z: Number, mode: int, fpscr: int) -> Flagged:
    """(result, flags) of those that compute."""
    fused = name in ("madd", "msub", "nmadd", "nmsub")
    operands = (x, z, y) if fused else (y,) if name == "sqrt" else (x, y)
    flags = VXSNAN if any(n.signalling for n in operands) else 0
    nan = next((n for n in operands if n.kind == "nan"), None)
    if fused and "nan" not in (x.kind, y.kind) and times(x, y) is None:
        flags |= VXIMZ
        if z.kind != "nan":
            return NAN, flags
    if nan is not None:
        return nan.bits | QUIET, flags
    if name == "add":
        return total(x, y, mode, fpscr)
    if name == "sub":
        return total(x, number(y.bits ^ 1 << 127), mode, fpscr)
    if name == "div":
        return over(x, y, mode, fpscr)
    if name == "sqrt":
        return square_root(y, mode, fpscr)
    p = times(x, y)
    if name == "mul":
        if p is None:
            return NAN, VXIMZ
        return (p.bits, 0) if p.kind == "inf" or p.value == 0 else finish(abs(p.value), p.sign, mode, fpscr)
    assert p is not None
    bits, flags = total(p, number(z.bits ^ 1 << 127) if "sub" in name else z, mode, fpscr)
    if name.startswith("n") and number(bits).kind != "nan":
        bits ^= 1 << 127
    return bits, flags


def to_integer(name: str, y: Number) -> Flagged:
    """to_s64 ...: doubleword 0 (a word extended)."""
    size = int(name[4:])
    least, most = (-(1 << size - 1), (1 << size - 1) - 1) if name[3] == "s" else (0, (1 << size) - 1)
    if y.kind == "nan":
        n, flags = least, VXCVI | (VXSNAN if y.signalling else 0)
    elif y.kind == "inf":
        n, flags = (least if y.sign else most), VXCVI
    else:
        v = abs(y.value)
        n = int(f_div(v.numerator, v.denominator))
        flags = XX | FI if n != v else 0
        n = -n if y.sign else n
        if not least <= n <= most:
            n, flags = (least if n < least else most), VXCVI
    return (n & (1 << 64) - 1) << 64, flags


def converted(name: str, y: int, mode: int, fpscr: int) -> Flagged:
    """(register, flags) of conversions and roundings."""
    if name.startswith("from_"):
        high = y >> 64
        if name == "from_double":
            d = number(high, DOUBLE)
            if d.kind == "nan":
                return d.sign << 127 | QUAD.infinity | QUIET | (high & (1 << 52) - 1) << 60, VXSNAN if d.signalling else 0
            return (d.sign << 127 | QUAD.infinity if d.kind == "inf" else written(d.sign, abs(d.value), QUAD)), 0
        n = high - (1 << 64) if name == "from_s64" and high >> 63 else high
        return written(int(n < 0), mpq(abs(n)), QUAD), 0
    x = number(y)
    if name[:4] in ("to_s", "to_u"):
        return to_integer(name, x)
    snan = VXSNAN if x.signalling else 0
    if name == "to_double":
        if x.kind == "nan":
            return (x.sign << 63 | 0x7FF8 << 48 | y >> 60 & (1 << 52) - 1) << 64, snan
        if x.kind == "inf" or x.value == 0:
            return (x.sign << 63 | (0x7FF << 52 if x.kind == "inf" else 0)) << 64, 0
        bits, flags = finish(abs(x.value), x.sign, mode, fpscr, DOUBLE)
        return bits << 64, flags
    if x.kind == "nan":
        return (y | QUIET) >> 49 << 49 if name == "to_extended" else y | QUIET, snan
    if x.kind == "inf" or x.value == 0:
        return y, 0
    if name == "to_extended":
        return finish(abs(x.value), x.sign, mode, fpscr, EXTENDED)
    v = abs(x.value)
    whole = int(f_div(v.numerator, v.denominator))
    n = choose(whole, v - whole, x.sign, mode)
    flags = XX | FI | (FR if n > v else 0) if name == "integral_exact" and n != v else 0
    return written(x.sign, mpq(n), QUAD), flags


def class_of(bits: int, form: Format) -> int:
    """FPRF (figure 47)."""
    x = number(bits, form)
    if x.kind == "nan":
        return 0b10001
    if x.kind == "inf":
        return 0b01001 if x.sign else 0b00101
    if x.value == 0:
        return 0b10010 if x.sign else 0b00010
    denormal = abs(x.value) < power(1, 1 - form.top)
    return (0b01000 if x.sign else 0b00100) | denormal << 4


def comparison(ordered: bool, a: int, b: int, fpscr: int) -> tuple[int, int]:
    """(CR field, FPSCR afterwards)."""
    x, y = number(a), number(b)
    flags = 0
    if "nan" in (x.kind, y.kind):
        cc = 1
        if x.signalling or y.signalling:
            flags = VXSNAN | (VXVC if ordered and not fpscr & VE else 0)
        elif ordered:
            flags = VXVC
    else:
        beyond = power(1, 20000)
        p, q = (n.value if n.kind == "finite" else -beyond if n.sign else beyond for n in (x, y))
        cc = 8 if p < q else 4 if p > q else 2
    return cc, raised(fpscr & ~FPCC | cc << 12, flags)


def instruction(name: str, odd: bool, mode: int | None, x: int, y: int, z: int, fpscr: int) -> tuple[int | None, int, int]:
    """(register written, FPSCR afterwards, CR field). mode: that of the instruction itself, if it names one."""
    if name in ("cmpo", "cmpu"):
        cc, after = comparison(name == "cmpo", x, y, fpscr)
        return None, after, cc
    how = ODD if odd else fpscr & 3 if mode is None else mode
    if name.startswith(("to_", "from_", "integral")):
        bits, flags = converted(name, y, how, fpscr)
    else:
        bits, flags = arithmetic(name, number(x), number(y), number(z), how, fpscr)
    new = fpscr & ~(FR | FI) | flags & (FR | FI)
    if (flags & VXALL and fpscr & VE) or (flags & ZX and fpscr & ZE):
        return None, raised(new, flags), 0
    to_int = name[:4] in ("to_s", "to_u")
    fprf = 0 if to_int else class_of(bits >> 64, DOUBLE) if name == "to_double" else class_of(bits, QUAD)
    return bits, raised(new & ~FPRF | fprf << 12, flags), 0
