"""A partition without an operating system, for guests that mean no good."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from runtime.console import NullConsole
from runtime.events import Event, NotEmulated
from runtime.loader.elf import Image, Segment
from runtime.machines.pseries import PseriesMachine

MEMORY = 64 << 20
START = 0x40_0000  # where a kernel is entered
BRANCH_SELF, SC_1, RFID, ILLEGAL = 0x4800_0000, 0x4400_0022, 0x4C00_0024, 0
VECTORS = (*range(0x100, 0xF00, 0x80), 0xF00, 0xF20, 0xF40, 0xF60, 0xF80, 0x3000)
U64 = (1 << 64) - 1


def words(*code: int) -> bytes:
    """Instructions as a big-endian guest has them."""
    return struct.pack(f">{len(code)}I", *code)


def image(code: bytes, size: int = 0x1_0000) -> Image:
    """A kernel that is this code, entered at its beginning."""
    return Image("hostile", 64, False, START, (Segment(START, START, code, max(size, len(code))),))


def elf(path: Path, code: bytes, entry: int = START) -> Path:
    """A big-endian ELF file that is this code."""
    head = b"\x7fELF" + bytes((2, 2, 1)) + bytes(9)
    head += struct.pack(">HHIQQQIHHHHHH", 2, 21, 1, entry, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    path.write_bytes(head + struct.pack(">IIQQQQQQ", 1, 7, 120, START, START, len(code), 0x1_0000, 4) + code)
    return path


def partition(code: bytes, vector: Sequence[int] = (BRANCH_SELF,), **options: Any) -> PseriesMachine:
    """A machine that is about to run `code`. Interrupts find `vector`."""
    machine = PseriesMachine(NullConsole(), image(code), **{"memory": MEMORY, **options})
    for at in VECTORS:
        machine.write(at, words(*vector))
    return machine


def go(machine: PseriesMachine, instructions: int) -> Event | NotEmulated:
    """Run for a while; whatever a guest may bring about, and nothing else."""
    try:
        return machine.run(instructions)
    except NotEmulated as e:
        return e
