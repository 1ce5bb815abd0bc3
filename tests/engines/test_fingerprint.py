"""The key under which a compiled function is cached follows everything its code depends on."""

from __future__ import annotations

from typing import Any

import pytest

SOURCE = """
from dbt.backend.machinery import compiled, u64
LIMIT = u64(7)
@compiled
def inner(x):
    return x + u64(1)
@compiled
def outer(x):
    return inner(x) & LIMIT
"""


def key(source: str) -> str:
    from dbt.backend.fingerprint import fingerprint

    scope: dict[str, Any] = {"__name__": "sample"}
    exec(source, scope)
    return fingerprint(scope["outer"], "")


def test_the_same_source_has_the_same_key() -> None:
    assert key(SOURCE) == key(SOURCE)
    assert key(SOURCE + "OTHER = 3\n") == key(SOURCE)


@pytest.mark.parametrize("change", [("u64(7)", "u64(8)"), ("u64(1)", "u64(2)"), ("inner(x) &", "inner(x) |"), ("x + u64", "x - u64")])
def test_a_change_that_matters_changes_the_key(change: tuple[str, str]) -> None:
    assert key(SOURCE.replace(*change)) != key(SOURCE)
