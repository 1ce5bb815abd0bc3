"""Code as it will run, in a file: what was loaded and relocated once is mapped by later starts, at the same addresses.

Relocated code is only good where it was made for, so the arena of an engine asks for a fixed address (ADDRESS). Where that is not to be
had (a second engine in the process), code is loaded object by object, as without a cache.

A file is a page that says what it is, the memory, and what else there is to know: symbols and the like.
"""

from __future__ import annotations

import marshal
import os
import struct
from array import array
from collections.abc import Callable
from typing import NamedTuple

from . import cache
from .objects import Arena, Draft, map_file

ADDRESS = 0x7000_0000  # below 2 GiB, above where the heap of a program can begin, not where the host's kernel looks for room first
PAGE = 4096
_HEAD = struct.Struct("<8sQQQ")  # magic, address, bytes of memory, bytes of the rest
_MAGIC = b"ppclink1"


class Placed(NamedTuple):
    """Code in memory: addresses of what it defines, and of the decoder's roots by Mode.key (without `direct`); where the decoder's trie is.

    `fixed`: symbols for code that is kept in another file, where they are however much is built: of helpers, the stubs (binding.py)."""

    symbols: dict[str, int]
    roots: list[int]
    trie: tuple[int, int] = (0, 0)  # address, doublewords
    fixed: dict[str, int] = {}  # noqa: RUF012  (nothing changes it)


def place(arena: Arena, key: str, load: Callable[[], Placed]) -> Placed:
    """What `load` puts into an arena, from the cache if it was put there at the same address before."""
    arena.allocate(0, PAGE)
    start = arena.position
    found = _map(arena, start, key)
    if found is None:
        known = len(arena.rows)
        found = load()
        arena.allocate(0, PAGE)
        if arena.base == ADDRESS:
            _save(arena, start, key, found, arena.rows[known:])
    return found


def replace(key: str, offset: int, size: int, load: Callable[[Arena], Placed]) -> None:
    """Put what `load` now puts into an arena of `size` bytes, from `offset` on, into the cache for later starts."""
    arena = Draft(ADDRESS, size)
    arena.position += offset
    found = load(arena)
    arena.allocate(0, PAGE)
    _save(arena, ADDRESS + offset, key, found, arena.rows)


def _save(arena: Arena, start: int, key: str, found: Placed, rows: array[int]) -> None:
    memory = arena.memory[start - arena.base : arena.position - arena.base]
    rest = marshal.dumps((*found, rows.tobytes()))
    head = _HEAD.pack(_MAGIC, start, len(memory), len(rest)).ljust(PAGE, b"\0")
    cache.write("linked", key, b"".join((head, memory, rest)))


def _map(arena: Arena, start: int, key: str) -> Placed | None:
    """Map a file, if there is one that was made for this place."""
    try:
        fd = os.open(cache.path("linked", key), os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        head = os.pread(fd, _HEAD.size, 0)
        if len(head) < _HEAD.size:
            return None
        magic, address, size, more = _HEAD.unpack(head)
        rest = os.pread(fd, more, PAGE + size)
        if magic != _MAGIC or address != start or len(rest) < more or start + size > arena.end:
            return None
        try:
            map_file(start, size, fd, PAGE)
        except OSError:  # its file system may forbid execution
            arena.memory[start - arena.base : start - arena.base + size] = os.pread(fd, size, PAGE)
    except OSError:
        return None
    finally:
        os.close(fd)
    arena.position = start + size
    symbols, roots, trie, fixed, rows = marshal.loads(rest)
    arena.add_faults(array("Q", rows))
    return Placed(symbols, roots, trie, fixed)
