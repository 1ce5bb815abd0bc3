"""The table of numbers in a file (dbt/backend/index.py): what a dict would say, whatever its size, and whoever else adds."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from dbt.backend.index import LEAST, Index


def test_it_is_a_dict(tmp_path: Path) -> None:
    rng = random.Random(1)
    path = str(tmp_path / "table")
    known: dict[int, int] = {}
    empty = Index(path)
    assert empty.get(5) is None
    for size in (1, 100, LEAST // 2 - 101, 1, 5, 3 * LEAST, 7):
        keys = [rng.getrandbits(64) for _ in range(size)] + rng.sample(sorted(known), min(3, len(known)))
        keys += [k + LEAST & 2**64 - 1 for k in keys[:3]]  # the same slot
        pairs = {k: rng.randrange(1 << 32) for k in keys}
        Index(path).add(pairs.items())
        known |= pairs
        found = Index(path)
        assert all(found.get(k) == v for k, v in known.items())
        assert all(found.get(rng.getrandbits(64)) is None for _ in range(50))
    assert os.path.getsize(path) <= 16 * 8 * len(known)


def test_a_reader_sees_what_is_added_in_place(tmp_path: Path) -> None:
    path = str(tmp_path / "table")
    Index(path).add([(1, 10)])
    reader = Index(path)
    Index(path).add([(2, 20), (1, 11)])
    assert (reader.get(1), reader.get(2)) == (11, 20)
    Index(path).add((k, k) for k in range(3, LEAST))  # a larger file in its place: the old one stays as it was
    assert (reader.get(1), reader.get(5), Index(path).get(5)) == (11, None, 5)


@pytest.mark.parametrize("data", [b"", b"x", bytes(16), bytes(16 + 16 * LEAST), b"ppcindex" + bytes(8 + 16 * LEAST - 8), b"ppcindex" + b"\xff" * (8 + 16 * LEAST)])
def test_damaged(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "table"
    path.write_bytes(data)
    assert Index(str(path)).get(0) is None
    Index(str(path)).add([(0, 7)])
    assert Index(str(path)).get(0) == 7


SAVE = """
import sys
from types import SimpleNamespace
from dbt.backend.regioncache import RegionCache
number = int(sys.argv[1])
for n in range(20):
    cache = RegionCache(SimpleNamespace(image=SimpleNamespace(key="k")))
    cache._new = [(b"%d-%d;" % (number, n), [number << 32 | n])]
    cache.save()
"""


def test_processes_save_at_once(tmp_path: Path) -> None:
    env = {**os.environ, "PPCDBT_CACHE": str(tmp_path)}
    running = [subprocess.Popen([sys.executable, "-c", SAVE, str(n)], env=env) for n in range(3)]
    assert [p.wait() for p in running] == [0, 0, 0]
    data, table = (tmp_path / "regions" / "k").read_bytes(), Index(str(tmp_path / "regions" / "k.table"))
    assert len(data.split(b";")) == 61
    for number in range(3):
        for n in range(20):
            record = b"%d-%d;" % (number, n)
            at = table.get(number << 32 | n)
            assert at is not None and data[at : at + len(record)] == record
