"""What a process will need of the host's files, read before it loses sight of them: a program that changes its root has code of its own
compiled afterwards, too."""

from __future__ import annotations

import importlib
import pkgutil
import traceback  # noqa: F401  (of what goes wrong)
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .process import Process


def preload(p: Process) -> None:
    """Import every module of ours, and what compiling imports and reads."""
    for package in map(importlib.import_module, ("dbt", "runtime")):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith("__main__"):
                importlib.import_module(module.name)
    p.vm.engine.preload()
