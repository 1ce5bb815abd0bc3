"""A small loader for relocatable ELF objects: compiled code goes from LLVM or the cache straight into an arena.

No linker and no LLVM are needed to load, so a warm start imports neither numba nor llvmlite.
"""

from __future__ import annotations

import ctypes
import mmap
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
MAP_32BIT, MAP_NORESERVE, MAP_FIXED_NOREPLACE = 0x40, 0x4000, 0x10_0000


def map_memory(size: int, *, executable: bool = False, low: bool = False, fd: int = -1) -> int:
    """Fresh zeroed host memory (or `fd`'s, shared); its address. `low`: below 2 GiB. OSError when there is none."""
    flags = (mmap.MAP_SHARED if fd >= 0 else mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) | MAP_NORESERVE | (MAP_32BIT if low else 0)
    protection = mmap.PROT_READ | mmap.PROT_WRITE | (mmap.PROT_EXEC if executable else 0)
    address = _libc.mmap(None, size, protection, flags, fd, 0)
    if address in (None, 2**64 - 1):
        raise OSError(ctypes.get_errno(), f"no {size >> 20} MiB of host memory to map")
    return int(address)


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

    def __init__(self, size: int = 128 << 20) -> None:
        self.base = map_memory(size, executable=True, low=True)
        self.position, self.end = self.base, self.base + size
        self.faults = 0  # address of the table that the fault handler searches (faults.py)
        self.fault_count: Any = None
        self._rows: list[Any] = []  # for it, of what was loaded while there was none

    def add_faults(self, rows: Any) -> None:
        """{place, other place}, sorted: a fault at the one goes on at the other."""
        if not self.faults:
            self._rows.append(rows)
            return
        count = int(self.fault_count.value)
        table = np.frombuffer((ctypes.c_int64 * (2 * (count + len(rows)))).from_address(self.faults), np.int64).reshape(-1, 2)
        if count and len(rows) and rows[0, 0] <= table[count - 1, 0]:
            raise ValueError("code was not loaded in ascending order")
        table[count:] = rows
        self.fault_count.value = count + len(rows)  # last: the handler may be looking

    def listed(self) -> None:
        """There is a table now."""
        rows, self._rows = self._rows, []
        if rows:
            whole = np.concatenate(rows)
            self.add_faults(whole[np.argsort(whole[:, 0])])

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


def load_object(arena: Arena, image: bytes, externals: Mapping[str, int], trap: int = 0) -> dict[str, int]:
    """Place an object's sections, apply its relocations, return its defined global symbols.

    Undefined symbols are looked up in `externals`, else become `trap`. ValueError for an object we cannot load."""
    header = struct.unpack_from("<QQQIHHHHHH", image, 24)
    section_offset, count, names = header[2], header[8], header[9]
    sections = [struct.unpack_from("<IIQQQQIIQQ", image, section_offset + i * 64) for i in range(count)]
    placed: dict[int, int] = {}
    recovery: tuple[int, int] | None = None
    for i, (name_at, kind, flags, _, offset, size, _, _, align, _) in enumerate(sections):
        if flags & 2 and size and kind in (1, 8, 14, 15):  # SHF_ALLOC; PROGBITS, NOBITS, INIT_ARRAY, FINI_ARRAY
            at = placed[i] = arena.allocate(size, max(align, 16))
            if kind != 8:
                ctypes.memmove(at, image[offset : offset + size], size)
            if image.startswith(b".ex_table\0", sections[names][4] + name_at):
                recovery = at, size
    symbols: dict[str, int] = {}
    values: list[int] = []
    for _, kind, _, _, offset, size, link, _, _, _ in sections:
        if kind != 2:
            continue
        strings = sections[link][4]
        for name_at, info, _, index, value, symbol_size in struct.iter_unpack("<IBBHQQ", image[offset : offset + size]):
            start = strings + name_at
            name = image[start : image.index(b"\0", start)].decode()
            if index in placed:
                address = placed[index] + value
                if name and info >> 4:
                    symbols[name] = address
            elif index == 0xFFF2:  # common: our own zeroed copy
                address = arena.allocate(symbol_size, 16)
            elif name:
                address = externals.get(name, trap)
                if not address and info & 15 != 4:
                    raise ValueError(f"object refers to {name!r}, which nothing defines")
            else:
                address = 0
            values.append(address)
    table = np.array(values, np.uint64)
    for _, kind, _, _, offset, size, _, info, _, _ in sections:
        if kind == 4 and info in placed and size:
            _relocate(placed[info], np.frombuffer(image, _RELA, size // 24, offset), table)
    if recovery is not None:
        arena.add_faults(_recovery_rows(*recovery))
    return symbols


def _recovery_rows(start: int, size: int) -> Any:
    """Rows {place, other place}, sorted, of an `.ex_table` loaded at `start`: 32-bit displacements, each from its own address."""
    places = np.frombuffer((ctypes.c_int32 * (size // 4)).from_address(start), np.int32)
    rows = (places.astype(np.int64) + start + 4 * np.arange(places.size)).reshape(-1, 2)
    return rows[np.argsort(rows[:, 0])]


_RELA = np.dtype([("offset", "<u8"), ("type", "<u4"), ("symbol", "<u4"), ("addend", "<i8")])


def _relocate(base: int, entries: Any, values: Any) -> None:
    """Apply relocations (System V ABI, AMD64): 64 for addresses, 32 and 32S for low ones, PC32 and PLT32 for near ones."""
    kinds = entries["type"]
    known = np.isin(kinds, (1, 2, 4, 10, 11, 24))
    if not known.all():
        raise ValueError(f"relocation type {kinds[~known][0]} is not one our loader knows (objects are compiled for static addresses)")
    places = entries["offset"].astype(np.int64) + base
    targets = (values[entries["symbol"]] + entries["addend"].view(np.uint64)).view(np.int64)
    size = int(entries["offset"].max()) + 8
    memory = np.frombuffer((ctypes.c_uint8 * size).from_address(base), np.uint8)
    relative = np.isin(kinds, (2, 4, 24))
    numbers = np.where(relative, targets - places, targets)
    wide = np.isin(kinds, (1, 24))
    near = ~wide
    signed = kinds != 10
    if ((numbers[near & signed] >> 31) + 1 >> 1).any() or (numbers[near & ~signed] >> 32).any():
        raise ValueError("a relocation does not reach: the arena is not in the low 2 GiB")
    for chosen, width in ((wide, 8), (near, 4)):
        at = entries["offset"][chosen].astype(np.int64)[:, None] + np.arange(width)
        memory[at] = numbers[chosen].astype(np.int64)[:, None].view(np.uint8).reshape(-1, 8)[:, :width]
