"""System linkage, MSR moves and translation instructions: bit masks worked out by hand from Book III 3.2.1, 3.3.1, 4.4.3."""

from __future__ import annotations

import pytest

from dbt.exits import Exit
from dbt.frontend.insn import ISA
from dbt.frontend.isa.helpers import HELPERS
from dbt.frontend.translate import handlers
from dbt.ir import ops
from dbt.mode import Mode

from .test_spr import HV, PRIVILEGED, USER, both

SC, SC1, RFID, HRFID, MFMSR = 0x44000002, 0x44000022, 0x4C000024, 0x4C000224, 0x7C6000A6
MTMSR, MTMSRD, MTMSRD_1 = 0x7C600124, 0x7C600164, 0x7C610164
SF, EE, PR, FP, ME, IR, DR, RI, LE = (1 << n for n in (63, 15, 14, 13, 12, 5, 4, 1, 0))
ALL = (1 << 64) - 1
# bits a POWER8 without TM has: SF VEC VSX EE PR FP ME FE0 SE BE FE1 IR DR PMM RI LE
EXISTING = 0x8000_0000_0280_FF37


def test_system_call() -> None:
    outcome = both(SC, {})[1]
    assert (outcome.exit, outcome.after) == (Exit.SYSCALL, True)
    outcome = both(SC1, {})[1]
    assert (outcome.exit, outcome.after) == (Exit.HYPERCALL, True)
    outcome = both(SC1, {}, USER)[1]
    assert (outcome.exit, outcome.payload, outcome.after) == (Exit.PROGRAM, PRIVILEGED, False)


@pytest.mark.parametrize("word", [RFID, MFMSR, MTMSR, MTMSRD, 0x7C0003E4])
def test_privileged_instructions(word: int) -> None:
    outcome = both(word, {}, USER)[1]
    assert (outcome.exit, outcome.payload, outcome.after) == (Exit.PROGRAM, PRIVILEGED, False)
    outcome = both(word, {}, Mode(trap=True))[1]
    assert (outcome.exit, outcome.payload) == (Exit.PRIVILEGED, word)


@pytest.mark.parametrize(
    ("msr", "srr1", "after"),
    [
        (SF | ME, SF | EE | PR | IR | DR | RI | ME, SF | EE | PR | IR | DR | RI | ME),
        (SF | ME, PR, PR | EE | IR | DR | ME),  # PR implies EE, IR and DR; ME stays
        (SF, ME | RI, RI),  # a guest cannot set ME
        (0, HV, 0),  # nor HV
        (HV | SF, SF | ME, SF | ME),  # the hypervisor may leave its state and set ME
        (HV, HV | LE | SF, HV | LE | SF),
        (SF | ME, ALL & ~PR, EXISTING & ~PR),
        (0, 0x783F_0000, 0),  # the flags of SRR1[33:36,42:47] are no MSR bits
    ],
)
def test_rfid(msr: int, srr1: int, after: int) -> None:
    got, outcome = both(RFID, {"msr": msr, "srr0": 0xC000_0000_0012_3457, "srr1": srr1})
    assert got["msr"] == after
    target = 0xC000_0000_0012_3454 if after & SF else 0x0012_3454
    assert (outcome.exit, outcome.payload, outcome.after) == (Exit.RETURN, target, True)


def test_hrfid_is_the_hypervisors() -> None:
    assert both(HRFID, {"msr": SF})[1].payload == PRIVILEGED
    got, outcome = both(HRFID, {"msr": SF | HV, "hsrr1": SF | ME | HV, "hsrr0": 0x100})
    assert (got["msr"], outcome.exit, outcome.payload) == (SF | ME | HV, Exit.RETURN, 0x100)


def test_mfmsr() -> None:
    assert both(MFMSR, {"msr": SF | ME})[0]["gpr3"] == SF | ME


@pytest.mark.parametrize(
    ("word", "old", "source", "new", "leaves"),
    [
        (MTMSRD, SF | ME, ALL & ~PR, (EXISTING | ME) & ~PR & ~LE, True),  # not HV, not LE, ME as it was
        (MTMSRD, SF | ME, SF, SF | ME, False),
        (MTMSRD, SF, ALL & ~PR, EXISTING & ~PR & ~LE & ~ME, True),
        (MTMSRD, SF, SF | RI, SF | RI, False),
        (MTMSRD, SF, SF | FP, SF | FP, True),
        (MTMSRD, SF, PR, PR | EE | IR | DR, True),
        (MTMSR, SF, 0, SF, False),  # the high half stays
        (MTMSR, 0, SF | IR, IR, True),
        (MTMSRD_1, SF | IR, EE | RI | FP | PR, SF | IR | EE | RI, False),
        (MTMSRD_1, SF | EE | RI, 0, SF, False),
    ],
)
def test_mtmsr(word: int, old: int, source: int, new: int, leaves: bool) -> None:
    got, outcome = both(word, {"msr": old, "gpr3": source})
    assert got["msr"] == new
    assert outcome.kind == ("exit" if leaves else "next")
    if leaves:
        assert (outcome.exit, outcome.after) == (Exit.SYNC, True)


@pytest.mark.parametrize("word", [MTMSRD, MTMSRD_1, MTMSR])
def test_enabling_interrupts_leaves_only_if_one_waits(word: int) -> None:
    assert both(word, {"msr": SF, "gpr3": SF | EE})[1].kind == "next"
    outcome = both(word, {"msr": SF, "gpr3": SF | EE, "pending": 4})[1]
    assert (outcome.exit, outcome.after) == (Exit.SYNC, True)
    assert both(word, {"msr": SF | EE, "gpr3": SF | EE, "pending": 4})[1].kind == "next"


def test_transactions_are_unavailable() -> None:
    for word in (0x7C00051D, 0x7C00055D, 0x7C00071D, 0x7C0005DD, 0x7C00059C):
        outcome = both(word, {}, USER)[1]
        assert (outcome.exit, outcome.payload) == (Exit.FACILITY, 0xF60 | 5 << 16)


@pytest.mark.parametrize("word", [0x4C000324, 0x4C000364, 0x4C0003A4, 0x4C0003E4])  # doze nap sleep rvwinkle
def test_power_saving_is_the_hypervisors(word: int) -> None:
    assert both(word, {})[1].payload == PRIVILEGED
    assert both(word, {"msr": HV})[1].exit == Exit.HALT


@pytest.mark.parametrize(
    ("word", "call"),
    [
        (0x7C602324, ("slbmte", 3, 4, 0)),  # slbmte r3,r4
        (0x7C002364, ("slbie", 4, 0, 0)),
        (0x7C6003E4, ("slbia", 3, 0, 0)),
        (0x7C602726, ("slbmfee", 4, 0, 0)),
        (0x7C6026A6, ("slbmfev", 4, 0, 0)),
        (0x7C6027A7, ("slbfee", 4, 3, 0)),
        (0x7C8501A4, ("mtsr", 5, 4, 0)),  # mtsr 5,r4
        (0x7C6021E4, ("mtsr", 0, 3, 0)),  # mtsrin r3,r4
        (0x7C801A64, ("tlbie", 3, 4, 0)),  # tlbie r3,r4
        (0x7C001A24, ("tlbiel", 3, 0, 0)),
        (0x7C00046C, ("tlbsync", 0, 0, 0)),
    ],
)
def test_translation_instructions_call_their_helper(word: int, call: tuple[str, int, int, int]) -> None:
    got, _ = both(word, {f"gpr{n}": n for n in range(32)})
    assert got.machine.calls == [call]


def test_every_call_names_a_helper_and_every_helper_is_called() -> None:
    called = set()
    for insn in ISA.insns:
        for ir in handlers(insn)[1]:
            for v in ir.body:
                if v.op is ops.call:
                    contract = HELPERS[v.imm.name]
                    assert contract.exits == v.imm.exits, insn
                    called.add(v.imm.name)
    assert called == set(HELPERS)
