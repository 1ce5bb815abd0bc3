"""`ppcdbt bench threads`: the same work by one thread and by several, with threads in turns, at once (`--parallel`) and under QEMU's user mode.

Wall seconds of whole processes, runs interleaved, caches warm. A scaling is the median of one thread over that of several: the work is the same.
A machine that is busy with other things shows less of it, for all.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guests import build

from .chart import chart
from .measure import execute, interleave, median, python_environment, region_cache
from .qemu import LITTLE as QEMU
from .table import Table

ENGINES = {"turns": (), "parallel": ("--parallel",)}
KINDS = {"compute": 400_000_000, "memory": 200_000_000, "float": 200_000_000, "atomic": 20_000_000, "mutex": 4_000_000}  # rounds
Say = Callable[[str], object]


def built(folder: Path) -> Path:
    """bench/threads.c, for ppc64le. BuildError without a compiler."""
    out = folder / "threads"
    build.run([build.tool(build.LITTLE + "gcc"), "-O2", "-static", Path(__file__).with_suffix(".c"), "-o", out])
    return out


def run(threads: int, rounds: int, quick: bool, say: Say) -> dict[str, Any]:
    """The measurement, as a report."""
    rows = []
    with TemporaryDirectory(prefix="ppcdbt-threads-") as name, region_cache() as cache:
        program = built(Path(name))
        engines = [*ENGINES, *([] if build.missing(QEMU) else [QEMU])]

        def command(engine: str, kind: str, count: int, work: int) -> Any:
            ours = [sys.executable, "-m", "runtime.cli", "run", *ENGINES.get(engine, ())]
            return execute([*([QEMU, "-cpu", "power9"] if engine == QEMU else ours), str(program), kind, str(count), str(work)],
                           {**python_environment(), "PPCDBT_CACHE": str(cache)})  # fmt: skip

        for kind, full in KINDS.items():
            work = full // 100 if quick else full
            for engine in ENGINES:  # its regions
                say(f"{kind}: {engine}, warming")
                command(engine, kind, 1, work), command(engine, kind, threads, work)
            runs = {f"{e} {n}": lambda e=e, n=n: command(e, kind, n, work) for e in engines for n in (1, threads)}  # type: ignore[misc]  # noqa: B023
            done = interleave(rounds, runs, lambda text, kind=kind: say(f"{kind}: {text}"))  # type: ignore[misc]
            wall = {key: median(u.wall for u in used) for key, used in done.items()}
            rows.append({
                "name": kind, "rounds": work, "wall": wall, "cpu": {key: median(u.user + u.system for u in used) for key, used in done.items()},
                "scaling": {e: wall[f"{e} 1"] / wall[f"{e} {threads}"] for e in engines},
                "right": len({u.output for used in done.values() for u in used}) == 1,
            })  # fmt: skip
    return {"rows": rows, "engines": engines, "threads": threads}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    n, engines = report["threads"], report["engines"]
    table = Table(f"Work by 1 thread and by {n}, wall seconds (medians)", ["work", *(f"{e}, {k}" for e in engines for k in (1, n))])
    scaling = Table(f"{n} threads: how much faster than 1", ["work", *engines])
    for row in report["rows"]:
        name = row["name"] + ("" if row["right"] else " WRONG")
        table.add(name, *(row["wall"][f"{e} {k}"] for e in engines for k in (1, n)))
        scaling.add(name, *(row["scaling"][e] for e in engines))
    return [table, scaling]


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    groups = [(row["name"], dict(row["scaling"])) for row in report["rows"]]
    return chart(f"ppcdbt: {report['threads']} threads", "times as fast as one", report["engines"], groups, note)
