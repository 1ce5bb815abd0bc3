"""Budgets and the clock are exact to the instruction, whatever engine runs and whatever is compiled."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.assembler import assemble_program
from dbt.mode import Mode
from dbt.state import slot
from runtime.events import Budget
from runtime.vm import VM
from tests.hostile import machine as hostile

from .harness import CODE, DATA, DATA_BYTES, EE, KINDS, ME, SF, Rig, Single, State, put

# Nested loops, calls, indirect jumps, loads, stores, a store conditional and a system call, over two pages.
PROGRAM = """
    .globl start
start:
    li      r3, 0
    li      r4, 40
outer:
    mtctr   r4
inner:
    lwz     r5, 0(r30)
    add     r5, r5, r3
    stw     r5, 4(r30)
    addi    r3, r3, 1
    bdnz    inner
    bl      leaf
    andi.   r6, r3, 3
    beq     skip
    lwarx   r7, 0, r30
    addi    r7, r7, 1
    stwcx.  r7, 0, r30
    bne     inner2
    sc
skip:
    cmpwi   r3, 400
    blt     outer
inner2:
    bl      far
    b       outer
leaf:
    mullw   r8, r3, r3
    xor     r9, r9, r8
    blr
    .balign 4096
far:
    mflr    r10
    addi    r11, r11, 1
    mftb    r12
    mtlr    r10
    blr
"""
RETURN = (0x4C00_0024,)  # rfid
START = 0x3_0000
CODE_WORDS = assemble_program(PROGRAM, START)
LENGTH = 3000
Rigs = dict[str, Rig]


def prepare(rig: Rig, msr: int = SF | ME, **registers: int) -> None:
    """Load the program and point at its start."""
    rig.vm.write(START, bytes(CODE_WORDS.data))
    mode = Mode()
    if rig.kind == "single":
        rig.compile_singles(
            [Single(START + 4 * n, w, mode) for n, w in enumerate(CODE_WORDS.words) if (w and n < 40) or n >= 1024]
        )
    elif rig.kind == "region":
        symbols = CODE_WORDS.symbols
        rig.compile_regions([START, symbols["outer"], symbols["leaf"], symbols["far"], symbols["inner"]], mode)
    record = bytearray(rig.clean)
    for name, value in {"gpr30": DATA + 0x800, "nia": START, "msr": msr, **registers}.items():
        put(record, slot(name), value)
    rig.start(record, bytes(DATA_BYTES), icount=0)


@pytest.fixture(scope="module")
def rigs() -> Iterator[Rigs]:
    """A machine of each kind."""
    made = {kind: Rig(kind, vectors=RETURN) for kind in KINDS}
    yield made
    for rig in made.values():
        rig.close()


@pytest.fixture(scope="module")
def truth(rigs: Rigs) -> list[State]:
    """The state after every instruction, by single steps of the reference engine."""
    rig = rigs["reference"]
    prepare(rig)
    states = [rig.state("Budget()")]
    for _ in range(LENGTH):
        assert rig.run(1) == "Budget()"
        states.append(rig.state("Budget()"))
    return states


def ignore_counts(s: State) -> tuple[object, ...]:
    """A state without the numbers of exits: icount, pending, halted, delivered."""
    return s.record, s.visible[:4], s.memory


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("kind", KINDS[1:])
def test_slices(rigs: Rigs, truth: list[State], kind: str, size: int) -> None:
    rig = rigs[kind]
    prepare(rig)
    done = 0
    while done + size <= LENGTH:
        assert rig.run(size) == "Budget()"
        done += size
        assert rig.vcpu.icount == done
        state = rig.state("Budget()")
        if state != truth[done]:
            pytest.fail(f"after {done} instructions, reference / {kind}:\n  " + "\n  ".join(truth[done].differences(state)))
    print(f"{kind}, slices of {size}: {done // size} states of {done} instructions agree")


@pytest.mark.parametrize("kind", KINDS)
def test_any_budget(rigs: Rigs, truth: list[State], kind: str) -> None:
    r, rig = random.Random(5), rigs[kind]
    prepare(rig)
    for _ in range(60 if kind != "reference" else 3):
        count = r.choice((0, 1, r.randrange(LENGTH), r.randrange(60)))
        restart(rig)
        rig.run(count)
        assert rig.vcpu.icount == count
        assert ignore_counts(rig.state()) == ignore_counts(truth[count]), count


def restart(rig: Rig, msr: int = SF | ME, **registers: int) -> None:
    """As prepare, the code being there."""
    record = bytearray(rig.clean)
    for name, value in {"gpr30": DATA + 0x800, "nia": START, "msr": msr, **registers}.items():
        put(record, slot(name), value)
    rig.start(record, bytes(DATA_BYTES), icount=0)


@pytest.mark.parametrize("kind", KINDS)
def test_decrementer_at_every_instruction_of_a_loop(rigs: Rigs, truth: list[State], kind: str) -> None:
    """The interrupt arrives before the instruction at which DEC becomes negative, with the state of that moment."""
    rig = rigs[kind]
    prepare(rig)
    count = 220
    vector = bytes(rig.vm.read(0x900, 4))
    rig.vm.write(0x900, (0x4800_0000).to_bytes(4, "big"))
    try:
        for k in range(count):
            restart(rig, SF | ME | EE, dec_expiry=k)
            rig.run(k + 1)  # one instruction of the handler
            state = rig.state()
            want = truth[k]
            v = rig.vcpu
            assert (v.nia, v.icount) == (0x900, k + 1), k
            assert int.from_bytes(want.record[slot("nia").offset :][:8], "little") == v.srr0, k
            assert v.srr1 & EE and v.delivered[0x900 >> 5] == 1
            names = [f"gpr{n}" for n in range(32)] + ["lr", "ctr", "cr0", "reserve_size"]
            for name in names:
                s = slot(name)
                size = s.type.bits // 8
                a, b = (x.record[s.offset : s.offset + size] for x in (want, state))
                assert a == b, f"{name} when DEC expires after {k} instructions: {a.hex()} / {b.hex()}"
            assert state.memory == want.memory, k
    finally:
        rig.vm.write(0x900, vector)
    print(f"{kind}: the decrementer interrupt was exact at each of {count} instructions")


def test_decrementer_ticks_through_a_run(rigs: Rigs) -> None:
    """A handler that sets DEC again: tens of interrupts in one run, at the same instructions on every engine."""
    handler = assemble_program("mtsprg 0, r31\n li r31, 37\n mtdec r31\n mfsprg r31, 0\n addi r29, r29, 1\n rfid", 0x900)
    results = {}
    for kind, rig in rigs.items():
        prepare(rig)
        kept = rig.vm.read(0x900, 64)
        rig.vm.write(0x900, bytes(handler.data))
        if kind == "region":
            rig.compile_regions([0x900], Mode())
        states = []
        for size in (None, 333, 1):
            restart(rig, SF | ME | EE, dec_expiry=10)
            left = 5000 if kind != "reference" or size is None else 0
            while left > 0:
                step = min(left, size or left)
                if size == 1 and left > 600:
                    step = left - 600
                rig.run(step)
                left -= step
            states.append(ignore_counts(rig.state()))
        results[kind] = states[0]
        if kind != "reference":
            assert states[1:] == states[:1] * 2, kind
        rig.vm.write(0x900, kept)
    assert all(s == results["reference"] for s in results.values())
    ticks = rigs["region"].vcpu.gpr[29]
    assert ticks > 90
    print(f"{ticks} decrementer interrupts at the same instructions on {', '.join(results)}")


@pytest.mark.parametrize("threshold", [1, 7, 100])
def test_background_compilation_changes_nothing(truth: list[State], threshold: int) -> None:
    """A machine that compiles on its own, whenever its thread gets to it."""
    with VM(memory=1 << 20, engine="jit", hot_threshold=threshold) as vm:
        for vector in range(0x100, 0x1000, 0x80):
            vm.write(vector, RETURN[0].to_bytes(4, "big"))
        vm.write(START, bytes(CODE_WORDS.data))
        v = vm.vcpus[0]
        v.nia, v.gpr[30], v.dec_expiry = START, DATA + 0x800, 1 << 40
        r = random.Random(threshold)
        while v.icount + 200 < LENGTH:
            v.run(max_instructions=r.randrange(1, 200))
            if r.random() < 0.2:
                vm.compiler.drain()
            want = truth[v.icount].record
            for name in (*(f"gpr{n}" for n in range(32)), "nia", "lr", "ctr", "cr0", "srr0"):
                s = slot(name)
                assert v[name] == int.from_bytes(want[s.offset : s.offset + s.type.bits // 8], "little"), (name, v.icount)
        assert not vm.compiler.errors
        if threshold < 100:
            assert vm.compiler.stats["installed"] > 0


assert CODE != START


@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
def test_emulated_instructions_use_fuel(engine: str) -> None:
    """Privileged instructions that trap are carried out in Python, outside of the stretches that count: a guest of nothing else ends in time."""
    code = hostile.words(0x7C71_43A6, 0x7CB1_42A6, 0x7CBA_03A6, 0x7C72_43A6, 0x4C00_0024)  # mtsprg1 r3, mfsprg1 r5, mtsrr0 r5, mtsprg2 r3, rfid
    machine = hostile.partition(code, engine=engine, privileged="trap")
    v: Any = machine.vcpu
    v.gpr[3] = hostile.START
    v.srr1 = v.msr
    for count in (1, 1, 2, 3, 1, 500, 7):
        before = machine.instructions
        assert hostile.go(machine, count) == Budget()
        assert machine.instructions == before + count
    machine.close()
