"""`ppcdbt boot debian` as people use it: a shell and its keys, scripts, the ends and their statuses, and a guest that has nothing to do."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from guests import debian
from guests.fetch import FetchError

from .test_terminal import CTRL_A, Session
from .tool import ppcdbt

pytestmark = pytest.mark.slow
PROMPT = b"/root # "
IDLE = 5  # seconds
ENDS = {"exit 5": 5, "false": 1, "poweroff -f": 0, "reboot -f": 75, "echo c >/proc/sysrq-trigger": 71}


@pytest.fixture(scope="module", autouse=True)
def guest() -> None:
    """Skips where it cannot be downloaded."""
    try:
        debian.fetch()
    except FetchError as e:
        pytest.skip(str(e))


@contextmanager
def shell(*options: str) -> Iterator[Session]:
    """At its first prompt."""
    session = Session("-m", "runtime.cli", "boot", "debian", "--append", "quiet", *options)
    try:
        session.until(PROMPT)
        yield session
    finally:
        session.close()


def test_line_editing_and_interrupts() -> None:
    """Keys of the line editor work, Ctrl-C reaches what runs in the guest, and the shell's status is ours."""
    with shell() as session:
        session.type(b"echo la\x7fine\r")  # backspace
        session.until(b"\r\nline\r\n" + PROMPT)
        session.type(b"nonsense\x15echo nothing\x1b[D\x1b[D\x05\x17b\x1b[Da\r")  # Ctrl-U, left twice, Ctrl-E, Ctrl-W, left
        session.until(b"\r\nab\r\n" + PROMPT)
        session.type(b"echo $((6*7))\r")
        session.until(b"\r\n42\r\n" + PROMPT)
        session.output = b""
        session.type(b"\x1b[A\r")  # up
        session.until(b"\r\n42\r\n" + PROMPT)
        session.type(b"echo st''arted; sleep 1000\r")
        session.until(b"\r\nstarted\r\n")  # the shell has given the terminal back its meaning of Ctrl-C
        session.type(b"\x03")
        session.until(b"^C\r\n" + PROMPT)
        session.type(b"exit 5\r")
        assert session.end() == 5


def test_statistics_and_leaving() -> None:
    """Ctrl-A s while the guest goes on, Ctrl-A x."""
    with shell() as session:
        counts = []
        for n in (1, 2):
            session.output = b""
            session.type(CTRL_A + b"s")
            session.until(b"kvm:")
            session.type(f"echo after''wards {n}\r".encode())
            session.until(f"\r\nafterwards {n}\r\n".encode())
            said = session.output.decode(errors="replace")
            counts.append(int(re.findall(r"^instructions +([\d,]+)", said, re.MULTILINE)[0].replace(",", "")))
            assert "exits:" in said and "HYPERCALL" in said and "interrupts:" in said
        assert 500_000_000 < counts[0] < counts[1]
        session.type(CTRL_A + b"x")
        assert session.end() == 0


@pytest.mark.parametrize(("typed", "status"), [("reboot -f", 75), ("poweroff -f", 0)])
def test_ends_of_a_shell(typed: str, status: int) -> None:
    with shell("--cpu", "power9") as session:
        session.type(typed.encode() + b"\r")
        assert session.end() == status


@pytest.mark.parametrize("script", ENDS)
def test_ends_of_scripts(tmp_path: Path, script: str) -> None:
    """Its own status, a power-off, a restart and a panic can be told apart."""
    path = tmp_path / "script"
    path.write_text(f"echo $((6*7))\n{script}\n")
    done = ppcdbt("boot", "debian", "--script", str(path))
    assert done.returncode == ENDS[script], done.stderr
    assert "42" in done.stdout.replace("\r", "").splitlines()


@pytest.mark.parametrize("limit", [("--max-instructions", "800M"), ("--timeout", "8")])
def test_limits_of_scripts(tmp_path: Path, limit: tuple[str, str]) -> None:
    path = tmp_path / "script"
    path.write_text("while :; do :; done\n")
    done = ppcdbt("boot", "debian", "--script", str(path), *limit)
    assert done.returncode == 124 and limit[0] in done.stderr, done.stderr


@pytest.mark.parametrize("options", ["--smp 1", "--smp 4", "--smp 4 --parallel", "--cpu power9 --smp 4"])
def test_who_waits_uses_no_processor(options: str) -> None:
    """At the prompt, and asleep: of the host's processor time it takes a tenth at most (with other programs beside it: not more than that)."""
    with shell("--engine", "interpreter", *options.split()) as session:
        session.type(b"echo be''gun; sleep 1; echo wai''ting\r")
        session.until(b"\r\nwaiting\r\n")
        before = used(session.process.pid)
        session.type(f"sleep {IDLE}; echo up ag''ain\r".encode())
        session.until(b"\r\nup again\r\n")
        assert used(session.process.pid) - before < IDLE / 10
        session.type(b"exit 0\r")
        assert session.end() == 0


def used(pid: int) -> float:
    """Seconds of processor time, user and system, of a process with all its threads (proc(5))."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
