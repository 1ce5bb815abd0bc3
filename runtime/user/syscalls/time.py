"""Clocks and waiting."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errno import EINTR, EINVAL
from ..native import NR, Buffer, host, wait
from . import Address, Int, alias, syscall

if TYPE_CHECKING:
    from ..process import Process

TIMER_ABSTIME = 1


def read_time(p: Process, address: int, wide: bool) -> Buffer | None:
    """A struct timespec (or timeval) of the guest as the host's; None for none."""
    if not address:
        return None
    form = p.abi.structure("qq" if wide or p.abi.bits == 64 else "ii")
    seconds, part = form.unpack(p.space.read(address, form.size))
    if wide and p.abi.bits == 32:
        part &= 0xFFFF_FFFF
    return Buffer(struct.pack("<qq", seconds, part))


def write_time(p: Process, address: int, raw: bytes, wide: bool) -> None:
    """The inverse."""
    seconds, part = struct.unpack("<qq", raw)
    if wide or p.abi.bits == 64:
        p.space.write(address, p.abi.pack("qq", seconds, part))
    else:
        p.space.write(address, p.abi.words(seconds, part))


def _clock(p: Process, call: str, clock: int, out: int, wide: bool) -> int:
    data = Buffer(16)
    result = host(NR[call], clock, data.at)
    if result == 0 and out:
        write_time(p, out, data.data, wide)
    return result


@syscall
def clock_gettime(p: Process, clock: Int, out: Address) -> int:
    return _clock(p, "clock_gettime", clock, out, False)


@syscall
def clock_gettime64(p: Process, clock: Int, out: Address) -> int:
    return _clock(p, "clock_gettime", clock, out, True)


@syscall
def clock_getres(p: Process, clock: Int, out: Address) -> int:
    return _clock(p, "clock_getres", clock, out, False)


@syscall
def clock_getres_time64(p: Process, clock: Int, out: Address) -> int:
    return _clock(p, "clock_getres", clock, out, True)


@syscall
def clock_settime(p: Process, clock: Int, new: Address) -> int:
    t = read_time(p, new, False)
    return host(NR["clock_settime"], clock, t.at if t else 0)


@syscall
def gettimeofday(p: Process, out: Address, zone: Address) -> int:
    data = Buffer(16)
    host(NR["gettimeofday"], data.at, 0)
    if out:
        write_time(p, out, data.data, False)
    if zone:
        p.space.write(zone, bytes(8))
    return 0


@syscall
def time_(p: Process, out: Address) -> int:
    now = host(NR["time"], 0)
    if out:
        p.space.write(out, p.abi.words(now))
    return now


def _sleep(p: Process, clock: int, flags: int, request: int, remaining: int, wide: bool) -> int:
    t, left = read_time(p, request, wide), Buffer(16)
    if t is None:
        return -EINVAL
    result = wait(NR["clock_nanosleep"], clock, flags, t.at, left.at)
    if result == -EINTR and remaining and not flags & TIMER_ABSTIME:
        write_time(p, remaining, left.data, wide)
    return result


@syscall
def nanosleep(p: Process, request: Address, remaining: Address) -> int:
    return _sleep(p, 1, 0, request, remaining, False)


@syscall
def clock_nanosleep(p: Process, clock: Int, flags: Int, request: Address, remaining: Address) -> int:
    return _sleep(p, clock, flags, request, remaining, False)


@syscall
def clock_nanosleep_time64(p: Process, clock: Int, flags: Int, request: Address, remaining: Address) -> int:
    return _sleep(p, clock, flags, request, remaining, True)


def _interval(p: Process, raw: bytes) -> bytes:
    return p.abi.words(*struct.unpack("<4q", raw))


@syscall
def setitimer(p: Process, which: Int, new: Address, old: Address) -> int:
    form = p.abi.structure("4q" if p.abi.bits == 64 else "4i")
    value = Buffer(struct.pack("<4q", *form.unpack(p.space.read(new, form.size)))) if new else None
    before = Buffer(32)
    result = host(NR["setitimer"], which, value.at if value else 0, before.at)
    if result == 0 and old:
        p.space.write(old, _interval(p, before.data))
    return result


@syscall
def getitimer(p: Process, which: Int, out: Address) -> int:
    data = Buffer(32)
    result = host(NR["getitimer"], which, data.at)
    if result == 0:
        p.space.write(out, _interval(p, data.data))
    return result


@syscall
def alarm(p: Process, seconds: Int) -> int:
    return host(NR["alarm"], seconds & 0xFFFF_FFFF)


alias("clock_settime64", "clock_settime")
