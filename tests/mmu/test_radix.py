"""Radix translation, by hand from ISA 3.0B Book III 5.7.5 (quadrants), 5.7.10 (trees), 5.7.12 (protection), 6.5.3 to 6.5.6 (DSISR, SRR1)."""

from __future__ import annotations

import pytest

from dbt import shared

from .radix_rig import (
    ALL,
    EXECUTE,
    NON_IDEMPOTENT,
    POWER9,
    POWER9_64K,
    PRIVILEGED,
    PROCESS_TABLE,
    READ,
    SAO,
    TOLERANT,
    WRITE,
    C,
    L,
    R,
    RadixRig,
    V,
)
from .rig import KERNEL, PR, SF, VIRTUAL, fault

NO_PTE, NO_EXECUTE, PROTECTED, STORE, BAD_TREE, NOT_RECORDED = (
    0x4000_0000, 0x1000_0000, 0x0800_0000, 0x0200_0000, 0x0008_0000, 0x0004_0000
)  # fmt: skip
EA, REAL = 0x7FFF_1234_5000, 0x40_0000


def test_a_tree_written_out_in_full() -> None:
    """EA 0xC000_0000_1234_5678: quadrant 3, 52 bits; indexes 13, 9, 9, 9 bits: 0, 0, 0x91, 0x145; offset 0x678."""
    rig = RadixRig()
    rig.word(PROCESS_TABLE, 0x4000_0000_0020_00AD)  # RTS 0b10101 (52 - 31): 10 in bits 1:2, 101 in bits 56:58; root 0x200000; 13
    rig.word(0x20_0000, 0x8000_0000_0030_0009)
    rig.word(0x30_0000, 0x8000_0000_0031_0009)
    rig.word(0x31_0000 + 8 * 0x91, 0x8000_0000_0032_0009)
    rig.word(0x32_0000 + 8 * 0x145, 0xC000_0000_0040_0007)
    rig.word(0x40_0678, 0x1122_3344_5566_7788)
    ea = 0xC000_0000_1234_5678
    assert rig.load(ea) == 0x1122_3344_5566_7788
    assert rig.word(0x32_0000 + 8 * 0x145) == 0xC000_0000_0040_0107  # R
    assert rig.store(ea, 1) is None
    assert rig.word(0x32_0000 + 8 * 0x145) == 0xC000_0000_0040_0187  # R and C
    assert rig.fetch(ea) == 0x40_0678
    assert rig.load(ea + 0x1000) == fault(0x300, ea + 0x1000, 0x4000_0000)
    assert rig.store(ea + 0x1000, 0) == fault(0x300, ea + 0x1000, 0x4200_0000)
    assert rig.fetch(ea + 0x1000) == fault(0x400, ea + 0x1000, 0x4000_0000)
    text = str(rig.explain(ea))
    for shown in ("PID 0", "[91]", "at RA 320a28", "4K page, rwx", "RA     400678"):
        assert shown in text


def test_quadrants() -> None:
    rig = RadixRig()
    rig.map(rig.tree(0), EA, 0x40_0000)
    rig.map(rig.tree(7), EA, 0x50_0000)
    rig.process(7)
    assert rig.fetch(EA) == 0x50_0000
    assert rig.fetch(KERNEL | EA) == 0x40_0000
    for quadrant in (1, 2):
        ea = quadrant << 62 | EA
        assert rig.load(ea) == fault(0x380, ea) and rig.store(ea, 0) == fault(0x380, ea)
        assert rig.fetch(ea) == fault(0x480, ea)
    for ea in (1 << 52 | EA, KERNEL | 1 << 61 | EA):  # beyond 52 bits
        assert rig.load(ea) == fault(0x380, ea) and rig.fetch(ea) == fault(0x480, ea)
    rig.process(0)
    assert rig.fetch(EA) == 0x40_0000
    rig.mode(SF)
    assert rig.fetch(EA) == EA % (1 << 60) or rig.fetch(EA) == fault(0x200, EA)


def test_an_address_beyond_a_small_tree_is_a_segment_interrupt() -> None:
    rig = RadixRig()
    tree = rig.tree(1, (9, 9, 9))  # 39 bits
    rig.map(tree, 0x7F_FFFF_F000, REAL)
    rig.process(1)
    assert rig.fetch(0x7F_FFFF_F000) == REAL
    assert rig.load(0x80_0000_0000) == fault(0x380, 0x80_0000_0000)
    assert rig.fetch(0x80_0000_0000) == fault(0x480, 0x80_0000_0000)


@pytest.mark.parametrize(
    ("levels", "shift"),
    [(POWER9, 12), (POWER9, 21), (POWER9, 30), (POWER9_64K, 16), (POWER9_64K, 21), ((16, 16), 12), ((5, 5, 5, 5, 5), 12), ((8, 14), 12)],
)
def test_leaves_at_any_level(levels: tuple[int, ...], shift: int) -> None:
    rig = RadixRig()
    tree = rig.tree(1, levels)
    ea = (1 << tree.bits) - (1 << shift)
    rig.map(tree, ea, 0, shift=shift, more=READ)
    rig.process(1)
    inside = 0x12_3458 % (1 << shift)
    assert rig.fetch(ea + inside) == inside
    assert rig.explain(ea + inside, "fetch").real == inside


@pytest.mark.parametrize("rights", range(16))
def test_encoded_access_authority(rights: int) -> None:
    for problem in (False, True):
        rig = RadixRig()
        rig.process(1)
        rig.map(rig.tree(1), EA, REAL, rights)
        rig.mode(VIRTUAL | (PR if problem else 0))
        denied = problem and rights & PRIVILEGED
        readable, writable = rights & (READ | WRITE) and not denied, rights & WRITE and not denied
        assert rig.load(EA) == (0 if readable else fault(0x300, EA, PROTECTED))
        assert rig.store(EA, 0) == (None if writable else fault(0x300, EA, PROTECTED | STORE))
        assert rig.fetch(EA) == (REAL if rights & EXECUTE and not denied else fault(0x400, EA, NO_EXECUTE))


@pytest.mark.parametrize(("attribute", "fetched"), [(0, True), (SAO, True), (NON_IDEMPOTENT, False), (TOLERANT, True)])
def test_non_idempotent_storage_is_not_fetched_from(attribute: int, fetched: bool) -> None:
    rig = RadixRig()
    rig.map(rig.tree(0), EA, REAL, more=attribute)
    assert rig.fetch(EA) == (REAL if fetched else fault(0x400, EA, NO_EXECUTE))
    assert rig.load(EA) == 0


def test_key_0_guards_the_pages_of_processes_from_supervisor_state() -> None:
    """KUAP and KUEP: AMR[0:1], IAMR[0:1]. What is privileged, and problem state itself, they do not concern."""
    rig = RadixRig()
    rig.process(1)
    tree = rig.tree(1)
    rig.map(tree, EA, REAL)
    rig.map(tree, EA + 0x1000, REAL, ALL | PRIVILEGED)
    for amr, load, store in ((0, True, True), (1, False, True), (2, True, False), (3, False, False), (0, True, True)):
        rig.keys(amr=amr)
        for _ in range(2):  # the second time with what the first one left in level 1
            assert rig.load(EA) == (0 if load else fault(0x300, EA, PROTECTED))
            assert rig.store(EA, 0) == (None if store else fault(0x300, EA, PROTECTED | STORE))
        assert rig.load(EA + 0x1000) == 0 and rig.store(EA + 0x1000, 0) is None
        rig.mode(VIRTUAL | PR)
        assert rig.load(EA) == 0 and rig.store(EA, 0) is None
        rig.mode(VIRTUAL)
    rig.keys(iamr=1)
    assert rig.fetch(EA) == fault(0x400, EA, NO_EXECUTE) and rig.fetch(EA + 0x1000) == REAL
    rig.mode(VIRTUAL | PR)
    assert rig.fetch(EA) == REAL


def test_key_0_with_more_pages_than_are_noted() -> None:
    rig = RadixRig()
    rig.process(1)
    tree = rig.tree(1)
    pages = [EA + (n << 12) for n in range(40)]
    for ea in pages:
        rig.map(tree, ea, REAL)
    for _ in range(2):
        rig.keys(amr=0)
        assert all(rig.load(ea) == 0 for ea in pages)
        rig.keys(amr=3)
        assert all(rig.load(ea) == fault(0x300, ea, PROTECTED) for ea in pages)


def test_reference_and_change() -> None:
    rig = RadixRig()
    at = rig.map(rig.tree(0), EA, REAL, READ | WRITE)
    before = rig.word(at)
    assert rig.fetch(EA) == fault(0x400, EA, NO_EXECUTE) and rig.word(at) == before  # a refused access leaves no mark
    assert rig.load(EA) == 0 and rig.word(at) == before | R
    assert rig.store(EA, 5) is None and rig.word(at) == before | R | C
    rig.word(at, before)  # nothing is cached that would say otherwise until tlbie
    assert rig.store(EA, 6) is None and rig.word(at) == before
    rig.tlbie(EA)
    assert rig.store(EA, 7) is None and rig.word(at) == before | R | C


def test_an_entry_that_cannot_be_marked() -> None:
    """A tree in a page that the hypervisor has made read-only: DSISR[45]."""
    rig = RadixRig()
    at = rig.map(rig.tree(0), EA, REAL)
    rig.vm.page_flags[at >> 12] |= shared.PAGE_READ_ONLY
    assert rig.load(EA) == fault(0x300, EA, NOT_RECORDED)
    assert rig.store(EA, 0) == fault(0x300, EA, NOT_RECORDED | STORE)
    assert rig.fetch(EA) == fault(0x400, EA, NOT_RECORDED)
    rig.vm.page_flags[at >> 12] &= ~shared.PAGE_READ_ONLY & 0xFF
    rig.word(at, V | L | REAL | ALL | R | C)
    rig.vm.page_flags[at >> 12] |= shared.PAGE_READ_ONLY
    assert rig.load(EA) == 0 and rig.store(EA, 0) is None


@pytest.mark.parametrize("level", range(4))
@pytest.mark.parametrize("width", [0, 1, 4, 17, 31])
def test_unsupported_levels(level: int, width: int) -> None:
    rig = RadixRig()
    tree = rig.tree(0)
    rig.map(tree, EA, REAL)
    at = rig.place(tree, EA)
    entry, left = PROCESS_TABLE, tree.bits
    for n in range(level):
        left -= tree.levels[n]
        entry = (rig.word(entry) & 0x00FF_FFFF_FFFF_FF00) + 8 * (EA >> left & (1 << tree.levels[n]) - 1)
    rig.word(entry, rig.word(entry) & ~31 | width)
    assert rig.load(EA) == fault(0x300, EA, BAD_TREE)
    assert rig.store(EA, 0) == fault(0x300, EA, BAD_TREE | STORE)
    assert rig.fetch(EA) == fault(0x400, EA, BAD_TREE)
    assert rig.word(at) & R == 0


def test_other_unsupported_trees() -> None:
    rig = RadixRig()
    tree = rig.tree(0, (13, 9, 9, 9), bits=53)
    rig.map(tree, EA, REAL)
    assert rig.load(EA) == fault(0x300, EA, BAD_TREE)  # 53 address bits
    tree = rig.tree(0, (14, 8, 9, 9))
    rig.word(rig.place(tree, EA, 30), V | L | ALL)
    assert rig.load(EA >> 30 << 30) == 0
    rig.word(rig.place(rig.tree(0, (14, 9, 8, 9)), EA, 29), V | L | ALL)
    rig.tlbie(pid=0, scope=1)
    assert rig.load(EA) == fault(0x300, EA, BAD_TREE)  # a page of 512 MiB
    tree = rig.tree(0, (13, 9, 9, 9))
    rig.word(rig.place(tree, EA), V | 0x20_0000 | 9)  # a directory where a page should be
    rig.tlbie(pid=0, scope=1)
    assert rig.load(EA) == fault(0x300, EA, BAD_TREE)


def test_the_process_table() -> None:
    rig = RadixRig(pages=0)  # 256 entries
    rig.process(255)
    rig.map(rig.tree(255), EA, REAL)
    assert rig.fetch(EA) == REAL
    rig.process(256)
    assert rig.load(EA) == fault(0x300, EA, NO_PTE)
    rig.process(254)
    assert rig.load(0x5000) == fault(0x300, 0x5000, BAD_TREE)  # an entry of zeros: a root of no entries, for 31 bits
    assert rig.load(EA) == fault(0x380, EA)
    for table, bits in ((PROCESS_TABLE | 5, BAD_TREE), (PROCESS_TABLE | 25, BAD_TREE), (rig.vm.memory_size, BAD_TREE)):
        rig.vm.set_record(process_table=table)
        rig.v.call("flush_mmu")
        assert rig.load(0x5000) == fault(0x300, 0x5000, bits)


def test_tables_outside_of_ram_read_as_zero() -> None:
    rig = RadixRig()
    tree = rig.tree(0)
    at = rig.place(tree, EA)
    top = rig.word(tree.root + 8 * (EA >> 39))
    rig.word(tree.root + 8 * (EA >> 39), V | rig.vm.memory_size | 9)
    assert rig.load(EA) == fault(0x300, EA, NO_PTE)
    rig.word(tree.root + 8 * (EA >> 39), top)
    for real in (rig.vm.memory_size, 0x00FF_FFFF_FFFF_F000, 0x01FF_FFFF_FFFF_F000):  # a page that is no RAM: a device
        rig.word(at, V | L | real | ALL)
        rig.tlbie(EA)
        got = rig.load(EA)
        assert isinstance(got, tuple) and got[0] == "MMIO" and rig.v.mmio_address == real
        assert rig.fetch(EA) == fault(0x200, EA)


@pytest.mark.parametrize("helper", ["radix_tlbie", "radix_tlbiel"])
def test_tlbie_that_is_the_hypervisors(helper: str) -> None:
    rig = RadixRig()
    rig.map(rig.tree(0), EA, REAL)
    for lpcr, how in ((1 << 22 | 1 << 20 | 1 << 10, 2), (1 << 22 | 1 << 20, 4 | 2)):  # PRS = 0; GTSE = 0
        rig.v.lpcr = lpcr
        assert rig.helper(helper, EA, 0, how) == ("PROGRAM", 0, 0x4_0000, 0)
