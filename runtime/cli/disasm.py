"""Disassemble an ELF file, a flat file, or words given on the command line.

    ppcdbt disasm guests/built/hello.elf --count 8
    ppcdbt disasm --flat 0x1000 code.bin
    ppcdbt disasm --word 38600001 7c0802a6
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from . import options as o
from .errors import UserError

if TYPE_CHECKING:
    from runtime.loader.elf import Image


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", nargs="?", metavar="FILE")
    parser.add_argument("--word", nargs="+", type=o.hexadecimal, metavar="W", help="instruction words, hexadecimal")
    parser.add_argument("--flat", type=o.number, metavar="ADDRESS", help="FILE has no format: its first byte is at this address")
    parser.add_argument("--little", action="store_true", help="a flat file is little-endian")
    parser.add_argument("--start", type=o.number, metavar="ADDRESS", help="begin here")
    parser.add_argument("--count", type=o.count, metavar="N", help="so many instructions")
    o.add_isa(parser)


def run(options: Any) -> int:
    if (options.word is None) == (options.file is None):
        raise UserError("give a FILE or --word W, one of them")
    o.load_isa(options)
    from dbt.frontend.disassembler import disassemble

    if options.word is not None:
        if bad := [w for w in options.word if w >> 32]:
            raise UserError(f"{bad[0]:#x} is no instruction word: it has more than 32 bits")
        for at, word in lines(options.word, options.start or 0):
            print(f"{at:8x}:  {word:08x}  {disassemble(word, at)}")
        return 0
    image = load(options)
    names = {s.address: s.name for s in image.symbols} if options.flat is None else {}
    shown = words(image, options.start)
    for at, word in islice(shown, options.count):
        if at in names:
            print(f"\n{at:016x} <{names[at]}>:")
        print(f"{at:8x}:  {word:08x}  {disassemble(word, at)}")
    return 0


def load(options: Any) -> Image:
    from runtime.loader import load_elf, load_flat

    return load_elf(options.file) if options.flat is None else load_flat(options.file, options.flat, little=options.little)


def lines(found: Iterable[int], start: int) -> Iterator[tuple[int, int]]:
    return ((start + 4 * n, word) for n, word in enumerate(found))


def words(image: Image, start: int | None) -> Iterator[tuple[int, int]]:
    """(effective address, word) of the executable segments."""
    order: Any = "little" if image.little else "big"
    segments = [s for s in image.segments if s.executable]
    if start is not None:
        segments = [s for s in segments if start < s.vaddr + len(s.data)]
        if not segments or not any(s.vaddr <= start for s in segments):
            raise UserError(f"{image.path}: {start:#x} is in no executable segment")
    for s in segments:
        first = max(0, ((start or 0) - s.vaddr) & ~3) if start is not None and start > s.vaddr else 0
        for i in range(first, len(s.data) - 3, 4):
            yield s.vaddr + i, int.from_bytes(s.data[i : i + 4], order)
