"""The system and odds and ends."""

from __future__ import annotations

import os
import struct
from typing import TYPE_CHECKING

from ..errno import EINVAL, ENOSYS
from ..memory import PROT_WRITE
from ..native import NR, Buffer, host, wait
from . import Address, Int, Long, Size, Unsigned, syscall
from .files import buffer

if TYPE_CHECKING:
    from ..process import Process

PR_SET_NAME, PR_GET_NAME, PR_SET_DUMPABLE, PR_GET_DUMPABLE, PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS = 15, 16, 4, 3, 1, 38
PR_GET_FPEXC, PR_SET_FPEXC, PR_GET_ENDIAN, PR_CAPBSET_READ, PR_SET_VMA = 11, 12, 19, 23, 0x53564D41
RELEASE = "6.1.0"


@syscall
def uname(p: Process, out: Address) -> int:
    names = os.uname()
    fields = ("Linux", names.nodename, max(names.release, RELEASE), names.version, p.abi.machine, "(none)")
    p.space.write(out, b"".join(f.encode()[:64].ljust(65, b"\0") for f in fields))
    return 0


@syscall
def sysinfo(p: Process, out: Address) -> int:
    data = Buffer(112)
    host(NR["sysinfo"], data.at)
    up, *rest = struct.unpack("<q9QH", data.data[:82])
    loads, memory, processes = rest[:3], rest[3:9], rest[9]
    total_high, free_high, unit = struct.unpack_from("<QQI", data.data, 88)
    if p.abi.bits == 64:
        p.space.write(out, p.abi.words(up, *loads, *memory) + p.abi.pack("H6xQQI4x", processes, total_high, free_high, unit))
        return 0
    scale = 12
    memory = [min(m * unit >> scale, 0xFFFF_FFFF) for m in memory]
    p.space.write(out, p.abi.words(up, *loads, *memory) + p.abi.pack("H2xIII8x", processes, 0, 0, 1 << scale))
    return 0


@syscall
def getrandom(p: Process, out: Address, size: Size, flags: Unsigned) -> int:
    pieces = buffer(p, out, size, PROT_WRITE) if size else []
    if p.random is not None and pieces:  # deterministic
        data = bytes(p.random.randrange(256) for _ in range(min(size, 1 << 16)))
        p.space.write(out, data)
        return len(data)
    if not pieces:
        return 0
    result = wait(NR["getrandom"], pieces[0][0], pieces[0][1], flags)
    if result > 0:
        p.space.written(pieces, result)
    return result


@syscall
def prctl(p: Process, option: Int, a: Size, b: Size, c: Size, d: Size) -> int:
    if option == PR_SET_NAME:
        name = Buffer(p.space.string(a)[:15] + b"\0")
        return host(NR["prctl"], option, name.at, 0, 0, 0)
    if option == PR_GET_NAME:
        name = Buffer(16)
        result = host(NR["prctl"], option, name.at, 0, 0, 0)
        p.space.write(a, name.data)
        return result
    if option in (PR_GET_DUMPABLE, PR_SET_DUMPABLE, PR_SET_PDEATHSIG, PR_SET_NO_NEW_PRIVS, PR_CAPBSET_READ):
        return host(NR["prctl"], option, a, b, c, d)
    if option == PR_GET_ENDIAN:
        p.space.write(a, (1 if p.abi.little else 0).to_bytes(4, p.abi.order))
        return 0
    if option == PR_GET_FPEXC:
        p.space.write(a, (3).to_bytes(4, p.abi.order))  # PR_FP_EXC_PRECISE
        return 0
    if option == PR_SET_FPEXC:
        return 0
    return -EINVAL


@syscall
def rseq(p: Process, area: Address, size: Unsigned, flags: Int, signature: Unsigned) -> int:
    return -ENOSYS


@syscall
def syslog(p: Process, kind: Int, out: Address, size: Int) -> int:
    return -1


@syscall
def personality(p: Process, kind: Unsigned) -> int:
    return 0


@syscall
def membarrier(p: Process, command: Int, flags: Unsigned, cpu: Int) -> int:
    return 0


@syscall
def capget(p: Process, header: Address, data: Address) -> int:
    if data:
        p.space.write(data, bytes(24))
    return 0


@syscall
def sethostname(p: Process, name: Address, size: Long) -> int:
    return -1


@syscall
def subpage_prot(p: Process, address: Size, size: Size, table: Address) -> int:
    return -ENOSYS
