"""Debian's programs for ppc64el do the same here and under QEMU: output and exit status (guests/programs.py is the list)."""

from __future__ import annotations

import shutil

import pytest

from bench.programs import QEMU, run_program
from guests.programs import PROGRAMS, Program

from .rootfs import debian

FIRST = ("busybox sha256sum", "bash", "lua5.4", "python3 math")  # without being asked for slow tests
pytestmark = pytest.mark.skipif(shutil.which(QEMU) is None, reason=f"{QEMU} is not installed")


def check(program: Program, engine: str) -> None:
    """The same output, standard error and status."""
    root = debian()
    expected, got = run_program(program, QEMU, root), run_program(program, engine, root)
    assert got.status == expected.status, got.errors.decode(errors="replace")
    if program.output:
        assert got.output == expected.output
        assert got.errors == b"".join(line for line in expected.errors.splitlines(True) if not line.startswith(b"qemu:"))


@pytest.mark.parametrize("name", FIRST)
def test_a_few(name: str) -> None:
    check(next(p for p in PROGRAMS if p.name == name), "jit")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["interpreter", "jit"])
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda p: p.name)
def test_all(program: Program, engine: str) -> None:
    check(program, engine)
