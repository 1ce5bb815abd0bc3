"""Runs one VSX instruction on many operands at full speed, as guest.py does classic ones.

A case is 128 bytes: FPSCR, and from 16 on VSRs 33, 34 and 35 before; then, stored by the loop, VSR 35, FPSCR and CR after.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.vm import VM

CODE, TABLE, MEMORY, SIZE = 0x1000, 0x10000, 1 << 24, 128
CASES = (MEMORY - TABLE) // SIZE
MSR = 1 << 63 | 1 << 25 | 1 << 23 | 1 << 13 | 1 << 12
A, B, T = 33, 34, 35
Case = tuple[int, int, int, int]  # FPSCR, VSRs 33, 34, 35


def loop(words: Sequence[int]) -> list[int]:
    """r3: the next case; r5 to r8: displacements; ctr: how many."""

    def indexed(extended: int, register: int, rb: int) -> int:
        return 31 << 26 | (register & 31) << 21 | 3 << 16 | rb << 11 | extended << 1 | register >> 5

    body = [
        0xC803_0000,  # lfd 0,0(3)
        0xFC00_058E | 1 << 25,  # mtfsf L=1,f0
        *(indexed(844, n, rb) for n, rb in ((A, 5), (B, 6), (T, 7))),  # lxvd2x
        *words,
        indexed(972, T, 8),  # stxvd2x
        0xFC00_048E,  # mffs 0
        0xD803_0050,  # stfd 0,80(3)
        0x7C80_0026,  # mfcr 4
        0xF883_0058,  # std 4,88(3)
        0x3863_0080,  # addi 3,3,128
    ]
    return [*body, 0x4200_0000 | -4 * len(body) & 0xFFFC, 0x4800_0000]  # bdnz; b .


class VsxGuest:
    """A machine of one engine for such loops."""

    def __init__(self, engine: Any) -> None:
        self.vm = VM(memory=MEMORY, cpu="power9", engine=engine, hot_threshold=50)
        self.vcpu = self.vm.vcpus[0]

    def run(self, words: Sequence[int], cases: Sequence[Case]) -> list[tuple[int, int, int]]:
        """(VSR 35, FPSCR, CR) after the instructions, for each case."""
        assert len(cases) <= CASES
        code = loop(words)
        self.vm.write(CODE, struct.pack(f">{len(code)}I", *code))
        table = b"".join(
            struct.pack(">QQ", c[0], 0) + b"".join(x.to_bytes(16, "big") for x in c[1:]) + bytes(64) for c in cases
        )
        self.vm.write(TABLE, table)
        v = self.vcpu
        v.msr, v.nia, v.ctr = MSR, CODE, len(cases)
        v.gpr[3] = TABLE
        for n in range(4):
            v.gpr[5 + n] = 16 + 16 * n
        v["cr"] = 0
        v.mode_changed()
        v.run(max_instructions=len(cases) * (len(code) - 1))
        assert v.ctr == 0 and v.nia == CODE + 4 * (len(code) - 1), (hex(v.nia), v.ctr)
        after = np.frombuffer(self.vm.read(TABLE, SIZE * len(cases)), ">u8").reshape(-1, SIZE // 8)[:, 8:12].tolist()
        return [(high << 64 | low, fpscr, cr) for high, low, fpscr, cr in after]

    def close(self) -> None:
        """Release the machine."""
        self.vm.close()
