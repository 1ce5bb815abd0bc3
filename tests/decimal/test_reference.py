"""Every decimal instruction against Python's `decimal`, under all rounding modes and enables."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from dbt.frontend.insn import Insn

from ..limits import many
from .cases import INSTRUCTIONS, case, expected
from .machine import Machine


@pytest.fixture(scope="module", params=["interpreter"])
def machine(request: Any) -> Iterator[Machine]:
    made = Machine(request.param)
    yield made
    made.close()


def agree(machine: Machine, insn: Insn, count: int, seed: int) -> None:
    r = random.Random(f"{seed} {insn.name}")
    cases = [case(r, insn) for _ in range(count)]
    wrong = []
    for c, got in zip(cases, machine.run(cases), strict=True):
        want = expected(c)
        if got != want:
            show = " ".join(f"{x:x}/{y:x}" for x, y in zip(got, want, strict=True) if x != y)
            wrong.append(f"{c.mnemonic} {c.word:08x} fpscr={c.fpscr:x} a={c.a:032x} b={c.b:032x} got/expected {show}")
    assert not wrong, "\n".join(wrong[:5])


@pytest.mark.parametrize("insn", INSTRUCTIONS, ids=lambda i: i.name)
def test_random_operands(machine: Machine, insn: Insn) -> None:
    agree(machine, insn, 150, 1)


@pytest.mark.slow
@pytest.mark.parametrize("insn", INSTRUCTIONS, ids=lambda i: i.name)
def test_many_random_operands(machine: Machine, insn: Insn) -> None:
    agree(machine, insn, many(4_000), 2)


def test_reference_engine() -> None:
    machine = Machine("reference")
    for insn in INSTRUCTIONS:
        agree(machine, insn, 4, 3)
    machine.close()
