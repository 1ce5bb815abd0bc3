"""XIVE in exploitation mode: the interrupt controller of POWER9 as a partition drives it itself (PAPR, "XIVE"; IBM's XIVE specification). Compiled.

    source --PQ--> (server, priority) --> event queue in guest memory --> the server's thread context (tima.py) --> external interrupt

A source's two bits P (an event is on its way or being handled) and Q (another came meanwhile) coalesce events. The guest reads and sets them by
loads from its management page, whose offset says what is to be done; a store to its trigger page, or a device, makes an event. An event appends the
source's number, as the guest wants it called (EISN), to the queue of its server and priority, with a bit on top that alternates each time the queue
wraps. A queue that does not notify for each event coalesces with P and Q of its own.

Everything here is done with the interrupt lock held; the tables are those of sources.py.
"""

from __future__ import annotations

from dbt import shared
from dbt.backend.codecache import code_written
from dbt.backend.machinery import atomic_or8, bswap64, compiled, machine_of, read64, u64, vcpu_of, write32, write64

from . import sources as t
from .tima import notify

_PQ, _LSI, _SERVER, _PRIORITY, _EISN, _LINE, _VALID, _MASKED = (
    u64(8 * n) for n in (t.PQ, t.LSI, t.XIVE_SERVER, t.XIVE_PRIORITY, t.EISN, t.LINE, t.VALID, t.MASKED)
)
_QUEUE, _LOG2, _INDEX, _GENERATION, _ENABLED, _ALWAYS, _QUEUE_PQ = (
    u64(8 * n) for n in (t.QUEUE, t.QUEUE_LOG2, t.QUEUE_INDEX, t.GENERATION, t.ENABLED, t.NOTIFY_ALWAYS, t.QUEUE_PQ)
)
RESET, OFF, PENDING, QUEUED = (u64(n) for n in (t.PQ_RESET, t.PQ_OFF, t.PQ_PENDING, t.PQ_QUEUED))
BYTES, ZERO, ONE = u64(t.SOURCE_BYTES), u64(0), u64(1)
SOURCES, PRIORITIES = u64(t.XIVE_SOURCES), u64(t.PRIORITIES)
DIRTY, HAS_CODE = u64(shared.PAGE_DIRTY), u64(shared.PAGE_HAS_CODE)
# Offsets in a management page
EOI, STORE_EOI, GET, SET = u64(0x000), u64(0x400), u64(0x800), u64(0xC00)
REFUSED = u64(t.NO_ACCESS)


@compiled
def source_at(m, lisn):  # type: ignore[no-untyped-def]
    return m.irq_sources + lisn * BYTES


@compiled
def queue_at(m, server, priority):  # type: ignore[no-untyped-def]
    return m.xive_ends + (server * PRIORITIES + priority) * BYTES


@compiled
def triggered(at):  # type: ignore[no-untyped-def]
    """An event arrives at the PQ bits at `at`: whether it goes on."""
    pq = read64(at)
    if pq == RESET:
        write64(at, PENDING)
        return True
    if pq == PENDING:
        write64(at, QUEUED)
    return False


@compiled
def ended(at):  # type: ignore[no-untyped-def]
    """The event at the PQ bits at `at` is dealt with: whether another, which came meanwhile, goes on."""
    pq = read64(at)
    if pq == QUEUED:
        write64(at, PENDING)
        return True
    if pq == PENDING:
        write64(at, RESET)
    return False


@compiled
def append(v, end, data):  # type: ignore[no-untyped-def]
    """Put an event into a queue: the generation bit and 31 bits, big-endian."""
    m = machine_of(v)
    index = read64(end + _INDEX)
    real = read64(end + _QUEUE) + (index << u64(2))
    word = read64(end + _GENERATION) << u64(31) | data & u64(0x7FFF_FFFF)
    write32(m.ram + real, bswap64(word) >> u64(32))
    if atomic_or8(m.page_flags + (real >> u64(12)), DIRTY) & HAS_CODE:
        code_written(v, real, u64(4))
    index += ONE
    if index == ONE << (read64(end + _LOG2) - u64(2)):
        index = ZERO
        write64(end + _GENERATION, read64(end + _GENERATION) ^ ONE)
    write64(end + _INDEX, index)
    v.events_queued += ONE


@compiled
def forward(v, at):  # type: ignore[no-untyped-def]
    """A source's event goes where the source is configured to; nowhere, if it is masked or its queue is not enabled."""
    m = machine_of(v)
    if read64(at + _MASKED):
        return
    server, priority = read64(at + _SERVER), read64(at + _PRIORITY)
    end = queue_at(m, server, priority)
    if read64(end + _ENABLED) == ZERO:
        return
    if read64(end + _LOG2):
        append(v, end, read64(at + _EISN))
    if read64(end + _ALWAYS) or triggered(end + _QUEUE_PQ):
        notify(m, vcpu_of(m, server), priority)


@compiled
def trigger(v, at):  # type: ignore[no-untyped-def]
    """An event of a message source."""
    if triggered(at + _PQ):
        forward(v, at)


@compiled
def set_line_of(v, at, up):  # type: ignore[no-untyped-def]
    """The line of a level source changes. It makes an event, and after the end of that another while it is up."""
    write64(at + _LINE, up)
    if up and read64(at + _PQ) == RESET:
        trigger(v, at)


@compiled
def end_of_event(v, at):  # type: ignore[no-untyped-def]
    """The guest is done with a source's event; whether Q was set."""
    again = ended(at + _PQ)
    if read64(at + _LSI) and read64(at + _LINE) and read64(at + _PQ) == RESET:
        again = triggered(at + _PQ)
    if again:
        forward(v, at)
    return u64(again)


@compiled
def manage(v, at, offset, write):  # type: ignore[no-untyped-def]
    """An access to a source's management page: what a load gives; REFUSED where there is none."""
    if write:
        if offset >> u64(10) != STORE_EOI >> u64(10):
            return REFUSED
        end_of_event(v, at)
        return ZERO
    if offset < STORE_EOI:
        return end_of_event(v, at)
    pq = read64(at + _PQ)
    if offset >= SET:
        write64(at + _PQ, offset >> u64(8) & u64(3))
    elif offset < GET:
        return REFUSED
    return pq


@compiled
def manage_queue(end, offset, write):  # type: ignore[no-untyped-def]
    """As `manage`, of the page of a queue that coalesces notifications."""
    if write:
        return REFUSED
    pq = read64(end + _QUEUE_PQ)
    if offset < STORE_EOI:
        return u64(ended(end + _QUEUE_PQ))
    if offset >= SET:
        write64(end + _QUEUE_PQ, offset >> u64(8) & u64(3))
    elif offset < GET:
        return REFUSED
    return pq


@compiled
def event_state_access(v, offset, write):  # type: ignore[no-untyped-def]
    """An access to the pages of sources and queues, from ESB_BASE on: what a load gives; REFUSED where there is none."""
    m = machine_of(v)
    page, within = offset >> u64(t.PAGE_SHIFT), offset & u64(0xFFF)
    n = page >> ONE
    if n < SOURCES:
        at = source_at(m, n)
        if read64(at + _VALID) == ZERO:
            return REFUSED
        if page & ONE:
            return manage(v, at, within, write)
        if write == ZERO or read64(at + _LSI):
            return REFUSED
        trigger(v, at)
        return ZERO
    n -= SOURCES
    if page & ONE or n >= m.vcpu_count * PRIORITIES:
        return REFUSED
    return manage_queue(m.xive_ends + n * BYTES, within, write)
