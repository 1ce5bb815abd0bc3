"""A machine of plain Python objects, for testing what the hypervisor does without any engine."""

from __future__ import annotations

import pytest

from runtime.hypercalls import PaprState, dispatch

from .plain_xics import Xics


class FakeConsole:
    def __init__(self) -> None:
        self.output = b""
        self.input = b""

    def write(self, data: bytes) -> None:
        self.output += data

    def read(self, limit: int) -> bytes:
        data, self.input = self.input[:limit], self.input[limit:]
        return data


class FakeCpu:
    def __init__(self, pir: int) -> None:
        self.pir = pir
        self.gpr = [0] * 32
        self.msr = 0
        self.lpcr = 0
        self.stopped = False
        self.events: list[object] = []

    def stop(self) -> None:
        self.stopped = True

    def start(self, pc: int, r3: int) -> None:
        self.stopped = False
        self.events.append(("start", pc, r3))


class FakeMachine:
    """64 KB of RAM at 0, two CPUs, a message source 0x1100 and a level source 0x1200."""

    def __init__(self) -> None:
        self.ram = bytearray(0x10000)
        self.vcpus = [FakeCpu(0), FakeCpu(1)]
        self.console = FakeConsole()
        self.terminals = {0x71000001: FakeConsole()}
        self.interrupts = Xics([0, 1], {0x1100: False, 0x1200: True})
        self.papr = PaprState()
        self.radix = True
        self.process_tables: list[tuple[int, int, int]] = []
        self.stats: dict[str, int] = {}
        self.requests: list[object] = []
        self.now = 0

    @property
    def memory_size(self) -> int:
        return len(self.ram)

    def read(self, real: int, size: int) -> bytes:
        if real < 0 or real + size > len(self.ram):
            raise ValueError(f"{real:#x} is not RAM")
        return bytes(self.ram[real : real + size])

    def write(self, real: int, data: bytes) -> None:
        self.read(real, len(data))
        self.ram[real : real + len(data)] = data

    def negotiate(self, options: bytes) -> bool:
        return True

    def set_process_table(self, table: int, lpcr: int, mask: int) -> None:
        self.process_tables.append((table, lpcr, mask))

    def timebase(self) -> int:
        return 0x123456789

    def time_ns(self) -> int:
        return self.now

    def request_shutdown(self, status: int) -> None:
        self.requests.append(("shutdown", status))

    def request_reset(self) -> None:
        self.requests.append("reset")

    def guest_panic(self, message: str) -> None:
        self.requests.append(("panic", message))

    def call(self, number: int, *args: int, cpu: int = 0) -> int:
        """A hypercall as the guest makes it; returns the status as the guest sees it, signed."""
        vcpu = self.vcpus[cpu]
        vcpu.gpr[3] = number
        for index, value in enumerate(args):
            vcpu.gpr[4 + index] = value & (1 << 64) - 1
        dispatch(self, vcpu, number, self.stats)
        status = vcpu.gpr[3]
        assert 0 <= status < 1 << 64, "registers are unsigned"
        return status - (1 << 64) if status >> 63 else status


@pytest.fixture
def vm() -> FakeMachine:
    return FakeMachine()
