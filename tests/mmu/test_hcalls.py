"""The hash table hypercalls against PAPR 14.5.4.1, expectations worked out by hand."""

from __future__ import annotations

import pytest

from dbt import shared
from runtime.mmu.hpt import pte

from .rig import KERNEL, Page, Rig, Segment, fault

SUCCESS, PARAMETER, PTEG_FULL, NOT_FOUND = 0, -4, -6, -7
EXACT, READ_4, AVPN, ANDCOND, ZERO = (1 << (63 - bit) for bit in (24, 26, 32, 33, 48))
SEGMENT = Segment(0x1000)
HIGH, LOW = pte(SEGMENT, 0, Page(0x40_0000))
GROUP = 0x1000 & 2047


@pytest.fixture(name="rig")
def _rig() -> Rig:
    rig = Rig()
    rig.segment(KERNEL, SEGMENT, 0)
    return rig


def enter(rig: Rig, flags: int = 0, index: int = GROUP * 8, high: int = HIGH, low: int = LOW) -> int:
    return rig.hcall("h_enter", flags, index, high, low)


def test_enter_takes_the_first_free_slot(rig: Rig) -> None:
    for slot in range(8):
        assert enter(rig, index=GROUP * 8 + 5) == SUCCESS
        assert rig.v.gpr[4] == GROUP * 8 + slot
    assert enter(rig) == PTEG_FULL
    assert rig.table.get(GROUP * 8) == (HIGH, LOW)
    assert rig.vm.record["hcall_enter"] == 9


def test_enter_exact(rig: Rig) -> None:
    assert enter(rig, EXACT, GROUP * 8 + 3) == SUCCESS
    assert rig.v.gpr[4] == GROUP * 8 + 3
    assert enter(rig, EXACT, GROUP * 8 + 3) == PTEG_FULL
    assert rig.table.get(GROUP * 8)[0] == 0


def test_enter_parameters(rig: Rig) -> None:
    assert enter(rig, index=2048 * 8) == PARAMETER
    assert enter(rig, index=1 << 63) == PARAMETER
    assert enter(rig, high=HIGH | 4, low=LOW | 0x2000) == PARAMETER  # no such page size
    assert enter(rig, low=LOW & ~0x10) == PARAMETER  # RAM must be memory coherent
    assert enter(rig, low=LOW | 0x20) == PARAMETER  # and not caching-inhibited
    assert enter(rig, low=LOW & 0xFFF | 1 << 40) == PARAMETER  # what is not RAM must be inhibited
    assert enter(rig, low=LOW & 0xF8F | 0x28 | 1 << 40) == SUCCESS
    assert enter(rig, high=HIGH | 0x60) == SUCCESS
    assert rig.table.get(rig.v.gpr[4])[0] == HIGH  # the hypervisor's bits are cleared


def test_enter_zeroes_the_page(rig: Rig) -> None:
    rig.vm.write(0x3F_FFF8, b"before!!" + b"x" * 4096 + b"behind!!")
    assert enter(rig, ZERO) == SUCCESS
    assert rig.vm.read(0x3F_FFF8, 4112) == b"before!!" + bytes(4096) + b"behind!!"
    assert rig.vm.page_flags[0x400] & shared.PAGE_DIRTY


def test_remove(rig: Rig) -> None:
    enter(rig)
    index = rig.v.gpr[4]
    assert rig.store(KERNEL, 1) is None
    assert rig.hcall("h_remove", AVPN, index, HIGH & ~0x7F ^ 0x80) == NOT_FOUND
    assert rig.hcall("h_remove", ANDCOND, index, 0x1000 << 12) == NOT_FOUND
    assert rig.hcall("h_remove", AVPN, index, HIGH & ~0x7F) == SUCCESS
    assert (rig.v.gpr[4], rig.v.gpr[5]) == (HIGH, LOW | 0x180)  # R and C as the store left them
    assert rig.load(KERNEL) == fault(0x300, KERNEL, 0x4000_0000)
    assert rig.hcall("h_remove", 0, index, 0) == NOT_FOUND
    assert rig.hcall("h_remove", 0, 2048 * 8, 0) == PARAMETER


def test_protect(rig: Rig) -> None:
    enter(rig)
    index = rig.v.gpr[4]
    assert rig.store(KERNEL, 1) is None and isinstance(rig.fetch(KERNEL), int)
    assert rig.hcall("h_protect", AVPN, index, 0) == NOT_FOUND
    assert rig.hcall("h_protect", AVPN | 0x100 | 0x3000 | 0xE00 | 4 | 2, index, HIGH & ~0x7F) == SUCCESS
    # PP0 is bit 55 of the flags, the high key bits 50:51
    assert rig.table.get(index)[1] == LOW | 0x180 | 1 << 63 | 3 << 60 | 0xE00 | 4
    assert rig.store(KERNEL, 1) == fault(0x300, KERNEL, 0x0A00_0000)
    assert rig.fetch(KERNEL) == fault(0x400, KERNEL, 0x1000_0000)
    assert rig.hcall("h_protect", 2, index, 0) == SUCCESS
    assert rig.store(KERNEL, 1) is None
    assert rig.hcall("h_protect", 2, 2048 * 8, 0) == PARAMETER


def test_read(rig: Rig) -> None:
    for n in range(8):
        rig.table.put(GROUP * 8 + n, HIGH, LOW + (n << 12))
    assert rig.hcall("h_read", 0, GROUP * 8 + 6) == SUCCESS
    assert (rig.v.gpr[4], rig.v.gpr[5]) == (HIGH, LOW + 0x6000)
    assert rig.hcall("h_read", READ_4, GROUP * 8 + 6) == SUCCESS
    assert [rig.v.gpr[5 + 2 * n] for n in range(4)] == [LOW + (n << 12) for n in range(4, 8)]
    assert rig.hcall("h_read", 0, 2048 * 8) == PARAMETER


def test_bulk_remove(rig: Rig) -> None:
    enter(rig)
    enter(rig, low=LOW | 0x180)
    at = GROUP * 8
    request, end = 1 << 62, 3 << 62
    status = rig.hcall(
        "h_bulk_remove", request | 2 << 56 | at, HIGH & ~0x7F, request | at + 1, 0, request | at + 2, 0, end, 0
    )
    assert status == SUCCESS
    done = 2 << 62
    assert rig.v.gpr[4] == done | 2 << 56 | at
    assert rig.v.gpr[6] == done | at + 1 | 0x180 << 43
    assert rig.v.gpr[8] == done | 1 << 60 | at + 2  # not found
    assert rig.v.gpr[10] == end
    assert rig.hcall("h_bulk_remove", 2 << 62) == PARAMETER
    assert rig.hcall("h_bulk_remove", request | 3 << 56 | at, 0) == PARAMETER
    assert rig.v.gpr[4] == done | 3 << 56 | 2 << 60 | at
    assert rig.hcall("h_bulk_remove", request | 2048 * 8, 0) == PARAMETER


def test_clear(rig: Rig) -> None:
    enter(rig)
    index = rig.v.gpr[4]
    for name, bit in (("h_clear_mod", 0x80), ("h_clear_ref", 0x100)):
        assert rig.store(KERNEL, 1) is None
        assert rig.table.get(index)[1] == LOW | 0x180
        assert rig.hcall(name, 0, index) == SUCCESS
        assert rig.v.gpr[4] == LOW | 0x180
        assert rig.table.get(index)[1] == LOW | 0x180 ^ bit
    assert rig.load(KERNEL) == 1
    assert rig.table.get(index)[1] == LOW | 0x180  # set again by the next access
    assert rig.hcall("h_clear_mod", 0, index + 1) == NOT_FOUND
    assert rig.hcall("h_clear_mod", 0, 2048 * 8) == PARAMETER
