"""disasm, asm, explain, explain-address, isa, cache, doctor, and the command itself."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from runtime.cli import COMMANDS

from .tool import HELLO, ROOT, ppcdbt


def test_every_command_has_help() -> None:
    top = ppcdbt("--help")
    assert top.returncode == 0
    for name in COMMANDS:
        assert name in top.stdout
        done = ppcdbt(name, "--help")
        assert done.returncode == 0 and f"usage: ppcdbt {name}" in done.stdout


def test_no_command_and_wrong_command() -> None:
    assert ppcdbt().returncode == 2
    done = ppcdbt("biot")
    assert done.returncode == 2 and "invalid choice: 'biot'" in done.stderr


def test_version() -> None:
    assert ppcdbt("--version").stdout.startswith("ppcdbt ")


def test_disassemble_words() -> None:
    done = ppcdbt("disasm", "--word", "38600001", "0x7c0802a6", "0")
    assert [line.split("  ")[-1] for line in done.stdout.splitlines()] == ["li r3,1", "mflr r0", ".long 0x0"]


def test_disassemble_a_file() -> None:
    done = ppcdbt("disasm", HELLO, "--start", "0x10004", "--count", "2")
    assert done.stdout == "   10004:  38000000  li r0,0\n   10008:  f801ffe1  stdu r0,-32(r1)\n"
    assert "<_start>:" in ppcdbt("disasm", HELLO, "--count", "1").stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [([], "give a FILE or --word W"), (["--word", "xyz"], "no hexadecimal number"), (["--word", "123456789"], "more than 32 bits"),
     ([HELLO, "--start", "4"], "0x4 is in no executable segment")],
)  # fmt: skip
def test_disasm_errors(arguments: list[str], message: str) -> None:
    done = ppcdbt("disasm", *arguments)
    assert done.returncode == 2 and message in done.stderr


def test_output_that_is_not_read_to_the_end() -> None:
    command = f"{sys.executable} -m runtime.cli disasm {HELLO} | head -1"
    done = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""


def test_assemble(tmp_path: Path) -> None:
    source = tmp_path / "a.s"
    source.write_text("start: addi r3,r4,1\n b start\n")
    assert ppcdbt("asm", str(source)).stdout == "start:\n       0:  38640001  addi r3,r4,1\n       4:  4bfffffc  b 0x0\n"
    assert ppcdbt("asm", "-", "--words", input="blr").stdout == "4e800020\n"
    ppcdbt("asm", str(source), "--little", "-o", str(tmp_path / "a.bin"))
    assert (tmp_path / "a.bin").read_bytes() == bytes.fromhex("01006438fcffff4b")


def test_assembly_errors_name_file_and_line(tmp_path: Path) -> None:
    done = ppcdbt("asm", "-", input="blr\naddy r3,r4,1\n")
    assert done.returncode == 2 and "-: " in done.stderr and "line 2" in done.stderr and "perhaps" in done.stderr


def test_explain() -> None:
    done = ppcdbt("explain", "7c642a15")
    for text in ("add. r3,r4,r5", "RT=3  RA=4  RB=5  OE=0  Rc=1", "nothing folded", "putx gpr[", "define preserve_nonecc", "region:"):
        assert text in done.stdout, text


def test_explain_by_mnemonic_mode_and_stage() -> None:
    done = ppcdbt("explain", "lwz r3,8(r4)", "--mode", "64le", "--stage", "ir")
    assert "load.le" in done.stdout and "define" not in done.stdout
    assert "addo. r3,r4,r5" in ppcdbt("explain", "addo.", "--stage", "fields").stdout
    assert "q[3] = v0" in ppcdbt("explain", "mfspr r3,26", "--stage", "python").stdout
    assert "return 10, " in ppcdbt("explain", "rfid").stdout
    assert "no declaration matches" in ppcdbt("explain", "00000000").stdout


@pytest.mark.parametrize("what", ["addq", "li", "addi r3"])
def test_explain_errors(what: str) -> None:
    done = ppcdbt("explain", what)
    assert done.returncode == 2 and what.split()[0] in done.stderr and "Traceback" not in done.stderr


def test_explain_address() -> None:
    done = ppcdbt("explain-address", "10000", "--program", HELLO, "--max-instructions", "50")
    assert done.returncode == 0 and "RA 10000" in done.stdout


def test_isa() -> None:
    lines = ppcdbt("isa").stdout.splitlines()
    assert any("declarations" in line for line in lines) and "mnemonics of GNU objdump" in lines[-1]
    assert "   90 of   90  Decimal floating point" in lines
    assert "lwarx RT,RA,RB,EH" in ppcdbt("isa", "l?arx").stdout
    assert ppcdbt("isa", "nothing").returncode == 1


def test_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PPCDBT_CACHE", str(tmp_path))
    (tmp_path / "handlers").mkdir()
    (tmp_path / "handlers" / "key").write_bytes(bytes(1000))
    (tmp_path / "guests").mkdir()
    (tmp_path / "guests" / "precious").write_bytes(b"x")
    assert str(tmp_path) in ppcdbt("cache", "info").stdout
    assert ppcdbt("cache", "clear").stdout == "removed 1 files, 0.0 MB\n"
    assert not (tmp_path / "handlers" / "key").exists() and (tmp_path / "guests" / "precious").exists()


def test_doctor() -> None:
    done = ppcdbt("doctor")
    assert done.returncode == 0 and "self-test, jit" in done.stdout, done.stdout
    assert os.environ.get("PPCDBT_CACHE", "") in done.stdout
