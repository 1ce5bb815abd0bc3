"""Random words, random register files, random jumps: run in a process of its own by test_robustness.py.

    python -m tests.engines.robustness ENGINE SEED WORDS

Prints a line when done; a crash or a hang is the caller's to report.
"""

from __future__ import annotations

import random
import sys
from typing import Any

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.insn import ISA
from dbt.mode import Mode
from dbt.state import SLOTS, slot

from .cases import double, number, random_fpscr, random_word, scratch
from .harness import DATA_BYTES, EE, FP, MEMORY, SKIP, VEC, VECTORS, VSX, Rig, State, mode_msr, put

BLOCK = 256  # words written at a time
# After a fetch that failed: lis r31,5; mtsrr0 r31; mfsrr1 r31; li r30,0xbfcf; and r31,r31,r30; mtsrr1 r31; rfid (to 0x50000, untranslated,
# PR off). After a decrementer interrupt: mtsprg3 r31; lis r31,0x7fff; mtdec r31; mfsprg3 r31; rfid
BACK = (0x3FE0_0005, 0x7FFA_03A6, 0x7FFB_02A6, 0x3BC0_BFCF, 0x7FFF_F038, 0x7FFB_03A6, 0x4C00_0024)
LATER = (0x7FF3_43A6, 0x3FE0_7FFF, 0x7FF6_03A6, 0x7FF3_42A6, 0x4C00_0024)
PLACES = (0x5_0000, 0x3_0000, 0x3_0FC0, 0x5_1000, 0xF_F800)


def fill(r: random.Random) -> list[int]:
    """Random words: most of them declared instructions with random fields."""
    return [random_word(r, r.choice(ISA.insns)) if r.random() < 0.7 else r.getrandbits(32) for _ in range(BLOCK)]


def random_record(r: random.Random, rig: Rig, mode: Mode, nia: int) -> bytearray:
    """A random register file, every register of it, but a clock that goes on and a MSR of the mode."""
    record = bytearray(rig.clean)
    for n in range(32):
        put(record, slot(f"gpr{n}"), r.randrange(VECTORS, MEMORY) if r.random() < 0.75 else number(r))
        put(record, slot(f"fpr{n}"), double(r))
    scratch(r, record)
    for n in range(8):
        put(record, slot(f"cr{n}"), r.getrandbits(4))
    put(record, "xer_count", r.randrange(128))
    put(record, "fpscr", random_fpscr(r))
    put(record, "lr", r.choice(PLACES) + 4 * r.randrange(BLOCK))
    put(record, "ctr", r.choice(PLACES) + 4 * r.randrange(BLOCK))
    put(record, "nia", nia if r.random() < 0.9 else r.choice((number(r), MEMORY - 4, MEMORY, 0, 2**64 - 4, 2**32 - 4)))
    put(
        record, "msr", mode_msr(mode) | r.choice((0, FP, FP | VEC | VSX | EE)) | (0x30 if mode.pr or r.random() < 0.1 else 0)
    )
    put(record, "dec_expiry", r.choice((100, 1 << 40)))
    put(record, "tb_offset", 0)
    for n in range(1, r.randrange(1, 5)):
        put(record, slot(f"slb_e{n}"), r.getrandbits(36) << 28 | 1 << 27)
        put(record, slot(f"slb_v{n}"), r.getrandbits(64))
    return record


class Run:
    """One engine on the random program of a seed."""

    def __init__(self, kind: str, little: bool, seed: int) -> None:
        self.r = random.Random(seed)
        self.rig = Rig(kind, little, SKIP)
        for vector in (0x200, 0x400, 0x480):
            self.rig.vm.write(vector, self.rig.words(BACK))
        self.rig.vm.write(0x900, self.rig.words(LATER))
        self.vectors = self.rig.vm.read(0, VECTORS)
        self.ran = 0

    def block(self) -> list[State]:
        """Write a block of words somewhere, run from a random state in slices; the states between."""
        r, rig = self.r, self.rig
        v: Any = rig.vcpu
        place = r.choice(PLACES)
        mode = Mode(sf=r.random() < 0.6, le=rig.little, pr=r.random() < 0.5, trap=r.random() < 0.1)
        rig.vm.write(place, rig.words(fill(r))[: MEMORY - place])
        rig.vm.write(0, self.vectors)  # stores may have hit them
        record, data = random_record(r, rig, mode, place + 4 * r.randrange(BLOCK)), r.randbytes(DATA_BYTES)
        places = [place + 4 * r.randrange(BLOCK) for _ in range(6)]
        if rig.kind == "region":
            start = int.from_bytes(record[slot("nia").offset :][:8], "little")
            rig.compile_regions([x for x in (start, *places) if x < MEMORY and x % 4 == 0], mode)
        rig.start(record, data, mode.trap)
        out = []
        before = v.icount
        for size in [r.choice((1, 17, 100, 300)) for _ in range(8)]:
            event = rig.run(size)
            if event.startswith("Mmio"):
                v.complete_mmio(0x1234_5678)
                event += " " + rig.run(size)
            out.append(rig.state(event))
            if v.icount - before > 1_000_000 or v.icount < before:
                v.icount = before
            if rig.kind == "auto":
                rig.vm.compiler.drain()
        self.ran += max(v.icount - before, 0)
        return out


def main() -> int:
    kind, seed, words = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    runs = [Run(kind, little, seed) for little in (False, True)]
    done = 0
    while done < words:
        for run in runs:
            run.block()
            done += BLOCK
        print(f"{done} words", flush=True)
    for run in runs:
        print(f"{run.ran} instructions, regions: {run.rig.vm.compiler.stats if run.rig.vm.compiler else None}")
        if run.rig.vm.compiler:
            assert not run.rig.vm.compiler.errors, run.rig.vm.compiler.errors[:3]
    print("survived")
    return 0


assert SLOTS

if __name__ == "__main__":
    sys.exit(main())
