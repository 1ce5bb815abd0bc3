"""Progress of what takes long: a bar on a terminal, two lines a stage elsewhere. A warm start never gets here."""

from __future__ import annotations

import sys
import time
from typing import Any

_state: dict[str, Any] = {}


def compiling(what: str, done: int, total: int) -> None:
    """The engine's report while it compiles its handlers or machinery (dbt.backend.build.Progress): "stage: step", at the end "stage"."""
    stage, _, step = what.partition(": ")
    if not _state:
        _state["start"] = time.monotonic()
        if sys.stderr.isatty():
            _start_bar()
        else:
            print(f"compiling the {stage}, once ...", file=sys.stderr, flush=True)
    if "bar" in _state:
        _state["bar"].update(_state["task"], description=f"compiling the {stage}{', ' + step if step else ''}", completed=done, total=max(total, 1))
    if not step:
        took = time.monotonic() - _state["start"]
        stop()
        print(f"compiled the {stage} in {took:.0f} s, once; the rest when the guest first needs it", file=sys.stderr, flush=True)


def stop() -> None:
    """Take the bar away, if there is one: also after a failure (it hides the cursor)."""
    if "bar" in _state:
        _state["bar"].stop()
    _state.clear()


def _start_bar() -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:3.0f} %"), TimeElapsedColumn())
    bar = _state["bar"] = Progress(*columns, console=Console(stderr=True), transient=True, refresh_per_second=4)
    _state["task"] = bar.add_task("compiling", total=1)
    bar.start()
