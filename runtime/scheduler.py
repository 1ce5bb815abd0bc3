"""vCPUs of a machine take turns on one host thread. Compiled.

A turn is a number of instructions (`turn_length`), shorter where a vCPU that waits would wake up meanwhile. There is one time base,
which counts the instructions of all vCPUs and the time when all wait: it is handed on with the turn, so that no vCPU ever reads an
earlier time than another did before. Nothing here depends on the host, so two runs are the same.

A vCPU loses its reservation when another gets a turn (Book II 1.7.3 lets a reservation be lost for any reason). Within a turn nobody
else stores, so a store conditional that finds the value it loaded finds it unchanged. A turn is much longer than any sequence from larx to
stcx., so every vCPU gets on.
"""

from __future__ import annotations

import numpy as np

from dbt.backend.machinery import compiled, exported, linked, machine_of, u64, vcpu_of
from dbt.exits import Exit

from .dispatch import run
from .waiting import CEDED, at_low_priority, wait_until_woken, wakes

HALT = u64(Exit.HALT)
LOW_TURN = u64(500)  # instructions of a vCPU at low priority: it spins
SPIN_TICKS = u64(512)  # a microsecond


@compiled
def take_over(v, now):  # type: ignore[no-untyped-def]
    """A vCPU gets the turn after others: its time base is theirs. What counts its own use of the processor does not advance."""
    elapsed = now - v.icount - v.tb_offset
    v.tb_offset += elapsed
    v.purr -= elapsed
    v.spurr -= elapsed
    v.vtb -= elapsed
    v.reserve_size = u64(0)


@linked
def pass_time(v):  # type: ignore[no-untyped-def]
    """All vCPUs wait: the time passes until the first decrementer interrupt, on `v`, whose time base is everyone's. 0 if Python is to see to
    that, or has to look around first."""
    m = machine_of(v)
    now = v.icount + v.tb_offset
    due = m.idle_left
    for i in range(m.vcpu_count):
        other = vcpu_of(m, i)
        if other.halted == CEDED:
            due = min(due, other.dec_expiry - now)
    if due >= m.idle_left:
        return u64(0)
    m.idle_left -= due
    v.tb_offset += due
    return u64(1)


@exported
def next_turn(v):  # type: ignore[no-untyped-def]
    """The turn of `v` is over: the next vCPU that can run gets one, the one that a H_CONFER named first. 0 if all wait."""
    if give_turn(v):
        return u64(1)
    return u64(0) if pass_time(v) == u64(0) else give_turn(v)


@compiled
def give_turn(v):  # type: ignore[no-untyped-def]
    """As next_turn, but for the time that passes while all wait. It passes a little faster while all those that run gave their last turn away."""
    m = machine_of(v)
    now = v.icount + v.tb_offset
    count = m.vcpu_count
    i = m.turn_to - u64(1) if m.turn_to else m.turn_cpu + u64(1)
    found = count
    length = m.turn_length
    skip = SPIN_TICKS
    for _ in range(count):
        if i >= count:
            i = u64(0)
        other = vcpu_of(m, i)
        if other.halted == CEDED:
            if wakes(other, now):
                other.halted = np.uint32(0)
                other.yielded = u64(0)
            else:
                length = min(length, other.dec_expiry - now)
        if other.halted == u64(0):
            if found == count:
                found = i
            if other.yielded == u64(0) or wakes(other, now):
                skip = u64(0)
            else:
                skip = min(skip, other.dec_expiry - now)
        i += u64(1)
    if found == count:
        return u64(0)
    skip = min(skip, length)
    next_ = vcpu_of(m, found)
    next_.yielded = m.turn_to = u64(0)
    m.turn_left = min(length, LOW_TURN) if next_.sharing and at_low_priority(next_) else length
    if found != m.turn_cpu or skip:
        m.turn_cpu = found
        take_over(next_, now + skip)
    return u64(1)


@exported
def run_turns(v):  # type: ignore[no-untyped-def]
    """Run the machine of `v` until `run_left` instructions have run (0) or a heavy exit of the vCPU `turn_cpu` (its kind).

    Exit.HALT with that vCPU halted: all of them are."""
    m = machine_of(v)
    while True:
        current = vcpu_of(m, m.turn_cpu)
        if m.turn_left == u64(0) or current.halted:
            if next_turn(current) == u64(0):
                return HALT
            current = vcpu_of(m, m.turn_cpu)
        start = current.icount
        current.budget_end = start + min(m.turn_left, m.run_left)
        kind = run(current)
        ran = current.icount - start
        m.turn_left -= ran
        m.run_left -= ran
        if current.yielded:
            m.turn_left = u64(0)
        if kind or m.run_left == u64(0) or current.attention:
            return kind


@exported
def run_parallel(v, instructions):  # type: ignore[no-untyped-def]
    """A vCPU in parallel, on its own host thread: run and wait until about so many instructions have run, Python wants it, or there is a heavy
    exit (its kind)."""
    end = v.icount + instructions
    while True:
        if v.halted and wait_until_woken(v) == u64(0):
            return u64(0)
        v.budget_end = end
        kind = run(v)
        if kind or v.attention or v.icount >= end:
            return kind
