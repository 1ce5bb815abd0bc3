"""Whether a call of the host would wait, found out by making it in a way that does not."""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from typing import Any

from .errno import EACCES, EAGAIN
from .native import NR, Buffer, call, host, timespec

POLLIN, POLLOUT = 1, 4
MSG_DONTWAIT, WNOHANG, LOCK_NB, IPC_NOWAIT = 0x40, 1, 4, 0o4000
ENOMSG = 42
PIPE_BUF = 4096
# Calls on a descriptor: what is to be ready; the argument that holds the flags of a message, or 0; the argument that holds a size, or 0.
READY = {
    NR["read"]: (POLLIN, 0, 0), NR["readv"]: (POLLIN, 0, 0), NR["recvfrom"]: (POLLIN, 4, 0), NR["recvmsg"]: (POLLIN, 3, 0), NR["accept4"]: (POLLIN, 0, 0),
    NR["write"]: (POLLOUT, 0, 3), NR["writev"]: (POLLOUT, 0, 0), NR["sendto"]: (POLLOUT, 4, 3), NR["sendmsg"]: (POLLOUT, 3, 0),
}  # fmt: skip
# Calls with a time limit: the argument that holds it (a struct timespec's address; ms of epoll_pwait), and what they say when it is over.
TIMED = {NR["ppoll"]: (3, 0), NR["pselect6"]: (5, 0), NR["epoll_pwait"]: (4, 0), NR["semtimedop"]: (4, -EAGAIN), NR["rt_sigtimedwait"]: (3, -EAGAIN)}
# Calls that can be told not to wait: the argument that holds their flags, the flag, and what they say then.
FLAGGED = {NR["wait4"]: (3, WNOHANG, (0,)), NR["waitid"]: (4, WNOHANG, (0,)), NR["flock"]: (2, LOCK_NB, (-EAGAIN,)),
           NR["msgsnd"]: (4, IPC_NOWAIT, (-EAGAIN,)), NR["msgrcv"]: (5, IPC_NOWAIT, (-ENOMSG,))}  # fmt: skip
F_SETLKW, F_OFD_SETLKW = 7, 38  # each is one more than the command that does not wait
ALWAYS = {NR["clock_nanosleep"], NR["rt_sigsuspend"], NR["futex"]}


def trial(frame: Any) -> tuple[int | None, bool]:
    """(the call's result, if it is done now; else whether it would wait)."""
    number = int(frame[0])
    if number in ALWAYS:
        return None, True
    if number in READY:
        return None, _not_ready(frame, *READY[number])
    if number in TIMED:
        return _at_once(frame, *TIMED[number])
    if number in FLAGGED:
        at, flag, waiting = FLAGGED[number]
        if frame[at] & flag:
            return None, False
        return _changed(frame, at, int(frame[at]) | flag, waiting)
    if number == NR["fcntl"] and frame[2] in (F_SETLKW, F_OFD_SETLKW):
        return _changed(frame, 2, int(frame[2]) - 1, (-EAGAIN, -EACCES))
    return None, False


def _not_ready(frame: Any, events: int, flags: int, size: int) -> bool:
    fd = int(frame[1]) & 0xFFFF_FFFF
    poll = Buffer(struct.pack("<Ihh", fd, events, 0))
    if host(NR["poll"], poll.at, 1, 0) == 0:
        return not (flags and frame[flags] & MSG_DONTWAIT) and not host(NR["fcntl"], fd, 3) & os.O_NONBLOCK
    if not size or frame[size] <= PIPE_BUF:
        return False
    try:  # there may be room for some of it only
        kind = os.fstat(fd).st_mode
    except OSError:
        return False
    return stat.S_ISFIFO(kind) or stat.S_ISSOCK(kind)


def _at_once(frame: Any, at: int, over: int) -> tuple[int | None, bool]:
    zero = timespec(0)
    given = int(frame[at])
    if frame[0] == NR["epoll_pwait"]:
        if not given & 0xFFFF_FFFF:
            return None, False
        return _changed(frame, at, 0, (over,))
    if given and ctypes.string_at(given, 16) == zero.data:
        return None, False
    kept = _sets(frame) if frame[0] == NR["pselect6"] else []
    result, waits = _changed(frame, at, zero.at, (over,))
    if waits:
        for address, data in kept:
            ctypes.memmove(address, data, len(data))
    return result, waits


def _sets(frame: Any) -> list[tuple[int, bytes]]:
    """The sets of descriptors, which select overwrites."""
    size = ((int(frame[1]) & 0xFFFF_FFFF) + 63) // 64 * 8
    return [(int(a), ctypes.string_at(int(a), size)) for a in frame[2:5] if a]


def _changed(frame: Any, at: int, value: int, waiting: tuple[int, ...]) -> tuple[int | None, bool]:
    """Make the call with another argument."""
    kept = frame[at]
    frame[at] = value
    result = call(frame)
    frame[at] = kept
    if result not in waiting:
        return result, False
    if frame[0] == NR["waitid"] and ctypes.string_at(int(frame[3]), 4) != bytes(4):
        return result, False  # 0, and there is a child
    return None, True
