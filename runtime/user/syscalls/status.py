"""What files are: stat in its variants, statfs."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errno import EINVAL, EOVERFLOW
from ..native import NR, Buffer, host
from . import Address, Int, Name, Path, Size, Unsigned, syscall
from .paths import AT_FDCWD, named

if TYPE_CHECKING:
    from ..process import Process

NOFOLLOW, EMPTY_PATH = 0x100, 0x1000
# the host's struct stat: dev ino nlink mode uid gid rdev size blksize blocks, three times of seconds and nanoseconds
_HOST = struct.Struct("<QQQIII4xQqqqQQQQQQ24x")
_STATFS = struct.Struct("<qqQQQQQiiqqq4q")
_STATX = struct.Struct("IIQIIIH2xQQQQ" + "qI4x" * 4 + "IIII" + "Q" * 14)


def _stat(p: Process, directory: int, path: bytes, flags: int, out: int, wide: bool) -> int:
    data, n = Buffer(_HOST.size), named(path if flags & NOFOLLOW else p.follow(path))
    result = host(NR["newfstatat"], directory, n.at, data.at, flags)
    if result < 0:
        return result
    f = list(_HOST.unpack(data.data))
    if p.abi.bits == 64:
        p.space.write(out, p.abi.stat.pack(*f))
        return 0
    dev, ino, nlink, mode, uid, gid, rdev, size, blksize, blocks, *times = f
    dev, rdev = _device(dev), _device(rdev)
    times = [t & 0xFFFF_FFFF for t in times]
    signed = [(t ^ 0x8000_0000) - 0x8000_0000 if i % 2 == 0 else t for i, t in enumerate(times)]
    if wide:
        p.space.write(out, p.abi.stat64.pack(dev, ino, mode, nlink, uid, gid, rdev, size, blksize, blocks, *signed))
    elif size >> 31 or ino >> 32:
        return -EOVERFLOW
    else:
        p.space.write(out, p.abi.stat.pack(dev & 0xFFFF_FFFF, ino, mode, nlink & 0xFFFF, uid, gid, rdev & 0xFFFF_FFFF, size, blksize, blocks, *times))
    return 0


def _device(number: int) -> int:
    """A device number as stat64 has it (new_encode_dev is the same up to 32 bits)."""
    return number & 0xFFFF_FFFF


@syscall
def stat(p: Process, path: Path, out: Address) -> int:
    return _stat(p, AT_FDCWD, path, 0, out, False)


@syscall
def lstat(p: Process, path: Name, out: Address) -> int:
    return _stat(p, AT_FDCWD, path, NOFOLLOW, out, False)


@syscall
def fstat(p: Process, fd: Int, out: Address) -> int:
    return _stat(p, fd, b"", EMPTY_PATH, out, False)


@syscall
def newfstatat(p: Process, directory: Int, path: Name, out: Address, flags: Int) -> int:
    return _stat(p, directory, path, flags, out, False)


@syscall
def stat64(p: Process, path: Path, out: Address) -> int:
    return _stat(p, AT_FDCWD, path, 0, out, True)


@syscall
def lstat64(p: Process, path: Name, out: Address) -> int:
    return _stat(p, AT_FDCWD, path, NOFOLLOW, out, True)


@syscall
def fstat64(p: Process, fd: Int, out: Address) -> int:
    return _stat(p, fd, b"", EMPTY_PATH, out, True)


@syscall
def fstatat64(p: Process, directory: Int, path: Name, out: Address, flags: Int) -> int:
    return _stat(p, directory, path, flags, out, True)


@syscall
def statx(p: Process, directory: Int, path: Name, flags: Int, mask: Unsigned, out: Address) -> int:
    data, n = Buffer(256), named(path if flags & NOFOLLOW else p.follow(path))
    result = host(NR["statx"], directory, n.at, flags, mask, data.at)
    if result == 0:
        raw = data.data
        if not p.abi.little:
            raw = struct.pack(">" + _STATX.format, *struct.unpack("<" + _STATX.format, raw))
        p.space.write(out, raw)
    return result


def _statfs(p: Process, call: str, argument: int, out: int, wide: bool) -> int:
    data = Buffer(_STATFS.size)
    result = host(NR[call], argument, data.at)
    if result < 0:
        return result
    f = _STATFS.unpack(data.data)
    form = "qqQQQQQiiqqq4q" if p.abi.bits == 64 else "IIQQQQQiiIII4I" if wide else "IIIIIIIiiIII4I"
    if p.abi.bits == 32:
        big = (2, 3, 4, 5, 6) if wide else ()
        f = tuple(v if i in big or i in (7, 8) else v & 0xFFFF_FFFF for i, v in enumerate(f))
    p.space.write(out, p.abi.structure(form).pack(*f))
    return 0


@syscall
def statfs(p: Process, path: Path, out: Address) -> int:
    n = named(path)
    return _statfs(p, "statfs", n.at, out, False)


@syscall
def fstatfs(p: Process, fd: Int, out: Address) -> int:
    return _statfs(p, "fstatfs", fd, out, False)


@syscall
def statfs64(p: Process, path: Path, size: Size, out: Address) -> int:
    if size != (88 if p.abi.bits == 32 else 120):
        return -EINVAL
    n = named(path)
    return _statfs(p, "statfs", n.at, out, True)


@syscall
def fstatfs64(p: Process, fd: Int, size: Size, out: Address) -> int:
    if size != (88 if p.abi.bits == 32 else 120):
        return -EINVAL
    return _statfs(p, "fstatfs", fd, out, True)
