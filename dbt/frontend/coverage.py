"""How much of the instruction set is declared, against the mnemonics that GNU objdump knows for POWER9.

The list is data: binutils_power9.json, found by tests/tools/binutils.py, one example word for each mnemonic. A mnemonic is
covered if its word decodes here and is written with it, or as `SPELT` says.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from . import isa as isa
from .disassembler import disassemble
from .translate import decode

LIST = Path(__file__).with_name("binutils_power9.json")

# Chapters by mnemonic and primary opcode, the first that fits. Extended mnemonics count where their instruction does.
_CHAPTERS: tuple[tuple[str, str, tuple[int, ...]], ...] = (
    ("Transactional memory", r"t(begin|end|endall|abort|suspend|resume|sr|check|reclaim|rechkpt).*\.?|tcheck", (31,)),
    (
        "Decimal floating point",
        r"d(add|sub|mul|div|cmp|tst|quai?|rrnd|rint|ct|rsp|rdpq?|cf|dedpd|enbcd|xex|iex|scl|scr).*",
        (59, 63),
    ),
    ("VSX quad precision", r"xs\w*qp\w*|xscv\w+q\w*", (63,)),
    ("VSX storage access", r"(l|st)x\w+", (31, 57, 61)),
    ("VSX moves", r"m[ft](vsr|fpr|vr)\w+", (31,)),
    ("VSX", r"x[sxv]\w+\.?", (60, 63)),
    ("Vector storage access", r"(l|st)v\w+", (31,)),
    ("Vector BCD", r"bcd\w+\.", (4,)),
    ("Vector", r"(v|m[ft]vscr)\w*\.?", (4,)),
    ("Floating-point storage access", r"(l|st)f\w+", (31, *range(48, 56), 57, 61)),
    ("Floating point", r".*", (59, 63)),
    ("Branch and condition register", r".*", (16, 18, 19)),
    ("Storage access", r"(l[bhwdqm]|ls|st)\w*\.?", (*range(32, 48), 31, 56, 58, 62)),
    (
        "System",
        r"(slb|tlb|msg|mtmsr|mfmsr|m[ft]sr|sc|scv|m[ft]\w*|dc[bc]|ic[bc]|sync|.*sync|eieio|wait|copy|paste|cpabort|clrbhrb|att|dss).*",
        (17, 31),
    ),
    ("Fixed point", r".*", tuple(range(64))),
)
# objdump's mnemonic, ours for the same word, and why they differ
SPELT: tuple[tuple[str, str, str], ...] = (
    (
        r"m[ft]u?(dscr|amr|mmcr\w|pmc\d|s[di]ar|bescr\w*|ebb[hr]r|tar|t[fe]\w+|rtc[lu])",
        r"m[ft]\w+",
        "names that POWER8's objdump has not",
    ),
    ("dcbzl", "dcbz", "the long form is the only one"),
    ("dcbflp", "dcbf", "POWER8's objdump writes dcbf with L = 3"),
    ("isel", "isellt", "a reserved bit is set in the example"),
)


class Mnemonic(NamedTuple):
    """One of objdump's, the word shown to it, and how it stands here."""

    name: str
    word: int
    chapter: str
    covered: bool


class Chapter(NamedTuple):
    """Mnemonics of one chapter."""

    name: str
    covered: int
    total: int
    missing: tuple[str, ...]


def chapter_of(name: str, word: int) -> str:
    """The chapter of a mnemonic."""
    return next(title for title, pattern, primaries in _CHAPTERS if word >> 26 in primaries and re.fullmatch(pattern, name))


@lru_cache(maxsize=1)
def known() -> dict[str, int]:
    """objdump's mnemonics, with a word for each."""
    listed: dict[str, str] = json.loads(LIST.read_text())
    return {name: int(word, 16) for name, word in listed.items() if name}


def mnemonics() -> Iterator[Mnemonic]:
    """Every mnemonic, and whether it is covered."""
    for name, word in known().items():
        ours = disassemble(word).partition(" ")[0]
        same = ours == name or any(re.fullmatch(a, name) and re.fullmatch(b, ours) for a, b, _ in SPELT)
        covered = decode(word) is not None and same
        yield Mnemonic(name, word, chapter_of(name, word), covered)


def chapters() -> list[Chapter]:
    """The coverage of each chapter, and what it lacks."""
    rows: dict[str, list[Mnemonic]] = {title: [] for title, _, _ in _CHAPTERS}
    for m in mnemonics():
        rows[m.chapter].append(m)
    return [
        Chapter(title, sum(m.covered for m in row), len(row), tuple(m.name for m in row if not m.covered))
        for title, row in sorted(rows.items())
        if row
    ]


def coverage_markdown(note: str) -> str:
    """docs/generated/coverage.md."""
    rows = chapters()
    covered, total = sum(r.covered for r in rows), sum(r.total for r in rows)
    lines = ["| chapter | covered | of | missing |", "|---|---|---|---|"]
    for r in rows:
        lines.append(f"| {r.name} | {r.covered} | {r.total} | {' '.join(f'`{m}`' for m in r.missing)} |")
    head = f"# Coverage\n\n{note}\n\n{covered} of the {total} mnemonics that GNU objdump knows for POWER9 (`-M power9`, extended "
    head += "mnemonics counted) decode and disassemble here."
    return head + "\n\n" + "\n".join(lines) + "\n"
