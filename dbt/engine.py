"""The engine: compiled machinery and handlers in memory, ready for any number of machines in this process."""

from __future__ import annotations

import atexit
import ctypes
import importlib
import os
import signal
import threading
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

from .backend import cache
from .backend.faults import faults, release_window, reserve_window
from .backend.image import Image, Progress, keep, load_image, place_direct, place_image
from .backend.linked import ADDRESS, Placed
from .backend.objects import Arena, host_function, map_memory, unmap_memory, view_memory

KINDS = ("reference", "interpreter", "jit")
FAILED = 70  # EX_SOFTWARE
LATER_SECONDS = 0.02  # until a signal is tried again that came at a bad moment


class Engine:
    """One image of handlers and machinery. `function(name)` makes an exported helper callable from Python."""

    def __init__(self, machinery: Sequence[str], isa: Sequence[str] = (), progress: Progress | None = None) -> None:
        self.isa = tuple(isa)
        for module in isa:  # its declarations: the decoder of translations and of the reference engine needs them
            importlib.import_module(module)
        self.image: Image = load_image(machinery, isa)
        self.arena = Arena(64 << 20, ADDRESS)
        self.code: Placed = place_image(self.image, self.arena, progress)
        self._direct: Placed | None = None
        self._building = threading.Lock()
        self._built: set[tuple[int, bool]] = set()  # by process: it may be a copy
        self._names = {stub: name for name, stub in self.code.fixed.items()}
        self._binder = ctypes.CFUNCTYPE(ctypes.c_uint64, ctypes.c_uint64)(self._bind)
        ctypes.c_void_p.from_address(self.code.symbols["binder"]).value = ctypes.cast(self._binder, ctypes.c_void_p).value
        self._functions: dict[tuple[str, int], Callable[..., int]] = {}

    def address(self, name: str) -> int:
        """Host address of a helper or runtime function. KeyError names what is missing."""
        try:
            return self.code.symbols[name]
        except KeyError:
            raise KeyError(f"the compiled machinery has no {name!r}") from None

    def roots(self, direct: bool, progress: Progress | None = None) -> list[int]:
        """Roots of the interpreter's decoder by Mode.key; with `direct`, for machines whose storage is a window (backend/faults.py)."""
        if not direct:
            return self.code.roots
        if self._direct is None:
            self._direct = place_direct(self.image, self.code, self.arena, progress)
            self.code.symbols.update(self._direct.symbols)
            faults.install(self.code.symbols)
            faults.watch(self.arena)
        return self._direct.roots

    def build_handler(self, number: int, direct: bool) -> None:
        """Build the interpreter's handler that a decoder did not find (Exit.UNBUILT)."""
        from .backend import build

        placed = self._direct if direct else self.code
        assert placed is not None
        with self._building:
            build.build_handler(self.image, self.arena, self.code.symbols, placed, number, direct)
            self._remember(direct)

    def _bind(self, stub: int) -> int:
        """The address of the helper that was called by its stub. Called by native code, in the middle of what it does: it always returns."""
        from .backend import build

        late: BaseException | None = None
        while True:
            try:
                with self._building:
                    at = build.place_helper(self.image, self.arena, self.code.symbols, stub, self._names[stub])
                    self._remember(False)
                break
            except Exception:
                try:
                    import traceback

                    traceback.print_exc()
                finally:  # whatever becomes of that: native code cannot go on
                    os._exit(FAILED)
            except BaseException as e:  # of a signal's handler: there is no way out from here
                late = e
        if late is not None:
            number = signal.SIGINT if isinstance(late, KeyboardInterrupt) else signal.SIGTERM
            threading.Timer(LATER_SECONDS, signal.pthread_kill, (threading.main_thread().ident, number)).start()
        return at

    def preload(self) -> None:
        """Read all that building will read: the process is about to lose sight of the host's files."""
        from .backend import build

        with self._building:
            build.preload(self.image)
        cache.lose()

    def _remember(self, direct: bool) -> None:
        if not self._built:
            atexit.register(self.keep)
        self._built.add((os.getpid(), direct))

    def keep(self) -> None:
        """Link what was built for later starts. Called at the end of a process, but one that ends itself has to."""
        kinds, self._built = {direct for pid, direct in self._built if pid == os.getpid()}, set()
        if kinds and self.arena.base == ADDRESS and not cache.lost:
            keep(self.image, self.code, self.arena.end - self.arena.base, kinds)

    def function(self, name: str, arguments: int) -> Callable[..., int]:
        """A helper as a Python callable of (vCPU address, `arguments` numbers). The GIL is released while it runs."""
        made = self._functions.get((name, arguments))
        if made is None:
            prototype = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * (arguments + 1))
            made = self._functions[name, arguments] = prototype(self.address(name))
        return made


@lru_cache(maxsize=4)
def shared_engine(machinery: tuple[str, ...], isa: tuple[str, ...] = (), progress: Any = None) -> Engine:
    """The process's engine for these modules: placed once, used by every machine."""
    return Engine(machinery, isa, progress)


__all__ = ["KINDS", "Engine", "faults", "host_function", "map_memory", "release_window", "reserve_window", "shared_engine", "unmap_memory", "view_memory"]
