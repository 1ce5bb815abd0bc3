"""The terminal: raw while a guest has it, restored however the command ends; escapes; Ctrl-C."""

from __future__ import annotations

import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Iterator

import pytest

from runtime.console import Leave, NullConsole, ScriptedConsole, TerminalConsole

from ..limits import PATIENCE
from .tool import BUILT, ROOT

CTRL_A = b"\x01"


class Session:
    """A command on a terminal of its own."""

    def __init__(self, *arguments: str) -> None:
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.output = b""
        self.process = subprocess.Popen([sys.executable, *arguments], stdin=self.slave, stdout=self.slave, stderr=self.slave,
                                        cwd=ROOT, start_new_session=True, preexec_fn=self._controlling)  # fmt: skip

    @staticmethod
    def _controlling() -> None:
        import fcntl
        import signal

        signal.signal(signal.SIGINT, signal.SIG_DFL)  # a test run in the background was started with it ignored
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def until(self, text: bytes, seconds: float = PATIENCE) -> None:
        end = time.monotonic() + seconds
        while text not in self.output:
            assert time.monotonic() < end, self.output
            if select.select([self.master], [], [], 0.1)[0]:
                self.output += os.read(self.master, 4096)

    def type(self, data: bytes) -> None:
        os.write(self.master, data)

    def end(self) -> int:
        """Its exit status; the terminal must be as it was."""
        status = self.process.wait(PATIENCE)
        assert termios.tcgetattr(self.slave) == self.before
        return status

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def session() -> Iterator[type[Session]]:
    made: list[Session] = []

    class Noted(Session):
        def __init__(self, *arguments: str) -> None:
            super().__init__(*arguments)
            made.append(self)

    yield Noted
    for s in made:
        s.close()


# A guest that never ends, on the raw console as `boot` uses it.
RAW = """
import sys
from runtime.console import Leave, TerminalConsole
from runtime.cli import main
import runtime.cli.run as run
def raw(options):
    from runtime.machines.bare import BareMachine
    from runtime.cli.session import drive
    console = TerminalConsole(commands={"s": lambda: "numbers"})
    m = BareMachine(console, memory=16 << 20, engine="interpreter")
    m.load(run.load(options))
    try:
        with console:
            if sys.argv[2:] == ["fail"]:
                raise RuntimeError("oops")
            drive(m, options, poll=console.waiting)
    except Leave:
        return 0
run.run = raw
sys.exit(main(["run", "--memory", "16M", sys.argv[1]]))
"""


def test_escapes_and_restoring(session: type[Session]) -> None:
    s = session("-c", RAW, str(BUILT / "echo.elf"))
    s.until(b"say something")
    assert not termios.tcgetattr(s.slave)[3] & (termios.ECHO | termios.ICANON | termios.ISIG)
    s.type(b"ab\x03")  # Ctrl-C belongs to the guest
    s.until(b"ab\x03")
    s.type(CTRL_A + b"h")
    s.until(b"this help")
    s.type(CTRL_A + b"s")
    s.until(b"numbers")
    s.type(CTRL_A + b"x")
    assert s.end() == 0


def test_restored_after_an_error(session: type[Session]) -> None:
    s = session("-c", RAW, str(BUILT / "echo.elf"), "fail")
    s.until(b"internal error: RuntimeError: oops")
    assert s.end() == 70


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_restored_after_a_signal(number: int, session: type[Session]) -> None:
    s = session("-c", RAW, str(BUILT / "echo.elf"))
    s.until(b"say something")
    s.process.send_signal(number)
    assert s.end() == 128 + number


@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
def test_interrupt_is_clean(engine: str, session: type[Session]) -> None:
    s = session("-m", "runtime.cli", "run", "--engine", engine, str(BUILT / "echo.elf"))
    s.until(b"say something")
    s.type(b"\x03")
    assert s.end() == 130
    s.until(b"interrupted")
    assert b"Traceback" not in s.output


def test_scripted_console_finds_text_across_writes() -> None:
    heard: list[bytes] = []
    console = ScriptedConsole("BOOT-OK", b"typed", heard.append)
    for part in (b"BOO", b"T-", b"OK"):
        assert not console.found
        console.write(part)
    assert console.found and console.text == "BOOT-OK" and heard == [b"BOO", b"T-", b"OK"]
    assert console.waiting() and console.read(3) == b"typ" and console.read(9) == b"ed" and not console.waiting()


def test_null_console() -> None:
    console = NullConsole()
    console.write(b"x")
    assert console.read(1) == b"" and not console.waiting()


def test_pipes_have_no_escapes() -> None:
    r, w = os.pipe()
    try:
        console = TerminalConsole(stdin=r)
        os.write(w, CTRL_A + b"x")
        assert console.waiting() and console.read(9) == CTRL_A + b"x"
        os.close(w)
        w = -1
        assert not console.waiting() and console.read(1) == b""
    finally:
        os.close(r)
        if w >= 0:
            os.close(w)


def test_a_terminal_that_hangs_up_ends_the_session() -> None:
    master, slave = pty.openpty()
    console = TerminalConsole(stdin=slave)
    os.close(master)
    with pytest.raises(Leave):
        console.read(1)
    os.close(slave)
