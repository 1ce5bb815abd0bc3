"""Every quad-precision instruction, register and FPSCR, against the exact reference."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pytest

gmpy2 = pytest.importorskip("gmpy2")

from ..limits import many  # noqa: E402
from . import quad_reference as reference  # noqa: E402
from .check import ENABLES, MODES, thorough  # noqa: E402
from .guest import MSR  # noqa: E402
from .quad_operands import INSTRUCTIONS, Instruction, randoms, specials  # noqa: E402
from .vsx_guest import CASES, Case, VsxGuest  # noqa: E402

CONTROL = (0, 0, 0, *MODES, *ENABLES)


@pytest.fixture(scope="module", params=["interpreter", "jit"])
def guest(request: Any) -> Iterator[VsxGuest]:
    made = VsxGuest(request.param)
    yield made
    made.close()


def agree(guest: VsxGuest, i: Instruction, cases: Iterable[Case]) -> None:
    todo, count, wrong = list(cases), 0, []
    for start in range(0, len(todo), CASES):
        part = todo[start : start + CASES]
        for case, got in zip(part, guest.run([i.word], part), strict=True):
            fpscr = reference.raised(case[0] & 0xFFFF_F7FF, 0)  # as mtfsf leaves it
            try:
                bits, after, cc = reference.instruction(i.name, i.odd, i.mode, *case[1:], fpscr)
            except reference.Undefined:
                continue
            count += 1
            want = (case[3] if bits is None else bits, after, cc << 28)
            if got != want:
                show = [f"{n:#x}" for n in (*case, *got, *want)]
                wrong.append(f"{i.mnemonic} fpscr x y z {show[:4]}: got {show[4:7]}, expected {show[7:]}")
    assert count and not wrong, f"{len(wrong)} of {count}\n" + "\n".join(wrong[:5])


@pytest.mark.parametrize("i", INSTRUCTIONS, ids=lambda i: i.mnemonic)
def test_random_operands(guest: VsxGuest, i: Instruction) -> None:
    agree(guest, i, randoms(i, 120, 11, CONTROL))


@pytest.mark.parametrize("i", INSTRUCTIONS, ids=lambda i: i.mnemonic)
def test_special_operands(guest: VsxGuest, i: Instruction) -> None:
    cases = specials(i, (0,) if len(i.operands) > 1 else (*MODES, 0xF8))
    agree(guest, i, islice(cases, 0, None, 13) if len(i.operands) == 3 else cases)


@pytest.mark.slow
@pytest.mark.parametrize("i", INSTRUCTIONS, ids=lambda i: i.mnemonic)
def test_special_operands_in_all_modes_with_all_enables(guest: VsxGuest, i: Instruction) -> None:
    agree(guest, i, thorough(specials, i))


@pytest.mark.slow
@pytest.mark.parametrize("i", INSTRUCTIONS, ids=lambda i: i.mnemonic)
def test_many_random_operands(guest: VsxGuest, i: Instruction) -> None:
    agree(guest, i, randoms(i, many(10_000), 100, CONTROL))


def test_reference_engine() -> None:
    guest = VsxGuest("reference")
    for i in INSTRUCTIONS:
        agree(guest, i, randoms(i, 5, 5, (0, 0xF8)))
    guest.close()


@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
def test_enabled_exceptions_interrupt(engine: Any) -> None:
    """A program interrupt with SRR1[43], SRR0 at the instruction; none while MSR[FE0,FE1] is 0."""
    guest = VsxGuest(engine)
    v, xsaddqp = guest.vcpu, INSTRUCTIONS[0].word
    guest.vm.write(0x1000, xsaddqp.to_bytes(4, "big") + (0x4800_0000).to_bytes(4, "big"))
    guest.vm.write(0x700, (0x4800_0000).to_bytes(4, "big"))
    for fe in (0x800, 0x100, 0):
        for enable, x, y in ((0x80, 0x7FFF4 << 108, 0), (0x40, 0x7FFE << 112, 0x7FFE << 112), (8, 0x3FFF << 112, 1), (0x40, 0, 0)):
            v["vsr33"], v["vsr34"], v.fpscr = x, y, enable
            v.msr, v.nia, v.srr0, v.srr1 = MSR | fe, 0x1000, 0, 0
            v.mode_changed()
            v.run(max_instructions=2)
            if fe and x:
                assert (v.nia, v.srr0, v.srr1) == (0x700, 0x1000, MSR | fe | 0x0010_0000)
            else:
                assert (v.nia, v.srr0) == (0x1004, 0)
            assert bool(v.fpscr >> 30 & 1) == bool(x)
    guest.close()
