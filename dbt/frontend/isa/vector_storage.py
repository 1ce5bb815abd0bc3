"""Vector storage access and the VSCR (Book I 6.7, 6.16): what a kernel needs to move and save vector registers.

A vector register is a 128-bit number, its element 0 the most significant.
"""

from __future__ import annotations

from typing import Any

from ...ir.ops import shl, shr, sub
from ...ir.types import Type, i8, i16, i32, i64, i128
from ..context import Context
from ..insn import insn


def joined(high: Any, low: Any) -> Any:
    """Two doublewords as one quadword."""
    return (high.to(i128) << 64) | low.to(i128)


def quadword(c: Context, RA: Any, RB: Any) -> Any:
    """The address, its low four bits ignored."""
    return (c.gpr_or_zero(RA) + c.gpr[RB]) & ~15


@insn("lvx VRT,RA,RB", "31 VRT RA RB 103:10 /", needs="vec", since="2.03", section="I 6.7.2")
@insn("lvxl VRT,RA,RB", "31 VRT RA RB 359:10 /", needs="vec", since="2.03", section="I 6.7.2")
def lvx(c: Context, VRT: Any, RA: Any, RB: Any) -> None:
    ea = quadword(c, RA, RB)
    first, second = c.load(i64, ea), c.load(i64, ea + 8)
    high, low = (second, first) if c.le else (first, second)
    c.vr[VRT] = joined(high, low)


@insn("stvx VRS,RA,RB", "31 VRS RA RB 231:10 /", needs="vec", since="2.03", section="I 6.7.3")
@insn("stvxl VRS,RA,RB", "31 VRS RA RB 487:10 /", needs="vec", since="2.03", section="I 6.7.3")
def stvx(c: Context, VRS: Any, RA: Any, RB: Any) -> None:
    """One doubleword at a time: both lie in one aligned quadword, so only the first can fault."""
    ea = quadword(c, RA, RB)
    high, low = (c.vr[VRS] >> 64).to(i64), c.vr[VRS].to(i64)
    first, second = (low, high) if c.le else (high, low)
    c.store(ea, first)
    c.store(ea + 8, second)


def element_address(c: Context, RA: Any, RB: Any, ty: Type) -> tuple[Any, Any]:
    """The aligned address of an element, and how far left of bit 127 its last bit lies."""
    size = ty.bits // 8
    ea = c.address(c.gpr_or_zero(RA) + c.gpr[RB]) & -size
    place = ea & 15
    return ea, ((place if c.le else sub(16 - size, place)) << 3).to(i128)


@insn("lvebx VRT,RA,RB", "31 VRT RA RB 7:10 /", needs="vec", since="2.03", section="I 6.7.2", ty=i8)
@insn("lvehx VRT,RA,RB", "31 VRT RA RB 39:10 /", needs="vec", since="2.03", section="I 6.7.2", ty=i16)
@insn("lvewx VRT,RA,RB", "31 VRT RA RB 71:10 /", needs="vec", since="2.03", section="I 6.7.2", ty=i32)
def lvex(c: Context, VRT: Any, RA: Any, RB: Any, ty: Type) -> None:
    """The other elements are undefined; POWER8 and QEMU keep them."""
    ea, shift = element_address(c, RA, RB, ty)
    value = c.load(ty, ea).to(i128)
    mask = shl(c.const(ty.mask, i128), shift)
    c.vr[VRT] = (c.vr[VRT] & ~mask) | shl(value, shift)


@insn("stvebx VRS,RA,RB", "31 VRS RA RB 135:10 /", needs="vec", since="2.03", section="I 6.7.3", ty=i8)
@insn("stvehx VRS,RA,RB", "31 VRS RA RB 167:10 /", needs="vec", since="2.03", section="I 6.7.3", ty=i16)
@insn("stvewx VRS,RA,RB", "31 VRS RA RB 199:10 /", needs="vec", since="2.03", section="I 6.7.3", ty=i32)
def stvex(c: Context, VRS: Any, RA: Any, RB: Any, ty: Type) -> None:
    ea, shift = element_address(c, RA, RB, ty)
    c.store(ea, shr(c.vr[VRS], shift).to(ty))


@insn("lvsl VRT,RA,RB", "31 VRT RA RB 6:10 /", needs="vec", since="2.03", section="I 6.7.4", right=False)
@insn("lvsr VRT,RA,RB", "31 VRT RA RB 38:10 /", needs="vec", since="2.03", section="I 6.7.4", right=True)
def lvs(c: Context, VRT: Any, RA: Any, RB: Any, right: bool) -> None:
    """Bytes 0x00..0x1f from sh (left) or 16 - sh (right): no byte ever carries into the next."""
    sh = (c.gpr_or_zero(RA) + c.gpr[RB]) & 15
    start = (sub(16, sh) if right else sh) * 0x0101_0101_0101_0101
    c.vr[VRT] = joined(start + 0x0001_0203_0405_0607, start + 0x0809_0A0B_0C0D_0E0F)


@insn("mfvscr VRT", "4 VRT /:5 /:5 1540:11", needs="vec", since="2.03", section="I 6.16")
def mfvscr(c: Context, VRT: Any) -> None:
    c.vr[VRT] = c.reg("vscr").to(i128)


@insn("mtvscr VRB", "4 /:5 /:5 VRB 1604:11", needs="vec", since="2.03", section="I 6.16")
def mtvscr(c: Context, VRB: Any) -> None:
    """NJ and SAT; the other bits are reserved."""
    c.set_reg("vscr", c.vr[VRB].to(i64) & 0x0001_0001)


@insn("vand VRT,VRA,VRB", "4 VRT VRA VRB 1028:11", needs="vec", since="2.03", section="I 6.9.3", f=lambda a, b: a & b)
@insn("vandc VRT,VRA,VRB", "4 VRT VRA VRB 1092:11", needs="vec", since="2.03", section="I 6.9.3", f=lambda a, b: a & ~b)
@insn("vor VRT,VRA,VRB", "4 VRT VRA VRB 1156:11", needs="vec", since="2.03", section="I 6.9.3", f=lambda a, b: a | b)
@insn("vnor VRT,VRA,VRB", "4 VRT VRA VRB 1284:11", needs="vec", since="2.03", section="I 6.9.3", f=lambda a, b: ~(a | b))
@insn("vxor VRT,VRA,VRB", "4 VRT VRA VRB 1220:11", needs="vec", since="2.03", section="I 6.9.3", f=lambda a, b: a ^ b)
def logical(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any) -> None:
    c.vr[VRT] = f(c.vr[VRA], c.vr[VRB])
