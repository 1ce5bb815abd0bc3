"""The main job: the pseries kernel boots to BOOT-OK, the same on every engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from guests.fetch import FetchError, fetch
from runtime.events import Budget, Shutdown
from runtime.loader.elf import load_elf
from runtime.machines.pseries import PseriesMachine

EXPECTED = ("2c7ab85a893283e98c931e9511add182  -", "loop 2664667000", "2000", "BOOT-OK")  # guests/linux/init.sh's answers
TROUBLE = ("WARNING", "BUG:", "Oops", "Call Trace", "soft lockup", "INFO: task")
LIMIT = 1_500_000_000  # the boot takes about 504 million instructions


@dataclass
class Recorder:
    """A console nobody types at."""

    text: bytearray = field(default_factory=bytearray)

    def write(self, data: bytes) -> None:
        self.text += data

    def read(self, limit: int) -> bytes:
        return b""


@dataclass
class Boot:
    """What one boot left behind."""

    event: Any
    console: bytes
    instructions: int
    registers: dict[str, int]
    statistics: dict[str, Any]


def boot(limit: int = LIMIT, **options: Any) -> Boot:
    """Boot the guest; skips where it can be neither found nor built."""
    try:
        kernel, initrd = fetch("pseries64be")
    except FetchError as e:
        pytest.skip(str(e))
    console = Recorder()
    machine = PseriesMachine(console, load_elf(kernel), initrd.read_bytes(), "console=hvc0", **options)
    try:
        event = machine.run(limit)
        return Boot(event, bytes(console.text), machine.instructions, machine.vcpu.registers(), machine.statistics())
    finally:
        machine.close()


@pytest.fixture(scope="module")
def interpreted() -> Iterator[Boot]:
    yield boot(engine="interpreter")


def test_it_boots_on_the_interpreter(interpreted: Boot) -> None:
    lines = interpreted.console.decode().replace("\r", "").splitlines()
    assert interpreted.event == Shutdown(0)
    assert [line for line in lines if line in EXPECTED] == list(EXPECTED)
    assert not [line for line in lines if any(t in line for t in TROUBLE)]


def test_the_jit_boots_the_same(interpreted: Boot) -> None:
    """However compilation is timed: same console bytes, same instruction count, same registers."""
    compiled = boot(engine="jit")
    assert compiled.event == interpreted.event
    assert compiled.console == interpreted.console
    assert compiled.instructions == interpreted.instructions
    assert compiled.registers == interpreted.registers
    assert compiled.statistics["compiler"]["installed"] > 0


def test_trapping_boots_the_same(interpreted: Boot) -> None:
    """The talk's way: every privileged instruction exits and is emulated; the guest cannot tell."""
    trapped = boot(engine="interpreter", privileged="trap")
    assert trapped.console == interpreted.console
    assert trapped.instructions == interpreted.instructions
    emulated = trapped.statistics["emulated"]
    assert sum(emulated.values()) == trapped.statistics["exits"]["PRIVILEGED"] > 100_000
    assert interpreted.statistics["emulated"] == {}


def test_the_reference_engine_agrees_on_a_prefix() -> None:
    steps = 30_000
    slow = boot(steps, engine="reference")
    fast = boot(steps, engine="interpreter")
    assert slow.event == fast.event == Budget()
    assert (slow.instructions, slow.registers, slow.console) == (fast.instructions, fast.registers, fast.console)


def test_the_kernel_calls_open_firmware() -> None:
    """Entered through the client interface it copies the tree, has RTAS placed, and starts."""
    started = boot(40_000_000, engine="interpreter", firmware="of")
    said = started.console.decode()
    assert "copying OF device tree..." in said and "Linux version 6.1" in said
    calls = started.statistics["calls"]
    assert calls["of quiesce"] == 1 and calls["of call-method"] == 2


def test_exits_are_accounted_for(interpreted: Boot) -> None:
    """Light and heavy exits of each kind add up to what the dispatcher counted."""
    s = interpreted.statistics
    for kind, count in s["exits"].items():
        assert s["light"].get(kind, 0) + s["heavy"].get(kind, 0) == count
    assert set(s["light"]) | set(s["heavy"]) == set(s["exits"])
    hypercalls = sum(n for name, n in s["calls"].items() if not name.startswith(("rtas", "unknown rtas")))
    assert hypercalls == s["heavy"]["HYPERCALL"]
    assert sum(n for name, n in s["counters"].items() if name.startswith("hcall_")) == s["light"]["HYPERCALL"]
    assert s["interrupts"]["system call"] == s["exits"]["SYSCALL"]
    assert s["kvm"]["sum_exits"] == sum(s["exits"].values()) and s["kvm"]["light_exits"] == sum(s["light"].values())
    assert s["kvm"]["dsi_exits"] == s["interrupts"]["data storage"] + s["interrupts"].get("data segment", 0)
    removed = s["counters"]["hcall_remove"] + 4 * s["counters"]["hcall_bulk"]
    assert 0 < s["invalidations"]["H_REMOVE, H_BULK_REMOVE"] <= removed
    assert s["invalidations"]["code: stores"] <= s["counters"]["code_invalidations"]


@pytest.mark.slow
def test_a_script_in_place_of_init() -> None:
    """It runs in an archive appended to the initial RAM disk, and its exit status comes back."""
    from guests.fetch import scripted
    from runtime.loader import load_initrd

    from .debian_rig import boot as boot_kernel
    from .debian_rig import lines

    try:
        kernel, initrd = fetch("pseries64be")
    except FetchError as e:
        pytest.skip(str(e))
    found, status = boot_kernel(kernel, scripted(load_initrd(initrd), b"echo on $(uname -m)\nexit 5\n"))
    assert (found.event, status) == (Shutdown(0), 5) and "on ppc64" in lines(found)
