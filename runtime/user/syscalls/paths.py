"""Files by name."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errno import EFAULT, EINVAL, SyscallError
from ..native import NR, Buffer, host, wait
from . import Address, Int, Long, Name, Path, Size, Unsigned, Wide, syscall
from .files import buffer, open_flags

if TYPE_CHECKING:
    from ..process import Process

AT_FDCWD = -100
AT_EMPTY_PATH = 0x1000
UTIME = "qq"


def named(path: bytes) -> Buffer:
    """A path as the host's kernel takes it. Keep it while the call is made."""
    return Buffer(path + b"\0")


def _open(p: Process, directory: int, path: bytes, flags: int, mode: int) -> int:
    if path.startswith(b"/proc/") and (made := p.proc_file(path)) is not None:
        return made
    if p.sandbox is not None:
        return p.sandbox.open(path, open_flags(flags), mode)
    n = named(path)
    return wait(NR["openat"], directory, n.at, open_flags(flags), mode)


@syscall
def open_(p: Process, path: Path, flags: Int, mode: Unsigned) -> int:
    return _open(p, AT_FDCWD, path, flags, mode)


@syscall
def openat(p: Process, directory: Int, path: Path, flags: Int, mode: Unsigned) -> int:
    return _open(p, directory, path, flags, mode)


@syscall
def openat2(p: Process, directory: Int, path: Path, how: Address, size: Size) -> int:
    flags, mode, resolve = p.abi.structure("QQQ").unpack(p.space.read(how, 24))
    if size < 24:
        return -EINVAL
    if p.sandbox is not None:
        return p.sandbox.open(path, open_flags(flags), mode)
    n, h = named(path), Buffer(b"".join(x.to_bytes(8, "little") for x in (open_flags(flags), mode, resolve)))
    return wait(NR["openat2"], directory, n.at, h.at, 24)


@syscall
def creat(p: Process, path: Path, mode: Unsigned) -> int:
    return _open(p, AT_FDCWD, path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, mode)


def _one(name: str, *rest: int, path: bytes, directory: int = AT_FDCWD) -> int:
    n = named(path)
    return host(NR[name], directory, n.at, *rest)


@syscall
def unlink(p: Process, path: Name) -> int:
    return _one("unlinkat", 0, path=path)


@syscall
def unlinkat(p: Process, directory: Int, path: Name, flags: Int) -> int:
    return _one("unlinkat", flags, path=path, directory=directory)


@syscall
def rmdir(p: Process, path: Name) -> int:
    return _one("unlinkat", 0x200, path=path)


@syscall
def mkdir(p: Process, path: Name, mode: Unsigned) -> int:
    return _one("mkdirat", mode, path=path)


@syscall
def mkdirat(p: Process, directory: Int, path: Name, mode: Unsigned) -> int:
    return _one("mkdirat", mode, path=path, directory=directory)


@syscall
def mknod(p: Process, path: Name, mode: Unsigned, device: Unsigned) -> int:
    return _one("mknodat", mode, device, path=path)


@syscall
def mknodat(p: Process, directory: Int, path: Name, mode: Unsigned, device: Unsigned) -> int:
    return _one("mknodat", mode, device, path=path, directory=directory)


def _two(name: str, old_directory: int, old: bytes, directory: int, new: bytes, *rest: int) -> int:
    a, b = named(old), named(new)
    return host(NR[name], old_directory, a.at, directory, b.at, *rest)


@syscall
def rename(p: Process, old: Name, new: Name) -> int:
    return _two("renameat2", AT_FDCWD, old, AT_FDCWD, new, 0)


@syscall
def renameat(p: Process, old_directory: Int, old: Name, directory: Int, new: Name) -> int:
    return _two("renameat2", old_directory, old, directory, new, 0)


@syscall
def renameat2(p: Process, old_directory: Int, old: Name, directory: Int, new: Name, flags: Unsigned) -> int:
    return _two("renameat2", old_directory, old, directory, new, flags)


@syscall
def link(p: Process, old: Name, new: Name) -> int:
    return _two("linkat", AT_FDCWD, old, AT_FDCWD, new, 0)


@syscall
def linkat(p: Process, old_directory: Int, old: Name, directory: Int, new: Name, flags: Int) -> int:
    return _two("linkat", old_directory, old, directory, new, flags)


@syscall
def symlink(p: Process, target: Address, new: Name) -> int:
    return symlinkat(p, target, AT_FDCWD, new)


@syscall
def symlinkat(p: Process, target: Address, directory: Int, new: Name) -> int:
    a, b = named(p.space.string(target)), named(new)
    return host(NR["symlinkat"], a.at, directory, b.at)


@syscall
def readlink(p: Process, path: Address, out: Address, size: Int) -> int:
    return readlinkat(p, AT_FDCWD, path, out, size)


@syscall
def readlinkat(p: Process, directory: Int, path: Address, out: Address, size: Int) -> int:
    if size <= 0:
        return -EINVAL
    name = p.space.string(path)
    if name in (b"/proc/self/exe", b"/proc/%d/exe" % os.getpid(), b"/proc/curproc/exe"):
        target = os.path.abspath(os.fsencode(p.program.path)) if p.sandbox is None else os.fsencode(p.program.path)
        if p.root and target.startswith(p.root + b"/"):
            target = target[len(p.root) :]
    else:
        data, n = Buffer(4096), named(p.path(name, False, directory))
        result = host(NR["readlinkat"], directory, n.at, data.at, 4096)
        if result < 0:
            return result
        target = data.data[:result]
    p.space.write(out, target[:size])
    return min(len(target), size)


@syscall
def chmod(p: Process, path: Path, mode: Unsigned) -> int:
    return _one("fchmodat", mode, path=path)


@syscall
def fchmodat(p: Process, directory: Int, path: Path, mode: Unsigned) -> int:
    return _one("fchmodat", mode, path=path, directory=directory)


@syscall
def fchmod(p: Process, fd: Int, mode: Unsigned) -> int:
    return host(NR["fchmod"], fd, mode)


@syscall
def chown(p: Process, path: Path, user: Int, group: Int) -> int:
    return _one("fchownat", user, group, 0, path=path)


@syscall
def lchown(p: Process, path: Name, user: Int, group: Int) -> int:
    return _one("fchownat", user, group, 0x100, path=path)


@syscall
def fchownat(p: Process, directory: Int, path: Name, user: Int, group: Int, flags: Int) -> int:
    return _one("fchownat", user, group, flags, path=path, directory=directory)


@syscall
def fchown(p: Process, fd: Int, user: Int, group: Int) -> int:
    return host(NR["fchown"], fd, user, group)


@syscall
def truncate(p: Process, path: Path, size: Long) -> int:
    n = named(path)
    return host(NR["truncate"], n.at, size)


@syscall
def truncate64(p: Process, path: Path, size: Wide) -> int:
    n = named(path)
    return host(NR["truncate"], n.at, size)


@syscall
def access(p: Process, path: Path, mode: Int) -> int:
    return _one("faccessat", mode, path=path)


@syscall
def faccessat(p: Process, directory: Int, path: Path, mode: Int) -> int:
    return _one("faccessat", mode, path=path, directory=directory)


@syscall
def faccessat2(p: Process, directory: Int, path: Path, mode: Int, flags: Int) -> int:
    return _one("faccessat2", mode, flags, path=path, directory=directory)


def _times(p: Process, times: int, wide: bool) -> Buffer | None:
    if not times:
        return None
    form = p.abi.structure("qqqq" if wide else "iiii")
    return Buffer(b"".join(x.to_bytes(8, "little", signed=True) for x in form.unpack(p.space.read(times, form.size))))


def _set_times(p: Process, directory: int, path: int, times: int, flags: int, wide: bool) -> int:
    n = named(p.path(p.space.string(path), not flags & 0x100, directory)) if path else None
    t = _times(p, times, wide)
    return host(NR["utimensat"], directory, n.at if n else 0, t.at if t else 0, flags)


@syscall
def utimensat(p: Process, directory: Int, path: Address, times: Address, flags: Int) -> int:
    return _set_times(p, directory, path, times, flags, p.abi.bits == 64)


@syscall
def utimensat_time64(p: Process, directory: Int, path: Address, times: Address, flags: Int) -> int:
    return _set_times(p, directory, path, times, flags, True)


@syscall
def utimes(p: Process, path: Path, times: Address) -> int:
    n = named(path)
    t = _times(p, times, p.abi.bits == 64)
    return host(NR["utimes"], n.at, t.at if t else 0)


@syscall
def utime(p: Process, path: Path, times: Address) -> int:
    n = named(path)
    form = p.abi.structure("LL" if p.abi.bits == 64 else "ii")
    t = Buffer(b"".join(x.to_bytes(8, "little", signed=True) for x in form.unpack(p.space.read(times, form.size)))) if times else None
    return host(NR["utime"], n.at, t.at if t else 0)


def _attribute(p: Process, call: str, where: bytes | int, name: int, value: int, size: int) -> int:
    n = named(where) if isinstance(where, bytes) else None
    key = Buffer(p.space.string(name) + b"\0")
    pieces = buffer(p, value, size, 2) if size else []
    if len(pieces) > 1:
        raise SyscallError(EFAULT)
    return host(NR[call], n.at if n else where, key.at, pieces[0][0] if pieces else 0, size)  # type: ignore[arg-type]


@syscall
def getxattr(p: Process, path: Path, name: Address, value: Address, size: Size) -> int:
    return _attribute(p, "getxattr", path, name, value, size)


@syscall
def lgetxattr(p: Process, path: Name, name: Address, value: Address, size: Size) -> int:
    return _attribute(p, "lgetxattr", path, name, value, size)


@syscall
def fgetxattr(p: Process, fd: Int, name: Address, value: Address, size: Size) -> int:
    return _attribute(p, "fgetxattr", fd, name, value, size)


def _set_attribute(p: Process, call: str, where: bytes | int, name: int, value: int, size: int, flags: int) -> int:
    n = named(where) if isinstance(where, bytes) else None
    key, data = Buffer(p.space.string(name) + b"\0"), Buffer(p.space.read(value, min(size, 1 << 16)) or 1)
    return host(NR[call], n.at if n else where, key.at, data.at, size, flags)  # type: ignore[arg-type]


@syscall
def setxattr(p: Process, path: Path, name: Address, value: Address, size: Size, flags: Int) -> int:
    return _set_attribute(p, "setxattr", path, name, value, size, flags)


@syscall
def lsetxattr(p: Process, path: Name, name: Address, value: Address, size: Size, flags: Int) -> int:
    return _set_attribute(p, "lsetxattr", path, name, value, size, flags)


@syscall
def fsetxattr(p: Process, fd: Int, name: Address, value: Address, size: Size, flags: Int) -> int:
    return _set_attribute(p, "fsetxattr", fd, name, value, size, flags)


@syscall
def removexattr(p: Process, path: Path, name: Address) -> int:
    n, key = named(path), Buffer(p.space.string(name) + b"\0")
    return host(NR["removexattr"], n.at, key.at)


@syscall
def lremovexattr(p: Process, path: Name, name: Address) -> int:
    n, key = named(path), Buffer(p.space.string(name) + b"\0")
    return host(NR["lremovexattr"], n.at, key.at)


@syscall
def fremovexattr(p: Process, fd: Int, name: Address) -> int:
    key = Buffer(p.space.string(name) + b"\0")
    return host(NR["fremovexattr"], fd, key.at)


@syscall
def listxattr(p: Process, path: Path, out: Address, size: Size) -> int:
    n = named(path)
    return host(NR["listxattr"], n.at, p.space.host_address(out, size) if size else 0, size)


@syscall
def llistxattr(p: Process, path: Name, out: Address, size: Size) -> int:
    n = named(path)
    return host(NR["llistxattr"], n.at, p.space.host_address(out, size) if size else 0, size)


@syscall
def flistxattr(p: Process, fd: Int, out: Address, size: Size) -> int:
    return host(NR["flistxattr"], fd, p.space.host_address(out, size) if size else 0, size)


__all__ = ["AT_FDCWD", "named"]
