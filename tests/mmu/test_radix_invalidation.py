"""The invalidation matrix's rows of radix translation: PID, LPID, AMR, and every form of tlbie and tlbiel with R = 1."""

from __future__ import annotations

import pytest

from .radix_rig import ALL, L, RadixRig, V
from .rig import KERNEL, PR, VIRTUAL, fault
from .test_invalidation import EMPTY, level1, mark_jump_cache

EA = 0x7FFF_1234_5000
OLD, NEW = 0x40_0000, 0x60_0000


def machine(cpus: int = 1, shift: int = 12) -> tuple[RadixRig, int, int]:
    """PIDs 0 and 5 have EA at OLD; touched by load, store and fetch on every vCPU, PIDR 5. The places of the two entries."""
    rig = RadixRig(cpus=cpus)
    levels = (13, 9, 9, 5) if shift == 16 else (13, 9, 9, 9)
    kernel = rig.map(rig.tree(0, levels), EA >> shift << shift, OLD, shift=shift)
    user = rig.map(rig.tree(5, levels), EA >> shift << shift, OLD, shift=shift)
    for v in rig.vm.vcpus:
        rig.process(5, v)
        for ea in (EA, KERNEL | EA):
            assert rig.helper("readable", ea, v=v) and rig.helper("writable", ea, v=v)
            assert isinstance(rig.helper("fetch", ea, v=v), int)
    return rig, kernel, user


def where(rig: RadixRig, ea: int = EA, v: object = None) -> object:
    """The real address, asking level 1 first; or the fault."""
    host = rig.helper("readable", ea, v=v)
    return host - rig.vm.ram_address if isinstance(host, int) else host


def move(rig: RadixRig, at: int) -> None:
    rig.word(at, V | L | NEW | ALL)


def test_a_changed_entry_may_linger_until_tlbie() -> None:
    rig, _, user = machine()
    move(rig, user)
    assert where(rig) == OLD
    rig.tlbie(EA, 5)
    assert where(rig) == NEW and where(rig, KERNEL | EA) == OLD


@pytest.mark.parametrize("shift", [12, 16, 21])
@pytest.mark.parametrize("ric", [0, 2])
def test_a_page_on_every_vcpu(shift: int, ric: int) -> None:
    rig, kernel, user = machine(2, shift)
    within = EA & (1 << shift) - 1
    links = mark_jump_cache(rig, EA)
    move(rig, user)
    rig.tlbie(EA, 5, shift=shift, ric=ric)
    for v in rig.vm.vcpus:
        assert where(rig, EA, v) == NEW + within and where(rig, KERNEL | EA, v) == OLD + within
        assert v.shadow_generation == 1 and v.flush_page == 1
    assert links.value == 0
    move(rig, kernel)
    rig.tlbie(KERNEL | EA, 0, shift=shift, ric=ric)
    assert all(where(rig, KERNEL | EA, v) == NEW + within for v in rig.vm.vcpus)


def test_tlbiel_is_for_this_vcpu() -> None:
    for scope in (0, 1, 2, 3):
        rig, _, user = machine(2)
        move(rig, user)
        rig.tlbie(EA if scope == 0 else 0, 5, scope=scope, local=True)
        assert where(rig) == NEW and where(rig, v=rig.vm.vcpus[1]) == OLD


@pytest.mark.parametrize(("scope", "pid", "user_goes", "kernel_goes"),
                         [(1, 5, True, False), (1, 0, False, True), (1, 6, False, False), (2, 5, True, True), (3, 0, True, True)])  # fmt: skip
@pytest.mark.parametrize("ric", [0, 1, 2])
def test_scopes(scope: int, pid: int, user_goes: bool, kernel_goes: bool, ric: int) -> None:
    rig, kernel, user = machine(2)
    move(rig, user)
    move(rig, kernel)
    rig.tlbie(0, pid, scope=scope, ric=ric)
    for v in rig.vm.vcpus:  # RIC = 1 is the page walk cache, and there is none
        assert where(rig, EA, v) == (NEW if user_goes and ric != 1 else OLD)
        assert where(rig, KERNEL | EA, v) == (NEW if kernel_goes and ric != 1 else OLD)


def test_sets_of_the_tlb() -> None:
    """tlbiel by sets: everything is in set 0."""
    rig, _, user = machine()
    move(rig, user)
    for number in range(1, 128):
        rig.tlbie(number << 12, 5, scope=1, local=True)
    assert where(rig) == OLD
    rig.tlbie(0, 5, scope=1, local=True)
    assert where(rig) == NEW


def test_reserved_operands_drop_more_rather_than_less() -> None:
    for rb, how in ((EA | 7 << 5, 4), (EA, 4 | 3)):  # a reserved AP, a run of translations
        rig, _, user = machine()
        move(rig, user)
        rig.helper("radix_tlbie", rb, 5 << 32, how)
        assert where(rig) == NEW


def test_another_pid_of_the_same_address_stays() -> None:
    rig, _, user = machine()
    rig.map(rig.tree(6), EA, 0x50_0000)
    rig.process(6)
    assert where(rig) == 0x50_0000
    move(rig, user)
    rig.tlbie(EA, 5)
    assert level1(rig)[0] != EMPTY or where(rig) == 0x50_0000
    walks = rig.v.walk_misses
    assert where(rig) == 0x50_0000 and rig.v.walk_misses == walks
    rig.process(5)
    assert where(rig) == NEW


def test_pid_is_part_of_the_key() -> None:
    """PIDR switches between processes: level 1 and the jump cache lose quadrant 0 alone, and no table is walked again."""
    rig, _, _ = machine()
    rig.map(rig.tree(6), EA, NEW)
    for pid, real in ((6, NEW), (5, OLD)) * 3:
        rig.process(pid)
        assert where(rig) == real and rig.fetch(EA) == real
    walks = rig.v.walk_misses
    for pid, real in ((6, NEW), (5, OLD)) * 3:
        links, kernel_links = mark_jump_cache(rig, EA), mark_jump_cache(rig, KERNEL | EA, 1)
        rig.process(pid)
        assert links.value == 0 and kernel_links.value != 0
        assert level1_tag(rig, KERNEL | EA) in (KERNEL | EA, EMPTY)
        assert where(rig) == real and rig.fetch(EA) == real
    assert rig.v.walk_misses == walks


def level1_tag(rig: RadixRig, ea: int) -> int:
    return level1(rig, ea)[0]


def test_lpid_is_part_of_the_key() -> None:
    rig, _, user = machine()
    move(rig, user)
    rig.v.lpidr = 9
    rig.v.call("translation_changed", 319)
    assert where(rig) == NEW and where(rig, KERNEL | EA) == OLD  # another partition, as it happens with the same tree
    walks = rig.v.walk_misses
    rig.v.lpidr = 0
    rig.v.call("translation_changed", 319)
    assert where(rig) == OLD and rig.v.walk_misses == walks


def test_amr_and_iamr() -> None:
    rig, _, _ = machine()
    assert level1(rig)[0] in (EA, KERNEL | EA)
    assert where(rig) == OLD
    fills = rig.v.tlb_fills
    rig.keys(amr=3)
    assert where(rig) == fault(0x300, EA, 0x0800_0000)
    rig.mode(VIRTUAL | PR)
    assert where(rig) == OLD
    rig.mode(VIRTUAL)
    rig.keys(amr=0)
    assert where(rig) == OLD and rig.v.tlb_fills <= fills + 3
    links = mark_jump_cache(rig, EA)
    rig.keys(iamr=1)
    assert links.value == 0 and rig.fetch(EA) == fault(0x400, EA, 0x1000_0000)


def test_a_flushed_space_has_nothing_to_flush() -> None:
    rig, _, _ = machine()
    rig.tlbie(0, 5, scope=1, ric=2)
    spaces, numbers = rig.v.flush_space, rig.v.shadow_next
    for _ in range(10):
        rig.tlbie(0, 5, scope=1, ric=2)
        rig.tlbie(EA, 5)
    assert (rig.v.flush_space, rig.v.shadow_next, rig.v.flush_page) == (spaces, numbers, 0)
    assert where(rig) == OLD


def test_a_gigabyte_page_takes_its_space_along() -> None:
    rig = RadixRig()
    tree = rig.tree(5)
    at = rig.map(tree, 1 << 30, 0, shift=30)
    rig.process(5)
    assert where(rig, 1 << 30 | OLD) == OLD
    rig.word(at, 0)
    rig.tlbie(1 << 30, 5, shift=30)
    assert where(rig, 1 << 30 | OLD) == fault(0x300, 1 << 30 | OLD, 0x4000_0000)


def test_slbia_keeps_translations() -> None:
    """Under radix translation slbia is about the ERAT (Linux: PPC_RADIX_INVALIDATE_ERAT): nothing is walked again."""
    rig, _, _ = machine()
    walks = rig.v.walk_misses
    for ih in range(8):
        rig.v.call("slbia", ih)
        assert where(rig) == OLD and where(rig, KERNEL | EA) == OLD
    assert rig.v.walk_misses == walks


def test_lpcr_chooses_the_mmu() -> None:
    rig, _, _ = machine()
    rig.v.lpcr = 0
    rig.v.call("translation_changed", 318)
    assert where(rig) == fault(0x380, EA)
    rig.v.lpcr = 1 << 22 | 1 << 20 | 1 << 10
    rig.v.call("translation_changed", 318)
    assert where(rig) == OLD


def test_the_generation_number_wraps() -> None:
    rig, _, user = machine()
    rig.v.shadow_generation = 0xFFFF - 1
    rig.v.call("flush_mmu")
    assert where(rig) == OLD and rig.v.shadow_generation == 0xFFFF
    move(rig, user)
    rig.v.call("flush_mmu")
    assert where(rig) == NEW and rig.v.shadow_generation == 1
