"""Runs one floating-point instruction on many operands at full speed: a guest loop over a table of cases.

A case is 64 bytes: FPSCR, FRA, FRB, FRC before; then, stored by the loop, FRT, FPSCR, CR after.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from runtime.vm import VM

CODE, TABLE, MEMORY = 0x1000, 0x10000, 1 << 24
CASES = (MEMORY - TABLE) // 64
SF, FP, ME = 1 << 63, 1 << 13, 1 << 12
VSX = 1 << 23 | 1 << 25  # with VEC
MSR = SF | FP | ME | VSX
BEFORE = 0x5A5A_0123_4567_89AB  # what FRT holds: suppressed results leave it
Case = tuple[int, int, int, int]  # FPSCR, FRA, FRB, FRC


def loop(words: Sequence[int]) -> list[int]:
    """r3: the next case, ctr: how many. f1 to f3 hold the operands, f4 the target, f0 FPSCR."""
    body = [
        0xC803_0000,  # lfd 0,0(3)
        0xFC00_058E | 1 << 25,  # mtfsf L=1,f0
        0xC823_0008, 0xC843_0010, 0xC863_0018,  # lfd 1..3
        0xC883_0038,  # lfd 4,56(3)
        *words,
        0xD883_0020,  # stfd 4,32(3)
        0xFC00_048E,  # mffs 0
        0xD803_0028,  # stfd 0,40(3)
        0x7C80_0026,  # mfcr 4
        0xF883_0030,  # std 4,48(3)
        0x3863_0040,  # addi 3,3,64
    ]  # fmt: skip
    return [*body, 0x4200_0000 | -4 * len(body) & 0xFFFC, 0x4800_0000]  # bdnz; b .


class Guest:
    """A machine of one engine for such loops."""

    def __init__(self, engine: Any) -> None:
        self.vm = VM(memory=MEMORY, cpu="power9", engine=engine, hot_threshold=50)
        self.vcpu = self.vm.vcpus[0]

    def run(self, words: Sequence[int], cases: Sequence[Case]) -> list[tuple[int, int, int]]:
        """(FRT, FPSCR, CR) after the instructions, for each case."""
        table = np.zeros((len(cases), 8), np.uint64)
        table[:, :4] = np.array(cases, np.uint64)
        table[:, 7] = BEFORE
        after = self.over(table, loop(words))[:, 4:7]
        return [tuple(map(int, row)) for row in after.tolist()]  # type: ignore[misc]

    def over(self, table: Any, code: Sequence[int], displacements: Sequence[int] = ()) -> Any:
        """The table of doublewords after the loop has gone over its rows; r3 is at the first one, r5 and on hold displacements."""
        assert table.nbytes <= MEMORY - TABLE
        self.vm.write(CODE, struct.pack(f">{len(code)}I", *code))
        self.vm.write(TABLE, table.astype(">u8").tobytes())
        v = self.vcpu
        v.msr, v.nia, v.ctr = MSR, CODE, len(table)
        v.gpr[3] = TABLE
        for n, displacement in enumerate(displacements, 5):
            v.gpr[n] = displacement
        v["cr"] = 0
        v.mode_changed()
        once, first = len(code) - 1, min(100, len(table))
        v.run(max_instructions=first * once)
        if self.vm.compiler is not None:
            self.vm.compiler.drain()  # so that the others run compiled
        v.run(max_instructions=(len(table) - first) * once)
        assert v.ctr == 0 and v.nia == CODE + 4 * (len(code) - 1), (hex(v.nia), v.ctr)
        after = np.frombuffer(self.vm.read(TABLE, 8 * table.size), ">u8").reshape(table.shape)
        return after.astype(np.uint64)

    def close(self) -> None:
        """Release the machine."""
        self.vm.close()
