"""System V shared memory, semaphores and message queues: the host's, which all its processes share.

Structures: the kernel's arch/powerpc/include/uapi/asm/{ipcbuf,shmbuf,sembuf,msgbuf}.h, asm-generic's for the host.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errno import EFAULT, EINVAL, SyscallError
from ..memory import page_up
from ..native import NR, Buffer, host, wait
from . import Address, Int, Long, Size, syscall
from .time import read_time

if TYPE_CHECKING:
    from ..process import Process

IPC_RMID, IPC_SET, IPC_STAT, IPC_64 = 0, 1, 2, 0x100
SHM_RDONLY, SHM_RND, SHM_REMAP, SHM_EXEC, SHM_LOCK, SHM_UNLOCK, SHM_STAT, SHM_STAT_ANY = 0o10000, 0o20000, 0o40000, 0o100000, 11, 12, 13, 15
GETPID, GETVAL, GETALL, GETNCNT, GETZCNT, SETVAL, SETALL, SEM_STAT, SEM_STAT_ANY = 11, 12, 13, 14, 15, 16, 17, 18, 20
MSG_STAT, MSG_STAT_ANY = 11, 13
SEMOPM, MOST_MESSAGE = 500, 1 << 24
# The host's structures: permissions (key uid gid cuid cgid mode seq), then the rest; None is not kept.
_PERMISSIONS = "iIIIIIH2x4x16x"
_HOST = {"shm": struct.Struct("<" + _PERMISSIONS + "QqqqiiQ16x"), "sem": struct.Struct("<" + _PERMISSIONS + "q8xq8xQ16x"),
         "msg": struct.Struct("<" + _PERMISSIONS + "qqqQQQii16x")}  # fmt: skip


def _pack(p: Process, kind: str, raw: bytes) -> bytes:
    """The host's structure as the guest's."""
    key, uid, gid, cuid, cgid, mode, seq, *rest = _HOST[kind].unpack(raw[: _HOST[kind].size])
    out = p.abi.pack("iIIIIII4x16x", key, uid, gid, cuid, cgid, mode, seq)
    wide = p.abi.bits == 64

    def times(*values: int) -> bytes:
        return p.abi.words(*values) if wide else b"".join(p.abi.words(v >> 32, v) for v in values)

    if kind == "shm":
        size, attached, detached, changed, creator, last, count = rest
        return out + times(attached, detached, changed) + (b"" if wide else bytes(4)) + p.abi.words(size) + p.abi.pack("ii", creator, last) + p.abi.words(
            count, 0, 0)  # fmt: skip
    if kind == "sem":
        operated, changed, count = rest
        return out + times(operated, changed) + p.abi.words(count, 0, 0)
    sent, received, changed, size, count, most, sender, receiver = rest
    return out + times(sent, received, changed) + p.abi.words(size, count, most) + p.abi.pack("ii", sender, receiver) + p.abi.words(0, 0)


def _control(p: Process, kind: str, command: int, out: int, *before: int) -> int:
    """shmctl, semctl and msgctl of a whole object."""
    number = NR[f"{kind}ctl"]
    form = _HOST[kind]
    if command == IPC_SET:
        _, uid, gid, _, _, mode = p.abi.structure("iIIIII").unpack(p.space.read(out, 24))
        fields = [0, uid, gid, 0, 0, mode, 0] + [0] * (len(form.unpack(bytes(form.size))) - 7)
        if kind == "msg":  # and the most bytes of the queue
            at = out + 48 + 3 * 8 + 2 * p.abi.word
            fields[12] = int.from_bytes(p.space.read(at, p.abi.word), p.abi.order)
        data = Buffer(form.pack(*fields).ljust(128, b"\0"))
        return host(number, *before, command, data.at)
    data = Buffer(128)
    result = host(number, *before, command, data.at)
    if result >= 0:
        p.space.write(out, _pack(p, kind, data.data))
    return result


# Shared memory.


@syscall
def shmget(p: Process, key: Int, size: Size, flags: Int) -> int:
    return host(NR["shmget"], key, size, flags)


def _attach(p: Process, number: int, address: int, flags: int) -> int:
    data = Buffer(128)
    result = host(NR["shmctl"], number, IPC_STAT, data.at)
    if result < 0:
        return result
    size, space = page_up(_HOST["shm"].unpack(data.data[: _HOST["shm"].size])[7]), p.space
    if address:
        if address % 0x1_0000:
            if not flags & SHM_RND:
                return -EINVAL
            address &= -0x1_0000
        if not space.is_free(address, address + size):
            if not flags & SHM_REMAP:
                return -EINVAL
            space.unmap(address, address + size)
    else:
        address = space.gap(size + 0xFFFF) + 0xFFFF & -0x1_0000
    space.map(address, size, 3, True, name=f"/SYSV{number:08x}")
    result = host(NR["shmat"], number, space.host_address(address, size), flags & (SHM_RDONLY | SHM_EXEC) | SHM_REMAP)
    if result < 0 and result > -4096:
        space.unmap(address, address + size)
        return result
    if flags & SHM_RDONLY:
        space.protect(address, address + size, 1)
    p.attached[address] = size
    return address


@syscall
def shmat(p: Process, number: Int, address: Address, flags: Int) -> int:
    return _attach(p, number, address, flags)


@syscall
def shmdt(p: Process, address: Address) -> int:
    size = p.attached.pop(address, 0)
    if not size:
        return -EINVAL
    p.space.unmap(address, address + size)
    return 0


@syscall
def shmctl(p: Process, number: Int, command: Int, out: Address) -> int:
    command &= ~IPC_64
    if command in (IPC_RMID, SHM_LOCK, SHM_UNLOCK):
        return host(NR["shmctl"], number, command, 0)
    if command not in (IPC_SET, IPC_STAT, SHM_STAT, SHM_STAT_ANY):
        p.say(f"shmctl: command {command} is not known")
        return -EINVAL
    return _control(p, "shm", command, out, number)


# Semaphores.


@syscall
def semget(p: Process, key: Int, count: Int, flags: Int) -> int:
    return host(NR["semget"], key, count, flags)


def _operate(p: Process, number: int, operations: int, count: int, timeout: Buffer | None) -> int:
    if not 0 < count <= SEMOPM:
        return -EINVAL
    data = Buffer(b"".join(struct.pack("<Hhh", *o) for o in p.abi.structure("Hhh").iter_unpack(p.space.read(operations, 6 * count))))
    return wait(NR["semtimedop"], number, data.at, count, timeout.at if timeout else 0)


@syscall
def semop(p: Process, number: Int, operations: Address, count: Size) -> int:
    return _operate(p, number, operations, count, None)


@syscall
def semtimedop(p: Process, number: Int, operations: Address, count: Size, timeout: Address) -> int:
    return _operate(p, number, operations, count, read_time(p, timeout, False))


@syscall
def semtimedop_time64(p: Process, number: Int, operations: Address, count: Size, timeout: Address) -> int:
    return _operate(p, number, operations, count, read_time(p, timeout, True))


@syscall
def semctl(p: Process, number: Int, which: Int, command: Int, argument: Address) -> int:
    command &= ~IPC_64
    if command in (IPC_SET, IPC_STAT, SEM_STAT, SEM_STAT_ANY):
        return _control(p, "sem", command, argument, number, which)
    if command in (IPC_RMID, GETPID, GETVAL, GETNCNT, GETZCNT):
        return host(NR["semctl"], number, which, command, 0)
    if command == SETVAL:  # a union of int and pointer, passed as a long
        value = argument >> 32 if p.abi.bits == 64 and not p.abi.little else argument
        return host(NR["semctl"], number, which, command, value & 0xFFFF_FFFF)
    if command not in (GETALL, SETALL):
        p.say(f"semctl: command {command} is not known")
        return -EINVAL
    status = Buffer(128)
    result = host(NR["semctl"], number, 0, IPC_STAT, status.at)
    if result < 0:
        return result
    count = _HOST["sem"].unpack(status.data[: _HOST["sem"].size])[9]
    form = p.abi.structure(f"{count}H")
    data = Buffer(struct.pack(f"<{count}H", *form.unpack(p.space.read(argument, 2 * count)))) if command == SETALL else Buffer(max(2 * count, 2))
    result = host(NR["semctl"], number, which, command, data.at)
    if result >= 0 and command == GETALL:
        p.space.write(argument, form.pack(*struct.unpack(f"<{count}H", data.data[: 2 * count])))
    return result


# Message queues.


@syscall
def msgget(p: Process, key: Int, flags: Int) -> int:
    return host(NR["msgget"], key, flags)


@syscall
def msgsnd(p: Process, number: Int, message: Address, size: Size, flags: Int) -> int:
    if size > MOST_MESSAGE:
        return -EINVAL
    raw, word = p.space.read(message, p.abi.word + size), p.abi.word
    data = Buffer(int.from_bytes(raw[:word], p.abi.order, signed=True).to_bytes(8, "little", signed=True) + raw[word:])
    return wait(NR["msgsnd"], number, data.at, size, flags)


@syscall
def msgrcv(p: Process, number: Int, message: Address, size: Size, kind: Long, flags: Int) -> int:
    size = min(size, MOST_MESSAGE)
    data = Buffer(8 + size)
    result = wait(NR["msgrcv"], number, data.at, size, kind, flags)
    if result >= 0:
        p.space.write(message, p.abi.words(int.from_bytes(data.data[:8], "little")) + data.data[8 : 8 + result])
    return result


@syscall
def msgctl(p: Process, number: Int, command: Int, out: Address) -> int:
    command &= ~IPC_64
    if command == IPC_RMID:
        return host(NR["msgctl"], number, command, 0)
    if command not in (IPC_SET, IPC_STAT, MSG_STAT, MSG_STAT_ANY):
        p.say(f"msgctl: command {command} is not known")
        return -EINVAL
    return _control(p, "msg", command, out, number)


@syscall
def ipc(p: Process, call: Int, first: Int, second: Size, third: Size, pointer: Address, fifth: Long) -> int:
    """All of them in one, as older C libraries call them."""
    version, call = call >> 16, call & 0xFFFF

    def word(at: int) -> int:
        return int.from_bytes(p.space.read(at, p.abi.word), p.abi.order)

    small = third & 0xFFFF_FFFF
    signed = small - (small >> 31 << 32)
    if call in (1, 4):
        return _operate(p, first, pointer, second & 0xFFFF_FFFF, read_time(p, third if call == 4 else 0, False))
    if call == 2:
        return int(semget(p, first, second, signed))
    if call == 3:
        if not pointer:
            return -EINVAL
        return int(semctl(p, first, second & 0x7FFF_FFFF, signed, word(pointer)))
    if call == 11:
        return int(msgsnd(p, first, pointer, second, signed))
    if call == 12:
        if version:
            return int(msgrcv(p, first, pointer, second, fifth, signed))
        if not pointer:
            return -EINVAL
        kind = word(pointer + p.abi.word)
        return int(msgrcv(p, first, word(pointer), second, kind - (kind >> (p.abi.bits - 1) << p.abi.bits), signed))
    if call == 13:
        return int(msgget(p, first, second & 0xFFFF_FFFF))
    if call == 14:
        return int(msgctl(p, first, second & 0x7FFF_FFFF, pointer))
    if call == 21:
        if version == 1:
            return -EINVAL
        address = _attach(p, first, pointer, second & 0xFFFF_FFFF)
        if address < 0:
            return address
        try:
            p.space.write(third, p.abi.words(address))
        except SyscallError:
            return -EFAULT
        return 0
    if call == 22:
        return int(shmdt(p, pointer))
    if call == 23:
        return int(shmget(p, first, second, signed))
    if call == 24:
        return int(shmctl(p, first, second & 0x7FFF_FFFF, pointer))
    return -EINVAL
