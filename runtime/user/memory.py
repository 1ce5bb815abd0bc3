"""The address space of a process: guest address `a` is host address `ram + a`, in a window of the host's (docs/decisions/0005).

*Areas* say what is mapped, in order: for faults to be named right, for /proc/self/maps, and to know where there is room. The host's kernel keeps
the pages: files are mapped, not copied; protections are its own, so that it answers bad addresses in system calls with EFAULT by itself.
A page that translated code was made from is read-only on the host (page_flags, dbt/backend/codecache.py).
"""

from __future__ import annotations

import ctypes
import struct
from bisect import bisect_right
from collections.abc import Iterator
from typing import TYPE_CHECKING

from dbt.records import Record, replace
from dbt.shared import AREA_BYTES, AREA_EXECUTE, AREA_READ, AREA_WRITE, PAGE_HAS_CODE, PAGE_LOOSE

from .errno import EFAULT, ENOMEM, SyscallError
from .native import MAP_ANONYMOUS, MAP_FIXED, MAP_NORESERVE, MAP_PRIVATE, MAP_SHARED, NR, host

if TYPE_CHECKING:
    from runtime.vm import VM

PAGE = 4096
MAX_AREAS = 1 << 16
PROT_READ, PROT_WRITE, PROT_EXEC = AREA_READ, AREA_WRITE, AREA_EXECUTE
MREMAP_MAYMOVE, MREMAP_FIXED = 1, 2
LONGEST_STRING = 1 << 17
MANY = 1 << 28  # bytes whose pages are not looked at one by one


def page_up(n: int) -> int:
    """`n` rounded up to a whole page."""
    return (n + PAGE - 1) & -PAGE


def host_protection(prot: int) -> int:
    """What the host allows itself: never execution; and reading where there is any access (as Linux has it on this architecture)."""
    return PROT_READ | prot & PROT_WRITE if prot else 0


class Area(Record):
    """Guest addresses [start, end). `shared`: with other processes. `name`: for /proc/self/maps. `offset`: in its file, of `start`."""

    start: int
    end: int
    prot: int
    shared: bool = False
    name: str = ""
    offset: int = 0

    @property
    def size(self) -> int:
        return self.end - self.start

    @property
    def file(self) -> bool:
        """Whether its contents are a file's."""
        return self.name.startswith("/")


class AddressSpace:
    """All areas of a process. Addresses and sizes given to it are whole pages, except in `read`, `write` and what is built on them."""

    def __init__(self, vm: VM, limit: int) -> None:
        self.vm, self.limit = vm, min(limit, vm.memory_size)  # limit: one past the last guest address
        self.ram = vm.ram_address
        self.areas: list[Area] = []
        self._starts: list[int] = []
        self._tables = [vm.map(MAX_AREAS * AREA_BYTES) for _ in range(2)]  # the one in use, and the next
        self.top = self.limit  # new areas are placed below
        self.brk_start = self.brk = 0
        self._invalidate = vm.engine.function("invalidate_code", 2)
        self._forget = vm.engine.function("forget_code", 2)
        self._vcpu = vm.vcpus[0].address
        vm.set_record(user_areas=self._tables[0], user_area_count=0)

    # -- the host's side
    def _host_map(self, start: int, size: int, prot: int, flags: int, fd: int = -1, offset: int = 0) -> int:
        return host(NR["mmap"], self.ram + start, size, host_protection(prot), flags | MAP_FIXED | MAP_NORESERVE, fd, offset)

    def _host_protect(self, start: int, end: int, prot: int) -> None:
        """Set the host's protection; stores to pages with code stay noticed. EACCES for what a file does not allow."""
        result = host(NR["mprotect"], self.ram + start, end - start, host_protection(prot))
        if result < 0:
            raise SyscallError(-result)
        if prot & PROT_WRITE:
            for page in self._watched(start, end):
                host(NR["mprotect"], self.ram + page, PAGE, PROT_READ)

    def _watched(self, start: int, end: int) -> list[int]:
        """The pages of a range whose stores are noticed."""
        if end - start > MANY:
            return [n * PAGE for n in self.vm.code_pages() if start <= n * PAGE < end and self._watched(n * PAGE, (n + 1) * PAGE)]
        first, last = start // PAGE, page_up(end) // PAGE
        flags = bytes(self.vm.page_flags[first:last])
        if flags.count(0) == len(flags):
            return []
        return [n * PAGE for n, flag in enumerate(flags, first) if flag & (PAGE_HAS_CODE | PAGE_LOOSE) == PAGE_HAS_CODE]

    # -- the table
    def _changed(self, code: bool = False) -> None:
        """Bring the compiled side up to date. `code`: something can no longer be executed."""
        merged: list[Area] = []
        for area in self.areas:
            last = merged[-1] if merged else None
            if (last is not None and last.end == area.start and last.prot == area.prot and last.shared == area.shared and last.name == area.name
                    and (not area.file or last.offset + last.size == area.offset)):  # fmt: skip
                last.end = area.end
            else:
                merged.append(area)
        if len(merged) > MAX_AREAS:
            raise SyscallError(ENOMEM)
        self.areas, self._starts = merged, [a.start for a in merged]
        packed = b"".join(struct.pack("<3Q", a.start, a.end, a.prot) for a in merged)
        self._tables.reverse()  # threads may be looking at the one in use
        ctypes.memmove(self._tables[0], packed, len(packed))
        self.vm.vcpus[0].call("user_areas_changed", self._tables[0], len(merged), code)

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

    def is_mapped(self, start: int, end: int) -> bool:
        """Whether all of [start, end) is."""
        return sum(min(a.end, end) - max(a.start, start) for a in self.within(start, end)) == end - start

    def _split(self, address: int) -> None:
        i = bisect_right(self._starts, address) - 1
        if i < 0:
            return
        a = self.areas[i]
        if a.start < address < a.end:
            self.areas.insert(i + 1, replace(a, start=address, offset=a.offset + address - a.start))
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
        if self._host_map(start, size, prot, (MAP_SHARED if shared else MAP_PRIVATE) | MAP_ANONYMOUS) < 0:
            raise SyscallError(ENOMEM)
        area = Area(start, start + size, prot, shared, name)
        self._insert(area)
        return area

    def map_file(self, start: int, size: int, prot: int, fd: int, offset: int, shared: bool, name: str = "") -> int:
        """Map a file at `start`, which is free. 0, or a negative error number."""
        result = self._host_map(start, size, prot, MAP_SHARED if shared else MAP_PRIVATE, fd, offset)
        if result < 0:
            self._host_map(start, size, 0, MAP_PRIVATE | MAP_ANONYMOUS)
            return result
        self._insert(Area(start, start + size, prot, shared, name, offset))
        return 0

    def _insert(self, area: Area) -> None:
        i = bisect_right(self._starts, area.start)
        self.areas.insert(i, area)
        self._starts.insert(i, area.start)
        self._changed()

    def unmap(self, start: int, end: int) -> None:
        """Remove whatever is in [start, end)."""
        if self.is_free(start, end):
            return
        self._split(start)
        self._split(end)
        code = any(a.prot & PROT_EXEC for a in self.within(start, end))
        self.areas = [a for a in self.areas if not start <= a.start < end]
        self._changed(code)
        self._release(start, end)

    def _release(self, start: int, end: int) -> None:
        """Nothing is mapped there any longer."""
        self._forget(self._vcpu, start, end - start)
        self._host_map(start, end - start, 0, MAP_PRIVATE | MAP_ANONYMOUS)

    def protect(self, start: int, end: int, prot: int) -> bool:
        """Change the protection; False if not all of it is mapped. EACCES for what a file does not allow."""
        if not self.is_mapped(start, end):
            return False
        self._host_protect(start, end, prot)
        less = any(a.prot & ~prot for a in self.within(start, end))
        self._split(start)
        self._split(end)
        for a in self.within(start, end):
            a.prot = prot
        self._changed(less)
        if less and self.vm.parallel:  # until now another thread may have made a page with code writable
            self._host_protect(start, end, prot)
        return True

    def grow(self, area: Area, more: int) -> int:
        """Make an area longer by what is free behind it. 0, or a negative error number."""
        result = host(NR["munmap"], self.ram + area.end, more)
        result = result or min(host(NR["mremap"], self.ram + area.end - PAGE, PAGE, PAGE + more, 0), 0)
        if result < 0:
            self._host_map(area.end, more, 0, MAP_PRIVATE | MAP_ANONYMOUS)
            return result
        self._host_protect(area.end, area.end + more, area.prot)
        area.end += more
        self._changed()
        return 0

    def move(self, start: int, size: int, new: int, new_size: int) -> None:
        """Move memory of one area to `new`, which is free, growing or shrinking it; its pages move, they are not copied."""
        old = self.find(start)
        if old is None or start + size > old.end:
            raise SyscallError(EFAULT)
        area = replace(old, start=new, end=new + new_size, offset=old.offset + start - old.start)
        self._host_protect(start, start + size, old.prot)
        for page in self._watched(start, start + size):  # pieces of one mapping are moved at once only if they are alike
            host(NR["mprotect"], self.ram + page, PAGE, host_protection(old.prot))
        if host(NR["mremap"], self.ram + start, size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, self.ram + new) < 0:
            raise SyscallError(ENOMEM)
        self._forget(self._vcpu, new, new_size)
        self._insert(area)
        self.unmap(start, start + size)

    def clear(self) -> None:
        """Unmap everything (exec)."""
        gone, self.areas = self.areas, []
        self._changed(True)
        for area in gone:
            self._release(area.start, area.end)
        self.brk_start = self.brk = 0

    # -- contents
    def _check(self, address: int, size: int, access: int) -> None:
        """EFAULT unless every byte may be read, and for PROT_WRITE written."""
        end = address + size
        while address < end:
            area = self.find(address)
            if area is None or not area.prot or (access == PROT_WRITE and not area.prot & PROT_WRITE):
                raise SyscallError(EFAULT)
            address = area.end

    def _open(self, address: int, size: int, prot: int) -> None:
        """The host is going to store there: code that was made from it goes."""
        for page in self._watched(address, address + size):
            self._forget(self._vcpu, page, PAGE)
            host(NR["mprotect"], self.ram + page, PAGE, prot)

    def permits(self, address: int, access: int) -> bool:
        """Whether an access to a byte is allowed: PROT_WRITE, PROT_EXEC, or 0 to load it."""
        area = self.find(address)
        return area is not None and bool(area.prot) and area.prot & access == access

    def pieces(self, address: int, size: int, access: int = 0) -> Iterator[tuple[int, int]]:
        """(host address, bytes) of guest memory, in order. EFAULT if some of it is not mapped or, for PROT_WRITE, not writable."""
        if size > 0:
            self._check(address, size, access)
            if access == PROT_WRITE:
                self._open(address, size, PROT_READ | PROT_WRITE)
            yield self.ram + address, size

    def read(self, address: int, size: int) -> bytes:
        """Guest memory."""
        if size <= 0:
            return b""
        self._check(address, size, 0)
        data = ctypes.string_at(self.ram + address, size)
        self._fail_if_missing()
        return data

    def write(self, address: int, data: bytes, force: bool = False) -> None:
        """Store to guest memory, as its kernel would (`force`: whatever the protection)."""
        if not data:
            return
        self._check(address, len(data), 0 if force else PROT_WRITE)
        if force:
            host(NR["mprotect"], self.ram + (address & -PAGE), page_up(address + len(data)) - (address & -PAGE), PROT_READ | PROT_WRITE)
        self._open(address, len(data), PROT_READ | PROT_WRITE)
        ctypes.memmove(self.ram + address, data, len(data))
        if force:
            for a in self.within(address & -PAGE, page_up(address + len(data))):
                self._host_protect(max(a.start, address & -PAGE), min(a.end, page_up(address + len(data))), a.prot)
        self._fail_if_missing()

    def missing(self) -> bool:
        """Whether an access of this thread found no memory since the last call: past the end of a file, or another thread took it away."""
        at = self.vm.mended()
        if at and self.find(at - self.ram) is None:  # there is some now, for the access to end
            self._host_map((at - self.ram) & -PAGE, PAGE, 0, MAP_PRIVATE | MAP_ANONYMOUS)
        return bool(at)

    def _fail_if_missing(self) -> None:
        """EFAULT if the access just made found no memory."""
        if self.missing():
            raise SyscallError(EFAULT)

    def written(self, pieces: list[tuple[int, int]], size: int) -> None:
        """The host stored `size` bytes into pieces of guest memory: code made from them goes."""
        for at, n in pieces:
            n = min(n, size)
            if n <= 0:
                break
            self._invalidate(self._vcpu, at - self.ram, n)
            size -= n

    def host_address(self, address: int, size: int, access: int = PROT_WRITE) -> int:
        """Where `size` bytes of guest memory are, 0 for address 0; EFAULT if they are not all there."""
        if not address:
            return 0
        ((at, _),) = self.pieces(address, max(size, 1), access)
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
            head = f"{a.start:08x}-{a.end:08x} {flags} {a.offset if a.file else 0:08x} 00:00 0 "
            return f"{head:<73}{a.name}\n" if a.name else head + "\n"

        return "".join(line(a) for a in self.areas)
