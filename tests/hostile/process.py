"""Runs what may kill a process in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import runtime

from ..limits import PATIENCE

ROOT = Path(next(iter(runtime.__path__))).parent


def survives(module: str, *arguments: object) -> None:
    """A module of this folder as a program; it says `survived` at its end. What its guests print may be any bytes."""
    command = [sys.executable, "-m", f"tests.hostile.{module}", *map(str, arguments)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, errors="backslashreplace", timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, check=False)  # fmt: skip
    except subprocess.TimeoutExpired:
        pytest.fail(f"{' '.join(command[1:])} hangs")
    said = f"{' '.join(command[1:])}: status {done.returncode}\n{done.stdout[-500:]}\n{done.stderr[-3000:]}"
    assert done.returncode == 0 and done.stdout.endswith("survived\n"), said
    print(said)


def boot(kernel: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """`ppcdbt boot`, with what must not be in its output."""
    command = [sys.executable, "-m", "runtime.cli", "boot", "--kernel", str(kernel), "--memory", "64M", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, stdin=subprocess.DEVNULL, check=False)
    assert "Traceback" not in done.stderr and "internal error" not in done.stderr, done.stderr
    return done
