"""Vector multiplication, multiply-add, multiply-sum and sums across (Book I 6.9.1.3-6.9.1.4)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import select, slt
from ...ir.ops_vector import v_add, v_adds, v_addu, v_mul, v_sar
from ...ir.types import i64, i128
from ..context import Context
from .vector_lanes import (
    clamped,
    copies,
    even,
    halves,
    interleaved,
    limits,
    odd,
    pairwise,
    saturate,
    vec,
    vec207,
    vec300,
)

MULTIPLY, SUM = "I 6.9.1.3", "I 6.9.1.4"


@vec("vmulesb VRT,VRA,VRB", "4 VRT VRA VRB 776:11", section=MULTIPLY, part=even, signed=True, width=8)
@vec("vmuleub VRT,VRA,VRB", "4 VRT VRA VRB 520:11", section=MULTIPLY, part=even, signed=False, width=8)
@vec("vmulosb VRT,VRA,VRB", "4 VRT VRA VRB 264:11", section=MULTIPLY, part=odd, signed=True, width=8)
@vec("vmuloub VRT,VRA,VRB", "4 VRT VRA VRB 8:11", section=MULTIPLY, part=odd, signed=False, width=8)
@vec("vmulesh VRT,VRA,VRB", "4 VRT VRA VRB 840:11", section=MULTIPLY, part=even, signed=True, width=16)
@vec("vmuleuh VRT,VRA,VRB", "4 VRT VRA VRB 584:11", section=MULTIPLY, part=even, signed=False, width=16)
@vec("vmulosh VRT,VRA,VRB", "4 VRT VRA VRB 328:11", section=MULTIPLY, part=odd, signed=True, width=16)
@vec("vmulouh VRT,VRA,VRB", "4 VRT VRA VRB 72:11", section=MULTIPLY, part=odd, signed=False, width=16)
@vec207("vmulesw VRT,VRA,VRB", "4 VRT VRA VRB 904:11", section=MULTIPLY, part=even, signed=True, width=32)
@vec207("vmuleuw VRT,VRA,VRB", "4 VRT VRA VRB 648:11", section=MULTIPLY, part=even, signed=False, width=32)
@vec207("vmulosw VRT,VRA,VRB", "4 VRT VRA VRB 392:11", section=MULTIPLY, part=odd, signed=True, width=32)
@vec207("vmulouw VRT,VRA,VRB", "4 VRT VRA VRB 136:11", section=MULTIPLY, part=odd, signed=False, width=32)
def multiply(c: Context, VRT: Any, VRA: Any, VRB: Any, part: Any, signed: bool, width: int) -> None:
    c.vr[VRT] = v_mul(part(c.vr[VRA], width, signed), part(c.vr[VRB], width, signed), imm=2 * width)


@vec207("vmuluwm VRT,VRA,VRB", "4 VRT VRA VRB 137:11", section=MULTIPLY)
def vmuluwm(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    c.vr[VRT] = v_mul(c.vr[VRA], c.vr[VRB], imm=32)


@vec("vmladduhm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 34", section=SUM)
def vmladduhm(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any) -> None:
    c.vr[VRT] = v_add(v_mul(c.vr[VRA], c.vr[VRB], imm=16), c.vr[VRC], imm=16)


@vec("vmhaddshs VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 32", section=SUM, bias=0)
@vec("vmhraddshs VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 33", section=SUM, bias=0x4000)
def multiply_high_add(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any, bias: int) -> None:
    parts = []
    for a, b, addend in zip(*(halves(c.vr[r], 16, True) for r in (VRA, VRB, VRC)), strict=True):
        product = v_add(v_mul(a, b, imm=32), copies(bias, 32), imm=32)
        parts.append(v_add(v_sar(product, copies(15, 32), imm=32), addend, imm=32))
    narrowed(c, VRT, parts, 16, True)


def narrowed(c: Context, VRT: Any, parts: list[Value], width: int, signed: bool) -> None:
    """VRT = even and odd parts of 2 * width, saturated."""
    low, high = limits(width, signed)
    cut = [clamped(x, 2 * width, signed, low if signed else None, high) for x in parts]
    saturate(c, (cut[0] ^ parts[0]) | (cut[1] ^ parts[1]))
    c.vr[VRT] = interleaved(cut[0], cut[1], width)


def products(a: Value, b: Value, width: int, first: bool, second: bool) -> list[Value]:
    """Even and odd products; `first`, `second`: whether the operands are signed."""
    pairs = zip(halves(a, width, first), halves(b, width, second), strict=True)
    return [v_mul(x, y, imm=2 * width) for x, y in pairs]


@vec("vmsumubm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 36", section=SUM, signed=False)
@vec("vmsummbm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 37", section=SUM, signed=True)
def multiply_sum_bytes(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any, signed: bool) -> None:
    """VRB is unsigned."""
    x, y = (pairwise(p, 16, signed) for p in products(c.vr[VRA], c.vr[VRB], 8, signed, False))
    c.vr[VRT] = v_add(v_add(x, y, imm=32), c.vr[VRC], imm=32)


@vec("vmsumuhm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 38", section=SUM, signed=False)
@vec("vmsumshm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 40", section=SUM, signed=True)
def multiply_sum(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any, signed: bool) -> None:
    x, y = products(c.vr[VRA], c.vr[VRB], 16, signed, signed)
    c.vr[VRT] = v_add(v_add(x, y, imm=32), c.vr[VRC], imm=32)


@vec("vmsumuhs VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 39", section=SUM, signed=False)
@vec("vmsumshs VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 41", section=SUM, signed=True)
def multiply_sum_saturating(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any, signed: bool) -> None:
    x, y = (halves(p, 32, signed) for p in products(c.vr[VRA], c.vr[VRB], 16, signed, signed))
    z = halves(c.vr[VRC], 32, signed)
    sums = [v_add(v_add(x[k], y[k], imm=64), z[k], imm=64) for k in (0, 1)]
    narrowed(c, VRT, sums, 32, signed)


@vec300("vmsumudm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 35", section="I 6.9.1.4 (3.0B)")
def vmsumudm(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any) -> None:
    a, b = c.vr[VRA], c.vr[VRB]
    low = (1 << 64) - 1
    c.vr[VRT] = (a >> 64) * (b >> 64) + (a & low) * (b & low) + c.vr[VRC]


@vec("vsum4sbs VRT,VRA,VRB", "4 VRT VRA VRB 1800:11", section=SUM, signed=True, width=8)
@vec("vsum4shs VRT,VRA,VRB", "4 VRT VRA VRB 1608:11", section=SUM, signed=True, width=16)
@vec("vsum4ubs VRT,VRA,VRB", "4 VRT VRA VRB 1544:11", section=SUM, signed=False, width=8)
def sum_in_words(c: Context, VRT: Any, VRA: Any, VRB: Any, signed: bool, width: int) -> None:
    x, b = c.vr[VRA], c.vr[VRB]
    while width < 32:
        x, width = pairwise(x, width, signed), 2 * width
    result = (v_adds if signed else v_addu)(x, b, imm=32)
    saturate(c, result ^ v_add(x, b, imm=32))
    c.vr[VRT] = result


@vec("vsum2sws VRT,VRA,VRB", "4 VRT VRA VRB 1672:11", section=SUM)
def vsum2sws(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    total = v_add(pairwise(c.vr[VRA], 32, True), odd(c.vr[VRB], 32, True), imm=64)
    result = clamped(total, 64, True, *limits(32, True))
    saturate(c, result ^ total)
    c.vr[VRT] = odd(result, 32, False)


@vec("vsumsws VRT,VRA,VRB", "4 VRT VRA VRB 1928:11", section=SUM)
def vsumsws(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    """The sum of five words, saturated, in the last one."""
    pairs = pairwise(c.vr[VRA], 32, True)
    total = (pairs >> 64).to(i64) + pairs.to(i64) + odd(c.vr[VRB], 32, True).to(i64)
    low, high = limits(32, True)
    result = select(slt(total, low), c.const(low), select(slt(c.const(high), total), c.const(high), total))
    saturate(c, result ^ total)
    c.vr[VRT] = (result & 0xFFFF_FFFF).to(i128)
