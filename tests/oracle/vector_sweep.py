"""Every vector instruction on random and boundary operands, against qemu-ppc64 -cpu POWER9.

    python -m tests.oracle.vector_sweep [cases per instruction] [seed] [pattern of mnemonics]

Compared: GPRs, four VRs, VSCR and CR. Both forms of each body run (translation and interpreter variant). What the manual
leaves undefined is not generated; QEMU's errors are in `known_error`, estimates are judged by the accuracy they must have.
"""

from __future__ import annotations

import math
import random
import re
import struct
import sys
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from dbt.frontend.insn import ISA, Insn

from ..ir.machine import Registers
from ..support import execute
from . import records

HARNESS = Path(__file__).with_name("vector.s")
MODULES = re.compile(r"vector_(?!storage)\w+")
MSR_VEC = 1 << 25
SINGLES = (0, 1 << 31, 0x7F80_0000, 0xFF80_0000, 0x7FC0_0000, 0xFFC0_0123, 0x7F80_0001, 0xFFA0_1234, 1, 0x007F_FFFF, 0x8000_0001,
           0x0080_0000, 0x8080_0000, 0x3F80_0000, 0xBF80_0000, 0x7F7F_FFFF, 0xFF7F_FFFF, 0x4F00_0000, 0xCF00_0000, 0x4EFF_FFFF,
           0x4F80_0000, 0x4F7F_FFFF, 0xBF7F_FFFF, 0x3F00_0000, 0x3FC0_0000, 0xBFC0_0000, 0x4020_0000, 0x3EFF_FFFF, 0x42FF_FFFF,
           0x4300_0000, 0xC315_0000, 0xC316_0000, 0xC2FC_0000)  # fmt: skip
ESTIMATE = {"vrefp": 2**-12, "vrsqrtefp": 2**-12, "vexptefp": 2**-4, "vlogefp": 2**-5}


class Case(NamedTuple):
    """One instruction and the state it starts with."""

    insn: Insn
    word: int
    gpr: tuple[int, ...]  # r3..r6
    cr: int
    vscr: int
    vr: tuple[int, ...]  # v1..v4

    def record(self) -> bytes:
        """As the harness reads it."""
        head = struct.pack(">6Q", self.word, *self.gpr, self.cr) + self.vscr.to_bytes(16, "big")
        return head + b"".join(v.to_bytes(16, "big") for v in self.vr)


class State(NamedTuple):
    """What is compared."""

    gpr: tuple[int, ...]
    cr: int
    vscr: int
    vr: tuple[int, ...]


def lanes(r: random.Random, width: int, edges: tuple[int, ...], chance: float) -> int:
    """A quadword of random and boundary elements."""
    out = 0
    for _ in range(128 // width):
        out = out << width | (r.choice(edges) if r.random() < chance else r.getrandbits(width)) & (1 << width) - 1
    return out


def integers(r: random.Random) -> int:
    """Elements of some width, often boundaries."""
    width = r.choice((8, 16, 32, 64, 128))
    half = 1 << width - 1
    return lanes(r, width, (0, 1, 2, width - 1, width, -1, -2, half, half - 1, half + 1, r.getrandbits(width)), r.choice((0, 0.3, 0.7, 1)))


def singles(r: random.Random) -> int:
    """Four floating-point numbers."""
    if r.random() < 0.2:  # of like size, so that sums cancel and comparisons are close
        base = r.getrandbits(32) & 0x7FFF_FFFF
        return sum((r.getrandbits(1) << 31 | base + r.randint(-2, 2) & 0x7FFF_FFFF) << k for k in (0, 32, 64, 96))
    near = tuple(r.getrandbits(1) << 31 | r.randint(100, 160) << 23 | r.getrandbits(23) for _ in range(8))
    return lanes(r, 32, SINGLES + near * 3, r.choice((0.5, 0.9, 1)))


def packed(r: random.Random) -> int:
    """Signed packed decimal, now and then with a wrong code."""
    count = r.choice((0, 1, 5, 16, 30, 31, 31))
    digits = "".join(r.choices(r.choice(("0123456789", "9", "05", "09")), k=count)) or "0"
    out = int(digits, 16) << 4 | r.choice((10, 11, 12, 13, 14, 15, 12, 13))
    return out ^ (r.getrandbits(4) << 4 * r.randrange(32) if r.random() < 0.06 else 0)


def national(r: random.Random) -> int:
    """Eight halfwords of national decimal."""
    digits = [0x30 + r.choice((0, 9, r.randrange(10))) for _ in range(7)] + [r.choice((0x2B, 0x2D))]
    if r.random() < 0.2:
        digits = [0x30] * 7 + digits[7:]
    return sum(d << 16 * (7 - k) for k, d in enumerate(digits)) ^ (1 << r.randrange(128) if r.random() < 0.1 else 0)


def zoned(r: random.Random) -> int:
    """Sixteen bytes of zoned decimal."""
    zone = r.choice((0x30, 0xF0))
    digits = [zone + r.choice((0, 9, r.randrange(10))) for _ in range(15)]
    if r.random() < 0.2:
        digits = [zone] * 15
    digits.append(r.choice((zone, r.randrange(16) << 4)) + r.choice((0, r.randrange(10))))
    return int.from_bytes(bytes(digits), "big") ^ (1 << r.randrange(128) if r.random() < 0.1 else 0)


def register(r: random.Random, name: str) -> int:
    """A value that suits an instruction."""
    if "fp" in name or re.match(r"vct[su]xs|vcf[su]x|vrfi", name):
        return singles(r) if r.random() < 0.9 else integers(r)
    if name.startswith("bcdcfn"):
        return national(r)
    if name.startswith("bcdcfz"):
        return zoned(r)
    if re.match("bcdu|bcdcfsq", name):
        digits = int("".join(r.choices(r.choice(("0123456789", "09")), k=r.randint(1, 32))), 16)
        number = r.choice((r.randint(-(10**31) - 1, 10**31 + 1), r.randint(-99, 99), 10**31, 10**31 - 1, -(10**31), 1 - 10**31, r.getrandbits(128)))
        return (number if "cfsq" in name else digits) & (1 << 128) - 1
    if name.startswith("bcd") and r.random() < 0.95:
        return packed(r)
    return integers(r)


def case(r: random.Random, insn: Insn) -> Case:
    """A random use of an instruction, of which the manual defines the result."""
    word, name = insn.bits, insn.name
    vr = [register(r, name) for _ in range(4)]
    if r.random() < 0.1:
        vr[r.randrange(4)] = vr[r.randrange(4)]
    element = re.match(r"(?:vextractu?|vextu|vinsert)([bhwd])", name)
    size = {"b": 1, "h": 2, "w": 4, "d": 8}[element[1]] if element else 1
    for f in insn.fields:
        if f.kind == "vr":
            word |= f.insert(r.randint(1, 4))
        elif f.kind == "gpr":
            word |= f.insert(r.randint(3, 6))
        elif f.name == "UIM4" and element:
            word |= f.insert(r.randint(0, 16 - size))  # an element that reaches past the register is undefined
        else:
            word |= r.getrandbits(32) & f.mask
    gpr = [r.getrandbits(64) for _ in range(4)]
    if name.startswith("vextu"):
        gpr = [x & ~15 | r.randint(0, 16 - size) for x in gpr]
    if name in ("vsl", "vsr"):  # every byte must say the same
        b = (word >> 11 & 31) - 1
        vr[b] = vr[b] & int("f8" * 16, 16) | r.randrange(8) * int("01" * 16, 16)
    if re.match(r"bcdu?s\.|bcdsr|bcdu?trunc", name):  # an amount in VRA, in a byte or halfword of the first doubleword
        a, b = (word >> 16 & 31) - 1, (word >> 11 & 31) - 1
        if a != b:
            near = r.randint(-34, 34) if "s" in name[3:] and "trunc" not in name else r.randint(0, 40)
            vr[a] = vr[a] & ~(0xFFFF << 64) | (near & 0xFFFF) << 64
    return Case(insn, word, tuple(gpr), r.getrandbits(32), r.choice((0, 1)) | r.choice((0, 1)) << 16, tuple(vr))


def state_of(record: bytes) -> State:
    """A record as a state."""
    words = struct.unpack(">6Q", record[:48])
    quads = [int.from_bytes(record[n : n + 16], "big") for n in range(48, len(record), 16)]
    return State(words[1:5], words[5] & 0xFFFF_FFFF, quads[0] & 0xFFFF_FFFF, tuple(quads[1:]))


def ours(c: Case, generic: bool) -> State:
    """The evaluator's state afterwards."""
    registers = {f"gpr{n + 3}": v for n, v in enumerate(c.gpr)} | {f"vr{n + 1}": v for n, v in enumerate(c.vr)}
    registers |= {f"cr{n}": c.cr >> 28 - 4 * n & 15 for n in range(8)} | {"vscr": c.vscr, "msr": MSR_VEC}
    got, outcome = execute(c.word, registers, generic=generic)
    assert outcome.kind == "next", (c, outcome)
    return after(got)


def after(got: Registers) -> State:
    """Registers as a state."""
    cr = sum(got[f"cr{n}"] << 28 - 4 * n for n in range(8))
    return State(tuple(got[f"gpr{n}"] for n in range(3, 7)), cr, got["vscr"], tuple(got[f"vr{n}"] for n in range(1, 5)))


def number(bits: int) -> float:
    """The single with these bits."""
    return float(struct.unpack(">f", bits.to_bytes(4, "big"))[0])


def accurate(name: str, source: int, a: int, nj: bool) -> bool:
    """Whether an estimate is as close to the exact result as it must be (Book I 6.10.5). False for what is no number."""
    s, x, limit = number(source), number(a), ESTIMATE[name]
    if nj and abs(s) < 2**-126:
        s = math.copysign(0.0, s)
    if math.isnan(s) or (s <= 0 and name in ("vlogefp", "vrsqrtefp")) or not s or (math.isinf(s) and name != "vexptefp"):
        return False
    if name == "vexptefp":
        exact = 0.0 if s < -200 else math.inf if s >= 128 else 2.0**s
    else:
        exact = {"vrefp": lambda: 1 / s, "vrsqrtefp": lambda: s**-0.5, "vlogefp": lambda: math.log2(s)}[name]()
    if math.isinf(exact) or exact >= 2.0**128:
        return x == math.inf
    if abs(exact) < 2**-126 and name != "vlogefp":
        return not x or (not nj and abs(x - exact) <= limit * abs(exact) + 2**-149)
    if name == "vlogefp":
        return abs(x - exact) <= (limit if abs(s - 1) > 0.125 else 0.125 * abs(exact))
    return abs(x - exact) <= limit * abs(exact)


def parts(v: int) -> list[int]:
    """The four words."""
    return [v >> k & 0xFFFF_FFFF for k in (96, 64, 32, 0)]


def packed_sign(v: int) -> int:
    """1, -1, or 0 where it is no signed packed decimal."""
    valid = all(d in "0123456789" for d in f"{v >> 4:x}")
    return 0 if not valid else -1 if v & 15 in (11, 13) else v & 15 > 9


def inserted(a: int, b: int, old: int) -> tuple[int, int]:
    """What vrldmi makes of these, from first principles: with the bits outside of the mask, and without."""
    whole = bare = 0
    for k in (0, 64):
        x, y, z = (v >> k & (1 << 64) - 1 for v in (a, b, old))
        first, last, n = y >> 16 & 63, y >> 8 & 63, y & 63
        turned = int(f"{x:064b}"[n:] + f"{x:064b}"[:n], 2)
        ones = [first <= p <= last if first <= last else p >= first or p <= last for p in range(64)]
        mask = sum(bit << 63 - p for p, bit in enumerate(ones))
        bare |= (turned & mask) << k
        whole |= (turned & mask | z & ~mask) << k
    return whole, bare


def known_error(c: Case, a: State, b: State) -> str:
    """Why QEMU 7.2 may differ here, if it may: the only thing that differs is the target and what is said here."""
    name, target = c.insn.name, (c.word >> 21 & 31) - 1
    sources = [c.vr[(c.word >> n & 7) - 1 & 3] for n in (16, 11)]
    rest = [x == y for n, (x, y) in enumerate(zip(a.vr, b.vr, strict=True)) if n != target]
    only_target = all(rest) and a._replace(vr=()) == b._replace(vr=())
    cr, ocr = b.cr >> 4 & 15, a.cr >> 4 & 15
    only_cr6 = a._replace(cr=0) == b._replace(cr=0) and not (a.cr ^ b.cr) & ~0xF0
    if name == "vrldmi" and only_target and (a.vr[target], b.vr[target]) == inserted(*sources, c.vr[target]):
        return "QEMU 7.2 does not insert: it clears the bits outside of the mask (I 6.9.7)"
    if name in ("vmaddfp", "vnmsubfp") and c.vscr >> 16 and only_target:
        words = [(x, y) for x, y in zip(parts(a.vr[target]), parts(b.vr[target]), strict=True) if x != y]
        if all(x & 0x7FFF_FFFF == 0x0080_0000 and x ^ y == 0x0080_0000 for x, y in words):
            return "ours: what rounds up to the least normal number is not flushed (I 6.3.2, docs/divergences.md)"
    if name.startswith("bcd") and ocr == 1:
        same = State(a.gpr, a.cr & ~0xF0, a.vscr, ()) == State(b.gpr, b.cr & ~0xF0, b.vscr, ()) and all(rest)
        if same and cr == 1:
            return "undefined: an invalid source"
        if same and name in ("bcdadd.", "bcdsub.") and cr == 2 and not all(map(packed_sign, sources)):
            return "QEMU 7.2 takes operands of unlike signs for equal if a digit is invalid (I 6.16)"
    mine, other = a.vr[target], b.vr[target]
    overlap = name in ("bcdctsq.", "bcdcpsgn.", "bcdsetsgn.") and target == (c.word >> 11 & 31) - 1
    if overlap and only_cr6 and (all(x == y for x, y in zip(a.vr, b.vr, strict=True)) or all(rest)):
        return "QEMU 7.2 reads VRB after it has written VRT"
    if overlap and all(rest) and a._replace(vr=(), cr=0) == b._replace(vr=(), cr=0):
        return "QEMU 7.2 reads VRB after it has written VRT"
    if name == "bcdus." and only_cr6 and ocr & 6 and not (ocr ^ cr) & 1:
        return "QEMU 7.2 looks for a sign in an unsigned result (I 6.17.2)"
    if name == "bcdus." and only_cr6 and not sources[1] and ocr == 2 and cr == 3:
        return "QEMU 7.2: nothing significant is shifted out of a zero (I 6.17.2)"
    if name == "bcdcfsq." and only_target and ocr & 1:
        return "undefined: more than 31 digits"
    if name in ("bcdadd.", "bcdsub.") and ocr == 2 and not mine >> 4 and mine >> 4 == other >> 4 and all(rest):
        return "QEMU 7.2: zero compares as equal alone, and is positive (I 6.16)"
    return ""


def agreed(c: Case, a: State, b: State) -> bool:
    """Whether two states are the same, as far as the architecture says."""
    if a == b:
        return True
    if c.insn.name in ESTIMATE:
        t, source = (c.word >> 21 & 31) - 1, c.vr[(c.word >> 11 & 31) - 1]
        rest = all(x == y for n, (x, y) in enumerate(zip(a.vr, b.vr, strict=True)) if n != t)
        words = zip(parts(source), parts(a.vr[t]), parts(b.vr[t]), strict=True)
        same = all(x == y or accurate(c.insn.name, s, x, bool(c.vscr >> 16)) for s, x, y in words)
        return rest and same and a._replace(vr=()) == b._replace(vr=())
    return bool(known_error(c, a, b))


def sweep(count: int, seed: int, pattern: str = ".*") -> tuple[Counter[str], list[str]]:
    """Cases that agreed for each mnemonic, and a line for each that did not."""
    r = random.Random(seed)
    chosen = [i for i in ISA.insns if MODULES.fullmatch(i.module.rpartition(".")[2]) and re.fullmatch(pattern, i.name)]
    cases = [case(r, i) for i in chosen for _ in range(count)]
    good: Counter[str] = Counter()
    wrong = []
    theirs = map(state_of, records.run(HARNESS, [c.record() for c in cases]))
    for n, (c, b) in enumerate(zip(cases, theirs, strict=True)):
        for generic in (False, True) if n % 4 == 0 else (bool(n & 1),):
            a = ours(c, generic)
            if not agreed(c, a, b):
                show = [f"v{k + 1}: {x:032x} / {y:032x}" for k, (x, y) in enumerate(zip(a.vr, b.vr, strict=True)) if x != y]
                show += [f"r{k + 3}: {x:x} / {y:x}" for k, (x, y) in enumerate(zip(a.gpr, b.gpr, strict=True)) if x != y]
                show += [f"{k}: {x:08x} / {y:08x}" for k, x, y in (("cr", a.cr, b.cr), ("vscr", a.vscr, b.vscr)) if x != y]
                given = " ".join(f"{v:032x}" for v in c.vr)
                wrong.append(f"{c.insn.name} {c.word:08x} {'handler' if generic else ''} vscr={c.vscr:x} {given}\n    ours/theirs {'; '.join(show)}")
                break
        else:
            good[c.insn.name] += 1
    return good, wrong


def main() -> int:
    good, wrong = sweep(*records.arguments(100))
    return records.report(f"{len(good)} instructions", good.total(), wrong)


if __name__ == "__main__":
    sys.exit(main())
