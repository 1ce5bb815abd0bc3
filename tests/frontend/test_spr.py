"""Special-purpose registers: numbers against binutils, access and meaning by hand from Book III."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from dbt.exits import Exit
from dbt.frontend.isa.spr import SPRS
from dbt.ir.evaluate import Outcome
from dbt.mode import Mode

from ..ir.machine import Registers
from ..support import execute

OBJDUMP = "powerpc64-linux-gnu-objdump"
KERNEL, USER = Mode(), Mode(pr=True)
ILLEGAL, PRIVILEGED = 0x80000, 0x40000
HV = 1 << 60


def mfspr(n: int) -> int:
    return 31 << 26 | 3 << 21 | (n & 31) << 16 | n >> 5 << 11 | 339 << 1


def mtspr(n: int) -> int:
    return 31 << 26 | 3 << 21 | (n & 31) << 16 | n >> 5 << 11 | 467 << 1


def both(word: int, registers: dict[str, int], mode: Mode = KERNEL) -> tuple[Registers, Outcome]:
    """The translation's result, after seeing that the interpreter's variant leaves the same way."""
    got, outcome = execute(word, registers, mode)
    again, other = execute(word, registers, mode, generic=True)
    assert outcome == other
    assert got.machine.bytes == again.machine.bytes
    return got, outcome


@pytest.mark.skipif(not shutil.which(OBJDUMP), reason="needs binutils-powerpc64-linux-gnu")
def test_names_are_binutils(tmp_path: Path) -> None:
    numbers = sorted(SPRS)
    words = [mfspr(n) for n in numbers] + [mtspr(n) for n in numbers]
    raw = tmp_path / "words"
    raw.write_bytes(b"".join(w.to_bytes(4, "big") for w in words))
    command = [OBJDUMP, "-z", "-D", "-b", "binary", "-m", "powerpc:common64", "-M", "power8", "-EB", str(raw)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^ *[0-9a-f]+:\t(?:[0-9a-f]{2} ){4}\t(.*)$", text, re.MULTILINE)
    known = 0
    for n, line in zip(numbers * 2, lines, strict=True):
        found = re.match(r"m[ft]([a-z]\w*?)\s+(?:r3|(?:r3,)?(\d)(?:,r3)?)$", line)
        if found and found[1] != "spr":
            known += 1
            assert SPRS[n].name.lower() == found[1] + (found[2] or ""), (n, line)
    assert known > 60


# From the table of Book III 4.4.4 (2.07): name, number, mtspr, mfspr; "-" undefined, "u" anyone, "s" privileged, "h"
# hypervisor
TABLE = """
XER 1 uu · DSCR 3 uu · LR 8 uu · CTR 9 uu · AMR 13 uu · DSCR 17 ss · DSISR 18 ss · DAR 19 ss · DEC 22 ss
SDR1 25 hh · SRR0 26 ss · SRR1 27 ss · CFAR 28 ss · AMR 29 ss · IAMR 61 ss · TFHAR 128 uu · TFIAR 129 uu
TEXASR 130 uu · TEXASRU 131 uu · CTRL 136 -u · CTRL 152 s- · FSCR 153 ss · UAMOR 157 ss · PSPB 159 ss
DPDES 176 hs · DAWR0 180 hh · CIABR 187 hh · DAWRX0 188 hh · HFSCR 190 hh · VRSAVE 256 uu · SPRG3 259 -u
TB 268 -u · TBU 269 -u · SPRG0 272 ss · SPRG1 273 ss · SPRG2 274 ss · SPRG3 275 ss · TBL 284 h- · TBU 285 h-
TBU40 286 h- · PVR 287 -s · HSPRG0 304 hh · HSPRG1 305 hh · HDSISR 306 hh · HDAR 307 hh · SPURR 308 hs
PURR 309 hs · HDEC 310 hh · RMOR 312 hh · HRMOR 313 hh · HSRR0 314 hh · HSRR1 315 hh · LPCR 318 hh · LPIDR 319 hh
HMER 336 hh · HMEER 337 hh · PCR 338 hh · HEIR 339 hh · AMOR 349 hh · TIR 446 -s · MMCRA 786 ss · PMC1 787 ss
PMC6 792 ss · MMCR0 795 ss · SIAR 796 ss · SDAR 797 ss · MMCR1 798 ss · BESCRS 800 uu · BESCRR 802 uu
EBBHR 804 uu · EBBRR 805 uu · BESCR 806 uu · TAR 815 uu · IC 848 hs · VTB 849 hs · PPR 896 uu · PPR32 898 uu
PIR 1023 -s
"""


@pytest.mark.parametrize("row", [r.strip() for r in re.split("[·\n]", TABLE) if r.strip()])
def test_access_is_the_manuals(row: str) -> None:
    name, number, access = row.split()
    spr = SPRS[int(number)]
    assert (spr.name, spr.access[1] + spr.access[0]) == (name, access)


def outcome_of(word: int, mode: Mode = KERNEL, **registers: int) -> tuple[int, int]:
    outcome = both(word, registers, mode)[1]
    return outcome.exit, outcome.payload


@pytest.mark.parametrize("n", [18, 26, 152, 272, 304, 787, 1023, 400 | 16])
def test_problem_state_reaches_no_privileged_number(n: int) -> None:
    assert outcome_of(mfspr(n), USER) == outcome_of(mtspr(n), USER) == (Exit.PROGRAM, PRIVILEGED)


@pytest.mark.parametrize("n", [25, 180, 304, 318, 1008])
def test_hypervisor_registers_need_hypervisor_state(n: int) -> None:
    assert outcome_of(mfspr(n)) == outcome_of(mtspr(n)) == (Exit.PROGRAM, PRIVILEGED)
    assert both(mfspr(n), {"msr": HV})[1].kind == "next"


@pytest.mark.parametrize("n", [2, 100, 700, 1000, 276, 284])
def test_undefined_numbers_do_nothing_in_privileged_state(n: int) -> None:
    got, outcome = both(mfspr(n), {"gpr3": 77})
    assert (outcome.kind, got["gpr3"]) == ("next", 77)


@pytest.mark.parametrize("n", [0, 4, 5, 6])
def test_power_registers_are_illegal_everywhere(n: int) -> None:
    for mode in (KERNEL, USER):
        assert outcome_of(mfspr(n), mode) == outcome_of(mtspr(n), mode) == (Exit.PROGRAM, ILLEGAL)


def test_undefined_numbers_are_illegal_in_problem_state() -> None:
    assert (
        outcome_of(mfspr(2), USER) == outcome_of(mtspr(268), USER) == outcome_of(mtspr(136), USER) == (Exit.PROGRAM, ILLEGAL)
    )


@pytest.mark.parametrize("n", [18, 256, 787, 795])
def test_word_registers_have_32_bits(n: int) -> None:
    got, _ = both(mtspr(n), {"gpr3": 0x1234_5678_9ABC_DEF0})
    name = {18: "dsisr", 256: "vrsave", 787: "pmc0", 795: "mmcr0"}[n]
    assert got[name] == 0x9ABC_DEF0
    assert both(mfspr(n), {name: 0x9ABC_DEF0})[0]["gpr3"] == 0x9ABC_DEF0


def test_xer() -> None:
    got, _ = both(mtspr(1), {"gpr3": 0xFFFF_FFFF_A000_0085})
    assert (got["so"], got["ov"], got["ca"], got["xer_count"]) == (1, 0, 1, 5)
    assert both(mfspr(1), {"so": 1, "ca": 1, "xer_count": 5})[0]["gpr3"] == 0xA000_0005


def test_decrementer() -> None:
    got, outcome = both(mtspr(22), {"gpr3": 0xFFFF_FFFF_0000_0100, "tb_offset": 50})
    assert (got["dec_expiry"], outcome.exit, outcome.after) == (1000 + 50 + 0x100, Exit.SYNC, True)
    got, _ = both(mtspr(22), {"gpr3": 0xFFFF_FFFF})
    assert got["dec_expiry"] == 1000 - 1
    assert both(mfspr(22), {"dec_expiry": 1000 - 1})[0]["gpr3"] == 0xFFFF_FFFF
    assert both(mfspr(22), {"dec_expiry": 1005})[0]["gpr3"] == 5


def test_time_base() -> None:
    registers = {"tb_offset": 0x7_0000_0000}
    assert both(mfspr(268), registers, USER)[0]["gpr3"] == 0x7_0000_0000 + 1000
    assert both(mfspr(269), registers, USER)[0]["gpr3"] == 7
    assert both(0x7C6C42E6, registers, USER)[0]["gpr3"] == 0x7_0000_0000 + 1000  # mftb r3
    got, _ = both(mtspr(285), {"gpr3": 9, "msr": HV} | registers)
    assert got["tb_offset"] + 1000 == 0x9_0000_0000 + 1000
    got, _ = both(mtspr(284), {"gpr3": 9, "msr": HV} | registers)
    assert got["tb_offset"] + 1000 == 0x7_0000_0009


def test_user_amr_honours_uamor() -> None:
    got, _ = both(mtspr(13), {"amr": 0xF0F0, "uamor": 0x00FF, "gpr3": 0xABCD}, USER)
    assert got["amr"] == 0xF0CD
    assert got.machine.calls == [("translation_changed", 13, 0, 0)]


@pytest.mark.parametrize(("n", "bit"), [(3, 2), (804, 7), (815, 8)])
def test_facilities_of_problem_state(n: int, bit: int) -> None:
    assert outcome_of(mfspr(n), USER) == outcome_of(mtspr(n), USER) == (Exit.FACILITY, 0xF60 | bit << 16)
    assert both(mfspr(n), {"fscr": 1 << bit}, USER)[1].kind == "next"
    assert both(mfspr(n), {})[1].kind == "next"


def test_transactional_registers_need_msr_tm() -> None:
    assert outcome_of(mfspr(128)) == outcome_of(mtspr(130)) == (Exit.FACILITY, 0xF60 | 5 << 16)


def test_trap_mode_exits() -> None:
    word = mtspr(272)
    got, outcome = both(word, {"gpr3": 1}, Mode(trap=True))
    assert (outcome.exit, outcome.payload, got["sprg0"]) == (Exit.PRIVILEGED, word, 0)
    assert both(mtspr(8), {"gpr3": 4}, Mode(trap=True))[0]["lr"] == 4


def test_halves() -> None:
    assert both(mfspr(898), {"ppr": 0x0010_0000_1234_5678})[0]["gpr3"] == 0x0010_0000
    assert both(mtspr(898), {"ppr": 0x1234_5678, "gpr3": 0xFFFF_FFFF_000C_0000})[0]["ppr"] == 0x000C_0000_1234_5678
    assert both(mtspr(801), {"bescr": 1, "gpr3": 0x8000_0000})[0]["bescr"] == 0x8000_0000_0000_0001
    assert both(mtspr(802), {"bescr": 3, "gpr3": 1})[0]["bescr"] == 2
