"""vCPUs that take turns: every engine agrees to the instruction, and what one does reaches the others."""

from __future__ import annotations

import pytest

from runtime.events import Budget, Halted, Shutdown
from runtime.turns import TURN

from .guests import DATA, JOIN, counter, machine, run

ENGINES = ("reference", "interpreter", "jit")


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("cpus", [1, 2, 4, 7])
def test_nothing_is_lost(engine: str, cpus: int) -> None:
    """Contention for a word: the sum is right, and the same guest takes the same instructions on every engine."""
    got = run(counter(5000), cpus, engine=engine, hot_threshold=50)
    assert got.event == Shutdown(5000 * cpus)
    assert got.counts == run(counter(5000), cpus, engine="interpreter").counts


def test_the_reference_engine_takes_the_same_turns() -> None:
    slow, fast = (run(counter(2000), 3, limit=25_000, engine=e) for e in ("reference", "interpreter"))
    assert slow.event == fast.event == Budget()
    assert (slow.counts, slow.memory) == (fast.counts, fast.memory)
    assert max(slow.counts) - min(slow.counts) <= TURN


def test_however_it_is_cut_into_pieces() -> None:
    """A caller's budget ends in the middle of a turn; the turn goes on with the next call."""
    whole = run(counter(3000), 3, engine="interpreter")
    m = machine(counter(3000), 3, engine="interpreter")
    step = 1
    while isinstance(event := m.run(step), Budget):
        step = step * 7 % 4001 + 1
    assert event == whole.event
    assert [v.icount for v in m.vm.vcpus] == whole.counts
    m.close()


SUPERVISOR = """
        li      r7,700
        mtctr   r7
        mfmsr   r6
1:      mtsprg  1,r7
        mfsprg  r5,1
        mtmsrd  r6,1
        add     r7,r7,r5
        mtsrr1  r6
        bl      2f
2:      mflr    r5
        addi    r5,r5,3f-2b
        mtsrr0  r5
        rfid
        trap
3:      mfsprg  r8,1
        add     r9,r9,r8
        bdnz    1b
        slwi    r3,r3,3
        stdx    r9,r30,r3
""" + JOIN + """
        stw     r31,off(r10)
"""


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cpus", [1, 4])
def test_trapped_instructions_take_their_place_in_turns(engine: str, cpus: int) -> None:
    """A guest whose privileged instructions are emulated between stretches of native code runs as one that has them translated."""
    whole = run(SUPERVISOR, cpus, engine="interpreter")
    m = machine(SUPERVISOR, cpus, engine=engine, privileged="trap", hot_threshold=50)
    step = 1
    while isinstance(event := m.run(step), Budget):
        step = step * 7 % 4001 + 1
    assert event == whole.event == Shutdown(cpus)
    assert [v.icount for v in m.vm.vcpus] == whole.counts
    assert m.vm.read(DATA, len(whole.memory)) == whole.memory
    assert [sum(v.emulated.values()) for v in m.vm.vcpus] == [700 * 7 + 1] * cpus
    m.close()


ABA = """
        cmpdi   r3,0
        bne     writer
        li      r7,0            # how often a store conditional succeeded although others had stored meanwhile
        li      r8,2000
        mtctr   r8
1:      lwz     r11,8(r30)
        lwarx   r5,0,r30
        li      r9,40           # let time pass, so that turns end in here now and then
2:      addi    r9,r9,-1
        cmpdi   r9,0
        bne     2b
        stwcx.  r5,0,r30
        bne     3f
        lwz     r12,8(r30)
        cmpd    r11,r12
        beq     3f
        addi    r7,r7,1
3:      bdnz    1b
        li      r4,1
        stw     r4,16(r30)
        stw     r7,off(r10)
writer: li      r5,1            # away from the value and back to it, counting how often
        stw     r5,0(r30)
        li      r5,0
        stw     r5,0(r30)
        lwz     r5,8(r30)
        addi    r5,r5,1
        stw     r5,8(r30)
        b       writer
"""


def test_a_value_that_came_back_is_noticed() -> None:
    """Reservations are lost where others stored, even if storage holds the same value again (ABA)."""
    assert run(ABA, 2, engine="interpreter").event == Shutdown(0)


CLOCKS = """
        li      r8,3000         # each CPU: no time base read before, by any CPU, was later
        mtctr   r8
        li      r7,0
1:      lwarx   r5,0,r30        # a lock
        cmpwi   r5,0
        bne     1b
        li      r6,1
        stwcx.  r6,0,r30
        bne     1b
        isync
        mftb    r11
        ld      r12,8(r30)
        cmpld   r11,r12
        bgt     2f
        addi    r7,r7,1
2:      std     r11,8(r30)
        lwsync
        li      r6,0
        stw     r6,0(r30)
        bdnz    1b
        add     r9,r30,r3
        stb     r7,0x100(r9)
""" + JOIN + """
        lwz     r5,0x100(r30)
        stw     r5,off(r10)
"""


@pytest.mark.parametrize("engine", ENGINES[1:])
def test_one_time_base(engine: str) -> None:
    assert run(CLOCKS, 4, engine=engine, hot_threshold=50).event == Shutdown(0)


# CPU 0 changes an instruction that CPU 1 executes in a loop, and tells it; CPU 1 checks that it executes what it was told.
MODIFY = """
        cmpdi   r3,1
        beq     runner
        li      r7,0
1:      addi    r7,r7,1
        clrldi  r8,r7,54
        lis     r4,0x3860       # li r3,n
        or      r4,r4,r8
        li      r9,patch
        stw     r4,0(r9)
        dcbst   0,r9
        sync
        icbi    0,r9
        sync
        stw     r8,0(r30)       # told
2:      lwz     r5,8(r30)       # until it says so
        cmpw    r5,r8
        bne     2b
        cmpdi   r7,{rounds}
        blt     1b
        lwz     r5,16(r30)
        stw     r5,off(r10)
runner: lwz     r5,0(r30)
        lwz     r6,8(r30)
        cmpw    r5,r6
        bl      patch
        beq     runner
        isync
        bl      patch
        cmpw    r3,r5
        beq     3f
        lwz     r4,16(r30)
        addi    r4,r4,1
        stw     r4,16(r30)
3:      stw     r5,8(r30)
        b       runner
        .balign {align}
patch:  li      r3,0
        blr
"""


@pytest.mark.parametrize("engine", ENGINES[1:])
@pytest.mark.parametrize("align", [4, 4096])
def test_code_that_another_cpu_changes(engine: str, align: int) -> None:
    text = MODIFY.replace("{rounds}", "300").replace("{align}", str(align))
    assert run(text, 2, engine=engine, hot_threshold=20).event == Shutdown(0)


def test_started_and_stopped() -> None:
    """A CPU can be started again, at another place, when it has stopped; one that runs cannot. When all have stopped the machine waits."""
    text = """
        cmpdi   r3,0
        bne     first
        li      r8,20000        # longer than turns take
        mtctr   r8
1:      bdnz    1b
        li      r4,again
        stw     r4,start_at(r10)
        li      r5,1
        stw     r5,start_cpu(r10)
        stw     r5,stop_me(r10)
first:  stb     r3,0(r10)
        stw     r3,stop_me(r10)
again:  li      r5,65
        stb     r5,0(r10)
        stw     r3,start_cpu(r10)
        stw     r3,stop_me(r10)
"""
    got = run(text, 2, engine="interpreter")
    assert (got.event, got.console) == (Halted(), b"\1A")


def test_only_so_many() -> None:
    for cpus in (0, 65):
        with pytest.raises(ValueError, match="CPUs"):
            machine(counter(1), cpus)
