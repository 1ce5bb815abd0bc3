"""VSX storage access, moves, permutations and bit-level instructions, and atomic memory operations, on random operands,
against qemu-ppc64 and qemu-ppc64le.

    python -m tests.oracle.vsx_sweep [cases per instruction] [seed] [pattern of mnemonics]

Compared: GPRs, four whole VSRs (of either half of the file), CR, FPCC, storage. The partial loads and stores (lxvl and
relatives) run their compiled helper on a machine, the others both forms of their body on the evaluator. Not compared is
what the manual leaves undefined: doubleword 1 of scalar results.
"""

from __future__ import annotations

import random
import re
import struct
import sys
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from dbt import fpscr
from dbt.frontend.fields import Field
from dbt.frontend.insn import ISA, Insn
from dbt.mode import Mode

from ..support import execute
from . import records

HARNESS = Path(__file__).with_name("vsx.s")
MODULES = re.compile(r"vsx_(storage|move|permute)")
HELPED = re.compile(r"(l|st)(xvll?|[wd]at)")
ATOMIC = {
    "l": (0, 1, 2, 3, 4, 5, 6, 7, 8, 24, 25),
    "s": (0, 1, 2, 3, 4, 5, 6, 7, 24),
}  # function codes, as far as QEMU has them
# Doubleword 1 of the result is undefined (I 7.6.1): we write zero
SCALAR = re.compile(r"lxs.*|mtvsr(d|w[az])|xs(n?abs|neg|cpsgn|iexp)dp")
MSR = 1 << 13 | 1 << 25 | 1 << 23
STORAGE = 0x4000
GPRS, VSRS = (3, 4, 5, 6), (2, 3, 34, 35)
EDGES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7F80_0000, 0x7FFF_FFFF, 0x8000_0000, 0xFF80_0000, 0xFFFF_FFFF)
DOUBLES = (0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48, 0xFFF0_0000_0000_0001, 1, (1 << 63) + 5, 0x3FF << 52,
           0x36A << 52, 0x369 << 52, 0x380F_FFFF_E000_0000, 0x380F_FFFF_C000_0000, 0x3800_0000_2000_0000, 0x381 << 52, 0x47EF_FFFF_E000_0000,
           0x47EF_FFFF_F000_0000, 0x47F << 52, 0x7FEF_FFFF_FFFF_FFFF, 0xC7EF_FFFF_E000_0000, 0xB80F_FFFF_E000_0000)  # fmt: skip


class Case(NamedTuple):
    """One instruction and the state it starts with."""

    insn: Insn
    word: int
    gpr: tuple[int, ...]  # r3 r4 (an offset into storage) r5 r6
    vsr: tuple[int, ...]
    cr: int
    storage: bytes

    def record(self) -> bytes:
        """As the harness reads it."""
        vectors = b"".join(v.to_bytes(16, "big") for v in self.vsr)
        return struct.pack(">16Q", self.word, *self.gpr, self.cr, *[0] * 10) + vectors + self.storage


def element(r: random.Random, bits: int) -> int:
    """A number of 16, 32, 64 or 128 bits, often one at an edge."""
    if bits == 128:
        exponent = r.choice((0, 0x7FFF, 1, 0x7FFE, r.getrandbits(15)))
        return r.getrandbits(1) << 127 | exponent << 112 | r.choice((0, 1, r.getrandbits(112)))
    if bits == 64 and r.random() < 0.5:
        return r.choice(DOUBLES)
    if r.random() < 0.4:
        return r.choice(EDGES) & ((1 << bits) - 1)
    return r.getrandbits(bits)


def vector(r: random.Random) -> int:
    """A register of equally wide elements."""
    bits = r.choice((16, 32, 64, 64, 128))
    return sum(element(r, bits) << n for n in range(0, 128, bits))


def field(r: random.Random, insn: Insn, f: Field) -> int:
    """A random operand, as its bits in the word."""
    storing = "storage" in insn.module
    if f.name == "FC":
        # QEMU 7.2 compares words zero-extended for the signed functions (II 4.5: signed words)
        return f.insert(r.choice([n for n in ATOMIC[insn.name[0]] if insn.name[-3] != "w" or n not in (5, 7)]))
    if f.name in ("RT", "RS") and storing:
        return f.insert(5)  # the operand is r6
    if f.name == "RA" and storing:
        return f.insert(4)
    if f.name == "RB" and storing:
        return f.insert(5)
    if f.name == "RA" and insn.name == "mtvsrdd" and r.random() < 0.3:
        return 0
    if f.kind == "gpr":
        return f.insert(r.choice((3, 5, 6)))
    if f.kind == "vsr":
        return f.insert(r.choice(VSRS))
    if f.kind == "vr":
        return f.insert(r.choice(VSRS[2:]) - 32)
    if f.name in ("DS", "DQX"):
        return f.insert(r.randint(-1, 1) << max(4, f.scale))
    return r.getrandbits(32) & f.mask


def case(r: random.Random, insn: Insn) -> Case:
    """A random use of an instruction: r4 points into storage, r5 is a small index, or a length in its first byte."""
    word = insn.bits
    for f in insn.fields:
        word |= field(r, insn, f)
    helped = bool(HELPED.fullmatch(insn.name))
    r5 = r.choice((*range(18), r.getrandbits(8))) << 56 | r.getrandbits(56) if helped else r.randint(-8, 8) & ((1 << 64) - 1)
    place, storage = r.randint(16, 32), r.randbytes(64)
    if insn.name.endswith("at"):
        place = r.choice((0, 8, 16))
        r5 = element(r, 64)
        if r.random() < 0.4:  # neighbours that are equal
            storage = element(r, 32).to_bytes(4, "big") * 16
    gpr = (r.getrandbits(64), place, r5, element(r, 64))
    return Case(insn, word, gpr, tuple(vector(r) for _ in VSRS), r.getrandbits(32), storage)


class Machine:
    """A machine that runs the instructions whose work is done by a helper."""

    @cached_property
    def vm(self) -> Any:
        """Made when it is needed: it compiles the engine."""
        from runtime.vm import VM

        return VM(1 << 20, cpu="power9", engine="interpreter")

    def run(self, c: Case, little: bool) -> tuple[dict[str, int], bytes]:
        """Registers and storage afterwards."""
        v = self.vm.vcpus[0]
        self.vm.write(0x1000, c.word.to_bytes(4, "little" if little else "big"))
        self.vm.write(STORAGE, c.storage)
        v.msr, v.nia = 1 << 63 | MSR | 0x1000 | little, 0x1000
        v.mode_changed()
        for n, x in zip(GPRS, c.gpr, strict=True):
            v.gpr[n] = x + STORAGE if n == 4 else x
        for n, x in zip(VSRS, c.vsr, strict=True):
            v[f"vsr{n}"] = x
        for n in range(8):
            v[f"cr{n}"] = c.cr >> (28 - 4 * n) & 15
        v.run(max_instructions=1)
        assert v.nia == 0x1004, hex(v.nia)
        return {n: v[n] for n in names()}, self.vm.read(STORAGE, 64)


def names() -> list[str]:
    """The registers compared."""
    return [f"gpr{n}" for n in GPRS] + [f"vsr{n}" for n in VSRS] + [f"cr{n}" for n in range(8)]


def ours(c: Case, little: bool, generic: bool) -> tuple[dict[str, int], bytes]:
    """The evaluator's state afterwards."""
    registers = {f"gpr{n}": x + STORAGE if n == 4 else x for n, x in zip(GPRS, c.gpr, strict=True)}
    registers |= {f"vsr{n}": x for n, x in zip(VSRS, c.vsr, strict=True)} | {"msr": MSR}
    registers |= {f"cr{n}": c.cr >> (28 - 4 * n) & 15 for n in range(8)}
    memory = {STORAGE + n: b for n, b in enumerate(c.storage)}
    got, outcome = execute(c.word, registers, Mode(le=little), generic=generic, memory=memory)
    assert outcome.kind == "next", (c, outcome)
    held = got["fp_op"]  # float_model.py: FPCC is worked out from it when FPSCR is read
    got["fpcc"] = (held >> fpscr.CC_SHIFT & 15) << 12 if held & fpscr.COMPARED else 0
    return {n: got[n] for n in (*names(), "fpcc")}, bytes(got.machine.memory[STORAGE + n] for n in range(64))


def state(c: Case, registers: dict[str, int], storage: bytes) -> dict[str, int | bytes]:
    """What is compared, by name."""
    out: dict[str, int | bytes] = {f"r{n}": registers[f"gpr{n}"] for n in GPRS}
    out["r4"] = registers["gpr4"] - STORAGE & ((1 << 64) - 1)
    out |= {f"vs{n}": registers[f"vsr{n}"] for n in VSRS}
    out["cr"] = sum(registers[f"cr{n}"] << (28 - 4 * n) for n in range(8))
    out |= {"storage": storage, "fpcc": registers.get("fpcc", 0)}
    return comparable(c, out)


def state_of(c: Case, record: bytes) -> dict[str, int | bytes]:
    """The same, from a record."""
    w = struct.unpack(">16Q", record[:128])
    out: dict[str, int | bytes] = {f"r{n}": w[k + 1] for k, n in enumerate(GPRS)}
    out |= {f"vs{n}": int.from_bytes(record[128 + 16 * k : 144 + 16 * k], "big") for k, n in enumerate(VSRS)}
    out |= {"cr": w[5] & 0xFFFF_FFFF, "storage": record[192:], "fpcc": w[6] & 0xF000}
    return comparable(c, out)


def comparable(c: Case, a: dict[str, int | bytes]) -> dict[str, int | bytes]:
    """Without what the manual leaves undefined, and QEMU's own errors."""
    if c.insn.name == "xststdcsp":
        b = next(f for f in c.insn.fields if f.name == "XB").extract(c.word)
        if 0 < c.vsr[VSRS.index(b)] >> 116 & 0x7FF < 0x381:
            # QEMU 7.2: what is a denormal single matches whatever DCMX says (I 7.6.3: by its sign's bit)
            bf = c.word >> 23 & 7
            assert isinstance(a["cr"], int) and isinstance(a["fpcc"], int)
            a["cr"] &= ~(2 << (28 - 4 * bf))
            a["fpcc"] &= ~0x2000
    if c.insn.name in ("lwat", "ldat") and a["r5"] == 0xFFFF_FFFF_8000_0000:
        # QEMU 7.2 gives the word's least number, sign-extended, for any size (II 4.5.1: that of the datum's size)
        a["r5"] = 1 << (63 if c.insn.name == "ldat" else 31)
    if SCALAR.fullmatch(c.insn.name):
        f = c.insn.fields[0]
        name = f"vs{f.extract(c.word) + 32 * (f.kind == 'vr')}"
        value = a[name]
        assert isinstance(value, int)
        a[name] = value >> 64
    return a


def sweep(count: int, seed: int, little: bool, pattern: str = ".*") -> tuple[int, list[str]]:
    """How many cases agreed, and those that did not."""
    r = random.Random(seed)
    chosen = [i for i in ISA.insns if MODULES.search(i.module.rpartition(".")[2]) or re.fullmatch("(l|st)[wd]at", i.name)]
    chosen = [i for i in chosen if re.fullmatch(pattern, i.name)]
    cases = [case(r, i) for i in chosen for _ in range(count)]
    wrong = []
    machine = Machine()
    for c, record in zip(cases, records.run(HARNESS, [c.record() for c in cases], little=little), strict=True):
        b = state_of(c, record)
        for generic in (False,) if HELPED.fullmatch(c.insn.name) else (False, True):
            got = machine.run(c, little) if HELPED.fullmatch(c.insn.name) else ours(c, little, generic)
            a = state(c, *got)
            if a != b:
                show = {k: (a[k], b[k]) for k in a if a[k] != b[k]}
                text = {k: tuple(x.hex() if isinstance(x, bytes) else hex(x) for x in v) for k, v in show.items()}
                inputs = f"gpr={[hex(x) for x in c.gpr]} vsr={[hex(x) for x in c.vsr]}"
                wrong.append(
                    f"{c.insn.name} {c.word:#010x} {inputs} {'handler' if generic else ''} (ours, qemu): {text}"
                )
                break
    if "vm" in machine.__dict__:
        machine.vm.close()
    return len(cases) - len(wrong), wrong


if __name__ == "__main__":
    sys.exit(records.both_orders(sweep))
