"""The same cases under qemu-ppc64, whose decimal arithmetic is libdecnumber's.

    python -m tests.decimal.qemu [cases per instruction] [seed] [pattern of mnemonics]

Where the two differ and the manual is clear, `known_error` says what is wrong with QEMU 7.2.
"""

from __future__ import annotations

import random
import re
import struct
import sys
from collections import Counter
from pathlib import Path

from ..float.fpscr_reference import FI, FR, FX, OX, UX, VE, VXALL, VXCVI, XX, ZX
from ..oracle import records
from .cases import INSTRUCTIONS, Case, case
from .machine import Machine, ref_fpscr

HARNESS, M64 = Path(__file__).with_name("qemu.s"), (1 << 64) - 1
STICKY = OX | UX | ZX | XX | VXALL


def theirs(cases: list[Case]) -> list[tuple[int, int, int]]:
    """(pair of the target, FPSCR, CR) after each."""
    given = [
        struct.pack(">10Q", c.word, ref_fpscr(c.fpscr), 0, c.a >> 64, c.a & M64, c.b >> 64, c.b & M64, c.t >> 64, c.t & M64, 0)
        for c in cases
    ]
    after = (struct.unpack(">10Q", record) for record in records.run(HARNESS, given))
    return [(w[7] << 64 | w[8], w[1], w[2] & 0xFFFF_FFFF) for w in after]


def comparable(c: Case, answer: tuple[int, int, int]) -> tuple[int, int, int]:
    """Without what QEMU 7.2 does not do at all: FR and FI; FX where the exception was there before."""
    t, fpscr, cr = answer
    if not STICKY & ref_fpscr(c.fpscr) ^ STICKY & fpscr:
        fpscr, cr = fpscr & ~FX, cr & ~(8 << 24)
    return t, fpscr & ~(FR | FI), cr


def is_special(x: int) -> bool:
    """Whether an encoding (its upper half at least) is an infinity or a NaN."""
    return x >> 123 & 15 == 15


def known_error(c: Case, ours: tuple[int, int, int], other: tuple[int, int, int]) -> str:
    """Why QEMU 7.2 differs, if that is known: docs/divergences.md."""
    name = c.mnemonic.removesuffix("q")
    only_target = ours[1:] == other[1:]
    infinite = c.b >> 122 & 31 == 30
    if name == "dctfix" and ours[0] == 1 << 127 | c.t & M64 and not ours[1] & VXCVI:
        return "the least integer is too small (I 5.6.5.2)"
    if name == "dctfix" and ours[0] == other[0] and not (ours[1] ^ other[1]) & ~0x1F000:
        return "undefined: FPRF of an integer"
    if name == "drdp" and only_target and other[0] >> 64 == 0 and (other[0] & M64, 0) == (ours[0] >> 64, ours[0] & M64):
        return "the result is in the odd register (I 5.6.5.1)"
    if name in ("drsp", "drdp") and is_special(c.b) and c.b >> 122 & 1:
        return "a signalling NaN is taken for a quiet one, and a payload too long is dropped (I 5.6.5.1)"
    if name == "denbcd" and ours[1] & VXCVI and not c.fpscr & VE:
        return "an invalid code does not give the default NaN, or no FPRF (I 5.6.6)"
    if name == "ddedpd" and only_target and infinite:
        return "the trailing significand of an infinity counts as zero (I 5.6.6)"
    if name in ("dscli", "dscri") and only_target and is_special(c.a):
        return "the significand of an infinity is lost, or reserved bits of the combination field stay (I 5.6.6)"
    if name == "diex" and only_target:
        return "the significand of an infinity is lost, or declets are not made canonical (I 5.6.6)"
    return ""


def sweep(count: int, seed: int, pattern: str = ".*") -> tuple[int, Counter[str], list[str]]:
    """(cases that agreed, those excused by reason, lines for the others)."""
    machine, good, wrong = Machine(), 0, []
    excused: Counter[str] = Counter()
    chosen = [i for i in INSTRUCTIONS if re.fullmatch(pattern, i.name)]
    cases = [case(random.Random(f"{seed} {i.name} {n}"), i) for i in chosen for n in range(count)]
    cases = [c._replace(fpscr=c.fpscr & ~0xF8) for c in cases]  # qemu-user delivers enabled exceptions
    for c, a, b in zip(cases, machine.run(cases), theirs(cases), strict=True):
        a, b = comparable(c, a), comparable(c, b)
        if a == b:
            good += 1
        elif reason := known_error(c, a, b):
            excused[f"{c.mnemonic}: {reason}"] += 1
        else:
            show = " ".join(f"{x:x}/{y:x}" for x, y in zip(a, b, strict=True) if x != y)
            wrong.append(f"{c.mnemonic} {c.word:08x} fpscr={c.fpscr:x} a={c.a:032x} b={c.b:032x} t={c.t:032x} ours/theirs {show}")
    machine.close()
    return good, excused, wrong


def main() -> int:
    """A long run."""
    good, excused, wrong = sweep(*records.arguments(200))
    print("\n".join(f"{n:6} {reason}" for reason, n in excused.items()))
    return records.report(f"{excused.total()} cases are QEMU's errors", good, wrong, shown=3)


if __name__ == "__main__":
    sys.exit(main())
