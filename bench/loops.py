"""`ppcdbt bench loops`: the workloads of guests/bench on our engines, on QEMU and on this machine itself.

Seconds are user CPU seconds of a whole process, less those of the same process with no rounds to do (start-up, loading,
and what the workload prepares); instructions likewise. The jit's first run fills an empty cache of regions and is
reported apart; the rounds that are measured find it warm.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guests import build

from . import qemu
from .chart import chart
from .measure import BenchError, Usage, child, execute, geomean, interleave, median, python_environment, region_cache
from .table import Table

OURS = ("interpreter", "jit")
LINUX = "jit-linux"  # our jit on the program that QEMU's user mode runs: storage directly in the host's, no software TLB
QEMU_USER, QEMU_SYSTEM, NATIVE = "qemu-user", "qemu-system", "native"
ENGINES = (*OURS, LINUX, QEMU_USER, QEMU_SYSTEM, NATIVE)
TWINS = {LINUX: ("linux", ""), QEMU_USER: ("linux", qemu.USER), QEMU_SYSTEM: ("pseries", qemu.SYSTEM), NATIVE: ("native", "gcc")}
WARM = ("--warm", "60")
LEAST = 0.005  # seconds below which a difference of two runs says nothing
Say = Callable[[str], object]


@dataclass(frozen=True)
class Job:
    """A workload, how many rounds of it, and the result if it is known."""

    workload: build.Workload
    reps: int
    expected: str | None

    @property
    def name(self) -> str:
        return self.workload.name


def jobs(only: Sequence[str], quick: bool, scale: float) -> list[Job]:
    """What to run. BenchError names a workload that does not exist."""
    table = {w.name: w for w in build.workloads()}
    if unknown := [n for n in only if n not in table]:
        raise BenchError(f"no workload {', '.join(unknown)}: there are {', '.join(table)}")
    found = []
    for w in table.values():
        if only and w.name not in only:
            continue
        reps = w.quick.reps if quick else max(1, round(w.full.reps * scale))
        known = {w.full.reps: w.full.result, w.quick.reps: w.quick.result}
        found.append(Job(w, reps, known.get(reps)))
    return found


class Runner:
    """Runs a workload on an engine, with what that engine needs in a folder."""

    def __init__(self, folder: Path, cache: Path, engines: Sequence[str]) -> None:
        self._folder, self._cache = folder, cache
        self.left_out: dict[str, str] = {}
        for engine, (target, tool) in TWINS.items():
            if engine not in engines:
                continue
            reason = build.missing(tool) if tool else None
            if reason is None and not (folder / target).exists():
                (folder / target).mkdir()
                try:
                    build.HOST_BUILDS[target](folder / target)
                except build.BuildError as e:
                    reason = str(e)
                    shutil.rmtree(folder / target)
            if reason is not None:
                self.left_out[engine] = reason
        self.engines = [e for e in ENGINES if e in engines and e not in self.left_out]

    def run(self, engine: str, job: Job, reps: int, options: Sequence[str] = ()) -> tuple[Usage, dict[str, Any]]:
        """One process; what it took, and at least the "result" it printed. `options`: of `ppcdbt run`."""
        if engine in OURS:
            program = str(build.BUILT / f"bench-{job.name}.elf")
            return child("loop", {"engine": engine, "program": program, "reps": reps}, self._cache)
        env: Mapping[str, str] = {}
        if engine == QEMU_SYSTEM:
            program = str(self._folder / "pseries" / f"bench-{job.name}")
            patched = qemu.with_reps(Path(program), reps, self._folder / "program")
            usage = execute(build.pseries_command(patched))
        else:
            target = TWINS[engine][0]
            prefix = [shutil.which(qemu.USER) or qemu.USER] if engine == QEMU_USER else []
            if engine == LINUX:
                prefix = [sys.executable, "-m", "runtime.cli", "run", *options]
                env = python_environment() | {"PPCDBT_CACHE": str(self._cache)}
            usage = execute([*prefix, str(self._folder / target / job.name), str(reps)], env)
        words = usage.output.split()
        return usage, {"result": words[-1] if words else ""}


def measure(job: Job, runner: Runner, rounds: int, say: Say) -> dict[str, Any]:
    """A row of the report."""
    engines: dict[str, dict[str, Any]] = {e: {} for e in runner.engines}
    if "jit" in engines:
        say(f"{job.name}: jit, cold")
        usage, report = runner.run("jit", job, job.reps)
        engines["jit"] |= {"cold_user": usage.user, "cold_wall": usage.wall, "cold_compiled": report["compiler"]["compiled"]}
    if LINUX in engines:
        say(f"{job.name}: {LINUX}, warming")
        runner.run(LINUX, job, job.reps, WARM)
    work: dict[str, Callable[[], tuple[Usage, dict[str, Any]]]] = {}
    for engine in runner.engines:
        work[f"{engine}, start-up"] = lambda engine=engine: runner.run(engine, job, 0)  # type: ignore[misc]
        work[engine] = lambda engine=engine: runner.run(engine, job, job.reps)  # type: ignore[misc]
    done = interleave(rounds, work, lambda text: say(f"{job.name}: {text}"))
    counts: set[int] = set()
    for engine, row in engines.items():
        full, start = done[engine], done[f"{engine}, start-up"]
        row["user"], row["startup_user"] = [u.user for u, _ in full], [u.user for u, _ in start]
        row["wall"], row["startup_wall"] = [u.wall for u, _ in full], [u.wall for u, _ in start]
        row["rss"] = max(u.rss for u, _ in full)
        row["results"] = sorted({r["result"] for _, r in full})
        seconds = median(row["user"]) - median(row["startup_user"])
        row["seconds"] = seconds if seconds >= LEAST else None
        if engine in OURS:
            counts |= {r["instructions"] - s["instructions"] for (_, r), (_, s) in zip(full, start, strict=True)}
        if engine == "jit":
            row["compiler"] = full[-1][1]["compiler"]
    if not counts:
        _, whole = child("loop", {"engine": "interpreter", "program": str(build.BUILT / f"bench-{job.name}.elf"), "reps": job.reps})
        counts = {whole["instructions"]}
    instructions = max(counts)
    for row in engines.values():
        row["mips"] = instructions / row["seconds"] / 1e6 if row["seconds"] else None
    results = {r for row in engines.values() for r in row["results"]}
    right = len(results) == 1 and (job.expected is None or results == {job.expected}) and len(counts) == 1
    return {
        "name": job.name, "kind": job.workload.kind, "reps": job.reps, "expected": job.expected, "instructions": instructions,
        "right": right, "engines": engines,
    }  # fmt: skip


def ratio(row: Mapping[str, Any], engine: str, base: str) -> float | None:
    """How many times as fast as `base`."""
    mips = [row["engines"].get(e, {}).get("mips") for e in (engine, base)]
    return mips[0] / mips[1] if mips[0] and mips[1] else None


def summarise(rows: Sequence[Mapping[str, Any]], engines: Sequence[str]) -> dict[str, Any]:
    """Geometric means by kind: of MIPS, and of the ratios to the engines that ratios are given to."""
    out: dict[str, Any] = {}
    for kind in dict.fromkeys(r["kind"] for r in rows):
        these = [r for r in rows if r["kind"] == kind]
        mips = {e: geomean(r["engines"][e]["mips"] or 0 for r in these) for e in engines}
        ratios = {f"{e}/{b}": geomean(ratio(r, e, b) or 0 for r in these) for e, b in pairs(engines)}
        out[kind] = {"workloads": len(these), "mips": mips, "ratios": ratios}
    return out


def pairs(engines: Sequence[str]) -> list[tuple[str, str]]:
    """Which engines are compared with which."""
    wanted = [("jit", "interpreter"), (LINUX, QEMU_USER)] + [(e, q) for q in (QEMU_USER, QEMU_SYSTEM, NATIVE) for e in OURS]
    return [(e, b) for e, b in wanted if e in engines and b in engines]


def run(engines: Sequence[str], only: Sequence[str], rounds: int, quick: bool, scale: float, say: Say) -> dict[str, Any]:
    """The whole measurement, as a report."""
    todo = jobs(only, quick, scale)
    with TemporaryDirectory(prefix="ppcdbt-bench-") as name, region_cache() as cache:
        say("building the programs for the host")
        runner = Runner(Path(name), cache, engines)
        if any(e in OURS for e in runner.engines) and todo:
            say("making sure that the interpreter is compiled")
            runner.run("interpreter", todo[0], 0)
        rows = [measure(job, runner, rounds, say) for job in todo]
        return {"rows": rows, "left_out": runner.left_out, "engines": runner.engines, "summary": summarise(rows, runner.engines)}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    engines, compared = report["engines"], pairs(report["engines"])
    short = {LINUX: "linux", QEMU_USER: "user", QEMU_SYSTEM: "system", "interpreter": "int"}
    mips = Table("Guest MIPS (user CPU seconds without start-up; medians)", ["workload", "Minsns", *engines, *(
        f"{short.get(e, e)}/{short.get(b, b)}" for e, b in compared)])  # fmt: skip
    for row in report["rows"]:
        cells = [row["engines"][e]["mips"] for e in engines] + [ratio(row, e, b) for e, b in compared]
        mips.add(row["name"] + ("" if row["right"] else " WRONG"), row["instructions"] / 1e6, *cells)
    mips.rule()
    for kind, means in report["summary"].items():
        mips.add(f"geomean {kind}", None, *(means["mips"][e] for e in engines), *(means["ratios"][f"{e}/{b}"] for e, b in compared))
    mips.notes = [f"left out: {e}: {why}" for e, why in report["left_out"].items()]
    out = [mips]
    if "jit" in engines:
        cold = Table("jit, whole process, user CPU seconds", ["workload", "cold", "warm", "start-up", "regions", "compiled warm"])
        for row in report["rows"]:
            j = row["engines"]["jit"]
            cold.add(row["name"], j["cold_user"], median(j["user"]), median(j["startup_user"]), j["compiler"]["installed"],
                     j["compiler"]["compiled"])  # fmt: skip
        out.append(cold)
    return out


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    engines = report["engines"]
    groups = [(r["name"], {e: r["engines"][e]["mips"] for e in engines}) for r in report["rows"]]
    groups += [(f"geomean {k}", s["mips"]) for k, s in report["summary"].items()]
    return chart("ppcdbt: guest workloads", "guest MIPS", engines, groups, note, logarithmic=True)
