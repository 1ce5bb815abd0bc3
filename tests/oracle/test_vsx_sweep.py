"""A short run of the sweep against QEMU; `python -m tests.oracle.vsx_sweep 200` is a long one."""

from __future__ import annotations

import pytest

from . import records, vsx_sweep


@pytest.mark.skipif(not records.available(), reason="needs qemu-user and binutils-powerpc64-linux-gnu")
@pytest.mark.parametrize("little", [False, True], ids=["big", "little"])
def test_agrees_with_qemu(little: bool) -> None:
    agreed, wrong = vsx_sweep.sweep(12, 1, little)
    assert not wrong, "\n".join(wrong[:5])
    print(f"{agreed} cases agreed with QEMU, {'little' if little else 'big'}-endian")
    assert agreed > 1000
