"""Random radix trees: the compiled MMU against the plain-Python reading, with every kind of fault, R and C, and invalidation."""

from __future__ import annotations

import random
from collections import Counter

import pytest

from runtime.mmu.explain import Access

from .radix_rig import PROCESS_TABLE, SAO, C, L, R, RadixRig, Tree, V
from .rig import KERNEL, PR, VIRTUAL, Fault, fault

ACCESSES: tuple[Access, ...] = ("load", "store", "fetch")
RAM = 32 << 20
SHAPES = ((13, 9, 9, 9), (13, 9, 9, 9), (13, 9, 9, 5), (9, 9, 9), (5, 12, 8, 8), (16, 10, 10), (10, 10), (6, 8, 8))
PIDS = (0, 1, 2, 3, 0x3FF)


class World:
    """Trees, pages and registers drawn at random, and the tables as they should be."""

    def __init__(self, seed: int) -> None:
        self.random = r = random.Random(seed)
        self.rig = RadixRig(RAM, pages=2)
        self.trees = [self.rig.tree(pid, r.choice(SHAPES)) for pid in PIDS[:-1]]
        self.pages: list[tuple[Tree, int, int, int]] = []  # tree, EA, log2 size, place of the entry
        while len(self.pages) < 250:
            self.enter()
        for _ in range(25):  # directories and entries that are wrong in one bit
            at = r.choice(self.pages)[3] if r.random() < 0.6 else r.choice(self.trees).root + 8 * r.randrange(32)
            self.rig.word(at, self.rig.word(at) ^ 1 << r.choice((63, 62, r.randrange(64), r.randrange(13), r.randrange(5))))
        if r.random() < 0.5:
            tree = r.choice(self.trees)
            at = PROCESS_TABLE + 16 * tree.pid
            self.rig.word(at, self.rig.word(at) ^ 1 << r.choice((61, 62, r.randrange(8))))
        self.tables = bytearray(self.rig.vm.read(1 << 20, self.rig.free - (1 << 20)))
        self.outcomes: Counter[str] = Counter()

    def enter(self) -> None:
        """One more page, often near another one."""
        r = self.random
        tree = r.choice(self.trees)
        ends = [sum(tree.levels[n:]) + tree.bits - sum(tree.levels) for n in range(1, len(tree.levels) + 1)]
        shift = r.choice([e for e in ends if e in (12, 16, 21, 30)] or ends[-1:])
        ea = r.getrandbits(tree.bits) & r.choice((-1, (1 << 32) - 1, (1 << 24) - 1)) >> shift << shift
        if self.pages and r.random() < 0.5:
            ea = (r.choice(self.pages)[1] + (r.randrange(-3, 4) << shift)) % (1 << tree.bits) >> shift << shift
        real = r.randrange(RAM * 5 // 4) & ~((1 << min(shift, 21)) - 1)
        more = r.choice((0, 0, 0, SAO, 0x20, 0x30)) | (R if r.random() < 0.5 else 0) | (C if r.random() < 0.3 else 0)
        try:
            at = self.rig.place(tree, ea, shift)
        except AssertionError:  # a page of another size lies there
            return
        if not self.rig.word(at) & V:
            self.rig.word(at, V | L | real | r.choice((7, 7, 6, 15, 14, r.randrange(16))) | more)
            self.pages.append((tree, ea, shift, at))

    def registers(self) -> None:
        """Another machine state."""
        r = self.random
        self.rig.mode(VIRTUAL | (PR if r.random() < 0.5 else 0))
        self.rig.process(r.choice(PIDS))
        self.rig.keys(amr=r.choice((0, 0, 0, 1, 2, 3)))
        self.rig.keys(iamr=r.choice((0, 0, 0, 1)))

    def address(self) -> int:
        """Mostly in a known page, of the current process or of PID 0; sometimes anywhere."""
        r = self.random
        pid = self.rig.v.pid
        known = [p for p in self.pages if p[0].pid in (0, pid)]
        if r.random() < 0.9 and known:
            tree, ea, shift, _ = r.choice(known)
            ea += r.randrange(1 << shift) & ~3
            return ea | (KERNEL if tree.pid == 0 and (pid or r.random() < 0.5) else 0)
        return r.getrandbits(64) & ~3 & r.choice((-1, ~(1 << 62), KERNEL | (1 << 40) - 1, (1 << 40) - 1))

    def check(self, ea: int, access: Access) -> None:
        """Compare one access."""
        rig = self.rig
        t = rig.explain(ea, access)
        if access == "fetch":
            got = rig.fetch(ea)
        else:
            got = rig.helper("readable" if access == "load" else "writable", ea)
            if isinstance(got, int):
                got -= rig.vm.ram_address
            elif got[0] == "ALIGNMENT":  # not RAM
                got = rig.helper("read_at" if access == "load" else "write_at", ea)
                got = got if isinstance(got, Fault) else got % (1 << 60)
        if t.real is None:
            assert t.vector is not None
            assert got == fault(t.vector, ea, t.bits), str(t)
            self.outcomes[f"{t.vector:x} {t.bits:x}"] += 1
            return
        self.outcomes["translated"] += 1
        at = t.pte_real
        if (1 << 20) <= at < rig.free:
            self.tables[at - (1 << 20) + 6] |= 1
            self.tables[at - (1 << 20) + 7] |= 0x80 if access == "store" else 0
        assert got == (fault(0x200, ea) if access == "fetch" and t.real >= RAM else t.real), str(t)

    def unchanged(self) -> bool:
        """R and C are set where they should be, and nothing else is."""
        return self.rig.vm.read(1 << 20, len(self.tables)) == self.tables


@pytest.mark.parametrize("seed", range(3))
def test_thousands_of_accesses(seed: int) -> None:
    world = World(seed)
    for _ in range(40):
        world.registers()
        for _ in range(50):
            world.check(world.address(), world.random.choice(ACCESSES))
    assert world.unchanged()
    assert 300 < world.outcomes["translated"] < 1700, world.outcomes


def test_every_kind_of_fault_occurs() -> None:
    seen: Counter[str] = Counter()
    for seed in range(20, 24):
        world = World(seed)
        for _ in range(25):
            world.registers()
            for _ in range(40):
                world.check(world.address(), world.random.choice(ACCESSES))
        seen += world.outcomes
    expected = {"300 40000000", "300 42000000", "400 40000000", "300 8000000", "300 a000000", "400 10000000",
                "300 80000", "300 2080000", "400 80000", "380 0", "480 0"}  # fmt: skip
    assert expected <= set(seen), (expected - set(seen), seen)


@pytest.mark.parametrize("seed", range(30, 33))
def test_changes_followed_by_their_invalidation(seed: int) -> None:
    """After an entry is changed and invalidated in any of the ways there are, nothing stale is left."""
    world = World(seed)
    rig, r = world.rig, world.random
    for _ in range(70):
        world.registers()
        for _ in range(12):
            world.check(world.address(), r.choice(ACCESSES))
        tree, ea, shift, at = r.choice(world.pages)
        if tree.pid:
            rig.process(tree.pid)
        ea |= KERNEL if not tree.pid and r.random() < 0.7 else 0
        within = [ea + (r.randrange(1 << shift) & ~3) for _ in range(5)]
        for one in within:
            world.check(one, r.choice(ACCESSES))
        rig.word(at, rig.word(at) ^ r.choice((V, 1, 2, 4, 8, 1 << 22, R | C)))
        world.tables[at - (1 << 20) : at - (1 << 20) + 8] = rig.vm.read(at, 8)
        local, ric = r.random() < 0.5, r.choice((0, 2))
        how = r.randrange(4)
        if how < 2:
            rig.tlbie(ea, tree.pid, shift=shift, ric=ric, local=local)
        else:
            rig.tlbie(0, tree.pid, scope=how - 1, ric=ric, local=local)
        for one in within:
            world.check(one, r.choice(ACCESSES))
    assert world.unchanged()


def test_few_shadow_vsids() -> None:
    """Spaces and terabytes share seven numbers, or one: generations come and go, and nothing is mixed up."""
    for limit in (7, 2, 1):
        world = World(50 + limit)
        world.rig.v.shadow_limit = limit
        for _ in range(150):
            world.registers()
            for _ in range(6):
                world.check(world.address(), world.random.choice(ACCESSES))
        assert world.unchanged() and world.rig.v.shadow_wraps > 15


def test_noise() -> None:
    """Tables of random bits, anywhere: the same outcome as the plain reading, an end, and no access outside RAM."""
    r = random.Random(7)
    rig = RadixRig(4 << 20)
    rig.vm.write(0, r.randbytes(4 << 20))
    seen: Counter[int | None] = Counter()
    for n in range(3000):
        table = r.getrandbits(64) & (r.choice((-1, 0x3F_FFE0, 0x3F_F000)) | r.getrandbits(5))
        rig.vm.set_record(process_table=table)
        if n % 3 == 0:  # an entry that leads on, into the noise
            base = table & 0x3F_F000
            rig.vm.set_record(process_table=base)
            rig.word(base, 0x4000_0000_0000_00A0 | r.getrandbits(22) & ~0xFF | r.randrange(5, 14))
        rig.v.pid = 0 if n % 3 == 0 else r.choice((0, 1, 1 << 20, (1 << 32) - 1))
        rig.mode(VIRTUAL | (PR if r.random() < 0.5 else 0))
        rig.v.call("flush_mmu")
        ea = r.getrandbits(64) & r.choice((-1, (1 << 52) - 1, KERNEL | (1 << 52) - 1, (1 << 31) - 1)) & ~7
        access = r.choice(ACCESSES)
        t = rig.explain(ea, access)
        got = rig.fetch(ea) if access == "fetch" else rig.helper("read_at" if access == "load" else "write_at", ea)
        seen[t.vector] += 1
        if t.real is None:
            assert t.vector is not None and got == fault(t.vector, ea, t.bits), str(t)
        elif access == "fetch" and t.real >= 4 << 20:
            assert got == fault(0x200, ea)
        else:
            assert isinstance(got, int) and got % (1 << 60) == t.real, str(t)
    assert set(seen) >= {0x300, 0x380, 0x400, 0x480}, seen
