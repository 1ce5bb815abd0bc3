"""Single VSX instructions between registers, on a machine and under QEMU, with the whole FPSCR: what the sweeps of arithmetic
and of conversions share."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Sequence
from typing import NamedTuple

from runtime.vm import VM

from . import records
from .vsx_sweep import HARNESS, MSR, VSRS

Values = dict[str, int]  # registers by name


class Case(NamedTuple):
    """One instruction and the state it starts with."""

    name: str
    word: int
    vsr: tuple[int, ...]
    cr: int
    fpscr: int
    integer: bool = False  # whether it converts to an integer
    nan: bool = False  # whether an element of the operand is a NaN
    twice: bool = False  # an integer that becomes a single, and is no double

    def record(self) -> bytes:
        """As the harness reads it."""
        vectors = b"".join(v.to_bytes(16, "big") for v in self.vsr)
        return struct.pack(">16Q", self.word, 0, 0, 0, 0, self.cr, self.fpscr, *[0] * 9) + vectors + bytes(64)


def control(r: random.Random) -> int:
    """A rounding mode, and sticky bits that agree with the summary VX."""
    fpscr = r.choice((0, 0, 1, 2, 3)) | (r.getrandbits(32) & 0x9FFF_F700 if r.random() < 0.5 else 0)
    return fpscr | bool(fpscr & 0x01F8_0700) << 29


def ours(vm: VM, c: Case, little: bool) -> Values:
    """The registers after one instruction."""
    v = vm.vcpus[0]
    vm.write(0x1000, c.word.to_bytes(4, "little" if little else "big"))
    v.msr, v.nia = 1 << 63 | MSR | 0x1000 | little, 0x1000
    v.mode_changed()
    for n, x in zip(VSRS, c.vsr, strict=True):
        v[f"vsr{n}"] = x
    v["cr"], v.fpscr = c.cr, c.fpscr
    v.run(max_instructions=1)
    assert v.nia == 0x1004, (c, hex(v.nia))
    v.call("fp_settle")
    return {f"vs{n}": v[f"vsr{n}"] for n in VSRS} | {"cr": v["cr"], "fpscr": v.fpscr}


def state_of(record: bytes) -> Values:
    """The same, from a record."""
    w = struct.unpack(">16Q", record[:128])
    out = {f"vs{n}": int.from_bytes(record[128 + 16 * k : 144 + 16 * k], "big") for k, n in enumerate(VSRS)}
    return out | {"cr": w[5] & 0xFFFF_FFFF, "fpscr": w[6] & 0xFFFF_FFFF}


def compare(cases: Sequence[Case], little: bool, comparable: Callable[[Case, Values, Values], tuple[Values, Values]]) -> tuple[int, list[str]]:
    """How many cases agreed, and a line for each that did not. `comparable` takes our state and QEMU's and gives what must agree of them."""
    wrong = []
    vm = VM(1 << 20, cpu="power9", engine="interpreter")
    for c, record in zip(cases, records.run(HARNESS, [c.record() for c in cases], little=little), strict=True):
        a, b = comparable(c, ours(vm, c, little), state_of(record))
        if a != b:
            show = {k: (hex(a[k]), hex(b[k])) for k in a if a[k] != b[k]}
            wrong.append(f"{c.name} {c.word:#010x} fpscr={c.fpscr:#x} vsr={[hex(x) for x in c.vsr]} (ours, qemu): {show}")
    vm.close()
    return len(cases) - len(wrong), wrong
