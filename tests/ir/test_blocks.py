"""Sweep, verifier, text and evaluator: on random blocks, and on the cases each is for."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dbt.exits import Exit
from dbt.ir import ops
from dbt.ir.access import Access, Helper, Leave
from dbt.ir.builder import Builder, Value
from dbt.ir.evaluate import evaluate
from dbt.ir.sweep import sweep
from dbt.ir.terminals import Branch, Jump, Stop
from dbt.ir.text import ParseError, parse_block, print_block
from dbt.ir.types import i1, i8, i16, i32, i64
from dbt.ir.verify import VerifyError, verify
from dbt.state import SLOTS, slot

from .machine import DictMachine
from .random_blocks import REGISTERS, random_block

SEEDS = st.integers(0, 2**32)


def outcome_of(ir: Builder, seed: int) -> tuple[object, dict[int, int], dict[int, int]]:
    r = random.Random(seed)
    registers = {name: r.choice((0, 1, 5, 0x1000, r.getrandbits(slot(name).type.bits))) for name in REGISTERS}
    m = DictMachine(registers, {0x1000 + k: r.getrandbits(8) for k in range(256)})
    outcome = evaluate(ir, m)
    return outcome, {o: b for o, b in m.bytes.items() if b}, m.memory


@settings(max_examples=150, deadline=None)
@given(SEEDS)
def test_random_blocks_verify_before_and_after_sweep(seed: int) -> None:
    ir = verify(random_block(seed))
    n = len(ir.body)
    assert len(verify(sweep(ir)).body) <= n


@settings(max_examples=150, deadline=None)
@given(SEEDS, SEEDS)
def test_sweep_keeps_the_meaning(seed: int, state: int) -> None:
    assert outcome_of(random_block(seed), state) == outcome_of(sweep(random_block(seed)), state)


@settings(max_examples=100, deadline=None)
@given(SEEDS)
def test_sweep_twice_is_sweep_once(seed: int) -> None:
    once = print_block(sweep(random_block(seed)))
    assert print_block(sweep(parse_block(once))) == once


@settings(max_examples=150, deadline=None)
@given(SEEDS, SEEDS)
def test_text_round_trip_is_exact(seed: int, state: int) -> None:
    ir = random_block(seed)
    back = verify(parse_block(print_block(ir)))
    assert print_block(back) == print_block(ir)
    shape = [(v.op, v.ty, v.imm, [(a.id, a.ty, a.const) for a in v.args]) for v in ir.body]
    assert [(v.op, v.ty, v.imm, [(a.id, a.ty, a.const) for a in v.args]) for v in back.body] == shape
    assert outcome_of(back, state) == outcome_of(ir, state)


def body(ir: Builder) -> list[str]:
    return [line.strip() for line in print_block(ir).splitlines()[1:-1]]


def test_sweep_drops_what_nobody_sees() -> None:
    ir = Builder()
    ir.get(slot("gpr9"))  # dead
    x = ir.get(slot("gpr3")) + 1
    _ = x * 3  # dead
    ir.put(slot("gpr4"), 1)  # overwritten
    ir.put(slot("gpr4"), x)
    assert body(sweep(ir)) == ["%0:i64 = get gpr3", "%1:i64 = add %0, 0x1", "put gpr4, %1"]


@pytest.mark.parametrize("between", ["load", "store", "exit_if", "call", "getx", "get"])
def test_sweep_keeps_a_write_that_is_seen(between: str) -> None:
    ir = Builder()
    i = ir.get(slot("gpr9"))
    ir.put(slot("fpr2"), 1)
    if between == "load":
        ir.load(i8, i, Access())
    elif between == "store":
        ir.store(i, i, Access())
    elif between == "exit_if":
        ir.exit_if(i == 0, Leave(Exit.DEBUG))
    elif between == "call":
        ir.call(Helper("bump"), 0, 0, 0)
    elif between == "getx":
        ir.put(slot("lr"), ir.get_at(SLOTS["vsr"], i))  # another view of the same file
    else:
        ir.forget()
        ir.put(slot("lr"), ir.get(slot("vsr2")))
    ir.put(slot("fpr2"), 2)
    assert sum(v.op is ops.put and v.imm.offset == slot("fpr2").offset for v in sweep(ir).body) == 2


def test_sweep_ignores_an_unused_read_between() -> None:
    ir = Builder()
    i = ir.get(slot("gpr9"))
    ir.put(slot("gpr2"), 1)
    ir.get_at(SLOTS["gpr"], i)  # dead
    ir.put_at(SLOTS["gpr"], i, 5)  # a write does not look
    ir.put(slot("gpr2"), 2)
    assert body(sweep(ir)) == ["%0:i64 = get gpr9", "putx gpr[%0], 0x5", "put gpr2, 0x2"]


@pytest.mark.parametrize("first,second", [("fpr", "vsr"), ("vsr", "fpr"), ("vsr", "vr"), ("vr", "vsr")])
def test_overlapping_banks_are_not_confused(first: str, second: str) -> None:
    ir = Builder()
    i = ir.get(slot("gpr9"))
    before = ir.get_at(SLOTS[first], i)
    ir.put_at(SLOTS[second], i, 7)
    assert ir.get_at(SLOTS[first], i) is not before
    again = ir.get_at(SLOTS[first], i)
    ir.put(SLOTS[second].element(34 if first == "vr" else 2), 8)
    assert ir.get_at(SLOTS[first], i) is not again
    assert ir.get_at(SLOTS[second], i).const is None


def test_two_views_at_one_index_are_different_registers() -> None:
    ir = Builder()
    i = ir.get(slot("gpr9"))
    assert ir.get_at(SLOTS["fpr"], i) is not ir.get_at(SLOTS["vsr"], i)


def broken(change: str) -> Builder:
    ir = Builder()
    x = ir.get(slot("gpr3"))
    y = x + 1
    match change:
        case "order":
            ir.body.reverse()
            x.id, y.id = 1, 0
        case "foreign":
            ir.put(slot("gpr4"), Builder().get(slot("gpr5")))
        case "type":
            ir._append(ops.add, (x, ir.const(1, i32)), i64, None)
        case "result":
            ir._append(ops.eq, (x, y), i64, None)
        case "shift":
            ir._append(ops.shl, (x, ir.const(64)), i64, None)
        case "divide":
            ir._append(ops.udiv, (x, ir.const(0)), i64, None)
        case "slot":
            ir._append(ops.get, (), i64, "gpr3")
        case "bank":
            ir._append(ops.get, (), i64, SLOTS["gpr"])
        case "width":
            ir._append(ops.get, (), i32, slot("gpr3"))
        case "widen":
            ir._append(ops.zext, (x,), i32, None)
        case "constant":
            ir._append(ops.add, (x, Value(ir, None, (), i64, -1)), i64, None)
        case "exit":
            ir._append(ops.exit_if, (ir.const(1, i1), x), i1._replace(name="void", bits=0), Leave(99))
        case "mode":
            ir.emit(ops.mode_bit, (), imm="sf")
        case "at":
            ir.at = 2
            ir.load(i8, x, Access())
            ir.at = 1
            ir.load(i16, x, Access())
        case "condition":
            ir.end = Branch(x, y)
        case "target":
            ir.end = Jump(ir.const(4, i32))
        case "kind":
            ir.end = Stop(0, x, False)
        case "count":
            ir._append(ops.add, (x,), i64, None)
    return ir


@pytest.mark.parametrize("change,says", [
    ("order", "not defined before"), ("foreign", "not defined before"), ("type", "operand 1 is i32, expected i64"),
    ("result", "expected i1"), ("shift", "shifts i64 by 64"), ("divide", "by zero"), ("slot", "expected a Slot"),
    ("bank", "bank of 32"), ("width", "i32 where gpr3 is i64"), ("widen", "does not widen"), ("constant", "no i64"),
    ("exit", "99 is no kind"), ("mode", "'sf' of the mode"), ("at", "instruction 1, after one of instruction 2"),
    ("condition", "condition is i64"), ("target", "i32 where i64"), ("kind", "no kind of exit"), ("count", "1 operands"),
])  # fmt: skip
def test_verifier_names_the_fault(change: str, says: str) -> None:
    with pytest.raises(VerifyError, match=says):
        verify(broken(change))


def test_verifier_wants_exits_before_effects() -> None:
    ir = Builder()
    ea = ir.get(slot("gpr3"))
    ir.put(slot("gpr4"), 1)
    ir.load(i8, ea, Access())
    verify(ir)
    with pytest.raises(VerifyError, match="after %1 = put set gpr4"):
        verify(ir, single=True)


@pytest.mark.parametrize("text,says", [
    ("block at=0 {\n  %0:i64 = frob 1\n}", "line 2: no operation 'frob'"),
    ("block at=0 {\n\n  put gpr99, 0x1\n}", "line 3: gpr has 32 registers"),
    ("block {\n  put gpr3, %7\n}", "line 2: %7 is not defined"),
    ("block {\n  %0:i64 = add 1\n}", "line 2: add takes 2 operands, not 1"),
    ("block {\n  %0:i1 = eq 1, 2\n}", "line 2: say the type of 0x1"),
    ("block {\n  add 1, 2\n}", "line 2: add has a result"),
    ("block {\n  %0:i64 = load.xx 1\n}", "line 2: load: expected .be or .le"),
    ("block {\n  stop WHAT 0x0\n}", "line 2: no kind of exit 'WHAT'"),
    ("block {\n  jump 4\n  put gpr3, 1\n}", "line 3: nothing may follow"),
    ("block {\n", "not closed"),
    ("put gpr3, 1", "line 1: expected `block"),
    ("block {\n  %0:i64 = getx gpr\n}", "expected bank.index."),
])  # fmt: skip
def test_parse_errors_name_the_line(text: str, says: str) -> None:
    with pytest.raises(ParseError, match=says):
        parse_block(text)
