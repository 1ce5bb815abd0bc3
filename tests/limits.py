"""How much the slow tests do, and how long they wait.

PPCDBT_SOAK=N (1 if it is not set): N times as many random cases in those that draw theirs at random, and every combination where they
else try a part of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
SOAK = max(1, int(os.environ.get("PPCDBT_SOAK", "1")))
PATIENCE = 1500 * SOAK  # seconds: who takes longer hangs, however busy the machine is


def part(cases: Iterable[T], one_in: int, first: int = 0) -> Iterator[T]:
    """Every so many-th case; all of them in a soak."""
    return islice(cases, first, None, one_in) if SOAK == 1 else iter(cases)
