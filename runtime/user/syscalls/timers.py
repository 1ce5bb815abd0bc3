"""Timers: POSIX timers, and timers that are descriptors. They are the host's; their signals come as all signals do."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errno import EINVAL
from ..native import NR, Buffer, host
from . import Address, Int, syscall
from .files import open_flags

if TYPE_CHECKING:
    from ..process import Process


def _read(p: Process, address: int, wide: bool) -> Buffer:
    """A struct itimerspec."""
    form = p.abi.structure("4q" if wide or p.abi.bits == 64 else "4i")
    values = form.unpack(p.space.read(address, form.size))
    if wide and p.abi.bits == 32:  # nanoseconds are a long, and padding
        values = tuple(v & 0xFFFF_FFFF if i & 1 else v for i, v in enumerate(values))
    return Buffer(struct.pack("<4q", *values))


def _write(p: Process, address: int, data: Buffer, wide: bool) -> None:
    form = p.abi.structure("4q" if wide or p.abi.bits == 64 else "4i")
    p.space.write(address, form.pack(*struct.unpack("<4q", data.data[:32])))


def _set(p: Process, call: str, what: int, flags: int, new: int, old: int, wide: bool) -> int:
    if not new:
        return -EINVAL
    value, before = _read(p, new, wide), Buffer(32)
    result = host(NR[call], what, flags, value.at, before.at)
    if result == 0 and old:
        _write(p, old, before, wide)
    return result


def _get(p: Process, call: str, what: int, out: int, wide: bool) -> int:
    data = Buffer(32)
    result = host(NR[call], what, data.at)
    if result == 0:
        _write(p, out, data, wide)
    return result


@syscall
def timerfd_create(p: Process, clock: Int, flags: Int) -> int:
    p.converts = not p.abi.little
    return host(NR["timerfd_create"], clock, open_flags(flags))


@syscall
def timerfd_settime(p: Process, fd: Int, flags: Int, new: Address, old: Address) -> int:
    return _set(p, "timerfd_settime", fd, flags, new, old, False)


@syscall
def timerfd_settime64(p: Process, fd: Int, flags: Int, new: Address, old: Address) -> int:
    return _set(p, "timerfd_settime", fd, flags, new, old, True)


@syscall
def timerfd_gettime(p: Process, fd: Int, out: Address) -> int:
    return _get(p, "timerfd_gettime", fd, out, False)


@syscall
def timerfd_gettime64(p: Process, fd: Int, out: Address) -> int:
    return _get(p, "timerfd_gettime", fd, out, True)


@syscall
def timer_create(p: Process, clock: Int, event: Address, out: Address) -> int:
    number = Buffer(4)
    given = None
    if event:
        form = p.abi.structure("Liii")
        given = Buffer(struct.pack("<Qiii", *form.unpack(p.space.read(event, form.size))).ljust(64, b"\0"))
    result = host(NR["timer_create"], clock, given.at if given else 0, number.at)
    if result == 0:
        p.space.write(out, int.from_bytes(number.data, "little").to_bytes(4, p.abi.order))
    return result


@syscall
def timer_settime(p: Process, timer: Int, flags: Int, new: Address, old: Address) -> int:
    return _set(p, "timer_settime", timer, flags, new, old, False)


@syscall
def timer_settime64(p: Process, timer: Int, flags: Int, new: Address, old: Address) -> int:
    return _set(p, "timer_settime", timer, flags, new, old, True)


@syscall
def timer_gettime(p: Process, timer: Int, out: Address) -> int:
    return _get(p, "timer_gettime", timer, out, False)


@syscall
def timer_gettime64(p: Process, timer: Int, out: Address) -> int:
    return _get(p, "timer_gettime", timer, out, True)


@syscall
def timer_getoverrun(p: Process, timer: Int) -> int:
    return host(NR["timer_getoverrun"], timer)


@syscall
def timer_delete(p: Process, timer: Int) -> int:
    return host(NR["timer_delete"], timer)
