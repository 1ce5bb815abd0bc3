"""Reading a user's file, transparently decompressed, without trusting it."""

from __future__ import annotations

import os
import stat
import zlib
from typing import BinaryIO, Protocol

from runtime.loader.errors import LoadError

GZIP_MAGIC = b"\x1f\x8b"
XZ_MAGIC = b"\xfd7zXZ\x00"

# A kernel with debug information is some hundred megabytes. The limit keeps a small hostile file from
# filling the host's memory when it is expanded.
MAX_BYTES = 1 << 30


class _Decompressor(Protocol):
    def decompress(self, data: bytes, max_length: int) -> bytes: ...

    @property
    def eof(self) -> bool: ...


def open_file(path: str | os.PathLike[str], limit: int = MAX_BYTES) -> BinaryIO:
    """A regular file to be read. Raises LoadError (unreadable, a directory, empty, more than `limit` bytes)."""
    try:
        status = os.stat(path)  # Before opening: that would wait for the other end of a pipe.
        if not stat.S_ISREG(status.st_mode):
            raise LoadError(path, "not a regular file")
        if status.st_size > limit:
            raise LoadError(path, f"{status.st_size} bytes are more than the {limit} that are accepted")
        if not status.st_size:
            raise LoadError(path, "the file is empty")
        return open(path, "rb")
    except OSError as error:
        raise LoadError(path, error.strerror or str(error)) from None
    except ValueError as error:  # A name with NUL in it.
        raise LoadError(repr(path), str(error)) from None


def read_file(path: str | os.PathLike[str], limit: int = MAX_BYTES) -> bytes:
    """The bytes of a file, as open_file opens it."""
    with open_file(path, limit) as file:
        try:
            data = file.read(limit + 1)
        except OSError as error:
            raise LoadError(path, error.strerror or str(error)) from None
    if not data:
        raise LoadError(path, "the file is empty")
    if len(data) > limit:
        raise LoadError(path, f"more than the {limit} bytes that are accepted")
    return data


def expand(path: str | os.PathLike[str], data: bytes, limit: int = MAX_BYTES) -> bytes:
    """`data`, decompressed if it is gzip or xz. Raises LoadError when damaged or larger than `limit`
    bytes."""
    if data.startswith(GZIP_MAGIC):
        return _inflate(path, data, limit)
    if data.startswith(XZ_MAGIC):
        import lzma

        try:
            return _drain(path, lzma.LZMADecompressor(lzma.FORMAT_XZ), data, limit, "xz")
        except lzma.LZMAError as error:
            raise LoadError(path, f"damaged xz data: {error}") from None
    return data


def _inflate(path: str | os.PathLike[str], data: bytes, limit: int) -> bytes:
    # 16 + MAX_WBITS: a gzip member with its header and checksum, of which zlib checks both.
    try:
        return _drain(path, zlib.decompressobj(16 + zlib.MAX_WBITS), data, limit, "gzip")
    except zlib.error as error:
        raise LoadError(path, f"damaged gzip data: {error}") from None


def _drain(
    path: str | os.PathLike[str], decompressor: _Decompressor, data: bytes, limit: int, kind: str
) -> bytes:
    out = decompressor.decompress(data, limit + 1)
    if len(out) > limit:
        raise LoadError(path, f"expands to more than the {limit} bytes that are accepted")
    if not decompressor.eof:
        raise LoadError(path, f"truncated {kind} data")
    return out
