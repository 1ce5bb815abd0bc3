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
POLL_SECONDS = 0.001


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
        self._arena = Arena(128 << 20)
        vm.set_record(regions_start=self._arena.base, regions_end=self._arena.end)
        self._cache = RegionCache(vm.engine)
        self._ready: deque[Ready] = deque()
        self._stop = threading.Event()
        self.stats = {"compiled": 0, "cached": 0, "installed": 0, "stale": 0, "instructions": 0, "failed": 0}
        self.errors: list[str] = []
        self._install = vm.engine.function("install_region", 2)
        self._cold = np.uint32((1 << 32) - int(vm.record["hot_threshold"]))
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

    _busy = False

    def _work(self) -> None:
        record = self._vm.record
        queue = np.frombuffer((ctypes.c_uint64 * QUEUE).from_address(int(record["hot_queue"])), np.uint64)
        while not self._stop.is_set():
            tail = int(record["hot_tail"])
            if tail == int(record["hot_head"]):
                self._stop.wait(POLL_SECONDS)
                continue
            self._busy = True
            entry = int(queue[tail % QUEUE])
            record["hot_tail"] = tail + 1
            try:
                self._translate(entry)
            except MemoryError:
                self.errors.append("the arena for compiled regions is full: hot code stays interpreted")
                self.stats["failed"] += 1
            except Exception as e:
                self.errors.append(f"{type(e).__name__}: {e}")
                self.stats["failed"] += 1
            self._busy = False

    def _translate(self, entry: int) -> None:
        page = entry & -layout.CODE_PAGE_STRIDE
        serial = _serial(page)
        mode = Mode.of_index(ctypes.c_uint64.from_address(page + layout.PAGE_MODE).value)
        table = _table(page).copy()
        if _serial(page) != serial:
            self.stats["stale"] += 1
            return
        offset = (entry - page) // layout.ENTRY_BYTES * 4
        arrivals = (np.flatnonzero(table[:, 3] != self._cold) * 4).tolist()
        region, compiled = self._cache.region(table[:, 2], offset, mode, arrivals)
        self.stats["compiled" if compiled else "cached"] += 1
        self.stats["instructions"] += len(region.places)
        self._ready.append(Ready(page, serial, region, self._cache.load(self._arena, region.image)))


def _table(page: int) -> Any:
    """The entries of a code page as rows of four u32: handler (two), word, hotness."""
    return np.frombuffer((ctypes.c_uint32 * (4 * layout.CODE_PAGE_ENTRIES)).from_address(page), np.uint32).reshape(-1, 4)


def _serial(page: int) -> int:
    return int(ctypes.c_uint64.from_address(page + layout.PAGE_SERIAL).value)
