"""Runs one VSX instruction on many operands at full speed, as guest.py does classic ones.

A case is 128 bytes: FPSCR, and from 16 on VSRs 33, 34 and 35 before; then, stored by the loop, VSR 35, FPSCR and CR after.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .guest import MEMORY, TABLE, Guest

SIZE, M64 = 128, (1 << 64) - 1
CASES = (MEMORY - TABLE) // SIZE
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


class VsxGuest(Guest):
    """A machine of one engine for such loops."""

    def run(self, words: Sequence[int], cases: Sequence[Case]) -> list[tuple[int, int, int]]:
        """(VSR 35, FPSCR, CR) after the instructions, for each case."""
        table = np.array([(c[0], 0, *(half for x in c[1:] for half in (x >> 64, x & M64)), *[0] * 8) for c in cases], np.uint64)
        after = self.over(table, loop(words), (16, 32, 48, 64))[:, 8:12].tolist()
        return [(high << 64 | low, fpscr, cr) for high, low, fpscr, cr in after]
