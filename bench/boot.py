"""`ppcdbt bench boot`: a kernel to its power-off, on our engines and on QEMU without firmware."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from guests.build import missing

from . import qemu
from .chart import chart
from .measure import Usage, child, interleave, median, region_cache
from .table import Table

ENGINES = ("interpreter", "jit", "jit-parallel", "qemu-system", "qemu-parallel")
QEMU = ("qemu-system", "qemu-parallel")
PARALLEL = ("jit-parallel", "qemu-parallel")  # a host thread for each of several CPUs
OVERHEAD = 200 << 20  # bytes that may be resident besides the guest's RAM
Say = Callable[[str], object]


def run(guest: str, engines: Sequence[str], rounds: int, warmups: int, memory: int, say: Say, instructions: int | None = None,
        cpu: str = "power8", smp: int = 1, empty: bool = False) -> dict[str, Any]:  # fmt: skip
    """The measurement, as a report. `instructions` ends our boots early (for tests). `smp`: CPUs; one needs no threads.

    `empty`: one boot more of each engine of ours, from a cache with nothing in it."""
    left_out: dict[str, str] = {}
    if smp == 1:
        engines = [e for e in engines if e not in PARALLEL]
    if reason := missing(qemu.SYSTEM):
        left_out = {e: reason for e in QEMU if e in engines}
    engines = [e for e in ENGINES if e in engines and e not in left_out]
    rows: dict[str, dict[str, Any]] = {e: {} for e in engines}
    with region_cache() as cache:

        def ours(engine: str, folder: Path = cache) -> tuple[Usage, dict[str, Any]]:
            options = {"guest": guest, "engine": engine.removesuffix("-parallel"), "memory": memory, "privileged": "inline", "cpu": cpu,
                       "smp": smp, "parallel": engine in PARALLEL, "max_instructions": instructions}  # fmt: skip
            return child("boot", options, folder)

        def qemus(engine: str) -> tuple[Usage, dict[str, Any]]:
            usage = qemu.boot(guest, memory, cpu, smp, engine in PARALLEL)
            return usage, {"peak_rss": usage.rss}

        for jit in (e for e in ("jit", "jit-parallel") if e in engines):  # their regions differ
            for n in range(warmups):
                say(f"{jit}: cold, then warming ({n + 1} of at most {warmups})")
                usage, report = ours(jit)
                compiler = report["statistics"]["compiler"]
                rows[jit].setdefault("cold", {"user": usage.user, "wall": usage.wall, "compiler": compiler})
                rows[jit]["warmups"] = n + 1
                if n and not compiler["compiled"]:
                    break
        for e in engines if empty else ():
            if e not in QEMU:
                say(f"{e}: from an empty cache")
                with TemporaryDirectory(prefix="ppcdbt-bench-empty-") as name:
                    usage, _ = ours(e, Path(name))
                rows[e]["empty"] = {"user": usage.user, "wall": usage.wall}
        work = {e: lambda e=e: (qemus if e in QEMU else ours)(e) for e in engines}  # type: ignore[misc]
        done = interleave(rounds, work, say)
    for engine, row in rows.items():
        usages, reports = [u for u, _ in done[engine]], [r for _, r in done[engine]]
        row |= {"user": [u.user for u in usages], "system": [u.system for u in usages], "wall": [u.wall for u in usages]}
        row["seconds"] = median(row["user"])
        row["peak_rss"] = max(r["peak_rss"] for r in reports)
        if engine in QEMU:
            continue
        last = reports[-1]
        row |= {"setup_cpu": median(r["setup_cpu"] for r in reports), "run_cpu": median(r["run_cpu"] for r in reports)}
        row |= {k: last[k] for k in ("console_sha256", "guest_ram_touched", "statistics")}
        row["instructions"] = last["statistics"]["instructions"]
        row["mips"] = row["instructions"] / row["run_cpu"] / 1e6
        row["over_ram"] = row["peak_rss"] - row["guest_ram_touched"]
    seen = {(r["instructions"], r["console_sha256"]) for e, r in rows.items() if e not in (*QEMU, *PARALLEL)}
    base = rows.get("qemu-system", {}).get("seconds")
    ratios = {e: r["seconds"] / base for e, r in rows.items()} if base else {}
    return {"guest": guest, "smp": smp, "rows": rows, "engines": list(rows), "left_out": left_out, "identical": len(seen) <= 1, "times_qemu": ratios}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    columns = ["engine", "user s", "wall s", "x QEMU", "MIPS", "Minsns", "set-up s", "peak MB", "RAM touched MB", "rest MB", "no regions", "empty cache"]
    cpus = f" with {report['smp']} CPUs" if report.get("smp", 1) > 1 else ""
    table = Table(f"Boot of {report['guest']}{cpus} to power-off (whole process; medians; warm cache)", columns)
    for engine, row in report["rows"].items():
        mega = {k: row[k] / (1 << 20) for k in ("peak_rss", "guest_ram_touched", "over_ram") if k in row}
        table.add(engine, row["seconds"], median(row["wall"]), report["times_qemu"].get(engine), row.get("mips"),
                  row["instructions"] / 1e6 if "instructions" in row else None, row.get("setup_cpu"), mega["peak_rss"],
                  mega.get("guest_ram_touched"), mega.get("over_ram"), row.get("cold", {}).get("user"), row.get("empty", {}).get("user"))  # fmt: skip
        compiler = row.get("statistics", {}).get("compiler")
        if compiler:
            table.notes.append(f"{engine}: regions: {', '.join(f'{v:,} {k}' for k, v in compiler.items())}")
    if len([e for e in report["engines"] if e not in (*QEMU, *PARALLEL)]) > 1:
        table.notes.append("console and instruction counts: " + ("identical" if report["identical"] else "DIFFERENT"))
    table.notes += [f"left out: {e}: {why}" for e, why in report["left_out"].items()]
    return [table]


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    groups = [(e, {"warm": r["seconds"], "cold": r.get("cold", {}).get("user")}) for e, r in report["rows"].items()]
    return chart(f"ppcdbt: boot of {report['guest']}", "user CPU seconds", ["warm", "cold"], groups, note)
