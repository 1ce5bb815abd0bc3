"""Compiled regions on disk: found by the words they were made from, so that a second run compiles nothing.

A region depends on its page's mode, its offset in the page and the words it covers, and on nothing else in the page or
anywhere in memory (its code is position-independent in the guest). The file is a sequence of records, appended to.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Collection
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..mode import Mode
from . import cache
from .objects import Arena, load_object

if TYPE_CHECKING:
    from ..engine import Engine

_HEAD = struct.Struct("<IHHHHII")  # magic, mode, entry offset, entries, words, length of the object, crc of what follows
_MAGIC = 0x52504251
LIMIT = 256 << 20  # bytes of one cache file


class Compiled(NamedTuple):
    """A region as an object: the word numbers (offset / 4) it can be entered at, those it was made from, and those words."""

    entries: Any  # u16
    places: Any  # u16, ascending
    words: Any  # u32
    image: bytes

    def matches(self, words: Any) -> bool:
        """Whether a page's words are still those it was made from."""
        return bool(np.array_equal(words[self.places], self.words))

    def pack(self) -> bytes:
        """As it is stored."""
        return bytes(self.entries.tobytes() + self.places.tobytes() + self.words.tobytes() + self.image)


class RegionCache:
    """The regions of one image."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._path = cache.directory() / "regions" / engine.image.key
        self._known: dict[tuple[int, int], list[Compiled]] = {}
        self._new: list[bytes] = []
        self._read()

    def _read(self) -> None:
        try:
            data = self._path.read_bytes()
        except OSError:
            return
        at = 0
        while at + _HEAD.size <= len(data):
            magic, mode, _, entries, count, length, crc = _HEAD.unpack_from(data, at)
            at += _HEAD.size
            end = at + 2 * entries + 6 * count + length
            if magic != _MAGIC or end > len(data) or zlib.crc32(data[at:end]) != crc:
                break  # a torn record: whatever follows is compiled again
            middle = at + 2 * entries
            found = Compiled(
                np.frombuffer(data, np.uint16, entries, at), np.frombuffer(data, np.uint16, count, middle),
                np.frombuffer(data, np.uint32, count, middle + 2 * count), data[middle + 6 * count : end],
            )  # fmt: skip
            self._remember(mode, found)
            at = end

    def _remember(self, mode: int, region: Compiled) -> None:
        """It can be found by each of its entries."""
        for entry in region.entries.tolist():
            self._known.setdefault((mode, 4 * entry), []).append(region)

    def find(self, words: Any, offset: int, mode: Mode) -> Compiled | None:
        """A cached region that can be entered at byte `offset` of a page of 1,024 instruction words."""
        return next((made for made in self._known.get((mode.key, offset), ()) if made.matches(words)), None)

    def compile(self, words: Any, offset: int, mode: Mode, arrivals: Collection[int] | None) -> Compiled:
        """Compile the region at byte `offset` and remember it."""
        from .translator import compile_region

        found, image = compile_region(words.tolist(), offset, mode, arrivals)
        places = np.array(found.covered, np.uint16) >> 2
        entries = np.array(found.entries, np.uint16) >> 2
        made = Compiled(entries, places, words[places].astype(np.uint32), image)
        self._remember(mode.key, made)
        body = made.pack()
        self._new.append(_HEAD.pack(_MAGIC, mode.key, offset, len(entries), len(places), len(image), zlib.crc32(body)) + body)
        return made

    def load(self, arena: Arena, image: bytes) -> int:
        """Place a region's object; its address."""
        symbols = load_object(arena, image, self._engine.code.symbols)
        return symbols["region"]

    def forget_new(self) -> None:
        """Leave what was compiled so far to another process to save."""
        self._new.clear()

    def save(self) -> None:
        """Append what was compiled to the cache file."""
        if not self._new:
            return
        with contextlib.suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size > LIMIT:
                return
            fd = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(fd, b"".join(self._new))
            finally:
                os.close(fd)
        self._new.clear()
