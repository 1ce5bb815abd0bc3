"""What a guest's console is connected to: a terminal, a test that waits for a text, or nothing.

A console has `write(bytes)`, `read(limit) -> bytes` and `waiting() -> bool`; none of them waits. `wait(seconds) -> bool`, where
there is one, sleeps until there is input.

    with TerminalConsole() as console:  # raw mode if standard input is a terminal; restored whatever happens
        machine.run()
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
from collections.abc import Callable, Mapping
from types import FrameType, TracebackType
from typing import Any

ESCAPE = 0x01  # Ctrl-A, as in QEMU and screen
HELP = """
Ctrl-A h  this help
Ctrl-A x  leave
Ctrl-A s  statistics
Ctrl-A Ctrl-A  send Ctrl-A
"""


class Leave(Exception):
    """The user typed Ctrl-A x. Raised by `read` and `waiting`, through whatever runs."""


class NullConsole:
    """Output vanishes, there is no input."""

    def write(self, data: bytes, /) -> None:
        """Forget it."""

    def read(self, limit: int, /) -> bytes:
        """Nothing was typed."""
        return b""

    def waiting(self) -> bool:
        """Nothing will be."""
        return False


class Collector(NullConsole):
    """A terminal that keeps what is written to it: the second one of a partition, which a script reports its exit status to."""

    def __init__(self) -> None:
        self.output = bytearray()

    def write(self, data: bytes, /) -> None:
        """Keep it."""
        self.output += data

    @property
    def status(self) -> int | None:
        """The number that was written last, or None."""
        words = self.output.split()
        return int(words[-1]) if words and words[-1].isdigit() else None


class OutputConsole(NullConsole):
    """Output goes to a file descriptor, there is no input."""

    def __init__(self, stdout: int = 1) -> None:
        self._out = stdout

    def write(self, data: bytes, /) -> None:
        """At once."""
        write_all(self._out, data)


class ScriptedConsole:
    """Collects output and looks for a text in it; `input` is what the guest will read.

    `echo` gets the output as it comes. `found`: whether `expect` has appeared."""

    def __init__(self, expect: str | bytes = b"", input: bytes = b"", echo: Callable[[bytes], object] | None = None) -> None:
        self.expect = expect.encode() if isinstance(expect, str) else expect
        self.output = bytearray()
        self.found = False
        self._input, self._echo = input, echo

    def write(self, data: bytes, /) -> None:
        """Collect output."""
        start = max(0, len(self.output) - len(self.expect))
        self.output += data
        if self._echo is not None:
            self._echo(data)
        if self.expect and not self.found:
            self.found = self.output.find(self.expect, start) >= 0

    def read(self, limit: int, /) -> bytes:
        """The next bytes of the input."""
        out, self._input = self._input[:limit], self._input[limit:]
        return out

    def waiting(self) -> bool:
        """Whether there is input left."""
        return bool(self._input)

    @property
    def text(self) -> str:
        """The output so far."""
        return self.output.decode("utf-8", "replace")


class TerminalConsole:
    """This process's terminal (or pipes). On a terminal every key goes to the guest, but for the escapes (HELP).

    `commands`: what further letters after Ctrl-A do."""

    def __init__(self, stdin: int = 0, stdout: int = 1, commands: Mapping[str, Callable[[], str]] | None = None) -> None:
        self._in, self._out = stdin, stdout
        self._terminal = False
        self._commands: dict[str, Callable[[], str]] = {"h": lambda: HELP, **(commands or {})}
        self._typed = bytearray()
        self._escaped = self._ended = False
        self._before: Any = None
        self._handlers: dict[int, Any] = {}
        try:
            self._terminal = os.isatty(stdin)
        except OSError:
            self._ended = True

    # -- raw mode, from `with` to the end of it
    def __enter__(self) -> TerminalConsole:
        if self._terminal:
            import termios

            self._before = termios.tcgetattr(self._in)
            for number in (signal.SIGTERM, signal.SIGHUP):
                self._handlers[number] = signal.signal(number, _terminate)
            self._handlers[signal.SIGCONT] = signal.signal(signal.SIGCONT, lambda *_: self._raw())
            self._raw()
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        if self._before is not None:
            import termios

            with contextlib.suppress(termios.error):
                termios.tcsetattr(self._in, termios.TCSADRAIN, self._before)
            self._before = None
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._handlers.clear()

    def _raw(self) -> None:
        """Every key and every byte as it is; the guest ends its lines with CR LF itself."""
        import termios
        import tty

        with contextlib.suppress(termios.error):
            tty.setraw(self._in, termios.TCSADRAIN)

    # -- the guest's side
    def write(self, data: bytes, /) -> None:
        """To the terminal, at once."""
        write_all(self._out, data)

    def read(self, limit: int, /) -> bytes:
        """What was typed and not read yet."""
        self._poll()
        out = bytes(self._typed[:limit])
        del self._typed[:limit]
        return out

    def waiting(self) -> bool:
        """Whether something was typed. Carries out escapes: call it now and then."""
        self._poll()
        return bool(self._typed)

    def wait(self, seconds: float) -> bool:
        """Sleep until something is typed, at most so long; whether something was."""
        if not self.waiting():
            select.select([] if self._ended else [self._in], [], [], seconds)
        return self.waiting()

    def _poll(self) -> None:
        while not self._ended and len(self._typed) < 4096:
            try:
                if not select.select([self._in], [], [], 0)[0]:
                    return
                data = os.read(self._in, 1024)
            except BlockingIOError:
                return
            except (OSError, ValueError):
                data = b""
            if not data:
                self._ended = True
                if self._terminal:  # it hung up
                    raise Leave
                return
            self._type(data)

    def _type(self, data: bytes) -> None:
        if not self._terminal:
            self._typed += data
            return
        for byte in data:
            if self._escaped:
                self._escaped = False
                self._command(byte)
            elif byte == ESCAPE:
                self._escaped = True
            else:
                self._typed.append(byte)

    def _command(self, byte: int) -> None:
        key = chr(byte).lower()
        if key == "x":
            raise Leave
        if byte in (ESCAPE, ord("a")):
            self._typed.append(ESCAPE)
        elif key in self._commands:
            self.write(f"\n{self._commands[key]().strip()}\n".replace("\n", "\r\n").encode())


def write_all(descriptor: int, data: bytes) -> None:
    """All of it, however little the other side takes at a time."""
    view = memoryview(data)
    while view:
        try:
            view = view[os.write(descriptor, view) :]
        except BlockingIOError:
            select.select([], [descriptor], [])


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
