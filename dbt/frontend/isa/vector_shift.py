"""Vector rotates and shifts, of elements (Book I 6.9.4) and of the whole register (6.8.6)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import shl, shr
from ...ir.ops_vector import v_gtu, v_sar, v_shl, v_shr
from ...ir.types import i128
from ..context import Context
from .vector_lanes import ONES, choose, copies, rotated, vec, vec207, vec300

WHOLE, ELEMENT = "I 6.8.6", "I 6.9.4"


@vec("vsl VRT,VRA,VRB", "4 VRT VRA VRB 452:11", section=WHOLE, f=shl, amount=0x07)
@vec("vsr VRT,VRA,VRB", "4 VRT VRA VRB 708:11", section=WHOLE, f=shr, amount=0x07)
@vec("vslo VRT,VRA,VRB", "4 VRT VRA VRB 1036:11", section=WHOLE, f=shl, amount=0x78)
@vec("vsro VRT,VRA,VRB", "4 VRT VRA VRB 1100:11", section=WHOLE, f=shr, amount=0x78)
def shift_register(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any, amount: int) -> None:
    """vsl and vsr: where the bytes of VRB disagree in their low bits the result is undefined; the last byte counts."""
    c.vr[VRT] = f(c.vr[VRA], c.vr[VRB] & amount)


@vec300("vslv VRT,VRA,VRB", "4 VRT VRA VRB 1860:11", section="I 6.8.6 (3.0)", left=True)
@vec300("vsrv VRT,VRA,VRB", "4 VRT VRA VRB 1796:11", section="I 6.8.6 (3.0)", left=False)
def shift_variable(c: Context, VRT: Any, VRA: Any, VRB: Any, left: bool) -> None:
    """Each byte by its own amount; bits come in from the next byte: one place, then the rest of the way."""
    a, n = c.vr[VRA], c.vr[VRB] & copies(7, 8)
    rest, one = n ^ copies(7, 8), copies(1, 8)
    if left:
        c.vr[VRT] = v_shl(a, n, imm=8) | v_shr(v_shr(a << 8, one, imm=8), rest, imm=8)
    else:
        c.vr[VRT] = v_shr(a, n, imm=8) | v_shl(v_shl(a >> 8, one, imm=8), rest, imm=8)


@vec("vslb VRT,VRA,VRB", "4 VRT VRA VRB 260:11", section=ELEMENT, f=v_shl, width=8)
@vec("vslh VRT,VRA,VRB", "4 VRT VRA VRB 324:11", section=ELEMENT, f=v_shl, width=16)
@vec("vslw VRT,VRA,VRB", "4 VRT VRA VRB 388:11", section=ELEMENT, f=v_shl, width=32)
@vec207("vsld VRT,VRA,VRB", "4 VRT VRA VRB 1476:11", section=ELEMENT, f=v_shl, width=64)
@vec("vsrb VRT,VRA,VRB", "4 VRT VRA VRB 516:11", section=ELEMENT, f=v_shr, width=8)
@vec("vsrh VRT,VRA,VRB", "4 VRT VRA VRB 580:11", section=ELEMENT, f=v_shr, width=16)
@vec("vsrw VRT,VRA,VRB", "4 VRT VRA VRB 644:11", section=ELEMENT, f=v_shr, width=32)
@vec207("vsrd VRT,VRA,VRB", "4 VRT VRA VRB 1732:11", section=ELEMENT, f=v_shr, width=64)
@vec("vsrab VRT,VRA,VRB", "4 VRT VRA VRB 772:11", section=ELEMENT, f=v_sar, width=8)
@vec("vsrah VRT,VRA,VRB", "4 VRT VRA VRB 836:11", section=ELEMENT, f=v_sar, width=16)
@vec("vsraw VRT,VRA,VRB", "4 VRT VRA VRB 900:11", section=ELEMENT, f=v_sar, width=32)
@vec207("vsrad VRT,VRA,VRB", "4 VRT VRA VRB 964:11", section=ELEMENT, f=v_sar, width=64)
def shift(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any, width: int) -> None:
    c.vr[VRT] = f(c.vr[VRA], c.vr[VRB], imm=width)


@vec("vrlb VRT,VRA,VRB", "4 VRT VRA VRB 4:11", section=ELEMENT, width=8)
@vec("vrlh VRT,VRA,VRB", "4 VRT VRA VRB 68:11", section=ELEMENT, width=16)
@vec("vrlw VRT,VRA,VRB", "4 VRT VRA VRB 132:11", section=ELEMENT, width=32)
@vec207("vrld VRT,VRA,VRB", "4 VRT VRA VRB 196:11", section=ELEMENT, width=64)
def rotate(c: Context, VRT: Any, VRA: Any, VRB: Any, width: int) -> None:
    c.vr[VRT] = rotated(c.vr[VRA], c.vr[VRB], width)


def masks(b: Value, width: int) -> Value:
    """Ones from bit mb to bit me of each element, wrapping; b holds mb, me and the amount in its last three bytes."""
    low = copies(width - 1, width)
    begin, end = (v_shr(b, copies(n, width), imm=width) & low for n in (16, 8))
    ones = b.ir.const(ONES, i128)
    after_end = v_shr(v_shr(ones, end, imm=width), copies(1, width), imm=width)
    return v_shr(ones, begin, imm=width) ^ after_end ^ v_gtu(begin, end, imm=width)


@vec300("vrlwnm VRT,VRA,VRB", "4 VRT VRA VRB 389:11", section="I 6.9.7 (3.0)", width=32, into=False)
@vec300("vrldnm VRT,VRA,VRB", "4 VRT VRA VRB 453:11", section="I 6.9.7 (3.0)", width=64, into=False)
@vec300("vrlwmi VRT,VRA,VRB", "4 VRT VRA VRB 133:11", section="I 6.9.7 (3.0)", width=32, into=True)
@vec300("vrldmi VRT,VRA,VRB", "4 VRT VRA VRB 197:11", section="I 6.9.7 (3.0)", width=64, into=True)
def rotate_under_mask(c: Context, VRT: Any, VRA: Any, VRB: Any, width: int, into: bool) -> None:
    b = c.vr[VRB]
    turned, mask = rotated(c.vr[VRA], b, width), masks(b, width)
    c.vr[VRT] = choose(mask, turned, c.vr[VRT]) if into else turned & mask
