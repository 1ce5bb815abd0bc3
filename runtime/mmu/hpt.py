"""Building hashed page tables and SLB entries: for tests, tools and machines that start with translation on.

Everything here is plain Python on a writable buffer; the compiled walk reads the same bytes.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass
from typing import Any, Final

# (log2 base page size) -> L and LP of an SLB entry; (base, actual) -> L and LP of a PTE
SLB_SIZE: Final = {12: 0x000, 16: 0x110, 24: 0x100, 34: 0x120}
PTE_SIZE: Final = {
    (12, 12): None,
    (12, 16): 0x07,
    (12, 24): 0x38,
    (16, 16): 0x01,
    (16, 24): 0x08,
    (24, 24): 0x00,
    (34, 34): 0x03,
}
SLB_V: Final = 0x0800_0000
PTE_BYTES, GROUP_PTES = 16, 8


@dataclass(frozen=True, slots=True)
class Segment:
    """A virtual segment as the SLB describes it. `base` is log2 of its base page size."""

    vsid: int
    base: int = 12
    terabyte: bool = False
    ks: bool = False
    kp: bool = True
    no_execute: bool = False

    @property
    def shift(self) -> int:
        """log2 of its bytes."""
        return 40 if self.terabyte else 28

    @property
    def word(self) -> int:
        """The VSID doubleword (RS of slbmte)."""
        flags = self.ks << 11 | self.kp << 10 | self.no_execute << 9 | SLB_SIZE[self.base]
        return self.terabyte << 62 | self.vsid << (24 if self.terabyte else 12) | flags

    def esid_word(self, ea: int, index: int = 0) -> int:
        """The ESID doubleword (RB of slbmte) that maps it at `ea` through SLB entry `index`."""
        return ea & -(1 << self.shift) & (1 << 64) - 1 | SLB_V | index

    def hash(self, offset: int) -> int:
        """The primary hash of the page at `offset` (Book III 5.7.7.1)."""
        vsid = self.vsid ^ self.vsid << 25 if self.terabyte else self.vsid
        return (vsid ^ offset >> self.base) & (1 << 39) - 1

    def slbie_operand(self, ea: int) -> int:
        """RB of slbie for this segment at `ea`."""
        return ea & -(1 << self.shift) & (1 << 64) - 1 | self.terabyte << 25

    def tlbie_operand(self, offset: int, actual: int | None = None) -> int:
        """RB of tlbie for the page at `offset` whose actual size is 1 << actual (Book III 5.9.3.3)."""
        actual = actual or self.base
        va = (self.vsid << self.shift | offset) & (1 << 64) - 1
        size = self.terabyte << 8
        if self.base == 12:
            return va & -(1 << 12) | {12: 0, 16: 5, 24: 4}[actual] << 5 | size
        lp = PTE_SIZE[self.base, actual] or 0
        return va & -(1 << 20) | lp << 12 | va >> 12 & 0xFE | size | 1


@dataclass(frozen=True, slots=True)
class Page:
    """What a PTE says about a page. `actual` is log2 of its size, None: the segment's base size."""

    real: int
    pp: int = 2
    actual: int | None = None
    no_execute: bool = False
    guarded: bool = False
    key: int = 0
    wimg: int = 2  # without G: W I M
    referenced: bool = False
    changed: bool = False


def pte(segment: Segment, offset: int, page: Page, secondary: bool = False) -> tuple[int, int]:
    """The two doublewords of the PTE for the page at `offset` of a segment."""
    actual = page.actual or segment.base
    lp = PTE_SIZE[segment.base, actual]
    va = segment.vsid << segment.shift | offset
    avpn = va >> 23 & ~((1 << max(segment.base - 23, 0)) - 1)
    high = segment.terabyte << 62 | avpn << 7 | (lp is not None) << 2 | secondary << 1 | 1
    low = (page.pp >> 2) << 63 | (page.key >> 3) << 60 | page.real & -(1 << actual) | (lp or 0) << 12
    low |= (page.key & 7) << 9 | page.referenced << 8 | page.changed << 7
    low |= page.wimg >> 1 << 4 | (page.wimg & 1 or page.guarded) << 3 | page.no_execute << 2 | page.pp & 3
    return high, low


class HashTable:
    """A hashed page table in a writable buffer of 2**n bytes, n >= 18."""

    def __init__(self, memory: Any) -> None:
        size = len(memory)
        if size & size - 1 or size < 1 << 18:
            raise ValueError(f"a hashed page table has a power of two of bytes, at least 256 KiB, not {size:#x}")
        self.memory = memory
        self.groups = size // (PTE_BYTES * GROUP_PTES)

    @classmethod
    def attach(cls, vm: Any, log2: int) -> HashTable:
        """Give a machine (runtime.vm) a table of its own of 2**log2 bytes, empty."""
        from dbt.engine import map_memory

        if not 18 <= log2 <= 46:
            raise ValueError(f"a hashed page table of 2**{log2} bytes: 2**18 to 2**46")
        address = map_memory(1 << log2)
        table = cls(memoryview((ctypes.c_uint8 * (1 << log2)).from_address(address)).cast("B"))
        vm.set_record(htab=address, htab_groups=table.groups)
        return table

    def get(self, index: int) -> tuple[int, int]:
        """PTE number `index`."""
        raw = bytes(self.memory[index * PTE_BYTES : (index + 1) * PTE_BYTES])
        return int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")

    def put(self, index: int, high: int, low: int) -> None:
        """Set PTE number `index`."""
        self.memory[index * PTE_BYTES : (index + 1) * PTE_BYTES] = high.to_bytes(8, "big") + low.to_bytes(8, "big")

    def enter(self, segment: Segment, offset: int, page: Page, secondary: bool | None = None) -> int:
        """Enter a page: in a free slot of its primary group, else of its secondary (or of the one asked for). Its number.

        ValueError if there is no free slot."""
        for second in (False, True) if secondary is None else (secondary,):
            h = segment.hash(offset)
            group = (~h if second else h) & self.groups - 1
            for index in range(group * GROUP_PTES, (group + 1) * GROUP_PTES):
                if not self.get(index)[0] & 1:
                    self.put(index, *pte(segment, offset, page, second))
                    return index
        raise ValueError(f"no free slot for {segment} at {offset:#x}")
