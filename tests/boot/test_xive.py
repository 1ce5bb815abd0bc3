"""Debian's kernel with XIVE: told so by the tree, or by its own choice through Open Firmware."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from guests import debian

from .debian_rig import boot, check, lines, same

pytestmark = pytest.mark.slow
POWER9: dict[str, Any] = {"cpu": "power9"}


def uses_xive(said: list[str]) -> bool:
    return any("xive: Interrupt handling initialized with spapr backend" in line for line in said)


@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize("mmu", ["radix", "hash"])
def test_by_the_tree(files: tuple[Path, Path], mmu: Any, cpus: int) -> None:
    """Both engines to the same end, and interrupts as many as XIVE presented."""
    disk = debian.self_check(files[1])
    first, second = (boot(files[0], disk, interrupts="xive", mmu=mmu, cpus=cpus, engine=engine, **POWER9)[0] for engine in ("interpreter", "jit"))
    check(first, cpus)
    assert uses_xive(lines(first))
    assert same(first, second)
    counters = first.statistics["counters"]
    assert counters["tima_loads"] == first.statistics["interrupts"].get("external", 0)
    assert (counters["events_queued"] > 500) == (cpus > 1)
    assert not [name for name in counters if name in ("hcall_xirr", "hcall_eoi", "hcall_ipi")]


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
def test_in_parallel(files: tuple[Path, Path], engine: Any) -> None:
    disk = debian.self_check(files[1])
    found, _ = boot(files[0], disk, limit=1 << 62, interrupts="xive", cpus=4, parallel=True, engine=engine, **POWER9)
    check(found, 4)
    assert uses_xive(lines(found))


@pytest.mark.parametrize(("append", "expected"), [("console=hvc0", True), ("console=hvc0 xive=off", False)])
def test_by_choice(files: tuple[Path, Path], append: str, expected: bool) -> None:
    """Open Firmware offers both; the kernel takes XIVE unless it was told not to."""
    found, _ = boot(files[0], debian.self_check(files[1]), firmware="of", append=append, cpus=2, **POWER9)
    check(found, 2)
    assert uses_xive(lines(found)) == expected
