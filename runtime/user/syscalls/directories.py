"""Directories and the place in them."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from ..errno import EINVAL, ERANGE
from ..native import NR, Buffer, host
from . import Address, Int, Path, Size, Unsigned, syscall
from .paths import named

if TYPE_CHECKING:
    from ..process import Process


@syscall
def getdents64(p: Process, fd: Int, out: Address, size: Unsigned) -> int:
    data = Buffer(min(size, 1 << 20))
    count = host(NR["getdents64"], fd, data.at, min(size, 1 << 20))
    if count <= 0:
        return count
    p.space.write(out, data.data[:count] if p.abi.little else _turned(data.data[:count]))
    return count


def _turned(data: bytes) -> bytes:
    """struct linux_dirent64 in big-endian."""
    out, at = bytearray(data), 0
    while at < len(data):
        inode, offset, length = struct.unpack_from("<QqH", data, at)
        struct.pack_into(">QqH", out, at, inode, offset, length)
        at += length
    return bytes(out)


@syscall
def getdents(p: Process, fd: Int, out: Address, size: Unsigned) -> int:
    """The older structure: longs, and the type in the last byte. It is never longer than the newer one's."""
    data = Buffer(min(size, 1 << 20))
    count = host(NR["getdents64"], fd, data.at, min(size, 1 << 20))
    if count <= 0:
        return count
    made, at = b"", 0
    head = p.abi.structure("QqH" if p.abi.bits == 64 else "IiH")
    while at < count:
        inode, offset, length, kind = struct.unpack_from("<QqHB", data.data, at)
        name = data.data[at + 19 : at + length].split(b"\0")[0]
        new = (head.size + len(name) + 2 + p.abi.word - 1) & -p.abi.word
        if p.abi.bits == 32:
            inode, offset = (inode ^ inode >> 32) & 0xFFFF_FFFF, offset & 0x7FFF_FFFF
        entry = (head.pack(inode, offset, new) + name + b"\0").ljust(new - 1, b"\0") + bytes([kind])
        made += entry
        at += length
    p.space.write(out, made)
    return len(made)


@syscall
def getcwd(p: Process, out: Address, size: Size) -> int:
    where = os.getcwdb() + b"\0"
    root = p.root
    if p.sandbox is not None:
        where = (p.sandbox.guest_name(where[:-1]) or b"(unreachable)") + b"\0"
    elif root and where.startswith(root + b"/"):
        where = where[len(root) :]
    if len(where) > size:
        return -ERANGE if size else -EINVAL
    p.space.write(out, where)
    return len(where)


@syscall
def chdir(p: Process, path: Path) -> int:
    n = named(path)
    return host(NR["chdir"], n.at)


@syscall
def fchdir(p: Process, fd: Int) -> int:
    return host(NR["fchdir"], fd)


@syscall
def chroot(p: Process, path: Path) -> int:
    from ..preload import preload

    preload(p)
    n = named(path)
    return host(NR["chroot"], n.at)


@syscall
def umask(p: Process, mask: Unsigned) -> int:
    return host(NR["umask"], mask)
