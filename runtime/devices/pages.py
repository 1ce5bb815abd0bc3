"""Loads and stores that the interrupt controller answers, and what devices and hypercalls ask of XIVE. Compiled."""

from __future__ import annotations

from dbt import shared
from dbt.backend.locks import lock_interrupts, unlock_interrupts
from dbt.backend.machinery import compiled, exported, linked, machine_of, u64, vcpu_of, write64
from dbt.exits import Exit

from . import sources as t
from .tima import settle_ring, tima_access
from .xive import (
    _ALWAYS,
    _EISN,
    _ENABLED,
    _GENERATION,
    _INDEX,
    _LOG2,
    _MASKED,
    _PRIORITY,
    _QUEUE,
    _QUEUE_PQ,
    _SERVER,
    REFUSED,
    event_state_access,
    queue_at,
    set_line_of,
    source_at,
    trigger,
)

XIVE = u64(shared.INTERRUPTS_XIVE)
ESB_BASE, TIMA, PAGE = u64(t.ESB_BASE), u64(t.TIMA_OS), u64(1 << t.PAGE_SHIFT)
ESB_BYTES = u64(t.XIVE_SOURCES + 64 * t.PRIORITIES << t.PAGE_SHIFT + 1)
MMIO, EE, ZERO = u64(Exit.MMIO), u64(0x8000), u64(0)
ALONE, READY = u64(3), u64(4)  # mmio_state: the access wants to be the last instruction of a stretch; it is


@compiled
def answers(v, real):  # type: ignore[no-untyped-def]
    """Whether a real address is the interrupt controller's."""
    return machine_of(v).interrupts == XIVE and (real - ESB_BASE < ESB_BYTES or real - TIMA < PAGE)


@linked
def interrupt_access(v, real, size, write, data):  # type: ignore[no-untyped-def]
    """Such an access: 1, with the datum of a load in mmio_data (big-endian); 0 and Exit.MMIO where there is nothing, for Python to say so.

    It may raise this vCPU's own interrupt, which must come at the same instruction on every engine. So unless MSR[EE] keeps it from coming, the
    access leaves first, and is then made by a stretch of one instruction."""
    m = machine_of(v)
    v.mmio_address = real
    v.mmio_size = size
    v.mmio_write = write
    if v.msr & EE and m.parallel == ZERO and v.mmio_state != READY:
        v.mmio_state = ALONE
        v.exit = MMIO
        return ZERO
    lock_interrupts(m)
    if real - TIMA < PAGE:
        value = tima_access(m, v, real - TIMA, size, write, data)
        if write:
            v.tima_stores += u64(1)
        else:
            v.tima_loads += u64(1)
    else:
        value = event_state_access(v, real - ESB_BASE, write)
        if write:
            v.esb_stores += u64(1)
        else:
            v.esb_loads += u64(1)
    unlock_interrupts(m)
    if value == REFUSED:
        v.mmio_state = ZERO
        v.mmio_data = data
        v.exit = MMIO
        return ZERO
    v.mmio_state = ZERO
    v.mmio_data = value
    return u64(1)


# -- what devices and hypercalls do (controllers.py)


@exported
def xive_pulse(v, lisn):  # type: ignore[no-untyped-def]
    """An event of a message source."""
    m = machine_of(v)
    lock_interrupts(m)
    trigger(v, source_at(m, lisn))
    unlock_interrupts(m)
    return ZERO


@exported
def xive_set_level(v, lisn, up):  # type: ignore[no-untyped-def]
    """The line of a level source."""
    m = machine_of(v)
    lock_interrupts(m)
    set_line_of(v, source_at(m, lisn), up)
    unlock_interrupts(m)
    return ZERO


@exported
def xive_route(v, lisn, server, priority, eisn, masked):  # type: ignore[no-untyped-def]
    """Where a source's events go, and as what."""
    m = machine_of(v)
    lock_interrupts(m)
    at = source_at(m, lisn)
    write64(at + _MASKED, masked)
    write64(at + _SERVER, server)
    write64(at + _PRIORITY, priority)
    write64(at + _EISN, eisn)
    unlock_interrupts(m)
    return ZERO


@exported
def xive_set_queue(v, server, priority, real, log2, flags):  # type: ignore[no-untyped-def]
    """Give a server a queue of a priority, empty: flags 1 enabled, 2 each event notifies. Its first events have the generation bit set."""
    m = machine_of(v)
    lock_interrupts(m)
    end = queue_at(m, server, priority)
    write64(end + _QUEUE, real)
    write64(end + _LOG2, log2)
    write64(end + _INDEX, ZERO)
    write64(end + _GENERATION, u64(1))
    write64(end + _ENABLED, flags & u64(1))
    write64(end + _ALWAYS, flags >> u64(1) & u64(1))
    write64(end + _QUEUE_PQ, ZERO)
    unlock_interrupts(m)
    return ZERO


@exported
def xive_access(v, offset, write):  # type: ignore[no-untyped-def]
    """H_INT_ESB: an access to the pages from ESB_BASE on, as event_state_access."""
    m = machine_of(v)
    lock_interrupts(m)
    value = event_state_access(v, offset, write)
    unlock_interrupts(m)
    return value


@exported
def xive_reset(v):  # type: ignore[no-untyped-def]
    """No event waits on any vCPU, and nothing may interrupt."""
    m = machine_of(v)
    lock_interrupts(m)
    for i in range(m.vcpu_count):
        unit = vcpu_of(m, i)
        unit.os_ipb = unit.os_cppr = unit.os_inc = ZERO
        unit.os_lsmfb = unit.os_ack = unit.os_age = u64(0xFF)
        settle_ring(m, unit)
    unlock_interrupts(m)
    return ZERO
