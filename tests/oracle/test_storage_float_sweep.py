"""A short run of the sweep against qemu-ppc64."""

from __future__ import annotations

import pytest

from .records import available
from .storage_float_sweep import sweep


@pytest.mark.skipif(not available(), reason="needs binutils-powerpc64-linux-gnu and qemu-user")
def test_storage_and_floating_point_agree_with_qemu() -> None:
    agreed, wrong = sweep(12, 7)
    print(f"{agreed} cases agreed")
    assert not wrong, "\n".join(wrong[:20])
    assert agreed > 1000
