"""Linked code on disk (dbt/backend/linked.py): mapped it is what it was when it was linked, and nothing depends on the file."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from dbt.backend import linked
from dbt.backend.linked import PAGE, Placed, place
from dbt.backend.objects import Arena

SIZE = 1 << 20


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PPCDBT_CACHE", str(tmp_path))
    monkeypatch.setattr(linked, "ADDRESS", 0x7800_0000)  # the engine of this process may be at the other one
    return tmp_path / "linked"


def arena() -> Arena:
    return Arena(SIZE, linked.ADDRESS)


def load(into: Arena, calls: list[int]) -> Callable[[], Placed]:
    def made() -> Placed:
        calls.append(into.position)
        at = into.allocate(5000)
        into.memory[at - into.base : at - into.base + 5000] = bytes(range(250)) * 20
        into.rows.extend([at, at + 8])
        return Placed({"a": at, "b": at + 100}, [at + 1, at + 2])

    return made


def put(into: Arena, calls: list[int]) -> tuple[Placed, bytes, list[int]]:
    """What is placed, the memory, and the rows for the fault handler."""
    placed = place(into, "key", load(into, calls))
    return placed, bytes(into.memory[: into.position - into.base]), into.rows.tolist()


def test_it_is_mapped(folder: Path) -> None:
    calls: list[int] = []
    first = arena()
    before = put(first, calls)
    first.close()
    second = arena()
    assert put(second, calls) == before
    assert len(calls) == 1
    assert second.position % PAGE == 0 and second.position == before[0].symbols["a"] + 2 * PAGE
    second.memory[0] ^= 1  # data sections are written to: the file must not change
    second.close()
    third = arena()
    assert put(third, calls) == before
    third.close()


def test_it_is_read_where_it_cannot_be_mapped(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache on a file system that is mounted without execution."""

    def refuse(*arguments: int) -> None:
        raise PermissionError

    calls: list[int] = []
    first = arena()
    before = put(first, calls)
    first.close()
    monkeypatch.setattr(linked, "map_file", refuse)
    second = arena()
    assert put(second, calls) == before and len(calls) == 1
    second.close()


def test_another_place_is_loaded_anew(folder: Path) -> None:
    """A second engine, and code behind code of another length."""
    calls: list[int] = []
    first, second = arena(), arena()
    assert first.base == linked.ADDRESS != second.base
    a, b = put(first, calls)[0], put(second, calls)[0]
    assert len(calls) == 2 and a.symbols["a"] - first.base == b.symbols["a"] - second.base
    first.close()
    moved = arena()
    moved.allocate(3 * PAGE)
    assert put(moved, calls)[0].symbols["a"] == linked.ADDRESS + 3 * PAGE
    assert len(calls) == 3
    moved.close()
    second.close()


@pytest.mark.parametrize("length", [0, 10, PAGE, 2 * PAGE + 1, -1])
def test_a_torn_file_is_ignored(folder: Path, length: int) -> None:
    calls: list[int] = []
    first = arena()
    before = put(first, calls)
    first.close()
    data = (folder / "key").read_bytes()
    (folder / "key").write_bytes(data[:length])
    second = arena()
    assert put(second, calls) == before
    assert len(calls) == 2 and (folder / "key").read_bytes() == data
    second.close()


CHECK = """
import os, shutil, sys
from dbt.backend import build, cache, image, linked
from dbt.backend.objects import Arena
from dbt.engine import Engine
from runtime.vm import MACHINERY
# A cache of its own: other tests build handlers meanwhile.
made = image.load_image(MACHINERY)
parts = [cache.path("machinery", ""), cache.path("handlers", made.handlers_key), image.pack_of(made, False).path]
os.environ["PPCDBT_CACHE"] = sys.argv[1]
shutil.copytree(parts[0], cache.path("machinery", ""))
os.mkdir(cache.path("handlers", ""))
for part in filter(os.path.exists, parts[1:]):
    shutil.copy(part, cache.path("handlers", ""))
Engine(MACHINERY).arena.close()
engine = Engine(MACHINERY)
at = engine.code.symbols["binder"] - engine.arena.base
engine.arena.memory[at : at + 8] = bytes(8)  # each process has its own
mapped = bytes(engine.arena.memory[: engine.arena.position - engine.arena.base])
engine.arena.close()
arena = Arena(64 << 20, linked.ADDRESS)
placed = build.link(image.load_image(MACHINERY), arena, None)
print(mapped[: arena.position - arena.base] == arena.memory[: arena.position - arena.base], placed == engine.code)
"""


def test_the_image_is_what_linking_makes(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", CHECK, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"] * 2, done.stdout
