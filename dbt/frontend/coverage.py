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


# Mnemonics that no processor of ours has, and why: executing one is the illegal-instruction program interrupt
ABSENT: tuple[tuple[str, str], ...] = (
    ("rfi", "32-bit processors' return from interrupt: rfid"),
    ("urfid|msg(snd|clr)u", "ultravisor: came with ISA 3.0C's secure memory"),
    ("e[ci][oi]wx", "external control: an optional facility, phased out, that POWER processors do not have"),
    (r"pbt\.", "an accelerator interface of POWER8 that the Power ISA does not describe"),
    ("rmieg", "not in ISA 3.0 as it was published"),
    ("dcbi", "dropped from server processors with ISA 2.00"),
    ("mtsle", "split little endian, MSR[SLE]: an optional category of 2.07"),
    ("mtsrd(in)?", "the 64-bit bridge of processors before ISA 2.00"),
    ("tlbia", "optional: POWER processors do not have it"),
    ("tlbl[di]", "the 603's software-loaded TLB"),
)


class Mnemonic(NamedTuple):
    """One of objdump's, the word shown to it, and how it stands here. absent: why our processors do not have it."""

    name: str
    word: int
    chapter: str
    covered: bool
    absent: str = ""


class Chapter(NamedTuple):
    """Mnemonics of one chapter: those that our processors have, `absent` the others."""

    name: str
    covered: int
    total: int
    missing: tuple[str, ...]
    absent: tuple[str, ...]


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
        absent = next((why for pattern, why in ABSENT if re.fullmatch(pattern, name)), "")
        yield Mnemonic(name, word, chapter_of(name, word), covered, "" if covered else absent)


def chapters() -> list[Chapter]:
    """The coverage of each chapter, and what it lacks."""
    rows: dict[str, list[Mnemonic]] = {title: [] for title, _, _ in _CHAPTERS}
    for m in mnemonics():
        rows[m.chapter].append(m)
    out = []
    for title, row in sorted(rows.items()):
        ours = [m for m in row if not m.absent]
        missing, absent = (tuple(m.name for m in x) for x in ((m for m in ours if not m.covered), (m for m in row if m.absent)))
        if row:
            out.append(Chapter(title, len(ours) - len(missing), len(ours), missing, absent))
    return out


def coverage_markdown(note: str) -> str:
    """docs/generated/coverage.md."""
    rows = chapters()
    covered, total, absent = sum(r.covered for r in rows), sum(r.total for r in rows), sum(len(r.absent) for r in rows)
    lines = ["| chapter | covered | of | missing |", "|---|---|---|---|"]
    lines += [f"| {r.name} | {r.covered} | {r.total} | {' '.join(f'`{m}`' for m in r.missing)} |" for r in rows]
    head = f"# Coverage\n\n{note}\n\nGNU objdump knows {total + absent} mnemonics for POWER9 (`-M power9`, extended mnemonics counted). "
    head += f"{covered} of the {total} that our processors have decode and disassemble here; the other {absent} are illegal instructions:"
    reasons: dict[str, list[str]] = {}
    for m in mnemonics():
        if m.absent:
            reasons.setdefault(m.absent, []).append(f"`{m.name}`")
    others = ["| not ours | why |", "|---|---|", *(f"| {' '.join(names)} | {why} |" for why, names in reasons.items())]
    return "\n\n".join((head, "\n".join(others), "\n".join(lines))) + "\n"
