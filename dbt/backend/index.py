"""A table of numbers in a file, read in place: what a start pays does not grow with what earlier runs put in.

Open addressing: a header {magic, numbers used}, then 2**n slots {key, value + 1}; value + 1 is 0 in a slot that is free. Who adds
holds a lock that all share (the caller's); readers hold none, and may find a value that is not there or another's. A table that is half
full is replaced by a larger one.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Iterable
from typing import TypeAlias

from .objects import map_reading

_MAGIC = int.from_bytes(b"ppcindex", "little")
_HEAD = 2  # words
LEAST = 1 << 12  # slots
Words: TypeAlias = "memoryview | array[int]"


class Index:
    """Keys and values of 64 bits. A file that is not there or damaged is an empty table."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._words: Words | None = None
        data = map_reading(path)
        if len(data) % 8 == 0 and _good(words := data.cast("Q")):
            self._words = words

    def get(self, key: int) -> int | None:
        """The value of a key."""
        if self._words is None:
            return None
        at = _slot(self._words, key)
        value = 0 if at is None else self._words[at + 1]
        return value - 1 if value else None

    def add(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Put pairs into the file. Nobody else may be adding. OSError if it cannot be written."""
        new = dict(pairs)
        old = self._read()
        if old is not None and (old[1] + len(new)) * 2 <= _slots(old):
            changed = _put(old, new.items())
            with open(self._path, "r+b") as table:
                for at in changed:
                    os.pwrite(table.fileno(), old[at : at + 2].tobytes(), 8 * at)
                os.pwrite(table.fileno(), old[:_HEAD].tobytes(), 0)
            return
        used = 0 if old is None else old[1]
        words = array("Q", bytes(8 * (_HEAD + 2 * max(LEAST, 1 << ((used + len(new)) * 4 - 1).bit_length()))))
        words[0] = _MAGIC
        if old is not None:
            _put(words, ((old[at], old[at + 1] - 1) for at in range(_HEAD, len(old), 2) if old[at + 1]))
        _put(words, new.items())
        with open(f"{self._path}.new", "wb") as f:
            f.write(words)
        os.replace(f.name, self._path)

    def _read(self) -> array[int] | None:
        try:
            with open(self._path, "rb") as f:
                data = f.read()
        except FileNotFoundError:
            return None
        words = array("Q", data[: len(data) & -8])
        return words if _good(words) else None


def _good(words: Words) -> bool:
    slots = _slots(words)
    return slots >= LEAST and slots & (slots - 1) == 0 and len(words) == _HEAD + 2 * slots and words[0] == _MAGIC and words[1] < slots


def _slots(words: Words) -> int:
    return (len(words) - _HEAD) // 2


def _slot(words: Words, key: int) -> int | None:
    """Where a key is, or could be; None if the table is full of others, which only a damaged one is."""
    slots = _slots(words)
    for n in range(slots):
        at = _HEAD + 2 * (key + n & slots - 1)
        if not words[at + 1] or words[at] == key:
            return at
    return None


def _put(words: array[int], pairs: Iterable[tuple[int, int]]) -> list[int]:
    """Insert pairs; where they are now."""
    changed = []
    for key, value in pairs:
        at = _slot(words, key)
        if at is not None:
            words[1] += not words[at + 1]
            words[at], words[at + 1] = key, value + 1
            changed.append(at)
    return changed
