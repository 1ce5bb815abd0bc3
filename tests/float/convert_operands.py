"""VSX conversions and roundings, by mnemonic, and operands worth trying."""

from __future__ import annotations

import random
from typing import NamedTuple

from .operands import INTEGERS, SPECIAL

BITS = {"d": 64, "s": 32, "h": 16, "sd": 64, "ud": 64, "sw": 32, "uw": 32}


class Conversion(NamedTuple):
    """A mnemonic; elements before and after: d s h, or an integer sd ud sw uw; what is rounded how.

    rounding: None as FPSCR says, else a mode. exact: of a rounding to an integral value, that it tells what it lost.
    single: the double is rounded to a single's precision."""

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
SINGLES = tuple(s | m for s in (0, 1 << 31) for m in (
    0, 1, 0x7F_FFFF, 0x80_0000, 0x80_0001, 0x3F80_0000, 0x3F00_0000, 0x3F00_0001, 0x3EFF_FFFF, 0x3FC0_0000, 0x4020_0000, 0x4B00_0001,
    0x4AFF_FFFF, 0x4EFF_FFFF, 0x4F00_0000, 0x4F00_0001, 0x4F7F_FFFF, 0x4F80_0000, 0x5EFF_FFFF, 0x5F00_0000, 0x5F7F_FFFF, 0x5F80_0000,
    0x7F7F_FFFF, 0x7F80_0000, 0x7FC0_0000, 0x7FC0_2001, 0x7F80_0001, 0x7F80_2000, 0x477F_E000, 0x477F_EFFF, 0x477F_F000, 0x3880_0000,
    0x387F_FFFF, 0x387F_E000, 0x3380_0000, 0x3300_0000, 0x3300_0001, 0x32FF_FFFF))  # fmt: skip
HALF_EDGES = tuple(
    s | m for s in (0, 1 << 63) for m in (
        0x3F10_0000_0000_0000, 0x3F0F_FFFF_FFFF_FFFF, 0x3F0F_FC00_0000_0000, 0x3F0F_FE00_0000_0000, 0x3E70_0000_0000_0000,
        0x3E60_0000_0000_0000, 0x3E60_0000_0000_0001, 0x40EF_FC00_0000_0000, 0x40EF_FE00_0000_0000, 0x40EF_FDFF_FFFF_FFFF,
        0x40F0_0000_0000_0000, 0x7FF0_0400_0000_0000, 0x7FF0_0200_0000_0000))  # fmt: skip


def lane_bits(i: Conversion) -> int:
    """The wider of the two elements; scalars are in a doubleword."""
    return 64 if i.scalar else max(BITS[i.before], BITS[i.after])


def pool(i: Conversion) -> tuple[int, ...]:
    """Elements worth trying."""
    if i.before == "h":
        return tuple(range(0, 1 << 16, 37)) + tuple(range(0x7BF0, 0x8010)) + tuple(range(0xFBF0, 1 << 16, 7))
    if i.before in "ds":
        return (*SPECIAL, *HALF_EDGES) if i.before == "d" else SINGLES
    return INTEGERS


def register(r: random.Random, i: Conversion, x: int) -> int:
    """A register of such elements, x the first; anything in the places that are not read."""
    size, width = BITS[i.before], lane_bits(i)
    mask, out = (1 << size) - 1, r.getrandbits(128)
    for n in range(0, 128, width):
        at = n + (32 if size == 32 and width == 64 else 0)
        chosen = x if n == 128 - width else element(r, i)
        out = out & ~(mask << at) | (chosen & mask) << at
    return out


def elements(i: Conversion, b: int) -> list[int]:
    """What an instruction reads of a register, the first one last."""
    size, width = BITS[i.before], lane_bits(i)
    up = 32 if size == 32 and width == 64 else 0  # a word is at the left of a doubleword's lane, a halfword at the right
    return [b >> n + up & (1 << size) - 1 for n in range(64 * i.scalar, 128, width)]


def element(r: random.Random, i: Conversion) -> int:
    """A random one."""
    kind, size = r.random(), BITS[i.before]
    if kind < 0.3:
        return r.choice(pool(i))
    if kind < 0.5 or size == 16:
        return r.getrandbits(size) >> (0 if i.before in "ds" else r.randrange(size))
    if i.before not in "ds":
        return r.getrandbits(size) >> r.randrange(size)
    fraction, bias = (52, 1023) if i.before == "d" else (23, 127)
    e = r.choice((r.randint(-30, 70), r.randint(-3, 34), r.randint(-bias + 1, bias)))
    width = r.choice((fraction, fraction, min(fraction, 23), 10, 3))
    return r.getrandbits(1) << size - 1 | e + bias << fraction | r.getrandbits(width) << fraction - width
