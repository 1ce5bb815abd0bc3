"""Random sequences against QEMU; `python -m tests.oracle.sequences 5000` is a long run."""

from __future__ import annotations

import pytest

from . import sequences

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
    check(name, 5000, 2, 10)


@needed
def test_a_difference_is_found_and_shrunk(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison itself: an interpreter that gets one register wrong is caught."""
    honest = sequences.Ours.run

    def wrong(self: sequences.Ours, s: sequences.Sequence) -> bytes | None:
        out = honest(self, s)
        added = any(w >> 26 == 31 and w >> 1 & 0x1FF == 266 for w in s.words)
        return bytes([out[0] ^ 1 if added else out[0]]) + out[1:] if out else out

    monkeypatch.setattr(sequences.Ours, "run", wrong)
    _, _, _, reports = sequences.compare("ppc64", 40, 1, 0)
    assert reports
    assert "add" in reports[0] and reports[0].count("\n") < 8, reports[0]
