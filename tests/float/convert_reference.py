"""VSX conversions and roundings as Book I 7.6 of 3.0B words them, over exact rationals (gmpy2), element by element.

`instruction(i, b, t, fpscr)` gives XT and FPSCR afterwards, from XB, XT and FPSCR before.
"""

from __future__ import annotations

from gmpy2 import f_div, mpq

from .convert_operands import BITS, Conversion, elements, lane_bits
from .fpscr_reference import FI, FPRF, FR, VE, VXALL, VXCVI, VXSNAN, XX, raised
from .quad_reference import DOUBLE, Format, class_of, finish, number, written
from .rounding_reference import choose

SINGLE, HALF = Format(24, 127, 8, 23), Format(11, 15, 5, 10)
FORMATS = {"d": DOUBLE, "s": SINGLE, "h": HALF}
STICKY = 0x1FF8_0700 | 1 << 25
Flagged = tuple[int, int]


def to_integer(kind: str, bits: int, form: Format, mode: int) -> Flagged:
    """Saturating; a NaN gives the least. In the integer's own width."""
    x, size = number(bits, form), BITS[kind]
    least, most = (-(1 << size - 1), (1 << size - 1) - 1) if kind[0] == "s" else (0, (1 << size) - 1)
    if x.kind == "nan":
        n, flags = least, VXCVI | (VXSNAN if x.signalling else 0)
    elif x.kind == "inf":
        n, flags = (least if x.sign else most), VXCVI
    else:
        v = abs(x.value)
        whole = int(f_div(v.numerator, v.denominator))
        m = choose(whole, v - whole, x.sign, mode)
        flags = (XX | FI if m != v else 0) | (FR if m > v else 0)
        n = -m if x.sign else m
        if not least <= n <= most:
            n, flags = (least if n < least else most), VXCVI
    return n & ((1 << size) - 1), flags


def to_format(bits: int, before: Format, after: Format, mode: int, fpscr: int) -> Flagged:
    """A number of one format in another."""
    x = number(bits, before)
    if x.kind == "nan":
        fraction = (bits & ((1 << before.fraction) - 1)) << 112 >> before.fraction  # as of a quad
        quiet = fraction >> (112 - after.fraction) | 1 << (after.fraction - 1)
        return x.sign * after.sign | after.infinity | quiet, VXSNAN if x.signalling else 0
    if x.kind == "inf" or x.value == 0:
        return x.sign * after.sign | (after.infinity if x.kind == "inf" else 0), 0
    return finish(abs(x.value), x.sign, mode, fpscr, after)


def to_integral(bits: int, form: Format, mode: int, exact: bool) -> Flagged:
    """Rounded to an integral value."""
    x = number(bits, form)
    if x.kind == "nan":
        return bits | 1 << (form.fraction - 1), VXSNAN if x.signalling else 0
    if x.kind == "inf" or x.value == 0:
        return bits, 0
    v = abs(x.value)
    whole = int(f_div(v.numerator, v.denominator))
    n = choose(whole, v - whole, x.sign, mode)
    return written(x.sign, mpq(n), form), (XX | FI | (FR if n > v else 0) if exact and n != v else 0)


def element(i: Conversion, bits: int, fpscr: int) -> tuple[int, int, int]:
    """(element afterwards, flags, FPRF)."""
    mode = fpscr & 3 if i.rounding is None else i.rounding
    if i.after not in FORMATS:
        return *to_integer(i.after, bits, FORMATS[i.before], mode), 0
    form = FORMATS["s" if i.single else i.after]
    if i.integral:
        out, flags = to_integral(bits, form, mode, i.exact)
    elif i.before in FORMATS:
        out, flags = to_format(bits, FORMATS[i.before], form, mode, fpscr)
    else:
        size = BITS[i.before]
        n = bits - (1 << size) if i.before[0] == "s" and bits >> (size - 1) else bits
        out, flags = finish(mpq(abs(n)), int(n < 0), mode, fpscr, form) if n else (0, 0)
    fprf = class_of(out, form)
    if i.single:
        out = written(out >> 31, abs(number(out, SINGLE).value), DOUBLE)
    return out, flags, fprf


def lane_of(i: Conversion, x: int) -> int:
    """The lane of a result: words in both halves of a doubleword."""
    return x | x << 32 if BITS[i.after] == 32 and lane_bits(i) == 64 else x


def instruction(i: Conversion, b: int, t: int, fpscr: int) -> tuple[int, int]:
    """(XT, FPSCR) afterwards."""
    if i.scalar:
        x, flags, fprf = element(i, elements(i, b)[0], fpscr)
        new = fpscr & ~(FR | FI) | flags & (FR | FI)
        if flags & VXALL and fpscr & VE:
            return t, raised(new, flags)
        return lane_of(i, x) << 64, raised(new & ~FPRF | fprf << 12, flags)
    width, out, flags = lane_bits(i), 0, 0
    for n, operand in enumerate(elements(i, b)):
        x, more, _ = element(i, operand, fpscr)
        flags |= more
        out |= lane_of(i, x) << n * width
    after = raised(fpscr, flags)
    happened = flags & STICKY | (1 << 29 if flags & VXALL else 0)
    return (t if happened >> 22 & fpscr & 0xF8 else out), after
