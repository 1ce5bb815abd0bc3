"""Threads of Linux programs, in turns and at once (`--parallel`).

What the programs print is QEMU's or, where QEMU 7.2 is not able to (it knows no robust mutexes, and hangs when a thread executes a program), worked
out by hand: `programs/*.out`.
"""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bench.programs import QEMU, run_program
from guests.programs import THREADED

from ..limits import PATIENCE
from .rootfs import debian
from .test_programs import ABIS, HERE, build, ours  # noqa: F401

MODES = {"turns": (), "parallel": ("--parallel",)}
NAMES = {"blocked": (), "atomics": ("500",), "storm": ("40", "10"), "remap": ("20",), "litmus": ("2500",)}
WIDE = {"blocked": (), "atomics": ("20000",), "storm": ("10000", "100"), "remap": ("2000",), "litmus": ("100000",)}


def as_under_qemu(program: Path, abi: str, mode: str, arguments: tuple[str, ...], *options: str) -> None:
    """Output and status are QEMU's."""
    qemu = ABIS[abi][1]
    if not shutil.which(qemu):
        pytest.skip(f"{qemu} is not installed")
    cpu = ("-cpu", "power9") if abi != "ppc" else ("-cpu", "7457")
    expected = subprocess.run([qemu, *cpu, program, *arguments], capture_output=True, timeout=PATIENCE)
    done = ours(program, *arguments, options=(*MODES[mode], *options))
    assert (done.stdout.decode(), done.returncode) == (expected.stdout.decode(), expected.returncode), done.stderr.decode()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "abi"), [*((name, "ppc64le") for name in NAMES), ("blocked", "ppc"), ("remap", "ppc64")])
def test_threads(build, name: str, abi: str, mode: str) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    as_under_qemu(build(name, abi), abi, mode, NAMES[name])


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("abi", ABIS)
@pytest.mark.parametrize("name", NAMES)
def test_many(build, name: str, abi: str, mode: str) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    as_under_qemu(build(name, abi), abi, mode, WIDE[name])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("abi", ["ppc64le", "ppc"])
def test_signals(build, abi: str, mode: str) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """The last thread ends the process."""
    done = ours(build("kills", abi), options=MODES[mode])
    assert (done.stdout.decode(), done.returncode) == ((HERE / "programs" / "kills.out").read_text(), 3), done.stderr.decode()


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("first", ["goes on", "x has ended"])
def test_a_thread_executes_a_program(build, first: str, mode: str) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """All others end, the new program runs in the first thread, with the signal mask of the one that executed it."""
    done = ours(build("kills", "ppc64le"), first, options=MODES[mode])
    assert (done.stdout, done.returncode) == (b"executed 1 1\n", 4), done.stderr.decode()


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
def test_signals_again_and_again(build, mode: str) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    for abi in ABIS:
        for _ in range(5):
            test_signals(build, abi, mode)


@pytest.mark.parametrize("mode", MODES)
def test_cancellation(build, mode: str) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """A dynamic program: the library that unwinds is loaded when a thread is cancelled."""
    root = ABIS["ppc64le"][2]
    done = ours(build("kills", "ppc64le", "-DCANCEL"), options=(*MODES[mode], "-L", root))
    assert b"cancelled 1 cleaned 1\n" in done.stdout and done.returncode == 3, done.stderr.decode()


def test_turns_repeat(build, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """The same program takes the same turns, on every engine: it executes as many instructions."""
    counts = set()
    for engine in ("interpreter", "jit", "jit"):
        out = tmp_path / "stats.json"
        done = ours(build("atomics", "ppc64le"), "100", options=("--engine", engine, "--seed", "1", "--stats-json", str(out)))
        assert done.returncode == 0
        counts.add(json.loads(out.read_text())["instructions"])
    assert len(counts) == 1


def test_limits(build, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]  # noqa: F811
    """Of all threads together. Whoever reaches the limit, the process ends; a trace follows one thread at a time."""
    program = build("wait", "ppc64le", "-DTHREADS", "-static")
    for options in (("--max-instructions", "200M"), ("--timeout", "2"), ("--max-instructions", "200M", "--parallel"), ("--timeout", "2", "--parallel")):
        done = ours(program, options=options)
        assert done.returncode == 124, done.stderr.decode()
    done = ours(program, options=("--parallel", "--trace", str(tmp_path / "trace")))
    assert done.returncode == 2 and b"--parallel: not with --trace" in done.stderr
    done = ours(program, options=("--parallel", "--engine", "reference"))
    assert done.returncode == 2 and b"--parallel: not with" in done.stderr


@pytest.mark.parametrize("mode", MODES)
def test_a_program_of_debian(mode: str) -> None:
    debian_program("xz -T2", mode)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", [p.name for p in THREADED])
def test_programs_of_debian(name: str, mode: str) -> None:
    debian_program(name, mode)


def debian_program(name: str, mode: str) -> None:
    """Output and status are QEMU's."""
    if not shutil.which(QEMU):
        pytest.skip(f"{QEMU} is not installed")
    program, root = next(p for p in THREADED if p.name == name), debian()
    expected, done = run_program(program, QEMU, root), run_program(program, "jit", root, options=MODES[mode])
    assert done.status == expected.status, done.errors.decode(errors="replace")
    if program.output:
        assert done.output == expected.output
