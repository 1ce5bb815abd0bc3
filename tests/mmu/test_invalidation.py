"""The invalidation matrix (reference/kvm-pr.md), one test a row. Rows of other MMU families (32-bit tlbie, radix PID) are theirs."""

from __future__ import annotations

import ctypes

import pytest

from dbt import shared, state
from runtime.mmu.tables import SHADOW_TLB_ENTRIES

from .rig import KERNEL, PR, SF, VIRTUAL, Page, Rig, Segment, fault

EA = KERNEL + 0x345000
OLD, NEW = 0x40_0000, 0x50_0000
SEGMENT = Segment(0x1234567)


def machine(
    cpus: int = 1, segment: Segment = SEGMENT, page: Page | None = None, shadow_vsids: int = 65_535
) -> tuple[Rig, int]:
    """A machine whose EA is at OLD, touched by load, store and fetch on every vCPU; the PTE's number."""
    rig = Rig(cpus=cpus, shadow_vsids=shadow_vsids)
    rig.word(OLD + (EA & 0xFFF), 0x01D)
    rig.word(NEW + (EA & 0xFFF), 0x2E7)
    index = rig.table.enter(segment, EA & 0xFFF_FFFF, page or Page(OLD))
    for v in rig.vm.vcpus:
        rig.segment(EA, segment, 3, v)
        touch(rig, v)
    return rig, index


def touch(rig: Rig, v: object = None) -> None:
    """Use EA in every way."""
    assert rig.helper("readable", EA, v=v) and rig.helper("writable", EA, v=v)
    assert isinstance(rig.helper("fetch", EA, v=v), int)


def where(rig: Rig, v: object = None) -> object:
    """The real address EA has, asking level 1 first; or the fault."""
    host = rig.helper("readable", EA, v=v)
    return host - rig.vm.ram_address if isinstance(host, int) else host


def mark_jump_cache(rig: Rig, ea: int = 0, place: int = 0) -> ctypes.c_uint64:
    """Put a link to the page of `ea` into the jump cache; 0 once it is flushed."""
    cell = ctypes.c_uint64.from_address(rig.v.address + state.JUMP_CACHE + 16 * place)
    cell.value = ea & ~0xFFF | 1
    return cell


def move(rig: Rig, index: int, real: int = NEW) -> None:
    """Change the PTE, silently."""
    high, low = rig.table.get(index)
    rig.table.put(index, high, low & 0xFFF | real | low & 0xF000_0000_0000_0000)


def level1(rig: Rig, ea: int = EA) -> tuple[int, int]:
    """(read tag, write tag) of the level-1 entry of `ea`."""
    words = (ctypes.c_uint64 * 2).from_address(rig.v.tlb + (ea >> 12 & 1023) * 32)
    return words[0], words[1]


EMPTY = 2**64 - 1


@pytest.mark.parametrize(("base", "actual"), [(12, 12), (12, 16), (12, 24), (16, 16), (16, 24), (24, 24)])
@pytest.mark.parametrize("terabyte", [False, True])
def test_tlbie(base: int, actual: int, terabyte: bool) -> None:
    segment = Segment(0x1234567 if not terabyte else 0x123456, base, terabyte)
    rig = Rig(cpus=2)
    offset = EA & 0xFFF_FFFF
    index = rig.table.enter(segment, offset, Page(0, actual=actual))
    for v in rig.vm.vcpus:
        rig.segment(EA, segment, 3, v)
        touch(rig, v)
    high, _ = rig.table.get(index)
    links, others = mark_jump_cache(rig, EA, EA >> 12 & state.JUMP_CACHE_ENTRIES - 1), mark_jump_cache(rig, 0x1000, 1)
    rig.table.put(index, high & ~1, 0)
    assert all(isinstance(where(rig, v), int) for v in rig.vm.vcpus)  # architected: it may linger until tlbie
    rig.v.call("tlbie", segment.tlbie_operand(offset, actual), 0)
    for v in rig.vm.vcpus:
        assert where(rig, v) == fault(0x300, EA, 0x4000_0000)
    assert links.value == 0 and others.value != 0
    assert rig.v.shadow_generation == 1 and rig.v.flush_page == 1  # precisely, not by dropping everything


def test_tlbie_leaves_other_pages_and_unrelated_links() -> None:
    rig, _ = machine()
    other = EA + 0x1000
    rig.table.enter(SEGMENT, other & 0xFFF_FFFF, Page(NEW))
    rig.load(other)
    links = mark_jump_cache(rig)
    walks = rig.v.walk_misses
    rig.v.call("tlbie", SEGMENT.tlbie_operand(other & 0xFFF_FFFF), 0)
    assert level1(rig)[0] == EA and level1(rig, other)[0] == EMPTY
    assert links.value == 1  # nothing was fetched from there
    touch(rig)
    assert rig.v.walk_misses == walks


def test_an_evicted_page_takes_its_links_along() -> None:
    """The shadow TLB forgets a page that was fetched from: nothing would drop its links when it is invalidated later."""
    rig, _ = machine()
    links = mark_jump_cache(rig, EA, EA >> 12 & state.JUMP_CACHE_ENTRIES - 1)
    far = EA + (SHADOW_TLB_ENTRIES << 12)  # the same place of the shadow TLB
    rig.table.enter(SEGMENT, far & 0xFFF_FFFF, Page(NEW))
    rig.load(far)
    assert links.value == 0


def test_tlbiel_is_for_this_vcpu() -> None:
    rig, index = machine(cpus=2)
    move(rig, index)
    rig.v.call("tlbiel", SEGMENT.tlbie_operand(EA & 0xFFF_FFFF), 0)
    assert where(rig) == NEW
    assert where(rig, rig.vm.vcpus[1]) == OLD


def test_slbie_drops_the_esid() -> None:
    rig, _ = machine()
    walks, links, others = rig.v.walk_misses, mark_jump_cache(rig, EA), mark_jump_cache(rig, EA ^ 1 << 60, 1)
    rig.v.call("slbie", SEGMENT.slbie_operand(EA))
    assert others.value != 0  # links to other segments stay
    assert where(rig) == fault(0x380, EA) and rig.fetch(EA) == fault(0x480, EA)
    assert links.value == 0 and rig.v.slb_e[3] & 1 << 27 == 0
    rig.segment(EA, SEGMENT, 9)
    assert where(rig) == OLD
    assert rig.v.walk_misses == walks  # its shadow segment was still known: no walk


def test_slbie_of_another_size_does_nothing() -> None:
    rig, _ = machine()
    rig.v.call("slbie", Segment(1, terabyte=True).slbie_operand(EA))
    assert where(rig) == OLD


@pytest.mark.parametrize("ih", range(8))
def test_slbia_honours_ih(ih: int) -> None:
    rig, _ = machine()
    rig.segment(0, Segment(1), 0)
    rig.v.call("slbmte", Segment(2).word | 0x80, Segment(2).esid_word(0x1000_0000, 5))  # class 1
    rig.v.call("slbia", ih)
    kept = {i for i in range(64) if rig.v.slb_e[i] & 1 << 27}
    assert kept == {3: {0, 3}, 4: set(), 7: {0, 3, 5}}.get(ih, {0})
    assert where(rig) == (OLD if 3 in kept else fault(0x380, EA))


def test_slbmte_rebinds_to_the_known_shadow_vsid() -> None:
    rig, _ = machine()
    other = Segment(0x777)
    rig.table.enter(other, EA & 0xFFF_FFFF, Page(NEW))
    rig.segment(EA, other, 3)
    assert where(rig) == NEW
    walks, following = rig.v.walk_misses, rig.v.shadow_next
    for _ in range(10):
        rig.segment(EA, SEGMENT, 3)
        assert where(rig) == OLD
        rig.segment(EA, other, 3)
        assert where(rig) == NEW
    assert (rig.v.walk_misses, rig.v.shadow_next) == (walks, following)


def test_mtsr_rebinds() -> None:
    rig, _ = machine()
    low = Segment(0x42, kp=True)
    rig.table.enter(low, 0x5000, Page(OLD))
    rig.table.enter(Segment(0x43), 0x5000, Page(NEW))
    rig.v.call("mtsr", 2, 1 << 29 | 0x42)
    assert rig.v.call("mfsr", 2) == 1 << 29 | 0x42
    assert rig.helper("readable", 0x2000_5000) == rig.vm.ram_address + OLD
    following = rig.v.shadow_next
    rig.v.call("mtsr", 2, 1 << 29 | 0x43)
    assert rig.helper("readable", 0x2000_5000) == rig.vm.ram_address + NEW
    rig.v.call("mtsr", 2, 1 << 29 | 0x42)
    assert rig.helper("readable", 0x2000_5000) == rig.vm.ram_address + OLD
    assert rig.v.shadow_next == following + 1


def test_bat_write_leaves_hashed_translations() -> None:
    rig, _ = machine()
    links = mark_jump_cache(rig)
    for spr in range(528, 544):
        rig.v.call("translation_changed", spr)
    assert level1(rig) == (EA, EA) and links.value == 1


@pytest.mark.parametrize("spr", [25, 464])
def test_sdr1_is_a_new_generation(spr: int) -> None:
    rig, _ = machine()
    rig.vm.set_record(htab=0)
    high, low = rig.table.get(next(i for i in range(rig.table.groups * 8) if rig.table.get(i)[0]))
    for real, table in ((OLD, 0x80_0000), (NEW, 0x84_0000)):  # two tables in RAM
        at = table + ((SEGMENT.hash(EA & 0xFFF_FFFF) & 2047) << 7)
        rig.word(at, high)
        rig.word(at + 8, low & 0xFFF | real)
    generation, links = rig.v.shadow_generation, mark_jump_cache(rig)
    rig.v.sdr1 = 0x84_0000
    assert where(rig) == OLD
    rig.v.call("translation_changed", spr)
    assert where(rig) == NEW
    assert rig.v.shadow_generation == generation + 1 and links.value == 0
    rig.v.sdr1 = 0x80_0000
    rig.v.call("translation_changed", spr)
    assert where(rig) == OLD
    rig.v.sdr1 = rig.vm.memory_size  # no RAM there
    rig.v.call("translation_changed", spr)
    assert where(rig) == fault(0x300, EA, 0x4000_0000)


def test_msr_changes_flush_nothing() -> None:
    rig, _ = machine()
    rig.mode(VIRTUAL | PR)
    assert where(rig) == OLD
    counts, links = (rig.v.walk_misses, rig.v.tlb_fills), mark_jump_cache(rig)
    for msr in (SF, VIRTUAL, VIRTUAL | PR, SF | PR, VIRTUAL):
        rig.mode(msr)
    assert where(rig) == OLD
    rig.mode(VIRTUAL | PR)
    assert where(rig) == OLD
    assert (rig.v.walk_misses, rig.v.tlb_fills) == counts and links.value == 1


def test_store_into_the_table_alone_does_nothing() -> None:
    rig, index = machine()
    move(rig, index)
    assert where(rig) == OLD
    rig.segment(KERNEL + (1 << 28), Segment(0x999), 8)  # nor does an unrelated segment
    assert where(rig) == OLD


def test_unmapped_ram_is_dropped_by_real_page() -> None:
    rig, index = machine(cpus=2)
    other = EA + 0x1000
    rig.table.enter(SEGMENT, other & 0xFFF_FFFF, Page(NEW))
    assert rig.load(other) == 0x2E7
    move(rig, index, 0x60_0000)
    links = mark_jump_cache(rig)
    rig.v.call("drop_real", OLD, 0x1000)
    for v in rig.vm.vcpus:
        assert where(rig, v) == 0x60_0000
    assert level1(rig, other)[0] == other and links.value == 0


def test_dirty_logging_sees_the_next_store() -> None:
    rig, _ = machine()
    flags = rig.vm.page_flags
    assert flags[OLD >> 12] & shared.PAGE_DIRTY and level1(rig) == (EA, EA)
    flags[OLD >> 12] &= ~shared.PAGE_DIRTY & 0xFF
    rig.v.call("drop_writes", OLD)
    assert level1(rig) == (EA, EMPTY)
    assert rig.load(EA) == 0x01D and level1(rig) == (EA, EMPTY)  # a load marks nothing
    assert not flags[OLD >> 12] & shared.PAGE_DIRTY
    assert rig.store(EA, 5) is None
    assert flags[OLD >> 12] & shared.PAGE_DIRTY and level1(rig) == (EA, EA)


def test_page_with_code_keeps_its_stores_visible() -> None:
    rig, _ = machine()
    rig.vm.page_flags[OLD >> 12] |= shared.PAGE_HAS_CODE
    rig.v.call("drop_writes", OLD)
    for _ in range(3):
        slow = rig.v.slow_stores
        assert rig.store(EA, 7) is None
        assert level1(rig) == (EA, EMPTY) and rig.v.slow_stores == slow + 1
    rig.vm.page_flags[OLD >> 12] &= ~shared.PAGE_HAS_CODE & 0xFF
    assert rig.store(EA, 7) is None and level1(rig) == (EA, EA)


def test_storage_keys_take_effect_at_once() -> None:
    rig, _ = machine(page=Page(OLD, key=9))
    key = 62 - 2 * 9
    rig.v.amr = 2 << key
    rig.v.call("translation_changed", 29)
    assert where(rig) == OLD and rig.store(EA, 0) == fault(0x300, EA, 0x0220_0000)
    rig.v.amr = 1 << key
    rig.v.call("translation_changed", 13)
    assert where(rig) == fault(0x300, EA, 0x0020_0000) and rig.store(EA, 0) is None
    links = mark_jump_cache(rig)
    rig.v.iamr = 1 << key
    rig.v.call("translation_changed", 61)
    assert links.value == 0 and rig.fetch(EA) == fault(0x400, EA, 0x0020_0000)


def test_shadow_vsids_run_out() -> None:
    rig, _ = machine(shadow_vsids=4)
    vsids = range(0x100, 0x140)
    for vsid in vsids:
        rig.table.enter(Segment(vsid), 0, Page(vsid << 12))
    for _ in range(20):
        for vsid in vsids:
            rig.segment(0, Segment(vsid), 0)
            assert rig.helper("readable", 0) == rig.vm.ram_address + (vsid << 12)
        assert where(rig) == OLD
    assert rig.v.shadow_wraps == rig.v.shadow_generation - 1 > 20 * 64 // 5
    assert 1 < rig.v.shadow_next <= 5


def test_the_generation_number_wraps() -> None:
    rig, index = machine()
    rig.v.shadow_generation = 0xFFFE
    rig.v.call("forget_segments")
    assert where(rig) == OLD
    rig.v.call("flush_mmu")
    assert where(rig) == OLD
    move(rig, index)
    rig.v.call("flush_mmu")
    assert rig.v.shadow_generation == 1
    assert where(rig) == NEW
