"""Linux with several CPUs: in turns it repeats to the instruction on every engine, in parallel it comes to the same results."""

from __future__ import annotations

import time
from typing import Any

import pytest

from guests.fetch import FetchError, fetch
from runtime.events import Budget, Shutdown
from runtime.loader.elf import load_elf
from runtime.machines.pseries import PseriesMachine
from tests.boot.test_boot import EXPECTED, LIMIT, TROUBLE, Boot, Recorder, boot

from ..limits import PATIENCE


def check(got: Boot, cpus: int) -> None:
    lines = got.console.decode().replace("\r", "").splitlines()
    assert got.event == Shutdown(0)
    assert [line for line in lines if line in EXPECTED] == list(EXPECTED)
    assert not [line for line in lines if any(t in line for t in TROUBLE)]
    assert any(f"Brought up 1 node, {cpus} CPUs" in line for line in lines)


@pytest.mark.slow
@pytest.mark.parametrize("cpus", [2, 4])
def test_turns_repeat_exactly(cpus: int) -> None:
    first, second, compiled = (boot(engine=e, cpus=cpus) for e in ("interpreter", "interpreter", "jit"))
    check(first, cpus)
    for other in (second, compiled):
        assert (other.instructions, other.console) == (first.instructions, first.console)


def boot_parallel(**options: Any) -> Boot:
    """As `boot`, by the clock instead of by instructions."""
    try:
        kernel, initrd = fetch("pseries64be")
    except FetchError as e:
        pytest.skip(str(e))
    console = Recorder()
    machine = PseriesMachine(console, load_elf(kernel), initrd.read_bytes(), "console=hvc0", parallel=True, **options)
    try:
        end = time.monotonic() + PATIENCE
        while isinstance(event := machine.run(LIMIT), Budget) and time.monotonic() < end:
            pass
        return Boot(event, bytes(console.text), machine.instructions, machine.vcpu.registers(), machine.statistics())
    finally:
        machine.close()


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize("cpus", [2, 4])
def test_parallel(cpus: int, engine: str) -> None:
    check(boot_parallel(cpus=cpus, engine=engine), cpus)
