"""Compiled regions on disk: found by the words they were made from, so that a second run compiles nothing.

A region depends on its page's mode, its offset in the page and the words it covers, and on nothing else in the page or
anywhere in memory (its code is position-independent in the guest). The file is a sequence of records, appended to.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np

from ..mode import Mode
from . import cache
from .objects import Arena, load_object

if TYPE_CHECKING:
    from ..engine import Engine

_HEAD = struct.Struct("<IHHII")  # magic, mode, entry offset, length of the object, crc of what follows
_MAGIC = 0x52504250
_COVER = 128
LIMIT = 256 << 20  # bytes of one cache file


class RegionCache:
    """The regions of one image."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._path = cache.directory() / "regions" / engine.image.key
        self._known: dict[tuple[int, int, int], list[tuple[bytes, bytes]]] = {}
        self._new: list[bytes] = []
        self._count = 0
        self._read()

    def _read(self) -> None:
        try:
            data = self._path.read_bytes()
        except OSError:
            return
        at = 0
        while at + _HEAD.size <= len(data):
            magic, mode, offset, length, crc = _HEAD.unpack_from(data, at)
            end = at + _HEAD.size + _COVER + length
            body = data[at + _HEAD.size : end]
            if magic != _MAGIC or end > len(data) or zlib.crc32(body) != crc:
                break  # a torn record: whatever follows is compiled again
            covered, rest = body[:_COVER], body[_COVER:]
            (first,) = struct.unpack_from("<I", rest)
            self._known.setdefault((mode, offset, first), []).append((covered, rest))
            at = end

    def region(self, words: Any, offset: int, mode: Mode, arrivals: list[int]) -> tuple[bytes, Any, bool]:
        """(object, covered words as 16 u64, whether it was compiled now) of the region at byte `offset`.

        `words`: the page's 1,024 instruction words."""
        key = mode.index, offset, int(words[offset >> 2])
        for covered, rest in self._known.get(key, ()):
            chosen = np.unpackbits(np.frombuffer(covered, np.uint8), bitorder="little").astype(bool)
            n = int(chosen.sum())
            if np.array_equal(words[chosen], _ordered(rest, n, chosen, offset)):
                return rest[4 * n :], np.frombuffer(covered, np.uint64), False
        covered, rest = self._compile(words, offset, mode, arrivals)
        self._known.setdefault(key, []).append((covered, rest))
        self._new.append(_HEAD.pack(_MAGIC, mode.index, offset, len(rest), zlib.crc32(covered + rest)) + covered + rest)
        n = sum(b.bit_count() for b in covered)
        return rest[4 * n :], np.frombuffer(covered, np.uint64), True

    def _compile(self, words: Any, offset: int, mode: Mode, arrivals: list[int]) -> tuple[bytes, bytes]:
        from .translator import compile_region

        found, image = compile_region(words.tolist(), offset, mode, arrivals)
        covered = np.zeros(1024, np.uint8)
        covered[[c >> 2 for c in found]] = 1
        packed = np.packbits(covered, bitorder="little").tobytes()
        order = [offset, *(c for c in found if c != offset)]
        return packed, struct.pack(f"<{len(order)}I", *(int(words[c >> 2]) for c in order)) + image

    def load(self, arena: Arena, image: bytes) -> int:
        """Place a region's object; its address."""
        symbols = load_object(arena, image, self._engine.code.symbols)
        return symbols["region"]

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


def _ordered(rest: bytes, n: int, chosen: Any, offset: int) -> Any:
    """The stored words (entry first, then by offset) in page order."""
    stored = np.frombuffer(rest, np.uint32, n)
    place = int(chosen[: offset >> 2].sum())  # words before the entry
    return np.concatenate([stored[1 : place + 1], stored[:1], stored[place + 1 :]])
