"""A short run of the sweep against QEMU; `python -m tests.oracle.fixed_sweep 200` is a long one."""

from __future__ import annotations

import pytest

from . import fixed_sweep, records


@pytest.mark.skipif(not records.available(), reason="needs qemu-user and binutils-powerpc64-linux-gnu")
@pytest.mark.parametrize("bits", [64, 32])
def test_agrees_with_qemu(bits: int) -> None:
    good, bad = fixed_sweep.sweep(12, 1, bits)
    assert not bad, "\n".join(bad[:5])
    assert good.total() == 12 * len(good)
    print(f"{bits}-bit: {good.total()} cases of {len(good)} instructions agreed with QEMU")
