"""The two sides that run a sequence: QEMU with a harness, and a machine of ours."""

from __future__ import annotations

import struct
import subprocess
import tempfile
from pathlib import Path

from dbt.state import slot

from ..engines.harness import BRANCH_SELF, FP, VEC, VSX, Rig, mode_msr, put
from ..limits import PATIENCE
from .sequence_layout import (
    ANSWER,
    BUFFER,
    BUFFER_BYTES,
    CODE,
    CR,
    CTR,
    DOUBLEWORDS,
    FINISH,
    FPSCR,
    HEAD,
    LR,
    RECORD,
    STATE,
    VSCR,
    VSR,
    XER,
    Sequence,
    Target,
    code,
    swap,
)

HARNESS = Path(__file__).with_name("sequences.s")
MEMORY = 32 << 20
SCRIPT = f"""PHDRS {{ a PT_LOAD FLAGS(7); b PT_LOAD FLAGS(7); }}
SECTIONS {{ . = {FINISH:#x}; .code : {{ *(.code) }} :a . = {STATE:#x}; .state (NOLOAD) : {{ . += 0x10000; }} :b /DISCARD/ : {{ *(*) }} }}"""


class Oracle:
    """The harness, assembled for a target."""

    def __init__(self, target: Target, directory: str) -> None:
        self.target = target
        self._program = f"{directory}/sequences-{target.name}"
        subprocess.run(["powerpc64-linux-gnu-as", *target.assembler, "-o", f"{self._program}.o", HARNESS], check=True)
        script = Path(f"{self._program}.ld")
        script.write_text(SCRIPT)
        link = ["powerpc64-linux-gnu-ld", *target.linker, "--no-warn-rwx-segments", "-T", str(script), "-e", "_start"]
        subprocess.run([*link, "-o", self._program, f"{self._program}.o"], check=True)

    def run(self, sequences: list[Sequence]) -> list[bytes | None]:
        """The records afterwards, None for a sequence that killed the process."""
        out: list[bytes | None] = []
        while len(out) < len(sequences):
            left = sequences[len(out) :]
            order = self.target.order
            data = b"".join((swap(s.record, order) + code(s.words, self.target)).ljust(RECORD, b"\0") for s in left)
            with tempfile.TemporaryFile() as f:
                f.write(data)
                f.seek(0)
                command = [*self.target.qemu, self._program]
                done = subprocess.run(command, stdin=f, capture_output=True, check=False, timeout=PATIENCE).stdout
            n = len(done) // ANSWER
            out += [swap(done[k * ANSWER : (k + 1) * ANSWER], order) for k in range(n)]
            if n < len(left):
                out.append(None)
        return out


class Ours:
    """A bare VM that runs the same records."""

    def __init__(self, target: Target, kind: str) -> None:
        self.target, self.kind = target, kind
        self.rig = Rig(kind, target.mode.le, memory=MEMORY, cpu="power9" if target.bits == 64 else "power8")
        self.rig.vm.write(FINISH, self.rig.words([BRANCH_SELF]))
        self.instructions = 0

    def run(self, s: Sequence) -> bytes | None:
        """The record afterwards; None if it did not reach its end."""
        rig = self.rig
        vm, vcpu = rig.vm, rig.vcpu
        words = s.words
        vm.write(STATE + BUFFER, s.record[BUFFER:ANSWER] + code(words, self.target).ljust(RECORD - CODE, b"\0"))
        given = s.doublewords
        record = bytearray(rig.clean)
        for n in range(32):
            put(record, slot(f"gpr{n}"), given[n])
        for n in range(64):
            put(record, slot(f"vsr{n}"), given[VSR + 2 * n] << 64 | given[VSR + 2 * n + 1])
        for n in range(8):
            put(record, slot(f"cr{n}"), given[CR] >> (28 - 4 * n) & 15)
        for name, shift in (("so", 31), ("ov", 30), ("ca", 29), ("ov32", 19), ("ca32", 18)):
            put(record, name, given[XER] >> shift & 1)
        put(record, "xer_count", given[XER] & 127)
        for name, n in (("lr", LR), ("ctr", CTR), ("fpscr", FPSCR), ("vscr", VSCR)):
            put(record, name, given[n])
        put(record, "nia", STATE + CODE)
        put(record, "msr", mode_msr(self.target.mode) | FP | (VEC | VSX if self.target.bits == 64 else 0))
        if self.kind == "region":
            rig.compile_regions([STATE + CODE], self.target.mode)
        rig.start(record, icount=0)
        rig.run(2000)
        self.instructions += len(words)
        if vcpu.nia != FINISH:
            return None
        out = [vcpu.gpr[n] for n in range(32)] + [vcpu[n] for n in ("cr", "xer", "lr", "ctr", "fpscr", "vscr")]
        out += [0] * (VSR - len(out))
        for n in range(64):
            x = vcpu[f"vsr{n}"]
            out += [x >> 64, x & 2**64 - 1]
        out += [0] * (HEAD // 8 - len(out))
        return struct.pack(f">{DOUBLEWORDS}", *out) + vm.read(STATE + BUFFER, BUFFER_BYTES)

    def close(self) -> None:
        """Release the machine."""
        self.rig.close()
