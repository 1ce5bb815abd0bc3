"""Progress of what takes long: a bar on a terminal, a line a stage elsewhere. A warm start never gets here."""

from __future__ import annotations

import sys
import time
from typing import Any

_state: dict[str, Any] = {}


def compiling(what: str, done: int, total: int) -> None:
    """The engine's report while it compiles its handlers and machinery (dbt.backend.build.Progress)."""
    if not _state:
        _state["start"] = time.monotonic()
        if not sys.stderr.isatty():
            print("compiling the interpreter, once (about half a minute) ...", file=sys.stderr, flush=True)
        else:
            _start_bar()
    bar, task = _state.get("bar"), _state.get("task")
    stage, _, step = what.partition(": ")
    if bar is not None:
        bar.update(task, description=f"compiling the {stage}{', ' + step if step else ''}", completed=done, total=max(total, 1))
    if not step:  # the stage is complete
        finish() if stage == "machinery" else None


def finish() -> None:
    """Take the bar away."""
    bar = _state.get("bar")
    if bar is not None:
        bar.stop()
    if _state:
        took = time.monotonic() - _state["start"]
        print(f"compiled in {took:.0f} s; the next start finds it in the cache", file=sys.stderr, flush=True)
    _state.clear()


def _start_bar() -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn())
    bar = _state["bar"] = Progress(*columns, console=Console(stderr=True), transient=True)
    _state["task"] = bar.add_task("compiling", total=1)
    bar.start()
