"""Random hashed page tables: the compiled MMU against the plain-Python reading, with fault bits, R and C, and invalidation."""

from __future__ import annotations

import random

import pytest

from runtime.mmu.explain import Access
from runtime.mmu.hpt import PTE_SIZE

from .rig import DR, IR, PR, SF, Fault, Page, Rig, Segment, fault

SIZES = list(PTE_SIZE)
ACCESSES: tuple[Access, ...] = ("load", "store", "fetch")
RAM = 64 << 20


class World:
    """Segments, pages and registers drawn at random, and the table as it should be."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.rig = Rig(memory=RAM, hpt=18)
        self.segments: list[tuple[int, Segment]] = []
        self.pages: list[tuple[int, Segment, int, int, int]] = []  # EA, segment, offset, log2 actual size, PTE number
        r = self.random
        for index in range(64):
            base = r.choice((12, 12, 12, 16, 16, 24, 34))
            large = base == 34 or r.random() < 0.4
            segment = Segment(
                r.getrandbits(24 if large else 36), base, large, r.random() < 0.5, r.random() < 0.5, r.random() < 0.1
            )
            ea = index << 40 | (0 if large else r.getrandbits(8) << 28)
            self.rig.segment(ea, segment, index)
            self.segments.append((ea, segment))
        for _ in range(1500):
            self.enter()
        for _ in range(300):  # nearly right PTEs
            index = r.choice(self.pages)[4]
            high, low = self.rig.table.get(index)
            place = index & ~7 | r.randrange(8)
            if not self.rig.table.get(place)[0] & 1:
                self.rig.table.put(place, high ^ 1 << r.choice((1, 2, 7, 8, 20, 30, 62, 63)), low)
        self.expected = bytearray(self.rig.table.memory)

    def enter(self) -> None:
        """One more page."""
        r = self.random
        ea, segment = r.choice(self.segments)
        actual = r.choice([a for b, a in SIZES if b == segment.base])
        offset = r.getrandbits(segment.shift) >> segment.base << segment.base
        if r.random() < 0.5:  # close together, so that pages share level-1 and level-2 places
            offset &= (1 << max(segment.base, 20)) - 1
        limit = 0 if actual == 34 else 5 * RAM // 4
        page = Page(
            r.randrange(limit + 1) >> actual << actual, r.choice((0, 1, 2, 2, 2, 3, 3, 6, 4, 5, 7)), actual,
            r.random() < 0.1, r.random() < 0.1, r.choice((0, 0, 0, 5, 9, 31)), referenced=r.random() < 0.5, changed=r.random() < 0.3,
        )  # fmt: skip
        try:
            index = self.rig.table.enter(segment, offset, page, r.choice((None, False, True)))
        except ValueError:
            return
        self.pages.append((ea, segment, offset, actual, index))

    def address(self) -> int:
        """An address: mostly in a known page, sometimes anywhere."""
        r = self.random
        if r.random() < 0.85:
            ea, segment, offset, _, _ = r.choice(self.pages)
            return ea + offset + r.randrange(1 << segment.base) & ~3
        return r.choice(self.segments)[0] + r.getrandbits(28) & ~3 if r.random() < 0.8 else r.getrandbits(64) & ~3

    def registers(self) -> None:
        """Another machine state."""
        r = self.random
        self.rig.mode(SF | IR | DR | (PR if r.random() < 0.5 else 0))
        self.rig.v.amr = r.choice((0, 0, r.getrandbits(64)))
        self.rig.v.iamr = r.choice((0, 0, r.getrandbits(64) & 0x5555_5555_5555_5555))
        self.rig.v.call("translation_changed", 29)
        self.rig.v.call("translation_changed", 61)

    def compiled(self, ea: int, access: Access) -> int | Fault:
        """What the compiled MMU says; level 1 is asked first where it can be."""
        if access == "fetch":
            return self.rig.fetch(ea)
        seen = self.rig.helper("readable" if access == "load" else "writable", ea)
        if isinstance(seen, int):
            return seen - self.rig.vm.ram_address
        return self.rig.helper("read_at" if access == "load" else "write_at", ea) if seen[0] == "ALIGNMENT" else seen

    def check(self, ea: int, access: Access) -> bool:
        """Compare one access; whether it was allowed."""
        t = self.rig.explain(ea, access)
        got = self.compiled(ea, access)
        if t.real is None:
            assert t.vector is not None
            assert got == fault(t.vector, ea, t.bits), str(t)
            return False
        assert t.pte_index is not None
        at = 16 * t.pte_index
        self.expected[at + 14] |= 1
        if access == "store":
            self.expected[at + 15] |= 0x80
        if access == "fetch" and t.real >= RAM:
            assert got == fault(0x200, ea)
        else:
            assert got == (t.real if access == "fetch" else t.real & (1 << 60) - 1), str(t)
        return True


@pytest.mark.parametrize("seed", range(4))
def test_thousands_of_accesses(seed: int) -> None:
    world = World(seed)
    allowed = 0
    for _ in range(40):
        world.registers()
        for _ in range(60):
            allowed += world.check(world.address(), world.random.choice(ACCESSES))
    assert 600 < allowed < 2200  # both outcomes are well represented
    assert bytes(world.rig.table.memory) == world.expected  # R and C, and nothing else


@pytest.mark.parametrize("seed", range(10, 13))
def test_changes_followed_by_their_invalidation(seed: int) -> None:
    """After a PTE is changed and its page invalidated (tlbie or hypercall), no stale translation of any kind is left."""
    world = World(seed)
    rig, r = world.rig, world.random
    for _ in range(60):
        world.registers()
        for _ in range(25):
            world.check(world.address(), r.choice(ACCESSES))
        ea, segment, offset, actual, index = r.choice(world.pages)
        within = [ea + offset + r.randrange(1 << segment.base) & ~3 for _ in range(6)]
        for at in within:
            world.check(at, r.choice(ACCESSES))
        high, low = rig.table.get(index)
        how = r.randrange(4)
        if how == 0:
            assert rig.hcall("h_protect", r.choice((0, 1, 2, 3)) | r.choice((0, 4)), index, 0) == (0 if high & 1 else -7)
        elif how == 1:
            assert rig.hcall("h_remove", 0, index, 0) == (0 if high & 1 else -7)
        else:
            rig.table.put(index, high ^ r.choice((0, 1)), low ^ r.choice((1, 2, 4, 1 << 26)))
            rig.v.call("tlbie", segment.tlbie_operand(offset, actual), 0)
        world.expected[16 * index : 16 * index + 16] = bytes(rig.table.memory[16 * index : 16 * index + 16])
        for at in within:
            world.check(at, r.choice(ACCESSES))
    assert bytes(rig.table.memory) == world.expected


def test_segments_come_and_go() -> None:
    """slbmte, slbie and slbia between accesses: bindings follow, whatever shadow VSIDs do (only 7 of them)."""
    world = World(99)
    world.rig.v.shadow_limit = 7
    r, rig = world.random, world.rig
    for _ in range(300):
        for _ in range(6):
            world.check(world.address(), r.choice(ACCESSES))
        index = r.randrange(64)
        ea, segment = world.segments[index]
        how = r.randrange(10)
        if how < 4:
            rig.v.call("slbie", segment.slbie_operand(ea))
        elif how < 5:
            rig.v.call("slbia", r.randrange(8))
        else:  # any segment at any entry's address; its own most of the time
            other = world.segments[r.randrange(64)][1] if r.random() < 0.3 else segment
            rig.v.call("slbie", segment.slbie_operand(ea))
            rig.segment(ea, other, index)
    assert rig.v.shadow_wraps > 20
