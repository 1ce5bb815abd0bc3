"""ELF files and flat binaries as lists of segments, read without trusting them.

Source: System V ABI, chapters 4 and 5 (ELF header, program header); e_flags bits 1:0 are the 64-bit PowerPC
ELF ABI version (0 unspecified, 1 function descriptors, 2 the "ELFv2" ABI).
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterable
from functools import cached_property
from typing import TYPE_CHECKING, Final

from dbt.records import Record
from runtime.loader.errors import LoadError
from runtime.loader.files import expand, read_file

if TYPE_CHECKING:
    from runtime.loader.symbols import Symbol

EM_PPC: Final = 20
EM_PPC64: Final = 21
ET_EXEC: Final = 2
ET_DYN: Final = 3
PT_LOAD: Final = 1
PF_X, PF_W, PF_R = 1, 2, 4

_TYPES = {0: "no type", 1: "a relocatable object: link it first", 4: "a core dump"}
_HEADER = {32: "HHIIIIIHHHHHH", 64: "HHIQQQIHHHHHH"}
# Program header fields in file order; 32 and 64 bits differ in where p_flags stands.
_PROGRAM = {32: "IIIIIIII", 64: "IIQQQQQQ"}

# No machine here has more memory than this; a larger p_memsz is a damaged or hostile file.
MAX_SEGMENT = 1 << 36


class Segment(Record, frozen=True):
    """Bytes to place at real address `paddr`, followed by zeros up to `memsz` bytes."""

    paddr: int
    vaddr: int
    data: bytes
    memsz: int
    flags: int = PF_R | PF_W | PF_X

    @property
    def executable(self) -> bool:
        return bool(self.flags & PF_X)


class Image(Record, frozen=True):
    """A loadable program. `entry` is e_entry as the file has it: an effective address."""

    path: str
    bits: int
    little: bool
    entry: int
    segments: tuple[Segment, ...]
    e_flags: int = 0
    dynamic: bool = False
    file: bytes = b""

    @property
    def abi(self) -> int:
        """ABI version of a 64-bit PowerPC file: 1 or 2; an unspecified one is 1 if big-endian and 2 if
        little."""
        if self.bits == 32:
            return 0
        return self.e_flags & 3 or (2 if self.little else 1)

    @property
    def lowest(self) -> int:
        """Smallest real address of any segment."""
        return min(segment.paddr for segment in self.segments)

    @property
    def highest(self) -> int:
        """One past the largest real address of any segment."""
        return max(segment.paddr + segment.memsz for segment in self.segments)

    def real_address(self, vaddr: int) -> int | None:
        """Real address where the effective address `vaddr` of the file is loaded, or None if in no
        segment."""
        for segment in self.segments:
            if 0 <= vaddr - segment.vaddr < segment.memsz:
                return vaddr - segment.vaddr + segment.paddr
        return None

    def entry_point(self) -> tuple[int, int | None]:
        """(first instruction, r2 or None), both effective addresses.

        With function descriptors (ABI 1) e_entry points at a descriptor {address, TOC, environment}, unless
        the file was linked with a plain code address as its entry (kernels are). A descriptor is recognised
        by what it says: it is in a segment, and points to an executable one at an instruction boundary.
        """
        if self.bits == 64 and self.abi == 1:
            descriptor = self._doublewords(self.entry, 2)
            if descriptor is not None:
                target, toc = descriptor
                code = self._segment(target)
                if code is not None and code.executable and target % 4 == 0 and target != 0:
                    return target, toc
        return self.entry, None

    @cached_property
    def symbols(self) -> tuple[Symbol, ...]:
        """Functions and objects of .symtab, by address. Read when first asked for; raises LoadError if
        damaged."""
        from runtime.loader.symbols import read_symbols

        return read_symbols(self)

    def symbol(self, name: str) -> int | None:
        """Address of the symbol called `name`, or None."""
        return next((symbol.address for symbol in self.symbols if symbol.name == name), None)

    def _segment(self, vaddr: int) -> Segment | None:
        return next((s for s in self.segments if 0 <= vaddr - s.vaddr < s.memsz), None)

    def _doublewords(self, vaddr: int, count: int) -> tuple[int, ...] | None:
        segment = self._segment(vaddr)
        if segment is None or vaddr % 8:
            return None
        raw = segment.data[vaddr - segment.vaddr :][: 8 * count]
        if len(raw) < 8 * count:
            return None
        return struct.unpack(("<" if self.little else ">") + "Q" * count, raw)


def load_elf(path: str | os.PathLike[str]) -> Image:
    """Read an ELF file for PowerPC (32 or 64 bits, either byte order, ET_EXEC or ET_DYN), plain, gzip or xz.

    Raises LoadError.
    """
    return parse_elf(path, expand(path, read_file(path)))


def parse_elf(path: str | os.PathLike[str], data: bytes) -> Image:
    """`load_elf` of bytes already in memory; `path` only names them in errors."""
    if not data.startswith(b"\x7fELF"):
        raise LoadError(path, f"not an ELF file (it begins with {data[:4].hex(' ')})")
    if len(data) < 20:
        raise LoadError(path, "truncated: the ELF header is not complete")
    bits = {1: 32, 2: 64}.get(data[4])
    order = {1: "<", 2: ">"}.get(data[5])
    if bits is None or order is None:
        raise LoadError(path, f"damaged ELF header: class {data[4]}, data encoding {data[5]}")
    header = struct.Struct(order + _HEADER[bits])
    if len(data) < 16 + header.size:
        raise LoadError(path, "truncated: the ELF header is not complete")
    fields = header.unpack_from(data, 16)
    kind, machine, _version, entry, phoff, _shoff, e_flags, _ehsize, phentsize, phnum = fields[:10]
    if machine not in (EM_PPC, EM_PPC64):
        raise LoadError(path, f"not a PowerPC program (ELF machine {machine})")
    if machine != (EM_PPC64 if bits == 64 else EM_PPC):
        raise LoadError(path, f"damaged ELF header: class {bits} bits, but ELF machine {machine}")
    if kind not in (ET_EXEC, ET_DYN):
        raise LoadError(path, f"not an executable: {_TYPES.get(kind, f'ELF type {kind}')}")
    segments = _segments(path, data, order, bits, (phoff, phentsize, phnum))
    return Image(
        path=os.fspath(path),
        bits=bits,
        little=order == "<",
        entry=entry,
        segments=segments,
        e_flags=e_flags,
        dynamic=kind == ET_DYN,
        file=data,
    )


def _segments(
    path: str | os.PathLike[str], data: bytes, order: str, bits: int, table: tuple[int, int, int]
) -> tuple[Segment, ...]:
    phoff, phentsize, phnum = table
    entry = struct.Struct(order + _PROGRAM[bits])
    if phnum == 0:
        raise LoadError(path, "nothing to load: no program headers")
    if phentsize < entry.size:
        raise LoadError(path, f"damaged ELF header: program headers of {phentsize} bytes")
    if phoff + phentsize * phnum > len(data):
        raise LoadError(path, f"truncated: the file ends before its {phnum} program headers do")
    found: list[Segment] = []
    for index in range(phnum):
        raw = entry.unpack_from(data, phoff + index * phentsize)
        if bits == 64:
            kind, flags, offset, vaddr, paddr, filesz, memsz, _align = raw
        else:
            kind, offset, vaddr, paddr, filesz, memsz, flags, _align = raw
        if kind != PT_LOAD or memsz == 0:
            continue
        name = f"segment {index}"
        if filesz > memsz:
            raise LoadError(path, f"damaged {name}: {filesz} bytes in the file but only {memsz} in memory")
        if offset + filesz > len(data):
            end = offset + filesz
            raise LoadError(path, f"truncated: {name} ends at byte {end}, the file at {len(data)}")
        if memsz > MAX_SEGMENT:
            raise LoadError(path, f"damaged {name}: {memsz:#x} bytes of memory")
        for address in (paddr, vaddr):
            if address + memsz > 1 << bits:
                raise LoadError(path, f"damaged {name}: {memsz:#x} bytes at {address:#x} wrap around")
        found.append(Segment(paddr, vaddr, data[offset : offset + filesz], memsz, flags))
    if not found:
        raise LoadError(path, "nothing to load: no PT_LOAD segment")
    _refuse_overlaps(path, found)
    return tuple(found)


def _refuse_overlaps(path: str | os.PathLike[str], segments: Iterable[Segment]) -> None:
    previous: Segment | None = None
    for segment in sorted(segments, key=lambda s: s.paddr):
        if previous is not None and segment.paddr < previous.paddr + previous.memsz:
            raise LoadError(
                path,
                f"damaged: segments overlap ({previous.memsz:#x} bytes at {previous.paddr:#x} "
                f"and {segment.memsz:#x} at {segment.paddr:#x})",
            )
        previous = segment


def load_flat(path: str | os.PathLike[str], address: int, *, bits: int = 64, little: bool = False) -> Image:
    """A file without any format, to be placed at real and effective `address`, which is also its entry.

    Raises LoadError (unreadable, empty, does not fit below 2**bits).
    """
    data = read_file(path)
    if address < 0 or address + len(data) > 1 << bits:
        raise LoadError(path, f"{len(data)} bytes do not fit at {address:#x}")
    return Image(os.fspath(path), bits, little, address, (Segment(address, address, data, len(data)),))
