"""vCPUs on host threads of their own: nothing is lost, nothing forbidden is seen, what one invalidates the others do not use."""

from __future__ import annotations

import os

import pytest

from runtime.events import Shutdown

from ..limits import many
from .guests import JOIN, counter, run
from .litmus import TESTS, observe
from .test_turns import CLOCKS, MODIFY

ENGINES = ("interpreter", "jit")
FORBIDDEN = [name for name, test in TESTS.items() if test.forbidden]
WALKS = 4  # of 2,000 cells


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", FORBIDDEN)
def test_what_is_forbidden_is_not_seen(name: str, engine: str) -> None:
    assert observe(name, WALKS, engine=engine, parallel=True, hot_threshold=50)[True] == 0


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", FORBIDDEN)
def test_not_in_a_million_times_either(name: str, engine: str) -> None:
    assert observe(name, many(250 if len(TESTS[name].cpus) == 2 else 60), engine=engine, parallel=True, hot_threshold=50)[True] == 0


@pytest.mark.slow
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two host processors")
def test_the_harness_sees_store_buffering() -> None:
    """Allowed without sync, and what hosts do: a harness that never saw it would prove nothing above. On a busy host it may take a while."""
    assert any(observe("store buffering", 50, engine="jit", parallel=True, hot_threshold=50)[True] for _ in range(100))


@pytest.mark.parametrize("name", ["store buffering", "independent reads"])
def test_taking_turns_is_sequentially_consistent(name: str) -> None:
    assert observe(name, 3, engine="interpreter")[True] == 0


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cpus", [2, 4])
def test_nothing_is_lost(engine: str, cpus: int) -> None:
    rounds = 20_000
    got = run(counter(rounds), cpus, limit=1 << 40, engine=engine, parallel=True, hot_threshold=50)
    assert got.event == Shutdown(rounds * cpus)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES)
def test_nothing_is_lost_in_millions(engine: str) -> None:
    rounds = many(2_000_000)
    got = run(counter(rounds), 4, limit=1 << 40, engine=engine, parallel=True)
    assert got.event == Shutdown(rounds * 4)


# Neighbours: CPU n adds to byte, halfword, word or doubleword n of one quadword, while CPU 3 adds to another quadword by lqarx.
NEIGHBOURS = """
        li      r7,0
        ori     r7,r7,{rounds}
        mtctr   r7
        cmpdi   r3,3
        beq     quad
        add     r8,r30,r3
1:      lbarx   r5,0,r8
        addi    r5,r5,1
        stbcx.  r5,0,r8
        bne-    1b
        bdnz    1b
        b       done
quad:   addi    r8,r30,16
2:      lqarx   r4,0,r8
        addic   r5,r5,1
        addze   r4,r4
        stqcx.  r4,0,r8
        bne-    2b
        bdnz    2b
done:
""" + JOIN + """
        lwz     r5,0(r30)
        stw     r5,off(r10)
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_neighbours_do_not_disturb_each_other(engine: str) -> None:
    got = run(NEIGHBOURS.replace("{rounds}", "10000"), 4, limit=1 << 40, engine=engine, parallel=True, hot_threshold=50)
    count = 10000 & 0xFF
    assert got.event == Shutdown(count << 24 | count << 16 | count << 8)
    assert int.from_bytes(got.memory[16:32], "big") == 10000


@pytest.mark.parametrize("engine", ENGINES)
def test_one_time_base(engine: str) -> None:
    """Whoever reads the time base after another has read it gets a later one; a lock made of larx and stcx holds."""
    assert run(CLOCKS, 4, limit=1 << 40, engine=engine, parallel=True, hot_threshold=50).event == Shutdown(0)


DECREMENTERS = """
        li      r7,200
        mtctr   r7
        lis     r8,0x1000
1:      mtdec   r8
        mfdec   r9
        cmpd    r9,r8
        bgt     2f              # it only counts down
        bdnz    1b
        mfctr   r7
2:      add     r4,r30,r3
        stb     r7,0x100(r4)
""" + JOIN + """
        lwz     r5,0x100(r30)
        stw     r5,off(r10)
"""


@pytest.mark.parametrize("engine", ENGINES)
def test_a_trapped_instruction_finds_the_time(engine: str) -> None:
    """It needs the time of all vCPUs, and is carried out in Python."""
    assert run(DECREMENTERS, 4, limit=1 << 40, engine=engine, privileged="trap", parallel=True, hot_threshold=50).event == Shutdown(0)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("align", [4, 4096])
def test_code_that_another_cpu_changes(engine: str, align: int) -> None:
    text = MODIFY.replace("{rounds}", "1000").replace("{align}", str(align))
    assert run(text, 2, limit=1 << 40, engine=engine, parallel=True, hot_threshold=20).event == Shutdown(0)
