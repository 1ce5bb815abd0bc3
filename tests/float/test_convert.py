"""Every VSX conversion and rounding, register and FPSCR, against the exact reference."""

from __future__ import annotations

import random
from collections.abc import Iterable, Iterator
from typing import Any

import pytest

gmpy2 = pytest.importorskip("gmpy2")

from dbt import assemble  # noqa: E402

from ..limits import many  # noqa: E402
from . import convert_reference as reference  # noqa: E402
from .check import ENABLES, MODES  # noqa: E402
from .convert_operands import CONVERSIONS, SINGLES, Conversion, element, pool, register  # noqa: E402
from .quad_reference import Undefined  # noqa: E402
from .vsx_guest import CASES, Case, VsxGuest  # noqa: E402

CONTROL = (0, 0, 0, *MODES, *ENABLES)
BEFORE = 0x0123_4567_89AB_CDEF_5A5A_5A5A_1234_5678


@pytest.fixture(scope="module", params=["interpreter", "jit"])
def guest(request: Any) -> Iterator[VsxGuest]:
    made = VsxGuest(request.param)
    yield made
    made.close()


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
    agree(guest, i, randoms(i, many(15_000), 4))


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
