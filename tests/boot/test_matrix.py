"""Debian's kernel on every machine we have of the kind: processor and translation, CPUs, way in, engine. Deterministic boots repeat exactly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bench.measure import region_cache
from guests import debian

from .debian_rig import boot, check, lines, same

pytestmark = pytest.mark.slow
TRANSLATIONS = [("power8", "hash"), ("power9", "radix"), ("power9", "hash")]


@pytest.mark.parametrize("firmware", ["none", "of"])
@pytest.mark.parametrize("cpus", [1, 4])
@pytest.mark.parametrize(("cpu", "mmu"), TRANSLATIONS)
def test_debian(files: tuple[Path, Path], cpu: str, mmu: Any, cpus: int, firmware: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twice interpreted, then compiled with an empty cache of regions and with a full one: four times the same."""
    disk = debian.self_check(files[1])
    options = {"cpu": cpu, "mmu": mmu, "cpus": cpus, "firmware": firmware}
    first, _ = boot(files[0], disk, engine="interpreter", **options)
    check(first, cpus)
    said = lines(first)
    assert any(line == f"MMU\t\t: {mmu.title()}" for line in said)
    assert ("Calling ibm,client-architecture-support... done" in said and "prom_hold_cpus: skipped" in said) == (firmware == "of")
    assert (first.statistics["interrupts"].get("system call vectored", 0) > 1000) == (cpu == "power9")  # glibc uses scv where the kernel offers it
    with region_cache() as folder:
        monkeypatch.setenv("PPCDBT_CACHE", str(folder))
        for engine, cached in (("interpreter", False), ("jit", False), ("jit", True)):
            again, _ = boot(files[0], disk, engine=engine, **options)
            assert same(first, again), (engine, cached, first.instructions, again.instructions)
            if cached:
                assert again.statistics["compiler"]["cached"] > 0  # how much is compiled in the first, a busy host decides


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize(("cpu", "mmu"), TRANSLATIONS[:2])
def test_in_parallel(files: tuple[Path, Path], cpu: str, mmu: Any, engine: Any) -> None:
    """Four CPUs on host threads: not the same every time, but the same results."""
    found, _ = boot(files[0], debian.self_check(files[1]), limit=1 << 62, cpu=cpu, mmu=mmu, cpus=4, parallel=True, engine=engine)
    check(found, 4)
