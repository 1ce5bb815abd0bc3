"""Program priority: what the hints do to PPR, and that a vCPU which spins at low priority leaves its turn to others."""

from __future__ import annotations

import pytest

from dbt.exits import Exit
from dbt.mode import Mode
from runtime.events import Shutdown
from tests.support import execute

from .guests import JOIN, run

# Book II 3.1 and Book III 4.3.6: register number of the hint, PRI, and what problem state gets of it
HINTS = [(31, 1, True), (1, 2, True), (6, 3, True), (2, 4, True), (5, 5, False), (3, 6, False)]
REST = 0xFFE3_FFFF_FFFF_FFFF  # PPR but for PRI


def word(n: int) -> int:
    return 31 << 26 | n << 21 | n << 16 | n << 11 | 444 << 1


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("problem", [False, True])
@pytest.mark.parametrize(("n", "priority", "everyone"), HINTS)
def test_hints(n: int, priority: int, everyone: bool, problem: bool, generic: bool) -> None:
    before = {"ppr": REST, f"gpr{n}": 0x1234, "pspb": 0, "sharing": 0}
    after, outcome = execute(word(n), before, Mode(sf=True, pr=problem), generic=generic)
    assert after["ppr"] == (REST | priority << 50 if everyone or not problem else REST)
    assert after[f"gpr{n}"] == 0x1234 and outcome.kind != "exit"
    if n == 5:  # with time left in PSPB
        assert execute(word(n), before | {"pspb": 1}, Mode(sf=True, pr=problem))[0]["ppr"] == REST | 5 << 50


@pytest.mark.parametrize(("n", "leaves"), [(31, True), (1, True), (6, False), (2, False), (27, False), (7, False)])
def test_who_shares_leaves(n: int, leaves: bool) -> None:
    _, outcome = execute(word(n), {"ppr": 0, "sharing": 1, f"gpr{n}": 0})
    assert (outcome.kind == "exit") == leaves
    if leaves:
        assert (outcome.exit, outcome.after) == (Exit.YIELD, True)


# CPU 0 counts to 15,000 and then says so; the others wait for it, spinning.
SPIN = """
        cmpdi   r3,0
        beq     work
1:      {hint}
        lwz     r5,0(r30)
        cmpwi   r5,0
        beq     1b
        or      2,2,2
        b       done
work:   li      r5,15000
        mtctr   r5
2:      bdnz    2b
        li      r5,1
        stw     r5,0(r30)
done:
""" + JOIN + """
        li      r5,0
        stw     r5,off(r10)
"""


@pytest.mark.parametrize("hint", ["or 1,1,1", "or 31,31,31"])
def test_a_spinning_cpu_leaves_its_turn(hint: str) -> None:
    """The same on every engine; and those that wait run a fraction of what they would."""
    plain = run(SPIN.replace("{hint}", "nop"), 4, engine="interpreter")
    polite = run(SPIN.replace("{hint}", hint), 4, engine="interpreter")
    assert plain.event == polite.event == Shutdown(0)
    assert sum(polite.counts[1:]) < sum(plain.counts[1:]) / 10
    for engine in ("jit", "reference")[: 1 + (hint == "or 1,1,1")]:
        assert run(SPIN.replace("{hint}", hint), 4, engine=engine, hot_threshold=50).counts == polite.counts


@pytest.mark.parametrize("hint", ["or 1,1,1", "or 31,31,31"])
def test_in_parallel_it_comes_to_an_end(hint: str) -> None:
    assert run(SPIN.replace("{hint}", hint), 4, engine="interpreter", parallel=True).event == Shutdown(0)
