"""The bits of FPSCR as Book I 4.2.2 and 5.2.1.1 draw them, and its summaries. Nothing here is shared with ppcdbt."""

from __future__ import annotations

FX, FEX, VX, OX, UX, ZX, XX = (1 << n for n in (31, 30, 29, 28, 27, 26, 25))
VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ, VXVC, FR, FI = (1 << n for n in (24, 23, 22, 21, 20, 19, 18, 17))
VXSQRT, VXCVI = 1 << 9, 1 << 8
VXALL = 0x01F8_0700
FPRF, FPCC = 0x1F000, 0xF000
VE, OE, UE, ZE, XE = 0x80, 0x40, 0x20, 0x10, 8


def raised(fpscr: int, flags: int) -> int:
    """FPSCR with exception bits set, and the summaries."""
    new = flags & (OX | UX | ZX | XX | VXALL)
    if new & ~fpscr:
        fpscr |= FX
    fpscr = (fpscr | new) & ~(VX | FEX)
    if fpscr & VXALL:
        fpscr |= VX
    if any(fpscr & e and fpscr & x for e, x in ((VE, VX), (OE, OX), (UE, UX), (ZE, ZX), (XE, XX))):
        fpscr |= FEX
    return fpscr
