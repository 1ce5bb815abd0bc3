"""VSX conversions and roundings as Book I 7.6 of 3.0B words them, over exact rationals (gmpy2), element by element.

`instruction(i, b, t, fpscr)` gives XT and FPSCR afterwards, from XB, XT and FPSCR before.
"""

from __future__ import annotations

from typing import NamedTuple

from gmpy2 import f_div, mpq

from .quad_reference import DOUBLE, Format, choose, class_of, finish, number, written
from .reference import FI, FPRF, FR, VE, VXALL, VXCVI, VXSNAN, XX, raised

SINGLE, HALF = Format(24, 127, 8, 23), Format(11, 15, 5, 10)
BITS = {"d": 64, "s": 32, "h": 16, "sd": 64, "ud": 64, "sw": 32, "uw": 32}
FORMATS = {"d": DOUBLE, "s": SINGLE, "h": HALF}
STICKY = 0x1FF8_0700 | 1 << 25
Flagged = tuple[int, int]


class Conversion(NamedTuple):
    """A mnemonic; elements before and after: d s h, or an integer sd ud sw uw; what is rounded how.

    rounding: None as FPSCR says, else a mode. exact: of a rounding to an integral value, that it tells what it lost.
    single: the double is rounded to a single's precision. places: of the result in doubleword 0, for scalars."""

    mnemonic: str
    before: str
    after: str
    rounding: int | None = None
    integral: bool = False
    exact: bool = True
    single: bool = False

    @property
    def scalar(self) -> bool:
        """One element, and FPRF, FR and FI."""
        return self.mnemonic.startswith("xs")


def _table() -> list[Conversion]:
    out = [Conversion(f"{v}cv{a}{b}", a[0], b[0]) for v in ("xs", "xv") for a, b in (("dp", "sp"), ("sp", "dp"))]
    out += [Conversion("xscvdphp", "d", "h"), Conversion("xscvhpdp", "h", "d"), Conversion("xvcvsphp", "s", "h"), Conversion("xvcvhpsp", "h", "s")]
    for sign, size in ((s, n) for s in "su" for n in "dw"):
        out += [Conversion(f"{v}cv{p}p{sign}x{size}s", p, sign + size, 1) for v, p in (("xs", "d"), ("xv", "d"), ("xv", "s"))]
        out += [Conversion(f"xvcv{sign}x{size}{p}p", sign + size, p) for p in "ds"]
    for sign in "su":
        out += [Conversion(f"xscv{sign}xddp", sign + "d", "d"), Conversion(f"xscv{sign}xdsp", sign + "d", "d", single=True)]
    for v, p in (("xs", "d"), ("xv", "d"), ("xv", "s")):
        for suffix, mode in (("", 4), ("c", None), ("m", 3), ("p", 2), ("z", 1)):
            out.append(Conversion(f"{v}r{p}pi{suffix}", p, p, mode, integral=True, exact=suffix == "c"))
    return out


CONVERSIONS = _table()


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


def lane_bits(i: Conversion) -> int:
    """The wider of the two elements; scalars are in a doubleword."""
    return 64 if i.scalar else max(BITS[i.before], BITS[i.after])


def element_of(i: Conversion, lane: int) -> int:
    """The operand in its lane: words to the left, halfwords to the right."""
    size = BITS[i.before]
    return (lane >> 32 if size == 32 and lane_bits(i) == 64 else lane) & ((1 << size) - 1)


def lane_of(i: Conversion, x: int) -> int:
    """The lane of a result: words in both halves (a scalar's integer extended instead)."""
    if BITS[i.after] != 32 or lane_bits(i) == 32:
        return x
    if i.scalar and i.after in ("sw", "uw"):
        return x | (0xFFFF_FFFF << 32 if i.after == "sw" and x >> 31 else 0)
    return x | x << 32


def instruction(i: Conversion, b: int, t: int, fpscr: int) -> tuple[int, int]:
    """(XT, FPSCR) afterwards."""
    if i.scalar:
        x, flags, fprf = element(i, element_of(i, b >> 64), fpscr)
        new = fpscr & ~(FR | FI) | flags & (FR | FI)
        if flags & VXALL and fpscr & VE:
            return t, raised(new, flags)
        return lane_of(i, x) << 64, raised(new & ~FPRF | fprf << 12, flags)
    width, out, flags = lane_bits(i), 0, 0
    for n in range(0, 128, width):
        x, more, _ = element(i, element_of(i, b >> n & ((1 << width) - 1)), fpscr)
        flags |= more
        out |= lane_of(i, x) << n
    after = raised(fpscr, flags)
    happened = flags & STICKY | (1 << 29 if flags & VXALL else 0)
    return (t if happened >> 22 & fpscr & 0xF8 else out), after
