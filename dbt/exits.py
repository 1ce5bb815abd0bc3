"""Why translated code stops: a small closed set.

Each exit leaves its kind in the vCPU's `exit` field, its payload in `exit_arg`, and the address of the instruction
that caused it (or the next one, where the kind says "after") in `nia`. Light exits are handled by compiled functions
(backend/dispatch, runtime/light), heavy ones return to Python.
"""

from __future__ import annotations

import enum


class Exit(enum.IntEnum):
    """Kinds of exit. The comments say what `exit_arg` holds."""

    NONE = 0
    LOOKUP = 1  # control goes to `nia`, whose code page is not known yet
    TRANSLATE = 2  # the entry at `exit_arg` (host address) has become hot
    FUEL = 3  # the instruction budget is used up
    PROGRAM = 4  # program interrupt; SRR1 bits that say why (illegal, privileged, trap, FP enabled)
    SYSCALL = 5  # sc or scv, after; LEV, with 0x100 for scv
    FAULT = 6  # storage interrupt; fault_vector, fault_dar, fault_dsisr say which
    FACILITY = 7  # facility unavailable; the vector (0x800 FP, 0xf20 VEC, 0xf40 VSX, 0xf60)
    ALIGNMENT = 8  # alignment interrupt; the effective address
    MMIO = 9  # a device access; mmio_address, mmio_size, mmio_data, mmio_write
    RETURN = 10  # rfid and relatives: msr and nia already set, after
    SYNC = 11  # msr, a clock, or an interrupt source changed, after: look again at mode, interrupts and fuel
    PRIVILEGED = 12  # a privileged instruction to emulate (`--privileged trap`); its word
    EMULATE = 13  # an instruction only Python can carry out, after; its word
    HYPERCALL = 14  # sc 1, after; the function number is in r3
    HALT = 15  # the processor waits for an interrupt, after
    DEBUG = 16  # breakpoint, single step, watchpoint
    CODE_CHANGED = 17  # a store changed translated code that may be the one running, after
    SHUTDOWN = 18  # the machine stops; status
    FLOAT = 20  # floating point that the host's instructions cannot answer; the word, and the operation above it (float_model.py)
    CRASH = 19  # internal inconsistency; reported, never ignored
    CLOCK = 22  # the time base is about to be used, and vCPUs run in parallel: it must be brought up to date
    CODE_FULL = 23  # no room for code pages, and vCPUs run in parallel: all must stop before there is
    YIELD = 24  # the processor runs at low priority, and others share the host's cores: they may have this one's, after
    UNBUILT = 25  # the interpreter's handler of this number was never needed before
    STUCK = 21  # STUCK_AFTER interrupts without one instruction between them; icount


STUCK_AFTER = 1000
