"""Folding, identities, sharing and the types of operands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbt.ir import ops
from dbt.ir.access import Access, Helper, Leave
from dbt.ir.builder import Builder, Value
from dbt.ir.rules import bit
from dbt.ir.types import TYPES, i1, i8, i32, i64
from dbt.state import SLOTS, slot

PURE = [o for o in ops.OPS.values() if o.pure and o.params]


@pytest.fixture
def ir() -> Builder:
    return Builder()


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PURE), st.lists(st.integers(0, 2**64 - 1), min_size=3, max_size=3), st.sampled_from((i8, i32)))
def test_constants_fold_to_what_the_operation_means(op: ops.Op, numbers: list[int], ty: Any) -> None:
    ir = Builder()
    wide = i64 if op.name in ("zext", "sext") else ty
    narrow = i64 if op.name == "trunc" else ty
    imm = (op.imms or (numbers[2],))[0] if op.takes_imm else None
    if op.name == "bswap":
        wide = i32
    if op.name in ("shl", "shr", "sar"):
        numbers[1] %= ty.bits
    types = [wide if p == "N" else narrow if p == "M" else TYPES[p] for p in op.params]
    args = [n & t.mask for n, t in zip(numbers, types, strict=False)]
    v = op(*(ir.const(a, t) for a, t in zip(args, types, strict=True)), ty=wide if op.result == "N" else None, imm=imm)
    assert v.op is None and not ir.body
    assert v.imm == op.evaluate(args, wide.bits, narrow.bits, imm) & v.ty.mask


@pytest.mark.parametrize("same", [
    lambda x: x + 0, lambda x: x - 0, lambda x: x | 0, lambda x: x ^ 0, lambda x: x << 0, lambda x: x >> 0, lambda x: x * 1,
    lambda x: x & i64.mask, lambda x: x & x, lambda x: x | x, lambda x: (x ^ 5) ^ 5, lambda x: ~~x, lambda x: ops.rotl(x, 0),
    lambda x: ops.select(x == 1, x, x), lambda x: x.to(i64), lambda x: 0 + x, lambda x: (x + 5) - 0 + -5,
])  # fmt: skip
def test_identities(ir: Builder, same: Any) -> None:
    x = ir.get(slot("gpr3"))
    assert same(x) is x


@pytest.mark.parametrize("build,number", [
    (lambda x: x & 0, 0), (lambda x: x * 0, 0), (lambda x: x ^ x, 0), (lambda x: x - x, 0), (lambda x: x == x, 1),
    (lambda x: (x & 0xF0) & 0x0F, 0),
])  # fmt: skip
def test_known_results(ir: Builder, build: Any, number: int) -> None:
    assert build(ir.get(slot("gpr3"))).const == number


def test_the_same_value_is_built_once(ir: Builder) -> None:
    x, y = ir.get(slot("gpr3")), ir.get(slot("gpr4"))
    assert x + y is x + y
    assert (x + 1) + 2 is x + 3
    assert (x & 0xFF) & 0x0F is x & 0x0F
    assert x.to(i32) is x.to(i32)
    assert x.to(i32).to(i64).to(i8) is x.to(i8)


def test_registers_are_read_once_and_forwarded(ir: Builder) -> None:
    x = ir.get(slot("gpr3"))
    assert ir.get(slot("gpr3")) is x
    ir.put(slot("gpr4"), x)
    assert ir.get(slot("gpr4")) is x
    ir.put(slot("gpr4"), x)
    assert sum(v.op is ops.put for v in ir.body) == 1


def test_an_indexed_write_may_be_any_register(ir: Builder) -> None:
    x, i = ir.get(slot("gpr3")), ir.get(slot("lr"))
    cr = ir.get(slot("cr0"))
    ir.put_at(SLOTS["gpr"], i, 5)
    assert ir.get(slot("gpr3")) is not x
    assert ir.get(slot("cr0")) is cr
    assert ir.get_at(SLOTS["gpr"], i).const == 5
    ir.put(slot("gpr7"), 1)
    assert ir.get_at(SLOTS["gpr"], i).const is None


def test_a_call_forgets_every_register(ir: Builder) -> None:
    x, i = ir.get(slot("gpr3")), ir.get(slot("lr"))
    e = ir.get_at(SLOTS["gpr"], i)
    ir.call(Helper("bump"), x, 0, 0)
    assert ir.get(slot("gpr3")) is not x
    assert ir.get_at(SLOTS["gpr"], i) is not e


def test_effects_are_never_shared(ir: Builder) -> None:
    ea = ir.get(slot("gpr3"))
    assert ir.load(i8, ea, Access()) is not ir.load(i8, ea, Access())


def test_a_condition_that_never_holds_leaves_no_exit(ir: Builder) -> None:
    ir.exit_if(ir.const(0, i1), Leave(4))
    assert not ir.body


def test_run_time_values_refuse_to_be_python(ir: Builder) -> None:
    x = ir.get(slot("gpr3"))
    with pytest.raises(TypeError, match=r"select\(\)"):
        bool(x)
    with pytest.raises(TypeError, match=r"c\.gpr\[i\]"):
        [1, 2][x]
    with pytest.raises(TypeError, match="signed or unsigned"):
        x < 3  # noqa: B015
    with pytest.raises(TypeError, match="operand 1 is i32, expected i64"):
        x + x.to(i32)
    with pytest.raises(TypeError):
        hash(x)


def test_constants_go_to_the_right(ir: Builder) -> None:
    v = ops.add(3, ir.get(slot("gpr3")))
    assert v.args[1].const == 3


def test_bits_are_read_off_what_a_value_was_made_from(ir: Builder) -> None:
    """Those of a CR field from its conditions, by the meaning of both for every outcome."""
    conditions = [ir.emit(ops.load, (ir.const(n),), i1, Access()) for n in range(4)]
    less, greater, so, other = conditions
    field = ops.select(less, ir.const(8, i8), ops.select(greater, ir.const(4, i8), ir.const(2, i8))) | so.to(i8)
    changed = (field & 0b1011) | (other.to(i8) << 2)  # another bit set, as CR logic does

    def number(v: Value, known: dict[int, int]) -> int:
        if v.op is None:
            return int(v.imm)
        if id(v) in known:
            return known[id(v)]
        width = v.args[0].ty.bits if v.op.result == "i1" else v.ty.bits
        return v.op.evaluate([number(a, known) for a in v.args], width, v.args[0].ty.bits) & v.ty.mask

    for v in (field, changed, (changed >> 1).to(i64)):
        for n in range(4):
            read = bit(v, n)
            assert read is not None and read.ty is i1
            for outcome in range(16):
                known = {id(c): outcome >> k & 1 for k, c in enumerate(conditions)}
                assert number(read, known) == number(v, known) >> n & 1
    assert bit(field, 0) is so
    assert bit(ir.get(slot("cr1")), 2) is None
