"""`ppcdbt run`: guests, limits, reports, and what it refuses."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from .tool import BUILT, HELLO, ppcdbt

ENGINES = ("reference", "interpreter", "jit")


@pytest.mark.parametrize("engine", ENGINES)
def test_hello(engine: str) -> None:
    done = ppcdbt("run", "--engine", engine, HELLO)
    assert (done.returncode, done.stdout, done.stderr) == (0, "hello, world (64-bit, big-endian)\n", "")


@pytest.mark.parametrize(("name", "text"), [("hello32", "32-bit, big-endian"), ("hello64le", "64-bit, little-endian")])
def test_other_modes(name: str, text: str) -> None:
    assert text in ppcdbt("run", str(BUILT / f"{name}.elf")).stdout


def test_input_reaches_the_guest() -> None:
    done = ppcdbt("run", str(BUILT / "echo.elf"), input="abc\n")
    assert "abc" in done.stdout and "length 3" in done.stdout


def test_a_program_that_waits_for_ever_is_stopped() -> None:
    done = ppcdbt("run", "--timeout", "1", str(BUILT / "echo.elf"))
    assert done.returncode == 124 and "1 seconds have passed (--timeout)" in done.stderr


@pytest.mark.parametrize("engine", ENGINES)
def test_trace_is_the_same_on_every_engine(engine: str, tmp_path: Path) -> None:
    out = tmp_path / "trace"
    done = ppcdbt("run", "--engine", engine, "--trace", str(out), "--max-instructions", "3", HELLO)
    assert done.returncode == 124
    assert [line.split()[:3] for line in out.read_text().splitlines()] == [
        ["0", "0000000000010000", "3c200100"], ["1", "0000000000010004", "38000000"], ["2", "0000000000010008", "f801ffe1"],
    ]  # fmt: skip


def test_statistics(tmp_path: Path) -> None:
    out = tmp_path / "stats.json"
    done = ppcdbt("run", "--stats", "--stats-json", str(out), HELLO)
    stats = json.loads(out.read_text())
    assert done.returncode == 0 and stats["exits"]["MMIO"] == stats["heavy"]["MMIO"] > 10
    assert "instructions" in done.stderr and "MMIO" in done.stderr


def program(tmp_path: Path, source: str, *options: str) -> str:
    """A flat binary for 0x1000."""
    out = tmp_path / "program.bin"
    done = ppcdbt("asm", "-", "--start", "0x1000", "-o", str(out), *options, input=source)
    assert done.returncode == 0, done.stderr
    return str(out)


def test_flat_program_and_its_status(tmp_path: Path) -> None:
    done = ppcdbt("run", "--flat", "0x1000", program(tmp_path, "lis r4,-4096; clrldi r4,r4,32; li r3,42; stw r3,8(r4)"))
    assert done.returncode == 42


def test_flat_program_32_bit_little(tmp_path: Path) -> None:
    path = program(tmp_path, "lis r4,-4096; li r3,7; stw r3,8(r4)", "--little")
    assert ppcdbt("run", "--flat", "0x1000", "--bits", "32", "--little", path).returncode == 7


@pytest.mark.parametrize("engine", ENGINES)
def test_a_lost_guest_is_reported(engine: str, tmp_path: Path) -> None:
    done = ppcdbt("run", "--engine", engine, "--flat", "0x1000", program(tmp_path, "lis r4,0x7000; lwz r3,4(r4)"))
    assert done.returncode == 70 and done.stderr.startswith("ppcdbt: load from real address 0x70000004")
    assert "Traceback" not in done.stderr
    for text in ("NIP:  0000000000001004", ">             1004:  80640004  lwz r3,4(r4)", "GPR04: 0000000070000000", "exits: "):
        assert text in done.stderr


def elf(kind: int, headers: list[int], machine: int = 21, at: int = 0x1000) -> bytes:
    """A big-endian ELF64 file with program headers of these types."""
    head = b"\x7fELF\x02\x02\x01" + bytes(9) + struct.pack(">HHIQQQIHHHHHH", kind, machine, 1, at, 64, 0, 1, 64, 56, len(headers), 0, 0, 0)
    size = 64 + 56 * len(headers)
    body = b"".join(struct.pack(">IIQQQQQQ", h, 5, 0, at, at, size, size, 4) for h in headers)
    return head + body


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (elf(2, [1, 3]), "(taken for a dynamically linked program (it names an interpreter): --bare if it is none)"),
        (elf(2, [1], at=1 << 30), "past the 64 MiB of RAM: give more --memory"),
        (elf(2, [1], at=0xC << 60), "or is it a kernel? (ppcdbt boot)"),
        (elf(2, [1], machine=62), "not a PowerPC program (ELF machine 62)"),
        (elf(2, [1])[:70], "truncated"),
        (b"#!/bin/sh\n", "not an ELF file"),
        (b"", "the file is empty"),
    ],
)
def test_refuses_what_it_cannot_run(data: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "program"
    path.write_bytes(data)
    done = ppcdbt("run", str(path))
    assert done.returncode == 2 and message in done.stderr
    assert done.stderr.startswith(f"ppcdbt: {path}: ") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--memory", "12 parsecs", HELLO], "'12 parsecs' is no size"),
        (["--memory", "100K", HELLO], "102400 bytes of memory: a multiple of 64 KiB"),
        (["--cpu", "z80", HELLO], "no CPU 'z80': one of power7, power8"),
        (["--engine", "magic", HELLO], "invalid choice: 'magic'"),
        (["--bits", "32", HELLO], "--bits and --little describe a flat file"),
        (["--isa", "no_such_module", HELLO], "--isa no_such_module: no such Python module"),
        (["--hot-threshold", "0", HELLO], "--hot-threshold: from 1"),
        (["--trace", "/no/such/folder/file", HELLO], "/no/such/folder/file: No such file or directory"),
        (["--max-instructions", "some", HELLO], "'some' is no count"),
        (["--timeout=-1", HELLO], "no number of seconds"),
        ([HELLO, "argument"], "takes no arguments"),
        (["/no/such/file"], "/no/such/file: No such file or directory"),
        (["/"], "/: not a regular file"),
    ],
)
def test_bad_options_get_one_clear_line(arguments: list[str], message: str) -> None:
    done = ppcdbt("run", *arguments)
    assert done.returncode == 2 and message in done.stderr.splitlines()[-1], done.stderr
    assert "Traceback" not in done.stderr


def test_debug_shows_the_traceback() -> None:
    assert "Traceback" in ppcdbt("--debug", "run", "/no/such/file").stderr
