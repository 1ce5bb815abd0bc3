"""`ppcdbt bench compile`: what compiling costs, for regions by stage and for the interpreter's first start."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from .chart import chart
from .loops import jobs
from .measure import child, median, region_cache
from .table import Table

STAGES = ("build", "parse", "passes", "codegen", "load")
SOURCES = ("vm", "dhry", "lz", "sha256", "quicksort", "tree")
Say = Callable[[str], object]


def run(only: Sequence[str], boot: int, limit: int, build: bool, quick: bool, say: Say) -> dict[str, Any]:
    """The measurement, as a report. `boot`: instructions of a kernel's boot to compile for; `limit`: regions to time."""
    from guests.build import BUILT

    report: dict[str, Any] = {}
    chosen = jobs(only or SOURCES, quick, 0.05)
    programs = [(str(BUILT / f"bench-{j.name}.elf"), j.reps) for j in chosen]
    with region_cache() as cache:
        say("compiling regions")
        _, found = child("regions", {"programs": programs, "boot": boot, "limit": limit}, cache)
    rows = found["rows"]
    report |= {k: found[k] for k in ("asked", "covered", "distinct")} | {"regions": rows, "summary": summarise(rows)}
    if build:
        say("compiling decoder and machinery from nothing")
        with TemporaryDirectory(prefix="ppcdbt-bench-cache-") as name:
            usage, cold = child("build", {}, Path(name))
            report["cold_build"] = cold | {"user": usage.user, "peak_rss": usage.rss}
    return report


def summarise(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Milliseconds per guest instruction and per region, by stage."""
    if not rows:
        return {}
    instructions = sum(r["instructions"] for r in rows)
    whole = [sum(r[s] for s in STAGES) for r in rows]
    return {
        "regions": len(rows), "instructions": instructions,
        "ms_per_instruction": {s: 1e3 * sum(r[s] for r in rows) / instructions for s in STAGES} | {"all": 1e3 * sum(whole) / instructions},
        "ms_per_region": {s: 1e3 * median(r[s] for r in rows) for s in STAGES} | {"all": 1e3 * median(whole)},
        "largest_ms": 1e3 * max(whole), "object_bytes_per_instruction": sum(r["object_bytes"] for r in rows) / instructions,
        "text_bytes_per_instruction": sum(r["text_bytes"] for r in rows) / instructions,
    }  # fmt: skip


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    out = []
    summary = report["summary"]
    if summary:
        title = f"Compiling {summary['regions']} of {report['asked']} regions, {summary['instructions']:,} guest instructions"
        table = Table(title, ["milliseconds", *STAGES, "all"])
        for label, key in (("per instruction (mean)", "ms_per_instruction"), ("per region (median)", "ms_per_region")):
            table.add(label, *(summary[key][s] for s in (*STAGES, "all")))
        table.notes = [f"all regions asked for: {report['covered']:,} instructions, {report['distinct']:,} of them distinct",
                       f"largest region {summary['largest_ms']:.0f} ms; bytes per guest instruction: "
                       f"{summary['text_bytes_per_instruction']:.0f} of LLVM text, {summary['object_bytes_per_instruction']:.0f} of object"]  # fmt: skip
        out.append(table)
        rows = sorted(report["regions"], key=lambda r: -sum(r[s] for s in STAGES))[:8]
        slow = Table("The slowest regions", ["instructions", "blocks", "entries", "text KB", *(f"{s} ms" for s in STAGES)])
        for r in rows:
            slow.add(str(r["instructions"]), r["blocks"], r["entries"], r["text_bytes"] / 1e3, *(1e3 * r[s] for s in STAGES))
        out.append(slow)
    if cold := report.get("cold_build"):
        table = Table("First start: decoder and machinery from nothing", ["stage", "seconds"])
        for name, seconds in cold["stages"].items():
            table.add(name, seconds)
        table.rule()
        table.add("all, wall", cold["seconds"])
        table.add("all, user CPU of the process", cold["user"])
        table.add("read again (warm)", cold["warm_seconds"])
        table.notes = [f"a decoder for {cold['handlers']} handlers, which are built when needed; {cold['helpers']} helpers "
                       f"({cold['machinery_bytes'] >> 10} KB); peak {cold['peak_rss'] >> 20} MB"]  # fmt: skip
        out.append(table)
    return out


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    means = report["summary"].get("ms_per_instruction", {})
    return chart("ppcdbt: compiling a region", "milliseconds per guest instruction", ["regions"], [(k, {"regions": v}) for k, v in means.items()], note)
