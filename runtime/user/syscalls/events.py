"""Waiting for several files: poll, select, epoll."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from ..errno import EINVAL
from ..native import NR, Buffer, host, wait
from . import Address, Int, Size, alias, syscall
from .time import read_time, write_time

if TYPE_CHECKING:
    from ..process import Process


def _with_mask(p: Process, mask: int, call: Any) -> int:
    """Make a call that takes a signal mask (`call` takes its address, or 0)."""
    if not mask:
        return int(call(0))
    return p.signals.suspend(p.abi.from_sigset(p.space.read(mask, 8)), call)


def _poll(p: Process, fds: int, count: int, timeout: Buffer | None, mask: int) -> int:
    if count > 1 << 20:
        return -EINVAL
    form = p.abi.structure("ihh")
    raw = p.space.read(fds, 8 * count)
    data = Buffer(b"".join(struct.pack("<ihh", *e) for e in form.iter_unpack(raw)) or 8)

    def call(at: int) -> int:
        return wait(NR["ppoll"], data.at, count, timeout.at if timeout else 0, at, 8)

    result = _with_mask(p, mask, call)
    if result >= 0 and count:
        p.space.write(fds, b"".join(form.pack(*e) for e in struct.iter_unpack("<ihh", data.data[: 8 * count])))
    return result


@syscall
def poll(p: Process, fds: Address, count: Size, timeout: Int) -> int:
    t = None if timeout < 0 else Buffer(struct.pack("<qq", timeout // 1000, timeout % 1000 * 1_000_000))
    return _poll(p, fds, count, t, 0)


@syscall
def ppoll(p: Process, fds: Address, count: Size, timeout: Address, mask: Address, size: Size) -> int:
    return _poll(p, fds, count, read_time(p, timeout, False), mask)


@syscall
def ppoll_time64(p: Process, fds: Address, count: Size, timeout: Address, mask: Address, size: Size) -> int:
    return _poll(p, fds, count, read_time(p, timeout, True), mask)


def _set(p: Process, address: int, size: int) -> Buffer | None:
    """An fd_set as the host's: longs."""
    if not address:
        return None
    data, word = p.space.read(address, size), p.abi.word
    words = [int.from_bytes(data[i : i + word], p.abi.order) for i in range(0, size, word)]
    return Buffer(b"".join(w.to_bytes(word, "little") for w in words).ljust((size + 7) & -8, b"\0"))


def _select(p: Process, count: int, sets: tuple[int, int, int], timeout: Buffer | None, mask: int) -> int:
    if count < 0:
        return -EINVAL
    word = p.abi.word
    size = (min(count, 1 << 16) + 8 * word - 1) // (8 * word) * word
    made = [_set(p, at, size) for at in sets]
    def call(at: int) -> int:
        with_size = Buffer(struct.pack("<QQ", at, 8))
        return wait(NR["pselect6"], count, *(m.at if m else 0 for m in made), timeout.at if timeout else 0, with_size.at if at else 0)

    result = _with_mask(p, mask, call)
    if result >= 0:
        for at, m in zip(sets, made, strict=True):
            if m is not None:
                words = [int.from_bytes(m.data[i : i + word], "little") for i in range(0, size, word)]
                p.space.write(at, p.abi.words(*words))
    return result


@syscall
def select(p: Process, count: Int, read: Address, write: Address, other: Address, timeout: Address) -> int:
    t = read_time(p, timeout, False)
    if t is not None:
        seconds, micro = struct.unpack("<qq", t.data)
        t = Buffer(struct.pack("<qq", seconds + micro // 1_000_000, micro % 1_000_000 * 1000))
    result = _select(p, count, (read, write, other), t, 0)
    if t is not None:  # Linux tells the time that was left
        seconds, nano = struct.unpack("<qq", t.data)
        write_time(p, timeout, struct.pack("<qq", seconds, nano // 1000), False)
    return result


alias("_newselect", "select")


def _pselect(p: Process, count: int, sets: tuple[int, int, int], timeout: Buffer | None, mask: int) -> int:
    at = int.from_bytes(p.space.read(mask, p.abi.word), p.abi.order) if mask else 0
    return _select(p, count, sets, timeout, at)


@syscall
def pselect6(p: Process, count: Int, read: Address, write: Address, other: Address, timeout: Address, mask: Address) -> int:
    return _pselect(p, count, (read, write, other), read_time(p, timeout, False), mask)


@syscall
def pselect6_time64(p: Process, count: Int, read: Address, write: Address, other: Address, timeout: Address, mask: Address) -> int:
    return _pselect(p, count, (read, write, other), read_time(p, timeout, True), mask)


@syscall
def epoll_create(p: Process, size: Int) -> int:
    return host(NR["epoll_create1"], 0) if size > 0 else -EINVAL


@syscall
def epoll_create1(p: Process, flags: Int) -> int:
    return host(NR["epoll_create1"], flags)


@syscall
def epoll_ctl(p: Process, fd: Int, operation: Int, target: Int, event: Address) -> int:
    data = None
    if event:  # the data is the program's own: eight bytes that come back as they are
        raw = p.space.read(event, 16)
        data = Buffer(struct.pack("<I", int.from_bytes(raw[:4], p.abi.order)) + raw[8:16])
    return host(NR["epoll_ctl"], fd, operation, target, data.at if data else 0)


def _epoll(p: Process, fd: int, events: int, most: int, timeout: int, mask: int) -> int:
    if not 0 < most <= 1 << 16:
        return -EINVAL
    data = Buffer(12 * most)
    result = _with_mask(p, mask, lambda at: wait(NR["epoll_pwait"], fd, data.at, most, timeout, at, 8))
    if result > 0:
        raw = data.data
        out = b""
        for i in range(result):
            bits = int.from_bytes(raw[12 * i : 12 * i + 4], "little")
            out += bits.to_bytes(4, p.abi.order) + bytes(4) + raw[12 * i + 4 : 12 * i + 12]
        p.space.write(events, out)
    return result


@syscall
def epoll_wait(p: Process, fd: Int, events: Address, most: Int, timeout: Int) -> int:
    return _epoll(p, fd, events, most, timeout, 0)


@syscall
def epoll_pwait(p: Process, fd: Int, events: Address, most: Int, timeout: Int, mask: Address, size: Size) -> int:
    return _epoll(p, fd, events, most, timeout, mask)
