"""Storage access: addresses, update forms, byte order, reservations; expected values by hand from Book I 3.3 and Book
II 4."""

from __future__ import annotations

import pytest

from dbt.exits import Exit
from dbt.frontend.assembler import assemble
from dbt.ir.evaluate import Outcome
from dbt.mode import Mode

from ..ir.machine import Registers
from ..support import BASE, execute

BE, LE, BE32 = Mode(), Mode(le=True), Mode(sf=False)
AT = 0x2000
BYTES = bytes.fromhex("8182838485868788 0102030405060708".replace(" ", ""))


def run(text: str, mode: Mode = BE, at: int = AT, **registers: int) -> tuple[Registers, Outcome]:
    """One instruction, with BYTES in storage at `at`; the interpreter's variant must do the same."""
    (word,) = assemble(text, BASE)
    memory = {at + n: b for n, b in enumerate(BYTES)}
    got, outcome = execute(word, registers, mode, memory=memory)
    again, other = execute(word, registers, mode, memory=memory, generic=True)
    assert outcome == other
    assert got.machine.bytes == again.machine.bytes
    assert got.machine.memory == again.machine.memory
    assert got.machine.calls == again.machine.calls
    return got, outcome


def storage(got: Registers, count: int = 8) -> str:
    return bytes(got.machine.memory[AT + n] for n in range(count)).hex()


@pytest.mark.parametrize(
    ("text", "be", "le"),
    [
        ("lbz 3,0(4)", 0x81, 0x81),
        ("lhz 3,0(4)", 0x8182, 0x8281),
        ("lha 3,0(4)", 0xFFFF_FFFF_FFFF_8182, 0xFFFF_FFFF_FFFF_8281),
        ("lwz 3,0(4)", 0x8182_8384, 0x8483_8281),
        ("lwa 3,0(4)", 0xFFFF_FFFF_8182_8384, 0xFFFF_FFFF_8483_8281),
        ("ld 3,0(4)", 0x8182_8384_8586_8788, 0x8887_8685_8483_8281),
        ("lhbrx 3,0,4", 0x8281, 0x8182),
        ("lwbrx 3,0,4", 0x8483_8281, 0x8182_8384),
        ("ldbrx 3,0,4", 0x8887_8685_8483_8281, 0x8182_8384_8586_8788),
        ("lwax 3,0,4", 0xFFFF_FFFF_8182_8384, 0xFFFF_FFFF_8483_8281),
        ("lhax 3,0,4", 0xFFFF_FFFF_FFFF_8182, 0xFFFF_FFFF_FFFF_8281),
    ],
)
def test_loads(text: str, be: int, le: int) -> None:
    assert run(text, BE, gpr4=AT)[0]["gpr3"] == be
    assert run(text, LE, gpr4=AT)[0]["gpr3"] == le


@pytest.mark.parametrize(
    ("text", "be", "le"),
    [
        ("stb 3,0(4)", "ef82838485868788", "ef82838485868788"),
        ("sth 3,0(4)", "cdef838485868788", "efcd838485868788"),
        ("stw 3,0(4)", "89abcdef85868788", "efcdab8985868788"),
        ("std 3,0(4)", "0123456789abcdef", "efcdab8967452301"),
        ("sthbrx 3,0,4", "efcd838485868788", "cdef838485868788"),
        ("stwbrx 3,0,4", "efcdab8985868788", "89abcdef85868788"),
        ("stdbrx 3,0,4", "efcdab8967452301", "0123456789abcdef"),
    ],
)
def test_stores(text: str, be: str, le: str) -> None:
    assert storage(run(text, BE, gpr4=AT, gpr3=0x0123_4567_89AB_CDEF)[0]) == be
    assert storage(run(text, LE, gpr4=AT, gpr3=0x0123_4567_89AB_CDEF)[0]) == le


def test_update_writes_the_address_after_the_access() -> None:
    got, _ = run("lwzu 3,8(4)", gpr4=AT)
    assert (got["gpr3"], got["gpr4"]) == (0x0102_0304, AT + 8)
    got, outcome = run("lwzu 3,64(4)", gpr4=AT, gpr3=7)
    assert (got["gpr3"], got["gpr4"], outcome.exit) == (7, AT, Exit.FAULT)
    got, _ = run("stdux 3,4,5", gpr3=1, gpr4=AT, gpr5=8)
    assert got["gpr4"] == AT + 8


def test_invalid_update_forms() -> None:
    assert run("lwzux 3,3,5", gpr3=AT, gpr5=0)[0]["gpr3"] == 0x8182_8384  # RA = RT: the loaded value wins
    got, _ = run("lwzux 3,0,5", gpr0=AT, gpr5=8)  # RA = 0 is GPR 0
    assert (got["gpr3"], got["gpr0"]) == (0x0102_0304, AT + 8)
    assert storage(run("stwu 4,0(4)", gpr4=AT)[0], 4) == "00002000"  # RS = RA stores the old value


def test_zero_means_zero_without_update() -> None:
    assert run("lwz 3,0x2000(0)", gpr0=0x9999)[0]["gpr3"] == 0x8182_8384
    assert run("lwzx 3,0,4", gpr0=0x9999, gpr4=AT)[0]["gpr3"] == 0x8182_8384


def test_32_bit_mode_masks_the_address() -> None:
    got, _ = run("lwzu 3,8(4)", BE32, gpr4=0xFFFF_FFFF_0000_2000)
    assert (got["gpr3"], got["gpr4"]) == (0x0102_0304, AT + 8)
    assert run("lbz 3,-1(4)", BE32, at=0xFFFF_FFFF, gpr4=0)[0]["gpr3"] == 0x81
    assert run("lbz 3,-1(4)", BE32, at=0xFFFF_FFFF, gpr4=1 << 32)[0]["gpr3"] == 0x81


@pytest.mark.parametrize(
    "text", ["lmw 29,8(4)", "stmw 29,8(4)", "lswi 5,4,0", "lswi 5,4,7", "stswi 5,4,32", "lswx 5,6,4", "stswx 5,6,4"]
)
def test_moves_of_several_registers(text: str) -> None:
    got, outcome = run(text, gpr4=AT, gpr6=0x10, xer_count=9)
    name = (
        {"lm": "load_multiple", "st": "store_multiple"}[text[:2]]
        if "mw" in text
        else "load_string"
        if text[0] == "l"
        else "store_string"
    )
    first, count = (29, 0) if "mw" in text else (5, 9 if "x" in text else {"0": 32, "7": 7, "2": 32}[text[-1]])
    ea = AT + (8 if "mw" in text else 0x10 if "x" in text else 0)
    assert got.machine.calls == [(name, ea, first, count)]
    assert outcome.kind == "next"
    got, outcome = run(text, LE, gpr4=AT, gpr6=0x10)
    assert (outcome.exit, outcome.payload, got.machine.calls) == (Exit.ALIGNMENT, ea, [])


def test_quadwords() -> None:
    assert run("lq 6,16(4)", gpr4=AT)[0].machine.calls == [("load_quad", AT + 16, 6, 0)]
    assert run("lq 6,16(4)", LE, gpr4=AT)[0].machine.calls == [("load_quad", AT + 16, 6, 1)]
    assert run("stq 6,-8(4)", gpr4=AT)[0].machine.calls == [("store_quad", AT - 8, 6, 0)]
    outcome = execute(0xE0E4_0010, {}, BE)[1]  # lq 7,16(4)
    assert (outcome.exit, outcome.payload) == (Exit.PROGRAM, 0x80000)


@pytest.mark.parametrize(("text", "size"), [("lbarx 3,0,4", 1), ("lharx 3,0,4", 2), ("lwarx 3,0,4", 4), ("ldarx 3,0,4", 8)])
def test_load_and_reserve(text: str, size: int) -> None:
    got, _ = run(text, gpr4=AT)
    value = int.from_bytes(BYTES[:size], "big")
    assert (got["gpr3"], got["reserve_ea"], got["reserve_value"], got["reserve_size"]) == (value, AT, value, size)
    if size > 1:
        got, outcome = run(text, gpr4=AT + 1, reserve_ea=5)
        assert (outcome.exit, outcome.payload, got["reserve_ea"], got["reserve_size"]) == (Exit.ALIGNMENT, AT + 1, 5, 0)


@pytest.mark.parametrize(
    ("text", "size"), [("stbcx. 3,0,4", 1), ("sthcx. 3,0,4", 2), ("stwcx. 3,0,4", 4), ("stdcx. 3,0,4", 8)]
)
def test_store_conditional(text: str, size: int) -> None:
    got, _ = run(text, LE, gpr4=AT, gpr3=0x1234, so=1)
    assert got.machine.calls == [("store_conditional", AT, 0x1234, size | 0x100)]
    # the helper of these tests returns the sum of its arguments; bit 0 of that is taken here as success
    assert got["cr0"] == ((AT + 0x1234 + size + 0x100) * 2 & 0xFF | 1)


def test_barriers_and_cache() -> None:
    for text in ("sync 0", "sync 1", "sync 2", "eieio", "dcbt 0,4,0", "dcbtst 0,4,0", "dcba 0,4", "icbt 0,0,4"):
        got, outcome = run(text, gpr4=0xDEAD_0000)
        assert outcome == Outcome("next"), text
        assert not got.machine.calls
    for text in ("dcbst 0,4", "dcbf 0,4"):
        assert run(text, gpr4=AT)[1].kind == "next"
        assert run(text, gpr4=0xDEAD_0000)[1].exit == Exit.FAULT
    assert run("dcbz 5,4", gpr4=AT, gpr5=3)[0].machine.calls == [("zero_block", AT + 3, 0, 0)]
    assert run("icbi 5,4", gpr4=AT, gpr5=3)[0].machine.calls == [("icbi", AT + 3, 0, 0)]
    assert run("isync")[1] == Outcome("jump", BASE + 4)
