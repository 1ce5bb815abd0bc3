"""The paravirtual framework on whole kernels: both byte orders, both ways of translation, and under load.

The kernel patches its own code and goes on by the page. If an interrupt came between the instructions of a replacement, or one were
lost, registers that interrupt handlers save there would be wrong sooner or later; so it works for a while, and must compute what
coreutils compute on the host.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from guests import debian
from guests.fetch import FetchError, fetch, loaded
from runtime.loader import load_initrd
from runtime.loader.elf import load_elf
from runtime.machines.pseries import PseriesMachine
from runtime.machines.repairs import repaired

from .debian_rig import check, lines, same
from .test_boot import Boot, Recorder

pytestmark = pytest.mark.slow
LIMIT = 5_000_000_000
WORKED = "KVM: Live patching for a fast VM worked"
NUMBERS = "".join(f"{n}\n" for n in sorted((str(n) for n in range(1, 20001)), key=int, reverse=True)).encode()
LOAD = ["LOAD-START", "processes 200", "pipes 50", f"{hashlib.md5(bytes(1 << 20)).hexdigest()}  -", f"{hashlib.md5(NUMBERS).hexdigest()}  -", "waits 20"]


def run(kernel: Path, disk: bytes, **options: Any) -> Boot:
    console = Recorder()
    machine = PseriesMachine(console, repaired(load_elf(kernel)), disk, "console=hvc0", privileged="trap", pv=True, **options)
    try:
        event = machine.run(LIMIT)
        return Boot(event, bytes(console.text), machine.instructions, machine.vcpu.registers(), machine.statistics())
    finally:
        machine.close()


def load_worked(found: Boot, cpus: int = 1) -> None:
    """The kernel uses the page; the self-check and the load came to their results."""
    check(found, cpus)
    said = lines(found)
    assert any(WORKED in line for line in said) and found.statistics["counters"]["shared_accesses"] > 10_000
    assert [line for line in said if line in LOAD] == LOAD, said[-20:]


def guest() -> tuple[Path, bytes]:
    """The big-endian kernel, with the load."""
    try:
        kernel, initrd = fetch("pseries64be")
    except FetchError as e:
        pytest.skip(str(e))
    return kernel, loaded(load_initrd(initrd))


def debians() -> tuple[Path, bytes]:
    """Debian's little-endian kernel, with the load."""
    try:
        kernel, busybox = debian.fetch()
    except FetchError as e:
        pytest.skip(str(e))
    return kernel, loaded(debian.self_check(busybox))


@pytest.mark.parametrize("files", [guest, debians], ids=["big-endian", "little-endian"])
def test_engines_agree_under_load(files: Any) -> None:
    kernel, disk = files()
    one, two = (run(kernel, disk, engine=e) for e in ("interpreter", "jit"))
    load_worked(one)
    assert same(one, two)


@pytest.mark.parametrize("files", [guest, debians], ids=["big-endian", "little-endian"])
def test_radix(files: Any) -> None:
    kernel, disk = files()
    found = run(kernel, disk, engine="interpreter", cpu="power9")
    load_worked(found)
    assert "MMU\t\t: Radix" in lines(found)


def test_four_cpus() -> None:
    """Each has a page of its own, at the same address."""
    kernel, disk = guest()
    load_worked(run(kernel, disk, cpus=4), 4)
