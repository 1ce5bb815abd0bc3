"""Assemble a source (- is standard input): a listing, or with -o a flat binary for `ppcdbt run --flat`.

    echo 'addi r3,r4,1; blr' | ppcdbt asm -
    ppcdbt asm loop.s --start 0x1000 -o loop.bin
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from . import options as o


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE")
    parser.add_argument("-o", "--output", metavar="FILE", help="write the bytes here instead of a listing")
    parser.add_argument("--start", type=o.number, default=0, metavar="ADDRESS", help="address of the first byte (default 0)")
    parser.add_argument("--little", action="store_true", help="little-endian")
    parser.add_argument("--words", action="store_true", help="only the words, in hexadecimal")
    o.add_isa(parser)


def run(options: Any) -> int:
    source = sys.stdin.read() if options.file == "-" else read(options.file)
    o.load_isa(options)
    from dbt.frontend.assembler import AssemblyError, assemble_program
    from dbt.frontend.disassembler import disassemble

    from .errors import UserError

    try:
        program = assemble_program(source, options.start, little=options.little)
    except AssemblyError as e:
        raise UserError(f"{options.file}: {e}") from None
    if options.output is not None:
        with open(options.output, "wb") as f:
            f.write(program.data)
        return 0
    names = {address: name for name, address in program.symbols.items() if not name.startswith("$")}
    for n, word in enumerate(program.words):
        at = options.start + 4 * n
        if options.words:
            print(f"{word:08x}")
            continue
        if at in names:
            print(f"{names[at]}:")
        print(f"{at:8x}:  {word:08x}  {disassemble(word, at)}")
    return 0


def read(path: str) -> str:
    from runtime.loader.files import read_file

    return read_file(path).decode("utf-8", "replace")
