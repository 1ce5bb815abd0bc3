"""Numba as a compiler of text (dbt/backend/lowering.py): what a function calls comes with it."""

from __future__ import annotations

import re
from typing import Any

from numba import types

from dbt.backend.lowering import function_of, texts


def extremes(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Two variants of max, which are different functions of one name."""
    return max(a, b), max(c, d), min(a, c, d)


def test_every_variant_of_one_of_numbas_functions() -> None:
    _, symbol, found = texts(function_of(extremes), (types.uint64, types.uint64, types.int64, types.int64))
    whole = "\n".join(found.values())
    defined = set(re.findall(r'(?m)^define [^@\n]*@"?([^"(\s]+)', whole))
    called = set(re.findall(r'(?m)^declare [^@\n]*@"?(_ZN[^"(\s]+)', whole))
    assert symbol in defined and len([s for s in called if "ol_max" in s]) >= 2
    assert called <= defined
