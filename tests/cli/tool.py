"""Runs the command in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from ..limits import PATIENCE

ROOT = Path(__file__).parents[2]
BUILT = ROOT / "guests" / "built"
HELLO = str(BUILT / "hello.elf")


def ppcdbt(*arguments: str, input: str = "", cwd: Path = ROOT, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
    """The finished command, with its output as text."""
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-m", "runtime.cli", *arguments], cwd=cwd, env=env, input=input, capture_output=True,
                          text=True, timeout=timeout, check=False)  # fmt: skip
    # The first start after a change of the sources says that it compiles.
    done.stderr = "".join(line for line in done.stderr.splitlines(True) if not line.startswith(("compiling the", "compiled the")))
    return done
