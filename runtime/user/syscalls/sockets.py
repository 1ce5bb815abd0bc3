"""Sockets. Addresses are in network byte order or bytes: only their family is a number."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import TYPE_CHECKING

from ..errno import EINVAL, ENOSYS
from ..memory import PROT_WRITE
from ..native import NR, Buffer, host, wait
from . import Address, Int, Size, Unsigned, syscall
from .files import buffer, open_flags, vector

if TYPE_CHECKING:
    from ..process import Process

SOL_SOCKET = 1
MSG_DONTWAIT, MSG_WAITFORONE = 0x40, 0x1_0000
# SO_* that differ (asm/socket.h): RCVLOWAT SNDLOWAT RCVTIMEO SNDTIMEO PASSCRED PEERCRED
OPTIONS = {16: 18, 17: 19, 18: 20, 19: 21, 20: 16, 21: 17}
TIMES = (20, 21, 66, 67)
FLAGS_MASK = 0xFFFF_FFFF


def _in(p: Process, address: int, size: int) -> Buffer:
    """A sockaddr of the guest as the host's."""
    if not 0 <= size <= 256:
        size = 0
    raw = p.space.read(address, size) if address and size else b""
    if len(raw) >= 2 and not p.abi.little:
        raw = raw[1::-1] + raw[2:]
    return Buffer(raw or 1)


def _out(p: Process, raw: bytes, address: int, size_at: int, size: int) -> None:
    """The inverse, cut to what there is room for."""
    if not address:
        return
    room = int.from_bytes(p.space.read(size_at, 4), p.abi.order)
    raw = raw[:size]
    if len(raw) >= 2 and not p.abi.little:
        raw = raw[1::-1] + raw[2:]
    p.space.write(address, raw[:room])
    p.space.write(size_at, size.to_bytes(4, p.abi.order))


@syscall
def socket(p: Process, family: Int, kind: Int, protocol: Int) -> int:
    return host(NR["socket"], family, kind, protocol)


@syscall
def socketpair(p: Process, family: Int, kind: Int, protocol: Int, fds: Address) -> int:
    out = Buffer(8)
    result = host(NR["socketpair"], family, kind, protocol, out.at)
    if result == 0:
        p.space.write(fds, p.abi.pack("ii", *struct.unpack("<ii", out.data)))
    return result


@syscall
def bind(p: Process, fd: Int, address: Address, size: Int) -> int:
    a = _in(p, address, size)
    return host(NR["bind"], fd, a.at, size)


@syscall
def connect(p: Process, fd: Int, address: Address, size: Int) -> int:
    a = _in(p, address, size)
    return wait(NR["connect"], fd, a.at, size)


@syscall
def listen(p: Process, fd: Int, backlog: Int) -> int:
    return host(NR["listen"], fd, backlog)


def _named(p: Process, number: int, fd: int, address: int, size: int, *rest: int) -> int:
    data, length = Buffer(128), Buffer((128).to_bytes(4, "little"))
    result = wait(number, fd, data.at, length.at, *rest)
    if result >= 0 and address:
        _out(p, data.data, address, size, int.from_bytes(length.data, "little"))
    return result


@syscall
def accept(p: Process, fd: Int, address: Address, size: Address) -> int:
    return _named(p, NR["accept4"], fd, address, size, 0)


@syscall
def accept4(p: Process, fd: Int, address: Address, size: Address, flags: Int) -> int:
    return _named(p, NR["accept4"], fd, address, size, open_flags(flags))


@syscall
def getsockname(p: Process, fd: Int, address: Address, size: Address) -> int:
    return _named(p, NR["getsockname"], fd, address, size)


@syscall
def getpeername(p: Process, fd: Int, address: Address, size: Address) -> int:
    return _named(p, NR["getpeername"], fd, address, size)


@syscall
def shutdown(p: Process, fd: Int, how: Int) -> int:
    return host(NR["shutdown"], fd, how)


@syscall
def sendto(p: Process, fd: Int, data: Address, size: Size, flags: Int, address: Address, length: Int) -> int:
    pieces = buffer(p, data, size, 0)
    at, n = pieces[0] if pieces else (0, 0)
    a = _in(p, address, length)
    return wait(NR["sendto"], fd, at, n, flags, a.at if address else 0, length)


@syscall
def send(p: Process, fd: Int, data: Address, size: Size, flags: Int) -> int:
    return int(sendto(p, fd, data, size, flags, 0, 0))


@syscall
def recvfrom(p: Process, fd: Int, data: Address, size: Size, flags: Int, address: Address, length: Address) -> int:
    pieces = buffer(p, data, size, PROT_WRITE)
    at, n = pieces[0] if pieces else (0, 0)
    name, room = Buffer(128), Buffer((128).to_bytes(4, "little"))
    result = wait(NR["recvfrom"], fd, at, n, flags, name.at, room.at)
    if result >= 0:
        p.space.written(pieces, result)
        if address:
            _out(p, name.data, address, length, int.from_bytes(room.data, "little"))
    return result


@syscall
def recv(p: Process, fd: Int, data: Address, size: Size, flags: Int) -> int:
    return int(recvfrom(p, fd, data, size, flags, 0, 0))


def _message(p: Process, address: int, access: int) -> tuple[list[int], list[tuple[int, int]], Buffer]:
    """A msghdr: its fields (name, its length, iovec, count, control, its length, flags), the pieces, and the host's iovec."""
    form = p.abi.structure("Qi4xQQQQi4x" if p.abi.bits == 64 else "IiIIIIi")
    fields = list(form.unpack(p.space.read(address, form.size)))
    pieces = vector(p, fields[2], fields[3], access)
    return fields, pieces, Buffer(b"".join(struct.pack("<QQ", *x) for x in pieces) or 16)


def _control_to_host(p: Process, raw: bytes) -> bytes:
    out, at, word = b"", 0, p.abi.word
    head = p.abi.structure("Qii" if word == 8 else "Iii")
    while at + head.size <= len(raw):
        length, level, kind = head.unpack_from(raw, at)
        if length < head.size:
            break
        body = raw[at + head.size : at + length]
        if not p.abi.little and level == SOL_SOCKET:
            body = b"".join(body[i : i + 4][::-1] for i in range(0, len(body), 4))
        out += (struct.pack("<Qii", 16 + len(body), level, kind) + body).ljust((16 + len(body) + 7) & -8, b"\0")
        at += (length + word - 1) & -word
    return out


def _control_to_guest(p: Process, raw: bytes) -> bytes:
    out, at, word = b"", 0, p.abi.word
    head = p.abi.structure("Qii" if word == 8 else "Iii")
    while at + 16 <= len(raw):
        length, level, kind = struct.unpack_from("<Qii", raw, at)
        if length < 16:
            break
        body = raw[at + 16 : at + length]
        if not p.abi.little and level == SOL_SOCKET:
            body = b"".join(body[i : i + 4][::-1] for i in range(0, len(body), 4))
        size = head.size + len(body)
        out += (head.pack(size, level, kind) + body).ljust((size + word - 1) & -word, b"\0")
        at += (length + 7) & -8
    return out


@syscall
def sendmsg(p: Process, fd: Int, message: Address, flags: Int) -> int:
    (name, name_size, _, _, control, control_size, _), pieces, table = _message(p, message, 0)
    a = _in(p, name, name_size)
    c = _control_to_host(p, p.space.read(control, control_size)) if control_size else b""
    cb = Buffer(c or 8)
    data = Buffer(struct.pack("<QI4xQQQQi4x", a.at if name else 0, name_size if name else 0, table.at, len(pieces), cb.at if c else 0, len(c), 0))
    return wait(NR["sendmsg"], fd, data.at, flags)


@syscall
def recvmsg(p: Process, fd: Int, message: Address, flags: Int) -> int:
    (name, name_size, _, _, control, control_size, _), pieces, table = _message(p, message, PROT_WRITE)
    a, cb = Buffer(128), Buffer(max(2 * control_size, 8))
    room = 2 * control_size if control_size else 0
    data = Buffer(struct.pack("<QI4xQQQQi4x", a.at if name else 0, 128 if name else 0, table.at, len(pieces), cb.at if room else 0, room, 0))
    result = wait(NR["recvmsg"], fd, data.at, flags)
    if result < 0:
        return result
    p.space.written(pieces, result)
    _, got, _, _, _, c, out_flags = struct.unpack("<QI4xQQQQi4x", data.data)
    answer = _control_to_guest(p, cb.data[:c])
    if len(answer) > control_size:
        answer, out_flags = answer[:control_size], out_flags | 8  # MSG_CTRUNC
    if name:
        raw = a.data[:got]
        p.space.write(name, (raw if p.abi.little else raw[1::-1] + raw[2:])[:name_size])
    if answer:
        p.space.write(control, answer)
    w = p.abi.word
    p.space.write(message + w, got.to_bytes(4, p.abi.order))
    p.space.write(message + 5 * w, p.abi.words(len(answer)) + out_flags.to_bytes(4, p.abi.order))
    return result


def _several(p: Process, call: Callable[..., int], fd: int, messages: int, count: int, flags: int) -> int:
    """sendmmsg and recvmmsg: struct mmsghdr is a struct msghdr and a length. An error after the first message is the next call's."""
    stride = 64 if p.abi.bits == 64 else 32
    for n in range(min(count, 1024)):
        at = messages + n * stride
        result = call(p, fd, at, flags)
        if result < 0:
            return n or result
        p.space.write(at + 7 * p.abi.word, result.to_bytes(4, p.abi.order))
        if flags & MSG_WAITFORONE:
            flags |= MSG_DONTWAIT
    return min(count, 1024)


@syscall
def sendmmsg(p: Process, fd: Int, messages: Address, count: Unsigned, flags: Int) -> int:
    return _several(p, sendmsg, fd, messages, count, flags)


@syscall
def recvmmsg(p: Process, fd: Int, messages: Address, count: Unsigned, flags: Int, timeout: Address) -> int:
    """The time limit counts between messages only, and no more of them are waited for than the first."""
    return _several(p, recvmsg, fd, messages, count, flags | MSG_WAITFORONE if timeout else flags)


@syscall
def setsockopt(p: Process, fd: Int, level: Int, option: Int, value: Address, size: Int) -> int:
    raw = p.space.read(value, size) if size > 0 else b""
    if level == SOL_SOCKET:
        option = OPTIONS.get(option, option)
        if option in TIMES:
            form = p.abi.structure("qq" if p.abi.bits == 64 or option > 60 else "ii")
            raw = struct.pack("<qq", *form.unpack(raw[: form.size]))
            option = {66: 20, 67: 21}.get(option, option)
        elif not p.abi.little:
            raw = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
    elif len(raw) == 4 and not p.abi.little:
        raw = raw[::-1]
    b = Buffer(raw or 4)
    return host(NR["setsockopt"], fd, level, option, b.at, len(raw))


@syscall
def getsockopt(p: Process, fd: Int, level: Int, option: Int, value: Address, size_at: Address) -> int:
    size = int.from_bytes(p.space.read(size_at, 4), p.abi.order)
    if size > 1 << 16:
        return -EINVAL
    if level == SOL_SOCKET:
        option = OPTIONS.get(option, option)
    b, n = Buffer(max(size, 16)), Buffer(max(size, 16 if option in TIMES else 0).to_bytes(4, "little"))
    result = host(NR["getsockopt"], fd, level, option, b.at, n.at)
    if result == 0:
        raw = b.data[: int.from_bytes(n.data, "little")]
        if level == SOL_SOCKET and option in TIMES:
            raw = p.abi.words(*struct.unpack("<qq", raw[:16]))
        elif not p.abi.little:
            raw = b"".join(raw[i : i + 4][::-1] for i in range(0, len(raw), 4))
        p.space.write(value, raw[:size])
        p.space.write(size_at, min(len(raw), size).to_bytes(4, p.abi.order))
    return result


_CALLS = (None, socket, bind, connect, listen, accept, getsockname, getpeername, socketpair, send, recv, sendto, recvfrom, shutdown, setsockopt,
          getsockopt, sendmsg, recvmsg, accept4)  # fmt: skip


@syscall
def socketcall(p: Process, call: Int, arguments: Address) -> int:
    if not 1 <= call < len(_CALLS) or _CALLS[call] is None:
        return -EINVAL if call < 1 or call > 20 else -ENOSYS
    function = _CALLS[call]
    count = function.__code__.co_argcount - 1  # type: ignore[union-attr]
    raw = p.space.read(arguments, count * p.abi.word)
    values = [int.from_bytes(raw[i * p.abi.word : (i + 1) * p.abi.word], p.abi.order) for i in range(count)]
    return int(function(p, *values))  # type: ignore[misc]
