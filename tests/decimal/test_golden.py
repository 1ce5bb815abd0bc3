"""Decimal encodings, results and interrupts worked out by hand from Book I chapter 5, and POWER7's own answers where the
manual is terse (as published with other emulators' tests)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from dbt import assemble
from dbt.backend.decimal_format import declet_value
from runtime.vm import VM

SF, FP, ME = 1 << 63, 1 << 13, 1 << 12
ONE, TWO, THREE = 0x2238 << 48 | 1, 0x2238 << 48 | 2, 0x2238 << 48 | 3  # exponent 398, digits ...1
MAXIMUM = 0x77FC_FF3F_CFF3_FCFF  # 0 11101 11111111, five declets 0011111111: 9.99...E384
LEAST = 1  # 1E-398
TENTH = 0x2234 << 48 | 1
QNAN, SNAN, INFINITY = 0x7C << 56, 0x7E << 56, 0x78 << 56


@pytest.fixture(scope="module", params=["interpreter", "reference", "jit"])
def vm(request: Any) -> Iterator[VM]:
    made = VM(memory=1 << 20, cpu="power9", engine=request.param, hot_threshold=1)
    yield made
    made.close()


def run(vm: VM, text: str, fpscr: int = 0, fe: int = 0, **f: int) -> Any:
    """The vCPU after one instruction; FPRs by name."""
    v = vm.vcpus[0]
    vm.write(0x700, (0x4800_0000).to_bytes(4, "big"))
    vm.write(0x1000, assemble(text)[0].to_bytes(4, "big"))
    for name, x in f.items():
        v.fpr[int(name[1:])] = x
    v.msr, v.nia, v.fpscr, v["cr"] = SF | FP | ME | fe, 0x1000, fpscr, 0
    v.mode_changed()
    v.run(max_instructions=1)
    return v


@pytest.mark.parametrize(
    ("packed", "digits"),
    [(0x005, 5), (0x009, 9), (0x055, 55), (0x079, 79), (0x00A, 80), (0x05F, 99), (0x2D5, 555), (0x0FF, 999), (0x3FF, 999),
     (0x36E, 888), (0x06E, 888), (0x1B3, 333), (0x3BF, 979), (0x07E, 898)],
)  # fmt: skip
def test_declets(packed: int, digits: int) -> None:
    """By the table of the appendix: three small digits stand as they are, 8 and 9 leave their low bit."""
    assert declet_value(packed) == digits


FX_XX, FI, FR = 0x8200_0000, 1 << 17, 1 << 18
PLUS, MINUS = 0x4000, 0x8000


@pytest.mark.parametrize(
    ("text", "fpscr", "f2", "f3", "result", "after"),
    [
        ("dadd f1,f2,f3", 0, ONE, ONE, TWO, PLUS),
        ("dadd f1,f2,f3", 0, ONE, TENTH, 0x2234 << 48 | 0x11, PLUS),  # 1 + 0.1 = 11E-1
        ("dmul f1,f2,f3", 0, 0x2234 << 48 | 0x20, THREE, 0x2234 << 48 | 0x60, PLUS),  # 2.0 * 3 = 6.0
        ("dsub f1,f2,f3", 0, ONE, ONE, 0x2238 << 48, 0x2000),
        ("dsub f1,f2,f3", 3 << 32, ONE, ONE, 0xA238 << 48, 3 << 32 | 0x12000),  # towards -infinity: -0
        ("ddiv f1,f2,f3", 0, ONE, TWO, 0x2234 << 48 | 5, PLUS),
        ("ddiv f1,f2,f3", 0, ONE, THREE, 0x2DF9_B36C_DB36_CDB3, FX_XX | FI | PLUS),
        ("ddiv f1,f2,f3", 6 << 32, ONE, THREE, 0x2DF9_B36C_DB36_CDB4, 6 << 32 | FX_XX | FI | FR | PLUS),
        ("ddiv f1,f2,f3", 0, ONE, 0x2238 << 48, INFINITY, 0x8400_5000),  # ZX
        ("ddiv f1,f2,f3", 0x10, ONE, 0x2238 << 48, None, 0xC400_0010),  # enabled: no result
        ("dmul f1,f2,f3", 0, MAXIMUM, MAXIMUM, INFINITY, 0x9206_5000),
        ("dmul f1,f2,f3", 1 << 32, MAXIMUM, MAXIMUM, MAXIMUM, 1 << 32 | 0x9202_4000),
        ("dmul f1,f2,f3", 0x40, MAXIMUM, 0x223C << 48 | 1, 0x6700_FF3F_CFF3_FCFF, 0xD000_4040),  # OE: 9.99...E385 / 10**576
        ("dmul f1,f2,f3", 0, LEAST, TENTH, 0, 0x8A02_2000),  # UX XX, zero
        ("dmul f1,f2,f3", 0, LEAST, ONE, LEAST, 0x1_4000),  # exact: no underflow, subnormal
        ("dmul f1,f2,f3", 0x20, LEAST, ONE, (-398 + 576 + 398 - 512 << 50) | 2 << 61 | 1, 0xC800_4020),  # UE: 1E178
        ("dadd f1,f2,f3", 0, SNAN | 0x55, ONE, QNAN | 0x55, 0xA101_1000),
        ("dadd f1,f2,f3", 0, QNAN | 1, SNAN | 2, QNAN | 2, 0xA101_1000),  # a signalling NaN goes first
        ("dadd f1,f2,f3", 0x80, SNAN, ONE, None, 0xE100_0080),
        ("dquai 0,f1,f3,0", 0, 0, 0x2234 << 48 | 0x15, 0x2238 << 48 | 2, FX_XX | FI | FR | PLUS),  # 1.5: to even
        ("dquai 0,f1,f3,0", 0, 0, INFINITY, QNAN, 0xA001_1100),  # POWER7
        ("drrnd f1,f2,f3,2", 0, 2, 0x2234 << 48 | 0xE50, 0x223C << 48 | 0x35, FX_XX | FI | FR | PLUS),  # 345.0E.. POWER7
        ("drsp f1,f3", 0, 0, 0xA214_0001_0A39_5BCF, 0xB1F2_8E57, FX_XX | FI | FR | MINUS),  # POWER7
        ("drsp f1,f3", 0, 0, 0xFE00_0000_D0E0_A0D0, 0xFE00_A0D0, 0x1000),  # POWER7: stays signalling
        ("dctdp f1,f3", 0, 0, 0xA214_0001_0A39_5BCF, 0x2130_0000_0029_5BCF, PLUS),  # POWER7: the low word counts
        ("dctfix f1,f3", 0, 0, 0xA214_0001_0A39_5BCF, (1 << 64) - 4, FX_XX | FI),  # POWER7
        ("dcffix f1,f3", 0, 0, (1 << 64) - 4, 0xA238 << 48 | 4, MINUS),
        ("ddedpd 0,f1,f3", 0, 0, MAXIMUM, 0x9999_9999_9999_9999, 0),
        ("ddedpd 3,f1,f3", 0, 0, 0x2238 << 48 | 0x2D5, 0x555F, 0),
        ("denbcd 1,f1,f3", 0, 0, 0x555D, 0xA238 << 48 | 0x2D5, MINUS),
        ("denbcd 1,f1,f3", 0, 0, 0x5551, QNAN, 0xA001_1100),
        ("dxex f1,f3", 0, 0, ONE, 398, 0),
        ("dxex f1,f3", 0, 0, SNAN, (1 << 64) - 3, 0),
        ("diex f1,f2,f3", 0, 397, ONE, TENTH, 0),
        ("dscri f1,f2,1", 0, 0x6E4D_3F1F_534A_CDD4, 0, 0x224D_8FE3_CA39_4DB5, 0),  # POWER7
        ("dscli f1,f2,15", 0, ONE, 0, 0x2638 << 48, 0),
    ],
)
def test_results(vm: VM, text: str, fpscr: int, f2: int, f3: int, result: int | None, after: int) -> None:
    v = run(vm, text, fpscr, f1=0xDEAD, f2=f2, f3=f3)
    assert (hex(v.fpr[1]), hex(v.fpscr)) == (hex(0xDEAD if result is None else result), hex(after))


def test_quadwords_take_pairs(vm: VM) -> None:
    """1/3 to 34 digits: 3.33...E-1; drdpq puts its doubleword into the even register (POWER7)."""
    v = run(vm, "ddivq f2,f4,f6", f4=0x2208 << 48, f5=1, f6=0x2208 << 48, f7=3)
    assert (hex(v.fpr[2]), hex(v.fpr[3])) == ("0x2dff9b36cdb36cdb", hex(int("0110110011" * 11, 2) & (1 << 64) - 1))
    v = run(vm, "drdpq f2,f4", f4=0xFC00 << 48, f5=0xC001_0003_5B00_7700)
    assert (v.fpr[2], v.fpr[3]) == (0xFC01_0003_5B00_7700, 0)


@pytest.mark.parametrize(
    ("text", "f2", "f3", "field", "after"),
    [
        ("dcmpu cr5,f2,f3", ONE, 0x2234 << 48 | 0x10, 2, 0x2000),  # 1 = 1.0
        ("dcmpo cr5,f2,f3", QNAN, ONE, 1, 0xA008_1000),
        ("dcmpo cr5,f2,f3", SNAN, ONE, 1, 0xA108_1000),
        ("dtstdc cr5,f2,8", ONE | 1 << 63, 0, 10, 0xA000),  # -normal, matches
        ("dtstdg cr5,f2,4", ONE, 0, 2, 0x2000),  # a leading zero
        ("dtstex cr5,f2,f3", INFINITY, INFINITY | 1 << 63, 2, 0x2000),
        ("dtstsf cr5,f2,f3", 3, 0x2238 << 48 | 0x2D5, 2, 0x2000),
        ("dtstsfi cr5,2,f3", 0, 0x2238 << 48 | 0x2D5, 8, 0x8000),
        ("dtstsf cr5,f2,f3", 0, ONE, 4, 0x4000),
    ],
)
def test_tests(vm: VM, text: str, f2: int, f3: int, field: int, after: int) -> None:
    v = run(vm, text, f2=f2, f3=f3)
    assert (v["cr"], hex(v.fpscr)) == (field << 8, hex(after))


@pytest.mark.parametrize("fe", [0x800, 0x100, 0])
@pytest.mark.parametrize(
    ("text", "fpscr", "f2", "f3"),
    [("dadd f1,f2,f3", 0x80, SNAN, ONE), ("ddiv f1,f2,f3", 0x10, ONE, 0x2238 << 48), ("ddiv f1,f2,f3", 8, ONE, THREE),
     ("dmul f1,f2,f3", 0x40, MAXIMUM, MAXIMUM), ("dcmpo cr0,f2,f3", 0x80, QNAN, ONE)],
)  # fmt: skip
def test_enabled_exceptions_interrupt(vm: VM, text: str, fpscr: int, f2: int, f3: int, fe: int) -> None:
    """A program interrupt with SRR1[43], SRR0 at the instruction; none while MSR[FE0,FE1] is 0."""
    v = vm.vcpus[0]
    v.srr0 = v.srr1 = 0
    run(vm, text, fpscr, fe, f2=f2, f3=f3)
    assert v.fpscr >> 30 & 1
    if fe:
        v.run(max_instructions=1)
        assert (v.nia, v.srr0, v.srr1) == (0x700, 0x1000, SF | FP | ME | fe | 0x0010_0000)
    else:
        assert (v.nia, v.srr0) == (0x1004, 0)


def test_record_form(vm: VM) -> None:
    """CR1 = FX FEX VX OX."""
    assert run(vm, "dadd. f1,f2,f3", f2=SNAN, f3=ONE)["cr"] == 0b1010 << 24
    assert run(vm, "dmul. f1,f2,f3", f2=MAXIMUM, f3=MAXIMUM)["cr"] == 0b1001 << 24
    assert run(vm, "dxex. f1,f2", fpscr=FX_XX, f2=ONE)["cr"] == 0b1000 << 24
