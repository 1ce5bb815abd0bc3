"""Guests that are lost: they loop with interrupts off, jump into nowhere, or wait for what cannot come. A limit or a clear message ends them."""

from __future__ import annotations

import random
import struct
from pathlib import Path
from typing import Any

import pytest

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.assembler import assemble_program
from runtime.events import Budget, Halted, NotEmulated

from ..limits import many
from .machine import BRANCH_SELF, MEMORY, START, VECTORS, elf, go, partition, words
from .process import boot

# Starts the other CPUs through RTAS (a hypercall: sc 1), then all loop, interrupts off. {n} CPUs; the block is at `block`.
LOOP = """
        li      r14,1
1:      cmpdi   r14,{n}
        bge     2f
        lis     r4,0x40
        ori     r4,r4,0x200
        stw     r14,12(r4)
        lis     r3,0
        ori     r3,r3,0xf000
        .long   0x44000022
        addi    r14,r14,1
        b       1b
2:      addi    r5,r5,1
        b       2b
"""
BLOCK = struct.pack(">7I", 0x2006, 3, 1, 0, START + 0x100, 0, 0)  # start-cpu: cpu, start, r3


def looping(cpus: int) -> bytes:
    """The kernel above."""
    code = bytes(assemble_program(LOOP.replace("{n}", str(cpus)), START).data)
    return code.ljust(0x100, b"\0") + words(0x38A5_0001, 0x4BFF_FFFC).ljust(0x100, b"\0") + BLOCK


WAYS = [(e, c, p) for e in ("interpreter", "jit") for c, p in ((1, ()), (4, ()), (4, ("--parallel",)))]


@pytest.mark.parametrize(("engine", "cpus", "parallel"), WAYS)
def test_interrupts_off(tmp_path: Path, engine: str, cpus: int, parallel: tuple[str, ...]) -> None:
    """--timeout and --max-instructions end it, with status 124."""
    kernel = elf(tmp_path / "loop.elf", looping(cpus))
    done = boot(kernel, "--engine", engine, "--smp", str(cpus), *parallel, "--timeout", "0.5")
    assert done.returncode == 124 and "0.5 seconds have passed (--timeout); pc 0x4" in done.stderr, done.stderr
    done = boot(kernel, "--engine", engine, "--smp", str(cpus), *parallel, "--max-instructions", "3M", "--stats")
    assert done.returncode == 124 and "3000000 instructions have run (--max-instructions)" in done.stderr, done.stderr
    ran = next(int(line.split()[-1].replace(",", "")) for line in done.stderr.splitlines() if line.startswith("instructions"))
    assert ran == 3_000_000 if not parallel else ran >= 3_000_000


def test_all_of_them_loop() -> None:
    """The guest above does start its CPUs."""
    machine = partition(looping(4), engine="interpreter", cpus=4)
    assert go(machine, 1_000_000) == Budget()
    assert all(v.icount > 100_000 for v in machine.vcpus)
    machine.close()


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize("entry", [0x1000_0000, 0x3FF_FFFC, 0xC000_0000_1000_0000])
def test_nowhere(tmp_path: Path, engine: str, entry: int) -> None:
    """A branch to where there is no memory, real mode: a machine check on hardware; here the address and what to do."""
    code = assemble_program(f"lis r3,{entry >> 48}; ori r3,r3,{entry >> 32 & 0xFFFF}; rldicr r3,r3,32,31; oris r3,r3,{entry >> 16 & 0xFFFF};"
                            f"ori r3,r3,{entry & 0xFFFF}; mtctr r3; bctr".replace(";", "\n"), START)  # fmt: skip
    done = boot(elf(tmp_path / "nowhere.elf", bytes(code.data)), "--engine", engine, "--timeout", "20")
    assert done.returncode in (70, 124), done.stderr
    assert done.stderr.startswith(("ppcdbt: ", "\nppcdbt: ")), done.stderr


@pytest.mark.parametrize("cpus", [1, 3])
def test_waiting_for_nothing(cpus: int) -> None:
    """RTAS stop-self on the last CPU that runs."""
    block = struct.pack(">4I", 0x2007, 0, 1, 0)
    code = bytes(assemble_program("lis r4,0x40\nori r4,r4,0x200\nlis r3,0\nori r3,r3,0xf000\n.long 0x44000022\nb .", START).data)
    machine = partition(code.ljust(0x200, b"\0") + block, engine="interpreter", cpus=cpus)
    assert go(machine, 1_000_000) == Halted()
    machine.close()


def test_interrupts_into_nothing() -> None:
    """An undefined instruction where the vectors are undefined too."""
    machine = partition(words(0), vector=(0,), engine="interpreter")
    end = go(machine, 1_000_000)
    assert isinstance(end, NotEmulated) and "interrupts without end" in str(end)
    machine.close()


def wander(r: random.Random, engine: Any) -> str:
    """A guest of random bytes, entered anywhere with random registers and translation on or off."""
    machine = partition(r.randbytes(0x1_0000), engine=engine, cpu=r.choice(("power8", "power9")), cpus=r.choice((1, 2)), hpt_log2=18)
    for at in VECTORS:
        machine.write(at, r.randbytes(8) if r.random() < 0.5 else words(BRANCH_SELF))
    v: Any = machine.vcpu
    for n in range(32):
        v.gpr[n] = r.choice((r.getrandbits(64), r.randrange(MEMORY)))
    v.nia = START + 4 * r.randrange(0x4000)
    v.msr = r.choice((1 << 63 | 0x1000, 1 << 63 | 0x1030, 0x1000, 1 << 63 | 0xD030, 1 << 63 | 0x1031))
    v.mode_changed()
    end = go(machine, 100_000)
    machine.close()
    return type(end).__name__


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
def test_wandering(engine: str) -> None:
    r = random.Random(5)
    for _ in range(25):
        wander(r, engine)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
def test_more_wandering(engine: str) -> None:
    r = random.Random(6)
    for _ in range(many(10 if engine == "reference" else 1000)):
        wander(r, engine)
