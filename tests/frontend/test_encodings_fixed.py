"""Encodings and operand order of the fixed-point, branch and CR instructions, against GNU as."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import dbt.frontend.isa  # noqa: F401
from dbt.frontend import translate
from dbt.frontend.fields import FIELDS
from dbt.frontend.insn import ISA, OPTIONS, Insn

AS, OBJCOPY = "powerpc64-linux-gnu-as", "powerpc64-linux-gnu-objcopy"
CHAPTERS = re.compile(r"branch|cr|fixed_.*")
MINE = [i for i in ISA.insns if CHAPTERS.fullmatch(i.module.rpartition(".")[2])]
VALID_BO = (0b00000, 0b00010, 0b01000, 0b01010, 0b00100, 0b01100, 0b10000, 0b10010, 0b10100)


def random_word(r: random.Random, insn: Insn) -> int:
    """A word of this instruction that GNU as agrees to write."""
    word = insn.bits
    for f in insn.fields:
        word |= r.getrandbits(32) & f.mask
        if f.name == "BO":
            word = word & ~f.mask | f.insert(0b10100 if insn.name == "bcctr" else r.choice(VALID_BO))
        if f.name == "FXM" and insn.name in ("mtocrf", "mfocrf"):
            word = word & ~f.mask | f.insert(1 << r.randrange(8))
        if f.name == "BH":
            word &= ~f.mask
    return word


def written(insn: Insn, word: int) -> str:
    """The word in assembly language, straight from the declaration."""
    values = {f.name: f.extract(word) for f in insn.fields}
    relative = not values.get("AA")

    def operand(m: re.Match[str]) -> str:
        name = m[0]
        return f".+({values[name]})" if FIELDS[name].kind == "target" and relative else str(values[name])

    return f"{insn.mnemonic(word)} {re.sub('[A-Za-z][A-Za-z0-9]*', operand, insn.operands)}"


@pytest.mark.skipif(not (shutil.which(AS) and shutil.which(OBJCOPY)), reason="needs binutils-powerpc64-linux-gnu")
def test_gnu_as_agrees(tmp_path: Path) -> None:
    r = random.Random(2)
    words = [random_word(r, insn) for insn in MINE for _ in range(16)]
    decoded = [translate.decode(w) for w in words]
    source = tmp_path / "all.s"
    source.write_text("".join(f"{written(d.insn, w)}\n" for d, w in zip(decoded, words, strict=True) if d))
    subprocess.run([AS, "-a64", "-mpower9", "-many", "-o", tmp_path / "all.o", source], check=True)
    subprocess.run([OBJCOPY, "-O", "binary", "-j", ".text", tmp_path / "all.o", tmp_path / "all.bin"], check=True)
    data = (tmp_path / "all.bin").read_bytes()
    theirs = [int.from_bytes(data[i : i + 4], "big") for i in range(0, len(data), 4)]
    lines = source.read_text().splitlines()
    assert len(theirs) == len(words)
    wrong = [f"{line}: ours {a:#010x}, as {b:#010x}" for line, a, b in zip(lines, words, theirs, strict=True) if a != b]
    assert not wrong, "\n".join(wrong[:10])


@pytest.mark.parametrize("insn", MINE, ids=lambda i: i.name)
def test_options_name_fields(insn: Insn) -> None:
    names = {f.name for f in insn.fields}
    assert {name for mark, name in OPTIONS.items() if mark in insn.template} == names & set(OPTIONS.values())
    assert insn.section
