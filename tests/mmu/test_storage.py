"""Loads and stores through the slow path: sizes, byte orders, page ends, devices, multiples, strings, reservations."""

from __future__ import annotations

import pytest

from dbt import shared
from dbt.exits import Exit

from .rig import ALIGNED, BIG, KERNEL, LITTLE, SF, VIRTUAL, Fault, Page, Rig, Segment, fault

A, B = 0x40_0000, 0x70_0000  # where two consecutive pages are
END = KERNEL + 0x1000
DEVICE = 0x100_0000_0000
MISALIGNED = "ALIGNMENT"


@pytest.fixture(name="rig")
def _rig() -> Rig:
    """Pages at KERNEL and KERNEL + 1000 in RAM, KERNEL + 3000 read-only, KERNEL + 4000 a device; KERNEL + 2000 is not mapped."""
    rig = Rig()
    segment = rig.segment(KERNEL, Segment(0x1000))
    rig.table.enter(segment, 0, Page(A))
    rig.table.enter(segment, 0x1000, Page(B))
    rig.table.enter(segment, 0x3000, Page(A + 0x3000, pp=3))
    rig.table.enter(segment, 0x4000, Page(DEVICE, wimg=7))
    return rig


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("order", [BIG, LITTLE])
def test_every_offset_around_a_page_end(rig: Rig, size: int, order: int) -> None:
    value = 0x1122_3344_5566_7788 & (1 << 8 * size) - 1
    name = "little" if order else "big"
    for offset in range(-9, 3):
        rig.vm.write(A + 0xFE0, bytes(32))
        rig.vm.write(B, bytes(32))
        assert rig.store(END + offset, value | 0xAB << 8 * size & 2**64 - 1, size, order) is None
        around = rig.vm.read(A + 0xFE0, 32) + rig.vm.read(B, 32)
        expected = bytearray(64)
        expected[32 + offset : 32 + offset + size] = value.to_bytes(size, name)  # type: ignore[arg-type]
        assert around == expected
        assert rig.load(END + offset, size, order) == value


def test_a_fault_in_the_second_page_stores_nothing(rig: Rig) -> None:
    second = KERNEL + 0x2000
    assert rig.store(second - 3, 2**64 - 1) == fault(0x300, second, 0x4200_0000)
    assert rig.vm.read(B + 0xFF0, 16) == bytes(16)
    assert rig.load(second - 3) == fault(0x300, second, 0x4000_0000)
    assert rig.store(KERNEL + 0x2FFF, 1, 2) == fault(0x300, KERNEL + 0x2FFF, 0x4200_0000)
    assert rig.store(KERNEL + 0x3000, 1) == fault(0x300, KERNEL + 0x3000, 0x0A00_0000)


def test_addresses_wrap_in_32_bit_mode(rig: Rig) -> None:
    segment = Segment(0x2000)
    rig.segment(0xF000_0000, segment, 1)
    rig.segment(0, Segment(0x3000), 2)
    rig.table.enter(segment, 0xFFF_F000, Page(A))
    rig.table.enter(Segment(0x3000), 0, Page(B))
    rig.mode(VIRTUAL & ~SF)
    assert rig.store(0xFFFF_FFFE, 0x1122_3344, 4) is None
    assert (rig.vm.read(A + 0xFFE, 2), rig.vm.read(B, 2)) == (b"\x11\x22", b"\x33\x44")
    assert rig.load(0xFFFF_FFFE, 4) == 0x1122_3344


def test_aligned_only_accesses(rig: Rig) -> None:
    assert rig.load(KERNEL + 4, 8, ALIGNED) == Fault((MISALIGNED, 0, KERNEL + 4, 0))
    assert rig.store(KERNEL + 1, 0, 2, ALIGNED | LITTLE) == Fault((MISALIGNED, 0, KERNEL + 1, 0))
    assert rig.load(KERNEL + 8, 8, ALIGNED) == 0


def test_real_mode_ignores_the_top_bits(rig: Rig) -> None:
    rig.mode(SF)
    rig.word(0x1230, 0xABCD)
    assert rig.load(0x1230) == rig.load(0xC000_0000_0000_1230) == 0xABCD
    assert rig.fetch(0xC000_0000_0000_1230) == 0x1230
    assert rig.fetch(rig.vm.memory_size) == fault(0x200, rig.vm.memory_size)


def test_virtual_real_mode_area(rig: Rig) -> None:
    """Book III 5.7.3.4: real mode through the table, as if by an SLB entry with a VSID of its own."""
    area = Segment(0x1FFFFFF, 24, terabyte=True, kp=False)
    rig.vm.set_record(htab_vrma=area.word)
    index = rig.table.enter(area, 0x100_0000, Page(0, actual=24))
    rig.mode(SF)
    rig.word(0x1230, 0xABCD)
    assert rig.load(0x100_1230) == 0xABCD and rig.fetch(0x100_1230) == 0x1230
    assert rig.explain(0x100_1230).real == 0x1230
    assert rig.load(0x200_0000) == fault(0x300, 0x200_0000, 0x4000_0000)
    assert rig.hcall("h_remove", 0, index, 0) == 0
    assert isinstance(rig.helper("readable", 0x100_1230), Fault)


@pytest.mark.parametrize("size", [1, 2, 4, 8])
def test_device_loads(rig: Rig, size: int) -> None:
    value = 0x1122_3344_5566_7788 & (1 << 8 * size) - 1
    reversed_ = int.from_bytes(value.to_bytes(size, "big"), "little")
    for order, seen in ((BIG, value), (LITTLE, reversed_)):
        assert rig.load(KERNEL + 0x4010, size, order) == Fault(("MMIO", 0, rig.v.exit_arg, 0))
        v = rig.v
        assert (v.mmio_address, v.mmio_size, v.mmio_write, v.mmio_state) == (DEVICE + 0x10, size, 0, 1)
        v.mmio_data, v.mmio_state = value, 2
        assert rig.load(KERNEL + 0x4010, size, order) == seen
        assert v.mmio_state == 0


@pytest.mark.parametrize("order", [BIG, LITTLE])
def test_device_stores(rig: Rig, order: int) -> None:
    assert rig.store(KERNEL + 0x4020, 0x1122_3344, 4, order) == Fault(("MMIO", 0, rig.v.exit_arg, 0))
    v = rig.v
    bytes_ = 0x4433_2211 if order else 0x1122_3344
    assert (v.mmio_address, v.mmio_size, v.mmio_write, v.mmio_data, v.mmio_state) == (DEVICE + 0x20, 4, 1, bytes_, 1)
    v.mmio_state = 2
    assert rig.load(KERNEL + 0x4020, 4, order) != 0 and v.mmio_state == 1  # another access does not take the answer
    v.mmio_write, v.mmio_state = 1, 2
    assert rig.store(KERNEL + 0x4020, 0x1122_3344, 4, order) is None and v.mmio_state == 0


def test_read_only_memory_is_a_device_for_stores(rig: Rig) -> None:
    rig.vm.page_flags[A >> 12] |= shared.PAGE_READ_ONLY
    assert rig.load(KERNEL) == 0
    for _ in range(2):
        got = rig.store(KERNEL + 8, 5)
        assert got is not None and got[0] == "MMIO" and rig.v.mmio_address == A + 8


def test_multiple(rig: Rig) -> None:
    for n in range(32):
        rig.v.gpr[n] = 0xFFFF_FFFF_0000_0000 | n * 0x0101_0101
    for ea in (KERNEL + 0x100, END - 17, END - 4):
        assert rig.helper("store_multiple", ea, 20) == 0
        for n in range(20, 32):
            assert rig.load(ea + 4 * (n - 20), 4) == n * 0x0101_0101
        for n in range(20, 32):
            rig.v.gpr[n] = 0x5555_5555_5555_5555
        assert rig.helper("load_multiple", ea, 20) == 0
        assert rig.v.gpr[19:] == [0xFFFF_FFFF_0000_0000 | 19 * 0x0101_0101] + [n * 0x0101_0101 for n in range(20, 32)]
    before = rig.vm.read(B, 4096)
    assert rig.helper("store_multiple", KERNEL + 0x1FF0, 20) == fault(0x300, KERNEL + 0x2000, 0x4200_0000)
    assert rig.vm.read(B, 4096) == before
    assert rig.helper("load_multiple", KERNEL + 0x4000, 31) == Fault((MISALIGNED, 0, KERNEL + 0x4000, 0))


@pytest.mark.parametrize("count", [0, 1, 3, 4, 5, 32, 127])
@pytest.mark.parametrize("ea", [KERNEL + 0x33, END - 2, END - 31])
def test_strings(rig: Rig, count: int, ea: int) -> None:
    data = bytes(range(1, count + 1))
    for i, byte in enumerate(data):
        assert rig.store(ea + i, byte, 1) is None
    for n in range(32):
        rig.v.gpr[n] = 2**64 - 1 - n
    assert rig.helper("load_string", ea, 29, count) == 0
    padded = data + bytes(-count % 4)
    words = [int.from_bytes(padded[i : i + 4], "big") for i in range(0, len(padded), 4)]
    for n in range(32):
        i = (n - 29) % 32
        assert rig.v.gpr[n] == (words[i] if i < len(words) else 2**64 - 1 - n)
    target = KERNEL + 0x800
    assert rig.helper("store_string", target, 29, count) == 0
    assert rig.vm.read(A + 0x800, count + 1) == data + b"\0"


def test_zero_block(rig: Rig) -> None:
    rig.vm.write(A, b"x" * 4096)
    assert rig.helper("zero_block", KERNEL + 0x1A3) == 0
    assert rig.vm.read(A + 0x17F, 130) == b"x" + bytes(128) + b"x"
    assert rig.helper("zero_block", KERNEL + 0x2081) == fault(0x300, KERNEL + 0x2081, 0x4200_0000)
    assert rig.helper("zero_block", KERNEL + 0x4000) == Fault((MISALIGNED, 0, KERNEL + 0x4000, 0))


@pytest.mark.parametrize("little", [0, 1])
def test_quadwords(rig: Rig, little: int) -> None:
    high, low = 0x0011_2233_4455_6677, 0x8899_AABB_CCDD_EEFF
    rig.v.gpr[6], rig.v.gpr[7] = high, low
    assert rig.helper("store_quad", KERNEL + 16, 6, little) == 0
    number = high << 64 | low
    assert rig.vm.read(A + 16, 16) == number.to_bytes(16, "little" if little else "big")
    assert rig.helper("load_quad", KERNEL + 16, 10, little) == 0
    assert (rig.v.gpr[10], rig.v.gpr[11]) == (high, low)
    assert rig.helper("load_quad", KERNEL + 8, 10, little) == Fault((MISALIGNED, 0, KERNEL + 8, 0))
    assert rig.helper("load_quad_reserve", KERNEL + 16, 12, little) == 0
    assert rig.helper("store_quad_conditional", KERNEL + 16, 6, little) == 1
    assert rig.helper("store_quad_conditional", KERNEL + 16, 6, little) == 0


@pytest.mark.parametrize("size", [1, 2, 4, 8])
@pytest.mark.parametrize("order", [BIG, LITTLE])
def test_store_conditional(rig: Rig, size: int, order: int) -> None:
    v, ea = rig.v, KERNEL + 0x40
    old, new = 0x1122_3344_5566_7788 & (1 << 8 * size) - 1, 0xA1B2_C3D4_E5F6_0718

    def reserve(value: int = old) -> None:
        v.reserve_ea, v.reserve_value, v.reserve_size = ea, value, size

    assert rig.store(ea, old, size, order) is None
    reserve()
    assert rig.helper("store_conditional", ea, new, size | order) == 1 and v.reserve_size == 0
    assert rig.load(ea, size, order) == new & (1 << 8 * size) - 1
    assert rig.helper("store_conditional", ea, old, size | order) == 0  # no reservation
    reserve()
    assert rig.helper("store_conditional", ea, old, size | order) == 0  # storage changed
    reserve()
    assert rig.helper("store_conditional", ea + 64, old, size | order) == 0 and v.reserve_size == 0  # another address
    reserve()
    v.reserve_ea = KERNEL + 0x2000
    assert rig.helper("store_conditional", KERNEL + 0x2000, new, size | order) == fault(0x300, KERNEL + 0x2000, 0x4200_0000)
    assert v.reserve_size == size  # a fault keeps it
    if size > 1:
        assert rig.helper("store_conditional", ea + 1, new, size | order) == Fault((MISALIGNED, 0, ea + 1, 0))


def test_exits_are_of_the_closed_set() -> None:
    assert {Exit.FAULT, Exit.ALIGNMENT, Exit.MMIO, Exit.CODE_CHANGED} <= set(Exit)
