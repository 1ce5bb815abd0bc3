"""Runs cases on an engine, one instruction at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from runtime.vm import VM

from ..float.fpscr_reference import raised
from .cases import A, B, Case, T

CODE, SF, FP, ME = 0x1000, 1 << 63, 1 << 13, 1 << 12
M64 = (1 << 64) - 1


class Machine:
    """A bare machine."""

    def __init__(self, engine: Any = "interpreter") -> None:
        self.vm = VM(memory=1 << 20, cpu="power9", engine=engine)

    def run(self, cases: Sequence[Case]) -> list[tuple[int, int, int]]:
        """(pair of the target, FPSCR, CR) after each."""
        v, out = self.vm.vcpus[0], []
        v.msr = SF | FP | ME
        v.mode_changed()
        for start in range(0, len(cases), 1000):
            part = cases[start : start + 1000]
            self.vm.write(CODE, b"".join(c.word.to_bytes(4, "big") for c in part))
            for n, c in enumerate(part):
                for register, x in ((A, c.a), (B, c.b), (T, c.t)):
                    v.fpr[register], v.fpr[register + 1] = x >> 64, x & M64
                v["cr"], v.fpscr, v.nia = 0, ref_fpscr(c.fpscr), CODE + 4 * n
                v.run(max_instructions=1)
                assert v.nia == CODE + 4 * n + 4, (c, hex(v.nia))
                out.append((v.fpr[T] << 64 | v.fpr[T + 1], v.fpscr, v["cr"]))
        return out

    def close(self) -> None:
        """Release the machine."""
        self.vm.close()


def ref_fpscr(x: int) -> int:
    """As mtfsf leaves it."""
    return raised(x & 0x7_FFFF_F7FF, 0)
