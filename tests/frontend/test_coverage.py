"""The list of mnemonics is binutils' own, and what is said to be covered is."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dbt.frontend.coverage import ABSENT, LIST, chapter_of, chapters, known, mnemonics
from dbt.frontend.translate import decode

from ..tools import binutils


@pytest.mark.skipif(not shutil.which(binutils.OBJDUMP), reason="needs binutils-powerpc64-linux-gnu")
def test_the_list_is_current(tmp_path: Path) -> None:
    version = subprocess.run(
        [binutils.OBJDUMP, "--version"], capture_output=True, text=True, check=True
    ).stdout.splitlines()[0]
    if json.loads(LIST.read_text())[""] != version:
        pytest.skip(f"the list was made with another version than {version}")
    assert binutils.mnemonics(tmp_path / "words.bin") == known()


def test_every_mnemonic_has_a_chapter() -> None:
    assert len(known()) > 1500
    assert sum(c.total + len(c.absent) for c in chapters()) == len(known())
    assert chapter_of("xxlor", 0xF000_0490) == "VSX"
    assert {m.chapter for m in mnemonics() if m.name in ("lxvx", "stxsibx")} == {"VSX storage access"}


def test_every_chapter_is_complete() -> None:
    assert [c for c in chapters() if c.missing] == []


def test_what_is_said_to_be_absent_is() -> None:
    """And no reason is left over."""
    absent = [m for m in mnemonics() if m.absent]
    assert all(decode(m.word) is None for m in absent)
    for pattern, _ in ABSENT:
        assert any(re.fullmatch(pattern, m.name) for m in absent), pattern
