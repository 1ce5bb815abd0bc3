"""How much the slow tests do, and how long they wait.

PPCDBT_SOAK=N (1 if it is not set, 0.1 for a quick look): N times as many cases in those that draw theirs at random, and above 1 every
combination where they else try a part of them.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
SOAK = float(os.environ.get("PPCDBT_SOAK", "1"))
PATIENCE = 1500 * max(1, SOAK)  # seconds: who takes longer hangs, however busy the machine is


def many(count: int) -> int:
    """So many random cases, in a run of the usual length."""
    return max(1, round(count * SOAK))


def part(combinations: Iterable[T], one_in: int) -> Iterator[T]:
    """Every so many-th combination, in a run of the usual length; in a longer one all."""
    return islice(combinations, 0, None, 1 if SOAK > 1 else max(1, round(one_in / SOAK)))
