"""Compiled regions on disk: found by the words they were made from, so that a second run compiles nothing.

A region depends on its page's mode, its offset in the page and the words it covers, and on nothing else in the page or
anywhere in memory (its code is position-independent in the guest). There are two files: records, one after the other, and a table (index.py)
from the key of an entry to its record's place. A key is made from the mode, the entry's offset and the words that follow it.
"""

from __future__ import annotations

import contextlib
import os
import struct
import time
import zlib
from array import array
from collections.abc import Collection
from typing import TYPE_CHECKING

from ..mode import Mode
from ..records import Record
from . import cache
from .cache import blake2b
from .index import Index
from .objects import Arena, load_object, map_reading

if TYPE_CHECKING:
    from ..engine import Engine

_HEAD = struct.Struct("<IHHHHII")  # magic, mode, entry offset, entries, words, length of the object, crc of what follows
_MAGIC = 0x52504251
LIMIT = 256 << 20  # bytes of one cache file
KEY_WORDS = 12  # of the page, from the entry on, that a key is made from


def key_of(words: memoryview, offset: int, mode: int) -> int:
    """What a region's entry is found by."""
    first = offset >> 2
    return int.from_bytes(blake2b(words[first : first + KEY_WORDS].tobytes() + struct.pack("<HH", mode, offset), digest_size=8).digest(), "little")


class Compiled(Record, frozen=True, eq=False):
    """A region as an object: the word numbers (offset / 4) it can be entered at, those it was made from, and those words.

    Equal to itself alone, so that tables can be kept by region."""

    entries: array[int]  # u16
    places: array[int]  # u16, ascending
    words: array[int]  # u32
    image: bytes

    def matches(self, words: memoryview) -> bool:
        """Whether a page's words are still those it was made from."""
        return [words[n] for n in self.places] == self.words.tolist()

    def pack(self) -> bytes:
        """As it is stored."""
        return self.entries.tobytes() + self.places.tobytes() + self.words.tobytes() + self.image


class RegionCache:
    """The regions of one image; those for vCPUs that run in parallel are others."""

    def __init__(self, engine: Engine, parallel: bool = False) -> None:
        self._engine, self._parallel = engine, parallel
        self._path = cache.path("regions", engine.image.key + ("-parallel" if parallel else ""))
        self._index = Index(self._path + ".table")
        self._known: dict[int, Compiled] = {}
        self._tried: set[int] = set()  # keys that were looked up on disk
        self._data = map_reading(self._path)
        self._new: list[tuple[bytes, list[int]]] = []  # records, and the keys of their entries

    def _record(self, at: int) -> Compiled | None:
        """The record at a place; None if it is torn."""
        data = self._data
        if at + _HEAD.size > len(data):
            return None
        magic, _, _, entries, count, length, crc = _HEAD.unpack_from(data, at)
        at += _HEAD.size
        body = bytes(data[at : at + 2 * entries + 6 * count + length])
        if magic != _MAGIC or len(body) < 2 * entries + 6 * count + length or zlib.crc32(body) != crc:
            return None
        middle = 2 * entries
        places, image = middle + 2 * count, middle + 6 * count
        return Compiled(array("H", body[:middle]), array("H", body[middle:places]), array("I", body[places:image]), body[image:])

    def find(self, words: memoryview, offset: int, mode: Mode) -> Compiled | None:
        """A cached region that can be entered at byte `offset` of a page of 1,024 instruction words."""
        key = key_of(words, offset, mode.key)
        made = self._known.get(key)
        if made is None and key not in self._tried:
            self._tried.add(key)
            at = self._index.get(key)
            made = self._record(at) if at is not None else None
            if made is not None and made.matches(words):
                for entry in made.entries:
                    self._known[key_of(words, 4 * entry, mode.key)] = made
        return made if made is not None and made.matches(words) else None

    def compile(self, words: memoryview, offset: int, mode: Mode, arrivals: Collection[int] | None) -> Compiled:
        """Compile the region at byte `offset` and remember it."""
        from .translator import compile_region

        found, image = compile_region(words.tolist(), offset, mode, arrivals, self._parallel)
        places = array("H", [at >> 2 for at in found.covered])
        entries = array("H", [at >> 2 for at in found.entries])
        made = Compiled(entries, places, array("I", [words[n] for n in places]), image)
        keys = [key_of(words, 4 * entry, mode.key) for entry in entries]
        self._known.update(dict.fromkeys(keys, made))
        body = made.pack()
        self._new.append((_HEAD.pack(_MAGIC, mode.key, offset, len(entries), len(places), len(image), zlib.crc32(body)) + body, keys))
        return made

    def load(self, arena: Arena, image: bytes) -> int:
        """Place a region's object; its address."""
        symbols = load_object(arena, image, self._engine.code.symbols)
        return symbols["region"]

    def forget_new(self) -> None:
        """Leave what was compiled so far to another process to save."""
        self._new.clear()

    def save(self) -> None:
        """Append what was compiled to the cache's files."""
        new, self._new = self._new, []
        if not new or cache.lost:
            return
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self._path), exist_ok=True)
            with open(self._path, "ab") as f:
                _lock(f.fileno())
                at = f.seek(0, os.SEEK_END)
                if at > LIMIT:
                    return
                places = []
                for record, keys in new:
                    f.write(record)
                    places += [(key, at) for key in keys]
                    at += len(record)
                f.flush()
                self._index.add(places)


def _lock(fd: int) -> None:
    """Keep others from writing while this descriptor is open. OSError if someone else does for long (it may have been stopped)."""
    import fcntl

    for _ in range(100):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.005)
    raise TimeoutError(f"descriptor {fd} stays locked")
