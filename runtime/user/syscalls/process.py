"""Processes: identity, fork, exec, wait, exit."""

from __future__ import annotations

import os
import struct
from contextlib import ExitStack
from typing import TYPE_CHECKING

from runtime.loader.errors import LoadError

from .. import native
from ..errno import E2BIG, EACCES, EINVAL, ENOEXEC, ENOSYS, ESRCH, SyscallError
from ..native import NR, Buffer, host, wait
from ..siginfo import to_guest
from ..threads import Ended
from . import Address, Int, Long, Path, Size, Unsigned, alias, syscall

if TYPE_CHECKING:
    from ..process import Process

CLONE_VM, CLONE_VFORK, CLONE_PARENT_SETTID, CLONE_CHILD_CLEARTID, CLONE_CHILD_SETTID, CLONE_SETTLS, CLONE_THREAD = (
    0x100, 0x4000, 0x10_0000, 0x20_0000, 0x100_0000, 0x8_0000, 0x1_0000,
)  # fmt: skip
ARGUMENTS = 1 << 21  # bytes of arguments and environment


def _plain(name: str, *kinds: str) -> None:
    """A call that is the host's with the same numbers."""
    number = NR[name]

    def call(p: Process, *given: int) -> int:
        return host(number, *given)

    parameters = "".join(f", a{i}: {k}" for i, k in enumerate(kinds))
    scope = {"host": host, "number": number, "Int": Int, "Unsigned": Unsigned, "Long": Long, "Size": Size}
    exec(f"def {name}(p{parameters}): return host(number{''.join(f', a{i}' for i in range(len(kinds)))})", scope)
    made = scope[name]
    made.__annotations__ = {f"a{i}": k for i, k in enumerate(kinds)}  # type: ignore[attr-defined]
    syscall(made)  # type: ignore[arg-type]


for _name in ("getpid", "getppid", "getuid", "geteuid", "getgid", "getegid", "getpgrp", "setsid"):
    _plain(_name)
for _name in ("getpgid", "getsid", "setuid", "setgid", "sched_get_priority_max", "sched_get_priority_min"):
    _plain(_name, "Int")
for _name in ("setpgid", "setreuid", "setregid", "getpriority"):
    _plain(_name, "Int", "Int")
for _name in ("setresuid", "setresgid", "setpriority", "ioprio_set"):
    _plain(_name, "Int", "Int", "Int")
_plain("ioprio_get", "Int", "Int")


def _triple(p: Process, call: str, *out: int) -> int:
    data = [Buffer(4) for _ in out]
    result = host(NR[call], *(d.at for d in data))
    if result == 0:
        for at, d in zip(out, data, strict=True):
            p.space.write(at, int.from_bytes(d.data, "little").to_bytes(4, p.abi.order))
    return result


@syscall
def getresuid(p: Process, real: Address, effective: Address, saved: Address) -> int:
    return _triple(p, "getresuid", real, effective, saved)


@syscall
def getresgid(p: Process, real: Address, effective: Address, saved: Address) -> int:
    return _triple(p, "getresgid", real, effective, saved)


@syscall
def getgroups(p: Process, size: Int, out: Address) -> int:
    if size < 0:
        return -EINVAL
    data = Buffer(max(4 * size, 4))
    count = host(NR["getgroups"], size, data.at)
    if size and count > 0:
        p.space.write(out, p.abi.pack(f"{count}I", *struct.unpack_from(f"<{count}I", data.data)))
    return count


@syscall
def setgroups(p: Process, size: Size, groups: Address) -> int:
    data = Buffer(struct.pack(f"<{size}I", *p.abi.structure(f"{size}I").unpack(p.space.read(groups, 4 * size))) or 4)
    return host(NR["setgroups"], size, data.at)


@syscall
def exit_(p: Process, status: Int) -> int:
    if p.threads.many:
        raise Ended
    p.finish(status)
    return 0


@syscall
def gettid(p: Process) -> int:
    return p.threads.current.tid


@syscall
def exit_group(p: Process, status: Int) -> int:
    p.finish(status)
    return 0


@syscall
def set_tid_address(p: Process, address: Address) -> int:
    p.threads.current.clear_child_tid = address
    return p.threads.current.tid


@syscall
def set_robust_list(p: Process, head: Address, size: Size) -> int:
    if size != 3 * p.abi.word:
        return -EINVAL
    p.threads.current.robust_list = head
    return 0


@syscall
def get_robust_list(p: Process, thread: Int, head: Address, size: Address) -> int:
    t = next((t for t in p.threads.all if t.tid == (thread or p.threads.current.tid)), None)
    if t is None:
        return -ESRCH
    p.space.write(head, p.abi.words(t.robust_list))
    p.space.write(size, p.abi.words(3 * p.abi.word))
    return 0


@syscall
def fork(p: Process) -> int:
    return _fork(p)


@syscall
def vfork(p: Process) -> int:
    return _fork(p)


def _fork(p: Process) -> int:
    """A copy of our own process: guest memory is private, so the host's kernel copies it when it is written."""
    compiler = p.vm.compiler
    if compiler is not None:
        compiler.before_fork()
    if p.limits is not None:
        p.limits.flush()
    mask = native.set_mask(native.SIG_BLOCK, native.EVERY)
    try:
        with p.threads.order.stopped():  # what a thread is in the middle of, the child would never finish
            child = os.fork()
        if compiler is not None:
            compiler.after_fork(not child)
    finally:
        native.set_mask(native.SIG_SETMASK, mask)
    if not child:
        p.forked()
    return child


@syscall
def clone(p: Process, flags: Unsigned, stack: Address, parent_tid: Address, tls: Address, child_tid: Address) -> int:
    return _clone(p, flags, stack, parent_tid, tls, child_tid)


def _clone(p: Process, flags: int, stack: int, parent_tid: int, tls: int, child_tid: int) -> int:
    if flags & CLONE_VM and not flags & CLONE_VFORK:
        if not flags & CLONE_THREAD:
            return -ENOSYS  # processes that share memory
        t = p.threads.add(stack, tls if flags & CLONE_SETTLS else None)
        t.clear_child_tid = child_tid if flags & CLONE_CHILD_CLEARTID else 0
        for at in (parent_tid if flags & CLONE_PARENT_SETTID else 0, child_tid if flags & CLONE_CHILD_SETTID else 0):
            if at:
                p.space.write(at, t.tid.to_bytes(4, p.abi.order))
        return t.tid
    child = _fork(p)
    if child:
        if flags & CLONE_PARENT_SETTID:
            p.space.write(parent_tid, child.to_bytes(4, p.abi.order))
        return child
    if stack:
        p.vcpu.gpr[1] = stack
    if flags & CLONE_SETTLS:
        p.vcpu.gpr[13 if p.abi.bits == 64 else 2] = tls
    if flags & CLONE_CHILD_SETTID:
        p.space.write(child_tid, os.getpid().to_bytes(4, p.abi.order))
    p.threads.current.clear_child_tid = child_tid if flags & CLONE_CHILD_CLEARTID else 0
    return 0


@syscall
def clone3(p: Process, arguments: Address, size: Size) -> int:
    if size < 64:
        return -EINVAL
    flags, _, child_tid, parent_tid, _, stack, stack_size, tls = p.abi.structure("8Q").unpack(p.space.read(arguments, 64))
    return _clone(p, flags, stack + stack_size if stack else 0, parent_tid, tls, child_tid)


def _strings(p: Process, table: int) -> list[bytes]:
    found: list[bytes] = []
    total, word = 0, p.abi.word
    while table:
        at = int.from_bytes(p.space.read(table, word), p.abi.order)
        if not at:
            break
        text = p.space.string(at)
        total += len(text) + 1 + word
        if total > ARGUMENTS:
            raise SyscallError(E2BIG)
        found.append(text)
        table += word
    return found


@syscall
def execve(p: Process, path: Path, argv: Address, environment: Address) -> int:
    return _execute(p, path, _strings(p, argv), _strings(p, environment))


@syscall
def execveat(p: Process, directory: Int, path: Path, argv: Address, environment: Address, flags: Int) -> int:
    if p.sandbox is None and not path.startswith(b"/") and directory != -100:
        path = os.readlink(b"/proc/self/fd/%d" % directory) + (b"/" + path if path else b"")
    return _execute(p, path, _strings(p, argv), _strings(p, environment))


def _execute(p: Process, path: bytes, argv: list[bytes], environment: list[bytes], depth: int = 0) -> int:
    """PowerPC programs replace the one here; scripts go to their interpreter; the host's own programs to the host's kernel."""
    if not os.access(path, os.X_OK) or os.path.isdir(path):
        os.stat(path)
        return -EACCES
    with ExitStack() as files:
        f = files.enter_context(open(path, "rb"))
        head = f.read(20)
        if head[:2] == b"#!":
            f.seek(0)
            line = f.readline(256)[2:].strip().split(None, 1)
            if not line or depth > 4:
                return -ENOEXEC
            name, rest = line[0], line[1:]
            script = path if p.sandbox is None else p.sandbox.name_of(path)
            return _execute(p, p.path(name), [name, *rest, script, *argv[1:]], environment, depth + 1)
        if head[:4] != b"\x7fELF":
            return -ENOEXEC
        machine = int.from_bytes(head[18:20], "little" if head[5] == 1 else "big")
        if p.sandbox is not None:
            path = p.sandbox.name_of(path)
            if machine not in (20, 21):
                return -EACCES  # a program of the host
        if machine not in (20, 21):
            os.execve(path, argv or [b""], dict(e.partition(b"=")[::2] for e in environment))
        try:
            images = p.programs(os.fsdecode(path), f, files)
        except LoadError:
            return -ENOEXEC
        kept = files.pop_all()
    p.threads.alone(lambda: p.execute(images, kept, argv, environment))
    p.threads.current.no_result = True
    return 0


def _rusage(p: Process, raw: bytes) -> bytes:
    values = struct.unpack("<18q", raw)
    return p.abi.words(*values) if p.abi.bits == 64 else p.abi.words(*values[:18])


def _wait(p: Process, pid: int, status: int, flags: int, usage: int) -> int:
    word, resources = Buffer(4), Buffer(144)
    result = wait(NR["wait4"], pid, word.at, flags, resources.at if usage else 0)
    if result > 0:
        if status:
            p.space.write(status, int.from_bytes(word.data, "little").to_bytes(4, p.abi.order))
        if usage:
            p.space.write(usage, _rusage(p, resources.data))
    return result


@syscall
def wait4(p: Process, pid: Int, status: Address, flags: Int, usage: Address) -> int:
    return _wait(p, pid, status, flags, usage)


@syscall
def waitpid(p: Process, pid: Int, status: Address, flags: Int) -> int:
    return _wait(p, pid, status, flags, 0)


@syscall
def waitid(p: Process, kind: Int, pid: Int, info: Address, flags: Int, usage: Address) -> int:
    data, resources = Buffer(128), Buffer(144)
    result = wait(NR["waitid"], kind, pid, data.at, flags, resources.at if usage else 0)
    if result == 0:
        if info:
            p.space.write(info, to_guest(p.abi, data.data))
        if usage:
            p.space.write(usage, _rusage(p, resources.data))
    return result


@syscall
def getrusage(p: Process, who: Int, out: Address) -> int:
    data = Buffer(144)
    result = host(NR["getrusage"], who, data.at)
    if result == 0:
        p.space.write(out, _rusage(p, data.data))
    return result


@syscall
def times(p: Process, out: Address) -> int:
    data = Buffer(32)
    result = host(NR["times"], data.at)
    if out:
        p.space.write(out, p.abi.words(*struct.unpack("<4q", data.data)))
    return result


INFINITE = (1 << 64) - 1


def _limit_in(p: Process, data: bytes, wide: bool) -> bytes:
    form = p.abi.structure("QQ" if wide or p.abi.bits == 64 else "II")
    return struct.pack("<QQ", *(INFINITE if v == 0xFFFF_FFFF and form.size == 8 else v for v in form.unpack(data)))


def _limit_out(p: Process, data: bytes, wide: bool) -> bytes:
    soft, hard = struct.unpack("<QQ", data)
    if wide or p.abi.bits == 64:
        return p.abi.pack("QQ", soft, hard)
    return p.abi.pack("II", min(soft, 0xFFFF_FFFF), min(hard, 0xFFFF_FFFF))


def _limits(p: Process, pid: int, which: int, new: int, old: int, wide: bool) -> int:
    size = 16 if wide or p.abi.bits == 64 else 8
    change = Buffer(_limit_in(p, p.space.read(new, size), wide)) if new else None
    before = Buffer(16)
    if change is not None and which in (2, 9):  # DATA and AS: they would limit us, not the program
        change = None
    result = host(NR["prlimit64"], pid, which, change.at if change else 0, before.at)
    if result == 0 and old:
        p.space.write(old, _limit_out(p, before.data, wide))
    return result


@syscall
def prlimit64(p: Process, pid: Int, which: Int, new: Address, old: Address) -> int:
    return _limits(p, pid, which, new, old, True)


@syscall
def getrlimit(p: Process, which: Int, out: Address) -> int:
    return _limits(p, 0, which, 0, out, False)


@syscall
def setrlimit(p: Process, which: Int, new: Address) -> int:
    return _limits(p, 0, which, new, 0, False)


alias("ugetrlimit", "getrlimit")


@syscall
def sched_getaffinity(p: Process, pid: Int, size: Unsigned, out: Address) -> int:
    data = Buffer(max(size, 8))
    result = host(NR["sched_getaffinity"], pid, size, data.at)
    if result > 0:
        words = struct.unpack(f"<{result // 8}Q", data.data[:result])
        p.space.write(out, b"".join(p.abi.sigset(w) for w in words))
    return result


@syscall
def sched_setaffinity(p: Process, pid: Int, size: Unsigned, mask: Address) -> int:
    return 0


@syscall
def getcpu(p: Process, cpu: Address, node: Address) -> int:
    for at in (cpu, node):
        if at:
            p.space.write(at, bytes(4))
    return 0
