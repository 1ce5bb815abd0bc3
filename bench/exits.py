"""`ppcdbt bench exits`: boots with privileged instructions translated and trapped; every exit by kind and mnemonic."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from .chart import chart
from .measure import child, interleave, median
from .table import Table

MODES = ("inline", "trap")
Say = Callable[[str], object]


def run(guest: str, engine: str, rounds: int, memory: int, say: Say, instructions: int | None = None) -> dict[str, Any]:
    """The measurement, as a report."""

    def boot(mode: str) -> dict[str, Any]:
        options = {"guest": guest, "engine": engine, "memory": memory, "privileged": mode, "max_instructions": instructions}
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
        }  # fmt: skip
    return {"guest": guest, "engine": engine, "rows": rows}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    stats = {m: report["rows"][m]["statistics"] for m in MODES}
    kinds = sorted({k for s in stats.values() for k in s["exits"]}, key=lambda k: -max(s["exits"].get(k, 0) for s in stats.values()))
    exits = Table(f"Exits of a boot of {report['guest']} on the {report['engine']}", ["kind", *(f"{m} {w}" for m in MODES for w in ("light", "heavy"))])
    for kind in kinds:
        exits.add(kind, *(stats[m][w].get(kind, 0) for m in MODES for w in ("light", "heavy")))
    exits.rule()
    exits.add("all", *(sum(stats[m][w].values()) for m in MODES for w in ("light", "heavy")))
    exits.notes = [f"{m}: {report['rows'][m]['seconds']:.2f} s of user CPU, {s['instructions']:,} instructions" for m, s in stats.items()]
    out = [exits]
    for group, title in (("emulated", "Privileged instructions emulated one by one"), ("interrupts", "Interrupts delivered"),
                         ("calls", "Hypercalls and RTAS calls that reached Python"), ("counters", "MMU and code")):  # fmt: skip
        names = sorted({k for s in stats.values() for k, n in s[group].items() if n})
        names.sort(key=lambda k, g=group: -max(s[g].get(k, 0) for s in stats.values()))  # type: ignore[misc]
        table = Table(title, ["name", *MODES])
        for name in names:
            table.add(name, *(stats[m][group].get(name, 0) for m in MODES))
        if names:
            out.append(table)
    return out


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    stats = {m: report["rows"][m]["statistics"]["exits"] for m in MODES}
    kinds = sorted({k for s in stats.values() for k in s})
    groups = [(k, {m: float(stats[m].get(k, 0)) or None for m in MODES}) for k in kinds]
    return chart("ppcdbt: exits of a boot", "exits", MODES, groups, note, logarithmic=True)
