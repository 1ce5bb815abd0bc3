"""The vCPUs of a machine on a host thread each. Translated code runs without Python's lock; what it shares is made safe below
(runtime/mmu/mail.py, dbt/backend/codecache.py), what Python does with an exit is done under the machine's lock.

Time is the host's, and limits on instructions are only kept to within some milliseconds: runs do not repeat exactly.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from dbt.exits import Exit

from .events import Budget, Event, Halted
from .halts import CEDED
from .turns import NEVER, QUANTUM

if TYPE_CHECKING:
    from .vcpu import VCPU
    from .vm import VM

LOOK_SECONDS = 0.02  # between looks at limits and at the keyboard
CALLER_SECONDS = 0.25  # `run` returns this often, so that limits and signals are heard
TICKS_PER_SECOND = 512_000_000  # runtime/clock.py


class Parallel:
    """Runs a machine's vCPUs all at once. `handle(vcpu, event)` deals with an event, under `lock`: None, or what ends the run."""

    def __init__(self, vm: VM, handle: Callable[[VCPU, Event], Event | None], look: Callable[[], object] = lambda: None) -> None:
        self.vm, self.handle, self.look = vm, handle, look
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._ended: Event | BaseException | None = None
        self._stopping = False
        self.vcpu = vm.vcpus[0]
        vm.woken = self.notify
        self._native = vm.engine.function("run", 0)
        self._time = vm.engine.function("parallel_time", 0)

    @property
    def instructions(self) -> int:
        """Instructions executed so far, by all."""
        return sum(vcpu.icount for vcpu in self.vm.vcpus)

    @property
    def timebase(self) -> int:
        """The time base, which all share."""
        return self._time(self.vm.vcpus[0].address)

    def upcoming(self) -> VCPU:
        """Which one runs next cannot be told."""
        return self.vcpu

    def notify(self) -> None:
        """A vCPU that waits may have a reason to go on."""
        with self._changed:
            self._changed.notify_all()

    def run(self, max_instructions: int | None = None) -> Event:
        """Run until an event ends it, or for a while (Budget): at most about `max_instructions` of all vCPUs together, or
        CALLER_SECONDS. Halted: no vCPU can ever go on."""
        end = NEVER if max_instructions is None else self.instructions + max_instructions
        while True:
            event = self._stretch(end)
            if event is not CODE_FULL:
                return event
            self.vm.vcpus[0].call("drop_all_code")

    def _stretch(self, end: int) -> Event:
        self._ended, self._stopping, looks = None, False, 0
        threads = [threading.Thread(target=self._follow, args=(v,), name=f"ppcdbt-vcpu{v.number}", daemon=True) for v in self.vm.vcpus]
        for thread in threads:
            thread.start()
        try:
            with self._changed:
                while self._ended is None:
                    if self.instructions >= end or looks * LOOK_SECONDS >= CALLER_SECONDS:
                        self._ended = Budget()
                    elif all(v.stopped for v in self.vm.vcpus):
                        self._ended = Halted()
                    else:
                        self.look()
                        self._changed.wait(LOOK_SECONDS)
                        looks += 1
        finally:
            self._stop()
            for thread in threads:
                thread.join()
        if isinstance(self._ended, BaseException):
            raise self._ended
        assert self._ended is not None
        return self._ended

    def _stop(self) -> None:
        with self._changed:
            self._stopping = True
            for vcpu in self.vm.vcpus:
                vcpu.attention = 1
            self._changed.notify_all()

    # -- a vCPU's thread
    def _follow(self, vcpu: VCPU) -> None:
        vcpu.attention = self._stopping
        try:
            while not self._stopping:
                if vcpu.halted:
                    self._wait(vcpu)
                else:
                    self._go(vcpu)
        except BaseException as e:
            self._end(vcpu, e)

    def _go(self, vcpu: VCPU) -> None:
        """One stretch of native code and what became of it."""
        vcpu.budget_end = vcpu.icount + QUANTUM
        kind = self._native(vcpu.address)
        with self.lock:
            if self.vm.compiler is not None:
                self.vm.compiler.install(vcpu.address)
            if not kind:
                return
            if kind == Exit.CODE_FULL:
                self._end(vcpu, CODE_FULL)
                return
            event = vcpu.left(Exit(kind))
            if event is not None and (ends := self.handle(vcpu, event)) is not None:
                self._end(vcpu, ends)

    def _wait(self, vcpu: VCPU) -> None:
        """Until the vCPU may go on, or all are to stop."""
        with self._changed:
            while vcpu.halted and not self._stopping:
                due = CALLER_SECONDS
                if vcpu.halted == CEDED:
                    ticks = (vcpu.dec_expiry - self.timebase) & (1 << 64) - 1
                    if ticks >> 63 or not ticks or vcpu.external or vcpu.pending:
                        vcpu.halted = 0
                        return
                    due = min(due, ticks / TICKS_PER_SECOND)
                self._changed.wait(due)

    def _end(self, vcpu: VCPU, why: Event | BaseException) -> None:
        with self._changed:
            if self._ended is None or isinstance(why, BaseException):
                self._ended, self.vcpu = why, vcpu
            self._stop()


CODE_FULL = Halted()  # all vCPUs have to leave translated code, so that there can be more: told apart by identity
