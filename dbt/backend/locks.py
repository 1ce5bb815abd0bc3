"""Locks of a machine whose vCPUs run in parallel. Compiled. Where vCPUs take turns they cost one comparison.

A lock is a word of the machine record, 0 or 1. They are held for microseconds, never while Python runs translated code; who waits
gives its time slice away now and then, because the holder may not be running.
"""

from __future__ import annotations

from .. import shared
from .machinery import address_of, call_host, compare_and_swap64, compiled, exported, fence, machine_of, u64

CODE_LOCK = u64(shared.OFFSETS["code_lock"])
INTERRUPT_LOCK = u64(shared.OFFSETS["irq_lock"])
SPINS = u64(63)  # looks at a lock between two sched_yield


@compiled
def relax(m, n):  # type: ignore[no-untyped-def]
    """The nth time of waiting for another vCPU."""
    fence()
    if n & SPINS == SPINS:
        call_host(m.sched_yield, u64(0), u64(0))


@compiled
def lock_code(m):  # type: ignore[no-untyped-def]
    """Code pages, their table, the jump caches' contents and page flags are about to be looked at or changed."""
    if m.parallel:
        n = u64(0)
        while compare_and_swap64(address_of(m) + CODE_LOCK, u64(0), u64(1)) == u64(0):
            n += u64(1)
            relax(m, n)


@compiled
def unlock_code(m):  # type: ignore[no-untyped-def]
    """Done."""
    if m.parallel:
        fence()
        m.code_lock = u64(0)


@exported
def hold_code(v):  # type: ignore[no-untyped-def]
    """lock_code, for Python: only around a few lines."""
    lock_code(machine_of(v))
    return u64(0)


@exported
def release_code(v):  # type: ignore[no-untyped-def]
    """unlock_code."""
    unlock_code(machine_of(v))
    return u64(0)


@compiled
def lock_interrupts(m):  # type: ignore[no-untyped-def]
    """The interrupt controller's state is about to be looked at or changed."""
    if m.parallel:
        n = u64(0)
        while compare_and_swap64(address_of(m) + INTERRUPT_LOCK, u64(0), u64(1)) == u64(0):
            n += u64(1)
            relax(m, n)


@compiled
def unlock_interrupts(m):  # type: ignore[no-untyped-def]
    """Done."""
    if m.parallel:
        fence()
        m.irq_lock = u64(0)
