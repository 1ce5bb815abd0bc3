"""struct siginfo: the host's (64-bit, little-endian) and the guest's. Source: asm-generic/siginfo.h, compat_siginfo."""

from __future__ import annotations

import struct

from .abi import Abi

SIZE = 128
SI_USER, SI_KERNEL, SI_QUEUE, SI_TIMER, SI_MESGQ, SI_TKILL = 0, 0x80, -1, -2, -3, -6
SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV, SIGCHLD, SIGIO, SIGSYS = 4, 5, 7, 8, 11, 17, 29, 31
SYNCHRONOUS = (SIGILL, SIGTRAP, SIGBUS, SIGFPE, SIGSEGV)


def fault_info(signal: int, code: int, address: int) -> bytes:
    """siginfo of a fault, in the host's layout."""
    return struct.pack("<iii4xQ", signal, 0, code, address & (2**64 - 1)).ljust(SIZE, b"\0")


def user_info(signal: int, pid: int, uid: int, code: int = SI_USER) -> bytes:
    """siginfo of a signal that a process sent, in the host's layout."""
    return struct.pack("<iii4xiI", signal, 0, code, pid, uid).ljust(SIZE, b"\0")


def _shape(signal: int, code: int) -> str:
    """The fields after the common ones, as Abi.structure has them."""
    if code == SI_TIMER:
        return "iiL"
    if code in (SI_USER, SI_TKILL):
        return "iI"
    if code < 0:
        return "iIL"
    if signal in SYNCHRONOUS and code != SI_KERNEL:
        return "L"
    if signal == SIGCHLD:
        return "iIixll"
    if signal == SIGIO:
        return "li"
    return "iIL"


def to_guest(abi: Abi, raw: bytes) -> bytes:
    """The host's siginfo as the guest sees it."""
    if abi.bits == 64 and abi.little:
        return raw
    signal, error, code = struct.unpack_from("<iii", raw)
    shape = _shape(signal, code)
    values = struct.unpack_from("<" + shape.replace("L", "Q").replace("l", "q").replace("x", "4x"), raw, 16)
    if abi.bits == 32:
        mask = 0xFFFF_FFFF
        form = shape.replace("x", "")
        signed = [(v & mask) - (1 << 32) if c == "l" and v & 0x8000_0000 else v & mask if c in "Ll" else v
                  for c, v in zip(form, values, strict=True)]  # fmt: skip
        body = struct.pack(f"{abi.mark}iii", signal, error, code) + struct.pack(abi.mark + form.replace("L", "I").replace("l", "i"), *signed)
    else:
        body = abi.structure("iii4x" + shape.replace("x", "4x")).pack(signal, error, code, *values)
    return body.ljust(SIZE, b"\0")


def from_guest(abi: Abi, data: bytes) -> bytes:
    """The inverse, for rt_sigqueueinfo."""
    signal, error, code = struct.unpack_from(abi.mark + "iii", data)
    form = "iIL"
    pid, uid, value = abi.structure(form).unpack_from(data, 16 if abi.bits == 64 else 12)
    return struct.pack("<iii4xiIQ", signal, error, code, pid, uid, value).ljust(SIZE, b"\0")
