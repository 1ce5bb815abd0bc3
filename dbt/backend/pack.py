"""Numbered objects in one file of the cache, appended as they are made: the interpreter's handlers that some guest needed."""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from typing import NamedTuple

from . import cache

_HEAD = struct.Struct("<IIII")  # magic, number, bytes, crc of number and bytes
_MAGIC = 0x4B434150


class Pack(NamedTuple):
    """One file, by its path. Whoever else appends to it, and however a write was cut short, what is read back was written."""

    path: str

    def read(self) -> dict[int, bytes]:
        """The objects by number; of equal numbers the first."""
        found: dict[int, bytes] = {}
        try:
            with open(self.path, "rb") as f:
                data = f.read()
        except OSError:
            return found
        at = 0
        while (at := data.find(_MAGIC.to_bytes(4, "little"), at)) >= 0 and at + _HEAD.size <= len(data):
            _, number, size, crc = _HEAD.unpack_from(data, at)
            body = data[at + _HEAD.size : at + _HEAD.size + size]
            if len(body) == size and zlib.crc32(body, number) == crc:
                found.setdefault(number, body)
                at += _HEAD.size + size
            else:  # torn: go on behind
                at += 4
        return found

    def add(self, number: int, data: bytes) -> None:
        """Append one. A cache that cannot be written to is no error."""
        if cache.lost:
            return
        with contextlib.suppress(OSError):
            os.makedirs(os.path.dirname(self.path), exist_ok=True)
            fd = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
            try:
                os.write(fd, _HEAD.pack(_MAGIC, number, len(data), zlib.crc32(data, number)) + data)
            finally:
                os.close(fd)
