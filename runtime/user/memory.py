"""The address space of a process: areas {guest addresses, place in RAM, protection}, sorted, in a table that compiled code searches.

Each area is contiguous in RAM, so the host's kernel reads and writes guest memory where it is. Memory shared between
processes, and shared file mappings, are mapped over their part of RAM; the rest is private anonymous memory, which a fork copies.
"""

from __future__ import annotations

import ctypes
import struct
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from dbt.shared import AREA_BYTES, AREA_EXECUTE, AREA_MISSING, AREA_READ, AREA_WRITE

from .errno import EFAULT, ENOMEM, SyscallError
from .native import MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, NR, host

if TYPE_CHECKING:
    from runtime.vm import VM

PAGE = 4096
MAX_AREAS = 1 << 16
PROT_READ, PROT_WRITE, PROT_EXEC = AREA_READ, AREA_WRITE, AREA_EXECUTE
MISSING = AREA_MISSING
LONGEST_STRING = 1 << 17


def page_up(n: int) -> int:
    """`n` rounded up to a whole page."""
    return (n + PAGE - 1) & -PAGE


@dataclass(slots=True)
class Area:
    """Guest addresses [start, end) at real address `real`. `shared`: the host has something mapped there. `name`: for /proc/self/maps."""

    start: int
    end: int
    real: int
    prot: int
    shared: bool = False
    name: str = ""

    @property
    def size(self) -> int:
        return self.end - self.start


class AddressSpace:
    """All areas of a process. Addresses and sizes given to it are whole pages, except in `read`, `write` and what is built on them."""

    def __init__(self, vm: VM, limit: int) -> None:
        self.vm, self.limit = vm, limit  # limit: one past the last guest address
        self.ram = vm.ram_address
        self.areas: list[Area] = []
        self._starts: list[int] = []
        self._free: list[list[int]] = [[0, vm.memory_size]]  # [real, end], sorted
        self._table = vm.map(MAX_AREAS * AREA_BYTES)
        self.top = limit  # new areas are placed below
        self.brk_start = self.brk = 0
        self._invalidate = vm.engine.function("invalidate_code", 2)
        self._vcpu = vm.vcpus[0].address
        vm.set_record(user_areas=self._table, user_area_count=0)

    # -- RAM
    def _allocate(self, size: int) -> int:
        for i, (real, end) in enumerate(self._free):
            if end - real >= size:
                if end - real == size:
                    del self._free[i]
                else:
                    self._free[i][0] = real + size
                return real
        raise SyscallError(ENOMEM)

    def _release(self, area: Area) -> None:
        """RAM of an area that is gone: clear, without code, free."""
        real, end = area.real, area.real + area.size
        self.vm.vcpus[0].call("forget_code", real, area.size)
        if area.shared:
            self._host_anonymous(real, area.size)
        else:
            host(NR["madvise"], self.ram + real, area.size, 4)  # MADV_DONTNEED
        i = bisect_right(self._free, [real, end])
        self._free.insert(i, [real, end])
        if i + 1 < len(self._free) and self._free[i + 1][0] == end:
            self._free[i][1] = self._free.pop(i + 1)[1]
        if i and self._free[i - 1][1] == real:
            self._free[i - 1][1] = self._free.pop(i)[1]

    def _host_anonymous(self, real: int, size: int, kind: int = MAP_PRIVATE) -> None:
        flags = kind | MAP_FIXED | MAP_ANONYMOUS | MAP_NORESERVE
        if host(NR["mmap"], self.ram + real, size, 3, flags, -1, 0) < 0:
            raise SyscallError(ENOMEM)

    # -- the table
    def _changed(self) -> None:
        """Bring the compiled side up to date."""
        merged: list[Area] = []
        for area in self.areas:
            last = merged[-1] if merged else None
            if (last is not None and last.end == area.start and last.real + last.size == area.real and last.prot == area.prot
                    and last.shared == area.shared and last.name == area.name):  # fmt: skip
                last.end = area.end
            else:
                merged.append(area)
        if len(merged) > MAX_AREAS:
            raise SyscallError(ENOMEM)
        self.areas, self._starts = merged, [a.start for a in merged]
        packed = b"".join(struct.pack("<4Q", a.start, a.end, a.real, a.prot) for a in merged)
        ctypes.memmove(self._table, packed, len(packed))
        self.vm.set_record(user_area_count=len(merged))
        self.vm.vcpus[0].call("user_areas_changed")

    def find(self, address: int) -> Area | None:
        """The area that contains an address."""
        i = bisect_right(self._starts, address) - 1
        if i >= 0 and address < self.areas[i].end:
            return self.areas[i]
        return None

    def within(self, start: int, end: int) -> list[Area]:
        """Areas that have a part in [start, end)."""
        i = max(bisect_right(self._starts, start) - 1, 0)
        found = []
        while i < len(self.areas) and self.areas[i].start < end:
            if self.areas[i].end > start:
                found.append(self.areas[i])
            i += 1
        return found

    def is_free(self, start: int, end: int) -> bool:
        """Whether nothing is mapped in [start, end)."""
        return not self.within(start, end)

    def _split(self, address: int) -> None:
        i = bisect_right(self._starts, address) - 1
        if i < 0:
            return
        a = self.areas[i]
        if a.start < address < a.end:
            self.areas.insert(i + 1, Area(address, a.end, a.real + address - a.start, a.prot, a.shared, a.name))
            self._starts.insert(i + 1, address)
            a.end = address

    def gap(self, size: int, hint: int = 0) -> int:
        """A free place for `size` bytes: at the hint, else as high as possible below `top`. ENOMEM if there is none."""
        if hint and hint + size <= self.limit and self.is_free(hint, hint + size):
            return hint
        high = self.top
        for area in reversed(self.areas):
            if area.start >= high:
                continue
            if high - max(area.end, 0) >= size:
                return high - size
            high = area.start
        if high - size >= 0x10000:
            return high - size
        raise SyscallError(ENOMEM)

    def map(self, start: int, size: int, prot: int, shared: bool = False, name: str = "") -> Area:
        """Map zeroed memory at `start`, which is free; `shared`: with the children of forks to come."""
        area = Area(start, start + size, self._allocate(size), prot, shared, name)
        if shared:
            self._host_anonymous(area.real, size, MAP_SHARED)
        self._insert(area)
        return area

    def map_file(self, start: int, size: int, prot: int, fd: int, offset: int, writable: bool, name: str = "") -> int:
        """Map a file, shared, at `start`, which is free. The pages past its end are missing. 0, or a negative error number."""
        import os

        there = max(0, min(size, page_up(os.fstat(fd).st_size) - offset))
        real = self._allocate(size)
        if there:
            result = host(NR["mmap"], self.ram + real, there, 1 | 2 * writable, MAP_SHARED | MAP_FIXED, fd, offset)
            if result < 0:
                self._release(Area(start, start + size, real, 0))
                return result
        if there:
            self._insert(Area(start, start + there, real, prot, True, name))
        if there < size:
            self._insert(Area(start + there, start + size, real + there, MISSING, True, name))
        return 0

    def _insert(self, area: Area) -> None:
        i = bisect_right(self._starts, area.start)
        self.areas.insert(i, area)
        self._starts.insert(i, area.start)
        self._changed()

    def unmap(self, start: int, end: int) -> None:
        """Remove whatever is in [start, end)."""
        if not self.within(start, end):
            return
        self._split(start)
        self._split(end)
        gone = [a for a in self.areas if start <= a.start < end]
        self.areas = [a for a in self.areas if not start <= a.start < end]
        self._changed()
        for area in gone:
            self._release(area)

    def protect(self, start: int, end: int, prot: int) -> bool:
        """Change the protection; False if not all of it is mapped."""
        found = self.within(start, end)
        if sum(min(a.end, end) - max(a.start, start) for a in found) != end - start:
            return False
        self._split(start)
        self._split(end)
        for a in self.areas:
            if start <= a.start < end and a.prot != MISSING:
                a.prot = prot
        self._changed()
        return True

    def move(self, start: int, size: int, new: int, new_size: int) -> None:
        """Move memory of one area to `new`, which is free, growing or shrinking it; its pages move, they are not copied."""
        old = self.find(start)
        if old is None or start + size > old.end:
            raise SyscallError(EFAULT)
        prot, shared, name = old.prot, old.shared, old.name
        area = self.map(new, new_size, prot, shared, name)
        kept = min(size, new_size)
        source = self.ram + old.real + start - old.start
        if host(NR["mremap"], source, kept, kept, 3, self.ram + area.real) < 0:  # MREMAP_MAYMOVE | MREMAP_FIXED
            raise SyscallError(ENOMEM)
        self._host_anonymous(old.real + start - old.start, kept)
        self.vm.vcpus[0].call("forget_code", area.real, new_size)
        self.unmap(start, start + size)

    def clear(self) -> None:
        """Unmap everything (exec)."""
        gone, self.areas = self.areas, []
        self._changed()
        for area in gone:
            self._release(area)
        self.brk_start = self.brk = 0

    # -- contents
    def pieces(self, address: int, size: int, access: int = 0) -> Iterator[tuple[int, int]]:
        """(host address, bytes) of guest memory, in order. EFAULT if some of it is not mapped or, for PROT_WRITE, not writable."""
        while size > 0:
            i = bisect_right(self._starts, address) - 1
            area = self.areas[i] if i >= 0 else None
            if area is None or address >= area.end or not area.prot or area.prot == MISSING or (access == PROT_WRITE and not area.prot & 2):
                raise SyscallError(EFAULT)
            n = min(size, area.end - address)
            yield self.ram + area.real + address - area.start, n
            address += n
            size -= n

    def read(self, address: int, size: int) -> bytes:
        """Guest memory."""
        i = bisect_right(self._starts, address) - 1
        if i >= 0:
            area = self.areas[i]
            if address + size <= area.end and area.prot and area.prot != MISSING:
                return ctypes.string_at(self.ram + area.real + address - area.start, size)
        return b"".join(ctypes.string_at(at, n) for at, n in self.pieces(address, size))

    def write(self, address: int, data: bytes, force: bool = False) -> None:
        """Store to guest memory, as its kernel would (`force`: whatever the protection)."""
        done = 0
        for at, n in list(self.pieces(address, len(data), 0 if force else PROT_WRITE)):
            ctypes.memmove(at, data[done : done + n], n)
            self._invalidate(self._vcpu, at - self.ram, n)
            done += n

    def written(self, pieces: list[tuple[int, int]], size: int) -> None:
        """The host stored `size` bytes into pieces of guest memory: code made from them goes."""
        for at, n in pieces:
            n = min(n, size)
            if n <= 0:
                break
            self._invalidate(self._vcpu, at - self.ram, n)
            size -= n

    def host_address(self, address: int, size: int, access: int = PROT_WRITE) -> int:
        """Where `size` bytes of guest memory are; EFAULT if they are not in one piece."""
        if not address:
            return 0
        (at, n), *_ = self.pieces(address, max(size, 1), access)
        if n < size:
            raise SyscallError(EFAULT)
        return at

    def string(self, address: int) -> bytes:
        """A C string."""
        out = b""
        while len(out) < LONGEST_STRING:
            n = PAGE - address % PAGE
            part = self.read(address, n)
            end = part.find(b"\0")
            if end >= 0:
                return out + part[:end]
            out += part
            address += n
        raise SyscallError(EFAULT)

    def describe(self) -> str:
        """As /proc/self/maps."""
        def line(a: Area) -> str:
            flags = "".join(c if a.prot & bit else "-" for c, bit in (("r", 1), ("w", 2), ("x", 4))) + ("s" if a.shared else "p")
            head = f"{a.start:08x}-{a.end:08x} {flags} 00000000 00:00 0 "
            return f"{head:<73}{a.name}\n" if a.name else head + "\n"

        return "".join(line(a) for a in self.areas)


def as_buffer(address: int, size: int) -> Any:
    """Host memory as a writable buffer."""
    return memoryview((ctypes.c_uint8 * size).from_address(address)).cast("B")
