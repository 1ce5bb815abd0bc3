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
from .turns import NEVER, QUANTUM

if TYPE_CHECKING:
    from .vcpu import VCPU
    from .vm import VM

LOOK_SECONDS = 0.02  # between looks at limits and at the keyboard
CALLER_SECONDS = 0.25  # `run` returns this often, so that limits and signals are heard


class Parallel:
    """Runs a machine's vCPUs all at once. `handle(vcpu, event)` deals with an event, under `lock`: None, or what ends the run."""

    def __init__(self, vm: VM, handle: Callable[[VCPU, Event], Event | None], look: Callable[[], object] = lambda: None) -> None:
        self.vm, self.handle, self.look = vm, handle, look
        self.lock = threading.RLock()
        self._changed = threading.Condition(self.lock)
        self._ended: Event | BaseException | None = None
        self._stopping = False
        self.vcpu = vm.vcpus[0]
        self._native = vm.engine.function("run_parallel", 1)
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
                vcpu.call("ring_doorbell")
            self._changed.notify_all()

    # -- a vCPU's thread
    def _follow(self, vcpu: VCPU) -> None:
        vcpu.attention = self._stopping
        try:
            while not self._stopping:
                self._go(vcpu)
        except BaseException as e:
            self._end(vcpu, e)

    def _go(self, vcpu: VCPU) -> None:
        """One stretch of native code and what became of it."""
        kind = self._native(vcpu.address, QUANTUM)
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

    def _end(self, vcpu: VCPU, why: Event | BaseException) -> None:
        with self._changed:
            if self._ended is None or isinstance(why, BaseException):
                self._ended, self.vcpu = why, vcpu
            self._stop()


CODE_FULL = Halted()  # all vCPUs have to leave translated code, so that there can be more: told apart by identity
