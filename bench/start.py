"""`ppcdbt bench start`: from the start of the process to the first guest instruction, and to the end of hello.elf."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from guests.build import BUILT

from .chart import chart
from .measure import BenchError, execute, interleave, median, python_environment
from .table import Table

TARGET = 300.0  # milliseconds to the first guest instruction
SPLIT = ("python", "imports", "read the image", "place the image", "rest of the VM", "load the program", "run", "other")
MODULES = "runtime.cli.run, runtime.console, runtime.loader, runtime.machines.bare"
Say = Callable[[str], object]


def run(engines: Sequence[str], rounds: int, say: Say) -> dict[str, Any]:
    """The measurement, as a report."""
    program = str(BUILT / "hello.elf")
    env = python_environment()

    def stamped(engine: str) -> dict[str, Any]:
        usage = execute([sys.executable, "-m", "bench.child_start", engine, program], env)
        if "hello" not in usage.output:
            raise BenchError(f"hello.elf printed {usage.output!r}")
        report: dict[str, Any] = json.loads(usage.output.rsplit("\n", 2)[-2])
        return {**report["ms"], "user": usage.user * 1e3, "imported": report["imported"]}

    def command(engine: str) -> dict[str, Any]:
        usage = execute([sys.executable, "-m", "runtime.cli", "run", "--engine", engine, program], env)
        return {"wall": usage.wall * 1e3, "user": usage.user * 1e3}

    say("warming")
    command("interpreter")
    work: dict[str, Callable[[], dict[str, Any]]] = {}
    for e in engines:
        work[e] = lambda e=e: stamped(e)  # type: ignore[misc]
        work[f"{e}, command"] = lambda e=e: command(e)  # type: ignore[misc]
    done = interleave(rounds, work, say)
    rows = {}
    for e in engines:
        keys = ("first_instruction", "end", "user", *SPLIT)
        rows[e] = {k: median(r[k] for r in done[e]) for k in keys} | {"imported": done[e][-1]["imported"]}
        rows[e]["command_wall"] = median(r["wall"] for r in done[f"{e}, command"])
        rows[e]["command_user"] = median(r["user"] for r in done[f"{e}, command"])
    return {"unit": "ms", "rows": rows, "target": TARGET, "imports": imports(env)}


def imports(env: Mapping[str, str]) -> list[dict[str, Any]]:
    """What importing costs, by top-level module: milliseconds of each and what it alone pulls in."""
    command = [sys.executable, "-X", "importtime", "-c", f"import {MODULES}"]
    text = subprocess.run(command, env={**os.environ, **env}, capture_output=True, text=True).stderr
    own: dict[str, float] = {}
    count: dict[str, int] = {}
    for line in text.splitlines():
        parts = line.removeprefix("import time:").split("|")
        if len(parts) == 3 and parts[0].strip().isdigit():
            top = parts[2].strip().split(".")[0]
            own[top] = own.get(top, 0.0) + int(parts[0]) / 1e3
            count[top] = count.get(top, 0) + 1
    return [{"module": m, "ms": round(ms, 2), "modules": count[m]} for m, ms in sorted(own.items(), key=lambda i: -i[1])]


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    rows = report["rows"]
    table = Table(f"Start, milliseconds (wall; medians; target {report['target']:.0f} to the first instruction)", ["", *rows])
    labels = {"first_instruction": "process start to first instruction", "end": "to the end of hello.elf"}
    labels |= {k: f"  {k}" for k in SPLIT} | {"user": "user CPU", "command_wall": "`ppcdbt run hello.elf`, wall", "command_user": "  user CPU"}
    for key, label in labels.items():
        table.add(label, *(r[key] for r in rows.values()))
    for engine, row in rows.items():
        if row["imported"]:
            table.notes.append(f"{engine}: imports {' and '.join(row['imported'])}")
    largest = Table("Imports, milliseconds of their own (-X importtime)", ["package", "ms", "modules"])
    for row in report["imports"][:12]:
        largest.add(row["module"], row["ms"], row["modules"])
    return [table, largest]


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    rows = report["rows"]
    keys = ("first_instruction", *SPLIT, "command_wall")
    return chart("ppcdbt: start", "milliseconds", list(rows), [(k.replace("_", " "), {e: r[k] for e, r in rows.items()}) for k in keys], note)
