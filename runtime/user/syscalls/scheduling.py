"""Scheduling: the host's."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..native import NR, Buffer, host, wait
from . import Address, Int, syscall
from .time import write_time

if TYPE_CHECKING:
    from ..process import Process


@syscall
def sched_yield(p: Process) -> int:
    p.threads.order.turn(p.threads.current)
    return wait(NR["sched_yield"]) if p.vm.parallel else 0


def _parameter(p: Process, address: int) -> Buffer:
    return Buffer(int.from_bytes(p.space.read(address, 4), p.abi.order).to_bytes(4, "little"))


@syscall
def sched_setscheduler(p: Process, pid: Int, policy: Int, parameter: Address) -> int:
    data = _parameter(p, parameter)
    return host(NR["sched_setscheduler"], pid, policy, data.at)


@syscall
def sched_getscheduler(p: Process, pid: Int) -> int:
    return host(NR["sched_getscheduler"], pid)


@syscall
def sched_setparam(p: Process, pid: Int, parameter: Address) -> int:
    data = _parameter(p, parameter)
    return host(NR["sched_setparam"], pid, data.at)


@syscall
def sched_getparam(p: Process, pid: Int, out: Address) -> int:
    data = Buffer(4)
    result = host(NR["sched_getparam"], pid, data.at)
    if result == 0:
        p.space.write(out, p.abi.pack("I", *struct.unpack("<I", data.data)))
    return result


@syscall
def sched_rr_get_interval(p: Process, pid: Int, out: Address) -> int:
    return _interval(p, pid, out, False)


@syscall
def sched_rr_get_interval_time64(p: Process, pid: Int, out: Address) -> int:
    return _interval(p, pid, out, True)


def _interval(p: Process, pid: int, out: int, wide: bool) -> int:
    data = Buffer(16)
    result = host(NR["sched_rr_get_interval"], pid, data.at)
    if result == 0:
        write_time(p, out, data.data, wide)
    return result


@syscall
def nice(p: Process, change: Int) -> int:
    now = 20 - host(NR["getpriority"], 0, 0)  # the kernel's call gives 20 - nice
    return host(NR["setpriority"], 0, 0, min(max(now + change, -20), 19))
