"""Every VSX vector instruction, elements and FPSCR bits, against the exact reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

gmpy2 = pytest.importorskip("gmpy2")

from ..limits import many  # noqa: E402
from .check import thorough  # noqa: E402
from .guest import Guest  # noqa: E402
from .vectors import CONTROL, PACKED, Case, Packed, differences, randoms, specials  # noqa: E402

ONE, TWO, SNAN = 0x3FF << 52, 1 << 62, 0x7FF4 << 48


@pytest.fixture(scope="module", params=["interpreter", "jit"])
def guest(request: Any) -> Iterator[Guest]:
    made = Guest(request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Guest, Guest]]:
    """Interpreted and compiled."""
    made = Guest("interpreter"), Guest("jit")
    yield made
    for guest in made:
        guest.close()


def agree(guest: Guest, i: Packed, cases: Any, *others: Guest) -> None:
    count, wrong = differences(guest, i, cases, *others)
    assert count and not wrong, "\n".join(wrong[:5])


PAIRS = [("interpreter", i) for i in PACKED] + [("jit", i) for i in PACKED[::6]]  # the slow tests compile all


@pytest.mark.parametrize("guest,i", PAIRS, indirect=["guest"], ids=lambda x: getattr(x, "mnemonic", x))
def test_random_operands(guest: Guest, i: Packed) -> None:
    agree(guest, i, randoms(i, 300, 21, CONTROL))


@pytest.mark.slow
@pytest.mark.parametrize("i", PACKED, ids=lambda i: i.mnemonic)
def test_special_operands(both: tuple[Guest, Guest], i: Packed) -> None:
    agree(both[0], i, thorough(specials, i), both[1])


@pytest.mark.slow
@pytest.mark.parametrize("i", PACKED, ids=lambda i: i.mnemonic)
def test_many_random_operands(both: tuple[Guest, Guest], i: Packed) -> None:
    agree(both[0], i, randoms(i, many(20_000), 22, CONTROL), both[1])


def test_reference_engine() -> None:
    guest = Guest("reference")
    for i in PACKED:
        agree(guest, i, randoms(i, 8, 5, (0, 0, 2)))
    guest.close()


def test_exceptions_add_up_and_an_enabled_one_keeps_the_target(guest: Guest) -> None:
    """1 + 2**-1074 in one element, a signalling NaN in the other: XX and VXSNAN; with either enabled XT stays."""
    add = next(i for i in PACKED if i.name == "add" and not i.single)
    cases = [Case(e, (ONE, SNAN), (1, ONE), (5, 6)) for e in (0, 0x80, 8, 0x40)]
    agree(guest, add, cases)
    count, wrong = differences(guest, add, [Case(0, (ONE, TWO), (ONE, TWO), (0, 0))])
    assert (count, wrong) == (1, [])
