"""`ppcdbt bench exits`: boots with privileged instructions trapped, trapped with the paravirtual framework, and translated.

Every exit by kind, light and heavy; and privileged instructions one by one, from the moment on at which the guest knows the page it
shares with us (before it the framework cannot help). `trap` offers the page too, but leaves the kernel's broken test of it alone, so that
both are compared over the same stretch of the boot; `trap+pv` repairs the test (runtime/machines/repairs.py).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .chart import chart
from .measure import child, interleave, median
from .table import Table

MODES: dict[str, dict[str, Any]] = {
    "trap": {"privileged": "trap", "pv": True},
    "trap+pv": {"privileged": "trap", "pv": True, "repair": True},
    "inline": {"privileged": "inline"},
}
# What the shared page holds, or has templates for (runtime/mmu/shared_page.py)
_MOVED = [f"SPRG{n}" for n in range(8)] + ["SRR0", "SRR1", "DAR", "DSISR"]
COVERED = {"mfmsr", "mtmsr", "mtmsrd", "mfspr PIR", *(f"{move} {name}" for move in ("mfspr", "mtspr") for name in _MOVED)}
Say = Callable[[str], object]


def run(guest: str, engine: str, rounds: int, memory: int, say: Say, instructions: int | None = None) -> dict[str, Any]:
    """The measurement, as a report. A kernel that cannot be repaired (it has no such test) is booted without `trap+pv`."""
    modes = {m: o for m, o in MODES.items() if guest == "debian" or not o.get("repair")}

    def boot(mode: str) -> dict[str, Any]:
        options = {"guest": guest, "engine": engine, "memory": memory, "max_instructions": instructions, **modes[mode]}
        usage, report = child("boot", options)
        return report | {"user": usage.user}

    done = interleave(rounds, {m: (lambda m=m: boot(m)) for m in modes}, say)  # type: ignore[misc]
    rows = {}
    for mode, reports in done.items():
        last = reports[-1]["statistics"]
        for kind, n in last["exits"].items():
            assert n == last["light"].get(kind, 0) + last["heavy"].get(kind, 0), f"{mode}: the counts of {kind} do not add up"
        rows[mode] = {
            "seconds": median(r["user"] for r in reports), "run_cpu": median(r["run_cpu"] for r in reports),
            "console_sha256": reports[-1]["console_sha256"], "statistics": last, "before_shared_page": reports[-1]["before_shared_page"],
        }  # fmt: skip
    return {"guest": guest, "engine": engine, "rows": rows}


def _columns(report: Mapping[str, Any]) -> tuple[list[str], dict[str, Any]]:
    return list(report["rows"]), {m: row["statistics"] for m, row in report["rows"].items()}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    modes, stats = _columns(report)
    kinds = sorted({k for s in stats.values() for k in s["exits"]}, key=lambda k: -max(s["exits"].get(k, 0) for s in stats.values()))
    exits = Table(f"Exits of a boot of {report['guest']} on the {report['engine']}", ["kind", *(f"{m} {w}" for m in modes for w in ("light", "heavy"))])
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
    first = {m: report["rows"][m]["before_shared_page"] for m in modes}
    after = {m: {k: n - first[m].get(k, 0) for k, n in whole[m].items()} for m in modes}
    names = sorted({k for m in modes for k, n in after[m].items() if n}, key=lambda k: -max(after[m].get(k, 0) for m in modes))
    table = Table("Privileged instructions emulated one by one, once the guest has the shared page", ["instruction", *modes, "less by"])
    for name in names:
        counts = [after[m].get(name, 0) for m in modes]
        table.add(name, *counts, _less(counts))
    table.rule()
    for title, counts in (
        ("that the page is for", [sum(n for k, n in after[m].items() if k in COVERED) for m in modes]),
        ("all of these", [sum(after[m].values()) for m in modes]),
        ("before", [sum(first[m].values()) for m in modes]),
        ("whole boot", [sum(whole[m].values()) for m in modes]),
    ):
        table.add(title, *counts, _less(counts))
    return [table] if names else []


def _less(counts: list[int]) -> str:
    return f"{100 * (1 - counts[1] / counts[0]):.1f} %" if len(counts) > 1 and counts[0] else ""


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    modes, stats = _columns(report)
    kinds = sorted({k for s in stats.values() for k in s["exits"]})
    groups = [(k, {m: float(stats[m]["exits"].get(k, 0)) or None for m in modes}) for k in kinds]
    return chart("ppcdbt: exits of a boot", "exits", modes, groups, note, logarithmic=True)
