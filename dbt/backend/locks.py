"""Locks of a machine whose vCPUs run in parallel. Compiled. Where vCPUs take turns they cost one comparison.

A lock is a word of the machine record, 0 or 1. They are held for microseconds, never while Python runs translated code; who waits
gives its time slice away now and then, because the holder may not be running.
"""

from __future__ import annotations

from .. import shared
from .machinery import address_of, call_host, compare_and_swap64, compiled, exported, fence, machine_of, u64, write64

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
def taken(m, lock):  # type: ignore[no-untyped-def]
    """Try to take the lock at an offset of the machine record; whether it is held now."""
    return compare_and_swap64(address_of(m) + lock, u64(0), u64(1)) != u64(0)


@compiled
def take(m, lock):  # type: ignore[no-untyped-def]
    """Wait for the lock at an offset of the machine record."""
    if m.parallel:
        n = u64(0)
        while not taken(m, lock):
            n += u64(1)
            relax(m, n)


@compiled
def give_back(m, lock):  # type: ignore[no-untyped-def]
    """What the lock is for has been done."""
    if m.parallel:
        fence()
        write64(address_of(m) + lock, u64(0))


@compiled
def lock_code(m):  # type: ignore[no-untyped-def]
    """Code pages, their table, the jump caches' contents and page flags are about to be looked at or changed."""
    take(m, CODE_LOCK)


@compiled
def unlock_code(m):  # type: ignore[no-untyped-def]
    """Done."""
    give_back(m, CODE_LOCK)


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
    take(m, INTERRUPT_LOCK)


@compiled
def unlock_interrupts(m):  # type: ignore[no-untyped-def]
    """Done."""
    give_back(m, INTERRUPT_LOCK)
