"""XICS: the interrupt controller of a logical partition (PAPR, chapter "Interrupt Controller"). Compiled.

Two halves. A *source* (one per interrupt number) has a server, a priority and a pending state. A
*presentation controller* (one per server, i.e. per vCPU, in its record) holds at most one interrupt at a time:

    CPPR   priority of what the CPU is doing; only a numerically smaller priority interrupts it
    XISR   number of the interrupt presented, 0 if none (CPPR and XISR together are the XIRR)
    MFRR   the priority of the inter-processor interrupt; 0xff when there is none to deliver

A more favoured interrupt displaces the one presented; that one is rejected back to its source, which offers
it again when the CPU becomes ready for it. The output line of a server (`external`) is up while its XISR is not 0.

Sources are a table, each of SOURCE_WORDS doublewords. Everything here is done with the interrupt lock held.
"""

from __future__ import annotations

import numpy as np

from dbt.backend.locks import lock_interrupts, unlock_interrupts
from dbt.backend.machinery import compiled, exported, linked, machine_of, read64, u64, vcpu_of, write64
from runtime.waiting import ring

from .sources import (
    ASSERTED,
    IPI_NUMBER,
    LEVEL,
    MASKED_PRIORITY,
    NUMBER,
    PRESENTED,
    PRIORITY,
    SAVED_PRIORITY,
    SERVER,
    SOURCE_BYTES,
    WAITING,
)

IPI, MASKED, XISR = u64(IPI_NUMBER), u64(MASKED_PRIORITY), u64(0x00FF_FFFF)
_NUMBER, _LEVEL, _SERVER, _PRIORITY, _SAVED, _ASSERTED, _WAITING, _PRESENTED = (
    u64(8 * n) for n in (NUMBER, LEVEL, SERVER, PRIORITY, SAVED_PRIORITY, ASSERTED, WAITING, PRESENTED)
)
_BYTES = u64(SOURCE_BYTES)
NONE, TRUE = u64(0), u64(1)


@compiled
def set_line(m, unit, up):  # type: ignore[no-untyped-def]
    """The external interrupt line of a vCPU goes up (1) or down (0)."""
    unit.external = np.uint32(up)
    if up:
        ring(m, unit)


@compiled
def source_of(m, number):  # type: ignore[no-untyped-def]
    """The table's entry for an interrupt number, 0 if there is none."""
    at = m.irq_sources
    for _ in range(m.irq_source_count):
        if read64(at + _NUMBER) == number:
            return at
        at += _BYTES
    return NONE


@compiled
def present(m, unit, number, priority):  # type: ignore[no-untyped-def]
    """What the server holds from now on."""
    unit.icp_xisr = number
    unit.icp_priority = priority
    set_line(m, unit, u64(number != NONE))


@compiled
def withdraw(m, unit):  # type: ignore[no-untyped-def]
    """Give the interrupt presented back to where it came from; an IPI is kept by MFRR itself. The source, if meanwhile it goes elsewhere
    (nobody else would offer it there), else 0."""
    if unit.icp_xisr == NONE:
        return NONE
    at = source_of(m, unit.icp_xisr)
    present(m, unit, NONE, MASKED)
    if at == NONE:
        return NONE
    write64(at + _PRESENTED, NONE)
    if read64(at + _LEVEL) == NONE:
        write64(at + _WAITING, TRUE)
    return at if read64(at + _SERVER) != unit.pir else NONE


@compiled
def wants_service(at):  # type: ignore[no-untyped-def]
    """A level source is presented once for one assertion; a message source needs no such memory."""
    if read64(at + _PRIORITY) == MASKED:
        return False
    if read64(at + _LEVEL):
        return read64(at + _ASSERTED) != NONE and read64(at + _PRESENTED) == NONE
    return read64(at + _WAITING) != NONE


@compiled
def offer(m, at):  # type: ignore[no-untyped-def]
    """Present a source to its server if it wants service and is more favoured than what is there, which then may be offered elsewhere."""
    while at and wants_service(at):
        unit = vcpu_of(m, read64(at + _SERVER))
        priority = read64(at + _PRIORITY)
        if priority >= min(unit.icp_cppr, unit.icp_priority):
            break
        displaced = withdraw(m, unit)
        write64(at + _WAITING, NONE)
        write64(at + _PRESENTED, TRUE)
        present(m, unit, read64(at + _NUMBER), priority)
        at = displaced


@compiled
def redeliver(m, unit):  # type: ignore[no-untyped-def]
    """Offer everything that waits for this server; the most favoured ends up presented."""
    if unit.icp_mfrr < min(unit.icp_cppr, unit.icp_priority):
        displaced = withdraw(m, unit)
        present(m, unit, IPI, unit.icp_mfrr)
        offer(m, displaced)
    at = m.irq_sources
    for _ in range(m.irq_source_count):
        if read64(at + _SERVER) == unit.pir:
            offer(m, at)
        at += _BYTES


@compiled
def change_cppr(m, unit, cppr):  # type: ignore[no-untyped-def]
    """The priority changes; an interrupt that is no longer favoured is rejected."""
    unit.icp_cppr = cppr & MASKED
    if unit.icp_xisr and unit.icp_priority >= unit.icp_cppr:
        offer(m, withdraw(m, unit))
    redeliver(m, unit)


# -- what hypercalls do (runtime/hypercalls/light.py)


@linked
def xics_accept(v):  # type: ignore[no-untyped-def]
    """H_XIRR: take the interrupt presented. XIRR (old CPPR, number); its priority becomes the CPPR."""
    m = machine_of(v)
    lock_interrupts(m)
    xirr = v.icp_cppr << u64(24) | v.icp_xisr
    if v.icp_xisr:
        v.icp_cppr = v.icp_priority
        present(m, v, NONE, MASKED)
    unlock_interrupts(m)
    return xirr


@linked
def xics_set_cppr(v, cppr):  # type: ignore[no-untyped-def]
    """H_CPPR: set the priority of what this vCPU does."""
    m = machine_of(v)
    lock_interrupts(m)
    change_cppr(m, v, cppr)
    unlock_interrupts(m)
    return NONE


@linked
def xics_eoi(v, xirr):  # type: ignore[no-untyped-def]
    """H_EOI: the interrupt in XIRR (32 bits) is done; its upper byte becomes the CPPR. Unknown numbers are ignored."""
    m = machine_of(v)
    lock_interrupts(m)
    at = source_of(m, xirr & XISR)
    if at:
        write64(at + _PRESENTED, NONE)
    change_cppr(m, v, xirr >> u64(24))
    offer(m, at)  # it may have been moved to another server meanwhile
    unlock_interrupts(m)
    return NONE


@linked
def xics_set_mfrr(v, priority):  # type: ignore[no-untyped-def]
    """H_IPI: request an inter-processor interrupt of vCPU `v`, or with 0xff withdraw the request.

    One already presented stays: software finds MFRR at 0xff and treats it as spurious, as on hardware."""
    m = machine_of(v)
    lock_interrupts(m)
    v.icp_mfrr = priority & MASKED
    redeliver(m, v)
    unlock_interrupts(m)
    return NONE


# -- what devices and RTAS do (runtime/devices/controllers.py). `n` is a source's place in the table.


@compiled
def nth_source(m, n):  # type: ignore[no-untyped-def]
    return m.irq_sources + n * _BYTES


@exported
def xics_pulse(v, n):  # type: ignore[no-untyped-def]
    """A message interrupt arrives. While the source is masked or not deliverable it is remembered, once."""
    m = machine_of(v)
    lock_interrupts(m)
    write64(nth_source(m, n) + _WAITING, TRUE)
    offer(m, nth_source(m, n))
    unlock_interrupts(m)
    return NONE


@exported
def xics_set_level(v, n, asserted):  # type: ignore[no-untyped-def]
    """The line of a level source changes. It interrupts again after each end-of-interrupt while asserted."""
    m = machine_of(v)
    lock_interrupts(m)
    write64(nth_source(m, n) + _ASSERTED, asserted)
    offer(m, nth_source(m, n))
    unlock_interrupts(m)
    return NONE


@exported
def xics_set_source(v, n, server, priority, saved):  # type: ignore[no-untyped-def]
    """ibm,set-xive, ibm,int-on, ibm,int-off: where a source goes, its priority, and the one that it has when it is unmasked."""
    m = machine_of(v)
    lock_interrupts(m)
    at = nth_source(m, n)
    write64(at + _SERVER, server)
    write64(at + _PRIORITY, priority)
    write64(at + _SAVED, saved)
    offer(m, at)
    unlock_interrupts(m)
    return NONE
