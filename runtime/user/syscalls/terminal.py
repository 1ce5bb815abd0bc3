"""ioctl: terminals and what every file answers.

Sources: arch/powerpc/include/uapi/asm/{ioctl,ioctls,termbits}.h and asm-generic's for the host.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from ..errno import EINVAL, ENOTTY
from ..native import NR, Buffer, host, wait
from . import Address, Int, Unsigned, syscall

if TYPE_CHECKING:
    from ..process import Process

TCGETS, TCSETS, TCSETSW, TCSETSF = 0x402C_7413, 0x802C_7414, 0x802C_7415, 0x802C_7416
HOST_TCGETS, HOST_TCSETS = 0x5401, 0x5402
# ours to the host's, by what the argument is
NUMBER = {0x2000_741D: 0x5409, 0x2000_741E: 0x540A, 0x2000_741F: 0x540B, 0x540C: 0x540C, 0x540D: 0x540D, 0x540E: 0x540E, 0x5422: 0x5422,
          0x5425: 0x5425, 0x5427: 0x5427, 0x5428: 0x5428, 0x2000_6601: 0x5451, 0x2000_6602: 0x5450, 0x2000_5441: 0x5441}  # fmt: skip
INT = {0x4004_667F: 0x541B, 0x8004_667E: 0x5421, 0x8004_667D: 0x5452, 0x4004_7473: 0x5411, 0x8004_7476: 0x5410, 0x4004_7477: 0x540F,
       0x5429: 0x5429, 0x4004_5430: 0x8004_5430, 0x8004_5431: 0x4004_5431, 0x5415: 0x5415, 0x5420: 0x5420, 0x4004_5432: 0x8004_5432,
       0x5424: 0x5424, 0x5423: 0x5423}  # fmt: skip
WINSIZE = {0x4008_7468: 0x5413, 0x8008_7467: 0x5414}
BLKGETSIZE64 = 0x4008_1272
READS = {0x4004_667F, 0x4004_7473, 0x4004_7477, 0x5429, 0x4004_5430, 0x5415, 0x4004_5432, 0x5424}

# termios bits: (ours, the host's), with a mask and shift for fields
IFLAG = [(1 << n, 1 << n) for n in range(9)] + [(0x200, 0x400), (0x400, 0x1000), (0x800, 0x800), (0x1000, 0x200), (0x2000, 0x2000),
                                              (0x4000, 0x4000)]  # fmt: skip
OFLAG = [(1, 1), (2, 4), (4, 2), (8, 8), (0x10, 0x10), (0x20, 0x20), (0x40, 0x40), (0x80, 0x80), (0x100, 0x100), (0x400, 0x800),
         (0x800, 0x1000), (0x1000, 0x200), (0x2000, 0x400), (0x4000, 0x8000), (0x8000, 0x2000), (0x1_0000, 0x4000)]  # fmt: skip
CFLAG = [(0x100, 0x10), (0x200, 0x20), (0x400, 0x40), (0x800, 0x80), (0x1000, 0x100), (0x2000, 0x200), (0x4000, 0x400), (0x8000, 0x800),
         (1 << 30, 1 << 30), (1 << 31, 1 << 31)]  # fmt: skip
LFLAG = [(0x80, 1), (0x100, 2), (0x4000, 4), (8, 8), (2, 0x10), (4, 0x20), (0x10, 0x40), (0x8000_0000, 0x80), (0x40_0000, 0x100),
         (0x40, 0x200), (0x20, 0x400), (1, 0x800), (0x80_0000, 0x1000), (0x2000_0000, 0x4000), (0x400, 0x8000), (0x1000_0000, 0x1_0000)]  # fmt: skip
# c_cc: our index of the host's INTR QUIT ERASE KILL EOF TIME MIN SWTC START STOP SUSP EOL REPRINT DISCARD WERASE LNEXT EOL2
CC = (0, 1, 2, 3, 4, 7, 5, 9, 13, 14, 12, 6, 11, 16, 10, 15, 8)


def _bits(value: int, pairs: list[tuple[int, int]], back: bool) -> int:
    return sum((b, a)[back] for a, b in pairs if value & (a, b)[back])


def to_host(p: Process, raw: bytes) -> bytes:
    """Our struct termios as the host's."""
    iflag, oflag, cflag, lflag, cc, line, _, _ = p.abi.structure("IIII19sBII").unpack(raw)
    baud = cflag & 0xFF
    control = _bits(cflag, CFLAG, False) | (baud if baud < 16 else 0x1000 | (baud - 15))
    host_cc = bytearray(19)
    for theirs, ours in enumerate(CC):
        host_cc[theirs] = cc[ours]
    return struct.pack("<IIIIB19s", _bits(iflag, IFLAG, False), _bits(oflag, OFLAG, False), control, _bits(lflag, LFLAG, False), line, bytes(host_cc))


def to_guest(p: Process, raw: bytes) -> bytes:
    """The inverse."""
    iflag, oflag, cflag, lflag, line, host_cc = struct.unpack("<IIIIB19s", raw)
    baud = cflag & 0xF if not cflag & 0x1000 else 15 + (cflag & 0xF)
    cc = bytearray(19)
    for theirs, ours in enumerate(CC):
        cc[ours] = host_cc[theirs]
    control = _bits(cflag, CFLAG, True) | baud
    return p.abi.pack("IIII", _bits(iflag, IFLAG, True), _bits(oflag, OFLAG, True), control, _bits(lflag, LFLAG, True)) + bytes(cc) + bytes(
        [line]) + p.abi.pack("II", baud, baud)  # fmt: skip


@syscall
def ioctl(p: Process, fd: Int, request: Unsigned, argument: Address) -> int:
    if request == TCGETS:
        data = Buffer(36)
        result = host(NR["ioctl"], fd, HOST_TCGETS, data.at)
        if result == 0:
            p.space.write(argument, to_guest(p, data.data))
        return result
    if request in (TCSETS, TCSETSW, TCSETSF):
        data = Buffer(to_host(p, p.space.read(argument, 44)))
        return wait(NR["ioctl"], fd, HOST_TCSETS + request - TCSETS, data.at)
    if request in NUMBER:
        return wait(NR["ioctl"], fd, NUMBER[request], argument)
    if request in INT:
        data = Buffer(4) if request in READS else Buffer(int.from_bytes(p.space.read(argument, 4), p.abi.order).to_bytes(4, "little"))
        result = host(NR["ioctl"], fd, INT[request], data.at)
        if result == 0 and request in READS:
            p.space.write(argument, int.from_bytes(data.data[:4], "little").to_bytes(4, p.abi.order))
        return result
    if request in WINSIZE:
        form = p.abi.structure("4H")
        setting = request >> 31
        data = Buffer(struct.pack("<4H", *form.unpack(p.space.read(argument, 8)))) if setting else Buffer(8)
        result = host(NR["ioctl"], fd, WINSIZE[request], data.at)
        if result == 0 and not setting:
            p.space.write(argument, form.pack(*struct.unpack("<4H", data.data)))
        return result
    if request == 0x8004_9409:  # FICLONE
        return -EINVAL
    p.say(f"ioctl: request {request:#x} is not known")
    return -ENOTTY
