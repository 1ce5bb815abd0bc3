"""What hypercalls need of the machine they run in, as types only.

Any object with these members will do: the tests use small fakes.
"""

from __future__ import annotations

from collections.abc import Mapping, MutableSequence, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from runtime.hypercalls.state import PaprState


class Console(Protocol):
    """The terminal a guest's console is connected to. Neither method waits."""

    def write(self, data: bytes, /) -> object: ...

    def read(self, limit: int, /) -> bytes:
        """Up to `limit` bytes of input; empty if there is none now."""
        ...


class Interrupts(Protocol):
    """The interrupt controller, as RTAS uses it. KeyError for a source or server that is not there."""

    def set_xive(self, number: int, server: int, priority: int, /) -> None: ...

    def get_xive(self, number: int, /) -> tuple[int, int]: ...

    def int_off(self, number: int, /) -> None: ...

    def int_on(self, number: int, /) -> None: ...


class Processor(Protocol):
    """One vCPU. Registers are unsigned 64-bit integers; `pir` is also its interrupt server number."""

    gpr: MutableSequence[int]
    msr: int
    lpcr: int

    @property
    def pir(self) -> int: ...

    @property
    def stopped(self) -> bool:
        """Whether RTAS has it (not yet started, or stopped itself)."""
        ...

    def stop(self) -> None:
        """Stop after this call, until `start`. Must return."""
        ...

    def start(self, pc: int, r3: int, /) -> None:
        """Start a stopped CPU at real address `pc`, in 64-bit real mode."""
        ...


class Machine(Protocol):
    """The machine. Real addresses start at 0; `read` and `write` raise ValueError for bytes that are not
    RAM."""

    console: Console
    papr: PaprState

    @property
    def interrupts(self) -> Interrupts: ...

    @property
    def terminals(self) -> Mapping[int, Console]:
        """Virtual terminals besides the console, by unit address."""
        ...

    @property
    def vcpus(self) -> Sequence[Processor]: ...

    @property
    def memory_size(self) -> int: ...

    def read(self, real: int, size: int, /) -> bytes: ...

    def write(self, real: int, data: bytes, /) -> None:
        """Stores that also invalidate translated code."""
        ...

    def timebase(self) -> int:
        """The time base register's value."""
        ...

    def time_ns(self) -> int:
        """Nanoseconds since 1970-01-01 UTC, by the machine's clock (which may be a deterministic one)."""
        ...

    def request_shutdown(self, status: int, /) -> None:
        """End the run after this call; `status` becomes the exit status. Must return."""
        ...

    def request_reset(self) -> None:
        """Restart the machine after this call. Must return."""
        ...

    def negotiate(self, options: bytes, /) -> bool:
        """A client of Open Firmware wants these options (option vector 5); whether it can have them."""
        ...

    @property
    def radix(self) -> bool:
        """Whether the partition may translate by radix trees."""
        ...

    def set_process_table(self, table: int, lpcr: int, mask: int, /) -> None:
        """Translate by this process table, and set the bits of every LPCR that `mask` selects."""
        ...

    def guest_panic(self, message: str, /) -> None:
        """The guest's operating system reports that it cannot go on. Must return."""
        ...


def find_cpu(vm: Machine, number: int) -> Processor | None:
    """The vCPU whose PIR is `number`."""
    return next((vcpu for vcpu in vm.vcpus if vcpu.pir == number), None)
