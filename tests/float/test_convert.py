"""Every VSX conversion and rounding, register and FPSCR, against the exact reference."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

gmpy2 = pytest.importorskip("gmpy2")

from dbt import assemble  # noqa: E402

from . import convert_reference as reference  # noqa: E402
from .check import ENABLES, MODES  # noqa: E402
from .convert_reference import BITS, CONVERSIONS, Conversion  # noqa: E402
from .operands import INTEGERS, SPECIAL  # noqa: E402
from .quad_reference import Undefined  # noqa: E402
from .vsx_guest import CASES, Case, VsxGuest  # noqa: E402

CONTROL = (0, 0, 0, *MODES, *ENABLES)
BEFORE = 0x0123_4567_89AB_CDEF_5A5A_5A5A_1234_5678
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


@pytest.fixture(scope="module", params=["interpreter", "jit"])
def guest(request: Any) -> Iterator[VsxGuest]:
    made = VsxGuest(request.param)
    yield made
    made.close()


def pool(i: Conversion) -> tuple[int, ...]:
    """Elements worth trying."""
    if i.before == "h":
        return tuple(range(0, 1 << 16, 37)) + tuple(range(0x7BF0, 0x8010)) + tuple(range(0xFBF0, 1 << 16, 7))
    if i.before in "ds":
        return (*SPECIAL, *HALF_EDGES) if i.before == "d" else SINGLES
    return INTEGERS


def register(r: random.Random, i: Conversion, x: int) -> int:
    """A register of such elements, x the first; anything in the places that are not read."""
    size, width = BITS[i.before], reference.lane_bits(i)
    out = r.getrandbits(128)
    for n in range(0, 128, width):
        at = n + (32 if size == 32 and width == 64 else 0)
        mask = (1 << size) - 1
        chosen = x if n == 128 - width else element(r, i)
        out = out & ~(mask << at) | (chosen & mask) << at
    return out


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


def control(r: random.Random) -> int:
    """FPSCR before."""
    return r.choice(CONTROL) | (r.getrandbits(32) & 0x9FFF_F700 if r.random() < 0.5 else 0)


def randoms(i: Conversion, count: int, seed: int) -> Iterator[Case]:
    r = random.Random(f"{seed} {i.mnemonic}")
    return ((control(r), 0, register(r, i, element(r, i)), BEFORE) for _ in range(count))


def specials(i: Conversion, controls: tuple[int, ...]) -> Iterator[Case]:
    r = random.Random(i.mnemonic)
    return ((fpscr, 0, register(r, i, x), BEFORE) for fpscr in controls for x in pool(i))


def agree(guest: VsxGuest, i: Conversion, cases: Iterable[Case]) -> None:
    todo, count, wrong = list(cases), 0, []
    words = assemble(f"{i.mnemonic} vs35,vs34")
    for start in range(0, len(todo), CASES):
        part = todo[start : start + CASES]
        for case, got in zip(part, guest.run(words, part), strict=True):
            try:
                want = (*reference.instruction(i, case[2], case[3], reference.raised(case[0] & 0xFFFF_F7FF, 0)), 0)
            except Undefined:
                continue
            count += 1
            if got != want:
                show = [f"{n:#x}" for n in (case[0], case[2], *got, *want)]
                wrong.append(f"{i.mnemonic} fpscr b {show[:2]}: got {show[2:4]}, expected {show[5:7]}")
    assert count and not wrong, f"{len(wrong)} of {count}\n" + "\n".join(wrong[:5])


@pytest.mark.parametrize("i", CONVERSIONS, ids=lambda i: i.mnemonic)
def test_random_operands(guest: VsxGuest, i: Conversion) -> None:
    agree(guest, i, randoms(i, 300, 3))


@pytest.mark.parametrize("i", CONVERSIONS, ids=lambda i: i.mnemonic)
def test_special_operands(guest: VsxGuest, i: Conversion) -> None:
    agree(guest, i, specials(i, (0, 0x80)))


@pytest.mark.slow
@pytest.mark.parametrize("i", CONVERSIONS, ids=lambda i: i.mnemonic)
def test_more(guest: VsxGuest, i: Conversion) -> None:
    agree(guest, i, specials(i, (*MODES, *ENABLES)))
    agree(guest, i, randoms(i, 15_000, 4))


def test_reference_engine() -> None:
    guest = VsxGuest("reference")
    for i in CONVERSIONS:
        agree(guest, i, randoms(i, 8, 5))
    guest.close()


def test_scalar_conversions_without_fpscr(guest: VsxGuest) -> None:
    """xscvdpspn and xscvspdpn move a single between the formats, signalling NaNs and denormals as they are."""
    to_single, to_double = assemble("xscvdpspn vs35,vs34"), assemble("xscvspdpn vs35,vs34")
    wide = [reference.to_format(x, reference.SINGLE, reference.DOUBLE, 0, 0)[0] for x in SINGLES]
    wide = [w & ~(1 << 51) | (x & 1 << 22) << 29 if x & 0x7FFF_FFFF > 0x7F80_0000 else w for x, w in zip(SINGLES, wide, strict=True)]
    got = guest.run(to_double, [(0xF8, 0, x << 96, BEFORE) for x in SINGLES])
    assert [(t, fpscr) for t, fpscr, _ in got] == [(w << 64, 0xF8) for w in wide]
    got = guest.run(to_single, [(0xF8, 0, w << 64, BEFORE) for w in wide])
    assert [(t, fpscr) for t, fpscr, _ in got] == [((x | x << 32) << 64, 0xF8) for x in SINGLES]
