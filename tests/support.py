"""Runs one instruction through the evaluator, for tests of its meaning."""

from __future__ import annotations

from functools import cache

import dbt.frontend.isa  # noqa: F401
from dbt.frontend import translate
from dbt.frontend.fork import Question, resolve
from dbt.frontend.insn import ISA
from dbt.ir.builder import Builder
from dbt.ir.evaluate import Outcome, evaluate
from dbt.ir.sweep import sweep
from dbt.ir.verify import verify
from dbt.mode import Mode

from .ir.machine import DictMachine, Registers

BASE, OFFSET = 0x100_0000, 0  # where the instruction is
B64, B32 = Mode(sf=True), Mode(sf=False)


class Processor(DictMachine):
    """A DictMachine that knows which instruction it runs, and where."""

    def __init__(self, word: int, registers: dict[str, int], memory: dict[int, int]) -> None:
        super().__init__(registers, memory)
        self._word = word

    def word(self) -> int:
        return self._word

    def base(self) -> int:
        return BASE

    def offset(self) -> int:
        return OFFSET


@cache
def _handlers(index: int) -> tuple[Question | int, list[Builder]]:
    tree, blocks = translate.handlers(ISA.insns[index])
    for ir in blocks:
        verify(sweep(ir), single=True)
    return tree, blocks


def handler(word: int, mode: Mode) -> Builder:
    """The interpreter's variant for a word: the body explored with unknown fields."""
    found = translate.decode(word)
    assert found is not None, f"{word:#010x} is undefined"
    tree, blocks = _handlers(found.insn.index)
    return blocks[resolve(tree, word, mode)]


def execute(word: int, registers: dict[str, int], mode: Mode = B64, *, generic: bool = False,
            memory: dict[int, int] | None = None) -> tuple[Registers, Outcome]:  # fmt: skip
    """Registers afterwards (by name) and how the instruction was left; `generic` runs the interpreter's variant."""
    assert translate.decode(word) is not None, f"{word:#010x} is undefined"
    ir = handler(word, mode) if generic else verify(sweep(translate.block([word], mode, OFFSET).ir))
    machine = Processor(word, registers, memory or {})
    outcome = evaluate(ir, machine)
    return Registers(machine), outcome
