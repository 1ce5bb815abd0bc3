"""A block's Python function does what the evaluator says: on random blocks, and on a block of every declared instruction."""

from __future__ import annotations

import random
import zlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import dbt.frontend.isa  # noqa: F401  (declares the instructions)
from dbt.frontend.insn import ISA, Insn
from dbt.frontend.translate import anywhere, block
from dbt.ir.builder import Builder
from dbt.ir.evaluate import Outcome, evaluate
from dbt.ir.python import Way, function
from dbt.ir.sweep import sweep
from dbt.mode import Mode
from dbt.state import JUMP_CACHE

from .machine import DictMachine
from .random_blocks import random_block

SEEDS = st.integers(0, 2**32)
PC = 0x1000_0100  # where DictMachine's block is


class RecordMachine(DictMachine):
    """Registers are bytes of a record, as the function wants them."""

    def __init__(self, r: random.Random) -> None:
        doublewords = (r.choice((0, 1, 5, 0x1000, r.getrandbits(64))) for _ in range(67))
        self.record = bytearray(b"".join(x.to_bytes(8, "little") for x in doublewords) * 31)[:JUMP_CACHE]
        super().__init__({"clock_exits": 0}, {0x1000 + k: r.getrandbits(8) for k in range(256)})

    def get(self, s: Any) -> int:
        return int.from_bytes(self.record[s.offset : s.offset + max(1, s.type.bits // 8)], "little")

    def put(self, s: Any, v: int) -> None:
        size = max(1, s.type.bits // 8)
        self.record[s.offset : s.offset + size] = v.to_bytes(size, "little")


def outcome(way: Way) -> Outcome:
    if way is None:
        return Outcome("next")
    if isinstance(way, int):
        return Outcome("jump", way)
    kind, payload, after, at = way
    return Outcome("exit", exit=kind, payload=payload, after=after, at=at)


def agree(ir: Builder, state: int, same: Builder | None = None) -> None:
    """The function of `ir` does what evaluating it, or `same`, does."""
    one, two = (RecordMachine(random.Random(state)) for _ in range(2))
    record = memoryview(two.record)
    expected = evaluate(same or ir, one)
    assert outcome(function(ir)(record.cast("Q"), record.cast("I"), record, two, PC)) == expected
    assert (two.record, two.memory, two.calls) == (one.record, one.memory, one.calls)


@settings(max_examples=200, deadline=None)
@given(SEEDS, SEEDS)
def test_random_blocks(seed: int, state: int) -> None:
    agree(random_block(seed), state)


@pytest.mark.parametrize("insn", ISA.insns, ids=lambda i: i.syntax.replace(" ", "_"))
def test_declared_instructions(insn: Insn) -> None:
    """Built for any address and swept, as those that trapped are, it does what it does where it is."""
    r = random.Random(zlib.crc32(insn.syntax.encode()))
    word = insn.bits | sum(r.getrandbits(32) & f.mask for f in insn.fields)
    mode = Mode(r.random() < 0.7, r.random() < 0.5)
    agree(sweep(anywhere(word, mode).ir), r.getrandbits(32), block([word], mode, PC & 4095).ir)
