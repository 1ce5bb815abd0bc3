"""Vector floating point: four singles (Book I 6.10).

Nothing here sets FPSCR or traps. With VSCR[NJ] set, denormal operands and results are zeros of the same sign (6.3.2).
"""

from __future__ import annotations

import struct
from typing import Any

from ...ir.builder import Value
from ...ir.ops import Op
from ...ir.ops_vector import v_add, v_eq, v_sar, v_shl, v_shr, v_sub
from ...ir.ops_vector_float import (
    vf_add,
    vf_div,
    vf_eq,
    vf_fma,
    vf_from_s,
    vf_from_u,
    vf_gt,
    vf_rint,
    vf_sqrt,
    vf_to_s,
    vf_to_u,
)
from ...ir.types import i8
from ..context import Context
from .vector_compare import compare, record_all
from .vector_lanes import NJ, choose, copies, joined, saturate, splat, vec

ARITHMETIC, EXTREME, CONVERT, COMPARE, ESTIMATE = "I 6.10.1", "I 6.10.2", "I 6.10.3", "I 6.10.4", "I 6.10.5"
SIGNS, EXPONENTS, FRACTIONS = (copies(x, 32) for x in (1 << 31, 0x7F80_0000, 0x7F_FFFF))
ONE, QUIETS = copies(0x3F80_0000, 32), copies(1 << 22, 32)


def single(x: float) -> int:
    """A number in every lane."""
    return copies(int(struct.unpack("<I", struct.pack("<f", x))[0]), 32)


def flush(c: Context, *operands: Value) -> list[Value]:
    """Denormals as zeros, if VSCR[NJ]."""
    nj = c.const(0) - ((c.reg("vscr") >> NJ.bit_length() - 1) & 1)
    clear = joined(nj, nj) & FRACTIONS
    return [x & ~(v_eq(x & EXPONENTS, 0, imm=32) & clear) for x in operands]


def ordered(x: Value) -> Value:
    """All ones where it is no NaN."""
    return vf_eq(x, x)


def opposite(x: Value) -> Value:
    """The numbers with the other sign; NaNs as they are."""
    return x ^ (ordered(x) & SIGNS)


def product(a: Value, b: Any) -> Value:
    """a * b, as a sum with -0."""
    return vf_fma(a, a.ir.const(SIGNS, a.ty), a.ir.const(b, a.ty))


def finish(c: Context, VRT: Any, result: Value) -> None:
    """VRT = a result, flushed if VSCR[NJ]."""
    c.vr[VRT] = flush(c, result)[0]


@vec("vaddfp VRT,VRA,VRB", "4 VRT VRA VRB 10:11", section=ARITHMETIC, minus=False)
@vec("vsubfp VRT,VRA,VRB", "4 VRT VRA VRB 74:11", section=ARITHMETIC, minus=True)
def add(c: Context, VRT: Any, VRA: Any, VRB: Any, minus: bool) -> None:
    a, b = flush(c, c.vr[VRA], c.vr[VRB])
    finish(c, VRT, vf_add(a, opposite(b) if minus else b))


@vec("vmaddfp VRT,VRA,VRC,VRB", "4 VRT VRA VRB VRC 46", section=ARITHMETIC, negative=False)
@vec("vnmsubfp VRT,VRA,VRC,VRB", "4 VRT VRA VRB VRC 47", section=ARITHMETIC, negative=True)
def multiply_add(c: Context, VRT: Any, VRA: Any, VRC: Any, VRB: Any, negative: bool) -> None:
    """A product that rounds up to the least normal number counts as normal under NJ."""
    a, b, factor = flush(c, c.vr[VRA], c.vr[VRB], c.vr[VRC])
    if negative:
        finish(c, VRT, opposite(vf_fma(a, opposite(b), factor)))
    else:
        finish(c, VRT, vf_fma(a, b, factor))


@vec("vmaxfp VRT,VRA,VRB", "4 VRT VRA VRB 1034:11", section=EXTREME, largest=True)
@vec("vminfp VRT,VRA,VRB", "4 VRT VRA VRB 1098:11", section=EXTREME, largest=False)
def extreme(c: Context, VRT: Any, VRA: Any, VRB: Any, largest: bool) -> None:
    """+0 is greater than -0; a NaN wins, the first of two."""
    a, b = flush(c, c.vr[VRA], c.vr[VRB])
    more, less = vf_gt(a, b), vf_gt(b, a)
    same = a & b if largest else a | b
    other = choose(vf_eq(a, b), same, choose(ordered(a), b, a) | QUIETS)
    c.vr[VRT] = choose(more if largest else less, a, choose(less if largest else more, b, other))


# -- rounding and conversion


def floor(x: Value, r: Value) -> Value:
    """r, the nearest integral value, less one where it is above x."""
    return vf_add(r, vf_gt(r, x) & (ONE | SIGNS))


@vec("vrfin VRT,VRB", "4 VRT /:5 VRB 522:11", section=CONVERT, way="nearest")
@vec("vrfiz VRT,VRB", "4 VRT /:5 VRB 586:11", section=CONVERT, way="zero")
@vec("vrfip VRT,VRB", "4 VRT /:5 VRB 650:11", section=CONVERT, way="up")
@vec("vrfim VRT,VRB", "4 VRT /:5 VRB 714:11", section=CONVERT, way="down")
def round_to_integral(c: Context, VRT: Any, VRB: Any, way: str) -> None:
    """Up is minus the floor of -b, towards zero the floor of |b|; the sign is that of b."""
    b = flush(c, c.vr[VRB])[0]
    x = {"nearest": b, "zero": b & ~SIGNS, "up": b ^ SIGNS, "down": b}[way]
    r = vf_rint(x)
    r = r if way == "nearest" else floor(x, r)
    c.vr[VRT] = choose(c.const(SIGNS, b.ty), b, r)


@vec("vcfsx VRT,VRB,UIM", "4 VRT UIM VRB 842:11", section=CONVERT, f=vf_from_s)
@vec("vcfux VRT,VRB,UIM", "4 VRT UIM VRB 778:11", section=CONVERT, f=vf_from_u)
def from_integer(c: Context, VRT: Any, VRB: Any, UIM: Any, f: Op) -> None:
    """Divided by 2**UIM, which is exact."""
    c.vr[VRT] = product(f(c.vr[VRB]), splat(c, (127 - c.const(UIM)) << 23, 32))


@vec("vctsxs VRT,VRB,UIM", "4 VRT UIM VRB 970:11", section=CONVERT, f=vf_to_s, low=-(2.0**31), high=2.0**31 - 128)
@vec("vctuxs VRT,VRB,UIM", "4 VRT UIM VRB 906:11", section=CONVERT, f=vf_to_u, low=-1 + 2.0**-24, high=2.0**32 - 256)
def to_integer(c: Context, VRT: Any, VRB: Any, UIM: Any, f: Op, low: float, high: float) -> None:
    """Times 2**UIM, cut, saturated; a NaN gives 0. low, high: the last numbers that fit."""
    scaled = product(c.vr[VRB], splat(c, (127 + c.const(UIM)) << 23, 32))
    saturate(c, vf_gt(scaled, single(high)) | vf_gt(single(low), scaled))
    c.vr[VRT] = f(scaled)


# -- comparison


def vf_ge(a: Value, b: Value) -> Value:
    """All ones where a >= b."""
    return vf_gt(a, b) | vf_eq(a, b)


@compare(vec, "vcmpeqfp", 198, COMPARE, f=vf_eq)
@compare(vec, "vcmpgefp", 454, COMPARE, f=vf_ge)
@compare(vec, "vcmpgtfp", 710, COMPARE, f=vf_gt)
def comparison(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any, record: bool) -> None:
    result = f(*flush(c, c.vr[VRA], c.vr[VRB]))
    if record:
        record_all(c, result)
    c.vr[VRT] = result


@compare(vec, "vcmpbfp", 966, COMPARE)
def vcmpbfp(c: Context, VRT: Any, VRA: Any, VRB: Any, record: bool) -> None:
    """Bit 0: not a <= b; bit 1: not a >= -b. CR6: all are in bounds."""
    a, b = flush(c, c.vr[VRA], c.vr[VRB])
    result = (~vf_ge(b, a) & SIGNS) | (~vf_ge(a, b ^ SIGNS) & (SIGNS >> 1))
    if record:
        c.cr[6] = (result == 0).to(i8) << 1
    c.vr[VRT] = result


# -- estimates


@vec("vrefp VRT,VRB", "4 VRT /:5 VRB 266:11", section=ESTIMATE, root=False)
@vec("vrsqrtefp VRT,VRB", "4 VRT /:5 VRB 330:11", section=ESTIMATE, root=True)
def reciprocal(c: Context, VRT: Any, VRB: Any, root: bool) -> None:
    """The rounded quotient itself."""
    b = flush(c, c.vr[VRB])[0]
    finish(c, VRT, vf_div(c.const(ONE, b.ty), vf_sqrt(b) if root else b))


def polynomial(x: Value, *coefficients: float) -> Value:
    """The first coefficient is that of the highest power."""
    out = x.ir.const(single(coefficients[0]), x.ty)
    for k in coefficients[1:]:
        out = vf_fma(out, x.ir.const(single(k), x.ty), x)
    return out


@vec("vexptefp VRT,VRB", "4 VRT /:5 VRB 394:11", section=ESTIMATE)
def vexptefp(c: Context, VRT: Any, VRB: Any) -> None:
    """2**n * 2**f with a parabola for 2**f (off by 0.3 %; 6 % are allowed). n in two steps: a result may be denormal."""
    b = flush(c, c.vr[VRB])[0]
    high, low = (c.const(single(x), b.ty) for x in (160.0, -160.0))
    x = choose(vf_gt(b, high), high, choose(vf_gt(low, b), low, b))
    whole = floor(x, vf_rint(x))
    power = polynomial(vf_add(x, whole ^ SIGNS), 0.34375, 0.65625, 1.0)
    n = vf_to_s(whole)
    half = v_sar(n, copies(1, 32), imm=32)
    for step in (half, v_sub(n, half, imm=32)):
        power = product(power, v_shl(v_add(step, copies(127, 32), imm=32), copies(23, 32), imm=32))
    finish(c, VRT, choose(ordered(b), power, vf_add(b, b)))


@vec("vlogefp VRT,VRB", "4 VRT /:5 VRB 458:11", section=ESTIMATE)
def vlogefp(c: Context, VRT: Any, VRB: Any) -> None:
    """The exponent, and of the rest 1 + f a cubic with the right value and slope at both ends (off by 0.008; 1/32 is
    allowed)."""
    b = flush(c, c.vr[VRB])[0]
    tiny = v_eq(b & EXPONENTS, 0, imm=32)
    x = choose(tiny, product(b, single(2.0**32)), b)
    bias = (tiny & copies(32, 32)) + copies(127, 32)
    exponent = vf_from_s(v_sub(v_shr(x & EXPONENTS, copies(23, 32), imm=32), bias, imm=32))
    rest = vf_add((x & FRACTIONS) | ONE, ONE | SIGNS)
    result = vf_fma(polynomial(rest, 0.163995, -0.606690, 1.442695), exponent, rest)
    infinite = v_eq(b, EXPONENTS, imm=32)
    invalid = v_sar(b, copies(31, 32), imm=32) | ~ordered(b)  # negative: as its square root
    result = choose(invalid | infinite, vf_sqrt(b), result)
    c.vr[VRT] = choose(v_eq(b & ~SIGNS, 0, imm=32), c.const(SIGNS | EXPONENTS, b.ty), result)
