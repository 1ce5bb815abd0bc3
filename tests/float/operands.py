"""Instructions with the reference's names for them, and operands worth trying."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

from dbt import assemble

from .guest import Case

T, A, B, C = 4 << 21, 1 << 16, 2 << 11, 3 << 6


class Instruction(NamedTuple):
    """A word on f4, f1, f2, f3 and what the reference calls it."""

    mnemonic: str
    word: int
    name: str
    single: bool
    operands: str
    words: tuple[int, ...] = ()  # the whole of it, if it is more than the word
    before: int = 4  # which of the case's numbers is in the target before; 4: BEFORE


def _table() -> Iterator[Instruction]:
    for primary, single, suffix in ((63, False, ""), (59, True, "s")):
        for name, xo, use in (("add", 21, "ab"), ("sub", 20, "ab"), ("mul", 25, "ac"), ("div", 18, "ab"), ("sqrt", 22, "b"),
                              ("re", 24, "b"), ("rsqrte", 26, "b"), ("madd", 29, "abc"), ("msub", 28, "abc"),
                              ("nmadd", 31, "abc"), ("nmsub", 30, "abc")):  # fmt: skip
            word = primary << 26 | T | xo << 1 | A * ("a" in use) | B * ("b" in use) | C * ("c" in use)
            yield Instruction(f"f{name}{suffix}", word, name, single, use)
        for name, xo in (("from_s64", 846), ("from_u64", 974)):
            yield Instruction(f"{name}{suffix}", primary << 26 | T | B | xo << 1, name, single, "i")
    for name, xo in (("rsp", 12), ("rin", 392), ("riz", 424), ("rip", 456), ("rim", 488)):
        yield Instruction(f"f{name}", 63 << 26 | T | B | xo << 1, name, False, "b")
    for name, xo in (("to_s64", 814), ("to_s64z", 815), ("to_u64", 942), ("to_u64z", 943), ("to_s32", 14), ("to_s32z", 15),
                     ("to_u32", 142), ("to_u32z", 143)):  # fmt: skip
        yield Instruction(name, 63 << 26 | T | B | xo << 1, name, False, "b")
    for name, xo in (("cmpu", 0), ("cmpo", 32)):
        yield Instruction(name, 63 << 26 | A | B | xo << 1, name, False, "ab")


def _vsx(mnemonic: str, name: str, operands: str, high: bool) -> Instruction:
    """A scalar on VSRs 4, 1, 2, 3, or 32 more than those."""
    n = 32 * high
    a, b, c, t = (f"vs{n + k}" for k in (1, 2, 3, 4))
    form = mnemonic[-3] if operands == "abc" else ""
    use = {"ac": (a, c), "b": (b,), "a": (a, c), "m": (a, b)}.get(form or operands, (a, b))
    held = {"a": 2, "m": 3}.get(form, 4)  # XT is the addend, the factor, or only a target
    moves = [f"xxlor vs{n + k},vs{k},vs{k}" for k in (1, 2, 3)] if high else []
    moves += [f"xxlor {t},vs{held},vs{held}"] if high or form else []
    (word,) = assemble(f"{mnemonic} {','.join(('cr0' if name.startswith('cmp') else t, *use))}")
    words = (*assemble(";".join(moves)), word, *(assemble(f"xxlor vs4,{t},{t}") if high else ()))
    return Instruction(mnemonic + " high" * high, word, name, mnemonic.endswith("sp"), operands, words, held)


def _vsx_table() -> Iterator[Instruction]:
    for high, size in itertools.product((False, True), ("dp", "sp")):
        for name, use in (("add", "ab"), ("sub", "ab"), ("mul", "ac"), ("div", "ab"), ("sqrt", "b"), ("re", "b"), ("rsqrte", "b")):
            yield _vsx(f"xs{name}{size}", name, use, high)
        for name, form in itertools.product(("madd", "msub", "nmadd", "nmsub"), "am"):
            yield _vsx(f"xs{name}{form}{size}", name, "abc", high)
    yield _vsx("xsrsp", "rsp", "b", True)._replace(single=False)
    for name in ("cmpu", "cmpo", "max", "min", "maxc", "minc", "maxj", "minj"):
        yield _vsx(f"xs{name}dp", name, "ab", name.endswith("o"))
    for name in ("eq", "gt", "ge"):
        yield _vsx(f"xscmp{name}dp", name, "ab", True)


INSTRUCTIONS = list(_table())
VSX = list(_vsx_table())

_MAGNITUDES = (
    0, 1, 2, (1 << 52) - 1, 1 << 52, (1 << 52) + 1, 1 << 53,  # denormals and the least normals
    0x3FF << 52, (0x3FF << 52) + 1, (0x3FF << 52) - 1, 0x4000 << 48, 0x3FE << 52, 0x3FF8 << 48, 0x4004 << 48,
    0x7FE << 52, 0x7FEF_FFFF_FFFF_FFFF, 0x7FF << 52, 0x7FF8 << 48, 0x7FF8_0000_2000_0001, 0x7FF0_0000_0000_0001,
    0x7FF4_0000_1234_5678, 0x7FF0_0000_2000_0000,
    0x381 << 52, 0x380F_FFFF_E000_0000, 0x380F_FFFF_F000_0000, 0x380F_FFFF_FFFF_FFFF, 0x36A << 52, 0x369 << 52,
    0x3690_0000_0000_0001, 0x36AF_FFFF_FFFF_FFFF,  # around the least singles
    0x47EF_FFFF_E000_0000, 0x47EF_FFFF_F000_0000, 0x47EF_FFFF_EFFF_FFFF, 0x47F << 52,  # around the largest
    0x3FF0_0000_1000_0000, 0x3FF0_0000_3000_0000, 0x3FF0_0000_1000_0001, 0x3FF0_0000_0FFF_FFFF,  # half-way singles
    0x41DF_FFFF_FFC0_0000, 0x41DF_FFFF_FFE0_0000, 0x41DF_FFFF_FFF0_0000, 0x41E << 52, 0x41E0_0000_0010_0000,
    0x41EF_FFFF_FFE0_0000, 0x41EF_FFFF_FFF0_0000, 0x41F << 52, 0x43E << 52, 0x43DF_FFFF_FFFF_FFFF, 0x43EF_FFFF_FFFF_FFFF,
    0x43F << 52, 0x3FDF_FFFF_FFFF_FFFF, 0x4330_0000_0000_0001, 0x432F_FFFF_FFFF_FFFF, 0x4340 << 48,
)  # fmt: skip
SPECIAL = tuple(m | s << 63 for m in _MAGNITUDES for s in (0, 1))
FEW = tuple(x for x in SPECIAL if x & ~(1 << 63) in {
    0, 1, 1 << 52, 0x3FF << 52, 0x7FEF_FFFF_FFFF_FFFF, 0x7FF << 52, 0x7FF8_0000_2000_0001, 0x7FF4_0000_1234_5678,
    0x381 << 52, 0x36A << 52, 0x47EF_FFFF_E000_0000, 0x3FF0_0000_1000_0000, (0x3FF << 52) - 1})  # fmt: skip
INTEGERS = tuple(x & (1 << 64) - 1 for n in (0, 1, 23, 24, 25, 52, 53, 54, 62, 63) for d in (-2, -1, 0, 1, 2)
                 for x in ((1 << n) + d, -(1 << n) + d, (1 << n) + (1 << n >> 24) + d))  # fmt: skip


def specials(i: Instruction, control: tuple[int, ...]) -> Iterator[Case]:
    """Every combination of special operands under each FPSCR."""
    pool = INTEGERS if i.operands == "i" else SPECIAL if len(i.operands) < 3 else FEW
    for fpscr in control:
        if len(i.operands) == 1:
            yield from ((fpscr, 0, x, 0) for x in pool)
        elif i.operands == "abc":
            yield from ((fpscr, *row) for row in itertools.product(pool, repeat=3))
        else:
            yield from ((fpscr, a, x, x) for a, x in itertools.product(pool, repeat=2))


def operand(r: random.Random, i: Instruction) -> int:
    """A random one: any bits, near 1, a single, few bits."""
    if i.operands == "i":
        return r.getrandbits(64) >> r.randrange(64) if r.random() < 0.7 else r.choice(INTEGERS)
    kind = r.random()
    if kind < 0.08:
        return r.choice(SPECIAL)
    if kind < 0.2:
        return r.getrandbits(64)
    spread = r.choice((2, 30, 140, 560, 1030))
    bits = r.getrandbits(1) << 63 | max(0, min(0x7FE, 1023 + r.randint(-spread, spread))) << 52
    width = r.choice((52, 52, 23, 24, 10, 3))
    return bits | r.getrandbits(width) << (52 - width)


def close(r: random.Random, i: Instruction) -> tuple[int, int, int]:
    """Operands; often such that a sum cancels or a product lies near a limit."""
    a, b, c = (operand(r, i) for _ in "abc")
    kind = r.random()
    if kind < 0.2 and "b" in i.operands:
        b = a ^ r.choice((0, 1 << 63)) ^ (r.getrandbits(8) if r.random() < 0.7 else 0)
    elif kind < 0.4:
        want = r.choice((-1074, -1022, -149, -126, 127, 1023)) + r.randint(-2, 2)
        ea = a >> 52 & 0x7FF
        c = c & ~(0x7FF << 52) | max(0, min(0x7FE, want - ea + 2046)) << 52
        if kind < 0.3:
            b = b & ~(0x7FF << 52) | max(0, min(0x7FE, want + 1023 + r.randint(-60, 60))) << 52
    return a, b, c


def randoms(i: Instruction, count: int, seed: int, control: tuple[int, ...]) -> Iterator[Case]:
    """Random cases; their FPSCR has one of the controls and any sticky bits that agree with the summaries."""
    r = random.Random(f"{seed} {i.mnemonic}")
    for _ in range(count):
        fpscr = r.choice(control)
        if r.random() < 0.5:
            fpscr |= r.getrandbits(32) & 0x9FFF_F700
        yield (fpscr, *close(r, i))
