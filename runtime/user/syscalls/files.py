"""Files: reading and writing, descriptors."""

from __future__ import annotations

import contextlib
import os
import struct
from typing import TYPE_CHECKING

from ..errno import EINVAL, SyscallError
from ..memory import PROT_WRITE
from ..native import NR, Buffer, host, wait
from . import Address, Int, Long, Path, Size, Unsigned, Wide, alias, syscall

if TYPE_CHECKING:
    from ..process import Process

IOV_MAX = 1024
F_DUPFD, F_GETFL, F_SETFL, F_GETLK, F_SETLKW, F_DUPFD_CLOEXEC = 0, 3, 4, 5, 7, 1030
F_OFD_GETLK, F_OFD_SETLKW, F_GETOWN_EX, F_SETOWN_EX = 36, 38, 16, 15
F_GETLK64, F_SETLKW64 = 12, 14  # of 32-bit programs
# O_* that differ: ours, the host's
OPEN_FLAGS = ((0o40000, 0o200000), (0o100000, 0o400000), (0o200000, 0o100000), (0o400000, 0o40000))  # DIRECTORY NOFOLLOW LARGEFILE DIRECT
SWAPPED = 0o740000


def open_flags(flags: int) -> int:
    """O_* of PowerPC as the host's."""
    return (flags & ~SWAPPED) | sum(theirs for ours, theirs in OPEN_FLAGS if flags & ours)


def guest_flags(flags: int) -> int:
    """The inverse, for F_GETFL."""
    return (flags & ~SWAPPED) | sum(ours for ours, theirs in OPEN_FLAGS if flags & theirs)


def transfer(p: Process, number: int, fd: int, pieces: list[tuple[int, int]], into: bool, *rest: int) -> int:
    """A read or write of the host on pieces of guest memory: the plain call, or the vector one that follows it in `number`."""
    plain, vector = number & 0xFFFF, number >> 16
    if len(pieces) <= 1:
        at, n = pieces[0] if pieces else (0, 0)
        result = wait(plain, fd, at, n, *rest)
    else:
        table = Buffer(b"".join(struct.pack("<QQ", at, n) for at, n in pieces[:IOV_MAX]))
        extra = (*rest, 0) if rest else ()
        result = wait(vector, fd, table.at, min(len(pieces), IOV_MAX), *extra)
    if into and result > 0:
        p.space.written(pieces, result)
    return result


READ, WRITE = NR["read"] | NR["readv"] << 16, NR["write"] | NR["writev"] << 16
PREAD, PWRITE = NR["pread64"] | NR["preadv"] << 16, NR["pwrite64"] | NR["pwritev"] << 16


def buffer(p: Process, address: int, size: int, access: int) -> list[tuple[int, int]]:
    """Guest memory for a transfer: as much as there is, EFAULT if nothing."""
    found: list[tuple[int, int]] = []
    try:
        found.extend(p.space.pieces(address, min(size, 0x7FFF_F000), access))
    except SyscallError:
        partial = []
        at, left = address, size
        while left > 0:
            n = min(left, 4096 - at % 4096)
            try:
                partial += list(p.space.pieces(at, n, access))
            except SyscallError:
                break
            at, left = at + n, left - n
        if not partial:
            raise
        return partial
    return found


def vector(p: Process, address: int, count: int, access: int) -> list[tuple[int, int]]:
    """The pieces of an iovec array."""
    if not 0 <= count <= IOV_MAX:
        raise SyscallError(EINVAL)
    word = p.abi.word
    data = p.space.read(address, count * 2 * word) if count else b""
    pieces: list[tuple[int, int]] = []
    for base, size in p.abi.structure("LL" if word == 8 else "II").iter_unpack(data):
        if size >> (p.abi.bits - 1):
            raise SyscallError(EINVAL)
        if size:
            pieces += buffer(p, base, size, access)
    return pieces


EVENT_COUNTERS = (b"anon_inode:[eventfd]", b"anon_inode:[timerfd]")
SIGNALS = b"anon_inode:[signalfd]"
NOTICES = b"anon_inode:inotify"


def _kind(fd: int) -> bytes:
    """What a descriptor is, if what is read from it has numbers in the host's byte order."""
    with contextlib.suppress(OSError):
        kind = os.readlink(b"/proc/self/fd/%d" % fd)
        return kind if kind.startswith(b"anon_inode:") else b""
    return b""


def _turned(kind: bytes, data: bytes) -> bytes:
    """What was read from such a descriptor, in big-endian."""
    if kind in EVENT_COUNTERS:
        return data[::-1]
    out = b""
    if kind == SIGNALS:  # struct signalfd_siginfo
        for at in range(0, len(data), 128):
            out += struct.pack(">IiiIIiIIIIiiQQQQH2xiQI28x", *struct.unpack("<IiiIIiIIIIiiQQQQH2xiQI28x", data[at : at + 128]))
        return out
    while kind == NOTICES and len(out) < len(data):  # struct inotify_event
        fields = struct.unpack_from("<iIII", data, len(out))
        out += struct.pack(">iIII", *fields) + data[len(out) + 16 : len(out) + 16 + fields[3]]
    return out or data


def _read_converting(p: Process, fd: int, address: int, size: int) -> int | None:
    """A read of a big-endian program; None if nothing is to be converted."""
    kind = _kind(fd)
    if kind not in (*EVENT_COUNTERS, SIGNALS, NOTICES):
        return None
    data = Buffer(max(min(size, 1 << 16), 1))
    result = wait(NR["read"], fd, data.at, min(size, 1 << 16))
    if result > 0:
        p.space.write(address, _turned(kind, data.data[:result]))
    return result


@syscall
def read(p: Process, fd: Int, address: Address, size: Size) -> int:
    if p.converts and (done := _read_converting(p, fd, address, size)) is not None:
        return done
    return transfer(p, READ, fd, buffer(p, address, size, PROT_WRITE), True)


@syscall
def write(p: Process, fd: Int, address: Address, size: Size) -> int:
    if p.converts and size == 8 and _kind(fd) == EVENT_COUNTERS[0]:
        data = Buffer(p.space.read(address, 8)[::-1])
        return wait(NR["write"], fd, data.at, 8)
    return transfer(p, WRITE, fd, buffer(p, address, size, 0), False)


@syscall
def readv(p: Process, fd: Int, address: Address, count: Long) -> int:
    return transfer(p, READ, fd, vector(p, address, count, PROT_WRITE), True)


@syscall
def writev(p: Process, fd: Int, address: Address, count: Long) -> int:
    return transfer(p, WRITE, fd, vector(p, address, count, 0), False)


@syscall
def pread64(p: Process, fd: Int, address: Address, size: Size, offset: Wide) -> int:
    return transfer(p, PREAD, fd, buffer(p, address, size, PROT_WRITE), True, offset)


@syscall
def pwrite64(p: Process, fd: Int, address: Address, size: Size, offset: Wide) -> int:
    return transfer(p, PWRITE, fd, buffer(p, address, size, 0), False, offset)


def _position(p: Process, low: int, high: int) -> int:
    return low if p.abi.bits == 64 else (low & 0xFFFF_FFFF) | high << 32


@syscall
def preadv(p: Process, fd: Int, address: Address, count: Long, low: Long, high: Long) -> int:
    return transfer(p, PREAD, fd, vector(p, address, count, PROT_WRITE), True, _position(p, low, high))


@syscall
def pwritev(p: Process, fd: Int, address: Address, count: Long, low: Long, high: Long) -> int:
    return transfer(p, PWRITE, fd, vector(p, address, count, 0), False, _position(p, low, high))


@syscall
def close(p: Process, fd: Int) -> int:
    return host(NR["close"], fd)


@syscall
def close_range(p: Process, first: Unsigned, last: Unsigned, flags: Unsigned) -> int:
    if p.sandbox is not None:
        last = min(last, p.sandbox.high - 1)  # those above are ours
    return host(NR["close_range"], first, last, flags) if first <= last else 0


@syscall
def lseek(p: Process, fd: Int, offset: Long, whence: Int) -> int:
    return host(NR["lseek"], fd, offset, whence)


@syscall
def _llseek(p: Process, fd: Int, high: Unsigned, low: Unsigned, result: Address, whence: Int) -> int:
    offset = high << 32 | low
    at = host(NR["lseek"], fd, offset, whence)
    if at < 0:
        return at
    p.space.write(result, at.to_bytes(8, p.abi.order))
    return 0


@syscall
def dup(p: Process, fd: Int) -> int:
    return host(NR["dup"], fd)


@syscall
def dup2(p: Process, old: Int, new: Int) -> int:
    return host(NR["dup2"], old, new)


@syscall
def dup3(p: Process, old: Int, new: Int, flags: Int) -> int:
    return host(NR["dup3"], old, new, flags)


@syscall
def pipe(p: Process, fds: Address) -> int:
    return pipe2(p, fds, 0)


@syscall
def pipe2(p: Process, fds: Address, flags: Int) -> int:
    out = Buffer(8)
    result = host(NR["pipe2"], out.at, open_flags(flags))
    if result == 0:
        p.space.write(fds, p.abi.pack("ii", *struct.unpack("<ii", out.data)))
    return result


@syscall
def fcntl(p: Process, fd: Int, command: Int, argument: Long) -> int:
    wide = p.abi.bits == 64
    if p.abi.bits == 32 and F_GETLK64 <= command <= F_SETLKW64:
        command, wide = command - F_GETLK64 + F_GETLK, True
    if F_OFD_GETLK <= command <= F_OFD_SETLKW:
        wide = True
    if F_GETLK <= command <= F_SETLKW or F_OFD_GETLK <= command <= F_OFD_SETLKW:
        return _lock(p, fd, command, argument & p.abi.mask, wide)
    if command == F_SETFL:
        return host(NR["fcntl"], fd, command, open_flags(argument))
    if command in (F_GETOWN_EX, F_SETOWN_EX):
        return -EINVAL
    result = host(NR["fcntl"], fd, command, argument)
    return guest_flags(result) if command == F_GETFL and result >= 0 else result


def _lock(p: Process, fd: int, command: int, address: int, wide: bool) -> int:
    form = p.abi.structure("hh4xqqi" if wide else "hhiii")
    kind, whence, start, length, pid = form.unpack(p.space.read(address, form.size))
    data = Buffer(struct.pack("<hh4xqqi4x", kind, whence, start, length, pid))
    result = wait(NR["fcntl"], fd, command, data.at)
    if result == 0 and command in (F_GETLK, F_OFD_GETLK):
        p.space.write(address, form.pack(*struct.unpack("<hh4xqqi4x", data.data)))
    return result


alias("fcntl64", "fcntl")


@syscall
def flock(p: Process, fd: Int, operation: Int) -> int:
    return wait(NR["flock"], fd, operation)


@syscall
def fsync(p: Process, fd: Int) -> int:
    return host(NR["fsync"], fd)


@syscall
def fdatasync(p: Process, fd: Int) -> int:
    return host(NR["fdatasync"], fd)


@syscall
def sync(p: Process) -> int:
    return host(NR["sync"])


@syscall
def ftruncate(p: Process, fd: Int, size: Long) -> int:
    return host(NR["ftruncate"], fd, size)


@syscall
def ftruncate64(p: Process, fd: Int, size: Wide) -> int:
    return host(NR["ftruncate"], fd, size)


@syscall
def fallocate(p: Process, fd: Int, mode: Int, offset: Wide, size: Wide) -> int:
    return host(NR["fallocate"], fd, mode, offset, size)


@syscall
def fadvise64(p: Process, fd: Int, offset: Wide, size: Size, advice: Int) -> int:
    return 0


@syscall
def fadvise64_64(p: Process, fd: Int, advice: Int, offset: Wide, size: Wide) -> int:
    return 0


@syscall
def readahead(p: Process, fd: Int, offset: Wide, size: Size) -> int:
    return 0


def _send(p: Process, out: int, source: int, offset: int, size: int, form: str) -> int:
    if not offset:
        return wait(NR["sendfile"], out, source, 0, size)
    structure = p.abi.structure(form)
    position = Buffer(struct.pack("<q", *structure.unpack(p.space.read(offset, structure.size))))
    result = wait(NR["sendfile"], out, source, position.at, size)
    if result >= 0:
        p.space.write(offset, structure.pack(*struct.unpack("<q", position.data)))
    return result


@syscall
def sendfile(p: Process, out: Int, source: Int, offset: Address, size: Size) -> int:
    return _send(p, out, source, offset, size, "q" if p.abi.bits == 64 else "i")


@syscall
def sendfile64(p: Process, out: Int, source: Int, offset: Address, size: Size) -> int:
    return _send(p, out, source, offset, size, "q")


@syscall
def copy_file_range(p: Process, source: Int, source_at: Address, out: Int, out_at: Address, size: Size, flags: Unsigned) -> int:
    if p.abi.little:
        places = [p.space.host_address(a, 8) for a in (source_at, out_at)]
        return wait(NR["copy_file_range"], source, places[0], out, places[1], size, flags)
    if source_at or out_at:
        return -EINVAL  # callers then copy by read and write
    return wait(NR["copy_file_range"], source, 0, out, 0, size, flags)


@syscall
def eventfd2(p: Process, initial: Unsigned, flags: Int) -> int:
    p.converts = not p.abi.little
    return host(NR["eventfd2"], initial, open_flags(flags))


@syscall
def eventfd(p: Process, initial: Unsigned) -> int:
    return eventfd2(p, initial, 0)  # type: ignore[no-any-return]


@syscall
def memfd_create(p: Process, name: Address, flags: Unsigned) -> int:
    n = Buffer(p.space.string(name) + b"\0")
    return host(NR["memfd_create"], n.at, flags)


@syscall
def inotify_add_watch(p: Process, fd: Int, path: Path, mask: Unsigned) -> int:
    n = Buffer(path + b"\0")
    return host(NR["inotify_add_watch"], fd, n.at, mask)


@syscall
def inotify_rm_watch(p: Process, fd: Int, watch: Int) -> int:
    return host(NR["inotify_rm_watch"], fd, watch)


@syscall
def inotify_init(p: Process) -> int:
    return inotify_init1(p, 0)  # type: ignore[no-any-return]


@syscall
def inotify_init1(p: Process, flags: Int) -> int:
    p.converts = not p.abi.little
    return host(NR["inotify_init1"], open_flags(flags))


__all__ = ["buffer", "open_flags", "transfer", "vector"]
