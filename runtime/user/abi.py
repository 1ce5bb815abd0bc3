"""The three ABIs: word size, byte order, and the structures that differ between them and from the host's.

Sources: the kernel's arch/powerpc/include/uapi/asm (stat.h, termbits.h, statfs), 64-bit ELF ABI 1.9 and ELFv2 1.5, SysV PowerPC ABI.
"""

from __future__ import annotations

import struct
from functools import cached_property
from typing import Literal

from dbt.records import Record


class Abi(Record, frozen=True):
    """An ABI of Linux on PowerPC."""

    name: str
    bits: Literal[32, 64]
    little: bool
    descriptors: bool  # a function pointer points to {address, TOC, environment} (ELFv1)
    machine: str  # uname -m

    @cached_property
    def order(self) -> Literal["little", "big"]:
        """For int.to_bytes."""
        return "little" if self.little else "big"

    @cached_property
    def mark(self) -> str:
        """For struct."""
        return "<" if self.little else ">"

    @cached_property
    def word(self) -> int:
        """Bytes of a long."""
        return self.bits // 8

    @cached_property
    def mask(self) -> int:
        """All ones of a word."""
        return (1 << self.bits) - 1

    def structure(self, form: str) -> struct.Struct:
        """A structure: struct's letters, and L (or l) for an unsigned (signed) long; nothing is aligned unless x says so."""
        if self.bits == 64:
            form = form.replace("L", "Q").replace("l", "q")
        return struct.Struct(self.mark + form)

    def pack(self, form: str, *values: int) -> bytes:
        """As `structure`; numbers are cut to their fields."""
        return self.structure(form).pack(*values)

    def words(self, *values: int) -> bytes:
        """Longs."""
        return b"".join((v & self.mask).to_bytes(self.word, self.order) for v in values)

    def sigset(self, mask: int) -> bytes:
        """A signal set of 64 signals: longs, the first signals in the first one."""
        if self.bits == 64:
            return self.words(mask)
        return self.words(mask & 0xFFFF_FFFF, mask >> 32)

    def from_sigset(self, data: bytes) -> int:
        """The inverse of `sigset`."""
        if self.bits == 64:
            return int.from_bytes(data[:8], self.order)
        return int.from_bytes(data[:4], self.order) | int.from_bytes(data[4:8], self.order) << 32

    @cached_property
    def stat(self) -> struct.Struct:
        """struct stat: dev ino nlink mode uid gid rdev size blksize blocks, then seconds and nanoseconds of a, m, c (mode first if 32-bit)."""
        return self.structure("QQQIII4xQqQQQQQQQQ24x" if self.bits == 64 else "IIIH2xIIIiIIIIIIII8x")

    @cached_property
    def stat64(self) -> struct.Struct:
        """struct stat64 of 32-bit programs: dev ino mode nlink uid gid rdev size blksize blocks times."""
        return self.structure("QQIIIIQ2x6xqi4xqiIiIiI8x")


PPC64LE = Abi("ppc64le", 64, True, False, "ppc64le")
PPC64LE_V1 = Abi("ppc64le", 64, True, True, "ppc64le")
PPC64 = Abi("ppc64", 64, False, True, "ppc64")
PPC64_V2 = Abi("ppc64", 64, False, False, "ppc64")
PPC32 = Abi("ppc", 32, False, False, "ppc")
PPC32LE = Abi("ppcle", 32, True, False, "ppcle")


def abi_of(bits: int, little: bool, version: int) -> Abi:
    """The ABI of an ELF file; `version`: of the 64-bit ELF ABI, 1 or 2."""
    if bits == 32:
        return PPC32LE if little else PPC32
    if little:
        return PPC64LE_V1 if version == 1 else PPC64LE
    return PPC64_V2 if version == 2 else PPC64
