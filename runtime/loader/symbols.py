"""The symbol table of an ELF image, for traces and crash reports.

Source: System V ABI, chapter 4 (sections, symbol table).
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, NamedTuple

from runtime.loader.errors import LoadError

if TYPE_CHECKING:
    from runtime.loader.elf import Image

SHT_SYMTAB = 2
SHT_STRTAB = 3
STT_OBJECT, STT_FUNC = 1, 2
_SHN_UNDEF = 0

_SECTION = {32: "IIIIIIIIII", 64: "IIQQQQIIQQ"}
_SYMBOL = {32: "IIIBBH", 64: "IBBHQQ"}


class Symbol(NamedTuple):
    """`kind` is the ELF symbol type: 0 unspecified (assembler labels), STT_OBJECT or STT_FUNC."""

    address: int
    size: int
    kind: int
    name: str


def read_symbols(image: Image) -> tuple[Symbol, ...]:
    """Defined symbols with a name, ordered by address, then name; empty if the file is stripped. Raises
    LoadError."""
    data, bits = image.file, image.bits
    order = "<" if image.little else ">"
    if not data.startswith(b"\x7fELF"):
        return ()
    # e_shoff, then e_shentsize and e_shnum, at their places in the two header layouts.
    shoff = struct.unpack_from(order + ("Q" if bits == 64 else "I"), data, 40 if bits == 64 else 32)[0]
    shentsize, shnum = struct.unpack_from(order + "HH", data, 58 if bits == 64 else 46)
    section = struct.Struct(order + _SECTION[bits])
    if shoff == 0 or shnum == 0:
        return ()
    if shentsize < section.size or shoff + shentsize * shnum > len(data):
        raise LoadError(image.path, "damaged: the section headers are not inside the file")
    sections = [section.unpack_from(data, shoff + i * shentsize) for i in range(shnum)]
    # Fields: name, type, flags, addr, offset, size, link, info, addralign, entsize, in both layouts.
    for _name, kind, _flags, _addr, offset, size, link, _info, _align, _entsize in sections:
        if kind != SHT_SYMTAB:
            continue
        if link >= shnum or sections[link][1] != SHT_STRTAB:
            raise LoadError(image.path, "damaged: the symbol table has no string table")
        names = _slice(image, sections[link][4], sections[link][5])
        return _parse(_slice(image, offset, size), names, order, bits)
    return ()


def _slice(image: Image, offset: int, size: int) -> bytes:
    if offset + size > len(image.file):
        raise LoadError(image.path, "truncated: the symbol table is not inside the file")
    return image.file[offset : offset + size]


def _parse(table: bytes, names: bytes, order: str, bits: int) -> tuple[Symbol, ...]:
    entry = struct.Struct(order + _SYMBOL[bits])
    found = []
    for raw in entry.iter_unpack(table[: len(table) - len(table) % entry.size]):
        if bits == 64:
            name, info, _other, index, value, size = raw
        else:
            name, value, size, info, _other, index = raw
        # Section and file symbols (types above STT_FUNC) name no place a program counter would be in.
        if index == _SHN_UNDEF or info & 15 > STT_FUNC or name == 0 or name >= len(names):
            continue
        text = names[name : names.find(b"\0", name)].decode("ascii", "replace")
        if text:
            found.append(Symbol(value, size, info & 15, text))
    return tuple(sorted(found))
