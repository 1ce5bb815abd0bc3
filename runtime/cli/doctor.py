"""Check this installation: versions, cache, optional tools, guests, and a short run on every engine.

Exit status 1 if something that is needed does not work; what is optional is only said.
"""

from __future__ import annotations

import argparse
import os
import platform
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("numba", "llvmlite", "numpy", "platformdirs", "rich", "pyelftools")
TOOLS = {
    "qemu-ppc64": "qemu-user", "qemu-system-ppc64": "qemu-system-ppc",
    "powerpc64-linux-gnu-gcc": "gcc-powerpc64-linux-gnu", "powerpc64-linux-gnu-as": "binutils-powerpc64-linux-gnu",
    "powerpc-linux-gnu-gcc": "gcc-powerpc-linux-gnu",
}  # fmt: skip
# li r3,6; mulli r3,r3,7; lis r4,0xf000; stw r3,8(r4): exit status 42
SELF_TEST = bytes.fromhex("38600006 1c630007 3c80f000 78840020 90640008")


class Checks:
    """Prints a line a check; `failed` counts what is needed and does not work."""

    def __init__(self) -> None:
        self.failed = 0

    def say(self, state: str, name: str, text: str) -> None:
        print(f"{state:>8}  {name:<26} {text}".rstrip(), flush=True)

    def check(self, name: str, fn: Callable[[], str], *, needed: bool = True) -> None:
        """Run a check; what it raises is its failure."""
        try:
            self.say("ok", name, fn())
        except Exception as e:
            self.failed += needed
            self.say("FAILED" if needed else "missing", name, str(e).splitlines()[0] if str(e) else type(e).__name__)


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--no-run", action="store_true", help="leave the self-test run out")


def run(options: Any) -> int:
    c = Checks()
    c.check("python", python)
    c.check("host", host)
    for name in PACKAGES:
        c.check(name, lambda name=name: version(name))  # type: ignore[misc]
    c.check("cache", cache_folder)
    c.check("compiled code", cache_state, needed=False)
    for tool, package in TOOLS.items():
        c.check(tool, lambda tool=tool, package=package: find(tool, package), needed=False)  # type: ignore[misc]
    c.check("guest pseries64be", guest, needed=False)
    if not options.no_run:
        for engine in ("interpreter", "jit", "reference"):
            c.check(f"self-test, {engine}", lambda engine=engine: self_test(engine))  # type: ignore[misc]
    print(f"\n{'everything that is needed works' if not c.failed else f'{c.failed} checks failed'}")
    return 1 if c.failed else 0


def python() -> str:
    return f"{platform.python_version()} ({sys.executable})"


def host() -> str:
    if platform.machine() != "x86_64" or sys.platform != "linux":
        raise RuntimeError(f"{sys.platform} on {platform.machine()}: Linux on x86-64 is needed")
    return f"{platform.system()} {platform.release()} on {platform.machine()}, {len(os.sched_getaffinity(0))} CPUs"


def version(package: str) -> str:
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as of

    try:
        return of(package)
    except PackageNotFoundError:
        raise RuntimeError("not installed: make install") from None


def cache_folder() -> str:
    from dbt.backend import cache

    folder = cache.directory()
    os.makedirs(folder, exist_ok=True)
    if not os.access(folder, os.W_OK):
        raise RuntimeError(f"{folder} cannot be written: every start compiles anew (set ${cache.ENVIRONMENT})")
    return folder


def cache_state() -> str:
    from dbt.backend import cache

    found = cache.entries()
    if not any(kind == "handlers" for kind, _, _ in found):
        raise RuntimeError("nothing cached yet: the first start compiles for about half a minute")
    return f"{len(found)} files, {sum(size for _, _, size in found) / 1e6:.0f} MB"


def find(tool: str, package: str) -> str:
    path = shutil.which(tool)
    if path is None:
        raise RuntimeError(f"optional: apt-get install {package}")
    answer = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout.splitlines()
    return answer[0] if answer else path


def guest() -> str:
    images = ROOT.parent / "shared" / "guests" / "images" / "pseries64be"
    if images.is_dir():
        return str(images)
    from platformdirs import user_cache_dir

    built = sorted(Path(user_cache_dir("ppcdbt"), "guests").glob("pseries64be-*/vmlinux"))
    if not built:
        raise RuntimeError("not built yet: ppcdbt boot does it (needs apt and cross compilers: guests/README.md)")
    return str(built[-1].parent)


def self_test(engine: Any) -> str:
    from runtime.console import NullConsole
    from runtime.events import Shutdown
    from runtime.loader.elf import Image, Segment
    from runtime.machines.bare import BareMachine

    from .progress import compiling

    start = time.perf_counter()
    machine = BareMachine(NullConsole(), memory=1 << 20, engine=engine, progress=compiling)
    try:
        machine.load(Image("self-test", 64, False, 0x1000, (Segment(0x1000, 0x1000, SELF_TEST, len(SELF_TEST)),)))
        event = machine.run(1000)
    finally:
        machine.close()
    if event != Shutdown(42):
        raise RuntimeError(f"a five-instruction program gave {event}, not Shutdown(status=42)")
    return f"{(time.perf_counter() - start) * 1000:.0f} ms"
