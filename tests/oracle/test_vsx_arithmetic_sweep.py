"""A short run of the sweep against QEMU; `python -m tests.oracle.vsx_arithmetic_sweep 2000` is a long one."""

from __future__ import annotations

import pytest

pytest.importorskip("gmpy2")

from . import records, vsx_arithmetic_sweep  # noqa: E402


@pytest.mark.skipif(not records.available(), reason="needs qemu-user and binutils-powerpc64-linux-gnu")
@pytest.mark.parametrize("little", [False, True], ids=["big", "little"])
def test_agrees_with_qemu(little: bool) -> None:
    agreed, wrong = vsx_arithmetic_sweep.sweep(10, 1, little)
    assert not wrong, "\n".join(wrong[:5])
    print(f"{agreed} cases agreed with QEMU, {'little' if little else 'big'}-endian")
    assert agreed > 900
