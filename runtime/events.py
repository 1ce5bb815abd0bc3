"""What `vcpu.run` returns: why the guest stopped, typed, with what the caller needs to go on."""

from __future__ import annotations

from dbt.records import Record


class Budget(Record, frozen=True):
    """The instruction budget is used up; run again to go on."""


class Mmio(Record, frozen=True):
    """A device access. For a load, hand the result to `vcpu.complete_mmio` and run again; a store is complete.

    `data` is the datum's bytes in address order, as a big-endian number; `size` is 1, 2, 4 or 8."""

    address: int
    size: int
    write: bool
    data: int


class Hypercall(Record, frozen=True):
    """`sc 1`: function number in `number`, arguments in r4.., status expected in r3."""

    number: int


class Halted(Record, frozen=True):
    """The processor waits for an interrupt."""


class Shutdown(Record, frozen=True):
    """The machine was switched off; `status` is the exit status it gave."""

    status: int


class Reset(Record, frozen=True):
    """The guest asked for a restart."""


class Panicked(Record, frozen=True):
    """The guest's operating system reported that it cannot go on."""

    message: str


class Debug(Record, frozen=True):
    """A breakpoint, watchpoint or single step."""

    address: int


class Syscall(Record, frozen=True):
    """A Linux process called its kernel; nia is after the instruction. `scv`: by `scv 0`, which has another error convention."""

    scv: bool


class Fault(Record, frozen=True):
    """A Linux process's access to `address` failed. `vector`: 0x300 data, 0x400 fetch, 0x600 alignment; `why`: DSISR bits."""

    vector: int
    address: int
    why: int


class ProgramCheck(Record, frozen=True):
    """A program interrupt in a Linux process: the bits of SRR1 that say why. `vector` is another for a facility unavailable."""

    bits: int
    vector: int = 0x700


Event = Budget | Mmio | Hypercall | Halted | Shutdown | Reset | Panicked | Debug | Syscall | Fault | ProgramCheck


class NotEmulated(Exception):
    """The guest did something that is not emulated. The text names it: pc, word, mnemonic, cause, what to do."""
