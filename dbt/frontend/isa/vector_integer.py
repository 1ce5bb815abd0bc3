"""Vector integer addition, subtraction, averages, minima and maxima, negation and extension (Book I 6.9.1)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import ult
from ...ir.ops_vector import v_add, v_adds, v_addu, v_gtu, v_sar, v_shr, v_sub, v_subs, v_subu
from ...ir.types import i128
from ..context import Context
from .vector_lanes import copies, extended, greater, lesser, negated, saturate, vec, vec207, vec300

ADD, SUBTRACT, AVERAGE = "I 6.9.1.1", "I 6.9.1.2", "I 6.9.1.5"
EXTREME = "I 6.9.1.6"


@vec("vaddubm VRT,VRA,VRB", "4 VRT VRA VRB 0:11", section=ADD, f=v_add, width=8)
@vec("vadduhm VRT,VRA,VRB", "4 VRT VRA VRB 64:11", section=ADD, f=v_add, width=16)
@vec("vadduwm VRT,VRA,VRB", "4 VRT VRA VRB 128:11", section=ADD, f=v_add, width=32)
@vec207("vaddudm VRT,VRA,VRB", "4 VRT VRA VRB 192:11", section=ADD, f=v_add, width=64)
@vec("vsububm VRT,VRA,VRB", "4 VRT VRA VRB 1024:11", section=SUBTRACT, f=v_sub, width=8)
@vec("vsubuhm VRT,VRA,VRB", "4 VRT VRA VRB 1088:11", section=SUBTRACT, f=v_sub, width=16)
@vec("vsubuwm VRT,VRA,VRB", "4 VRT VRA VRB 1152:11", section=SUBTRACT, f=v_sub, width=32)
@vec207("vsubudm VRT,VRA,VRB", "4 VRT VRA VRB 1216:11", section=SUBTRACT, f=v_sub, width=64)
def modulo(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any, width: int) -> None:
    c.vr[VRT] = f(c.vr[VRA], c.vr[VRB], imm=width)


@vec("vaddsbs VRT,VRA,VRB", "4 VRT VRA VRB 768:11", section=ADD, f=v_adds, exact=v_add, width=8)
@vec("vaddshs VRT,VRA,VRB", "4 VRT VRA VRB 832:11", section=ADD, f=v_adds, exact=v_add, width=16)
@vec("vaddsws VRT,VRA,VRB", "4 VRT VRA VRB 896:11", section=ADD, f=v_adds, exact=v_add, width=32)
@vec("vaddubs VRT,VRA,VRB", "4 VRT VRA VRB 512:11", section=ADD, f=v_addu, exact=v_add, width=8)
@vec("vadduhs VRT,VRA,VRB", "4 VRT VRA VRB 576:11", section=ADD, f=v_addu, exact=v_add, width=16)
@vec("vadduws VRT,VRA,VRB", "4 VRT VRA VRB 640:11", section=ADD, f=v_addu, exact=v_add, width=32)
@vec("vsubsbs VRT,VRA,VRB", "4 VRT VRA VRB 1792:11", section=SUBTRACT, f=v_subs, exact=v_sub, width=8)
@vec("vsubshs VRT,VRA,VRB", "4 VRT VRA VRB 1856:11", section=SUBTRACT, f=v_subs, exact=v_sub, width=16)
@vec("vsubsws VRT,VRA,VRB", "4 VRT VRA VRB 1920:11", section=SUBTRACT, f=v_subs, exact=v_sub, width=32)
@vec("vsububs VRT,VRA,VRB", "4 VRT VRA VRB 1536:11", section=SUBTRACT, f=v_subu, exact=v_sub, width=8)
@vec("vsubuhs VRT,VRA,VRB", "4 VRT VRA VRB 1600:11", section=SUBTRACT, f=v_subu, exact=v_sub, width=16)
@vec("vsubuws VRT,VRA,VRB", "4 VRT VRA VRB 1664:11", section=SUBTRACT, f=v_subu, exact=v_sub, width=32)
def saturating(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any, exact: Any, width: int) -> None:
    """A saturated lane never equals the sum modulo."""
    a, b = c.vr[VRA], c.vr[VRB]
    result = f(a, b, imm=width)
    saturate(c, result ^ exact(a, b, imm=width))
    c.vr[VRT] = result


@vec("vaddcuw VRT,VRA,VRB", "4 VRT VRA VRB 384:11", section=ADD, flip=0)
@vec("vsubcuw VRT,VRA,VRB", "4 VRT VRA VRB 1408:11", section=SUBTRACT, flip=-1)
def carry_words(c: Context, VRT: Any, VRA: Any, VRB: Any, flip: int) -> None:
    """a + b carries if b > ~a; a - b does unless b > a."""
    a, b = c.vr[VRA], c.vr[VRB]
    carried = v_gtu(b, a, imm=32) ^ flip if flip else v_gtu(b, ~a, imm=32)
    c.vr[VRT] = carried & copies(1, 32)


def added(a: Value, b: Value, carry: Value) -> tuple[Value, Value]:
    """The quadword a + b + carry, and its carry out."""
    first = a + b
    total = first + carry
    return total, (ult(first, a) | ult(total, carry)).to(i128)


@vec207("vadduqm VRT,VRA,VRB", "4 VRT VRA VRB 256:11", section=ADD, subtract=False, which=0)
@vec207("vaddcuq VRT,VRA,VRB", "4 VRT VRA VRB 320:11", section=ADD, subtract=False, which=1)
@vec207("vsubuqm VRT,VRA,VRB", "4 VRT VRA VRB 1280:11", section=SUBTRACT, subtract=True, which=0)
@vec207("vsubcuq VRT,VRA,VRB", "4 VRT VRA VRB 1344:11", section=SUBTRACT, subtract=True, which=1)
def quadword(c: Context, VRT: Any, VRA: Any, VRB: Any, subtract: bool, which: int) -> None:
    a, b = c.vr[VRA], c.vr[VRB]
    c.vr[VRT] = added(a, ~b if subtract else b, c.const(int(subtract), i128))[which]


@vec207("vaddeuqm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 60", section=ADD, subtract=False, which=0)
@vec207("vaddecuq VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 61", section=ADD, subtract=False, which=1)
@vec207("vsubeuqm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 62", section=SUBTRACT, subtract=True, which=0)
@vec207("vsubecuq VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 63", section=SUBTRACT, subtract=True, which=1)
def quadword_extended(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any, subtract: bool, which: int) -> None:
    a, b = c.vr[VRA], c.vr[VRB]
    c.vr[VRT] = added(a, ~b if subtract else b, c.vr[VRC] & 1)[which]


@vec("vavgub VRT,VRA,VRB", "4 VRT VRA VRB 1026:11", section=AVERAGE, shift=v_shr, width=8)
@vec("vavguh VRT,VRA,VRB", "4 VRT VRA VRB 1090:11", section=AVERAGE, shift=v_shr, width=16)
@vec("vavguw VRT,VRA,VRB", "4 VRT VRA VRB 1154:11", section=AVERAGE, shift=v_shr, width=32)
@vec("vavgsb VRT,VRA,VRB", "4 VRT VRA VRB 1282:11", section=AVERAGE, shift=v_sar, width=8)
@vec("vavgsh VRT,VRA,VRB", "4 VRT VRA VRB 1346:11", section=AVERAGE, shift=v_sar, width=16)
@vec("vavgsw VRT,VRA,VRB", "4 VRT VRA VRB 1410:11", section=AVERAGE, shift=v_sar, width=32)
def average(c: Context, VRT: Any, VRA: Any, VRB: Any, shift: Any, width: int) -> None:
    """(a + b + 1) >> 1 = (a | b) - ((a ^ b) >> 1)"""
    a, b = c.vr[VRA], c.vr[VRB]
    c.vr[VRT] = v_sub(a | b, shift(a ^ b, copies(1, width), imm=width), imm=width)


@vec300("vabsdub VRT,VRA,VRB", "4 VRT VRA VRB 1027:11", section="I 6.9.1.6 (3.0)", width=8)
@vec300("vabsduh VRT,VRA,VRB", "4 VRT VRA VRB 1091:11", section="I 6.9.1.6 (3.0)", width=16)
@vec300("vabsduw VRT,VRA,VRB", "4 VRT VRA VRB 1155:11", section="I 6.9.1.6 (3.0)", width=32)
def absolute_difference(c: Context, VRT: Any, VRA: Any, VRB: Any, width: int) -> None:
    a, b = c.vr[VRA], c.vr[VRB]
    c.vr[VRT] = v_subu(a, b, imm=width) | v_subu(b, a, imm=width)


@vec("vmaxsb VRT,VRA,VRB", "4 VRT VRA VRB 258:11", section=EXTREME, f=greater, signed=True, width=8)
@vec("vmaxsh VRT,VRA,VRB", "4 VRT VRA VRB 322:11", section=EXTREME, f=greater, signed=True, width=16)
@vec("vmaxsw VRT,VRA,VRB", "4 VRT VRA VRB 386:11", section=EXTREME, f=greater, signed=True, width=32)
@vec207("vmaxsd VRT,VRA,VRB", "4 VRT VRA VRB 450:11", section=EXTREME, f=greater, signed=True, width=64)
@vec("vmaxub VRT,VRA,VRB", "4 VRT VRA VRB 2:11", section=EXTREME, f=greater, signed=False, width=8)
@vec("vmaxuh VRT,VRA,VRB", "4 VRT VRA VRB 66:11", section=EXTREME, f=greater, signed=False, width=16)
@vec("vmaxuw VRT,VRA,VRB", "4 VRT VRA VRB 130:11", section=EXTREME, f=greater, signed=False, width=32)
@vec207("vmaxud VRT,VRA,VRB", "4 VRT VRA VRB 194:11", section=EXTREME, f=greater, signed=False, width=64)
@vec("vminsb VRT,VRA,VRB", "4 VRT VRA VRB 770:11", section=EXTREME, f=lesser, signed=True, width=8)
@vec("vminsh VRT,VRA,VRB", "4 VRT VRA VRB 834:11", section=EXTREME, f=lesser, signed=True, width=16)
@vec("vminsw VRT,VRA,VRB", "4 VRT VRA VRB 898:11", section=EXTREME, f=lesser, signed=True, width=32)
@vec207("vminsd VRT,VRA,VRB", "4 VRT VRA VRB 962:11", section=EXTREME, f=lesser, signed=True, width=64)
@vec("vminub VRT,VRA,VRB", "4 VRT VRA VRB 514:11", section=EXTREME, f=lesser, signed=False, width=8)
@vec("vminuh VRT,VRA,VRB", "4 VRT VRA VRB 578:11", section=EXTREME, f=lesser, signed=False, width=16)
@vec("vminuw VRT,VRA,VRB", "4 VRT VRA VRB 642:11", section=EXTREME, f=lesser, signed=False, width=32)
@vec207("vminud VRT,VRA,VRB", "4 VRT VRA VRB 706:11", section=EXTREME, f=lesser, signed=False, width=64)
def extreme(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any, signed: bool, width: int) -> None:
    c.vr[VRT] = f(width, signed, c.vr[VRA], c.vr[VRB])


@vec300("vnegw VRT,VRB", "4 VRT 6:5 VRB 1538:11", section="I 6.9.1 (3.0)", width=32)
@vec300("vnegd VRT,VRB", "4 VRT 7:5 VRB 1538:11", section="I 6.9.1 (3.0)", width=64)
def negate(c: Context, VRT: Any, VRB: Any, width: int) -> None:
    c.vr[VRT] = negated(c.vr[VRB], width)


@vec300("vextsb2w VRT,VRB", "4 VRT 16:5 VRB 1538:11", section="I 6.9.2 (3.0)", width=8, to=32)
@vec300("vextsh2w VRT,VRB", "4 VRT 17:5 VRB 1538:11", section="I 6.9.2 (3.0)", width=16, to=32)
@vec300("vextsb2d VRT,VRB", "4 VRT 24:5 VRB 1538:11", section="I 6.9.2 (3.0)", width=8, to=64)
@vec300("vextsh2d VRT,VRB", "4 VRT 25:5 VRB 1538:11", section="I 6.9.2 (3.0)", width=16, to=64)
@vec300("vextsw2d VRT,VRB", "4 VRT 26:5 VRB 1538:11", section="I 6.9.2 (3.0)", width=32, to=64)
def extend(c: Context, VRT: Any, VRB: Any, width: int, to: int) -> None:
    c.vr[VRT] = extended(c.vr[VRB], width, to)
