"""Which of a process's threads may run. Each has a host thread of its own; what they share in Python is used by one at a time.

In turns (the default) a thread keeps its turn while it runs guest code, and gives it away where it waits for something; the next is the one that
has waited longest. Who waits and who is woken depends on the program only, except where it asks the host: a call that may wait is first tried
without (trial.py), so that one that can be answered at once does not cost the turn, and the same program takes the same turns.

At once, a thread gives way before it enters guest code, and needs the process to itself again when it comes back.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from dbt.exits import Exit

from . import native
from .errno import ETIMEDOUT
from .trial import trial

if TYPE_CHECKING:
    from .threads import Thread, Threads

LATE_SECONDS = 0.02  # a call that was expected to be answered at once: then the next one gets the turn
STOP_SECONDS = 50e-6  # between looks at whether others have left guest code


class Order(ABC):
    """How the threads of a process get to run. All but `added` and `begin` are called by the thread that runs."""

    def __init__(self, threads: Threads) -> None:
        self.threads = threads

    def attach(self, t: Thread) -> None:  # noqa: B027
        """A new thread: before it begins."""

    def added(self, t: Thread) -> None:  # noqa: B027
        """A thread is going to `begin`: called by whoever starts it."""

    @abstractmethod
    def begin(self, t: Thread) -> None:
        """On a thread's own host thread: wait until it may run."""

    @abstractmethod
    def end(self, t: Thread) -> None:
        """It does not want to run any more."""

    def turn(self, t: Thread) -> None:  # noqa: B027
        """It has run for a while: others may."""

    @abstractmethod
    def outside(self, t: Thread, frame: Any) -> int:
        """Make a call of the host that may wait, while others run."""

    @abstractmethod
    def forked(self, t: Thread) -> None:
        """In the child of a fork: `t` is the only one."""

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """No other thread is in guest code meanwhile."""
        yield


class InTurns(Order):
    """One after the other, in the order in which they became able to run."""

    def __init__(self, threads: Threads) -> None:
        super().__init__(threads)
        self.forked(None)

    def forked(self, t: Thread | None) -> None:
        self._mutex = threading.Lock()  # of the following
        self._queue: deque[Thread] = deque()
        self._holder = t
        self._sleepers: list[Thread] = []  # at a futex, in order

    def added(self, t: Thread) -> None:
        with self._mutex:
            self._want(t)

    def begin(self, t: Thread) -> None:
        self._await(t)

    def end(self, t: Thread) -> None:
        with self._mutex:
            self._give()

    def turn(self, t: Thread) -> None:
        with self._mutex:
            if not self._queue:
                return
            self._queue.append(t)
            self._give()
        self._await(t)

    # -- who has the turn
    def _give(self) -> None:
        """The turn is free for the next. With the mutex."""
        self._holder = self._queue.popleft() if self._queue else None
        if self._holder is not None:
            self._holder.gate.release()

    def _want(self, t: Thread) -> None:
        """`t` can run. With the mutex."""
        if self._holder is None:
            self._holder = t
            t.gate.release()
        else:
            self._queue.append(t)

    def _come(self, t: Thread) -> None:
        with self._mutex:
            self._want(t)
        self._await(t)

    def _await(self, t: Thread) -> None:
        """Until `t` has the turn. Who has it, and has been in a call of the host for longer than anyone thought, loses it."""
        while not t.gate.acquire(timeout=LATE_SECONDS if self._queue and self._queue[0] is t else 8 * LATE_SECONDS):
            with self._mutex:
                holder = self._holder
                if holder is not None and holder.calling and time.monotonic() - holder.calling > LATE_SECONDS:
                    holder.calling = 0.0
                    self._give()
        self.threads.resumed(t, alone=True)

    def outside(self, t: Thread, frame: Any) -> int:
        if not self.threads.many:
            return native.call(frame)
        result, waits = trial(frame)
        if result is not None:
            return result
        if waits:
            with self._mutex:
                self._give()
            result = native.call(frame)
            self._come(t)
            return result
        t.calling = time.monotonic()
        result = native.call(frame)
        with self._mutex:
            kept, t.calling = t.calling, 0.0
        if not kept:
            self._come(t)
        return result

    # -- futexes of the process's own memory
    def sleep(self, t: Thread, at: int, bits: int, ns: int | None) -> int:
        """FUTEX_WAIT at a host address: 0 if it was woken, or a negative error number."""
        timeout = None if ns is None else native.timespec(ns)
        t.mailbox.expect()
        with self._mutex:
            t.futex = at, bits
            self._sleepers.append(t)
            self._give()
        result = t.mailbox.sleep(timeout.at if timeout else 0)
        with self._mutex:
            woken = t.futex is None
            if not woken:
                t.futex = None
                self._sleepers.remove(t)
                self._want(t)
        self._await(t)
        return 0 if woken else result or -ETIMEDOUT

    def wake(self, at: int, most: int, bits: int, target: int = 0, move: int = 0) -> int:
        """FUTEX_WAKE, and FUTEX_REQUEUE for up to `move` others; how many."""
        count = 0
        with self._mutex:
            for t in [t for t in self._sleepers if t.futex is not None and t.futex[0] == at and t.futex[1] & bits]:
                if count < most:
                    t.futex = None
                    self._sleepers.remove(t)
                    self._want(t)
                    t.mailbox.rouse()
                elif count < most + move:
                    t.futex = target, t.futex[1] if t.futex else bits
                else:
                    break
                count += 1
        return count


class AtOnce(Order):
    """All at once: one at a time in Python, any number in guest code and in calls of the host."""

    def __init__(self, threads: Threads) -> None:
        super().__init__(threads)
        self._lock = threading.Lock()
        self._native = threads.p.vm.engine.function("run", 0)

    def forked(self, t: Thread) -> None:
        self._lock = threading.Lock()
        self._lock.acquire()

    def attach(self, t: Thread) -> None:
        t.vcpu.enter = lambda address: self._guest(t, address)

    def begin(self, t: Thread) -> None:
        self._lock.acquire()
        self.threads.resumed(t)

    def end(self, t: Thread) -> None:
        self._lock.release()

    def outside(self, t: Thread, frame: Any) -> int:
        self._lock.release()
        result = native.call(frame)
        self._lock.acquire()
        self.threads.resumed(t)
        return result

    def _guest(self, t: Thread, address: int) -> int:
        t.inside = True
        self._lock.release()
        kind = self._native(address)
        t.inside = False
        self._lock.acquire()
        self.threads.resumed(t)
        if kind == Exit.CODE_FULL:
            with self.stopped():
                t.vcpu.call("drop_all_code")
            return 0
        return kind

    @contextmanager
    def stopped(self) -> Iterator[None]:
        others = [o for o in self.threads.all if o is not self.threads.current]
        while any(o.inside for o in others):
            for o in others:
                if o.inside:
                    o.vcpu.attention = 1
            time.sleep(STOP_SECONDS)
        yield
