"""Thread contexts of XIVE: what each vCPU has of the interrupt controller, and the page by which it sees its own, the TIMA. Compiled.

    CPPR   priority of what the vCPU does; only a numerically smaller one interrupts it
    IPB    a bit for each priority with events that wait, the most significant for priority 0
    PIPR   the most favoured of them, 0xff if there is none
    NSR    0x80: an exception is signalled, because PIPR is more favoured than CPPR

The partition uses the OS ring of the page for operating systems (XIVE specification, "Thread Interrupt Management"): its bytes at 0x10, and accesses
with side effects at 0x800 and above. Everything here is done with the interrupt lock held.
"""

from __future__ import annotations

import numpy as np

from dbt.backend.machinery import compiled, leading_zeros, u64
from runtime.waiting import ring

from .sources import NO_ACCESS

SIGNALLED, NONE_PENDING, ZERO = u64(0x80), u64(0xFF), u64(0)
RING, RING_END = u64(0x10), u64(0x40)
CPPR_AT = u64(0x11)
ACKNOWLEDGE, SET_PENDING = u64(0x810), u64(0x812)
REFUSED = u64(NO_ACCESS)


@compiled
def bit_of(priority):  # type: ignore[no-untyped-def]
    """In IPB."""
    return u64(0x80) >> priority


@compiled
def most_favoured(pending):  # type: ignore[no-untyped-def]
    """The priority of IPB's first bit."""
    return leading_zeros(pending << u64(56)) if pending else NONE_PENDING


@compiled
def settle_ring(m, unit):  # type: ignore[no-untyped-def]
    """IPB or CPPR changed: derive PIPR and NSR, and the vCPU's external interrupt."""
    unit.os_pipr = most_favoured(unit.os_ipb)
    up = unit.os_pipr < unit.os_cppr
    unit.os_nsr = SIGNALLED if up else ZERO
    was = unit.external
    unit.external = np.uint32(up)
    if up and was == ZERO:
        ring(m, unit)


@compiled
def notify(m, unit, priority):  # type: ignore[no-untyped-def]
    """An event of this priority waits in a queue of the vCPU."""
    unit.os_ipb |= bit_of(priority)
    settle_ring(m, unit)


@compiled
def set_priority(m, unit, cppr):  # type: ignore[no-untyped-def]
    """A store to CPPR. There are eight priorities; beyond them everything interrupts."""
    unit.os_cppr = cppr if cppr < u64(8) else NONE_PENDING
    settle_ring(m, unit)


@compiled
def acknowledge(m, unit):  # type: ignore[no-untyped-def]
    """Take the exception: its priority becomes CPPR and no longer waits. NSR as it was, and the new CPPR."""
    nsr = unit.os_nsr
    if nsr & SIGNALLED:
        unit.os_cppr = unit.os_pipr
        unit.os_ipb &= ~bit_of(unit.os_cppr)
        settle_ring(m, unit)
    return nsr << u64(8) | unit.os_cppr


@compiled
def ring_bytes(unit):  # type: ignore[no-untyped-def]
    """The first doubleword of the OS ring, as a big-endian number."""
    return (unit.os_nsr << u64(56) | unit.os_cppr << u64(48) | unit.os_ipb << u64(40) | unit.os_lsmfb << u64(32)
            | unit.os_ack << u64(24) | unit.os_inc << u64(16) | unit.os_age << u64(8) | unit.os_pipr)  # fmt: skip


@compiled
def tima_access(m, unit, offset, size, write, data):  # type: ignore[no-untyped-def]
    """An access to the OS page by its own vCPU: what a load gives; REFUSED where there is none. Of the other rings all bytes read as zero."""
    if write:
        if offset == CPPR_AT and size == u64(1):
            set_priority(m, unit, data & u64(0xFF))
        elif offset == SET_PENDING and size == u64(1):
            unit.os_ipb |= data & u64(0xFF)
            settle_ring(m, unit)
        else:
            return REFUSED
        return ZERO
    if offset == ACKNOWLEDGE and size == u64(2):
        return acknowledge(m, unit)
    if offset + size > RING_END or offset & (size - u64(1)):
        return REFUSED
    if offset & ~u64(7) != RING:
        return ZERO
    return ring_bytes(unit) << ((offset & u64(7)) << u64(3)) >> (u64(64) - (size << u64(3)))
