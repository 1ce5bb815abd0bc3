"""The cache's answers about files (dbt/backend/cache.py): remembered while nothing was changed, asked again when something was."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dbt.backend import cache


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PPCDBT_CACHE", str(tmp_path / "cache"))
    folder = tmp_path / "sources"
    (folder / "below" / "__pycache__").mkdir(parents=True)
    for name in ("b.py", "a.py", "below/c.py", "notes.txt", "below/__pycache__/d.py"):
        (folder / name).write_text(name)
    return folder


class Question:
    def __init__(self, folder: Path) -> None:
        self.folder, self.asked = folder, 0

    def ask(self, extra: str = "") -> str:
        def make() -> str:
            self.asked += 1
            return cache.source_key([str(self.folder)], extra)

        return cache.remembered(cache.sources([str(self.folder)]), extra, make)


def test_sources(folder: Path) -> None:
    found = [os.path.relpath(p, folder) for p in cache.sources([str(folder), str(folder / "notes.txt")])]
    assert found == ["a.py", "b.py", "below/c.py", "notes.txt"]


def test_what_was_just_written_is_not_trusted(folder: Path) -> None:
    q = Question(folder)
    q.ask()
    q.ask()
    assert q.asked == 2


def test_changes_are_seen(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    later = time.time_ns() + 10 * cache.RACY
    monkeypatch.setattr(time, "time_ns", lambda: later)
    q = Question(folder)
    keys = [q.ask(), q.ask(), q.ask("else"), q.ask("else")]
    assert q.asked == 2 and keys[0] == keys[1] != keys[2] == keys[3]
    old = (folder / "a.py").stat()
    time.sleep(0.02)
    (folder / "a.py").write_text("A.py")  # the same length, and the time it had
    os.utime(folder / "a.py", ns=(old.st_atime_ns, old.st_mtime_ns))
    keys.append(q.ask())
    (folder / "below" / "e.py").write_text("")
    keys.append(q.ask())
    assert q.asked == 4 and len(set(keys)) == 4
