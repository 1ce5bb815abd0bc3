"""Random sequences of user-mode instructions: our interpreter and compiled regions against qemu-ppc64, qemu-ppc64le and qemu-ppc.

    python -m tests.oracle.sequences [sequences] [seed]

A sequence has 20 to 200 instructions: fixed point, CR, loads and stores over a buffer, classic floating point, branches
forward and counted loops. Both sides start from the same registers and buffer at the same addresses; GPRs, CR, XER, LR, CTR,
FPRs and the buffer are compared. What is left out is in known_qemu.py. A sequence that disagrees is shrunk and listed.
"""

from __future__ import annotations

import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import NamedTuple

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.disassembler import disassemble
from dbt.frontend.insn import ISA, Insn
from dbt.mode import Mode
from dbt.state import slot

from ..engines.cases import double, number
from ..engines.harness import BRANCH_SELF, FP, Rig, mode_msr, put
from .fixed_sweep import ONLY_64
from .known_qemu import DIVISION, HIGH_UNDEFINED, left_out

HARNESS = Path(__file__).with_name("sequences.s")
FINISH, STATE = 0x100_0000, 0x110_0000
CR, XER, LR, CTR, FPR = 32, 33, 34, 35, 40  # doublewords of a record; GPRs come first
BUFFER, BUFFER_BYTES, CODE = 1024, 1024, 2048  # bytes of a record
RECORD, ANSWER = 4096, 2048
MIDDLE = STATE + BUFFER + BUFFER_BYTES // 2
BASE, INDEX, INDEX2 = 30, 29, 28  # r30 points to the middle of the buffer, r29 and r28 are small indexes; never targets
MEMORY = 32 << 20
TARGETS = range(28)
MODULES = re.compile(r"cr|fixed_\w+|storage_fixed|float_(arithmetic|storage)|move_spr")
XER_BITS = 0xE000_007F
NOP, REACH = 0x6000_0000, 8


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
        Target("ppc64", ("qemu-ppc64", "-cpu", "power8"), ("-mpower8",), (), Mode(pr=True)),
        Target(
            "ppc64le",
            ("qemu-ppc64le", "-cpu", "power8"),
            ("-mpower8", "-mlittle"),
            ("-EL", "-m", "elf64lppc"),
            Mode(le=True, pr=True),
        ),
        Target(
            "ppc", ("qemu-ppc",), ("-a32", "-mppc", "--defsym", "WORDS=1"), ("-m", "elf32ppclinux"), Mode(sf=False, pr=True)
        ),
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


@cache
def pool(bits: int, little: bool) -> list[Insn]:
    """The instructions to choose from."""
    out = []
    for i in ISA.insns:
        if (
            not MODULES.fullmatch(i.module.rpartition(".")[2])
            or i.privileged
            or i.since[0] == "3"
            or left_out(i.name, bits, little)
        ):
            continue
        if bits == 32 and (ONLY_64.fullmatch(i.name) or i.since[0] == "2" or re.match(r"l[dw]a|ld|std|lwa|stdcx", i.name)):
            continue
        out.append(i)
    return out


def forms(insn: Insn) -> set[str]:
    """The names of its fields."""
    return {f.name for f in insn.fields}


def fields(r: random.Random, insn: Insn, t: Target, **fixed: int) -> int:
    """A word with random fields: GPR targets below 28, SPRs the user's, and `fixed` ones as given."""
    word = insn.bits
    for f in insn.fields:
        if f.name in fixed:
            word |= f.insert(fixed[f.name])
        elif f.kind == "gpr":
            word |= f.insert(r.choice(TARGETS))
        elif f.name in ("FRTp", "FRSp"):  # an odd one is an invalid form (I 4.6.4)
            word |= f.insert(r.randrange(0, 32, 2))
        elif f.name == "SPR":
            word |= f.insert(r.choice((8, 9) if insn.name == "mtspr" else (1, 8, 9)))
        elif f.name == "FXM" and "o" in insn.name.removesuffix("crf"):
            word |= f.insert(1 << r.randrange(8))
        elif f.name == "Rc" and "float" in insn.module:
            pass  # CR1 shows sticky bits
        else:
            word |= r.getrandbits(32) & f.mask
    if t.bits == 32 and insn.name in ("cmp", "cmpi", "cmpl", "cmpli"):
        word &= ~(1 << 21)
    return word


def storage(r: random.Random, insn: Insn, t: Target) -> tuple[int, ...]:
    """An access within the buffer; update forms and reservations get an address of their own."""
    has = forms(insn)
    data = r.choice(TARGETS)
    fixed = {n: data for n in ("RT", "RS") if n in has}
    if insn.name == "stmw":
        fixed["RS"] = r.randrange(20, 32)
    if insn.name == "stswi":
        return (fields(r, insn, t, RA=BASE, NB=r.randint(1, 31)),)
    if "arx" in insn.name or "cx." in insn.name:
        own = r.choice([n for n in range(1, 28) if n != data])
        make = 14 << 26 | own << 21 | BASE << 16 | (r.randrange(-32, 32) * 8 & 0xFFFF)
        return make, fields(r, insn, t, RA=0, RB=own, **fixed)
    displacement = next((n for n in ("D", "DS") if n in has), "")
    if re.search("u$|ux$", insn.name):
        own = r.choice([n for n in range(1, 28) if n != data])
        make = 14 << 26 | own << 21 | BASE << 16 | (r.randrange(-200, 200) & 0xFFFF)
        other = {displacement: r.randrange(-50, 50) * 4} if displacement else {"RB": r.choice((INDEX, INDEX2))}
        return make, fields(r, insn, t, RA=own, **other, **fixed)
    if displacement:
        return (
            fields(
                r,
                insn,
                t,
                RA=BASE,
                **{displacement: r.randrange(-100, 96) * 4 + (displacement == "D") * r.choice((0, 0, 1, 2, 3))},
                **fixed,
            ),
        )
    ra, rb = r.choice(((BASE, INDEX), (INDEX, BASE), (0, BASE), (BASE, INDEX2), (INDEX2, BASE)))
    return (fields(r, insn, t, RA=ra, RB=rb, **fixed),)


def group(r: random.Random, t: Target) -> tuple[int, ...]:
    """One random instruction and what it needs."""
    insn = r.choice(pool(t.bits, t.mode.le))
    if "storage" in insn.module:
        return storage(r, insn, t)
    if insn.name == "mtspr" and r.random() < 0.3:  # XER: its reserved bits hold what was written, or 0 (I 1.3.3)
        own = r.choice(TARGETS)
        return (15 << 26 | own << 21 | 0xE000, 24 << 26 | own << 21 | own << 16 | 0x7F,
                31 << 26 | own << 21 | own << 16 | r.choice(TARGETS) << 11 | 28 << 1, fields(r, insn, t, SPR=1, RS=own))  # fmt: skip
    if DIVISION.fullmatch(insn.name):
        own, target, top = r.choice(TARGETS), r.choice(TARGETS), r.choice(TARGETS)
        small = 21 << 26 | r.choice(TARGETS) << 21 | own << 16 | r.randrange(17, 31) << 6 | 31 << 1
        odd = 24 << 26 | own << 21 | own << 16 | 1
        out = [
            small,
            odd,
            fields(r, insn, t, RT=target, RA=top, RB=own, **({"Rc": 0} if HIGH_UNDEFINED.fullmatch(insn.name) else {})),
        ]
        return (*out, *clear_high(target, insn, t))
    if HIGH_UNDEFINED.fullmatch(insn.name):
        target = r.choice(TARGETS)
        return fields(r, insn, t, RT=target, Rc=0), *clear_high(target, insn, t)
    if insn.bits >> 26 == 59 and "float" in insn.module:  # single precision takes singles (I 4.3.5.1)
        word = fields(r, insn, t)
        used = {f.extract(word) for f in insn.fields if f.name in ("FRA", "FRB", "FRC")}
        return *(63 << 26 | n << 21 | n << 11 | 12 << 1 for n in sorted(used)), word
    return (fields(r, insn, t),)


def clear_high(target: int, insn: Insn, t: Target) -> tuple[int, ...]:
    """rldicl target,target,0,32 where the high half is undefined."""
    return (30 << 26 | target << 21 | target << 16 | 1 << 5,) if t.bits == 64 and HIGH_UNDEFINED.fullmatch(insn.name) else ()


def branch(r: random.Random) -> tuple[int, ...]:
    """A branch, taken or not; `generate` says where to."""
    if r.random() < 0.15:
        return (18 << 26 | r.randrange(2),)
    return (16 << 26 | r.choice((4, 12, 4, 12, 16, 18, 0, 2, 8, 10, 20)) << 21 | r.randrange(32) << 16 | r.randrange(2),)


def loop(r: random.Random, t: Target) -> tuple[int, ...]:
    """li, mtctr, some fixed-point instructions, bdnz."""
    own = r.choice(TARGETS)
    body: list[int] = []
    while len(body) < 4:
        insn = r.choice(pool(t.bits, t.mode.le))
        if "fixed" in insn.module and "storage" not in insn.module and not DIVISION.fullmatch(insn.name):
            body += group_of(r, insn, t)
    back = 16 << 26 | 16 << 21 | (-4 * len(body) & 0xFFFC)
    return 14 << 26 | own << 21 | r.randint(1, 6), 31 << 26 | own << 21 | 9 << 16 | 467 << 1, *body, back


def group_of(r: random.Random, insn: Insn, t: Target) -> list[int]:
    """A fixed-point instruction without undefined results."""
    if HIGH_UNDEFINED.fullmatch(insn.name):
        target = r.choice(TARGETS)
        return [fields(r, insn, t, RT=target, Rc=0), *clear_high(target, insn, t)]
    return [fields(r, insn, t)]


def generate(r: random.Random, t: Target) -> Sequence:
    """A random sequence and state."""
    length = r.randint(20, 200)
    groups: list[tuple[int, ...]] = []
    while sum(map(len, groups)) < length:
        kind = r.random()
        groups.append(branch(r) if kind < 0.08 else loop(r, t) if kind < 0.1 else group(r, t))
    for n, g in enumerate(groups):  # branches go to a group: what belongs together is run together
        if g[0] >> 26 in (16, 18):
            groups[n] = (g[0] | 4 * sum(map(len, groups[n : n + r.randint(1, REACH)])),)
    doublewords = [number(r) for _ in range(32)] + [
        r.getrandbits(32),
        r.getrandbits(3) << 29 | r.randrange(128),
        number(r),
        0,
        0,
        0,
        0,
        0,
    ]
    doublewords[BASE], doublewords[31] = MIDDLE, STATE
    doublewords[INDEX], doublewords[INDEX2] = r.randrange(-60, 60) * 4 & 2**64 - 1, r.randrange(-100, 100) & 2**64 - 1
    doublewords[CTR] = STATE + CODE  # as the harness leaves it
    doublewords += [double(r) for _ in range(32)]
    record = struct.pack(f">{len(doublewords)}Q", *doublewords).ljust(BUFFER, b"\0") + r.randbytes(BUFFER_BYTES)
    return Sequence(tuple(groups), record)


def swap(record: bytes, order: str) -> bytes:
    """The doublewords of a record in another byte order; the buffer as it is."""
    return record if order == ">" else struct.pack("<128Q", *struct.unpack(">128Q", record[:BUFFER])) + record[BUFFER:]


def code(words: list[int], target: Target) -> bytes:
    """A sequence as it lies in memory, with the branch to the end."""
    end = STATE + CODE + 4 * len(words)
    words = [*words, 18 << 26 | (FINISH - end) & 0x03FF_FFFC]
    assert len(words) * 4 <= RECORD - CODE, "too long"
    return struct.pack(f"{target.order}{len(words)}I", *words)


# -- the two sides


class Oracle:
    """The harness, assembled for a target."""

    def __init__(self, target: Target, directory: str) -> None:
        self.target = target
        self._program = f"{directory}/sequences-{target.name}"
        subprocess.run(["powerpc64-linux-gnu-as", *target.assembler, "-o", f"{self._program}.o", HARNESS], check=True)
        script = Path(f"{self._program}.ld")
        script.write_text(f"""PHDRS {{ a PT_LOAD FLAGS(7); b PT_LOAD FLAGS(7); }}
SECTIONS {{ . = {FINISH:#x}; .code : {{ *(.code) }} :a . = {STATE:#x}; .state (NOLOAD) : {{ . += 0x10000; }} :b /DISCARD/ : {{ *(*) }} }}""")
        subprocess.run(
            [
                "powerpc64-linux-gnu-ld",
                *target.linker,
                "--no-warn-rwx-segments",
                "-T",
                script,
                "-e",
                "_start",
                "-o",
                self._program,
                f"{self._program}.o",
            ],
            check=True,
        )

    def run(self, sequences: list[Sequence]) -> list[bytes | None]:
        """The records afterwards, None for a sequence that killed the process."""
        out: list[bytes | None] = []
        while len(out) < len(sequences):
            left = sequences[len(out) :]
            data = b"".join(
                (swap(s.record, self.target.order) + code(s.words, self.target)).ljust(RECORD, b"\0") for s in left
            )
            with tempfile.TemporaryFile() as f:
                f.write(data)
                f.seek(0)
                done = subprocess.run(
                    [*self.target.qemu, self._program], stdin=f, capture_output=True, check=False, timeout=60
                ).stdout
            n = len(done) // ANSWER
            out += [swap(done[k * ANSWER : (k + 1) * ANSWER], self.target.order) for k in range(n)]
            if n < len(left):
                out.append(None)
        return out


class Ours:
    """A bare VM that runs the same records."""

    def __init__(self, target: Target, kind: str) -> None:
        self.target, self.kind = target, kind
        self.rig = Rig(kind, target.mode.le, memory=MEMORY, cpu="power8")
        self.rig.vm.write(FINISH, self.rig.words([BRANCH_SELF]))
        self.instructions = 0

    def run(self, s: Sequence) -> bytes | None:
        """The record afterwards; None if it did not reach its end."""
        rig = self.rig
        vm, vcpu = rig.vm, rig.vcpu
        words = s.words
        vm.write(STATE + BUFFER, s.record[BUFFER:ANSWER] + code(words, self.target).ljust(RECORD - CODE, b"\0"))
        given = struct.unpack(">128Q", s.record[:BUFFER])
        record = bytearray(rig.clean)
        for n in range(32):
            put(record, slot(f"gpr{n}"), given[n])
            put(record, slot(f"fpr{n}"), given[FPR + n])
        for n in range(8):
            put(record, slot(f"cr{n}"), given[CR] >> (28 - 4 * n) & 15)
        for name, shift in (("so", 31), ("ov", 30), ("ca", 29)):
            put(record, name, given[XER] >> shift & 1)
        put(record, "xer_count", given[XER] & 127)
        put(record, "lr", given[LR])
        put(record, "ctr", given[CTR])
        put(record, "nia", STATE + CODE)
        put(record, "msr", mode_msr(self.target.mode) | FP)
        if self.kind == "region":
            rig.compile_regions([STATE + CODE], self.target.mode)
        rig.start(record, icount=0)
        rig.run(2000)
        self.instructions += len(words)
        if vcpu.nia != FINISH:
            return None
        out = (
            [vcpu.gpr[n] for n in range(32)]
            + [vcpu["cr"], vcpu["xer"], vcpu.lr, vcpu.ctr, 0, 0, 0, 0]
            + [vcpu.fpr[n] for n in range(32)]
        )
        return struct.pack(f">{len(out)}Q", *out).ljust(BUFFER, b"\0") + vm.read(STATE + BUFFER, BUFFER_BYTES)

    def close(self) -> None:
        """Release the machine."""
        self.rig.close()


def differences(ours: bytes | None, theirs: bytes | None, bits: int) -> list[str]:
    """What differs, a line each."""
    if ours is None or theirs is None:
        return [] if ours is theirs is None else [f"{'ours' if ours is None else 'QEMU'} did not reach the end"]
    a, b = (struct.unpack(">128Q", x[:BUFFER]) for x in (ours, theirs))
    low = 2**64 - 1 if bits == 64 else 2**32 - 1
    names = [f"r{n}" for n in range(31)] + ["r31", "cr", "xer", "lr", "ctr"]
    out = []
    for n, name in enumerate(names):
        mask = XER_BITS if n == XER else low
        if n != 31 and (a[n] ^ b[n]) & mask:
            out.append(f"{name}: {a[n] & mask:#x} / {b[n] & mask:#x}")
    out += [f"f{n}: {a[FPR + n]:#018x} / {b[FPR + n]:#018x}" for n in range(32) if a[FPR + n] != b[FPR + n]]
    out += [
        f"buffer+{n}: {ours[BUFFER + n]:#x} / {theirs[BUFFER + n]:#x}"
        for n in range(BUFFER_BYTES)
        if ours[BUFFER + n] != theirs[BUFFER + n]
    ][:4]
    return out


def shrink(s: Sequence, fails: Callable[[Sequence], bool]) -> Sequence:
    """Leave out groups (nops take their place) while it still fails."""
    groups = list(s.groups)
    size = len(groups) // 2
    while size:
        for at in range(0, len(groups), size):
            trial = groups[:at] + [(NOP,) * len(g) for g in groups[at : at + size]] + groups[at + size :]
            if trial != groups and fails(Sequence(tuple(trial), s.record)):
                groups = trial
        size //= 2
    return Sequence(tuple(groups), s.record)


def listing(s: Sequence) -> str:
    """The sequence without its nops."""
    out = []
    for n, w in enumerate(s.words):
        if w != NOP:
            pc = STATE + CODE + 4 * n
            out.append(f"  {pc:#x} {w:08x} {disassemble(w, pc)}")
    return "\n".join(out)


def compare(name: str, count: int, seed: int, jit_every: int) -> tuple[int, int, int, list[str]]:
    """(sequences that agreed on the interpreter, on regions, instructions in them, reports of the others)."""
    target = TARGETS_BY_NAME[name]
    r = random.Random(f"{name} {seed}")
    sequences = [generate(r, target) for _ in range(count)]
    good, compiled, instructions = 0, 0, 0
    reports: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        oracle = Oracle(target, directory)
        answers = oracle.run(sequences)
        sides = [Ours(target, "interpreter"), Ours(target, "region")]
        for n, (s, theirs) in enumerate(zip(sequences, answers, strict=True)):
            for side in sides if jit_every and n % jit_every == 0 else sides[:1]:
                if differences(side.run(s), theirs, target.bits):
                    small = shrink(s, lambda t, side=side: bool(differences(side.run(t), oracle.run([t])[0], target.bits)))  # type: ignore[misc]
                    show = "\n  ".join(differences(side.run(small), oracle.run([small])[0], target.bits))
                    reports.append(f"{name} sequence {n} of seed {seed}, {side.kind} / QEMU:\n  {show}\n{listing(small)}")
                elif theirs is not None:
                    good += side.kind == "interpreter"
                    compiled += side.kind == "region"
                    instructions += len(s.words) if side.kind == "interpreter" else 0
            if len(reports) >= 5:
                break
        for side in sides:
            side.close()
    return good, compiled, instructions, reports


def available() -> bool:
    """Whether the oracle's programs are installed."""
    return all(
        map(shutil.which, ("powerpc64-linux-gnu-as", "powerpc64-linux-gnu-ld", "qemu-ppc64", "qemu-ppc64le", "qemu-ppc"))
    )


def main() -> int:
    count, seed = (int(x) for x in (sys.argv[1:] + ["500", "1"][len(sys.argv) - 1 :])[:2])
    status = 0
    for name in TARGETS_BY_NAME:
        good, compiled, instructions, reports = compare(name, count, seed, 20)
        print(
            f"{name}: {good} sequences of {instructions} instructions agreed with QEMU ({compiled} of them compiled as well)"
        )
        print("\n".join(reports))
        status |= bool(reports)
    return status


if __name__ == "__main__":
    sys.exit(main())
