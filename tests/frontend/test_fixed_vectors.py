"""Awkward cases of the fixed-point instructions. Every expected value is worked out by hand from the manual."""

from __future__ import annotations

from typing import Any

import pytest

from dbt.exits import Exit
from dbt.frontend.assembler import assemble
from dbt.frontend.context import TRAP
from dbt.mode import Mode

from ..support import B32, B64, BASE, execute

ONES = 0xFFFF_FFFF_FFFF_FFFF
MIN, MAX = 1 << 63, (1 << 63) - 1
MIN32 = 0x8000_0000
LT, GT, EQ, SO = 8, 4, 2, 1


def names(registers: dict[str, int]) -> dict[str, int]:
    """r3 is gpr3; numbers are unsigned."""
    return {f"gpr{n[1:]}" if n[0] == "r" else n: v & ONES for n, v in registers.items()}


def check(source: str, given: dict[str, int], wanted: dict[str, int], mode: Mode = B64) -> None:
    """Run one instruction in both forms; compare the registers named."""
    (word,) = assemble(source, BASE)
    for generic in (False, True):
        after, outcome = execute(word, names(given), mode, generic=generic)
        assert outcome.kind == "next", outcome
        assert {n: hex(after[n]) for n in names(wanted)} == {n: hex(v) for n, v in names(wanted).items()}, generic


def table(*rows: Any) -> Any:
    """A test for each row, named by its source."""
    return pytest.mark.parametrize(
        "row", rows, ids=lambda row: f"{row[0]} {' '.join(f'{k}={v:#x}' for k, v in row[1].items())}"
    )


@table(
    # MASK(63, 32) and MASK(56, 39) cover the high word, where ROTL32 repeats the rotated word
    ("rlwinm r3,r4,0,31,0", {"r4": 0xFFFF_FFFF_8000_0001}, {"r3": 0x8000_0001_8000_0001}),
    ("rlwinm r3,r4,8,24,7", {"r4": 0x1122_3344_5566_7788}, {"r3": 0x6677_8855_6600_0055}),
    ("rlwinm r3,r4,4,0,27", {"r4": 0x9999_9999_1234_5678}, {"r3": 0x2345_6780}),
    ("rlwinm. r3,r4,0,0,31", {"r4": MIN32}, {"r3": MIN32, "cr0": GT}),
    ("rlwimi r3,r4,16,16,31", {"r3": 0xAAAA_AAAA_BBBB_BBBB, "r4": 0x1234_5678}, {"r3": 0xAAAA_AAAA_BBBB_1234}),
    ("rlwimi r3,r4,0,28,3", {"r3": 0, "r4": 0x1234_5678}, {"r3": 0x1234_5678_1000_0008}),
    ("rlwnm r3,r4,r5,0,31", {"r4": 0x8000_0001, "r5": 0xFFFF_FFE1}, {"r3": 3}),
    ("rlwnm r3,r4,r5,1,0", {"r4": 0x8000_0001, "r5": 1}, {"r3": 0x0000_0003_0000_0003}),
    ("rldic r3,r4,8,60", {"r4": 0xF123_4567_89AB_CDEF}, {"r3": 0x2345_6789_ABCD_EF01}),
    ("rldimi r3,r4,32,0", {"r3": 0x1111_1111_2222_2222, "r4": 0x3333_3333_4444_4444}, {"r3": 0x4444_4444_2222_2222}),
    ("rldimi r3,r4,8,60", {"r3": 0xA0, "r4": 0xF123_4567_89AB_CDEF}, {"r3": 0x2345_6789_ABCD_EFA1}),
    ("rldicr r3,r4,63,0", {"r4": 1}, {"r3": MIN}),
    ("rldicr r3,r4,63,0", {"r4": 3}, {"r3": MIN}),
    ("rldicl r3,r4,1,63", {"r4": MIN}, {"r3": 1}),
    ("rldcl r3,r4,r5,32", {"r4": 0x1234_5678_0000_0000, "r5": 32 + 64}, {"r3": 0x1234_5678}),
    ("rldcr r3,r4,r5,0", {"r4": 1 << 62, "r5": 65}, {"r3": MIN}),
)
def test_rotates(row: Any) -> None:
    check(*row)


@table(
    ("slw r3,r4,r5", {"r4": 0xFFFF_FFFF_8000_0001, "r5": 31}, {"r3": 0x8000_0000}),
    ("slw r3,r4,r5", {"r4": ONES, "r5": 32}, {"r3": 0}),
    ("slw r3,r4,r5", {"r4": ONES, "r5": 64}, {"r3": 0xFFFF_FFFF}),  # only six bits count
    ("srw r3,r4,r5", {"r4": 0xFFFF_FFFF_8000_0000, "r5": 31}, {"r3": 1}),
    ("srw r3,r4,r5", {"r4": ONES, "r5": 63}, {"r3": 0}),
    ("sld r3,r4,r5", {"r4": ONES, "r5": 64}, {"r3": 0}),
    ("sld r3,r4,r5", {"r4": ONES, "r5": 128}, {"r3": ONES}),
    ("srd r3,r4,r5", {"r4": ONES, "r5": 127}, {"r3": 0}),
    ("srd r3,r4,r5", {"r4": MIN, "r5": 63}, {"r3": 1}),
    ("sraw r3,r4,r5", {"r4": MIN32, "r5": 31, "ca": 1}, {"r3": ONES, "ca": 0}),  # only zeros are lost
    ("sraw r3,r4,r5", {"r4": MIN32, "r5": 32}, {"r3": ONES, "ca": 1}),
    ("sraw r3,r4,r5", {"r4": 0x8000_0001, "r5": 1}, {"r3": 0xFFFF_FFFF_C000_0000, "ca": 1}),
    ("sraw r3,r4,r5", {"r4": 0x7FFF_FFFF, "r5": 63, "ca": 1}, {"r3": 0, "ca": 0}),
    ("sraw r3,r4,r5", {"r4": 0xFFFF_FFFF, "r5": 64, "ca": 1}, {"r3": ONES, "ca": 0}),
    ("srawi r3,r4,0", {"r4": 0xFFFF_FFFF, "ca": 1}, {"r3": ONES, "ca": 0}),
    ("srawi. r3,r4,31", {"r4": 0xFFFF_FFFF}, {"r3": ONES, "ca": 1, "cr0": LT}),
    ("srawi r3,r4,1", {"r4": 0x1_0000_0001}, {"r3": 0, "ca": 0}),
    ("srad r3,r4,r5", {"r4": MIN, "r5": 63}, {"r3": ONES, "ca": 0}),
    ("srad r3,r4,r5", {"r4": MIN, "r5": 64}, {"r3": ONES, "ca": 1}),
    ("srad r3,r4,r5", {"r4": MIN, "r5": 127}, {"r3": ONES, "ca": 1}),
    ("srad r3,r4,r5", {"r4": MIN, "r5": 128, "ca": 1}, {"r3": MIN, "ca": 0}),
    ("srad r3,r4,r5", {"r4": MAX, "r5": 64, "ca": 1}, {"r3": 0, "ca": 0}),
    ("sradi r3,r4,63", {"r4": ONES}, {"r3": ONES, "ca": 1}),
    ("sradi r3,r4,0", {"r4": MIN + 1, "ca": 1}, {"r3": MIN + 1, "ca": 0}),
    ("sradi r3,r4,4", {"r4": -16}, {"r3": -1, "ca": 0}),
)
def test_shifts(row: Any) -> None:
    check(*row)


@table(
    ("addc r3,r4,r5", {"r4": ONES, "r5": 1}, {"r3": 0, "ca": 1}),
    ("addc r3,r4,r5", {"r4": 0xFFFF_FFFF, "r5": 1, "ca": 1}, {"r3": 1 << 32, "ca": 0}),
    ("addc r3,r4,r5", {"r4": 0xFFFF_FFFF, "r5": 1}, {"r3": 1 << 32, "ca": 1}, B32),
    ("addc r3,r4,r5", {"r4": ONES << 32, "r5": 1 << 32, "ca": 1}, {"r3": 0, "ca": 0}, B32),
    ("adde r3,r4,r5", {"r4": ONES, "r5": ONES, "ca": 1}, {"r3": ONES, "ca": 1}),
    ("adde r3,r4,r5", {"r4": 0, "r5": ONES, "ca": 1}, {"r3": 0, "ca": 1}),
    ("adde r3,r4,r5", {"r4": 0, "r5": ONES, "ca": 0}, {"r3": ONES, "ca": 0}),
    ("adde r3,r4,r5", {"r4": 0, "r5": 0xFFFF_FFFF, "ca": 1}, {"r3": 1 << 32, "ca": 1}, B32),
    ("addze r3,r4", {"r4": ONES, "ca": 1}, {"r3": 0, "ca": 1}),
    ("addze r3,r4", {"r4": ONES, "ca": 0}, {"r3": ONES, "ca": 0}),
    ("addme r3,r4", {"r4": 0, "ca": 0}, {"r3": ONES, "ca": 0}),
    ("addme r3,r4", {"r4": 0, "ca": 1}, {"r3": 0, "ca": 1}),
    ("subfc r3,r4,r5", {"r4": 7, "r5": 7}, {"r3": 0, "ca": 1}),
    ("subfc r3,r4,r5", {"r4": 1, "r5": 0, "ca": 1}, {"r3": ONES, "ca": 0}),
    ("subfc r3,r4,r5", {"r4": 1 << 32, "r5": 0}, {"r3": ONES << 32, "ca": 1}, B32),
    ("subfe r3,r4,r5", {"r4": 0, "r5": 0, "ca": 0}, {"r3": ONES, "ca": 0}),
    ("subfe r3,r4,r5", {"r4": 0, "r5": 0, "ca": 1}, {"r3": 0, "ca": 1}),
    ("subfe r3,r4,r5", {"r4": ONES, "r5": ONES, "ca": 0}, {"r3": ONES, "ca": 0}),
    ("subfze r3,r4", {"r4": 0, "ca": 1}, {"r3": 0, "ca": 1}),
    ("subfme r3,r4", {"r4": ONES, "ca": 0}, {"r3": ONES, "ca": 0}),
    ("subfme r3,r4", {"r4": ONES, "ca": 1}, {"r3": 0, "ca": 1}),
    ("subfic r3,r4,-1", {"r4": 0}, {"r3": ONES, "ca": 1}),
    ("subfic r3,r4,0", {"r4": 0}, {"r3": 0, "ca": 1}),
    ("subfic r3,r4,0", {"r4": 1, "ca": 1}, {"r3": ONES, "ca": 0}),
    ("addic. r3,r4,-1", {"r4": 1, "so": 1}, {"r3": 0, "ca": 1, "cr0": EQ | SO}),
    ("addic. r3,r4,0", {"r4": MIN32, "ca": 1}, {"r3": MIN32, "ca": 0, "cr0": LT}, B32),
    ("addis r3,r4,-1", {"r4": 0}, {"r3": 0xFFFF_FFFF_FFFF_0000}),
    ("addis r3,0,-32768", {"r0": 5}, {"r3": 0xFFFF_FFFF_8000_0000}),
)
def test_carries(row: Any) -> None:
    check(*row)


@table(
    ("addo. r3,r4,r5", {"r4": MAX, "r5": 1}, {"r3": MIN, "ov": 1, "so": 1, "cr0": LT | SO}),
    ("addo. r3,r4,r5", {"r4": 1, "r5": 1, "ov": 1, "so": 1}, {"r3": 2, "ov": 0, "so": 1, "cr0": GT | SO}),
    ("addo. r3,r4,r5", {"r4": 0x7FFF_FFFF, "r5": 1}, {"r3": MIN32, "ov": 1, "so": 1, "cr0": LT | SO}, B32),
    ("addo. r3,r4,r5", {"r4": 0x7FFF_FFFF, "r5": 1}, {"r3": MIN32, "ov": 0, "so": 0, "cr0": GT}),
    ("add r3,r4,r5", {"r4": MAX, "r5": 1, "ov": 0}, {"r3": MIN, "ov": 0, "so": 0}),
    ("subfo r3,r4,r5", {"r4": 1, "r5": MIN}, {"r3": MAX, "ov": 1, "so": 1}),
    ("subfo r3,r4,r5", {"r4": MIN, "r5": 0}, {"r3": MIN, "ov": 1, "so": 1}),
    ("subfo r3,r4,r5", {"r4": MIN, "r5": -1}, {"r3": MAX, "ov": 0, "so": 0}),
    ("addmeo r3,r4", {"r4": MIN, "ca": 0}, {"r3": MAX, "ca": 1, "ov": 1}),
    ("addzeo r3,r4", {"r4": MAX, "ca": 1}, {"r3": MIN, "ca": 0, "ov": 1}),
    ("nego. r3,r4", {"r4": MIN}, {"r3": MIN, "ov": 1, "so": 1, "cr0": LT | SO}),
    ("nego r3,r4", {"r4": MIN32}, {"r3": 0xFFFF_FFFF_8000_0000, "ov": 0}),
    ("nego r3,r4", {"r4": MIN32}, {"r3": 0xFFFF_FFFF_8000_0000, "ov": 1, "so": 1}, B32),
    ("mullwo r3,r4,r5", {"r4": 0x1_0000, "r5": 0x1_0000}, {"r3": 1 << 32, "ov": 1, "so": 1}),
    ("mullwo r3,r4,r5", {"r4": 0x1_0000, "r5": 0x7FFF}, {"r3": 0x7FFF_0000, "ov": 0}),
    ("mullwo r3,r4,r5", {"r4": 0xFFFF_FFFF, "r5": MIN32}, {"r3": MIN32, "ov": 1}),
    ("mulldo r3,r4,r5", {"r4": MIN, "r5": -1}, {"r3": MIN, "ov": 1}),
    ("mulldo r3,r4,r5", {"r4": -1, "r5": -1}, {"r3": 1, "ov": 0}),
    ("mulldo r3,r4,r5", {"r4": 1 << 32, "r5": 1 << 31}, {"r3": MIN, "ov": 1}),
    ("mulldo r3,r4,r5", {"r4": 1 << 32, "r5": -(1 << 31)}, {"r3": MIN, "ov": 0}),
    ("mulldo r3,r4,r5", {"r4": 1 << 32, "r5": 1 << 31}, {"r3": MIN, "ov": 1}, B32),  # the width of its name, not of the mode
    ("mulhd r3,r4,r5", {"r4": MIN, "r5": MIN}, {"r3": 1 << 62}),
    ("mulhd r3,r4,r5", {"r4": -1, "r5": 1}, {"r3": -1}),
    ("mulhd r3,r4,r5", {"r4": -1, "r5": -1}, {"r3": 0}),
    ("mulhdu r3,r4,r5", {"r4": ONES, "r5": ONES}, {"r3": ONES - 1}),
    ("mulhw r3,r4,r5", {"r4": MIN32, "r5": MIN32}, {"r3": 0x4000_0000}),
    ("mulhw. r3,r4,r5", {"r4": ONES, "r5": 1}, {"r3": 0xFFFF_FFFF, "cr0": LT}, B32),
    ("mulhwu r3,r4,r5", {"r4": ONES, "r5": ONES}, {"r3": 0xFFFF_FFFE}),
    ("mulli r3,r4,-3", {"r4": 5}, {"r3": -15}),
)
def test_overflow_and_products(row: Any) -> None:
    check(*row)


OVERFLOW = {"r3": 0, "ov": 1, "so": 1}


@table(
    ("divwo r3,r4,r5", {"r4": -7, "r5": 2, "ov": 1}, {"r3": 0xFFFF_FFFD, "ov": 0, "so": 0}),
    ("divwo r3,r4,r5", {"r4": 7, "r5": 1 << 32}, OVERFLOW),
    ("divwo r3,r4,r5", {"r4": MIN32, "r5": 0xFFFF_FFFF}, OVERFLOW),
    ("divwuo r3,r4,r5", {"r4": MIN32, "r5": 0xFFFF_FFFF}, {"r3": 0, "ov": 0}),
    ("divwuo r3,r4,r5", {"r4": 0xF_FFFF_FFFF, "r5": 0x10}, {"r3": 0x0FFF_FFFF, "ov": 0}),
    ("divdo r3,r4,r5", {"r4": MIN, "r5": -1}, OVERFLOW),
    ("divdo. r3,r4,r5", {"r4": 9, "r5": 0}, OVERFLOW | {"cr0": EQ | SO}),
    ("divdo r3,r4,r5", {"r4": -9, "r5": 2}, {"r3": -4, "ov": 0}),
    ("divduo r3,r4,r5", {"r4": MIN, "r5": ONES}, {"r3": 0, "ov": 0}),
    ("divduo r3,r4,r5", {"r4": 1, "r5": 0}, OVERFLOW),
    ("divweo r3,r4,r5", {"r4": 1, "r5": 4}, {"r3": 0x4000_0000, "ov": 0}),
    ("divweo r3,r4,r5", {"r4": 1, "r5": 2}, OVERFLOW),  # 2**31
    ("divweo r3,r4,r5", {"r4": -1, "r5": 2}, {"r3": MIN32, "ov": 0}),  # -2**31
    ("divweo r3,r4,r5", {"r4": MIN32, "r5": -1}, OVERFLOW),
    ("divweo r3,r4,r5", {"r4": 0, "r5": 0}, OVERFLOW),
    ("divweuo r3,r4,r5", {"r4": 1, "r5": 2}, {"r3": MIN32, "ov": 0}),
    ("divweuo r3,r4,r5", {"r4": 2, "r5": 2}, OVERFLOW),
    ("divdeuo r3,r4,r5", {"r4": 1, "r5": 2}, {"r3": MIN, "ov": 0}),
    ("divdeuo r3,r4,r5", {"r4": ONES - 1, "r5": ONES}, {"r3": ONES - 1, "ov": 0}),  # (2**64-2) * 2**64 / (2**64-1)
    ("divdeuo r3,r4,r5", {"r4": 2, "r5": 2}, OVERFLOW),
    ("divdeo r3,r4,r5", {"r4": 1, "r5": 2}, OVERFLOW),
    ("divdeo r3,r4,r5", {"r4": -1, "r5": 2}, {"r3": MIN, "ov": 0}),
    ("divdeo r3,r4,r5", {"r4": -1, "r5": -4}, {"r3": 1 << 62, "ov": 0}),
    ("divdeo r3,r4,r5", {"r4": -1, "r5": -2}, OVERFLOW),
    ("divdeo r3,r4,r5", {"r4": MIN, "r5": -1}, OVERFLOW),
    ("divdeo r3,r4,r5", {"r4": 0, "r5": -3}, {"r3": 0, "ov": 0}),
    ("divdeo r3,r4,r5", {"r4": 0, "r5": 0}, OVERFLOW),
    ("modsw r3,r4,r5", {"r4": -7, "r5": 2}, {"r3": -1}),
    ("modsd r3,r4,r5", {"r4": MIN, "r5": -1}, {"r3": 0}),
    ("moduw r3,r4,r5", {"r4": 0xF_0000_0007, "r5": 4}, {"r3": 3}),
)
def test_division(row: Any) -> None:
    check(*row)


@table(
    ("cmp cr1,0,r4,r5", {"r4": ONES << 32, "r5": 0, "so": 1}, {"cr1": EQ | SO}),
    ("cmp cr1,1,r4,r5", {"r4": ONES << 32, "r5": 0}, {"cr1": LT}),
    ("cmp cr1,1,r4,r5", {"r4": ONES << 32, "r5": 0}, {"cr1": LT}, B32),  # L decides, not the mode
    ("cmpl cr7,1,r4,r5", {"r4": ONES << 32, "r5": 0}, {"cr7": GT}),
    ("cmpi cr0,0,r4,-1", {"r4": MIN32}, {"cr0": LT}),
    ("cmpi cr0,1,r4,-1", {"r4": MIN32}, {"cr0": GT}),
    ("cmpi cr0,1,r4,-1", {"r4": -1}, {"cr0": EQ}),
    ("cmpli cr0,0,r4,65535", {"r4": 0x7_0001_FFFF}, {"cr0": GT}),
    ("cmpli cr0,0,r4,65535", {"r4": 0x7_0000_FFFF}, {"cr0": EQ}),
    ("cmpli cr0,1,r4,65535", {"r4": 0x7_0000_FFFF}, {"cr0": GT}),
    ("isel r3,0,r5,2", {"r0": 7, "r5": 9, "cr0": EQ}, {"r3": 0}),
    ("isel r3,r4,r5,31", {"r4": 7, "r5": 9, "cr7": LT | GT | EQ}, {"r3": 9}),
    ("setb r3,cr2", {"cr2": LT | GT}, {"r3": -1}),
    ("setb r3,cr2", {"cr2": GT}, {"r3": 1}),
    ("cmprb cr1,1,r4,r5", {"r4": 0xFF41, "r5": 0x5A41_7A61}, {"cr1": GT}),
    ("cmprb cr1,0,r4,r5", {"r4": 0x41, "r5": 0x5A41_7A61, "cr1": 15}, {"cr1": 0}),
)
def test_compares(row: Any) -> None:
    check(*row)


@table(
    ("andi. r3,r4,0xffff", {"r4": ONES << 16}, {"r3": 0, "cr0": EQ}),
    ("andis. r3,r4,0x8000", {"r4": ONES}, {"r3": MIN32, "cr0": GT}),
    ("andis. r3,r4,0x8000", {"r4": ONES}, {"r3": MIN32, "cr0": LT}, B32),
    ("or. r3,r4,r4", {"r4": ONES << 32}, {"r3": ONES << 32, "cr0": LT}),
    ("or. r3,r4,r4", {"r4": ONES << 32}, {"r3": ONES << 32, "cr0": EQ}, B32),
    ("cntlzw r3,r4", {"r4": 1 << 32}, {"r3": 32}),
    ("cntlzd r3,r4", {"r4": 0}, {"r3": 64}),
    ("cnttzd r3,r4", {"r4": 0}, {"r3": 64}),
    ("extsb r3,r4", {"r4": 0x180}, {"r3": -128}),
    ("popcntb r3,r4", {"r4": 0xFF01_0080_7F00_03F0}, {"r3": 0x0801_0001_0700_0204}),
    ("popcntw r3,r4", {"r4": 0xFFFF_FFFF_0000_0101}, {"r3": 0x0000_0020_0000_0002}),
    ("popcntd r3,r4", {"r4": ONES}, {"r3": 64}),
    ("prtyw r3,r4", {"r4": 0x0101_0100_FEFE_FEFE}, {"r3": 1 << 32}),
    ("prtyd r3,r4", {"r4": 0x0101_0100_FE01_0001}, {"r3": 1}),
    ("cmpb r3,r4,r5", {"r4": 0x0011_2233_4455_6677, "r5": 0x0010_2233_80D5_6600}, {"r3": 0xFF00_FFFF_0000_FF00}),
    ("bpermd r3,r4,r5", {"r4": 0x0001_0203_0405_063F, "r5": MIN + 1}, {"r3": 0x81}),
    ("bpermd r3,r4,r5", {"r4": 0x4080_FF41_3F00_403F, "r5": ONES}, {"r3": 0b00001101}),
    ("addg6s r3,r4,r5", {"r4": 0x9, "r5": 1}, {"r3": 0x6666_6666_6666_6666}),
    ("addg6s r3,r4,r5", {"r4": 0xF, "r5": 1}, {"r3": 0x6666_6666_6666_6660}),
    ("addg6s r3,r4,r5", {"r4": ONES, "r5": 1}, {"r3": 0}),
    ("addg6s r3,r4,r5", {"r4": 0xF << 60, "r5": 1 << 60}, {"r3": 0x0666_6666_6666_6666}),
)
def test_logic(row: Any) -> None:
    check(*row)


# Densely packed decimal: the examples every description of the format gives
DECLETS = {0x005: 0x005, 0x009: 0x009, 0x055: 0x055, 0x079: 0x079, 0x080: 0x00A, 0x099: 0x05F, 0x555: 0x2D5, 0x999: 0x0FF}


@pytest.mark.parametrize("digits", DECLETS, ids=hex)
def test_declets(digits: int) -> None:
    for bcd, dpd in ((0, 0), (12, 10), (32, 32), (44, 42)):
        check("cbcdtd r3,r4", {"r4": digits << bcd}, {"r3": DECLETS[digits] << dpd})
        check("cdtbcd r3,r4", {"r4": DECLETS[digits] << dpd}, {"r3": digits << bcd})


def test_redundant_declet() -> None:
    check("cdtbcd r3,r4", {"r4": 0x3FF}, {"r3": 0x999})


WHOLE = {f"cr{n}": n + 1 for n in range(8)}  # 0x12345678


@table(
    ("crand 0,5,10", {"cr1": 4, "cr2": 2, "cr0": 1}, {"cr0": 9}),
    ("crandc 31,0,0", {"cr0": 8, "cr7": 15}, {"cr7": 14}),
    ("crnor 4,4,4", {"cr1": 0}, {"cr1": 8}),
    ("creqv 6,6,6", {"cr1": 1}, {"cr1": 3}),
    ("crxor 6,6,6", {"cr1": 15}, {"cr1": 13}),
    ("crorc 3,8,9", {"cr2": 11, "cr0": 0}, {"cr0": 1}),
    ("crnand 3,8,9", {"cr2": 12, "cr0": 15}, {"cr0": 14}),
    ("mcrf cr7,cr1", WHOLE, WHOLE | {"cr7": 2}),
    ("mfcr r3", WHOLE | {"r3": ONES}, {"r3": 0x1234_5678}),
    ("mfocrf r3,0x10", WHOLE, {"r3": 0x0004_0000}),
    ("mtcrf 0x81,r4", WHOLE | {"r4": 0xFFFF_FFFF_9ABC_DEF0}, WHOLE | {"cr0": 9, "cr7": 0}),
    ("mtcrf 0,r4", WHOLE | {"r4": 0}, WHOLE),
    ("mtcrf 255,r4", {"r4": 0x1234_5678}, WHOLE),
    ("mtocrf 0x20,r4", WHOLE | {"r4": 0x00F0_0000}, WHOLE | {"cr2": 15}),
    ("mcrxr cr3", {"so": 1, "ov": 0, "ca": 1}, {"cr3": 10, "so": 0, "ov": 0, "ca": 0}),
)
def test_condition_register(row: Any) -> None:
    check(*row)


@pytest.mark.parametrize(
    ("source", "a", "b", "trapped"),
    [
        ("twi 16,r4,-1", MIN32, 0, True),
        ("twi 8,r4,-1", MIN32, 0, False),
        ("twi 2,r4,-1", ONES << 31, 0, True),  # below 0xffffffff, unsigned
        ("twi 1,r4,0", 1 << 32, 0, False),
        ("tdi 1,r4,0", 1 << 32, 0, True),
        ("tdi 4,r4,-1", ONES, 0, True),
        ("tw 4,r4,r5", 7 << 32, 9 << 32, True),
        ("td 4,r4,r5", 7 << 32, 9 << 32, False),
        ("td 24,r4,r5", 7 << 32, 9 << 32, True),
        ("td 2,r4,r5", ONES, 1, False),
        ("td 16,r4,r5", ONES, 1, True),
        ("tw 0,r4,r5", 1, 2, False),
        ("tw 31,r4,r5", 1, 2, True),
        ("tw 31,r4,r4", 1, 2, True),
    ],
)
def test_traps(source: str, a: int, b: int, trapped: bool) -> None:
    for mode in (B64, B32):
        for generic in (False, True):
            _, outcome = execute(assemble(source)[0], {"gpr4": a, "gpr5": b}, mode, generic=generic)
            assert outcome.kind == ("exit" if trapped else "next")
            assert not trapped or (outcome.exit, outcome.payload, outcome.after) == (Exit.PROGRAM, TRAP, False)


LINK = {"lr": BASE + 4}
ONE_AND_HIGH = (1 << 32) + 1


@pytest.mark.parametrize(
    ("source", "given", "target", "wanted", "mode"),
    [
        ("b .-8", {}, BASE - 8, {"lr": 0}, B64),
        ("bl .+0x100", {}, BASE + 0x100, LINK, B64),
        (".long 0x4bfffffe", {}, ONES - 3, {}, B64),  # ba -4
        (".long 0x4bfffffe", {}, 0xFFFF_FFFC, {}, B32),
        ("b .-0x1000004", {}, 0xFFFF_FFFC, {}, B32),
        ("bcla 20,0,0x7ffc", {}, 0x7FFC, LINK, B64),
        ("bc 12,30,.+16", {"cr7": EQ}, BASE + 16, {}, B64),
        ("bc 4,30,.+16", {"cr7": EQ}, None, {}, B64),
        ("bc 16,0,.-16", {"ctr": 2}, BASE - 16, {"ctr": 1}, B64),
        ("bc 16,0,.-16", {"ctr": 1}, None, {"ctr": 0}, B64),
        ("bc 16,0,.-16", {"ctr": 0}, BASE - 16, {"ctr": ONES}, B64),
        ("bc 16,0,.-16", {"ctr": ONE_AND_HIGH}, BASE - 16, {"ctr": 1 << 32}, B64),
        ("bc 16,0,.-16", {"ctr": ONE_AND_HIGH}, None, {"ctr": 1 << 32}, B32),
        ("bc 18,0,.-16", {"ctr": ONE_AND_HIGH}, BASE - 16, {"ctr": 1 << 32}, B32),
        ("bc 8,1,.+8", {"ctr": 5, "cr0": GT}, BASE + 8, {"ctr": 4}, B64),
        ("bc 8,1,.+8", {"ctr": 5, "cr0": LT}, None, {"ctr": 4}, B64),  # CTR counts all the same
        ("bc 2,1,.+8", {"ctr": 1, "cr0": LT}, BASE + 8, {"ctr": 0}, B64),
        ("bcl 12,0,.+8", {"cr0": 0}, None, LINK, B64),  # LR is set whether or not it branches
        ("bclr 20,0,0", {"lr": 0x1_2345_6787}, 0x1_2345_6784, {}, B64),
        ("bclr 20,0,0", {"lr": 0x1_2345_6787}, 0x2345_6784, {}, B32),
        ("bclrl 20,0,0", {"lr": 0x1000}, 0x1000, LINK, B64),
        ("bclr 16,0,0", {"lr": 0x1000, "ctr": 1}, None, {"ctr": 0}, B64),
        ("bcctrl 20,0,0", {"ctr": 0x2003}, 0x2000, LINK | {"ctr": 0x2003}, B64),
        ("bcctr 4,2,0", {"ctr": 0x2000, "cr0": EQ}, None, {}, B64),
        ("bctarl 12,2,0", {"tar": 0x3001, "cr0": EQ}, 0x3000, LINK, B64),
        (
            ".long 0x4c400420",
            {"ctr": 0x7FFF, "cr0": 0},
            None,
            {"ctr": 0x7FFE},
            B64,
        ),  # bcctr 2,0,0 (Spectre)
    ],
)
def test_branches(source: str, given: dict[str, int], target: int | None, wanted: dict[str, int], mode: Mode) -> None:
    for generic in (False, True):
        after, outcome = execute(assemble(source, BASE)[0], given, mode, generic=generic)
        assert (outcome.target if outcome.kind == "jump" else None) == target
        assert {n: after[n] for n in wanted} == wanted
