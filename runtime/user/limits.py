"""Limits and traces of Linux programs: --timeout, --max-instructions, --trace."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING, Any

from runtime.events import Budget, Event

from .errno import SyscallError

if TYPE_CHECKING:
    from .process import Process

LATE = 124  # exit status, as of timeout(1)
TRACED = 20_000  # instructions between looks at other things


class Limits:
    """Of one process; its children have what is left of them. A limit that is reached ends the process with status 124. Instructions are
    those of all threads; when threads run at once, that limit is kept to within one turn of each."""

    def __init__(self, process: Process, timeout: float | None, instructions: int | None, trace: str | None) -> None:
        self._p, self._timeout, self._instructions = process, timeout, instructions
        self._deadline = None if timeout is None else time.monotonic() + timeout
        self._out: Any = None
        if trace is not None:
            self._out = os.fdopen(os.dup(2), "w") if trace == "-" else open(trace, "w")  # noqa: SIM115
        if process.options.engine == "reference" and self._out is not None:
            process.vm.trace = self._line

    def start(self) -> None:
        """At the start of a process: a thread that waits for the deadline, whatever the program waits for."""
        if self._deadline is None:
            return
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        threading.Thread(target=self._watch, name="ppcdbt-timeout", daemon=True).start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def _watch(self) -> None:
        assert self._deadline is not None
        while (left := self._deadline - time.monotonic()) > 0:
            time.sleep(left)
        self._end(f"{self._timeout:g} seconds have passed (--timeout)")

    def _end(self, why: str) -> None:
        os.write(2, f"\nppcdbt: {why}; pc {self._p.vcpu.nia:#x}\n".encode())
        self.flush()
        self._p.finish(LATE)

    def flush(self) -> None:
        """Before the process ends or forks: what was traced is written."""
        if self._out is not None:
            self._out.flush()

    def run(self, most: int) -> Event:
        """Run the vCPU for up to `most` instructions."""
        vcpu = self._p.vcpu
        if self._instructions is not None:
            most = min(most, self._instructions - sum(v.icount for v in self._p.vm.vcpus))
            if most <= 0:
                self._end(f"{self._instructions} instructions have run (--max-instructions)")
        if self._out is None:
            return vcpu.run(most)  # type: ignore[no-any-return]
        if self._p.options.engine == "reference":
            return vcpu.run(min(most, TRACED))  # type: ignore[no-any-return]
        for _ in range(min(most, TRACED)):
            try:
                self._line(vcpu, int.from_bytes(self._p.space.read(vcpu.nia, 4), self._p.abi.order))
            except SyscallError:
                self._out.write(f"{vcpu.icount:12} {vcpu.nia:016x} -------- (no code here)\n")
            event: Event = vcpu.run(1)
            if not isinstance(event, Budget) or vcpu.attention:
                return event
        return Budget()

    def _line(self, vcpu: Any, word: int) -> None:
        from runtime.report import disassembly

        self._out.write(f"{vcpu.icount:12} {vcpu.nia:016x} {word:08x} {disassembly(word, vcpu.nia)}\n")
