"""Page tables full of noise: every walk ends in a page or a fault, on every engine."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from ..limits import many
from .machine import elf
from .noise import noise
from .process import boot, survives


@pytest.mark.parametrize("tables", ["hash", "radix"])
def test_noise(tables: str) -> None:
    survives("tables", tables, "jit", 1, 250, "hot_threshold=30")


def test_linux() -> None:
    """The kernel's own tables, in the middle of its start."""
    survives("tables", "kernel", "jit", 1, 1, "cpu=power8")
    survives("tables", "kernel", "jit", 1, 1, "cpu=power9")


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
def test_limits(tmp_path: Path, engine: str) -> None:
    """A guest that does this itself is ended by --timeout and --max-instructions."""
    kernel = elf(tmp_path / "noise.elf", noise())
    done = boot(kernel, "--engine", engine, "--cpu", "power9", "--timeout", "1")
    assert done.returncode == 124 and "(--timeout); pc 0x" in done.stderr, done.stderr
    done = boot(kernel, "--engine", engine, "--cpu", "power9", "--max-instructions", "5M", "--stats")
    assert done.returncode == 124 and "(--max-instructions); pc 0x" in done.stderr, done.stderr
    counts = {name: int(n.replace(",", "")) for name, n in re.findall(r"^ *([\w ]+?) {2,}([\d,]+)$", done.stderr, re.MULTILINE)}
    assert min(counts["data storage"], counts["instruction storage"]) > 1000 and counts["walk_misses"] > 10_000, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
@pytest.mark.parametrize("tables", ["hash", "radix"])
def test_more_noise(tables: str, engine: str) -> None:
    for seed in (2, 3):
        survives("tables", tables, engine, seed, many(100 if engine == "reference" else 3000), "hot_threshold=30")


@pytest.mark.slow
@pytest.mark.parametrize("options", ["cpu=power8", "cpu=power9", "cpu=power8 cpus=4", "cpu=power9 cpus=4"])
@pytest.mark.parametrize("engine", ["interpreter", "jit"])
def test_more_of_linux(engine: str, options: str) -> None:
    survives("tables", "kernel", engine, 2, many(12), *options.split())
