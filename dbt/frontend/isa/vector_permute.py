"""Vector pack, unpack, merge, splat, permute and select (Book I 6.8.1-6.8.5), extraction and insertion (3.0)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import shl, shr
from ...ir.ops_vector import STRAIGHT, v_perm, v_sar, v_shl, v_shr
from ...ir.types import i64, i128
from ..context import Context
from .vector_lanes import choose, clamped, copies, elements, limits, saturate, shuffle, splat, vec, vec207, vec300

PACK, MERGE, SPLAT, PERMUTE, SELECT = "I 6.8.1", "I 6.8.2", "I 6.8.3", "I 6.8.4", "I 6.8.5"
EXTRACT, INSERT, INDEXED = "I 6.8.7 (3.0)", "I 6.8.8 (3.0)", "I 6.14.2 (3.0)"


# -- pack and unpack


def low_halves(a: Value, b: Value, width: int) -> Value:
    """The low half of each lane of a, then of b, as elements of `width`."""
    return shuffle(a, b, elements(list(range(1, 256 // width, 2)), width))


@vec("vpkuhum VRT,VRA,VRB", "4 VRT VRA VRB 14:11", section=PACK, width=8)
@vec("vpkuwum VRT,VRA,VRB", "4 VRT VRA VRB 78:11", section=PACK, width=16)
@vec207("vpkudum VRT,VRA,VRB", "4 VRT VRA VRB 1102:11", section=PACK, width=32)
def pack(c: Context, VRT: Any, VRA: Any, VRB: Any, width: int) -> None:
    c.vr[VRT] = low_halves(c.vr[VRA], c.vr[VRB], width)


@vec("vpkshss VRT,VRA,VRB", "4 VRT VRA VRB 398:11", section=PACK, width=8, signed=True, to=True)
@vec("vpkswss VRT,VRA,VRB", "4 VRT VRA VRB 462:11", section=PACK, width=16, signed=True, to=True)
@vec207("vpksdss VRT,VRA,VRB", "4 VRT VRA VRB 1486:11", section=PACK, width=32, signed=True, to=True)
@vec("vpkshus VRT,VRA,VRB", "4 VRT VRA VRB 270:11", section=PACK, width=8, signed=True, to=False)
@vec("vpkswus VRT,VRA,VRB", "4 VRT VRA VRB 334:11", section=PACK, width=16, signed=True, to=False)
@vec207("vpksdus VRT,VRA,VRB", "4 VRT VRA VRB 1358:11", section=PACK, width=32, signed=True, to=False)
@vec("vpkuhus VRT,VRA,VRB", "4 VRT VRA VRB 142:11", section=PACK, width=8, signed=False, to=False)
@vec("vpkuwus VRT,VRA,VRB", "4 VRT VRA VRB 206:11", section=PACK, width=16, signed=False, to=False)
@vec207("vpkudus VRT,VRA,VRB", "4 VRT VRA VRB 1230:11", section=PACK, width=32, signed=False, to=False)
def pack_saturating(c: Context, VRT: Any, VRA: Any, VRB: Any, width: int, signed: bool, to: bool) -> None:
    """`signed`, `to`: whether source and result are."""
    low, high = limits(width, to)
    a, b = c.vr[VRA], c.vr[VRB]
    x, y = (clamped(v, 2 * width, signed, low if signed else None, high) for v in (a, b))
    saturate(c, (x ^ a) | (y ^ b))
    c.vr[VRT] = low_halves(x, y, width)


@vec("vpkpx VRT,VRA,VRB", "4 VRT VRA VRB 782:11", section=PACK)
def vpkpx(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    """8:8:8:8 bits to 1:5:5:5."""

    def pixels(a: Value) -> Value:
        moves = ((9, 0xFC00), (6, 0x03E0), (3, 0x001F))
        x, y, z = (v_shr(a, copies(n, 32), imm=32) & copies(mask, 32) for n, mask in moves)
        return x | y | z

    c.vr[VRT] = low_halves(pixels(c.vr[VRA]), pixels(c.vr[VRB]), 16)


def unpacked(b: Value, width: int, low: bool) -> Value:
    """The elements of the high or low doubleword, extended to twice their width."""
    count = 64 // width
    at = [e + count * low for e in range(count)]
    wide = shuffle(b, b, elements([e for k in at for e in (k, k)], width))
    return v_sar(wide, copies(width, 2 * width), imm=2 * width)


@vec("vupkhsb VRT,VRB", "4 VRT /:5 VRB 526:11", section=PACK, width=8, low=False)
@vec("vupkhsh VRT,VRB", "4 VRT /:5 VRB 590:11", section=PACK, width=16, low=False)
@vec207("vupkhsw VRT,VRB", "4 VRT /:5 VRB 1614:11", section=PACK, width=32, low=False)
@vec("vupklsb VRT,VRB", "4 VRT /:5 VRB 654:11", section=PACK, width=8, low=True)
@vec("vupklsh VRT,VRB", "4 VRT /:5 VRB 718:11", section=PACK, width=16, low=True)
@vec207("vupklsw VRT,VRB", "4 VRT /:5 VRB 1742:11", section=PACK, width=32, low=True)
def unpack(c: Context, VRT: Any, VRB: Any, width: int, low: bool) -> None:
    c.vr[VRT] = unpacked(c.vr[VRB], width, low)


@vec("vupkhpx VRT,VRB", "4 VRT /:5 VRB 846:11", section=PACK, low=False)
@vec("vupklpx VRT,VRB", "4 VRT /:5 VRB 974:11", section=PACK, low=True)
def unpack_pixel(c: Context, VRT: Any, VRB: Any, low: bool) -> None:
    """1:5:5:5 bits to 8:8:8:8, the first with its sign."""
    x = unpacked(c.vr[VRB], 16, low)
    moves = ((0, 0xFF00_001F), (6, 0x001F_0000), (3, 0x0000_1F00))
    parts = [v_shl(x, copies(n, 32), imm=32) & copies(mask, 32) for n, mask in moves]
    c.vr[VRT] = parts[0] | parts[1] | parts[2]


# -- merge, splat, permute, select


def merged(width: int, first: int) -> list[int]:
    """Elements of a and b by turns, from the element `first` on."""
    count = 128 // width
    return elements([e for k in range(first, first + count // 2) for e in (k, k + count)], width)


EVEN_WORDS, ODD_WORDS = elements([0, 4, 2, 6], 32), elements([1, 5, 3, 7], 32)


@vec("vmrghb VRT,VRA,VRB", "4 VRT VRA VRB 12:11", section=MERGE, chosen=merged(8, 0))
@vec("vmrghh VRT,VRA,VRB", "4 VRT VRA VRB 76:11", section=MERGE, chosen=merged(16, 0))
@vec("vmrghw VRT,VRA,VRB", "4 VRT VRA VRB 140:11", section=MERGE, chosen=merged(32, 0))
@vec("vmrglb VRT,VRA,VRB", "4 VRT VRA VRB 268:11", section=MERGE, chosen=merged(8, 8))
@vec("vmrglh VRT,VRA,VRB", "4 VRT VRA VRB 332:11", section=MERGE, chosen=merged(16, 4))
@vec("vmrglw VRT,VRA,VRB", "4 VRT VRA VRB 396:11", section=MERGE, chosen=merged(32, 2))
@vec207("vmrgew VRT,VRA,VRB", "4 VRT VRA VRB 1932:11", section=MERGE, chosen=EVEN_WORDS)
@vec207("vmrgow VRT,VRA,VRB", "4 VRT VRA VRB 1676:11", section=MERGE, chosen=ODD_WORDS)
def merge(c: Context, VRT: Any, VRA: Any, VRB: Any, chosen: list[int]) -> None:
    c.vr[VRT] = shuffle(c.vr[VRA], c.vr[VRB], chosen)


@vec("vspltb VRT,VRB,UIM4", "4 VRT / UIM4 VRB 524:11", section=SPLAT)
def vspltb(c: Context, VRT: Any, VRB: Any, UIM4: Any) -> None:
    b = c.vr[VRB]
    c.vr[VRT] = v_perm(b, b, splat(c, UIM4, 8))


@vec("vsplth VRT,VRB,UIM3", "4 VRT /:2 UIM3 VRB 588:11", section=SPLAT)
def vsplth(c: Context, VRT: Any, VRB: Any, UIM3: Any) -> None:
    b = c.vr[VRB]
    c.vr[VRT] = v_perm(b, b, splat(c, UIM3 * 0x0202 + 0x0001, 16))


@vec("vspltw VRT,VRB,UIM2", "4 VRT /:3 UIM2 VRB 652:11", section=SPLAT)
def vspltw(c: Context, VRT: Any, VRB: Any, UIM2: Any) -> None:
    b = c.vr[VRB]
    c.vr[VRT] = v_perm(b, b, splat(c, UIM2 * 0x0404_0404 + 0x0001_0203, 32))


@vec("vspltisb VRT,SIM", "4 VRT SIM /:5 780:11", section=SPLAT, width=8)
@vec("vspltish VRT,SIM", "4 VRT SIM /:5 844:11", section=SPLAT, width=16)
@vec("vspltisw VRT,SIM", "4 VRT SIM /:5 908:11", section=SPLAT, width=32)
def splat_immediate(c: Context, VRT: Any, SIM: Any, width: int) -> None:
    c.vr[VRT] = splat(c, SIM, width)


@vec("vperm VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 43", section=PERMUTE, right=False)
@vec300("vpermr VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 59", section="I 6.8.4 (3.0)", right=True)
def permute(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any, right: bool) -> None:
    """vpermr counts the 32 bytes from the right."""
    control = c.vr[VRC]
    c.vr[VRT] = v_perm(c.vr[VRA], c.vr[VRB], ~control if right else control)


@vec("vsldoi VRT,VRA,VRB,SHB", "4 VRT VRA VRB / SHB 44", section="I 6.8.6")
def vsldoi(c: Context, VRT: Any, VRA: Any, VRB: Any, SHB: Any) -> None:
    c.vr[VRT] = v_perm(c.vr[VRA], c.vr[VRB], splat(c, SHB, 8) + STRAIGHT)


@vec("vsel VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 42", section=SELECT)
def vsel(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any) -> None:
    c.vr[VRT] = choose(c.vr[VRC], c.vr[VRB], c.vr[VRA])


# -- elements at any byte. One that would reach past the register is undefined: here its place wraps


def distance(c: Context, at: Any, size: int) -> Value:
    """How far left of bit 127 the element of `size` bytes at byte `at` ends."""
    return (((16 - size - c.const(at)) & 15) << 3).to(i128)


@vec300("vextractub VRT,VRB,UIM4", "4 VRT / UIM4 VRB 525:11", section=EXTRACT, size=1)
@vec300("vextractuh VRT,VRB,UIM4", "4 VRT / UIM4 VRB 589:11", section=EXTRACT, size=2)
@vec300("vextractuw VRT,VRB,UIM4", "4 VRT / UIM4 VRB 653:11", section=EXTRACT, size=4)
@vec300("vextractd VRT,VRB,UIM4", "4 VRT / UIM4 VRB 717:11", section=EXTRACT, size=8)
def extract(c: Context, VRT: Any, VRB: Any, UIM4: Any, size: int) -> None:
    element = shr(c.vr[VRB], distance(c, UIM4, size)) & ((1 << 8 * size) - 1)
    c.vr[VRT] = element << 64


@vec300("vinsertb VRT,VRB,UIM4", "4 VRT / UIM4 VRB 781:11", section=INSERT, size=1)
@vec300("vinserth VRT,VRB,UIM4", "4 VRT / UIM4 VRB 845:11", section=INSERT, size=2)
@vec300("vinsertw VRT,VRB,UIM4", "4 VRT / UIM4 VRB 909:11", section=INSERT, size=4)
@vec300("vinsertd VRT,VRB,UIM4", "4 VRT / UIM4 VRB 973:11", section=INSERT, size=8)
def insert(c: Context, VRT: Any, VRB: Any, UIM4: Any, size: int) -> None:
    """The element ends at bit 63 of VRB."""
    left = distance(c, UIM4, size)
    ones = (1 << 8 * size) - 1
    mask = shl(c.const(ones, i128), left)
    c.vr[VRT] = (c.vr[VRT] & ~mask) | shl((c.vr[VRB] >> 64) & ones, left)


@vec300("vextublx RT,RA,VRB", "4 RT RA VRB 1549:11", section=INDEXED, size=1, right=False)
@vec300("vextuhlx RT,RA,VRB", "4 RT RA VRB 1613:11", section=INDEXED, size=2, right=False)
@vec300("vextuwlx RT,RA,VRB", "4 RT RA VRB 1677:11", section=INDEXED, size=4, right=False)
@vec300("vextubrx RT,RA,VRB", "4 RT RA VRB 1805:11", section=INDEXED, size=1, right=True)
@vec300("vextuhrx RT,RA,VRB", "4 RT RA VRB 1869:11", section=INDEXED, size=2, right=True)
@vec300("vextuwrx RT,RA,VRB", "4 RT RA VRB 1933:11", section=INDEXED, size=4, right=True)
def extract_indexed(c: Context, RT: Any, RA: Any, VRB: Any, size: int, right: bool) -> None:
    at = c.gpr[RA]
    far = ((at & 15) << 3).to(i128) if right else distance(c, at, size)
    c.gpr[RT] = shr(c.vr[VRB], far).to(i64) & ((1 << 8 * size) - 1)
