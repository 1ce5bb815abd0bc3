"""`ppcdbt bench programs`: Debian's programs for ppc64el (guests/programs.py), with our jit and under QEMU's user mode.

CPU seconds, user and system, of whole processes and their children. The first run of a program finds no regions of its own in the
cache (some of the libraries' may be there, from the programs before it); then one with `--warm` fills it; the rounds find it warm.

A row is printed when it is complete. With a file to keep rows in, a measurement that was broken off goes on where it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guests.build import missing
from guests.programs import ENVIRONMENT, PROGRAMS, Program, inputs

from .chart import chart
from .measure import BenchError, environment, interleave, median, python_environment, region_cache
from .qemu import LITTLE as QEMU
from .table import Table

ENGINES = ("interpreter", "jit", QEMU)
CPU = "power9"
TIMEOUT = 300.0  # seconds of one run
WARM = 0.4  # of that, for --warm at most
Say = Callable[[str], object]


class TookTooLong(BenchError):
    """A run was ended."""


@dataclass(frozen=True)
class Result:
    """What a program did, and the CPU and wall seconds it took. `status` is negative for a signal."""

    status: int
    output: bytes
    errors: bytes
    cpu: float
    wall: float


def command(engine: str, root: Path, options: Sequence[str] = ()) -> list[str]:
    """What a program's path and arguments are appended to."""
    if engine == QEMU:
        return [QEMU, "-cpu", CPU, "-L", str(root)]
    ours = [word for name in (*python_environment(), "PPCDBT_CACHE") for word in ("-U", name)]
    return [sys.executable, "-m", "runtime.cli", "run", "--engine", engine, "-cpu", CPU, "-L", str(root), *ours, *options]


def run_program(program: Program, engine: str, root: Path, cache: Path | None = None, options: Sequence[str] = (), timeout: float = TIMEOUT) -> Result:
    """One run in a fresh folder. TookTooLong after `timeout` seconds."""
    environment = dict(ENVIRONMENT)
    if engine != QEMU:
        environment |= python_environment()
        place = cache or os.environ.get("PPCDBT_CACHE")
        environment |= {"PPCDBT_CACHE": str(place)} if place else {"XDG_CACHE_HOME": os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))}
    with TemporaryDirectory(prefix="ppcdbt-program-") as name:
        folder = Path(name, "work")
        folder.mkdir()
        inputs(folder)
        files = [Path(name, "out"), Path(name, "err")]
        arguments = [a.replace("{root}", str(root)) for a in program.arguments]
        source = folder / program.stdin if program.stdin else Path(os.devnull)
        with source.open("rb") as stdin, files[0].open("wb") as out, files[1].open("wb") as err:
            begin = time.monotonic()
            process = subprocess.Popen([*command(engine, root, options), str(root / program.path), *arguments], cwd=folder, env=environment,
                                       stdin=stdin, stdout=out, stderr=err, start_new_session=True)  # fmt: skip
            usage = _reap(process, begin + timeout)
        return Result(process.returncode, files[0].read_bytes(), files[1].read_bytes(), usage.ru_utime + usage.ru_stime, time.monotonic() - begin)


def _reap(process: subprocess.Popen[bytes], deadline: float) -> Any:
    """Wait for a process; what it and its children used."""
    pause = 0.001
    while True:
        pid, status, usage = os.wait4(process.pid, os.WNOHANG)
        if pid:
            process.returncode = os.waitstatus_to_exitcode(status)
            return usage
        if time.monotonic() > deadline:
            os.killpg(process.pid, 9)
            process.wait()
            raise TookTooLong(f"{process.args!r}: took too long")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.02)


def chosen(only: Sequence[str], quick: bool) -> list[Program]:
    """The programs whose names begin with one of `only`. BenchError if there is none."""
    found = [p for p in PROGRAMS if (not only or p.name.startswith(tuple(only))) and (p.quick or not quick)]
    if not found:
        raise BenchError(f"no program {', '.join(only)}: there are {', '.join(p.name for p in PROGRAMS)}")
    return found


def measure(program: Program, engines: Sequence[str], root: Path, cache: Path, rounds: int, quick: bool, say: Say, timeout: float) -> dict[str, Any]:
    """A row of the report. TookTooLong if one of the runs does."""
    row: dict[str, Any] = {"name": program.name, "engines": {e: {} for e in engines}}
    if "jit" in engines:
        say(f"{program.name}: jit, cold")
        row["engines"]["jit"]["cold"] = run_program(program, "jit", root, cache, (), timeout).cpu
        if not quick:
            say(f"{program.name}: jit, warming")
            run_program(program, "jit", root, cache, ("--warm", f"{WARM * timeout:.0f}"), timeout)
    work = {e: lambda e=e: run_program(program, e, root, cache, (), timeout) for e in engines}  # type: ignore[misc]
    done = interleave(rounds, work, lambda text: say(f"{program.name}: {text}"))
    for engine, results in done.items():
        row["engines"][engine] |= {"cpu": [r.cpu for r in results], "wall": [r.wall for r in results], "seconds": median(r.cpu for r in results)}
    ends = {(r.status, r.output if program.output else b"") for results in done.values() for r in results}
    row["right"], row["status"] = len(ends) == 1, sorted({status for status, _ in ends})
    return row


class Kept:
    """Rows of a measurement, in a file as soon as they are complete (`path` None: nowhere). BenchError for rows that were measured otherwise."""

    def __init__(self, path: Path | None, settings: Mapping[str, Any]) -> None:
        self._path, self._settings = path, dict(settings)
        self.rows: list[dict[str, Any]] = []
        if path is not None and path.exists():
            known = json.loads(path.read_text())
            if known["settings"] != self._settings:
                raise BenchError(f"{path}: rows measured with {known['settings']}, not with {self._settings}: remove it, or give another file")
            self.rows = known["rows"]

    def add(self, row: dict[str, Any]) -> None:
        """One more."""
        self.rows.append(row)
        if self._path is not None:
            self._path.write_text(json.dumps({"settings": self._settings, "rows": self.rows}, indent=1) + "\n")


def line(row: Mapping[str, Any]) -> str:
    """A row in words, for who waits."""
    if "failed" in row:
        return f"{row['name']}: {row['failed']}"
    by = row["engines"]
    ratio = f", {by['jit']['seconds'] / by[QEMU]['seconds']:.2f} times QEMU" if "jit" in by and QEMU in by else ""
    seconds = ", ".join(f"{e} {r['seconds']:.2f}" for e, r in by.items())
    return f"{row['name']}: {seconds}{ratio}{'' if row['right'] else ', WRONG'}"


def run(engines: Sequence[str], only: Sequence[str], rounds: int, quick: bool, say: Say, timeout: float = TIMEOUT, keep: Path | None = None,
        show: Say = lambda text: None) -> dict[str, Any]:  # fmt: skip
    """The measurement, as a report; rows are shown one by one."""
    from guests.packages import FetchError
    from guests.rootfs import rootfs

    programs = chosen(only, quick)
    reason = missing(QEMU)
    left_out = {QEMU: reason} if reason else {}
    engines = [e for e in engines if e not in left_out]
    try:
        root = rootfs(lambda stage, detail: say(f"{stage} {detail}"))
    except FetchError as e:
        raise BenchError(str(e)) from None
    kept = Kept(keep, {"engines": engines, "rounds": rounds, "quick": quick, "commit": environment()["commit"]})
    with region_cache() as cache:
        for p in programs:
            if any(row["name"] == p.name for row in kept.rows):
                continue
            try:
                kept.add(measure(p, engines, root, cache, rounds, quick, say, timeout))
            except TookTooLong:
                kept.add({"name": p.name, "failed": f"a run took more than {timeout:.0f} s", "right": False})
            show(line(kept.rows[-1]))
    order = [p.name for p in programs]
    rows = sorted((row for row in kept.rows if row["name"] in order), key=lambda row: order.index(row["name"]))
    complete = [row for row in rows if "failed" not in row]
    total = {e: sum(r["engines"][e]["seconds"] for r in complete) for e in engines}
    if "jit" in total:
        total["jit, cold"] = sum(r["engines"]["jit"]["cold"] for r in complete)
    ratios = {e: t / total[QEMU] for e, t in total.items()} if total.get(QEMU) else {}
    return {"rows": rows, "engines": engines, "left_out": left_out, "total": total, "times_qemu": ratios}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    engines = report["engines"]
    table = Table("Programs of Debian 12 ppc64el, CPU seconds (user and system, whole processes; medians)",
                  ["program", *engines, *(["jit, cold"] if "jit" in engines else []), "jit/QEMU"])  # fmt: skip
    for row in report["rows"]:
        if "failed" in row:
            continue
        by = row["engines"]
        ratio = by["jit"]["seconds"] / by[QEMU]["seconds"] if "jit" in by and QEMU in by else None
        table.add(row["name"] + ("" if row["right"] else " WRONG"), *(by[e]["seconds"] for e in engines), *([by["jit"]["cold"]] if "jit" in by else []),
                  ratio)  # fmt: skip
    table.rule()
    total, ratios = report["total"], report["times_qemu"]
    columns = [*engines, *(["jit, cold"] if "jit" in engines else [])]
    table.add("total", *(total[c] for c in columns), ratios.get("jit"))
    if ratios:
        table.add("of QEMU", *(ratios[c] for c in columns), None)
    table.notes = [f"left out: {e}: {why}" for e, why in report["left_out"].items()] + [line(row) for row in report["rows"] if "failed" in row]
    return [table]


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    groups = [(r["name"], {e: r["engines"][e]["seconds"] for e in report["engines"]}) for r in report["rows"] if "failed" not in r]
    return chart("ppcdbt: Debian's programs", "CPU seconds", report["engines"], groups, note)
