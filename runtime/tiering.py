"""Compiled regions for hot code: from the cache at once, else from a background thread.

Translated code puts hot entries into a queue in the machine record and never waits. Between two stretches of native code the
guest's thread (of several, one at a time) takes them out: a region that is in the cache is installed there and then. The others
wait until they have run for about as long as compiling them takes, which most never do; then they go to the compiler's thread,
hottest first, and are installed at a later such point, if their page has not changed meanwhile.
"""

from __future__ import annotations

import ctypes
import signal
import sys
import threading
import time
from array import array
from collections import deque
from typing import TYPE_CHECKING, NamedTuple

from dbt.backend import layout
from dbt.backend.faults import faults
from dbt.backend.objects import Arena, view_memory
from dbt.backend.regioncache import Compiled, RegionCache
from dbt.mode import Mode
from dbt.state import offset

if TYPE_CHECKING:
    from .vm import VM

_ICOUNT = offset("icount")
QUEUE = 1024
REGION_ARENA = 96 << 20
PATIENCE = 64  # an entry is worth compiling after so many times the arrivals that made it hot (some tens of milliseconds of interpretation),
FIRST_PATIENCE = 256  # and the first one, for which LLVM has to be imported, after so many
LOOK = 8_000_000  # instructions between looks at which entries are worth it
QUEUED = 1 << 31  # hotness of an entry when it is put into the queue: it counts on from there
OFTEN = 32  # a branch target is worth compiling with a hot entry after this fraction of the threshold


class Ready(NamedTuple):
    """A compiled region, to be installed in its page."""

    page: int  # host address of the code page
    serial: int  # of the page when the region was found
    region: Compiled


class BackgroundCompiler:
    """One thread for a machine. `stats` counts what it did."""

    def __init__(self, vm: VM) -> None:
        self._vm = vm
        self._arena = Arena(REGION_ARENA)
        if vm.direct:
            faults.watch(self._arena)
        vm.set_record(regions_start=self._arena.base, regions_end=self._arena.end)
        self._cache = RegionCache(vm.engine, vm.parallel)
        self._ready: deque[Ready] = deque()
        self._misses: list[int] = []  # hot entries whose region is not in the cache
        self._worth: deque[int] = deque()  # those of them that the thread is to compile
        self._looked = 0  # instructions that had run at the last look
        self._loaded: dict[Compiled, int] = {}  # where a region is in the arena
        self._pending: set[tuple[int, int, int]] = set()  # page, serial, offset of entries whose region waits to be installed
        self._work_to_do = threading.Event()
        self._resting = threading.Lock()  # held while the thread works on something: a fork waits for it
        self._stop = self._busy = False
        self.stats = {"compiled": 0, "cached": 0, "installed": 0, "stale": 0, "instructions": 0, "failed": 0}
        self.errors: list[str] = []
        self._install = vm.engine.function("install_region", 2)
        self._cold = (1 << 32) - vm.record["hot_threshold"]
        self._often = max(1, vm.record["hot_threshold"] // OFTEN)
        self._head, self._tail = vm.record.cell("hot_head"), vm.record.cell("hot_tail")
        self._queue = view_memory(vm.record["hot_queue"], 8 * QUEUE).cast("Q")
        self._thread: threading.Thread | None = None  # made when there is something to do

    def _start(self) -> None:
        before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # signals go to the guest's thread
        self._thread = threading.Thread(target=self._work, name="ppcdbt-compiler", daemon=True)
        self._thread.start()
        signal.pthread_sigmask(signal.SIG_SETMASK, before)

    def install(self, vcpu_address: int) -> None:
        """Install what is ready and what is cached. Call on the guest's thread, outside translated code."""
        while self._ready:
            page, serial, region = self._ready.popleft()
            self._pending.difference_update((page, serial, 4 * e) for e in region.entries)
            if not self._put(vcpu_address, page, serial, region):
                self.stats["stale"] += 1
                _hotness(page)[region.entries[0]] = self._cold  # it may become hot again
        if self._misses and (ran := int(ctypes.c_uint64.from_address(vcpu_address + _ICOUNT).value)) - self._looked >= LOOK:
            self._looked = ran
            self._choose(PATIENCE if "dbt.backend.translator" in sys.modules else FIRST_PATIENCE)
        tail, head = self._tail.value, self._head.value
        if tail == head:
            return
        for n in range(tail, head):
            entry = self._queue[n % QUEUE]
            page = entry & -layout.CODE_PAGE_STRIDE
            place = (entry - page) // layout.ENTRY_BYTES * 4
            if self._is_compiled(entry):
                continue  # another entry's region can be entered here
            mode = Mode.of_index(_mode(page), self._vm.cpu.level, self._vm.direct)
            cached = self._cache.find(_words(page), place, mode)
            if cached is not None:
                self.stats["cached"] += self._put(vcpu_address, page, _serial(page), cached)
            else:
                self._misses.append(entry)
        self._tail.value = head

    def _choose(self, patience: int) -> None:
        """Hand the entries that have been arrived at often enough to the compiler's thread."""
        least = patience * self._vm.record["hot_threshold"]
        kept = []
        for entry in self._misses:
            heat = _heat(entry) - QUEUED
            if 0 <= heat < least:
                kept.append(entry)
            elif 0 <= heat < QUEUED >> 1:  # else its page was dropped
                self._worth.append(entry)
        self._misses = kept
        if self._worth:
            if self._thread is None:
                self._start()
            self._work_to_do.set()

    def _put(self, vcpu_address: int, page: int, serial: int, region: Compiled) -> bool:
        """Install a region if its page is still the one it was found for."""
        self._vm.engine.function("hold_code", 0)(vcpu_address)
        try:
            return self._put_now(vcpu_address, page, serial, region)
        finally:
            self._vm.engine.function("release_code", 0)(vcpu_address)

    def _put_now(self, vcpu_address: int, page: int, serial: int, region: Compiled) -> bool:
        if _serial(page) != serial or not region.matches(_words(page)):
            return False
        address = self._loaded.get(region)
        if address is None:  # one copy serves every page with the same words
            try:
                address = self._loaded[region] = self._cache.load(self._arena, region.image)
            except MemoryError:
                self._failed("the arena for compiled regions is full: hot code stays interpreted")
                return True
        for entry in region.entries:
            self._install(vcpu_address, page + entry * layout.ENTRY_BYTES, address)
        bits = view_memory(page + layout.PAGE_COVERED, layout.CODE_PAGE_ENTRIES // 8)
        for n in region.places:
            bits[n >> 3] |= 1 << (n & 7)
        self.stats["installed"] += 1
        self.stats["instructions"] += len(region.places)
        return True

    def _is_compiled(self, entry: int) -> bool:
        return self._arena.base <= int(ctypes.c_uint64.from_address(entry).value) < self._arena.end

    def _failed(self, why: str) -> None:
        self.stats["failed"] += 1
        if why not in self.errors:
            self.errors.append(why)

    def drain(self, timeout: float = 60.0) -> None:
        """On the guest's thread: wait until everything asked for is compiled and installed (tests, benchmarks, `--warm`)."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            self.install(self._vm.vcpus[0].address)
            self._choose(0)
            if not (self._worth or self._busy or self._ready):
                return
            time.sleep(0.002)

    def close(self) -> None:
        """Stop the thread (what is being compiled is finished first) and keep what was compiled for the next run."""
        self._stop = True
        self._work_to_do.set()
        if self._thread is not None:
            self._thread.join()
        self._cache.save()
        self._ready.clear()
        if self._vm.direct:
            faults.forget(self._arena)
        self._arena.close()

    def keep(self) -> None:
        """Keep what was compiled, without waiting for more: the process is about to end."""
        self._stop = True
        self._cache.save()

    # -- a fork of our process (Linux user mode): threads are not inherited, so ours must not hold anything meanwhile
    def before_fork(self) -> None:
        """Wait until the thread rests."""
        self._resting.acquire()

    def after_fork(self, child: bool) -> None:
        """Go on; the child will have a thread of its own."""
        self._resting.release()
        if child:
            self._work_to_do = threading.Event()
            self._resting = threading.Lock()
            self._cache.forget_new()
            self._busy, self._thread = False, None

    # -- the compiler's thread
    def _work(self) -> None:
        waiting: list[int] = []
        while True:
            if not waiting and not self._worth:
                self._busy = False
                self._work_to_do.wait()
                self._work_to_do.clear()
            if self._stop:
                return
            self._busy = True
            while self._worth:
                waiting.append(self._worth.popleft())
            if not waiting:
                continue
            entry = max(waiting, key=_heat)  # the hottest first: compiling one takes as long as running it 100,000 times
            waiting.remove(entry)
            with self._resting:
                try:
                    self._translate(entry)
                except Exception as e:
                    self._failed(f"{type(e).__name__}: {e}")

    def _translate(self, entry: int) -> None:
        page = entry & -layout.CODE_PAGE_STRIDE
        serial = _serial(page)
        offset = (entry - page) // layout.ENTRY_BYTES * 4
        if (page, serial, offset) in self._pending or self._is_compiled(entry):
            return
        mode = Mode.of_index(_mode(page), self._vm.cpu.level, self._vm.direct)
        words, hotness = memoryview(array("I", _words(page).tobytes())), _hotness(page).tolist()
        if _serial(page) != serial:
            return
        # modulo 2**32: an entry that was queued counts on from 2**31
        arrivals = {4 * n for n, heat in enumerate(hotness) if heat - self._cold & 0xFFFF_FFFF >= self._often}
        region = self._cache.compile(words, offset, mode, arrivals)
        self._pending.update((page, serial, 4 * e) for e in region.entries)
        self.stats["compiled"] += 1
        self._ready.append(Ready(page, serial, region))


def _heat(entry: int) -> int:
    """Hotness of an entry."""
    return int(ctypes.c_uint32.from_address(entry + layout.ENTRY_HOT).value)


def _mode(page: int) -> int:
    return int(ctypes.c_uint64.from_address(page + layout.PAGE_MODE).value)


def _words(page: int) -> memoryview:
    """The instruction words of a code page's entries."""
    return view_memory(page, layout.SENTINEL).cast("I")[layout.ENTRY_WORD // 4 :: layout.ENTRY_BYTES // 4]


def _hotness(page: int) -> memoryview:
    """The hotness of a code page's entries, 32 bits each."""
    return view_memory(page, layout.SENTINEL).cast("I")[layout.ENTRY_HOT // 4 :: layout.ENTRY_BYTES // 4]


def _serial(page: int) -> int:
    return int(ctypes.c_uint64.from_address(page + layout.PAGE_SERIAL).value)
