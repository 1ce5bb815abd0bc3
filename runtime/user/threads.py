"""Threads of a process: each has a host thread and a vCPU of its own. order.py says when it may run.

To the host's kernel a thread of the program is that host thread: its number, its signal mask, its name and its credentials are the
host's, signals between threads and timers for one of them need nothing here, and waiting is waiting. The main thread of the program runs on our
main one, which stays (a process ends with it); it waits there when the program's has ended, and takes over if another thread executes a program.
"""

from __future__ import annotations

import _thread
import ctypes
import os
import sys
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dbt.records import Record, field
from dbt.state import offset

from . import native
from .errno import EAGAIN, SyscallError
from .native import NR, Mailbox, host
from .order import AtOnce, InTurns, Order
from .robust import abandon

if TYPE_CHECKING:
    from .process import Process

ARCHITECTED = 0x1400  # bytes of the vCPU record that are a thread's registers (dbt/state.py)
TURN, EVENT = 1 << 20, 1 << 14  # instructions of a turn, and as how many a call or a fault counts
ATTENTION = offset("attention")
SWITCH_SECONDS = 0.0005  # how long a thread that runs Python may keep the others from it
ENDING_NS = 200_000  # between looks at whether all others have ended


def _closed() -> Any:
    gate = threading.Lock()
    gate.acquire()
    return gate


class Thread(Record, eq=False):
    """A thread, as its kernel knows it."""

    tid: int
    vcpu: Any
    mailbox: Mailbox
    mask: int = 0
    stack: tuple[int, int, int] = (0, 2, 0)  # sigaltstack: address, flags, size
    pending: list[bytes] = field(default_factory=list)  # signals taken by the host's handler, not delivered yet
    interrupted: tuple[str, int, int] | None = None  # call that gave EINTR: name, its r3, its address
    suspended: int | None = None  # the mask to go back to after sigsuspend and the like
    clear_child_tid: int = 0
    robust_list: int = 0
    scv: bool = False  # the call was made by `scv 0`
    no_result: bool = False  # the call being made has set all registers
    call: str = "execve"  # its name, for the sandbox
    places: dict[bytes, Any] = field(default_factory=dict)  # and what its paths led to
    retried: tuple[int, int, int] = (0, 0, 0)  # a fault that was none any more: its address, instructions executed, how often
    ends: bool = False  # it is to end when it looks up
    born: Any = field(default_factory=_closed)
    gate: Any = field(default_factory=_closed)  # order.py's: open when the turn is its own
    calling: float = 0.0  # when it went into a call of the host with its turn, else 0
    futex: tuple[int, int] | None = None  # what it sleeps at: host address, bits
    inside: bool = False  # it runs guest code and others run too


class Ended(Exception):
    """The current thread ends."""


class Threads:
    """All threads of a process."""

    def __init__(self, process: Process) -> None:
        self.p = process
        self.main = self.current = Thread(os.getpid(), process.vm.vcpus[0], Mailbox())
        self.all = [self.main]
        self._seats: list[tuple[Any, Mailbox]] = []  # of threads that have ended
        self._parked = _closed()  # opened when the main thread is to go on
        self._job: tuple[Callable[[], None], int] | None = None  # what it then has to do, and its signal mask
        self.order: Order = AtOnce(self) if process.vm.parallel else InTurns(self)
        self.main.mailbox.watch(self.main.vcpu.address + ATTENTION)
        self.order.attach(self.main)

    @property
    def many(self) -> bool:
        return len(self.all) > 1

    def run(self) -> None:
        """The main thread, on our main thread. Does not return."""
        self.main.mailbox.use()
        native.take_faults()
        native.set_wait(self._wait)
        self._lead()

    def _wait(self, frame: Any) -> int:
        t = self.current
        frame[7] = t.mailbox.attention
        return self.order.outside(t, frame)

    def resumed(self, t: Thread, alone: bool = False) -> None:
        """`t` runs from here on. `alone`: nobody else did meanwhile, and time goes on where the thread before it left off."""
        if t is not self.current:
            if alone:
                t.vcpu.tb_offset = (self.current.vcpu.timebase - t.vcpu.icount) & (1 << 64) - 1
                t.vcpu.reserve_size = 0  # a reservation is lost
            self.current, self.p.vcpu = t, t.vcpu
        if t.ends:
            raise Ended

    # -- beginning
    def add(self, stack: int, tls: int | None) -> Thread:
        """clone: a thread that begins after the call, with 0 as its result. EAGAIN if the host has no more."""
        p, parent = self.p, self.current
        vcpu, mailbox = self._seat()
        ctypes.memmove(vcpu.address, parent.vcpu.address, ARCHITECTED)
        vcpu.reserve_size = vcpu.attention = 0
        vcpu.darn = parent.vcpu.darn = (parent.vcpu.darn * 0x5851_F42D_4C95_7F2D + 1) & (1 << 64) - 1
        vcpu.darn ^= 1 << 63
        if stack:
            vcpu.gpr[1] = stack
        if tls is not None:
            vcpu.gpr[13 if p.abi.bits == 64 else 2] = tls
        vcpu.gpr[3] = 0
        vcpu.cr[0] &= 14
        vcpu.mode_changed()
        t = Thread(0, vcpu, mailbox, parent.mask)
        self.order.attach(t)
        if not self.many:
            sys.setswitchinterval(SWITCH_SECONDS)
        mask = native.set_whole_mask(native.SIG_BLOCK, native.EVERY)  # until it has a mailbox
        try:
            _thread.start_new_thread(self._host_thread, (t,))
            t.born.acquire()
        except RuntimeError:
            self._seats.append((vcpu, mailbox))
            raise SyscallError(EAGAIN) from None
        finally:
            native.set_whole_mask(native.SIG_SETMASK, mask)
        self.all.append(t)
        self.order.added(t)
        return t

    def _seat(self) -> tuple[Any, Mailbox]:
        if self._seats:
            return self._seats.pop()
        try:
            vcpu, mailbox = self.p.vm.add_vcpu(), Mailbox()
        except (ValueError, OSError):
            raise SyscallError(EAGAIN) from None
        mailbox.watch(vcpu.address + ATTENTION)
        return vcpu, mailbox

    def _host_thread(self, t: Thread) -> None:
        t.tid = threading.get_native_id()
        t.mailbox.use()
        native.set_mask(native.SIG_SETMASK, t.mask)
        t.born.release()
        self._follow(t)
        if t is self.main:  # of a process that it forked
            self._lead(ended=True)

    def _lead(self, ended: bool = False) -> None:
        """The main thread, and whatever it is to do after its end."""
        if not ended:
            self.order.added(self.main)
            self._follow(self.main)
        while True:
            self._parked.acquire()
            self.main.ends = False
            self.order.added(self.main)
            self._follow(self.main, self._take_over)

    def _follow(self, t: Thread, first: Callable[[], None] = lambda: None) -> None:
        """Run a thread from here to its end."""
        try:
            self.order.begin(t)
            first()
            self.p.run_thread()
        except Ended:
            self._end(t)
            self.order.end(t)
        except BaseException as e:
            if t is self.main and not self.many:
                raise
            self.p.fail(e)

    # -- ending
    def _end(self, t: Thread) -> None:
        """What a thread leaves behind: its memory is told, and its seat is free."""
        native.set_whole_mask(native.SIG_BLOCK, native.EVERY)
        abandon(self.p, t)
        self.all.remove(t)
        if t is not self.main:
            self._seats.append((t.vcpu, t.mailbox))

    def alone(self, job: Callable[[], None]) -> None:
        """execve by one of several threads: all end, and the main thread goes on alone, with the job. Returns only if there are no others."""
        t = self.current
        if not self.many and t is self.main:
            job()
            return
        self._job = job, t.mask
        for other in self.all:
            if other is not t:
                other.ends = True
                native.kick(other.tid)
        t.ends = True
        self._parked.release()
        raise Ended

    def _take_over(self) -> None:
        """On the main thread: do the job of `alone`."""
        t = self.main
        self.all.append(t)
        while self.many:
            native.wait(NR["clock_nanosleep"], 1, 0, native.timespec(ENDING_NS).at, 0)
        assert self._job is not None
        (job, mask), self._job = self._job, None
        t.clear_child_tid = t.robust_list = 0
        t.suspended = t.interrupted = None
        self.p.signals.set_mask(mask)
        job()

    def forked(self) -> None:
        """In the child of a fork: the thread that forked is the only one."""
        t = self.current
        self._seats += [(o.vcpu, o.mailbox) for o in self.all if o is not t]
        t.tid = os.getpid()
        t.robust_list = 0
        self.main, self.all = t, [t]
        self._parked = _closed()
        self.order.forked(t)

    # -- waking
    def wake(self, at: int, most: int) -> None:
        """FUTEX_WAKE of threads that wait at a host address, for the kernel's own purposes."""
        if isinstance(self.order, InTurns):
            self.order.wake(at, most, 0xFFFF_FFFF)
        host(NR["futex"], at, native.FUTEX_WAKE, most)
        host(NR["futex"], at, native.FUTEX_WAKE | native.FUTEX_PRIVATE, most)


__all__ = ["EVENT", "TURN", "Ended", "Thread", "Threads"]
