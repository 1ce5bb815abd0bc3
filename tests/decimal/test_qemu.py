"""A short run of the sweep against QEMU; `python -m tests.decimal.qemu 2000` is a long one."""

from __future__ import annotations

import pytest

from ..limits import SOAK
from ..oracle import records
from . import qemu
from .cases import INSTRUCTIONS


@pytest.mark.skipif(not records.available(), reason="needs qemu-user and binutils-powerpc64-linux-gnu")
@pytest.mark.parametrize("cases", [30, pytest.param(3000 * SOAK, marks=pytest.mark.slow)])
def test_decimal_agrees_with_qemu(cases: int) -> None:
    good, excused, wrong = qemu.sweep(cases, 1)
    assert not wrong, "\n".join(wrong[:5])
    print(f"{good} cases agreed with QEMU, {excused.total()} are its known errors")
    assert good > 0.9 * cases * len(INSTRUCTIONS)
