"""A short run of the sweep against QEMU; `python -m tests.decimal.qemu 2000` is a long one."""

from __future__ import annotations

import pytest

from .. import limits
from ..oracle import records
from . import qemu
from .cases import INSTRUCTIONS


@pytest.mark.skipif(not records.available(), reason="needs qemu-user and binutils-powerpc64-linux-gnu")
@pytest.mark.parametrize("cases", [30, pytest.param(limits.many(3000), marks=pytest.mark.slow)])
def test_decimal_agrees_with_qemu(cases: int) -> None:
    good, excused, wrong = qemu.sweep(cases, 1)
    assert not wrong, "\n".join(wrong[:5])
    print(f"{good} cases agreed with QEMU, {excused.total()} are its known errors")
    assert good > 0.9 * cases * len(INSTRUCTIONS)
