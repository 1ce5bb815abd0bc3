"""The guest programs of guests/built on every engine: console, exit status, instruction counts and registers."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from runtime.events import Budget, Shutdown
from runtime.loader.elf import load_elf
from runtime.machines.bare import BareMachine

ROOT = Path(__file__).resolve().parents[2] / "guests"
BUILT = ROOT / "built"
BENCHES: dict[str, dict[str, Any]] = {b["name"]: b for b in json.loads((ROOT / "bench" / "expected.json").read_text())}
MEMORY = 17 << 20
INPUT = b"over the wire\n"
SMALL = ("hello", "hello32", "hello64le", "echo", "traps", "selfmod")
PREFIX = 4_000  # instructions the reference engine runs of a program that takes longer
HOT = 200  # arrivals before a region is asked for: programs are short


class Console:
    """Collects what is written and gives out the input."""

    def __init__(self) -> None:
        self.written = b""
        self.left = INPUT

    def write(self, data: bytes) -> None:
        self.written += data

    def read(self, limit: int) -> bytes:
        out, self.left = self.left[:limit], self.left[limit:]
        return out


class Run(NamedTuple):
    """How a run ended."""

    event: str
    console: bytes
    instructions: int
    registers: dict[str, int]
    memory: str
    installed: int
    stats: dict[str, int]


def execute(path: Path, engine: str, limit: int | None = None, reps: int | None = None, settle: bool = False) -> Run:
    """Run a program to its end, or for `limit` instructions. `settle`: wait for the compiler at first."""
    console = Console()
    options: dict[str, Any] = {"hot_threshold": HOT} if engine == "jit" else {}
    machine = BareMachine(console, memory=MEMORY, engine=engine, **options)
    image = load_elf(path)
    machine.load(image)
    if reps is not None:
        at = image.symbol("bench_reps")
        assert at is not None
        machine.vm.write(at, reps.to_bytes(8, "big"))
    vcpu = machine.vcpu
    try:
        if limit is not None:
            event: Any = machine.run(limit)
        else:
            event = Budget()
            while isinstance(event, Budget) and vcpu.icount < 2_000_000_000:
                event = machine.run(100_000)  # often back here, so that what is compiled is installed
                if settle and engine == "jit" and vcpu.icount < 800_000:
                    machine.vm.compiler.drain()
        stats = dict(machine.vm.compiler.stats) if machine.vm.compiler else {}
        errors = machine.vm.compiler.errors if machine.vm.compiler else []
        assert not errors, errors
        registers = vcpu.registers() | {f"fpr{n}": vcpu.fpr[n] for n in range(32)}
        memory = hashlib.blake2b(machine.vm.read(0, MEMORY), digest_size=16).hexdigest()
        return Run(str(event), console.written, vcpu.icount, registers, memory, stats.get("installed", 0), stats)
    finally:
        machine.close()


def same(a: Run, b: Run, names: str) -> None:
    """Assert that two runs are the same in all the guest could see."""
    assert b.event == a.event, names
    assert b.console == a.console, names
    assert b.instructions == a.instructions, f"{names}: {a.instructions} / {b.instructions} instructions"
    assert b.registers == a.registers, f"{names}: " + ", ".join(
        f"{n} {x:#x}/{b.registers[n]:#x}" for n, x in a.registers.items() if x != b.registers[n]
    )
    assert b.memory == a.memory, names


@cache
def interpreted(name: str, reps: int | None = None) -> Run:
    """A whole run on the interpreter."""
    return execute(BUILT / f"{name}.elf", "interpreter", reps=reps)


def test_every_program_is_here() -> None:
    there = {p.stem for p in BUILT.glob("*.elf")}
    assert there == set(SMALL) | {f"bench-{n}" for n in BENCHES}


@pytest.mark.parametrize("name", SMALL)
def test_small_programs(name: str) -> None:
    a = interpreted(name)
    assert a.event == str(Shutdown(0)), a.console
    if name == "echo":
        assert INPUT.strip() in a.console
    elif name in ("traps", "selfmod"):
        assert a.console.endswith(b"ok\n")
    else:
        assert a.console
    b = execute(BUILT / f"{name}.elf", "jit")  # compiling whenever it likes: the result must not depend on it
    same(a, b, "interpreter / jit")
    print(f"{name}: {a.instructions} instructions, {b.installed} regions")


@pytest.mark.parametrize("name", BENCHES)
def test_benchmarks(name: str) -> None:
    bench = BENCHES[name]
    a = interpreted(f"bench-{name}", bench["quick_reps"])
    assert a.event == str(Shutdown(0)), a
    assert bench["quick_expected"].encode() in a.console, a.console
    b = execute(BUILT / f"bench-{name}.elf", "jit", reps=bench["quick_reps"], settle=True)
    same(a, b, "interpreter / jit")
    assert b.installed > 0, b.stats
    print(f"{name}: {a.instructions} instructions, {b.installed} regions")


@pytest.mark.parametrize("name", [*SMALL, *(f"bench-{n}" for n in BENCHES)])
def test_prefix_on_the_reference_engine(name: str) -> None:
    a, b, c = (execute(BUILT / f"{name}.elf", e, PREFIX) for e in ("reference", "interpreter", "jit"))
    same(a, b, "reference / interpreter")
    same(a, c, "reference / jit")
