"""Storage access and classic floating point on random operands, against qemu-ppc64.

    python -m tests.oracle.storage_float_sweep [cases per instruction] [seed] [pattern of mnemonics]

Compared: GPRs, FPRs, CR, storage and FPSCR, but for what the manual leaves undefined and where qemu is wrong
(`comparable` says which). Exact results are tested in tests/float; this is a second opinion, and storage access.
"""

from __future__ import annotations

import random
import re
import struct
import sys
from pathlib import Path
from typing import Any, NamedTuple

import dbt.frontend.isa  # noqa: F401  (declares every instruction)
from dbt.fpscr import FPRF, FR, FX
from dbt.frontend.insn import ISA, Insn
from runtime.vm import VM

from . import records

HARNESS = Path(__file__).with_name("storage_float.s")
MODULES = re.compile(r"storage_fixed|float_(arithmetic|storage|fpscr)")
HELPED = re.compile(r"lmw|stmw|lsw.|stsw.|lq|stq")  # their work is done by helpers, tested elsewhere
ESTIMATES = re.compile(r"fres?|frsqrtes?")
MSR_FP, SF, ME = 1 << 13, 1 << 63, 1 << 12
CODE = 0x1000
STORAGE = 0x4000
BITS = (0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48, 0xFFF8_0000_0000_0123, 0x7FF0_0000_0000_0001,
0xFFF4_0000_1234_5678, 1, (1 << 52) - 1,
        0x3FF << 52, 0xBFF << 52, 0x381 << 52, 0x380F_FFFF_E000_0000, 0x36A << 52, 0x369 << 52,
        0x47EF_FFFF_E000_0000, 0x47EF_FFFF_FFFF_FFFF,
        0x47EF_FFFF_F000_0000, 0x7FEF_FFFF_FFFF_FFFF, 0x41E << 52, 0x41DF_FFFF_FFC0_0000, 0xC1E << 52, 0x43E << 52,
        0xC3E << 52, 0x43F << 52,
        0x3FE << 52, 0x3FF8 << 48, 0x4004 << 48, 0xBFE << 52, 0x3FDF_FFFF_FFFF_FFFF)  # fmt: skip


class Case(NamedTuple):
    """One instruction and the state it starts with."""

    insn: Insn
    word: int
    gpr: tuple[int, ...]  # r3 r4 (an offset into storage) r5 r6
    fpr: tuple[int, ...]  # f1..f4
    xer: int
    cr: int
    fpscr: int
    storage: bytes

    def record(self) -> bytes:
        """As the harness reads it."""
        return struct.pack(">16Q", self.word, *self.gpr, *self.fpr, self.xer, self.cr, self.fpscr, 0, 0, 0, 0) + self.storage


def double(r: random.Random, single: bool) -> int:
    """A double to compute with; `single`: one that a single holds, where singles are required."""
    kind = r.random()
    if single:
        if kind < 0.3:
            word = r.choice(
                (0, 0x8000_0000, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0xFFC0_1234, 1, 0x7F_FFFF, 0x3F80_0000, 0x7F7F_FFFF)
            )
        else:
            word = (
                r.getrandbits(1) << 31 | r.randint(1, 254) % 256 << 23 | r.getrandbits(23)
                if kind < 0.6
                else r.getrandbits(1) << 31 | r.randint(120, 134) << 23 | r.getrandbits(23)
            )
        return int(struct.unpack(">Q", struct.pack(">d", struct.unpack(">f", struct.pack(">I", word))[0]))[0])
    if kind < 0.3:
        return r.choice(BITS)
    if kind < 0.5:
        return r.getrandbits(64)
    return r.getrandbits(1) << 63 | (1023 + r.randint(-70, 70)) << 52 | r.getrandbits(52)


def case(r: random.Random, insn: Insn) -> Case:
    """A random use of an instruction: r4 (never RT's only user) points into storage, r5 is a small index."""
    word = insn.bits
    storing = "storage" in insn.module
    for f in insn.fields:
        if f.name == "RA" and storing:
            word |= f.insert(4)
        elif f.name == "RB" and storing:
            word |= f.insert(5)
        elif f.kind == "gpr":
            word |= f.insert(r.choice((3, 5, 6)))
        elif f.name in ("FRTp", "FRSp"):  # an odd one is an invalid form
            word |= f.insert(2)
        elif f.kind == "fpr":
            word |= f.insert(r.randint(1, 4))
        elif f.name in ("D", "DS"):
            word |= f.insert(r.randint(-4, 4) * 4)
        elif f.name in ("BTF", "BFF"):  # not the bits that enable exceptions: a signal under qemu
            word |= f.insert(r.randint(0, 23 if f.name == "BTF" else 5))
        else:
            word |= r.getrandbits(32) & f.mask
    single = insn.bits >> 26 == 59 and insn.name != "fcfids" and insn.name != "fcfidus"
    fpr = tuple(double(r, single) for _ in range(4))
    if "float_storage" in insn.module and r.random() < 0.5:
        fpr = tuple(double(r, True) for _ in range(4))
    fpscr = r.getrandbits(32) & 0x1F000
    if insn.module.endswith("fpscr"):
        fpscr = r.getrandbits(32) & 0x9FFF_F700  # and the summary bit VX as it must be
        fpscr |= bool(fpscr & 0x01F8_0700) << 29
        fpr = tuple(r.getrandbits(32) & ~0x8FF for _ in range(4))  # no exception enabled, round to nearest
    gpr = (r.getrandbits(64), r.randint(20, 30), r.randint(-8, 8) & ((1 << 64) - 1), r.getrandbits(64))
    return Case(insn, word, gpr, fpr, r.getrandbits(1) << 31, r.getrandbits(32), fpscr, r.randbytes(64))


class Ours:
    """A machine to run cases on, one instruction at a time."""

    def __init__(self, engine: Any) -> None:
        self.vm = VM(memory=1 << 20, engine=engine)
        self.vcpu = self.vm.vcpus[0]

    def run(self, c: Case) -> dict[str, int | bytes]:
        """The state afterwards, by name."""
        v = self.vcpu
        self.vm.write(CODE, c.word.to_bytes(4, "big"))
        self.vm.write(STORAGE, c.storage)
        for n, x in zip((3, 4, 5, 6), (c.gpr[0], STORAGE + c.gpr[1], c.gpr[2], c.gpr[3]), strict=True):
            v.gpr[n] = x
        for n, x in enumerate(c.fpr):
            v.vsr[n + 1] = x << 64
        v["xer"], v["cr"], v.fpscr = c.xer, c.cr, c.fpscr
        v.msr, v.nia = SF | ME | MSR_FP, CODE
        v.mode_changed()
        v.run(max_instructions=1)
        assert v.nia == CODE + 4, (c, hex(v.nia))
        out: dict[str, int | bytes] = {f"r{n}": v.gpr[n] for n in (3, 4, 5, 6)}
        out["r4"] = v.gpr[4] - STORAGE & ((1 << 64) - 1)
        out |= {f"f{n}": v.vsr[n] >> 64 for n in (1, 2, 3, 4)}
        return out | {"cr": v["cr"], "fpscr": v.fpscr, "storage": self.vm.read(STORAGE, 64)}


def state_of(record: bytes) -> dict[str, int | bytes]:
    """The same, from a record."""
    w = struct.unpack(">16Q", record[:128])
    out: dict[str, int | bytes] = {f"r{n + 3}": w[n + 1] for n in range(4)}
    out |= {f"f{n + 1}": w[n + 5] for n in range(4)}
    out |= {"cr": w[10] & 0xFFFF_FFFF, "fpscr": w[11], "storage": record[128:]}
    return out


def comparable(c: Case, a: dict[str, int | bytes]) -> dict[str, int | bytes]:
    """What must agree of a state."""
    a = dict(a)
    name = c.insn.name
    target = next((f"f{f.extract(c.word)}" for f in c.insn.fields if f.name == "FRT"), "")
    assert isinstance(a["fpscr"], int) and isinstance(a["cr"], int)
    if "storage" in c.insn.module:
        return a
    if ESTIMATES.fullmatch(name):
        a[target] = 0  # any value of the required accuracy
        a["fpscr"] = 0
    a["fpscr"] &= ~FR  # qemu 7.2 never sets it
    if name.startswith("fcti") or name in ("fcfids", "fcfidu", "fcfidus"):
        a["fpscr"] &= ~FPRF  # undefined; of the others qemu 7.2 does not set it
        if "w" in name:
            value = a[target]
            assert isinstance(value, int)
            a[target] = value & 0xFFFF_FFFF
    elif name == "mtfsb1":  # setting an exception bit sets FX (Book I 4.2.2); qemu 7.2 does not
        a["fpscr"] &= ~FX
        a["cr"] &= ~(8 << 24)
    elif c.insn.bits >> 26 == 59 or name in ("frsp", "fcmpo"):
        # C: a denormal is one of the target's precision (Book I 4.2.2), where qemu goes by the double's; fcmpo leaves
        # it alone
        a["fpscr"] &= ~0x10000
    return a


def sweep(count: int, seed: int, pattern: str = ".*") -> tuple[int, list[str]]:
    """How many cases agreed, and those that did not."""
    r = random.Random(seed)
    chosen = [i for i in ISA.insns if MODULES.search(i.module.rpartition(".")[2]) and not HELPED.fullmatch(i.name) and not re.fullmatch("mffs.+", i.name)]
    chosen = [i for i in chosen if re.fullmatch(pattern, i.name)]
    cases = [case(r, i) for i in chosen for _ in range(count)]
    wrong = []
    machines = [Ours("interpreter"), Ours("reference")]
    for c, record in zip(cases, records.run(HARNESS, [c.record() for c in cases], cpu="POWER8"), strict=True):
        b = comparable(c, state_of(record))
        for machine in machines:
            a = comparable(c, machine.run(c))
            if a != b:
                show = {k: (a[k], b[k]) for k in a if a[k] != b[k]}
                text = {k: tuple(x.hex() if isinstance(x, bytes) else hex(x) for x in v) for k, v in show.items()}
                wrong.append(
                    f"{c.insn.name} {c.word:#010x} fpr={[hex(x) for x in c.fpr]} fpscr={c.fpscr:#x} (ours, qemu): {text}"
                )
                break
    return len(cases) - len(wrong), wrong


def main() -> int:
    count, seed, pattern = records.arguments(100)
    return records.report("storage and floating point", *sweep(count, seed, pattern))


if __name__ == "__main__":
    sys.exit(main())
