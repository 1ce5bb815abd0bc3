"""Vector instructions against qemu-ppc64: a short run, and a long one."""

from __future__ import annotations

import pytest

from .. import limits
from . import records, vector_sweep

needs_qemu = pytest.mark.skipif(not records.available(), reason="needs qemu-user and binutils-powerpc64-linux-gnu")


@needs_qemu
@pytest.mark.parametrize("cases", [8, pytest.param(limits.many(1000), marks=pytest.mark.slow)])
def test_vectors_agree_with_qemu(cases: int) -> None:
    good, wrong = vector_sweep.sweep(cases, cases)
    print(f"{good.total()} cases of {len(good)} instructions agreed")
    assert not wrong, "\n".join(wrong[:10])
    assert good.total() == cases * len(good) > 280 * cases


@pytest.mark.parametrize("name,source,estimate,right", [
    ("vexptefp", 0x3F80_0000, 0x4000_0000, True), ("vexptefp", 0x3F80_0000, 0x4010_0000, False),
    ("vrefp", 0x4000_0000, 0x3F00_0100, True), ("vrefp", 0x4000_0000, 0x3F00_2000, False),
    ("vlogefp", 0x4100_0000, 0x4040_0000, True), ("vlogefp", 0x4100_0000, 0x4048_0000, False),
])  # fmt: skip
def test_estimates_are_judged(name: str, source: int, estimate: int, right: bool) -> None:
    assert vector_sweep.accurate(name, source, estimate, False) is right
