"""The time base of vCPUs that run in parallel: the host's monotonic clock, in ticks of 512 MHz. Compiled.

A vCPU's own `icount + tb_offset` runs on between two looks at the host's clock. That is good enough to see that a decrementer has expired;
who reads the time base gets a time that is later than any that was read before, on any vCPU (Exit.CLOCK).
"""

from __future__ import annotations

from dbt import shared
from dbt.backend.machinery import (
    address_of,
    call_host,
    compare_and_swap64,
    compiled,
    exported,
    machine_of,
    read64,
    stack_words,
    u64,
)

LAST = u64(shared.OFFSETS["clock_last"])
MONOTONIC = u64(1)
SECOND = u64(1_000_000_000)
TICKS, NANOSECONDS = u64(64), u64(125)  # 512 MHz


@compiled
def time_now(m):  # type: ignore[no-untyped-def]
    """Ticks since the machine started."""
    at = stack_words()
    call_host(m.clock_gettime, MONOTONIC, at)
    return (read64(at) * SECOND + read64(at + u64(8)) - m.clock_start) * TICKS // NANOSECONDS


@compiled
def next_time(m):  # type: ignore[no-untyped-def]
    """As time_now, but later than any before."""
    while True:
        last = m.clock_last
        now = max(time_now(m), last + u64(1))
        if compare_and_swap64(address_of(m) + LAST, last, now):
            return now


@exported
def parallel_time(v):  # type: ignore[no-untyped-def]
    """For Python: the time base."""
    return next_time(machine_of(v))
