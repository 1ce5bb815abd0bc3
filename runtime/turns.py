"""The vCPUs of a machine on one host thread: who runs, for how long, and why it stopped. runtime/scheduler.py is the compiled part."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from dbt.exits import Exit

from .events import Budget, Event, Halted
from .registers import cell

if TYPE_CHECKING:
    from .vcpu import VCPU
    from .vm import VM

TURN = 10_000  # instructions: long enough that changing over costs nothing, short enough that waiting for a lock costs little
NEVER = (1 << 63) - 1
PRIVILEGED = int(Exit.PRIVILEGED)
QUANTUM = 1 << 20  # instructions between looks at what the background compiler has finished


class Turns:
    """Runs a machine's vCPUs in turn. Deterministic: the same guest takes the same turns."""

    def __init__(self, vm: VM) -> None:
        self.vm = vm
        self._cpu, self._left, self._run_left = (vm.record.cell(name) for name in ("turn_cpu", "turn_left", "run_left"))
        self._counts = [cell(vcpu.address, "icount") for vcpu in vm.vcpus]
        vm.set_record(turn_length=TURN if len(vm.vcpus) > 1 else NEVER)
        native = partial(vm.engine.function("run_turns", 0), vm.vcpus[0].address)
        self._run: Callable[[], int] = self._reference if vm.engine_kind == "reference" else native

    @property
    def vcpu(self) -> VCPU:
        """The one whose turn it is: after `run`, the one whose event it was."""
        return self.vm.vcpus[self._cpu.value]

    @property
    def instructions(self) -> int:
        """Instructions executed so far, by all."""
        return sum(count.value for count in self._counts)

    @property
    def timebase(self) -> int:
        """The time base, which all share."""
        return self.vcpu.timebase

    def upcoming(self) -> VCPU:
        """The one that runs next."""
        vcpu = self.vcpu
        if (not self._left.value or vcpu.halted) and vcpu.call("next_turn"):
            return self.vcpu
        return vcpu

    def run(self, max_instructions: int | None = None) -> Event:
        """Run until something needs the caller, or for `max_instructions` of all vCPUs together; exact to the instruction.

        Halted: every vCPU waits (or is stopped)."""
        left = NEVER if max_instructions is None else max_instructions
        compiler, vcpus, current = self.vm.compiler, self.vm.vcpus, self._cpu
        while True:
            part = left if compiler is None else min(left, QUANTUM)
            self._run_left.value = part
            kind = self._run()
            while kind == PRIVILEGED:  # by far the most frequent heavy exit of a machine where these trap
                ran = vcpus[current.value].emulate()  # what was emulated counts too
                self._run_left.value -= min(ran, self._run_left.value)
                self._left.value -= min(ran, self._left.value)
                if not self._run_left.value:
                    break
                kind = self._run()
            left -= part - self._run_left.value
            vcpu = self.vcpu
            if compiler is not None:
                compiler.install(vcpu.address)
            if kind == PRIVILEGED:
                if left <= 0:
                    return Budget()
                continue
            if kind == 0:
                self.vm.returns += 1
                if left <= 0 or vcpu.attention:
                    return Budget()
                continue
            if kind == Exit.HALT and vcpu.halted:
                return Halted()
            event = vcpu.left(Exit(kind))
            if event is not None:
                return event

    def _reference(self) -> int:
        """run_turns, for the engine that is plain Python."""
        while True:
            vcpu = self.upcoming()
            if vcpu.halted:
                return Exit.HALT
            start = vcpu.icount
            vcpu.budget_end = start + min(self._left.value, self._run_left.value)
            kind = self.vm.execute(vcpu)
            ran = vcpu.icount - start
            self._left.value -= ran
            self._run_left.value -= ran
            if vcpu.yielded:
                self._left.value = 0
            if kind or not self._run_left.value or vcpu.attention:
                return kind
