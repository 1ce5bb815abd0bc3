"""Records through an assembly harness under qemu-user: QEMU's side of the sweeps, and their command lines.

A harness (fixed.s, storage_float.s, vector.s, vsx.s, tests/decimal/qemu.s) says what a record holds; records.s is the rest of it.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from ..support import BASE

TOOLS = ("powerpc64-linux-gnu-as", "powerpc64-linux-gnu-ld", "qemu-ppc64", "qemu-ppc64le", "qemu-ppc")
LIMIT = 8 << 20  # bytes of records in one run


def available() -> bool:
    """Whether the tools are installed."""
    return all(map(shutil.which, TOOLS))


def build(harness: Path, record: int, stem: str, *, bits: int = 64, little: bool = False) -> str:
    """The path of the program for records of this many bytes; files are called `stem` with endings."""
    given = [f"RECORD={record}", f"LIMIT={LIMIT // record * record}", *["WORDS=1"] * (bits == 32), *["LITTLE=1"] * little]
    options = [f"-a{bits}", "-mpower9", "-mlittle" if little else "-mbig", "-I", str(Path(__file__).parent)]
    options += [word for definition in given for word in ("--defsym", definition)]
    subprocess.run([TOOLS[0], *options, "-o", f"{stem}.o", str(harness)], check=True)
    flavour = f"elf{bits}{'l' if little else ''}ppc"
    link = [TOOLS[1], "--no-warn-rwx-segments", f"--section-start=.code={BASE:#x}", "-e", "_start", "-m", flavour]
    subprocess.run([*link, "-o", stem, f"{stem}.o"], check=True)
    return stem


def run(harness: Path, records: Sequence[bytes], *, bits: int = 64, little: bool = False, cpu: str = "POWER9") -> list[bytes]:
    """The records after QEMU has run the instruction of each. All are of one size."""
    size = len(records[0])
    command = ["qemu-ppc"] if bits == 32 else ["qemu-ppc64le" if little else "qemu-ppc64", "-cpu", cpu]
    with tempfile.TemporaryDirectory() as directory:
        command.append(build(harness, size, f"{directory}/harness", bits=bits, little=little))
        out = b""
        for start in range(0, len(records), LIMIT // size):
            data = b"".join(records[start : start + LIMIT // size])
            out += subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout
    assert len(out) == size * len(records)
    return [out[n : n + size] for n in range(0, len(out), size)]


def arguments(count: int, seed: int = 1) -> tuple[int, int, str]:
    """A sweep's command line: cases per instruction, seed, pattern of mnemonics."""
    given = sys.argv[1:4]
    words = given + [str(count), str(seed), ".*"][len(given) :]
    return int(words[0]), int(words[1]), words[2]


def report(title: str, agreed: int, wrong: list[str], shown: int = 2) -> bool:
    """Print a sweep's outcome, with so many of its lines for each mnemonic (a line's first word). Whether any case differed."""
    print(f"{title}: {agreed} cases agreed, {len(wrong)} differ")
    seen: Counter[str] = Counter()
    for line in wrong:
        name = line.split()[0]
        seen[name] += 1
        if seen[name] <= shown:
            print(line)
    if seen:
        print("differences:", ", ".join(f"{name} {n}" for name, n in seen.items()))
    return bool(wrong)


def both_orders(sweep: Callable[[int, int, bool, str], tuple[int, list[str]]], count: int = 50) -> int:
    """The command of a sweep that has both byte orders: cases per instruction, seed, little-endian, pattern. Its exit status."""
    given, seed, pattern = arguments(count)
    orders = (("big-endian", False), ("little-endian", True))
    different = [report(title, *sweep(given, seed, little, pattern)) for title, little in orders]
    return any(different)
