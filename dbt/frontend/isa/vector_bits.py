"""Vector bit counts, parity, gathering and permutation of bits (Book I 6.12-6.15)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import clz, ctz, popcount
from ...ir.ops_vector import v_clz, v_perm, v_popcount, v_shl, v_shr, v_sub
from ...ir.types import i64
from ..context import Context
from .vector_lanes import copies, vec207, vec300


@vec207("vclzb VRT,VRB", "4 VRT /:5 VRB 1794:11", section="I 6.13", width=8)
@vec207("vclzh VRT,VRB", "4 VRT /:5 VRB 1858:11", section="I 6.13", width=16)
@vec207("vclzw VRT,VRB", "4 VRT /:5 VRB 1922:11", section="I 6.13", width=32)
@vec207("vclzd VRT,VRB", "4 VRT /:5 VRB 1986:11", section="I 6.13", width=64)
def leading_zeros(c: Context, VRT: Any, VRB: Any, width: int) -> None:
    c.vr[VRT] = v_clz(c.vr[VRB], imm=width)


@vec300("vctzb VRT,VRB", "4 VRT 28:5 VRB 1538:11", section="I 6.14 (3.0)", width=8)
@vec300("vctzh VRT,VRB", "4 VRT 29:5 VRB 1538:11", section="I 6.14 (3.0)", width=16)
@vec300("vctzw VRT,VRB", "4 VRT 30:5 VRB 1538:11", section="I 6.14 (3.0)", width=32)
@vec300("vctzd VRT,VRB", "4 VRT 31:5 VRB 1538:11", section="I 6.14 (3.0)", width=64)
def trailing_zeros(c: Context, VRT: Any, VRB: Any, width: int) -> None:
    """One bits of ~b & (b - 1)."""
    b = c.vr[VRB]
    c.vr[VRT] = v_popcount(v_sub(b, copies(1, width), imm=width) & ~b, imm=width)


@vec207("vpopcntb VRT,VRB", "4 VRT /:5 VRB 1795:11", section="I 6.14", width=8)
@vec207("vpopcnth VRT,VRB", "4 VRT /:5 VRB 1859:11", section="I 6.14", width=16)
@vec207("vpopcntw VRT,VRB", "4 VRT /:5 VRB 1923:11", section="I 6.14", width=32)
@vec207("vpopcntd VRT,VRB", "4 VRT /:5 VRB 1987:11", section="I 6.14", width=64)
def one_bits(c: Context, VRT: Any, VRB: Any, width: int) -> None:
    c.vr[VRT] = v_popcount(c.vr[VRB], imm=width)


@vec300("vprtybw VRT,VRB", "4 VRT 8:5 VRB 1538:11", section="I 6.9.6 (3.0)", width=32)
@vec300("vprtybd VRT,VRB", "4 VRT 9:5 VRB 1538:11", section="I 6.9.6 (3.0)", width=64)
@vec300("vprtybq VRT,VRB", "4 VRT 10:5 VRB 1538:11", section="I 6.9.6 (3.0)", width=128)
def parity(c: Context, VRT: Any, VRB: Any, width: int) -> None:
    """Of the last bit of each byte."""
    bits = c.vr[VRB] & copies(1, 8)
    count = popcount(bits) if width == 128 else v_popcount(bits, imm=width)
    c.vr[VRT] = count & copies(1, width)


@vec300("vclzlsbb RT,VRB", "4 RT 0:5 VRB 1538:11", section="I 6.14.1 (3.0)", f=clz)
@vec300("vctzlsbb RT,VRB", "4 RT 1:5 VRB 1538:11", section="I 6.14.1 (3.0)", f=ctz)
def zero_bytes(c: Context, RT: Any, VRB: Any, f: Any) -> None:
    """Leading or trailing bytes whose last bit is 0."""
    c.gpr[RT] = f(c.vr[VRB] & copies(1, 8)).to(i64) >> 3


def transposed(a: Value) -> Value:
    """Each doubleword as a matrix of eight by eight bits, its rows and columns exchanged."""
    for n, mask in ((7, 0x00AA_00AA_00AA_00AA), (14, 0x0000_CCCC_0000_CCCC), (28, 0x0000_0000_F0F0_F0F0)):
        t = (v_shr(a, copies(n, 64), imm=64) ^ a) & copies(mask, 64)
        a = a ^ t ^ v_shl(t, copies(n, 64), imm=64)
    return a


@vec207("vgbbd VRT,VRB", "4 VRT /:5 VRB 1292:11", section="I 6.12")
def vgbbd(c: Context, VRT: Any, VRB: Any) -> None:
    c.vr[VRT] = transposed(c.vr[VRB])


def chosen_bits(a: Value, b: Value, base: int, count: int) -> Value:
    """In the first byte of each doubleword, the bits of a that the bytes of b choose (0 from `count` on)."""
    control = (v_shr(b, copies(3, 8), imm=8) & (count // 8 - 1)  * copies(1, 8)) | base
    too_large = b if count == 128 else b | v_shl(b, copies(1, 8), imm=8)
    bits = v_shl(v_perm(a, a, control), b, imm=8) & ~too_large & copies(0x80, 8)
    return v_shr(transposed(bits), copies(56, 64), imm=64)


@vec207("vbpermq VRT,VRA,VRB", "4 VRT VRA VRB 1356:11", section="I 6.15")
def vbpermq(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    two = chosen_bits(c.vr[VRA], c.vr[VRB], 0, 128)
    c.vr[VRT] = ((two >> 56) | (two & 0xFF)) << 64


@vec300("vbpermd VRT,VRA,VRB", "4 VRT VRA VRB 1484:11", section="I 6.16 (3.0)")
def vbpermd(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    """Each doubleword of VRB chooses among the bits of its own doubleword."""
    c.vr[VRT] = chosen_bits(c.vr[VRA], c.vr[VRB], 0x0808_0808_0808_0808, 64)
