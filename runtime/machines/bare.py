"""The bare machine: RAM, a console and an exit port. For flat programs, tests and examples.

Real addresses: RAM from 0. 0xF0000000: a byte stored goes to the console. 0xF0000004: a word loaded is the next byte of
input, or 0xffffffff if there is none. 0xF0000008: a word stored switches the machine off with that exit status.

Several CPUs: the first starts at the program's entry, the others wait. 0xF0000010: a doubleword stored (or, at 0xF0000014, a word) is the
address where CPUs start. 0xF000000C: a word n stored starts CPU n there, if it is stopped, in the byte order and width of the program, with
n in r3 and the starting CPU's r1 and r2 as they are. 0xF0000018: a word stored stops the CPU that stores it. PIR is a CPU's number.
"""

from __future__ import annotations

from typing import Any

from ..events import Budget, Event, Hypercall, Mmio, NotEmulated, Shutdown
from ..loader.elf import Image
from ..parallel import Parallel
from ..vcpu import MSR_LE, MSR_ME, MSR_SF, VCPU
from ..vm import VM
from .machine import Machine

CONSOLE_OUT, CONSOLE_IN, EXIT_PORT = 0xF000_0000, 0xF000_0004, 0xF000_0008
START_CPU, START_ADDRESS, STOP_CPU = 0xF000_000C, 0xF000_0010, 0xF000_0018


class BareMachine(Machine):
    """A machine around one or more vCPUs. `console` has write(bytes) and read(limit) -> bytes."""

    def __init__(self, console: Any, **options: Any) -> None:
        super().__init__(VM(**options), self._handle)
        self.console = console
        self._start = 0
        for other in self.vm.vcpus[1:]:
            other.stop()

    def load(self, image: Image) -> None:
        """Place a program in RAM and point the vCPU at its entry. ValueError if it does not fit."""
        for segment in image.segments:
            self.vm.write(segment.paddr, bytes(segment.data) + bytes(segment.memsz - len(segment.data)))
        entry, toc = image.entry_point()
        self.vcpu.nia = entry
        if toc is not None:
            self.vcpu.gpr[2] = toc
        for vcpu in self.vm.vcpus:
            vcpu.msr = MSR_ME | (MSR_SF if image.bits == 64 else 0) | (MSR_LE if image.little else 0)
            if image.little:
                vcpu.lpcr |= 0x0200_0000  # ILE: interrupts are taken little-endian
            vcpu.mode_changed()

    def run(self, max_instructions: int | None = None) -> Event:
        """Run until the program ends (Shutdown), the budget is used up (Budget), or all vCPUs wait for ever (Halted)."""
        end = None if max_instructions is None else self.instructions + max_instructions
        while True:
            event = self.turns.run(None if end is None else end - self.instructions)
            if isinstance(self.turns, Parallel):
                if not isinstance(event, Budget) or (end is not None and self.instructions >= end):
                    return event
            elif (ends := self._handle(self.vcpu, event)) is not None:
                return ends

    def _handle(self, vcpu: VCPU, event: Event) -> Event | None:
        """Deal with a vCPU's event; what ends the run."""
        if isinstance(event, Hypercall):
            raise NotEmulated(f"the bare machine has no hypervisor: sc 1 with r3 = {event.number:#x} at {vcpu.nia - 4:#x}")
        return self._access(vcpu, event) if isinstance(event, Mmio) else event

    def _access(self, vcpu: VCPU, event: Mmio) -> Event | None:
        if event.write and event.address == CONSOLE_OUT:
            self.console.write(bytes([event.data >> 8 * (event.size - 1) & 0xFF if event.size == 1 else self._value(vcpu, event) & 0xFF]))
            vcpu.complete_mmio()
        elif not event.write and event.address == CONSOLE_IN and event.size == 4:
            data = self.console.read(1)
            value = data[0] if data else 0xFFFF_FFFF
            vcpu.complete_mmio(int.from_bytes(value.to_bytes(4, self._order(vcpu)), "big"))
        elif event.write and event.address == EXIT_PORT:
            vcpu.complete_mmio()
            return Shutdown(self._value(vcpu, event))
        elif event.write and START_CPU <= event.address <= STOP_CPU:
            vcpu.complete_mmio()
            self._control(vcpu, event.address, self._value(vcpu, event))
        else:
            kind = "store to" if event.write else "load from"
            raise NotEmulated(f"{kind} real address {event.address:#x} ({event.size} bytes) at pc {vcpu.nia:#x}: neither RAM nor a device")
        return None

    def _control(self, vcpu: VCPU, port: int, value: int) -> None:
        """Start and stop CPUs."""
        if port == STOP_CPU:
            vcpu.stop()
        elif port != START_CPU:
            self._start = value
        elif value < len(self.vm.vcpus) and self.vm.vcpus[value].stopped:
            other, msr = self.vm.vcpus[value], self.vm.vcpus[value].msr
            other.gpr[1], other.gpr[2] = vcpu.gpr[1], vcpu.gpr[2]
            other.start(self._start, value)
            other.msr = msr
            other.mode_changed()

    @staticmethod
    def _order(vcpu: VCPU) -> Any:
        return "little" if vcpu.msr & MSR_LE else "big"

    def _value(self, vcpu: VCPU, event: Mmio) -> int:
        """The number the guest stored."""
        return int.from_bytes(event.data.to_bytes(event.size, "big"), self._order(vcpu))
