"""Signals: actions, masks, sending, waiting."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import frames
from ..errno import EINVAL, ENOSYS
from ..native import NR, Buffer, host, wait
from ..siginfo import from_guest, to_guest
from ..signals import Action
from . import Address, Int, Long, Size, syscall
from .files import open_flags
from .time import read_time

if TYPE_CHECKING:
    from ..process import Process


@syscall
def rt_sigaction(p: Process, number: Int, new: Address, old: Address, size: Size) -> int:
    if size != 8 or not 1 <= number <= 64:
        return -EINVAL
    word, abi = p.abi.word, p.abi
    before = p.signals.get(number)
    if new:
        raw = p.space.read(new, 3 * word + 8)
        handler, flags, _ = abi.structure("QQQ" if word == 8 else "III").unpack_from(raw)
        p.signals.set(number, Action(handler, flags & 0xFFFF_FFFF, abi.from_sigset(raw[3 * word :])))
    if old:
        p.space.write(old, abi.words(before.handler, before.flags, 0) + abi.sigset(before.mask))
    return 0


@syscall
def sigaction(p: Process, number: Int, new: Address, old: Address) -> int:
    before = p.signals.get(number)
    if new:
        handler, mask, flags, _ = p.abi.structure("IIII").unpack(p.space.read(new, 16))
        p.signals.set(number, Action(handler, flags, mask))
    if old:
        p.space.write(old, p.abi.words(before.handler, before.mask & 0xFFFF_FFFF, before.flags, 0))
    return 0


@syscall
def signal(p: Process, number: Int, handler: Address) -> int:
    before = p.signals.get(number)
    p.signals.set(number, Action(handler, 0xC000_0000))
    return before.handler


@syscall
def rt_sigprocmask(p: Process, how: Int, new: Address, old: Address, size: Size) -> int:
    if size != 8:
        return -EINVAL
    before = p.threads.current.mask
    if new:
        mask = p.abi.from_sigset(p.space.read(new, 8))
        if how not in (0, 1, 2):
            return -EINVAL
        p.signals.set_mask((before | mask, before & ~mask, mask)[how])
    if old:
        p.space.write(old, p.abi.sigset(before))
    return 0


@syscall
def sigprocmask(p: Process, how: Int, new: Address, old: Address) -> int:
    before = p.threads.current.mask
    if new:
        mask = int.from_bytes(p.space.read(new, p.abi.word), p.abi.order)
        if how not in (0, 1, 2):
            return -EINVAL
        kept = before & ~0xFFFF_FFFF
        p.signals.set_mask((before | mask, before & ~mask, kept | mask)[how])
    if old:
        p.space.write(old, p.abi.words(before))
    return 0


@syscall
def rt_sigpending(p: Process, out: Address, size: Size) -> int:
    data = Buffer(8)
    host(NR["rt_sigpending"], data.at, 8)
    mask = int.from_bytes(data.data, "little")
    for info in p.threads.current.pending:
        mask |= 1 << (int.from_bytes(info[:4], "little") - 1)
    p.space.write(out, p.abi.sigset(mask))
    return 0


@syscall
def rt_sigsuspend(p: Process, mask: Address, size: Size) -> int:
    wanted = p.abi.from_sigset(p.space.read(mask, 8))
    return p.signals.suspend(wanted, lambda at: wait(NR["rt_sigsuspend"], at, 8))


@syscall
def pause(p: Process) -> int:
    return p.signals.suspend(p.threads.current.mask, lambda at: wait(NR["rt_sigsuspend"], at, 8))


@syscall
def rt_sigtimedwait(p: Process, mask: Address, info: Address, timeout: Address, size: Size) -> int:
    return _timed_wait(p, mask, info, timeout, False)


@syscall
def rt_sigtimedwait_time64(p: Process, mask: Address, info: Address, timeout: Address, size: Size) -> int:
    return _timed_wait(p, mask, info, timeout, True)


def _timed_wait(p: Process, mask: int, info: int, timeout: int, wide: bool) -> int:
    mask = p.abi.from_sigset(p.space.read(mask, 8))
    wanted = Buffer(mask.to_bytes(8, "little"))
    t, data = read_time(p, timeout, wide), Buffer(128)
    taken = p.signals.take(mask)
    if taken is not None:
        if info:
            p.space.write(info, to_guest(p.abi, taken))
        return int.from_bytes(taken[:4], "little")
    result = wait(NR["rt_sigtimedwait"], wanted.at, data.at, t.at if t else 0, 8)
    if result > 0 and info:
        p.space.write(info, to_guest(p.abi, data.data))
    return result


@syscall
def rt_sigreturn(p: Process) -> int:
    p.threads.current.no_result = True
    p.signals.sigreturn(True)
    return 0


@syscall
def sigreturn(p: Process) -> int:
    p.threads.current.no_result = True
    p.signals.sigreturn(False)
    return 0


@syscall
def swapcontext(p: Process, old: Address, new: Address, size: Long) -> int:
    """What the 32-bit C library's getcontext and its relatives are made from."""
    if p.abi.bits == 64:
        return -ENOSYS  # its C library does without
    if size < frames.UC32_MCONTEXT + frames.MC_VSX:
        return -EINVAL
    if old:
        frames.save_context32(p, old, size)
    if new:
        mask = frames.load_context32(p, new)
        p.signals.set_mask(mask)
        p.threads.current.no_result = True
    return 0


@syscall
def sigaltstack(p: Process, new: Address, old: Address) -> int:
    form = p.abi.structure("Qi4xQ" if p.abi.bits == 64 else "IiI")
    before = p.signals.stack_now()
    if new:
        p.signals.set_stack(*form.unpack(p.space.read(new, form.size)))
    if old:
        p.space.write(old, form.pack(*before))
    return 0


@syscall
def kill(p: Process, pid: Int, number: Int) -> int:
    return host(NR["kill"], pid, number)


@syscall
def tkill(p: Process, thread: Int, number: Int) -> int:
    return host(NR["tkill"], thread, number)


@syscall
def tgkill(p: Process, group: Int, thread: Int, number: Int) -> int:
    return host(NR["tgkill"], group, thread, number)


@syscall
def rt_sigqueueinfo(p: Process, pid: Int, number: Int, info: Address) -> int:
    data = Buffer(from_guest(p.abi, p.space.read(info, 128)))
    return host(NR["rt_sigqueueinfo"], pid, number, data.at)


@syscall
def rt_tgsigqueueinfo(p: Process, group: Int, thread: Int, number: Int, info: Address) -> int:
    data = Buffer(from_guest(p.abi, p.space.read(info, 128)))
    return host(NR["rt_tgsigqueueinfo"], group, thread, number, data.at)


@syscall
def signalfd4(p: Process, fd: Int, mask: Address, size: Size, flags: Int) -> int:
    wanted = Buffer(p.abi.from_sigset(p.space.read(mask, 8)).to_bytes(8, "little"))
    p.converts = not p.abi.little
    return host(NR["signalfd4"], fd, wanted.at, 8, open_flags(flags))


@syscall
def signalfd(p: Process, fd: Int, mask: Address, size: Size) -> int:
    return signalfd4(p, fd, mask, size, 0)  # type: ignore[no-any-return]
