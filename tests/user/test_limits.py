"""Limits, traces and statistics of Linux programs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .test_programs import build, ours  # noqa: F401

TINY = Path(__file__).parent / "built" / "tiny-ppc64"


@pytest.mark.parametrize("arguments", [(), ("busy",)])
def test_timeout(build, arguments: tuple[str, ...]) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """Whether the program sleeps or runs."""
    done = ours(build("wait", "ppc64"), *arguments, options=("--timeout", "1"))
    assert done.returncode == 124 and b"1 seconds have passed (--timeout); pc 0x" in done.stderr


@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
def test_instructions_and_trace(engine: str, tmp_path: Path) -> None:
    """A limit is exact; a trace is the same on every engine and ends there."""
    out = tmp_path / "trace"
    done = ours(TINY, options=("--engine", engine, "--max-instructions", "20", "--trace", str(out)))
    assert done.returncode == 124 and b"20 instructions have run (--max-instructions); pc 0x" in done.stderr
    lines = [line.split(None, 3) for line in out.read_text().splitlines()]
    assert [int(line[0]) for line in lines] == list(range(20))
    first = int.from_bytes(TINY.read_bytes()[24:32], "big")  # e_entry: a descriptor
    assert first and len({line[1] for line in lines}) > 10 and all(len(line) == 4 for line in lines)
    expected = tmp_path / "expected"
    ours(TINY, options=("--engine", "interpreter", "--max-instructions", "20", "--trace", str(expected), "--seed", "1"))
    assert [line[1:] for line in lines][:10] == [line.split(None, 3)[1:] for line in expected.read_text().splitlines()][:10]


def test_statistics(tmp_path: Path) -> None:
    """--stats-json."""
    out = tmp_path / "stats.json"
    done = ours(TINY, "a", "b", options=("--stats-json", str(out), "--timeout", "100", "--max-instructions", "1M"))
    stats = json.loads(out.read_text())
    assert done.returncode == 43 and stats["calls"]["write"] >= 1 and stats["heavy"]["SYSCALL"] == sum(stats["calls"].values())
