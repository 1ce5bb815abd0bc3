"""Random sequences of declared instructions: regions of many blocks against the interpreter and the reference engine.

Interrupts return to the instruction after the one that caused them, so a sequence goes on whatever happens. Every run is
cut into slices, and the states at all ends of slices must agree.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.disassembler import disassemble
from dbt.frontend.insn import ISA, Insn
from dbt.mode import Mode
from dbt.state import slot

from ..limits import many
from .cases import MIDDLE, random_state, random_word, stores
from .harness import CODE, DR, IR, SKIP, Rig, put

# What makes a sequence end early or leave the mode it was compiled for; test_generated has them.
AVOIDED = {
    "rfid",
    "hrfid",
    "mtmsr",
    "mtmsrd",
    "sc",
    "mtspr",
    "slbmte",
    "doze",
    "nap",
    "sleep",
    "rvwinkle",
    "bclr",
    "bcctr",
    "bctar",
    "b",
    "bc",
}
CALM: list[Insn] = [i for i in ISA.insns if i.name not in AVOIDED]
COMPARED = ("reference", "interpreter", "region")
LENGTH = 60
TOTAL = {"sequences": 0, "instructions": 0}
Rigs = dict[bool, list[Rig]]


@pytest.fixture(scope="module")
def rigs() -> Iterator[Rigs]:
    """One machine of each kind in each byte order."""
    made = {little: [Rig(kind, little, SKIP) for kind in COMPARED] for little in (False, True)}
    yield made
    print(f"\n{TOTAL['sequences']} sequences agree on {', '.join(COMPARED)} ({TOTAL['instructions']} instructions)")
    for group in made.values():
        for rig in group:
            rig.close()


def branch(r: random.Random, at: int, to: int) -> int:
    """A branch between two words, conditional more often than not."""
    d = 4 * (to - at)
    if r.random() < 0.3:
        return 18 << 26 | d & 0x03FF_FFFC | (r.random() < 0.2)
    return 16 << 26 | r.choice((4, 12, 16, 18, 0, 8)) << 21 | r.randrange(32) << 16 | d & 0xFFFC | (r.random() < 0.2)


def sequence(r: random.Random, plain: bool) -> list[int]:
    """Words that stay among themselves: branches go forward, or back where CTR counts; the last one branches to itself."""
    words = []
    pool = [i for i in CALM if not (i.privileged and plain)]
    for n in range(LENGTH):
        if r.random() < 0.12:
            words.append(branch(r, n, r.randint(n + 1, LENGTH)))
        elif r.random() < 0.03 and n > 8:  # bdnz backwards
            words.append(16 << 26 | 16 << 21 | -4 * r.randint(1, 8) & 0xFFFC)
        elif r.random() < 0.03:
            words.append(r.choice((0x4E80_0020, 0x4E80_0420)) | r.randrange(2))  # blr, bctr: to where LR and CTR point
        else:
            i = r.choice(pool)
            word = random_word(r, i)
            if stores(i):  # r1 and r2 keep pointing at the data
                for f in i.fields:
                    if f.name == "RA":
                        word = word & ~f.mask | f.insert(r.choice((1, 2)))
                    elif f.name == "RB":
                        word = word & ~f.mask | f.insert(r.choice((0, 3)))
                    elif f.name in ("D", "DS", "DQ"):
                        word = word & ~f.mask | f.insert(r.randrange(-64, 64) * 16)
            words.append(word)
    return [*words, 0x4800_0000]


def once(rigs: Rigs, seed: int, mode: Mode, steps: int) -> int:
    """Run one sequence everywhere; instructions run."""
    r = random.Random(seed)
    words = sequence(r, mode.pr)
    group = rigs[mode.le]
    start = CODE + 4 * r.choice((0, 100, 1024 - LENGTH // 2, 1023 - LENGTH))
    any_insn = ISA.insns[0]
    given, data = random_state(r, any_insn, any_insn.bits, mode, group[0].clean, start)
    record = bytearray(given)
    if mode.pr:  # an interrupt's return to problem state turns translation on (rfid, III 3.3.1)
        put(record, "msr", int.from_bytes(record[slot("msr").offset :][:8], "little") | IR | DR)
    for n in range(1, 5):
        put(record, slot(f"slb_e{n}"), 0)
    put(record, slot("gpr1"), MIDDLE + r.randrange(64))
    put(record, slot("gpr2"), MIDDLE - 0x400)
    put(record, slot("gpr3"), r.randrange(-8, 8) * 4)
    put(record, "lr", start + 4 * r.randrange(LENGTH))
    put(record, "ctr", r.choice((start + 4 * r.randrange(LENGTH), 3, 9)))
    slices = [r.choice((1, 2, 3, 7, 20, 50)) for _ in range(steps)]
    results: list[list[object]] = []
    for rig in group:
        rig.vm.write(start, rig.words(words))
        if rig.kind == "region":
            rig.compile_regions([start, *(start + 4 * r.randrange(LENGTH) for _ in range(2))], mode)
        rig.start(record, data)
        results.append([rig.state(rig.run(n)) for n in slices])
    for rig, result in zip(group[1:], results[1:], strict=True):
        for n, (a, b) in enumerate(zip(results[0], result, strict=True)):
            if a != b:
                listing = "\n  ".join(
                    f"{start + 4 * k:#x} {w:08x} {disassemble(w, start + 4 * k)}" for k, w in enumerate(words)
                )
                show = "\n  ".join(a.differences(b))  # type: ignore[attr-defined]
                pytest.fail(
                    f"seed {seed}, {mode}: reference / {rig.kind} after slices {slices[: n + 1]}:\n  {show}\n  {listing}"
                )
    memories = [rig.vm.read(0, rig.vm.memory_size) for rig in group]
    assert memories[1:] == memories[:1] * (len(memories) - 1), f"seed {seed}, {mode}: memory differs outside the data pages"
    return sum(slices)


@pytest.mark.parametrize("index", range(8), ids=lambda n: str(Mode.of_index(n)))
def test_sequences(rigs: Rigs, index: int) -> None:
    for seed in range(8):
        TOTAL["instructions"] += once(rigs, seed * 8 + index, Mode.of_index(index), 12)
        TOTAL["sequences"] += 1


@pytest.mark.slow
@pytest.mark.parametrize("index", range(8), ids=lambda n: str(Mode.of_index(n)))
def test_more_sequences(rigs: Rigs, index: int) -> None:
    for seed in range(1000, 1000 + many(60)):
        TOTAL["instructions"] += once(rigs, seed * 8 + index, Mode.of_index(index), 20)
        TOTAL["sequences"] += 1
