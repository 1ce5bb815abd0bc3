"""What `vcpu.run` returns: why the guest stopped, typed, with what the caller needs to go on."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Budget:
    """The instruction budget is used up; run again to go on."""


@dataclass(frozen=True, slots=True)
class Mmio:
    """A device access. For a load, hand the result to `vcpu.complete_mmio` and run again; a store is complete.

    `data` is the datum's bytes in address order, as a big-endian number; `size` is 1, 2, 4 or 8."""

    address: int
    size: int
    write: bool
    data: int


@dataclass(frozen=True, slots=True)
class Hypercall:
    """`sc 1`: function number in `number`, arguments in r4.., status expected in r3."""

    number: int


@dataclass(frozen=True, slots=True)
class Halted:
    """The processor waits for an interrupt."""


@dataclass(frozen=True, slots=True)
class Shutdown:
    """The machine was switched off; `status` is the exit status it gave."""

    status: int


@dataclass(frozen=True, slots=True)
class Reset:
    """The guest asked for a restart."""


@dataclass(frozen=True, slots=True)
class Panicked:
    """The guest's operating system reported that it cannot go on."""

    message: str


@dataclass(frozen=True, slots=True)
class Debug:
    """A breakpoint, watchpoint or single step."""

    address: int


@dataclass(frozen=True, slots=True)
class Syscall:
    """A Linux process called its kernel; nia is after the instruction. `scv`: by `scv 0`, which has another error convention."""

    scv: bool


@dataclass(frozen=True, slots=True)
class Fault:
    """A Linux process's access to `address` failed. `vector`: 0x300 data, 0x400 fetch, 0x600 alignment; `why`: DSISR bits."""

    vector: int
    address: int
    why: int


@dataclass(frozen=True, slots=True)
class ProgramCheck:
    """A program interrupt in a Linux process: the bits of SRR1 that say why. `vector` is another for a facility unavailable."""

    bits: int
    vector: int = 0x700


Event = Budget | Mmio | Hypercall | Halted | Shutdown | Reset | Panicked | Debug | Syscall | Fault | ProgramCheck


class NotEmulated(Exception):
    """The guest did something that is not emulated. The text names it: pc, word, mnemonic, cause, what to do."""
