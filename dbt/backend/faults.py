"""Python's half of recovery.py: the tables the fault handler searches, its installation, and the window of guest addresses."""

from __future__ import annotations

import ctypes
import signal
import threading
from typing import Any

from . import layout as at
from .objects import Arena, map_memory, reserve_memory, unmap_memory

SIGNALS = (signal.SIGBUS, signal.SIGSEGV)  # in the order of FAULT_NEXT
SA_SIGINFO, SA_ONSTACK = 4, 0x0800_0000
LARGEST, SMALLEST = 45, 36  # 2**k: 46 would reach the host's own addresses
MOST_FAULTS = 1 << 22  # entries of an arena


class _Action(ctypes.Structure):
    _fields_ = (("handler", ctypes.c_void_p), ("mask", ctypes.c_uint64 * 16), ("flags", ctypes.c_int), ("restorer", ctypes.c_void_p))


class Faults:
    """The process's fault handler. There is one (`faults`), at work from the first window on."""

    def __init__(self) -> None:
        self._state = 0
        self._tables: list[Arena | None] = [None] * at.FAULT_TABLE_COUNT

    def install(self, symbols: dict[str, int]) -> None:
        """Take SIGSEGV and SIGBUS. `symbols`: of an engine."""
        if not self._state:
            self._state = map_memory(4096)
            libc = ctypes.CDLL(None, use_errno=True)
            for n, number in enumerate(SIGNALS):
                action, before = _Action(symbols["fault_handler"], flags=SA_SIGINFO | SA_ONSTACK), _Action()
                ctypes.c_uint64.from_address(symbols["fault_state"]).value = self._state
                if libc.sigaction(int(number), ctypes.byref(action), ctypes.byref(before)):
                    raise OSError(ctypes.get_errno(), "no handler for faults of guest memory can be installed")
                self._word(at.FAULT_NEXT + 8 * n).value = self._word(at.FAULT_SENT + 8 * n).value = before.handler or 0
        ctypes.c_uint64.from_address(symbols["fault_state"]).value = self._state

    def _word(self, offset: int) -> Any:
        return ctypes.c_uint64.from_address(self._state + offset)

    def set_sent(self, number: int, handler: int) -> None:
        """Who gets a SIGSEGV or SIGBUS that was sent, by us or by another process: a handler's address, 0 the default action."""
        self._word(at.FAULT_SENT + 8 * SIGNALS.index(signal.Signals(number))).value = handler

    def next(self, number: int) -> int:
        """Who gets one that is not about guest memory, and was not sent: 0 the default action, 1 nobody."""
        return int(self._word(at.FAULT_NEXT + 8 * SIGNALS.index(signal.Signals(number))).value)

    def watch(self, arena: Arena) -> None:
        """Faults of code in this arena are recovered from."""
        n = self._tables.index(None)
        self._tables[n] = arena
        arena.faults = map_memory(16 * MOST_FAULTS)
        base = at.FAULT_TABLES + n * at.FAULT_TABLE_BYTES
        arena.fault_count = self._word(base + 24)
        arena.fault_count.value = 0
        self._word(base + 16).value = arena.faults
        self._word(base + 8).value = arena.end
        self._word(base).value = arena.base
        arena.listed()

    def forget(self, arena: Arena) -> None:
        """The arena is going away."""
        if arena in self._tables:
            n = self._tables.index(arena)
            self._word(at.FAULT_TABLES + n * at.FAULT_TABLE_BYTES + 8).value = 0
            self._tables[n] = None
            unmap_memory(arena.faults, 16 * MOST_FAULTS)
            arena.faults = 0

    def set_window(self, first: int, size: int) -> None:
        """Host addresses of guest memory."""
        self._word(at.FAULT_WINDOW_END).value = 0
        self._word(at.FAULT_WINDOW).value = first
        self._word(at.FAULT_WINDOW_END).value = first + size if size else 0

    def mended(self) -> int:
        """The host address of a fault of the calling thread that had to be mended since its last call, else 0."""
        if not self._state:
            return 0
        found = int(self._word(at.FAULT_MENDED).value)
        if not found or self._word(at.FAULT_MENDED_BY).value != threading.get_native_id():
            return 0
        self._word(at.FAULT_MENDED).value = 0
        return found


faults = Faults()


def reserve_window() -> int:
    """Reserve a window: 2**k bytes at address 2**k, guarded on both sides, as large as can be had; its size. OSError if there is none."""
    for k in range(LARGEST, SMALLEST - 1, -1):
        if reserve_memory((1 << k) - at.WINDOW_GUARD, (1 << k) + 2 * at.WINDOW_GUARD):
            return 1 << k
    raise OSError(12, f"no {1 << SMALLEST - 30} GiB of address space for a Linux program (is `ulimit -v` set?)")


def release_window(size: int) -> None:
    """Give it back."""
    unmap_memory(size - at.WINDOW_GUARD, size + 2 * at.WINDOW_GUARD)
