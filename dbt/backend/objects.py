"""A small loader for relocatable ELF objects: compiled code goes from LLVM or the cache straight into an arena.

No linker and no LLVM are needed to load, and no NumPy, so a warm start imports none of them.
"""

from __future__ import annotations

import ctypes
import mmap
import os
import struct
from array import array
from collections.abc import Mapping, Sequence
from typing import Any

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
MAP_FIXED, MAP_32BIT, MAP_NORESERVE, MAP_FIXED_NOREPLACE = 0x10, 0x40, 0x4000, 0x10_0000
_M = (1 << 64) - 1
_HEADER, _SECTION, _SYMBOL, _RELA = (struct.Struct(f) for f in ("<QQQIHHHHHH", "<IIQQQQIIQQ", "<IBBHQQ", "<QIIq"))
_ALLOC, _SYMTAB, _RELOCATIONS, _NOBITS, _COMMON, _FILE = 2, 2, 4, 8, 0xFFF2, 4
_ABSOLUTE, _NEAR, _LOW, _DISTANCE = (struct.Struct(f) for f in ("<Q", "<i", "<I", "<q"))
# R_X86_64_64, PC32, PLT32, 32, 32S, PC64: how the value is stored, and whether it is relative to its place
_FORMS = {1: (_ABSOLUTE, False), 2: (_NEAR, True), 4: (_NEAR, True), 10: (_LOW, False), 11: (_NEAR, False), 24: (_DISTANCE, True)}


def map_memory(size: int, *, executable: bool = False, low: bool = False, fd: int = -1) -> int:
    """Fresh zeroed host memory (or `fd`'s, shared); its address. `low`: below 2 GiB. OSError when there is none."""
    flags = (mmap.MAP_SHARED if fd >= 0 else mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) | MAP_NORESERVE | (MAP_32BIT if low else 0)
    protection = mmap.PROT_READ | mmap.PROT_WRITE | (mmap.PROT_EXEC if executable else 0)
    address = _libc.mmap(None, size, protection, flags, fd, 0)
    if address in (None, 2**64 - 1):
        raise OSError(ctypes.get_errno(), f"no {size >> 20} MiB of host memory to map")
    return int(address)


def map_file(address: int, size: int, fd: int, offset: int) -> None:
    """Put a private copy of part of a file over memory of map_memory, executable. OSError if the host refuses."""
    protection = mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC
    if _libc.mmap(address, size, protection, mmap.MAP_PRIVATE | MAP_FIXED, fd, offset) != address:
        raise OSError(ctypes.get_errno(), "a file of linked code cannot be mapped")


def map_reading(path: str) -> memoryview:
    """The bytes of a file, for as long as the process lives; none if it cannot be read. Python's mmap would keep a descriptor that guests see."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return memoryview(b"")
    try:
        size = os.fstat(fd).st_size
        address = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, fd, 0) if size else None
    finally:
        os.close(fd)
    return memoryview(b"") if address in (None, 2**64 - 1) else view_memory(address, size).toreadonly()


def view_memory(address: int, size: int) -> memoryview:
    """Host memory as a writable buffer of bytes."""
    return memoryview((ctypes.c_uint8 * size).from_address(address)).cast("B")


def host_function(name: str) -> int:
    """The address of a function of libc."""
    return int(ctypes.cast(_libc[name], ctypes.c_void_p).value or 0)


def reserve_memory(address: int, size: int) -> bool:
    """Reserve host addresses without access, exactly there; whether they were free."""
    at = _libc.mmap(address, size, 0, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0)
    if at not in (None, 2**64 - 1, address):  # a kernel older than 4.17 takes the address for a hint
        _libc.munmap(at, size)
    return bool(at == address)


def unmap_memory(address: int, size: int) -> None:
    """Give memory of map_memory back."""
    _libc.munmap(address, size)


class Arena:
    """Executable memory, filled from the bottom. Below 2 GiB, so that static relocations reach everything."""

    def __init__(self, size: int = 128 << 20, wanted: int = 0) -> None:
        """`wanted`: at this address, if nothing else is there."""
        self.base = wanted if wanted and reserve_memory(wanted, size) else map_memory(size, executable=True, low=True)
        if self.base == wanted:
            _libc.mprotect(wanted, size, mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
        self.position, self.end = self.base, self.base + size
        self.memory = view_memory(self.base, size)
        self.faults = 0  # address of the table that the fault handler searches (faults.py)
        self.fault_count: Any = None
        self.rows = array("Q")  # for it, of what was loaded while there was none

    def add_faults(self, rows: array[int]) -> None:
        """{place, other place} one after the other, sorted: a fault at the one goes on at the other. ValueError if code before was placed higher."""
        if not self.faults:
            self.rows.extend(rows)
            return
        count = int(self.fault_count.value)
        end = self.faults + 16 * count
        if count and rows and rows[0] <= ctypes.c_uint64.from_address(end - 16).value:
            raise ValueError("code was not loaded in ascending order")
        ctypes.memmove(end, rows.tobytes(), 8 * len(rows))
        self.fault_count.value = count + len(rows) // 2  # last: the handler may be looking

    def listed(self) -> None:
        """There is a table now."""
        rows, self.rows = self.rows, array("Q")
        self.add_faults(rows)

    def allocate(self, size: int, align: int = 16) -> int:
        """`size` bytes; MemoryError when the arena is full."""
        at = (self.position + align - 1) & -align
        if at + size > self.end:
            raise MemoryError("the arena for translated code is full")
        self.position = at + size
        return at

    def close(self) -> None:
        """Unmap it all: nothing in it may be running."""
        unmap_memory(self.base, self.end - self.base)


class Draft(Arena):
    """What would lie in an arena at an address, put together elsewhere: nothing runs in it."""

    def __init__(self, address: int, size: int) -> None:
        self.base = self.position = address
        self.end = address + size
        self.memory = memoryview(bytearray(size))
        self.faults, self.fault_count, self.rows = 0, None, array("Q")

    def close(self) -> None:
        """Nothing is mapped."""


def load_object(arena: Arena, image: bytes, externals: Mapping[str, int], trap: int = 0) -> dict[str, int]:
    """Place an object's sections, apply its relocations, return its defined global symbols.

    Undefined symbols are looked up in `externals`, else become `trap`. ValueError for an object we cannot load."""
    return load_objects(arena, [image], externals, trap)


def load_objects(arena: Arena, images: Sequence[bytes], externals: Mapping[str, int], trap: int = 0) -> dict[str, int]:
    """As load_object, for objects that refer to one another."""
    objects = [_Object(arena, image) for image in images]
    symbols = {name: address for o in objects for name, address in o.symbols.items()}
    known = {**externals, **symbols} if len(objects) > 1 else externals
    for o in objects:
        o.relocate(known, trap)
    return symbols


class _Object:
    """An object whose sections are in the arena, to be relocated. `symbols`: the global ones it defines."""

    def __init__(self, arena: Arena, image: bytes) -> None:
        self._arena, self._image = arena, image
        header = _HEADER.unpack_from(image, 24)
        section_offset, count, names = header[2], header[8], header[9]
        self._sections = [_SECTION.unpack_from(image, section_offset + i * 64) for i in range(count)]
        self._placed: dict[int, int] = {}
        self.symbols: dict[str, int] = {}
        self._recovery: tuple[int, int] | None = None
        self._values: list[int | str] = []  # of all symbols: an address, or the name of one that is defined elsewhere
        for i, (name_at, kind, flags, _, offset, size, _, _, align, _) in enumerate(self._sections):
            if flags & _ALLOC and size and kind in (1, _NOBITS, 14, 15):  # PROGBITS, INIT_ARRAY, FINI_ARRAY
                at = self._placed[i] = arena.allocate(size, max(align, 16))
                if kind != _NOBITS:
                    start = at - arena.base
                    arena.memory[start : start + size] = image[offset : offset + size]
                if image.startswith(b".ex_table\0", self._sections[names][4] + name_at):
                    self._recovery = at, size
        for _, kind, _, _, offset, size, link, _, _, _ in self._sections:
            if kind == _SYMTAB:
                self._read_symbols(image[offset : offset + size], self._sections[link][4])

    def _read_symbols(self, table: bytes, strings: int) -> None:
        for name_at, info, _, index, value, size in _SYMBOL.iter_unpack(table):
            value_or_name: int | str = 0
            name = ""
            if name_at:
                start = strings + name_at
                name = self._image[start : self._image.index(b"\0", start)].decode()
            if index in self._placed:
                value_or_name = address = self._placed[index] + value
                if name and info >> 4:
                    self.symbols[name] = address
            elif index == _COMMON:  # our own zeroed copy
                value_or_name = self._arena.allocate(size, 16)
            elif name and info & 15 != _FILE:
                value_or_name = name
            self._values.append(value_or_name)

    def relocate(self, known: Mapping[str, int], trap: int) -> None:
        """Apply relocations (System V ABI, AMD64). ValueError for one that does not reach or that LLVM does not make for static code."""
        values = [v if isinstance(v, int) else known.get(v) or _or_trap(v, trap) for v in self._values]
        for _, kind, _, _, offset, size, _, info, _, _ in self._sections:
            if kind != _RELOCATIONS or info not in self._placed:
                continue
            base, memory = self._placed[info], self._arena.memory
            start = base - self._arena.base
            for place, how, symbol, addend in _RELA.iter_unpack(self._image[offset : offset + size]):
                try:
                    form, relative = _FORMS[how]
                    value = values[symbol] + addend - (base + place if relative else 0)
                    form.pack_into(memory, start + place, value & _M if form is _ABSOLUTE else value)
                except KeyError:
                    raise ValueError(f"relocation type {how} is not one our loader knows (objects are compiled for static addresses)") from None
                except struct.error:
                    raise ValueError("a relocation does not reach: the arena is not in the low 2 GiB") from None
        if self._recovery is not None:
            self._arena.add_faults(_recovery_rows(self._arena, *self._recovery))


def _or_trap(name: str, trap: int) -> int:
    if not trap:
        raise ValueError(f"object refers to {name!r}, which nothing defines")
    return trap


def _recovery_rows(arena: Arena, start: int, size: int) -> array[int]:
    """Pairs {place, other place}, sorted, of an `.ex_table` loaded at `start`: 32-bit displacements, each from its own address."""
    displacements = arena.memory[start - arena.base : start - arena.base + size].cast("i")
    places = [start + 4 * n + d for n, d in enumerate(displacements)]
    return array("Q", (x for pair in sorted(zip(places[::2], places[1::2], strict=True)) for x in pair))
