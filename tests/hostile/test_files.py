"""Damaged files are refused in one line, or run as what they became."""

from __future__ import annotations

import pytest

from ..limits import many
from .process import survives


@pytest.mark.parametrize(("kind", "rounds"), [("elf", 150), ("initrd", 20), ("tree", 100), ("commands", 40)])
def test_some(kind: str, rounds: int) -> None:
    survives("files", kind, 1, rounds)


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rounds"), [("elf", 3000), ("initrd", 300), ("tree", 2000), ("commands", 600)])
def test_many(kind: str, rounds: int) -> None:
    survives("files", kind, 2, many(rounds))
