"""vCPUs that wait, and what makes them go on. Compiled.

A vCPU that waits (H_CEDE) goes on when an interrupt is pending or another has called H_PROD for it. While vCPUs take turns the scheduler looks
(scheduler.py). In parallel its host thread sleeps in the host's futex call on its `doorbell`, a number that whoever gives it a reason to go on
changes first; so the reason cannot be missed between the last look and the sleep.
"""

from __future__ import annotations

import numpy as np

from dbt.backend.machinery import (
    address_of,
    call_host,
    call_host_six,
    compare_and_swap32,
    compiled,
    exported,
    fence,
    machine_of,
    stack_words,
    u64,
    write64,
)
from dbt.state import offset

from .clock import NANOSECONDS, TICKS, time_now
from .halts import CEDED as CEDED_STATE
from .interrupts import PENDING_DOORBELL

CEDED = u64(CEDED_STATE)
DOORBELL = u64(offset("doorbell"))
FUTEX, WAIT, WAKE, EVERYONE = u64(202), u64(128), u64(129), u64(0x7FFF_FFFF)  # x86-64; private to the process
LONGEST = u64(250_000_000)  # ns: then it looks around without having been woken
NOTHING = u64(0)
PRIORITY, VERY_LOW = u64(50), u64(1)  # PPR[11:13]
SPINNING = u64(1000)  # instructions: the most between two hints in a row
PATIENCE = u64(40)  # hints in a row that the priority is low, or of LOW_STRETCH a stretch
LOW_HINT, LOW_STRETCH = u64(1), u64(10)
NAP = u64(50_000)  # ns


@compiled
def wakes(v, now):  # type: ignore[no-untyped-def]
    """Whether a vCPU that waits has a reason to go on: it was prodded, or an interrupt is pending."""
    return v.prodded or v.external or v.pending & PENDING_DOORBELL or np.int64(now - v.dec_expiry) >= 0


@compiled
def ring(m, other):  # type: ignore[no-untyped-def]
    """Another vCPU may have a reason to go on; its fields say so already."""
    if m.parallel:
        fence()
        at = address_of(other) + DOORBELL
        while True:
            n = u64(other.doorbell)
            if compare_and_swap32(at, n, n + u64(1)):
                break
        if other.sleeping:
            call_host_six(m.syscall, FUTEX, at, WAKE, EVERYONE, NOTHING, NOTHING)


@compiled
def at_low_priority(v):  # type: ignore[no-untyped-def]
    """Whether the vCPU's program has said that it has nothing urgent to do: it spins (Book II 3.1)."""
    return (v.ppr >> PRIORITY & u64(7)) - u64(1) <= u64(1)


@compiled
def reads_time(v):  # type: ignore[no-untyped-def]
    """The vCPU looks at the time base: unless it is idle, it waits for a time."""
    if v.ppr >> PRIORITY & u64(7) != VERY_LOW:
        v.low_count = NOTHING


@compiled
def give_core(v, weight):  # type: ignore[no-untyped-def]
    """In parallel, outside of translated code: a vCPU that has been spinning at low priority for long lets the host's other threads run. If its
    priority is very low it is idle, and sleeps a little; its doorbell, which every interrupt rings, ends that.

    `low_count` says for how long: hints that come close together, and stretches at low priority as a whole. A loop that looks at the time
    base is not spinning but waiting for a time (dispatch.py, CLOCK): a microsecond's delay would take a thousand of them if it gave its core away on a
    host with more to do."""
    m = machine_of(v)
    if weight == LOW_HINT and v.icount - v.low_at > SPINNING:
        v.low_count = NOTHING
    v.low_at = v.icount
    v.low_count += weight
    if v.low_count < PATIENCE:
        return
    seen = u64(v.doorbell)
    fence()
    v.yields += u64(1)
    now = time_now(m)
    if v.ppr >> PRIORITY & u64(7) != VERY_LOW or v.attention or wakes(v, now):
        call_host(m.sched_yield, NOTHING, NOTHING)
    else:
        v.naps += u64(1)
        doze(v, seen, min(NAP, nanoseconds_to(v, now)))


@exported
def ring_doorbell(v):  # type: ignore[no-untyped-def]
    """For Python: this vCPU is to look whether it may go on, or has to stop (`attention`)."""
    ring(machine_of(v), v)
    return u64(0)


@compiled
def doze(v, seen, ns):  # type: ignore[no-untyped-def]
    """Sleep for at most so long, unless the doorbell is no longer as it was seen."""
    at = stack_words()
    write64(at, NOTHING)
    write64(at + u64(8), ns)
    v.sleeping = np.uint32(1)
    fence()
    call_host_six(machine_of(v).syscall, FUTEX, address_of(v) + DOORBELL, WAIT, seen, at, NOTHING)
    v.sleeping = np.uint32(0)


@compiled
def nanoseconds_to(v, now):  # type: ignore[no-untyped-def]
    """Until the decrementer's interrupt; at most LONGEST."""
    return min(v.dec_expiry - now, LONGEST * TICKS // NANOSECONDS) * NANOSECONDS // TICKS


@compiled
def wait_until_woken(v):  # type: ignore[no-untyped-def]
    """In parallel, on the vCPU's own thread: sleep until it may go on (1), or Python wants it (0)."""
    m = machine_of(v)
    while True:
        seen = u64(v.doorbell)
        fence()
        if v.attention:
            return u64(0)
        if v.halted == u64(0):
            return u64(1)
        ns = LONGEST
        if v.halted == CEDED:
            now = time_now(m)
            if wakes(v, now):
                v.halted = np.uint32(0)
                return u64(1)
            ns = nanoseconds_to(v, now)
        doze(v, seen, ns)
