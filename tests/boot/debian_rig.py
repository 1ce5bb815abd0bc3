"""Boots Debian's kernel for ppc64el, and says whether what it printed is what a sound machine prints."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from runtime.console import Collector
from runtime.events import Budget, Shutdown
from runtime.hypercalls.console import SECOND_UNIT
from runtime.loader.elf import load_elf
from runtime.machines.pseries import PseriesMachine

from ..limits import PATIENCE
from .test_boot import EXPECTED, TROUBLE, Boot, Recorder

LIMIT = 3_000_000_000  # a boot takes about 1,400 million instructions
SLICE = 100_000_000
# What else Linux says of itself when something is wrong.
MORE_TROUBLE = ("WARN", "detected stall", "self-detected", "LOCKUP", "hung_task", "Unable to handle", "Bad page", "segfault", "unhandled signal",
                "Kernel panic", "irq trap", "nobody cared", "MCE: CPU", "corrupt", "leaked", "imbalance", "invalid opcode")  # fmt: skip


def boot(kernel: Path, disk: bytes, *, limit: int = LIMIT, seconds: float = PATIENCE, append: str = "console=hvc0",
         **options: Any) -> tuple[Boot, int | None]:
    """A boot, for `limit` instructions or so many seconds at most, and the status its script reported."""
    console, second = Recorder(), Collector()
    machine = PseriesMachine(console, load_elf(kernel), disk, append, terminals={SECOND_UNIT: second}, **options)
    try:
        end = time.monotonic() + seconds
        while isinstance(event := machine.run(min(SLICE, limit - machine.instructions)), Budget):
            if machine.instructions >= limit or time.monotonic() > end:
                break
        found = Boot(event, bytes(console.text), machine.instructions, machine.vcpu.registers(), machine.statistics())
        return found, second.status
    finally:
        machine.close()


def lines(found: Boot) -> list[str]:
    """The console's lines."""
    return found.console.decode(errors="replace").replace("\r", "").splitlines()


def trouble(found: Boot) -> list[str]:
    """Lines in which Linux complains."""
    return [line for line in lines(found) if any(t in line for t in TROUBLE + MORE_TROUBLE)]


def check(found: Boot, cpus: int = 1) -> None:
    """The self-check (guests/linux/init.sh) came to its results on as many CPUs, without a complaint, and switched off."""
    said = lines(found)
    assert found.event == Shutdown(0), said[-20:]
    assert [line for line in said if line in EXPECTED] == list(EXPECTED), said[-20:]
    assert not (bad := trouble(found)), bad
    assert (there := len([line for line in said if line.startswith("processor\t")])) == cpus, there


def same(one: Boot, two: Boot) -> bool:
    """Whether two boots agree in every byte they printed, every instruction they counted and the registers they ended with."""
    return (one.console, one.instructions, one.registers) == (two.console, two.instructions, two.registers)
