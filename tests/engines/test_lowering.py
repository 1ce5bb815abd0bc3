"""Numba as a compiler of text (dbt/backend/lowering.py): what a function calls comes with it, it means what Python means, and mistakes are told."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numba import types
from numba.core.errors import NumbaError

from dbt.backend.compiler import compile_text
from dbt.backend.lowering import entry, function_of, texts
from dbt.backend.objects import Arena, load_object

u64 = np.uint64
NOTHING, THREE = u64(0), u64(3)


def extremes(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Two variants of max, which are different functions of one name."""
    return max(a, b), max(c, d), min(c, d, c)


def test_every_variant_of_one_of_numbas_functions() -> None:
    _, symbol, found = texts(function_of(extremes), (types.uint64, types.uint64, types.int64, types.int64))
    whole = "\n".join(found.values())
    defined = {a or b for a, b in re.findall(r'(?m)^define [^@\n]*@(?:"([^"]+)"|([^"(\s]+))', whole)}
    called = set(re.findall(r'(?m)^declare [^@\n]*@"?(_ZN[^"(\s]+)', whole))
    assert symbol in defined and called <= defined


@function_of
def shifted(a: Any, by: Any = THREE, more: Any = NOTHING) -> Any:
    """Defaults, and arguments by name."""
    return (a << by) + more


@function_of
def parts(a: Any, b: Any) -> Any:
    """A tuple of a tuple, and numbers with sign."""
    return (a & u64(255), b), np.int64(a) - np.int64(b), a > b


def loops(a: Any, b: Any) -> Any:
    total = u64(0)
    for i in range(a & u64(15)):
        if i == u64(5):
            continue
        n = i
        while n < b and (n & u64(7) or not total):
            n += u64(1)
            if n == u64(11):
                break
        total += n * n
    return total


def calls(a: Any, b: Any) -> Any:
    both, difference, more = parts(a, b)
    pair = parts(b, a)[0]
    distance = difference if more else -difference
    return both[0] ^ pair[1] + shifted(a) + shifted(b, more=both[1]) + u64(distance) + pair[-2] + max(a, b) + min(both)


def early(a: Any, b: Any) -> Any:
    if a == u64(0) or b == u64(0):
        return u64(7)
    if a > b:
        a, b = b, a
    steps = u64(0)
    while b != u64(0):
        a, b = b, a % b
        steps += u64(1)
    return a << u64(8) | steps


def larger(a: Any, b: Any) -> Any:
    return a > b


@pytest.mark.parametrize("body", [loops, calls, early, larger], ids=lambda f: str(f.__name__))
def test_means_what_python_means(body: Callable[..., Any]) -> None:
    result, symbol, found = texts(function_of(body), (types.uint64, types.uint64))
    text = entry("entered", symbol, ["i64", "i64"], result)
    arena = Arena(1 << 20)
    at = load_object(arena, compile_text(text, link=list(found.values()), keep=["entered"], verify=True), {}, 1)["entered"]
    run = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64, ctypes.c_uint64)(at)
    plain = {**body.__globals__, "parts": parts.py_func, "shifted": shifted.py_func, "range": lambda n: map(u64, range(n))}
    python = type(loops)(body.__code__, plain)
    with np.errstate(over="ignore"):
        for a, b in [(0, 0), (1, 2), (13, 7), (15, 40), (270, 18), (2**64 - 1, 2**63), (6, 2**64 - 1)]:
            assert run(a, b) == int(python(u64(a), u64(b))), (a, b)
    arena.close()


def two_types(a: Any) -> Any:
    x = a
    if a > u64(3):
        x = np.int64(-1)
    return x


def mixed(a: Any) -> Any:
    return min(a, np.int64(1))  # Numba compares float64s, or does not know how


def literal(a: Any) -> Any:
    return a + 1  # Numba makes a number with sign of it


def raises(a: Any) -> Any:
    if a == u64(0):
        raise ValueError("zero")
    return a


@function_of
def itself(a: Any) -> Any:
    return a if a == u64(0) else itself(a - u64(1))


def calls_itself(a: Any) -> Any:
    return itself(a)


def no_element(a: Any) -> Any:
    return (a, a)[2]


def no_attribute(a: Any) -> Any:
    return a.field


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (two_types, "unify uint64 and int64 for 'x'"), (mixed, "uint64, int64"), (literal, "of uint64, int64 would be int64: write constants as u64"),
        (raises, "cannot raise"), (calls_itself, "itself calls itself"), (no_element, "no element 2"), (no_attribute, "no attribute field"),
    ],
)  # fmt: skip
def test_mistakes_are_told_with_their_line(body: Callable[..., Any], message: str) -> None:
    with pytest.raises(NumbaError) as error:
        texts(function_of(body), (types.uint64,))
    assert message in str(error.value)
    assert "test_lowering.py" in str(error.value)
