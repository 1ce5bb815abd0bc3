"""Every fixed-point, branch and CR instruction on random operands, against qemu-ppc64 and qemu-ppc.

    python -m tests.oracle.fixed_sweep [cases per instruction] [seed] [pattern of mnemonics]

Both forms of each body run (translation and interpreter variant). The 32-bit program runs what 32-bit processors have;
the evaluator gets random high halves there, which must not matter. Known differences are in `agreed`.
"""

from __future__ import annotations

import random
import re
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from dbt.exits import Exit
from dbt.frontend.fields import Field
from dbt.frontend.insn import ISA, Insn
from dbt.ir.evaluate import Outcome
from dbt.mode import Mode, level_of

from ..ir.machine import Registers
from ..support import B32, B64, BASE, execute
from . import records

M64, M32 = 0xFFFF_FFFF_FFFF_FFFF, 0xFFFF_FFFF
HARNESS = Path(__file__).with_name("fixed.s")
MODULES = "branch|cr|fixed_(arithmetic|bcd|compare|divide|logical|rotate|trap)"
GPRS = (0, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)
TAKEN = 0x20
XER, CR = 12, 13  # places in a record
ONLY_64 = re.compile(
    "mulld|mulhdu?|divdu?|divw?d?eu?|cntlzd|extsw|s[lr]di?|sradi?|tdi?|rld.*|cmpb|popcnt.|prty.|bpermd|addg6s|cbcdtd|cdtbcd|isel|bctar"
)
XER_BITS = (("so", 31), ("ov", 30), ("ca", 29), ("ov32", 19), ("ca32", 18))
SMALL = (0, 1, 2, 31, 32, 33, 63, 64, 65, 127)
POWERS = (1 << 31, 1 << 32, 1 << 63)
MIXED = (0x8000_0000_8000_0000, 0xFFFF_FFFF_0000_0000, 0xFFFF_FFFF_8000_0000)  # halves that disagree
EDGES = (*SMALL, *POWERS, *(x - 1 for x in POWERS), *MIXED, M64 - 1, M64)


class Case(NamedTuple):
    """One instruction and the registers it starts with."""

    insn: Insn
    word: int
    gpr: tuple[int, ...]
    xer: int
    cr: int
    ctr: int
    lr: int

    def record(self) -> bytes:
        """As the harness reads it."""
        return struct.pack(">16Q", self.word, *self.gpr, self.xer, self.cr, self.ctr, self.lr)

    def registers(self) -> dict[str, int]:
        """As the evaluator takes them."""
        out = {f"gpr{n}": v for n, v in zip(GPRS, self.gpr, strict=True)}
        out |= {name: self.xer >> n & 1 for name, n in XER_BITS}
        out |= {"ctr": self.ctr, "lr": self.lr, "tar": self.lr}
        return out | {f"cr{n}": self.cr >> (28 - 4 * n) & 15 for n in range(8)}


def operand(r: random.Random, f: Field, insn: Insn) -> int:
    """A random value of a field, as its bits in the word."""
    if f.kind == "gpr":
        return f.insert(r.choice(GPRS))
    if f.name == "FXM" and "o" in insn.name.removesuffix("crf"):
        return f.insert(1 << r.randrange(8))
    if f.name in ("LI", "BD"):
        return f.insert(TAKEN)
    if f.name == "AA":
        return 0
    return r.getrandbits(32) & f.mask


def case(r: random.Random, insn: Insn, words: bool) -> Case:
    """A random one."""
    word = insn.bits
    for f in insn.fields:
        word |= operand(r, f, insn)
    if words and insn.name in ("cmp", "cmpi", "cmpl", "cmpli"):
        word &= ~(1 << 21)
    if insn.name == "addex":
        word &= ~(3 << 9)  # other values of CY are reserved: SIGILL with QEMU, as 0 with us
    if insn.name == "bcctr":
        word |= 4 << 21  # the invalid form is ours to choose
    if insn.name == "b" and r.random() < 0.5:
        word = word & ~0x03FF_FFFC | (BASE + TAKEN) | 2
    gpr = [r.choice(EDGES) if r.random() < 0.5 else r.getrandbits(64) for _ in GPRS]
    if insn.name == "cbcdtd":  # defined for decimal digits only
        gpr = [int("".join(r.choices("0123456789", k=16)), 16) for _ in GPRS]
    if r.random() < 0.1:
        gpr[r.randrange(len(gpr))] = gpr[r.randrange(len(gpr))]
    ctr, lr = r.choice((0, 1, 2, 1 << 32, (1 << 32) + 1)), r.getrandbits(64)
    if insn.name == "bcctr":
        ctr = BASE + TAKEN + r.randrange(4)
    if insn.name in ("bclr", "bctar"):
        lr = BASE + TAKEN + r.randrange(4)
    return Case(insn, word, tuple(gpr), r.getrandbits(3) << 29 | r.getrandbits(2) << 18, r.getrandbits(32), ctr, lr)


def oracle(cases: list[Case], bits: int) -> list[tuple[int, ...]]:
    """The records after QEMU ran them."""
    return [struct.unpack(">16Q", answer) for answer in records.run(HARNESS, [c.record() for c in cases], bits=bits)]


def expected(c: Case, outcome: Outcome, registers: Registers) -> tuple[int, ...]:
    """What we say, in the shape of a record."""
    if outcome.kind == "exit":
        assert outcome.exit == Exit.PROGRAM, outcome
        return (2 if outcome.payload == 0x2_0000 else 3,)
    if outcome.kind == "jump":
        assert outcome.target == BASE + TAKEN, f"{c.insn} jumps to {outcome.target:#x}"
    cr = sum(registers[f"cr{n}"] << (28 - 4 * n) for n in range(8))
    xer = sum(registers[name] << n for name, n in XER_BITS)
    return (int(outcome.kind == "jump"), *(registers[f"gpr{n}"] for n in GPRS), xer, cr, registers["ctr"], registers["lr"])


def agreed(c: Case, ours: tuple[int, ...], theirs: tuple[int, ...], mode: Mode) -> bool:
    """Whether the two are the same, as far as the architecture defines it."""
    if ours[0] in (2, 3) or theirs[0] in (2, 3):
        return ours[0] == theirs[0]
    low = M32 if not mode.sf or c.insn.name == "divwe" else M64  # divwe: QEMU fills the undefined high word with the sign
    a, b = ([x & low for x in record] for record in (ours, theirs))
    for record in (a, b):
        record[XER] &= 0xE00C_0000 if mode.sf else 0xE000_0000  # qemu-ppc's processors have no OV32 and CA32
    if c.insn.name == "darn":
        a[1 + GPRS.index(c.word >> 21 & 31)] = b[1 + GPRS.index(c.word >> 21 & 31)]
    if c.insn.name.startswith("div") and c.word & 1 and (undefined(c) or (c.insn.name == "divwe" and mode.sf)):
        a[CR], b[CR] = a[CR] & 0x1FFF_FFFF, b[CR] & 0x1FFF_FFFF
    if c.insn.name.startswith(("div", "mod")) and undefined(c):
        rt = 1 + GPRS.index(c.word >> 21 & 31)
        a[rt] = b[rt] = 0
        if c.insn.name == "divde":  # QEMU 7.2 does not always see the overflow
            oe = c.word >> 10 & 1
            b[XER] = (c.xer & 0x2004_0000) | 0xC008_0000 if oe else c.xer
            b[CR] = a[CR]
    return a == b


def undefined(c: Case) -> bool:
    """Whether a division has no defined result, from first principles."""
    name = c.insn.name
    bits = 32 if "w" in name else 64
    x, y = (c.gpr[GPRS.index(c.word >> n & 31)] & ((1 << bits) - 1) for n in (16, 11))
    low, high = 0, (1 << bits) - 1
    if not name.endswith("u") and "u" not in name[3:5]:
        low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
        x, y = (v - (1 << bits) if v >> (bits - 1) else v for v in (x, y))
    if name.removesuffix("u").endswith("e"):
        x <<= bits
    if y == 0:
        return True
    quotient = abs(x) // abs(y)
    return not low <= (-quotient if (x < 0) != (y < 0) else quotient) <= high


def sweep(count: int, seed: int, bits: int, pattern: str = ".*") -> tuple[Counter[str], list[str]]:
    """Cases that agreed for each mnemonic, and a line for each that did not."""
    r = random.Random(seed)
    mode = B64 if bits == 64 else B32
    insns = [i for i in ISA.insns if re.fullmatch(MODULES, i.module.rpartition(".")[2]) and re.fullmatch(pattern, i.name)]
    if bits == 32:
        insns = [i for i in insns if not ONLY_64.fullmatch(i.name) and level_of(i.since) < 2]
    cases = [case(r, i, bits == 32) for i in insns for _ in range(count)]
    good: Counter[str] = Counter()
    bad = []
    for c, theirs in zip(cases, oracle(cases, bits), strict=True):
        same = True
        for generic in (False, True):
            registers, outcome = execute(c.word, c.registers(), mode, generic=generic)
            ours = expected(c, outcome, registers)
            if not agreed(c, ours, theirs, mode):
                same = False
                show = " ".join(f"{n}:{x:x}/{y:x}" for n, (x, y) in enumerate(zip(ours, theirs, strict=False)) if x != y)
                form = "handler" if generic else "translation"
                bad.append(f"{c.insn.name} {form}: {c.record().hex(' ', 8)} ours/theirs {show}")
        good[c.insn.template] += same
    return good, bad


def main() -> int:
    count, seed, pattern = records.arguments(50)
    outcomes = [(bits, *sweep(count, seed, bits, pattern)) for bits in (64, 32)]
    different = [records.report(f"{bits}-bit", good.total(), bad) for bits, good, bad in outcomes]
    return any(different)


if __name__ == "__main__":
    sys.exit(main())
