"""Threads of a process. They take turns on one vCPU: its architected registers are swapped, everything else is common.

A thread waits for a futex, or for something of the host: then its call is made again every so often, without waiting. So one host
thread runs them all, and the compiled side knows nothing of it.
"""

from __future__ import annotations

import ctypes
import os
import struct
import time
from typing import TYPE_CHECKING, Any

from dbt.records import Record, field

from .errno import EINTR, ETIMEDOUT
from .native import NR, Buffer, host, wait
from .siginfo import SI_TKILL, user_info

if TYPE_CHECKING:
    from .process import Process

ARCHITECTED = 0x1400  # bytes of the vCPU record that a thread owns (dbt/state.py)
TURN = 1 << 20  # instructions
AGAIN_NS = 1_000_000
RESTARTED = {"read", "readv", "write", "writev", "recv", "recvfrom", "recvmsg", "send", "sendto", "sendmsg", "accept", "accept4", "wait4",
             "waitpid"}  # fmt: skip
POLLIN, POLLOUT = 1, 4
READING = {"read", "readv", "recv", "recvfrom", "recvmsg", "accept", "accept4"}
WRITING = {"write", "writev", "send", "sendto", "sendmsg"}


class Thread(Record, eq=False):
    """A thread, and what it waits for: a futex (its host address), or to make its call again."""

    tid: int
    image: bytes = b""
    mask: int = 0
    stack: tuple[int, int, int] = (0, 2, 0)
    clear_child_tid: int = 0
    pending: list[bytes] = field(default_factory=list)
    futex: int = 0
    bits: int = 0
    again: bool = False
    deadline: int | None = None  # ns, of the wait
    call_deadline: int | None = None  # of a call that is made again: kept from one time to the next
    in_call: bool = False
    call: str = ""  # its name
    scv: bool = False  # made by `scv 0`
    suspended: int | None = None  # Signals.suspended

    @property
    def waits(self) -> bool:
        return bool(self.futex) or self.again


class Again(Exception):
    """The call cannot be finished now: let others run, then make it again."""


class Threads:
    """All threads of a process."""

    def __init__(self, process: Process) -> None:
        self.p = process
        self.current = Thread(os.getpid())
        self.all = [self.current]
        self._next = 0

    @property
    def many(self) -> bool:
        return len(self.all) > 1

    def only_current(self) -> None:
        """After fork and exec."""
        self.current.tid = os.getpid()
        self.all = [self.current]

    # -- registers
    def _save(self) -> None:
        t, s = self.current, self.p.signals
        t.image = ctypes.string_at(self.p.vcpu.address, ARCHITECTED)
        t.mask, t.stack, t.suspended, t.clear_child_tid = s.mask, s.stack, s.suspended, self.p.clear_child_tid

    def _load(self, t: Thread) -> None:
        p, s = self.p, self.p.signals
        ctypes.memmove(p.vcpu.address, t.image, ARCHITECTED)
        p.vcpu.reserve_size = 0  # a reservation does not survive
        self.current = t
        s.stack, s.suspended, p.clear_child_tid = t.stack, t.suspended, t.clear_child_tid
        if s.mask != t.mask:
            s.set_mask(t.mask)
        if t.pending:
            s.pending += t.pending
            t.pending = []
            p.vcpu.attention = 1

    def switch(self, t: Thread) -> None:
        """Let another thread run."""
        if t is not self.current:
            self._save()
            self._load(t)

    def add(self, stack: int, tls: int | None) -> Thread:
        """clone: a thread that begins after the call, with 0 as its result."""
        p, v = self.p, self.p.vcpu
        self._save()
        own = self.current.image
        v.gpr[1] = stack
        if tls is not None:
            v.gpr[13 if p.abi.bits == 64 else 2] = tls
        v.gpr[3] = 0
        v.cr[0] &= 14
        self._next += 1
        t = Thread(os.getpid() + self._next * 10_000, ctypes.string_at(v.address, ARCHITECTED), p.signals.mask)
        ctypes.memmove(v.address, own, ARCHITECTED)
        self.all.append(t)
        return t

    def leave(self) -> None:
        """The current thread exits; there are others."""
        p, gone = self.p, self.current
        if p.clear_child_tid:
            at = p.space.host_address(p.clear_child_tid, 4)
            ctypes.c_uint32.from_address(at).value = 0
            self.wake(at, 1, 0xFFFF_FFFF)
        self.all.remove(gone)
        self._load(self._runnable())

    # -- waiting
    def wait_futex(self, at: int, bits: int, deadline: int | None) -> None:
        """The current thread waits; its result is 0 if it is woken."""
        t = self.current
        t.futex, t.bits, t.deadline = at, bits, deadline

    def wake(self, at: int, most: int, bits: int, target: int = 0, move: int = 0) -> int:
        """Wake up to `most` threads, and let up to `move` others wait at `target` instead; how many."""
        count = 0
        for t in self.all:
            if t.futex == at and t.bits & bits:
                if count < most:
                    t.futex, t.deadline = 0, None
                    count += 1
                elif move > 0:
                    t.futex, move = target, move - 1
                    count += 1
        return count

    def again(self, timeout: int | None) -> None:
        """The call waits at most `timeout` ns in all. Raises Again until that has passed."""
        t = self.current
        if not t.in_call:
            t.in_call = True
            t.call_deadline = None if timeout is None else time.monotonic_ns() + timeout
        if t.call_deadline is None or time.monotonic_ns() < t.call_deadline:
            t.again, t.deadline = True, t.call_deadline
            raise Again

    def ready(self, name: str, given: list[Any]) -> None:
        """Before a call, on a descriptor perhaps: Again if it would wait."""
        self.current.call = name
        events = POLLIN if name in READING else POLLOUT if name in WRITING else 0
        if events and not host(NR["fcntl"], given[0], 3) & os.O_NONBLOCK:
            data = Buffer(struct.pack("<ihh", given[0], events, 0))
            if host(NR["poll"], data.at, 1, 0) == 0:
                self.again(None)

    def turn(self) -> None:
        """Let the next thread run that can."""
        self.switch(self._runnable())

    def _runnable(self) -> Thread:
        while True:
            start = self.all.index(self.current) + 1 if self.current in self.all else 0
            order = self.all[start:] + self.all[:start]
            now = time.monotonic_ns()
            for t in order:
                if t.futex and t.deadline is not None and now >= t.deadline:
                    self._result(t, -ETIMEDOUT)
                if not t.waits:
                    return t
                if any(not t.mask >> (int.from_bytes(i[:4], "little") - 1) & 1 for i in t.pending):
                    self.interrupt(t)
                    return t
            if any(t.again for t in order):
                self._sleep(min([AGAIN_NS, *(max(t.deadline - now, 0) for t in order if t.deadline is not None)]))
                for t in order:
                    t.again = False
            else:
                deadlines = [t.deadline for t in order if t.deadline is not None]
                self._sleep(max(min(deadlines) - now, 0) if deadlines else None)
            if self.p.vcpu.attention:  # a signal: to a thread that lets it in
                arrived = self.p.signals.arrived()
                self.p.signals.pending += arrived
                numbers = [int.from_bytes(i[:4], "little") for i in self.p.signals.pending]
                for t in order:
                    mask = self.p.signals.mask if t is self.current else t.mask
                    if any(not mask >> (n - 1) & 1 for n in numbers):
                        self.interrupt(t)
                        return t

    def interrupt(self, t: Thread) -> None:
        """A signal ends a thread's wait."""
        if t.futex:
            self._result(t, -EINTR)
        elif t.again and t.call not in RESTARTED:
            self._result(t, -EINTR, 4)
        t.again = t.in_call = False

    def _result(self, t: Thread, result: int, ahead: int = 0) -> None:
        """The result of a call that waited, set while another thread may be in the registers."""
        t.futex, t.deadline = 0, None
        before, own = self.current, t.pending
        t.pending = []  # it stays the thread's own
        if t is not before and before in self.all:
            self.switch(t)
        elif t is not before:
            self._load(t)
        self.p.set_result(result)
        self.p.vcpu.nia += ahead
        if t is not before and before in self.all:
            self.switch(before)
            t.pending = own
        else:
            self.p.signals.pending += own
            self.p.vcpu.attention = 1

    def _sleep(self, ns: int | None) -> None:
        timeout = None if ns is None else Buffer(struct.pack("<qq", ns // 10**9, ns % 10**9))
        wait(NR["ppoll"], 0, 0, timeout.at if timeout else 0, 0, 8)

    # -- signals between threads
    def send(self, tid: int, number: int) -> int | None:
        """tgkill: None if it is none of our threads, or there is only one."""
        target = next((t for t in self.all if t.tid == tid), None)
        if target is None or not self.many:
            return None
        if number:
            info = user_info(number, os.getpid(), os.getuid(), SI_TKILL)
            if target is self.current:
                self.p.signals.pending.append(info)
                self.p.vcpu.attention = 1
            else:
                target.pending.append(info)
                if target.waits and not target.mask >> (number - 1) & 1:
                    self.interrupt(target)
        return 0


__all__ = ["TURN", "Again", "Threads"]
