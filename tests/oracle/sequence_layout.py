"""What random sequences run on: the oracles, and the record that both sides start from and leave behind.

A record begins with doublewords (GPRs, CR, XER, LR, CTR, FPSCR, VSCR), then the 64 VSRs; FPR n is the first half of VSR n.
Then come the buffer that storage instructions use, and the code.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from dbt.fpscr import OX, UX, ZX
from dbt.mode import Mode

FINISH, STATE = 0x100_0000, 0x110_0000
CR, XER, LR, CTR, FPSCR, VSCR = 32, 33, 34, 35, 36, 37  # doublewords; GPRs come first
VSR = 64  # where the VSRs begin, in doublewords
HEAD, BUFFER, BUFFER_BYTES, CODE = 2048, 2048, 1024, 3072  # bytes
ANSWER, RECORD = 3072, 5120
MIDDLE = STATE + BUFFER + BUFFER_BYTES // 2
BASE, INDEX, INDEX2 = 30, 29, 28  # r30 points to the middle of the buffer, r29 and r28 are small indexes; never targets
NOP = 0x6000_0000
DOUBLEWORDS = f"{HEAD // 8}Q"
# The targets of FP instructions, and those of VSX ones: doubleword 1 of a VSR whose FPR is written is undefined (I 7.2.1.3)
FPR_TARGETS, VSX_REGISTERS = range(14), range(14, 64)
# Compared of XER: SO OV CA, OV32 CA32 where they are, the byte count; of FPSCR: the exception bits and the controls (FPRF, FR
# and FI are not always set by QEMU, and FX not always kept)
XER_BITS, XER_BITS_64, FPSCR_BITS = 0xE000_007F, 0xE00C_007F, 0x7_3FF8_07FF


class Target(NamedTuple):
    """One oracle."""

    name: str
    qemu: tuple[str, ...]
    assembler: tuple[str, ...]
    linker: tuple[str, ...]
    mode: Mode

    @property
    def bits(self) -> int:
        """Of a register."""
        return 64 if self.mode.sf else 32

    @property
    def order(self) -> str:
        """As struct writes it."""
        return "<" if self.mode.le else ">"


TARGETS_BY_NAME = {
    t.name: t
    for t in (
        Target("ppc64", ("qemu-ppc64", "-cpu", "power9"), ("-mpower9",), (), Mode(pr=True)),
        Target("ppc64le", ("qemu-ppc64le", "-cpu", "power9"), ("-mpower9", "-mlittle"), ("-EL", "-m", "elf64lppc"), Mode(le=True, pr=True)),
        Target("ppc", ("qemu-ppc",), ("-a32", "-mppc", "--defsym", "WORDS=1"), ("-m", "elf32ppclinux"), Mode(sf=False, pr=True)),
    )
}


class Sequence(NamedTuple):
    """Groups of words that stay together (an access and the address it needs), and the state to start from."""

    groups: tuple[tuple[int, ...], ...]
    record: bytes  # the first ANSWER bytes, big-endian doublewords and the buffer

    @property
    def words(self) -> list[int]:
        """All of them."""
        return [w for g in self.groups for w in g]

    @property
    def doublewords(self) -> tuple[int, ...]:
        """The head of the record."""
        return struct.unpack_from(f">{DOUBLEWORDS}", self.record)

    def with_doubleword(self, n: int, value: int) -> Sequence:
        """Another start."""
        return self._replace(record=self.record[: 8 * n] + value.to_bytes(8, "big") + self.record[8 * n + 8 :])


def swap(record: bytes, order: str) -> bytes:
    """The doublewords of a record in another byte order; the buffer as it is."""
    if order == ">":
        return record
    return struct.pack(f"<{DOUBLEWORDS}", *struct.unpack_from(f">{DOUBLEWORDS}", record)) + record[HEAD:]


def code(words: list[int], target: Target) -> bytes:
    """A sequence as it lies in memory, with the branch to the end."""
    end = STATE + CODE + 4 * len(words)
    words = [*words, 18 << 26 | (FINISH - end) & 0x03FF_FFFC]
    assert len(words) * 4 <= RECORD - CODE, "too long"
    return struct.pack(f"{target.order}{len(words)}I", *words)


def register_name(n: int) -> str:
    """What doubleword n of a record is called."""
    if n < 32:
        return f"r{n}"
    if n >= VSR:
        return f"vs{(n - VSR) // 2}[{(n - VSR) % 2}]"
    return {CR: "cr", XER: "xer", LR: "lr", CTR: "ctr", FPSCR: "fpscr", VSCR: "vscr"}.get(n, f"unused{n}")


def differences(ours: bytes | None, theirs: bytes | None, bits: int) -> list[str]:
    """What differs, a line each."""
    if ours is None or theirs is None:
        return [] if ours is theirs is None else [f"{'ours' if ours is None else 'QEMU'} did not reach the end"]
    a, b = (struct.unpack_from(f">{DOUBLEWORDS}", x) for x in (ours, theirs))
    low = 2**64 - 1 if bits == 64 else 2**32 - 1
    masks = dict.fromkeys((*range(31), CR, LR, CTR), low) | {XER: XER_BITS_64 if bits == 64 else XER_BITS, FPSCR: FPSCR_BITS}
    if bits == 64:
        masks[VSCR] = 2**64 - 1
    if a[FPSCR] & b[FPSCR] & OX:  # QEMU 7.2 forgets UX where another element of a vector overflows
        masks[FPSCR] &= ~(UX | ZX)
    for n in range(64 if bits == 64 else 32):
        masks[VSR + 2 * n] = 2**64 - 1
        if n >= len(FPR_TARGETS) and bits == 64:
            masks[VSR + 2 * n + 1] = 2**64 - 1
    out = [f"{register_name(n)}: {a[n] & m:#x} / {b[n] & m:#x}" for n, m in masks.items() if (a[n] ^ b[n]) & m]
    wrong = [n for n in range(BUFFER_BYTES) if ours[BUFFER + n] != theirs[BUFFER + n]]
    return out + [f"buffer+{n}: {ours[BUFFER + n]:#x} / {theirs[BUFFER + n]:#x}" for n in wrong[:4]]
