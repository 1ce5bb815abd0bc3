"""Random accesses through random radix trees, in a guest of its own, end as they do under QEMU: vector, SRR0, SRR1, DAR, DSISR."""

from __future__ import annotations

import random

import pytest

from bench.qemu import SYSTEM
from guests.build import missing

from . import radix_guest

COUNT = 400


@pytest.mark.skipif(missing(SYSTEM) is not None, reason="QEMU is not installed")
@pytest.mark.parametrize("seed", [1, 2])
def test_as_under_qemu(seed: int) -> None:
    pieces, cases = radix_guest.guest(random.Random(seed), COUNT)
    theirs = radix_guest.theirs(pieces, COUNT)
    for engine in ("interpreter", "jit"):
        for case, one, other in zip(cases, radix_guest.ours(pieces, COUNT, engine), theirs, strict=True):
            assert one == other, case
    assert {result.vector for result in theirs} == {0x300, 0x380, 0x400, 0x480, 0xC00}
