"""Putting a program into an address space: segments, interpreter, stack (System V ABI chapter 5; kernel: fs/binfmt_elf.c)."""

from __future__ import annotations

import os
import stat
import struct
from typing import TYPE_CHECKING, BinaryIO

from dbt.records import Record
from runtime.loader.errors import LoadError

from . import auxv as at
from .abi import Abi, abi_of
from .memory import PAGE, PROT_EXEC, PROT_READ, PROT_WRITE, AddressSpace, page_up

if TYPE_CHECKING:
    from runtime.cpus import Cpu

PT_LOAD, PT_DYNAMIC, PT_INTERP, PT_NOTE, PT_PHDR, PT_TLS, PT_GNU_EH_FRAME, PT_GNU_STACK = 1, 2, 3, 4, 6, 7, 0x6474_E550, 0x6474_E551
EM_PPC, EM_PPC64, ET_EXEC, ET_DYN = 20, 21, 2, 3
# Where things go, by bits of the ABI: end of addresses, base of position-independent programs, most stack.
LIMIT = {64: 1 << 47, 32: 0xC000_0000}
PIE_BASE = {64: 0x1_0000_0000, 32: 0x2000_0000}
MOST_STACK = 1 << 28


class Header(Record, frozen=True):
    """A program header."""

    kind: int
    flags: int
    offset: int
    vaddr: int
    filesz: int
    memsz: int


class Program(Record):
    """An ELF file for Linux. `base` is what was added to its addresses; `interpreter` is the dynamic linker it names."""

    path: str
    abi: Abi
    kind: int
    entry: int
    phoff: int
    headers: tuple[Header, ...]
    interpreter: str | None
    base: int = 0

    def header(self, kind: int) -> Header | None:
        """The first program header of a kind."""
        return next((h for h in self.headers if h.kind == kind), None)


def read_program(path: str, file: BinaryIO) -> Program:
    """Parse an ELF file. LoadError says why it cannot run."""
    status = os.fstat(file.fileno())
    if not stat.S_ISREG(status.st_mode):
        raise LoadError(path, "not a regular file")
    length, data = status.st_size, os.pread(file.fileno(), 64, 0)
    if data[:4] != b"\x7fELF" or len(data) < 52:
        raise LoadError(path, "not an ELF file")
    bits, little = {1: 32, 2: 64}.get(data[4]), data[5] == 1
    if bits is None or data[5] not in (1, 2):
        raise LoadError(path, "damaged ELF header")
    mark = "<" if little else ">"
    form = struct.Struct(mark + ("HHIQQQIHHH" if bits == 64 else "HHIIIIIHHH"))
    if len(data) < 16 + form.size:
        raise LoadError(path, "truncated: the ELF header is not complete")
    kind, machine, _, entry, phoff, _, flags, _, size, count = form.unpack_from(data, 16)
    if machine != (EM_PPC64 if bits == 64 else EM_PPC):
        raise LoadError(path, f"not a PowerPC program (ELF machine {machine}, {bits} bits)")
    if kind not in (ET_EXEC, ET_DYN):
        raise LoadError(path, f"not an executable (ELF type {kind})")
    entry_form = struct.Struct(mark + ("IIQQQQQQ" if bits == 64 else "IIIIIIII"))
    table = os.pread(file.fileno(), size * count, phoff) if phoff + size * count <= length else b""
    if size < entry_form.size or len(table) < size * count:
        raise LoadError(path, "damaged: its program headers are not in the file")
    headers = []
    interpreter = None
    for n in range(count):
        f = entry_form.unpack_from(table, n * size)
        if bits == 64:
            h = Header(f[0], f[1], f[2], f[3], f[5], f[6])
        else:
            h = Header(f[0], f[6], f[1], f[2], f[4], f[5])
        if h.kind in (PT_LOAD, PT_INTERP) and h.offset + h.filesz > length:
            raise LoadError(path, f"truncated: segment {n} ends at byte {h.offset + h.filesz}, the file at {length}")
        if h.kind == PT_LOAD and h.filesz > h.memsz:
            raise LoadError(path, f"damaged: segment {n} is smaller in memory than in the file")
        if h.kind == PT_INTERP and interpreter is None:
            interpreter = os.fsdecode(os.pread(file.fileno(), min(h.filesz, 4096), h.offset).split(b"\0")[0])
        headers.append(h)
    if not any(h.kind == PT_LOAD and h.memsz for h in headers):
        raise LoadError(path, "nothing to load: no PT_LOAD segment")
    return Program(path, abi_of(bits, little, flags & 3), kind, entry, phoff, tuple(headers), interpreter)


def protection(flags: int) -> int:
    """PF_* as PROT_*."""
    return (PROT_READ if flags & 4 else 0) | (PROT_WRITE if flags & 2 else 0) | (PROT_EXEC if flags & 1 else 0)


def map_program(space: AddressSpace, program: Program, file: BinaryIO, base: int | None) -> int:
    """Load the segments; the end of the highest. `base` None: at a free place, if the program may go anywhere."""
    loads = [h for h in program.headers if h.kind == PT_LOAD and h.memsz]
    low = min(h.vaddr for h in loads) & -PAGE
    high = page_up(max(h.vaddr + h.memsz for h in loads))
    if program.kind == ET_DYN:
        if base is None or not space.is_free(base + low, base + high):
            base = space.gap(page_up(high - low + 0xFFFF)) + 0xFFFF & -0x10000
        program.base = base - low
    for h in loads:
        start = program.base + h.vaddr
        end = page_up(start + h.memsz)
        if start < PAGE or end > space.limit:
            raise LoadError(program.path, f"damaged: a segment at {start:#x} to {end:#x}, outside a program's addresses")
        first, prot = start & -PAGE, protection(h.flags)
        taken = space.within(first, end)
        if not taken and h.filesz and not (start - h.offset) % PAGE and prot:
            _map_segment(space, program, file, h)
            continue
        if taken:  # two segments may meet in a page: it gets what both need
            for area in taken:
                prot |= area.prot
            first_new = max(a.end for a in taken)
            space.protect(first, min(end, first_new), prot)
            if first_new < end:
                space.map(first_new, end - first_new, protection(h.flags), name=program.path)
        else:
            space.map(first, end - first, prot, name=program.path)
        space.write(start, os.pread(file.fileno(), h.filesz, h.offset), force=True)
        _clear_rest(space, h, start)
        if not prot and h.filesz:
            space.protect(first, end, prot)
    return program.base + max(h.vaddr + h.memsz for h in loads)


def _map_segment(space: AddressSpace, program: Program, file: BinaryIO, h: Header) -> None:
    """Map a segment from the file, and zeroed memory behind it."""
    start = program.base + h.vaddr
    first, middle, end = start & -PAGE, page_up(start + h.filesz), page_up(start + h.memsz)
    if space.map_file(first, middle - first, protection(h.flags), file.fileno(), h.offset - (start - first), False, program.path) < 0:
        raise LoadError(program.path, f"its segment at {start:#x} cannot be mapped")
    _clear_rest(space, h, start)
    if end > middle:
        space.map(middle, end - middle, protection(h.flags))


def _clear_rest(space: AddressSpace, h: Header, start: int) -> None:
    """What follows a segment's contents in their last page may be the file's, or the segment's before."""
    if h.memsz > h.filesz:
        space.write(start + h.filesz, bytes(-(start + h.filesz) % PAGE), force=True)


def entry_point(space: AddressSpace, program: Program) -> tuple[int, int]:
    """(first instruction, r2): through the function descriptor at e_entry in ELFv1."""
    entry = program.entry + program.base
    if program.abi.descriptors:
        raw = space.read(entry, 16)
        target, toc = (int.from_bytes(raw[n : n + 8], program.abi.order) for n in (0, 8))
        return target + program.base, toc + program.base
    return entry, 0


def make_stack(space: AddressSpace, program: Program, interpreter: Program | None, cpu: Cpu, argv: list[bytes], environment: list[bytes],
               random: bytes, stack_limit: int) -> int:  # fmt: skip
    """Map the stack and write arguments, environment and auxiliary vector; the first stack pointer."""
    abi = program.abi
    header = program.header(PT_GNU_STACK)
    executable = header is None or header.flags & 1
    size = page_up(min(stack_limit, MOST_STACK))
    top = space.limit - (0x1_0000 if abi.bits == 64 else 0x1000)
    space.map(top - size, size, PROT_READ | PROT_WRITE | (PROT_EXEC if executable else 0), name="[stack]")
    space.top = top - size - (1 << 20)
    sp = top - abi.word

    def push(data: bytes) -> int:
        nonlocal sp
        sp -= len(data)
        space.write(sp, data)
        return sp

    filename = push(os.fsencode(program.path) + b"\0")
    environment_at = [push(e + b"\0") for e in reversed(environment)][::-1]
    argv_at = [push(a + b"\0") for a in reversed(argv)][::-1]
    platform = push(at.platform(cpu) + b"\0")
    sp &= -16
    random_at = push(random)
    one, two = at.capabilities(cpu, abi)
    phdr = next((program.base + h.vaddr for h in program.headers if h.kind == PT_PHDR), 0)
    if not phdr:
        phdr = next((program.base + h.vaddr + program.phoff - h.offset for h in program.headers
                     if h.kind == PT_LOAD and h.offset <= program.phoff < h.offset + h.filesz), 0)  # fmt: skip
    vector = [
        (at.AT_IGNOREPPC, at.AT_IGNOREPPC), (at.AT_IGNOREPPC, at.AT_IGNOREPPC),
        (at.AT_DCACHEBSIZE, at.CACHE_LINE), (at.AT_ICACHEBSIZE, at.CACHE_LINE), (at.AT_UCACHEBSIZE, 0),
        (at.AT_HWCAP, one), (at.AT_PAGESZ, PAGE), (at.AT_CLKTCK, 100),
        (at.AT_PHDR, phdr), (at.AT_PHENT, 56 if abi.bits == 64 else 32), (at.AT_PHNUM, len(program.headers)),
        (at.AT_BASE, interpreter.base if interpreter else 0), (at.AT_FLAGS, 0), (at.AT_ENTRY, program.entry + program.base),
        (at.AT_UID, os.getuid()), (at.AT_EUID, os.geteuid()), (at.AT_GID, os.getgid()), (at.AT_EGID, os.getegid()),
        (at.AT_SECURE, 0), (at.AT_RANDOM, random_at), (at.AT_HWCAP2, two), (at.AT_EXECFN, filename),
        (at.AT_PLATFORM, platform), (at.AT_BASE_PLATFORM, platform), (at.AT_NULL, 0),
    ]  # fmt: skip
    words = [len(argv), *argv_at, 0, *environment_at, 0, *(w for pair in vector for w in pair)]
    sp = (sp - len(words) * abi.word) & -16
    space.write(sp, abi.words(*words))
    return sp
