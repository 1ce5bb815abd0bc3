"""VSX vectors: their instructions, operands and what the reference says, on the loop of guest.py.

    python -m tests.float.vectors [random cases per instruction] [seed] [engine] [mnemonic pattern]

A case is FPSCR, then XA, XB and XT, as elements; afterwards XT, FPSCR and CR. CR starts as all ones.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from dbt import assemble

from . import reference
from .check import ENABLES, MODES, command
from .guest import CASES, Guest
from .operands import FEW, SPECIAL, Instruction, close

ROW = 16  # doublewords
CONTROL = (0, 0, 0, *MODES, *ENABLES)
Vector = tuple[int, ...]  # elements, leftmost first


class Packed(NamedTuple):
    """An instruction on VSRs 4, 1 and 2, or 32 more, and the reference's name; form "a" or "m" of a multiply-add."""

    mnemonic: str
    name: str
    operands: str
    form: str
    words: tuple[int, ...]

    @property
    def single(self) -> bool:
        """Four singles, not two doubles."""
        return "sp" in self.mnemonic


class Case(NamedTuple):
    """State before."""

    fpscr: int
    a: Vector
    b: Vector
    t: Vector


def _packed(mnemonic: str, name: str, operands: str, high: bool) -> Packed:
    n = 32 * high
    use = (n + 4, n + 2) if operands == "b" else (n + 4, n + 1, n + 2)
    moves = [f"xxlor vs{n + k},vs{k},vs{k}" for k in (1, 2, 4)] if high else []
    back = [f"xxlor vs4,vs{n + 4},vs{n + 4}"] if high else []
    source = [*moves, f"{mnemonic} {','.join(f'vs{k}' for k in use)}", *back]
    form = mnemonic[-3] if operands == "abc" else ""
    return Packed(mnemonic + " high" * high, name, operands, form, tuple(assemble(";".join(source))))


def _table() -> Iterator[Packed]:
    for n, size in enumerate(("dp", "sp")):
        for name, use in (("add", "ab"), ("sub", "ab"), ("mul", "ac"), ("div", "ab"), ("sqrt", "b"), ("re", "b"),
                          ("rsqrte", "b"), ("max", "ab"), ("min", "ab")):  # fmt: skip
            yield _packed(f"xv{name}{size}", name, use, bool(n))
        for k, (name, form) in enumerate(itertools.product(("madd", "msub", "nmadd", "nmsub"), "am")):
            yield _packed(f"xv{name}{form}{size}", name, "abc", bool(k + n & 1))
        for name, record in itertools.product(("eq", "gt", "ge"), ("", ".")):
            yield _packed(f"xvcmp{name}{size}{record}", name, "ab", bool(record))


PACKED = list(_table())


def loop(words: tuple[int, ...]) -> list[int]:
    """As guest.loop."""
    body = assemble(
        "lfd f0,0(r3); mtfsf 255,f0,1,0; li r4,-1; mtcr r4; li r5,16; lxvd2x vs1,r3,r5; li r5,32; lxvd2x vs2,r3,r5;"
        "li r5,48; lxvd2x vs4,r3,r5"
    )
    body += [*words, *assemble("li r5,64; stxvd2x vs4,r3,r5; mffs f0; stfd f0,80(r3); mfcr r4; std r4,88(r3); addi r3,r3,128")]
    return [*body, 0x4200_0000 | -4 * len(body) & 0xFFFC, 0x4800_0000]  # bdnz; b .


def expected(i: Packed, case: Case) -> tuple[Vector, int, int]:
    """(XT, FPSCR, CR)."""
    fpscr = reference.raised(case.fpscr & 0xFFFF_F7FF, 0)
    flags, out = 0, []
    suppressing = fpscr & 0xF8
    for a, b, t in zip(case.a, case.b, case.t, strict=True):
        x, y, z = (reference.from_single(n) if i.single else n for n in (a, b, t))
        if i.form == "a":
            y, z = z, y
        elif i.operands == "ac":
            z = y
        bits, raised = reference.lane(i.name, i.single, x, y, z, fpscr)
        flags |= raised
        try:
            out.append(bits & 0xFFFF_FFFF if len(i.name) == 2 and i.single and i.name != "re" else reference.as_single(bits) if i.single else bits)
        except reference.Undefined:  # scaled
            assert suppressing
            out.append(0)
    after, cr = reference.raised(fpscr, flags), 0xFFFF_FFFF
    if reference.enabled(flags, fpscr):
        return case.t, after, cr
    if i.mnemonic.partition(" ")[0].endswith("."):
        cc = 8 if all(out) else 0 if any(out) else 2
        cr = cr & ~0xF0 | cc << 4
    return tuple(out), after, cr


def split(x: int, y: int, single: bool) -> Vector:
    """Two doublewords as elements."""
    return (x >> 32, x & 0xFFFF_FFFF, y >> 32, y & 0xFFFF_FFFF) if single else (x, y)


def doublewords(v: Vector) -> list[int]:
    """Elements as two doublewords."""
    return [v[0] << 32 | v[1], v[2] << 32 | v[3]] if len(v) == 4 else list(v)


def differences(guest: Guest, i: Packed, cases: Iterable[Case], *others: Guest) -> tuple[int, list[str]]:
    """(how many cases, those that differ). `others` must come to the same as `guest`: the reference is what takes time."""
    todo, wrong, count = list(cases), [], 0
    for start in range(0, len(todo), CASES // 2):
        part = todo[start : start + CASES // 2]
        table = np.zeros((len(part), ROW), np.uint64)
        for n, case in enumerate(part):
            table[n, :8] = (case.fpscr, 0, *doublewords(case.a), *doublewords(case.b), *doublewords(case.t))
        after = guest.over(table, loop(i.words))
        for other in others:
            for n in (other.over(table, loop(i.words)) != after).any(1).nonzero()[0][:5]:
                wrong.append(f"{i.mnemonic}: the engines differ on {part[n]}")
        for case, row in zip(part, after.tolist(), strict=True):
            got = split(row[8], row[9], i.single), row[10], row[11]
            try:
                want = expected(i, case)
            except reference.Undefined:
                continue
            count += 1
            if got != want:
                shown = [[f"{x:#x}" for x in v] for v in (case.a, case.b, case.t, got[0], want[0])]
                others = f"fpscr {got[1]:#x} {want[1]:#x} cr {got[2]:#x} {want[2]:#x}"
                wrong.append(f"{i.mnemonic} {case.fpscr:#x} a b t {shown[:3]}: got {shown[3]}, expected {shown[4]}, {others}")
    return count, wrong


def number(bits: int, single: bool) -> int:
    """A double as an operand: itself, or a single of much the same kind (exponents near its limits stay near them)."""
    if not single:
        return bits
    sign, exponent, fraction = bits >> 63, bits >> 52 & 0x7FF, bits >> 29 & 0x7F_FFFF | (bits & 0x1FFF_FFFF != 0)
    if exponent in (0, 0x7FF):
        return sign << 31 | exponent >> 3 << 23 | (fraction or bits & 1)
    near = exponent - 1023
    if abs(near) > 140:
        near = near % 280 - 140
    if near < -126:
        return sign << 31 | (fraction | 1 << 23) >> min(-126 - near, 24)
    return sign << 31 | min(near + 127, 254) << 23 | fraction


def specials(i: Packed, control: tuple[int, ...]) -> Iterator[Case]:
    """Every combination of special operands, one to an element in turn; the elements beside it are ordinary."""
    few = tuple(dict.fromkeys(number(x, i.single) for x in (FEW if i.operands == "abc" else SPECIAL)))
    count, one = (4, 0x3F80_0000) if i.single else (2, 0x3FF << 52)
    for fpscr in control:
        for n, (a, b, t) in enumerate(itertools.product(few, few, few if i.operands == "abc" else (one,))):
            if i.operands == "b" and a != few[0]:
                break
            yield Case(fpscr, *(tuple(x if k == n % count else one for k in range(count)) for x in (a, b, t)))


def randoms(i: Packed, count: int, seed: int, control: tuple[int, ...]) -> Iterator[Case]:
    """Random cases."""
    r = random.Random(f"{seed} {i.mnemonic}")
    like = Instruction(i.mnemonic, 0, i.name, i.single, i.operands)
    for _ in range(count):
        fpscr = r.choice(control)
        if r.random() < 0.5:
            fpscr |= r.getrandbits(32) & 0x9FFF_F700
        rows = [close(r, like) for _ in range(4 if i.single else 2)]
        if r.random() < 0.5:  # ordinary ones, so that the host's answer stands
            rows = [tuple(x if 0x3C0 < x >> 52 & 0x7FF < 0x440 else 0x3FF8_1234_5678_9ABC for x in row) for row in rows]
        elif r.random() < 0.5:
            rows[1:] = [(0x3FF << 52, 0x4008 << 48, 0x3FF8 << 48)] * (len(rows) - 1)
            r.shuffle(rows)
        yield Case(fpscr, *(tuple(number(row[k], i.single) for row in rows) for k in range(3)))


def tried(guest: Guest, i: Packed, count: int, seed: int) -> Iterator[tuple[int, list[str]]]:
    """Special operands, then random ones."""
    for cases in (specials(i, MODES), randoms(i, count, seed, CONTROL)):
        yield differences(guest, i, cases)


if __name__ == "__main__":
    sys.exit(command(PACKED, tried))
