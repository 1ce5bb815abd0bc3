"""GCC's execution tests, on three ABIs: what QEMU passes we pass too, on both engines (torture.py)."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..limits import PATIENCE
from .torture import ABIS, sources

ROOT = Path(__file__).parent.parent.parent
MOST = 1590  # QEMU passes at least so many: fewer would mean that something else is broken


def run(abi: str, *options: str) -> list[str]:
    """The counts, a line an engine; the test fails if one of ours did."""
    for tool in ABIS[abi]:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    try:
        sources()
    except (OSError, subprocess.CalledProcessError, StopIteration):
        pytest.skip("Debian's gcc-12-source cannot be downloaded")
    command = [sys.executable, "-m", "tests.user.torture", abi, "--engine", "interpreter", "jit", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    print(done.stdout)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    return [line for line in done.stdout.splitlines() if line.startswith(abi)]


@pytest.mark.slow
@pytest.mark.parametrize("abi", ABIS)
def test_all(abi: str) -> None:
    lines = run(abi, "--all")
    assert len(lines) == 2
    for line in lines:
        counts = {word.rpartition(" ")[0]: int(word.rpartition(" ")[2]) for word in line.partition(": ")[2].split(", ")[:4]}
        assert counts["ours of those"] == counts["qemu passes"] > MOST
