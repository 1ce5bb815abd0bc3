"""The background compiler: turns hot entries into compiled regions while the guest runs.

The guest's thread puts hot entries into a queue in the machine record and never waits. This thread takes them out,
finds each region, compiles it or takes it from the cache, loads it, and hands it over; the guest's thread installs it
between two stretches of native code, if the page has not changed meanwhile.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from dbt.backend import layout
from dbt.backend.objects import Arena
from dbt.backend.regioncache import Compiled, RegionCache
from dbt.mode import Mode

if TYPE_CHECKING:
    from .vm import VM

QUEUE = 1024
REGION_ARENA = 96 << 20
POLL_SECONDS = 0.001
OFTEN = 32  # a branch target is worth compiling with a hot entry after this fraction of the threshold


class Ready(NamedTuple):
    """A region in memory, to be installed in its page."""

    page: int  # host address of the code page
    serial: int  # of the page when the region was found
    region: Compiled
    address: int


class BackgroundCompiler:
    """One thread for a machine. `stats` counts what it did."""

    def __init__(self, vm: VM) -> None:
        self._vm = vm
        self._arena = Arena(REGION_ARENA)
        vm.set_record(regions_start=self._arena.base, regions_end=self._arena.end)
        self._cache = RegionCache(vm.engine)
        self._ready: deque[Ready] = deque()
        self._stop = threading.Event()
        self.stats = {"compiled": 0, "cached": 0, "installed": 0, "stale": 0, "instructions": 0, "failed": 0}
        self.errors: list[str] = []
        self._install = vm.engine.function("install_region", 2)
        self._cold = np.uint32((1 << 32) - int(vm.record["hot_threshold"]))
        self._often = np.uint32(max(1, int(vm.record["hot_threshold"]) // OFTEN))
        self._queue = np.frombuffer((ctypes.c_uint64 * QUEUE).from_address(int(vm.record["hot_queue"])), np.uint64)
        self._thread = threading.Thread(target=self._work, name="ppcdbt-compiler", daemon=True)
        self._thread.start()

    def install(self, vcpu_address: int) -> None:
        """Install what is ready. Call on the guest's thread, outside translated code."""
        while self._ready:
            ready = self._ready.popleft()
            table = _table(ready.page)
            if _serial(ready.page) != ready.serial or not ready.region.matches(table[:, 2]):
                self.stats["stale"] += 1
                table[ready.region.entries[0], 3] = self._cold  # it may become hot again
                continue
            for entry in ready.region.entries.tolist():
                self._install(vcpu_address, ready.page + entry * layout.ENTRY_BYTES, ready.address)
            bits = np.zeros(1024, np.uint8)
            bits[ready.region.places] = 1
            covered = np.frombuffer((ctypes.c_uint8 * 128).from_address(ready.page + layout.PAGE_COVERED), np.uint8)
            covered |= np.packbits(bits, bitorder="little")
            self.stats["installed"] += 1

    def drain(self, timeout: float = 60.0) -> None:
        """Wait until everything asked for is compiled (tests and benchmarks want a settled state)."""
        record = self._vm.record
        deadline = threading.Event()
        waited = 0.0
        while (int(record["hot_head"]) != int(record["hot_tail"]) or self._busy) and waited < timeout:
            deadline.wait(0.002)
            waited += 0.002

    def close(self) -> None:
        """Stop the thread; what is being compiled is finished first."""
        self._stop.set()
        self._thread.join()
        self._cache.save()
        self._ready.clear()
        self._arena.close()

    _busy = False

    def _work(self) -> None:
        waiting: list[int] = []
        while not self._stop.is_set():
            self._busy = bool(waiting)
            waiting += self._take()
            if not waiting:
                self._stop.wait(POLL_SECONDS)
                continue
            self._busy = True
            entry = max(waiting, key=_heat)  # the hottest first: compiling one takes as long as running it 100,000 times
            waiting.remove(entry)
            try:
                self._translate(entry)
            except MemoryError:
                self.errors.append("the arena for compiled regions is full: hot code stays interpreted")
                self.stats["failed"] += 1
            except Exception as e:
                self.errors.append(f"{type(e).__name__}: {e}")
                self.stats["failed"] += 1

    def _take(self) -> list[int]:
        """New requests; what is in the cache is dealt with at once."""
        record = self._vm.record
        tail, head = int(record["hot_tail"]), int(record["hot_head"])
        taken = [int(self._queue[n % QUEUE]) for n in range(tail, head)]
        record["hot_tail"] = head
        return [entry for entry in taken if not self._from_cache(entry)]

    def _from_cache(self, entry: int) -> bool:
        page = entry & -layout.CODE_PAGE_STRIDE
        serial, mode = _serial(page), Mode.of_index(_mode(page))
        found = self._cache.find(_table(page)[:, 2], (entry - page) // layout.ENTRY_BYTES * 4, mode)
        if found is not None:
            self.stats["cached"] += 1
            self._hand_over(page, serial, found)
        return found is not None

    def _hand_over(self, page: int, serial: int, region: Compiled) -> None:
        self.stats["instructions"] += len(region.places)
        self._ready.append(Ready(page, serial, region, self._cache.load(self._arena, region.image)))

    def _translate(self, entry: int) -> None:
        page = entry & -layout.CODE_PAGE_STRIDE
        serial = _serial(page)
        mode = Mode.of_index(_mode(page))
        table = _table(page).copy()
        if _serial(page) != serial:
            self.stats["stale"] += 1
            return
        handler = int(table[(entry - page) // layout.ENTRY_BYTES, 0]) | int(table[(entry - page) // layout.ENTRY_BYTES, 1]) << 32
        if self._arena.base <= handler < self._arena.end:
            return  # another entry's region can be entered here
        offset = (entry - page) // layout.ENTRY_BYTES * 4
        seen_often = table[:, 3] - self._cold >= self._often  # unsigned: an entry that was queued counts on from 2**31
        arrivals = set((np.flatnonzero(seen_often) * 4).tolist())
        found = self._cache.find(table[:, 2], offset, mode)
        if found is None:
            found = self._cache.compile(table[:, 2], offset, mode, arrivals)
            self.stats["compiled"] += 1
        self._hand_over(page, serial, found)


def _heat(entry: int) -> int:
    """Arrivals at a queued entry since it was queued."""
    return int(ctypes.c_uint32.from_address(entry + layout.ENTRY_HOT).value)


def _mode(page: int) -> int:
    return int(ctypes.c_uint64.from_address(page + layout.PAGE_MODE).value)


def _table(page: int) -> Any:
    """The entries of a code page as rows of four u32: handler (two), word, hotness."""
    return np.frombuffer((ctypes.c_uint32 * (4 * layout.CODE_PAGE_ENTRIES)).from_address(page), np.uint32).reshape(-1, 4)


def _serial(page: int) -> int:
    return int(ctypes.c_uint64.from_address(page + layout.PAGE_SERIAL).value)
