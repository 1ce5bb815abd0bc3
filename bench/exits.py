"""`ppcdbt bench exits`: boots with privileged instructions trapped, trapped with the paravirtual framework, and translated.

Every exit by kind, light and heavy; and privileged instructions one by one, from the moment on at which the guest knows the page it
shares with us (before it the framework cannot help), and by part of the run. `trap` has the framework too, but without the page, so
that both are compared over the same stretch; `trap+pv` has the kernel's broken test of the page repaired (runtime/machines/repairs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .chart import chart
from .measure import BenchError, child, interleave, median
from .table import Table

MODES: dict[str, dict[str, Any]] = {
    "trap": {"privileged": "trap", "pv": True, "page": False},
    "trap+pv": {"privileged": "trap", "pv": True, "repair": True},
    "inline": {"privileged": "inline"},
}
# What the shared page holds, or has templates for (runtime/mmu/shared_page.py)
_MOVED = [f"SPRG{n}" for n in range(8)] + ["SRR0", "SRR1", "DAR", "DSISR"]
COVERED = {"mfmsr", "mtmsr", "mtmsrd", "mfspr PIR", *(f"{move} {name}" for move in ("mfspr", "mtspr") for name in _MOVED)}
Say = Callable[[str], object]


def run(guest: str, engine: str, rounds: int, memory: int, say: Say, instructions: int | None = None,
        load: bool = False, cpu: str = "power8", smp: int = 1, release: str | None = None) -> dict[str, Any]:  # fmt: skip
    """The measurement, as a report."""
    if release is not None and guest != "debian":
        raise BenchError("--release: is for --guest debian")

    def boot(mode: str) -> dict[str, Any]:
        options = {"guest": guest, "engine": engine, "memory": memory, "max_instructions": instructions, "load": load, "cpu": cpu, "smp": smp,
                   "release": release, **MODES[mode]}  # fmt: skip
        usage, report = child("boot", options)
        return report | {"user": usage.user}

    done = interleave(rounds, {m: (lambda m=m: boot(m)) for m in MODES}, say)  # type: ignore[misc]
    rows = {}
    for mode, reports in done.items():
        last = reports[-1]["statistics"]
        for kind, n in last["exits"].items():
            assert n == last["light"].get(kind, 0) + last["heavy"].get(kind, 0), f"{mode}: the counts of {kind} do not add up"
        rows[mode] = {
            "seconds": median(r["user"] for r in reports), "run_cpu": median(r["run_cpu"] for r in reports),
            "console_sha256": reports[-1]["console_sha256"], "statistics": last,
            "before_page": reports[-1]["before_page"], "before_load": reports[-1]["before_load"],
        }  # fmt: skip
    return {"guest": guest, "release": release, "cpu": cpu, "smp": smp, "engine": engine, "load": load, "rows": rows}


def _columns(report: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    return list(report["rows"]), {m: row["statistics"] for m, row in report["rows"].items()}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    modes, stats = _columns(report)
    kinds = sorted({k for s in stats.values() for k in s["exits"]}, key=lambda k: -max(s["exits"].get(k, 0) for s in stats.values()))
    guest = " ".join(filter(None, (report["guest"], report["release"], f"({report['smp']} x {report['cpu']})")))
    exits = Table(f"Exits of a boot of {guest} on the {report['engine']}", ["kind", *(f"{m} {w}" for m in modes for w in ("light", "heavy"))])
    for kind in kinds:
        exits.add(kind, *(stats[m][w].get(kind, 0) for m in modes for w in ("light", "heavy")))
    exits.rule()
    exits.add("all", *(sum(stats[m][w].values()) for m in modes for w in ("light", "heavy")))
    exits.add("user s", *(x for m in modes for x in (report["rows"][m]["seconds"], None)))
    exits.notes = [f"{m}: {s['instructions']:,} instructions" for m, s in stats.items()]
    out = [exits, *_privileged(report)]
    for group, title in (("interrupts", "Interrupts delivered"), ("calls", "Calls that reached Python"), ("counters", "MMU and code")):
        names = sorted({k for s in stats.values() for k, n in s[group].items() if n})
        names.sort(key=lambda k, g=group: -max(s[g].get(k, 0) for s in stats.values()))  # type: ignore[misc]
        table = Table(title, ["name", *modes])
        for name in names:
            table.add(name, *(stats[m][group].get(name, 0) for m in modes))
        if names:
            out.append(table)
    return out


def _privileged(report: Mapping[str, Any]) -> list[Table]:
    """Privileged instructions that were emulated: before and, one by one, after the guest knew the shared page."""
    modes = [m for m in report["rows"] if m != "inline"]
    whole = {m: report["rows"][m]["statistics"]["emulated"] for m in modes}
    first = {m: report["rows"][m]["before_page"] for m in modes}
    booted = {m: report["rows"][m]["before_load"] or whole[m] for m in modes}
    after = {m: _since(first[m], whole[m]) for m in modes}
    names = sorted({k for m in modes for k, n in after[m].items() if n}, key=lambda k: -max(after[m].get(k, 0) for m in modes))
    table = Table("Privileged instructions emulated one by one, once the guest can have the shared page", ["instruction", *modes, "less by"])
    for name in names:
        counts = [after[m].get(name, 0) for m in modes]
        table.add(name, *counts, _less(counts))
    parts = Table("Privileged instructions emulated, by part of the run", ["part", *modes, "less by"])
    for title, of in (
        ("before: the kernel's start", lambda m: first[m]),
        ("after: rest of the boot", lambda m: _since(first[m], booted[m])),
        *([("after: load", lambda m: _since(booted[m], whole[m]))] if report["load"] else []),
        ("after: all", lambda m: after[m]),
        ("after: that the page is for", lambda m: {k: n for k, n in after[m].items() if k in COVERED}),
        ("whole run", lambda m: whole[m]),
    ):
        counts = [sum(of(m).values()) for m in modes]  # type: ignore[no-untyped-call]
        parts.add(title, *counts, _less(counts))
    return [table, parts] if names else []


def _since(first: Mapping[str, int], last: Mapping[str, int]) -> dict[str, int]:
    return {k: n - first.get(k, 0) for k, n in last.items()}


def _less(counts: list[int]) -> str:
    return f"{100 * (1 - counts[1] / counts[0]):.1f} %" if len(counts) > 1 and counts[0] else ""


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    modes, stats = _columns(report)
    kinds = sorted({k for s in stats.values() for k in s["exits"]})
    groups = [(k, {m: float(stats[m]["exits"].get(k, 0)) or None for m in modes}) for k in kinds]
    return chart("ppcdbt: exits of a boot", "exits", modes, groups, note, logarithmic=True)
