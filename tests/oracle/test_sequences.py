"""Random sequences against QEMU; `python -m tests.oracle.sequences 5000` is a long run."""

from __future__ import annotations

import random

import pytest

from ..limits import many
from . import sequences
from .sequence_layout import NOP
from .sequence_pool import generate
from .sequence_shrink import KEPT, shrink

needed = pytest.mark.skipif(not sequences.available(), reason="needs qemu-user and binutils-powerpc64-linux-gnu")


def check(name: str, count: int, seed: int, jit_every: int) -> None:
    good, compiled, instructions, reports = sequences.compare(name, count, seed, jit_every)
    print(
        f"{name}: {good} sequences of {instructions} instructions agreed with QEMU on the interpreter, {compiled} of them compiled as well"
    )
    assert not reports, "\n".join(reports)
    assert good == count


@needed
@pytest.mark.parametrize("name", sequences.TARGETS_BY_NAME)
def test_sequences_agree_with_qemu(name: str) -> None:
    check(name, 400, 1, 20)


@needed
@pytest.mark.slow
@pytest.mark.parametrize("name", sequences.TARGETS_BY_NAME)
def test_more_sequences_agree_with_qemu(name: str) -> None:
    check(name, many(2500), 2, 10)


ADD, XVADDDP = 266 << 1, 96 << 3  # XO fields


@needed
@pytest.mark.parametrize(("primary", "mask", "bits", "name"), [(31, 0x3FE, ADD, "add"), (60, 0x7F8, XVADDDP, "xvadddp")])
def test_a_difference_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch, primary: int, mask: int, bits: int, name: str) -> None:
    """The comparison itself: an interpreter that gets one instruction wrong is caught, and the listing is that instruction."""
    honest = sequences.Ours.run

    def wrong(self: sequences.Ours, s: sequences.Sequence) -> bytes | None:
        out = honest(self, s)
        found = any(w >> 26 == primary and w & mask == bits for w in s.words)
        return bytes([out[0] ^ 1 if found else out[0]]) + out[1:] if out else out

    monkeypatch.setattr(sequences.Ours, "run", wrong)
    _, _, _, reports = sequences.compare("ppc64", 60, 1, 0)
    assert reports
    assert name in reports[0] and reports[0].count("\n") < 8, reports[0]


def test_inputs_and_immediates_become_plain() -> None:
    """What fails while r3 is odd and there is an addi keeps that much: r3 = 1, and an immediate of zero."""
    r = random.Random(1)
    s = generate(r, sequences.TARGETS_BY_NAME["ppc64"])
    s = s._replace(groups=((0x3863_0011,), (0x7C63_1A14,), *s.groups)).with_doubleword(3, 0x1235)
    small = shrink(s, lambda t: bool(t.doublewords[3] & 1) and any(w >> 16 == 0x3863 for w in t.words))
    assert [w for w in small.words if w != NOP] == [0x3863_0000]
    assert {n: x for n, x in enumerate(small.doublewords) if x and n not in KEPT} == {3: 1}
