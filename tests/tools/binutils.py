"""The mnemonics that GNU objdump knows for POWER9, found by showing it words; written to dbt/frontend/binutils_power9.json.

    python -m tests.tools.binutils

Each mnemonic comes with one word that objdump writes so. Every primary opcode is tried with every value of bits 21 to 31
and, because some instructions keep a part of their opcode further left, of bits 6 to 10 and of bits 11 to 15.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

OBJDUMP = "powerpc64-linux-gnu-objdump"
CPU = "power9"
OUT = Path(__file__).parents[2] / "dbt" / "frontend" / f"binutils_{CPU}.json"
EXTENDED = (4, 19, 30, 31, 56, 57, 58, 59, 60, 61, 62, 63)  # opcodes with a part of it on the right
BATCH = 1 << 18
LINE = re.compile(r"^ *([0-9a-f]+):\t(?:[0-9a-f]{2} ){4}\t(\S+)", re.MULTILINE)


def words() -> Iterator[int]:
    """What objdump is shown, plain operands first."""
    for bo in range(0, 32, 2):
        for bi in range(4):
            yield from (16 << 26 | bo << 21 | bi << 16 | x for x in (8, 9, 10, 11))
    for primary in range(64):
        low = range(2048) if primary in EXTENDED else (0x08, 0x09, 0x0A, 0x0B, 0x02, 0x03)
        for t in (3, *range(32)):
            yield from (primary << 26 | t << 21 | 4 << 16 | 5 << 11 | x for x in low)
        for a in range(32):
            yield from (primary << 26 | 3 << 21 | a << 16 | 5 << 11 | x for x in low)
        yield from (primary << 26 | x for x in low)
        yield from (primary << 26 | b << 11 | x for b in range(1, 32) for x in low)  # no registers: sc, sync, tlbsync ...
    for bo in range(32):
        for bi in range(4):
            yield from (16 << 26 | bo << 21 | bi << 16 | x for x in (8, 9, 10, 11))
            yield from (19 << 26 | bo << 21 | bi << 16 | xo << 1 | lk for xo in (16, 528, 560) for lk in (0, 1))
    for spr in range(1024):  # names of special-purpose registers
        swapped = (spr & 31) << 16 | (spr >> 5) << 11
        yield from (31 << 26 | 3 << 21 | swapped | xo << 1 for xo in (339, 467, 371))


def mnemonics(path: Path) -> dict[str, int]:
    """The first word shown for each mnemonic."""
    found: dict[str, int] = {}
    todo = list(words())
    for start in range(0, len(todo), BATCH):
        batch = todo[start : start + BATCH]
        path.write_bytes(b"".join(w.to_bytes(4, "big") for w in batch))
        command = [OBJDUMP, "-z", "-D", "-b", "binary", "-m", "powerpc:common64", "-M", CPU, "-EB", str(path)]
        text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        for at, name in LINE.findall(text):
            if not name.startswith("."):
                found.setdefault(name, batch[int(at, 16) // 4])
    return dict(sorted(found.items()))


def main() -> int:
    with tempfile.TemporaryDirectory() as directory:
        found = mnemonics(Path(directory) / "words.bin")
    version = subprocess.run([OBJDUMP, "--version"], capture_output=True, text=True, check=True).stdout.splitlines()[0]
    lines = [f"  {json.dumps(name)}: {json.dumps(f'{word:08x}')}" for name, word in found.items()]
    OUT.write_text(f'{{\n  "": {json.dumps(version)},\n' + ",\n".join(lines) + "\n}\n")
    print(f"{len(found)} mnemonics of {version} -M {CPU} in {OUT}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
