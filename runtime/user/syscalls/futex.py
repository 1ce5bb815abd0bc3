"""Futexes: the host's, on guest memory; while threads take turns those of the process's own memory are ours, so that who is woken runs in its turn.

The host compares and changes words in its own byte order. So what it compares is turned for big-endian programs, and what it computes is
done here: FUTEX_WAKE_OP; mutexes with priority inheritance, which the host keeps thread numbers in, are for little-endian programs.
"""

from __future__ import annotations

import struct
import time
from typing import TYPE_CHECKING

from ..errno import EAGAIN, ENOSYS
from ..native import NR, Buffer, host, wait
from ..order import InTurns
from ..robust import replace
from . import Address, Int, Unsigned, syscall
from .time import read_time

if TYPE_CHECKING:
    from ..process import Process

WAIT, WAKE, REQUEUE, CMP_REQUEUE, WAKE_OP, WAIT_BITSET, WAKE_BITSET = 0, 1, 3, 4, 5, 9, 10
LOCK_PI, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, CMP_REQUEUE_PI, LOCK_PI2 = 6, 7, 8, 11, 12, 13
CLOCK_REALTIME, EVERY_BIT = 0x100, 0xFFFF_FFFF


@syscall
def futex(p: Process, word: Address, operation: Int, value: Unsigned, timeout: Address, other: Address, third: Unsigned) -> int:
    return _futex(p, word, operation, value, timeout, other, third, False)


@syscall
def futex_time64(p: Process, word: Address, operation: Int, value: Unsigned, timeout: Address, other: Address, third: Unsigned) -> int:
    return _futex(p, word, operation, value, timeout, other, third, True)


def _futex(p: Process, word: int, operation: int, value: int, timeout: int, other: int, third: int, wide: bool) -> int:
    command = operation & 0x7F
    at = p.space.host_address(word, 4, 0)
    if command in (WAIT, WAIT_BITSET):
        return _wait(p, word, at, operation, value, read_time(p, timeout, wide), third if command == WAIT_BITSET else EVERY_BIT)
    if command in (WAKE, WAKE_BITSET):
        return _wake(p, word, at, operation, value, third if command == WAKE_BITSET else EVERY_BIT)
    if command in (REQUEUE, CMP_REQUEUE):
        target = p.space.host_address(other, 4, 0)
        if _ours(p, word):
            assert isinstance(p.threads.order, InTurns)
            if command == CMP_REQUEUE and _value(p, word) != third:
                return -EAGAIN
            return p.threads.order.wake(at, value, EVERY_BIT, target, timeout & 0x7FFF_FFFF)
        return host(NR["futex"], at, operation, value, timeout, target, _turned(p, third))
    if command == WAKE_OP:
        others_too = _operate(p, other, third)
        woken = _wake(p, word, at, operation, value, EVERY_BIT)
        if others_too and woken >= 0:
            woken += _wake(p, other, p.space.host_address(other, 4, 0), operation, timeout & 0x7FFF_FFFF, EVERY_BIT)
        return woken
    if p.abi.little and command in (LOCK_PI, LOCK_PI2, UNLOCK_PI, TRYLOCK_PI, WAIT_REQUEUE_PI, CMP_REQUEUE_PI):
        limit = read_time(p, timeout, wide) if command != CMP_REQUEUE_PI else None
        fourth = timeout if command == CMP_REQUEUE_PI else limit.at if limit else 0
        return wait(NR["futex"], at, operation, value, fourth, p.space.host_address(other, 4, 0), third)
    return -ENOSYS


def _ours(p: Process, word: int) -> bool:
    """Whether who waits at a word is in our own list."""
    if p.vm.parallel:
        return False
    area = p.space.find(word)
    return area is not None and not area.shared


def _value(p: Process, word: int) -> int:
    return int.from_bytes(p.space.read(word, 4), p.abi.order)


def _turned(p: Process, value: int) -> int:
    """A number as the host sees it in guest memory."""
    return int.from_bytes(value.to_bytes(4, p.abi.order), "little")


def _wait(p: Process, word: int, at: int, operation: int, value: int, limit: Buffer | None, bits: int) -> int:
    if not _ours(p, word) or not p.threads.many:
        return wait(NR["futex"], at, operation, _turned(p, value), limit.at if limit else 0, 0, bits)
    assert isinstance(p.threads.order, InTurns)
    if _value(p, word) != value:
        return -EAGAIN
    ns = None
    if limit is not None:
        seconds, part = struct.unpack("<qq", limit.data)
        ns = seconds * 10**9 + part
        if operation & 0x7F == WAIT_BITSET:  # a point in time
            ns = max(ns - (time.time_ns() if operation & CLOCK_REALTIME else time.monotonic_ns()), 0)
    return p.threads.order.sleep(p.threads.current, at, bits, ns)


def _wake(p: Process, word: int, at: int, operation: int, most: int, bits: int) -> int:
    if not _ours(p, word):
        return host(NR["futex"], at, operation & ~0x7F | WAKE_BITSET, most, 0, 0, bits)
    assert isinstance(p.threads.order, InTurns)
    return p.threads.order.wake(at, most, bits)


def _operate(p: Process, word: int, operation: int) -> bool:
    """FUTEX_WAKE_OP's change of a word; whether its old value says that those who wait at it are to be woken."""
    kind, test = operation >> 28 & 7, operation >> 24 & 15
    argument, against = ((operation >> s & 0xFFF ^ 0x800) - 0x800 for s in (12, 0))
    if operation >> 31:
        argument = 1 << (argument & 31)
    while True:
        value = _value(p, word)
        old = value - (value >> 31 << 32)
        new = (argument, old + argument, old | argument, old & ~argument, old ^ argument)[min(kind, 4)]
        if replace(p, word, value, new & 0xFFFF_FFFF):
            break
    return (old == against, old != against, old < against, old <= against, old > against, old >= against)[min(test, 5)]
