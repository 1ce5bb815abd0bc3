"""One process per measurement: its CPU time, wall time and peak memory, and medians of interleaved rounds."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

ROOT = Path(__file__).resolve().parent.parent
STARTED = "PPCDBT_BENCH_STARTED"  # time.monotonic_ns() when a child was started
TIMEOUT = 900.0
T = TypeVar("T")


class BenchError(Exception):
    """Said in one line."""


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process took. `rss` is its peak resident size in bytes."""

    user: float
    system: float
    wall: float
    rss: int
    output: str


def execute(command: Sequence[str], env: Mapping[str, str] | None = None, timeout: float = TIMEOUT,
            before: Callable[[], object] = lambda: None) -> Usage:  # fmt: skip
    """Run a command to its end. BenchError if it fails; `before` is called once it runs."""
    with TemporaryDirectory(prefix="ppcdbt-bench-") as folder:
        out, err = Path(folder, "out"), Path(folder, "err")
        with out.open("wb") as stdout, err.open("wb") as stderr:
            begin = time.monotonic()
            environment = {**os.environ, **(env or {}), STARTED: str(time.monotonic_ns())}
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr, env=environment)
            try:
                before()
                status, usage = _reap(process, begin + timeout)
            except BaseException:
                process.kill()
                process.wait()
                raise
            wall = time.monotonic() - begin
        process.returncode = os.waitstatus_to_exitcode(status)
        text = out.read_text(errors="surrogateescape")
        if process.returncode:
            lines = err.read_text(errors="replace").strip().splitlines() or text.strip().splitlines() or ["(it said nothing)"]
            raise BenchError(f"{' '.join(command[:6])}: status {process.returncode}: {lines[-1]}")
        return Usage(usage.ru_utime, usage.ru_stime, wall, usage.ru_maxrss * 1024, text)


def _reap(process: subprocess.Popen[bytes], deadline: float) -> tuple[int, Any]:
    """Wait for a process; its status and resource usage."""
    pause = 0.0005
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            return status, usage
        if time.monotonic() > deadline:
            raise BenchError(f"{process.args!r}: took too long")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.01)


@lru_cache(maxsize=None)
def _bytecode() -> Any:
    """A folder for compiled Python modules, filled once: a checkout that may not be written to must not cost every start."""
    folder = TemporaryDirectory(prefix="ppcdbt-bench-pyc-")
    modules = ("bench.child", "bench.child_run", "bench.child_start", "bench.child_compile", "runtime.cli.run", "runtime.stats", "runtime.console",
               "runtime.user.process", "runtime.loader", "runtime.machines.bare", "runtime.machines.pseries", "runtime.tiering", "guests.fetch", "platformdirs")  # fmt: skip
    code = "import importlib, sys\nfor m in sys.argv[1:]: importlib.import_module(m)"
    subprocess.run([sys.executable, "-c", code, *modules], env=os.environ | _python(folder.name), check=True, stdin=subprocess.DEVNULL)
    return folder


def _python(bytecode: str) -> dict[str, str]:
    path = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    return {"PYTHONPATH": path, "PYTHONPYCACHEPREFIX": bytecode, "PYTHONDONTWRITEBYTECODE": ""}


def python_environment() -> dict[str, str]:
    """What a child of ours needs: the way to our packages, and its modules compiled as an installation's are."""
    return _python(_bytecode().name)


def child(what: str, options: Mapping[str, Any], cache: Path | None = None) -> tuple[Usage, dict[str, Any]]:
    """Run a function of bench.child in a process of its own; what it took and what it reported."""
    env = python_environment() | ({} if cache is None else {"PPCDBT_CACHE": str(cache)})
    usage = execute([sys.executable, "-m", "bench.child", what, json.dumps(dict(options))], env)
    return usage, json.loads(usage.output.rsplit("\n", 2)[-2])


@contextmanager
def region_cache() -> Iterator[Path]:
    """A cache of its own without regions, but with the handlers and machinery that the user's cache has."""
    from dbt.backend.cache import directory

    with TemporaryDirectory(prefix="ppcdbt-bench-cache-") as name:
        folder = Path(name)
        for kind in ("linked", "handlers", "machinery", "keys"):
            there = Path(directory(), kind)
            there.mkdir(parents=True, exist_ok=True)
            (folder / kind).symlink_to(there.resolve())
        yield folder


def median(values: Iterable[float]) -> float:
    """The middle one."""
    return statistics.median(values)


def geomean(values: Iterable[float]) -> float | None:
    """Of positive numbers; None of none."""
    found = [v for v in values if v > 0]
    return statistics.geometric_mean(found) if found else None


def interleave(rounds: int, jobs: Mapping[str, Callable[[], T]], say: Callable[[str], object] = lambda text: None) -> dict[str, list[T]]:
    """Do every job once a round, in the same order: A B C A B C."""
    results: dict[str, list[T]] = {name: [] for name in jobs}
    for n in range(rounds):
        for name, job in jobs.items():
            say(f"round {n + 1} of {rounds}: {name}")
            results[name].append(job())
    return results


def environment() -> dict[str, Any]:
    """What the numbers depend on."""
    import platform
    import shutil
    from importlib.metadata import PackageNotFoundError, version

    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    def first_line(tool: str) -> str | None:
        path = shutil.which(tool)
        if path is None:
            return None
        out = subprocess.run([path, "--version"], capture_output=True, text=True).stdout
        return out.splitlines()[0] if out else None

    try:
        info = Path("/proc/cpuinfo").read_text()
        model = next((line.partition(":")[2].strip() for line in info.splitlines() if line.startswith("model name")), "")
    except OSError:
        model = platform.processor()
    commit = subprocess.run(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], capture_output=True, text=True)
    return {
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "cpu": model, "cores": len(os.sched_getaffinity(0)), "load": [round(x, 2) for x in os.getloadavg()],
        "system": f"{platform.system()} {platform.release()}", "commit": commit.stdout.strip() or None,
        "versions": {"python": platform.python_version()} | {p: of(p) for p in ("ppcdbt", "numba", "llvmlite", "numpy")}
        | {t: first_line(t) for t in ("gcc", "qemu-ppc64", "qemu-system-ppc64")},
    }  # fmt: skip
