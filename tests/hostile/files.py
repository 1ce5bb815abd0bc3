"""Damaged kernels, RAM disks and device trees, in a process of its own.

    python -m tests.hostile.files elf|initrd|tree|program SEED ROUNDS

A file is refused with LoadError or ValueError, which the command shows in one line, or what it became runs for a while.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from guests import cpio
from guests.fetch import fetch
from runtime.cli import main as command
from runtime.console import NullConsole
from runtime.loader import LoadError, load_elf, load_initrd
from runtime.loader.elf import Image, parse_elf
from runtime.machines.fdt import Tree
from runtime.machines.pseries import PseriesMachine

from .machine import go

BUILT = Path(__file__).parents[2] / "guests/built"
PROGRAMS = Path(__file__).parents[1] / "user/built"


def damage(r: random.Random, data: bytes, head: int = 256) -> bytes:
    """Truncated, or with bytes of its head (or anywhere) changed, or a piece moved."""
    out = bytearray(data)
    if r.random() < 0.25:
        return bytes(out[: r.choice((r.randrange(len(out) + 1), r.randrange(min(head, len(out)) + 1)))])
    for _ in range(r.choice((1, 1, 2, 8, 40))):
        at = r.randrange(min(head, len(out))) if r.random() < 0.8 else r.randrange(len(out))
        out[at] = r.choice((0, 1, 0x7F, 0x80, 0xFF, out[at] ^ 1 << r.randrange(8), r.getrandbits(8)))
    if r.random() < 0.1:
        at, to, size = (r.randrange(len(out)) for _ in range(3))
        out[to : to + size] = out[at : at + size]
    return bytes(out)


def elf(r: random.Random, folder: Path) -> str:
    """An executable, perhaps compressed, as a kernel."""
    source = r.choice([*sorted(BUILT.glob("*.elf")), *sorted(PROGRAMS.iterdir())])
    data = damage(r, source.read_bytes(), 64 + 56 * 4)
    if r.random() < 0.2:
        data = damage(r, gzip.compress(data, 1), 64) if r.random() < 0.5 else gzip.compress(data, 1)
    path = folder / "kernel"
    path.write_bytes(data)
    try:
        image = load_elf(path)
        with contextlib.suppress(LoadError):
            assert all(s.name for s in image.symbols)
        image.entry_point(), image.real_address(image.entry)
        machine = PseriesMachine(NullConsole(), image, memory=64 << 20, engine="interpreter")
    except (LoadError, ValueError) as e:
        return type(e).__name__
    end = go(machine, 50_000)
    machine.close()
    return type(end).__name__


def linux(r: random.Random, disk: bytes | None, instructions: int, change: Callable[[Any], None] = lambda m: None) -> str:
    """Linux with a RAM disk, on a machine that is changed before it runs."""
    machine = PseriesMachine(NullConsole(), _kernel(), disk, "console=hvc0", memory=256 << 20, engine="jit", cpu=r.choice(("power8", "power9")))
    change(machine)
    end = go(machine, instructions)
    machine.close()
    return type(end).__name__


def _kernel() -> Image:
    path = fetch("pseries64be")[0]
    return parse_elf(path, path.read_bytes())


def initrd(r: random.Random, folder: Path) -> str:
    """A RAM disk: refused at once, or Linux refuses it."""
    good = cpio.archive((cpio.folder("a"), cpio.file("init", r.randbytes(5000), 0o755), cpio.link("a/b", "c"), cpio.character_device("x", 1, 3)))
    good = gzip.compress(good, 1) if r.random() < 0.5 else good
    path = folder / "disk"
    path.write_bytes(damage(r, good, 512))
    try:
        disk = load_initrd(path)
    except LoadError:
        return "LoadError"
    return linux(r, disk, 600_000_000) if r.random() < 0.1 else "accepted"


def tree(r: random.Random, folder: Path) -> str:
    """The flattened device tree, as we read it and as Linux does."""
    if r.random() < 0.97:
        data = damage(r, _good_tree(), 512)
        try:
            found = Tree.from_dtb(data)
            found.to_dts(), found.to_dtb()
        except (LoadError, ValueError) as e:
            return type(e).__name__
        return "accepted"

    def change(machine: Any) -> None:
        at = int(machine.vcpu.gpr[3])
        size = int.from_bytes(machine.read(at + 4, 4), "big")
        machine.write(at, damage(r, machine.read(at, size), 64)[:size])

    return linux(r, None, 100_000_000, change)


def _good_tree() -> bytes:
    if not _TREE:
        machine = PseriesMachine(NullConsole(), _kernel(), None, memory=256 << 20, engine="interpreter")
        at = int(machine.vcpu.gpr[3])
        _TREE.append(machine.read(at, int.from_bytes(machine.read(at + 4, 4), "big")))
        machine.close()
    return _TREE[0]


_TREE: list[bytes] = []


def commands(r: random.Random, folder: Path) -> str:
    """`ppcdbt boot` and `ppcdbt run` of damaged files: a status and one clear line."""
    source = r.choice(sorted(BUILT.glob("*.elf")))
    path = folder / "file"
    path.write_bytes(damage(r, source.read_bytes(), 256))
    if r.random() < 0.5:
        arguments = ["run", "--bare", "--engine", "interpreter", str(path)]
    else:
        arguments = ["boot", "--engine", "interpreter", "--memory", "64M", "--kernel", str(path)]
    arguments[1:1] = ["--max-instructions", "200k", "--timeout", "20"]
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = command(arguments)
    said = err.getvalue()
    assert "internal error" not in said and "Traceback" not in said, (arguments, said)
    assert status in (0, 2, 70, 71, 75, 124) or status < 256, (arguments, status, said)
    assert status in (0, 1) or said, (arguments, status)
    return f"status {status}"


def main() -> int:
    what, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    r = random.Random(seed)
    round_ = {"elf": elf, "initrd": initrd, "tree": tree, "commands": commands}[what]
    ends: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(rounds):
            ends[round_(r, Path(folder))] += 1
    print(f"{rounds} rounds:", ", ".join(f"{v} {k}" for k, v in ends.most_common()))
    print("survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
