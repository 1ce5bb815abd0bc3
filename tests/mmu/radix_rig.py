"""Rig with radix translation: process table and trees are built in its RAM by hand, as an operating system would."""

from __future__ import annotations

from dataclasses import dataclass

from .rig import Rig

UPRT, HR, GTSE = 1 << 22, 1 << 20, 1 << 10  # LPCR
V, L = 1 << 63, 1 << 62
R, C = 0x100, 0x80
SAO, NON_IDEMPOTENT, TOLERANT = 0x10, 0x20, 0x30
PRIVILEGED, READ, WRITE, EXECUTE = 8, 4, 2, 1
ALL = READ | WRITE | EXECUTE
PROCESS_TABLE = 0x1_0000
POWER9 = (13, 9, 9, 9)
POWER9_64K = (13, 9, 9, 5)
AP = {12: 0, 16: 5, 21: 1, 30: 2}


def rts(bits: int) -> int:
    """RTS of a process table entry, for a tree of so many address bits."""
    return (bits - 31 >> 3) << 61 | (bits - 31 & 7) << 5


@dataclass(frozen=True)
class Tree:
    """A tree of one PID: its root, and the log2 sizes of its levels."""

    pid: int
    root: int
    levels: tuple[int, ...]

    @property
    def bits(self) -> int:
        """Address bits, for levels that end in 4 KiB or 64 KiB pages."""
        return sum(self.levels) + (16 if self.levels[-1] == 5 and len(self.levels) == 4 else 12)


class RadixRig(Rig):
    """Tables come from RAM from 1 MiB on; the process table has 2**(12 + pages) bytes."""

    def __init__(self, memory: int = 32 << 20, cpus: int = 1, shadow_vsids: int = 65_535, pages: int = 4) -> None:
        super().__init__(memory, cpus=cpus, shadow_vsids=shadow_vsids)
        self.free = 1 << 20
        self.vm.set_record(process_table=PROCESS_TABLE | pages)
        for v in self.vm.vcpus:
            v.lpcr = UPRT | HR | GTSE

    def new_table(self, bits: int) -> int:
        """A new table of 1 << bits entries."""
        size = 8 << bits
        at = (self.free + size - 1) & -size
        assert at + size <= self.vm.memory_size // 2
        self.free = at + size
        return at

    def tree(self, pid: int, levels: tuple[int, ...] = POWER9, bits: int | None = None) -> Tree:
        """A tree without pages, entered in the process table."""
        tree = Tree(pid, self.new_table(levels[0]), levels)
        self.word(PROCESS_TABLE + 16 * pid, rts(bits or tree.bits) | tree.root | levels[0])
        return tree

    def place(self, tree: Tree, ea: int, shift: int = 12) -> int:
        """Real address of the entry for the page of 1 << shift bytes at `ea`; the directories on the way are made."""
        left = tree.bits
        at = tree.root
        for level, width in enumerate(tree.levels):
            left -= width
            entry = at + 8 * (ea >> left & (1 << width) - 1)
            if left <= shift:
                assert left == shift, f"no level of this tree has pages of 1 << {shift}"
                return entry
            word = self.word(entry)
            if not word & V:
                word = V | self.new_table(tree.levels[level + 1]) | tree.levels[level + 1]
                self.word(entry, word)
            assert not word & L
            at = word & 0x0FFF_FFFF_FFFF_FF00
        raise AssertionError("the tree is too short")

    def map(self, tree: Tree, ea: int, real: int, rights: int = ALL, shift: int = 12, more: int = 0) -> int:
        """Enter a page; the real address of its entry."""
        at = self.place(tree, ea, shift)
        self.word(at, V | L | real | rights | more)
        return at

    def tlbie(self, ea: int = 0, pid: int = 0, *, ric: int = 0, scope: int = 0, shift: int = 12, prs: int = 1,
              local: bool = False, v: object = None) -> object:  # fmt: skip
        """tlbie or tlbiel with R = 1."""
        rb = ea & ~0xFFF & (1 << 64) - 1 | scope << 10 | AP[shift] << 5
        return self.helper("radix_tlbiel" if local else "radix_tlbie", rb, pid << 32, ric | prs << 2, v=v)

    def process(self, pid: int, v: object = None) -> None:
        """mtspr PID."""
        v = v or self.v
        v.pid = pid  # type: ignore[attr-defined]
        v.call("translation_changed", 48)  # type: ignore[attr-defined]

    def keys(self, amr: int | None = None, iamr: int | None = None) -> None:
        """mtspr AMR, IAMR: of key 0, the two bits."""
        if amr is not None:
            self.v.amr = amr << 62
            self.v.call("translation_changed", 29)
        if iamr is not None:
            self.v.iamr = iamr << 62
            self.v.call("translation_changed", 61)
