"""Quad-precision instructions with the reference's names for them, and operands worth trying."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from typing import NamedTuple

from .vsx_guest import Case


class Instruction(NamedTuple):
    """A word on v3, v1, v2 and what the reference calls it. mode: that which its own fields name."""

    mnemonic: str
    word: int
    name: str
    odd: bool
    mode: int | None
    operands: str  # of x, y, z (VRA, VRB, VRT), d, i (VRB holds a double, an integer)


def _table() -> Iterator[Instruction]:
    base = 63 << 26 | 3 << 21 | 2 << 11
    for name, xo, use in (("add", 4, "xy"), ("sub", 516, "xy"), ("mul", 36, "xy"), ("div", 548, "xy"), ("madd", 388, "xyz"),
                          ("msub", 420, "xyz"), ("nmadd", 452, "xyz"), ("nmsub", 484, "xyz")):  # fmt: skip
        for odd in (False, True):
            yield Instruction(f"xs{name}qp{'o' * odd}", base | 1 << 16 | xo << 1 | odd, name, odd, None, use)
    for name, text, xo, field, use in (
        ("sqrt", "xssqrtqp", 804, 27, "y"), ("to_double", "xscvqpdp", 836, 20, "y"), ("from_double", "xscvdpqp", 836, 22, "d"),
        ("to_s64", "xscvqpsdz", 836, 25, "y"), ("to_s32", "xscvqpswz", 836, 9, "y"), ("to_u64", "xscvqpudz", 836, 17, "y"),
        ("to_u32", "xscvqpuwz", 836, 1, "y"), ("from_s64", "xscvsdqp", 836, 10, "i"), ("from_u64", "xscvudqp", 836, 2, "i"),
    ):  # fmt: skip
        for odd in (False, True) if name in ("sqrt", "to_double") else (False,):
            yield Instruction(f"{text}{'o' * odd}", base | field << 16 | xo << 1 | odd, name, odd, None, use)
    for name, text, low in (("integral", "xsrqpi", 5 << 1), ("integral_exact", "xsrqpix", 5 << 1 | 1), ("to_extended", "xsrqpxp", 37 << 1)):
        for r, rmc, mode in ((0, 0, 4), (0, 3, None), (1, 0, 0), (1, 1, 1), (1, 2, 2), (1, 3, 3)):
            yield Instruction(f"{text} {r} {rmc}", base | r << 16 | rmc << 9 | low, name, False, mode, "y")
    for name, xo in (("cmpo", 132), ("cmpu", 644)):
        yield Instruction(f"xs{name}qp", 63 << 26 | 1 << 16 | 2 << 11 | xo << 1, name, False, None, "xy")


INSTRUCTIONS = list(_table())
ONE, MAX, INF = 0x3FFF << 112, (0x7FFF << 112) - 1, 0x7FFF << 112


def near(e: int, *fractions: int) -> Iterator[int]:
    """Numbers of exponent e."""
    return (e + 16383 << 112 | f for f in fractions)


ALL = (1 << 112) - 1
_MAGNITUDES = (
    0, 1, 2, ALL, 1 << 112, (1 << 112) + 1, 2 << 112,  # denormals and the least normals
    ONE, ONE + 1, ONE - 1, 0x4000 << 112, *near(0, 1 << 111, 1 << 47, 1 << 48, 3 << 47, (1 << 47) - 1), *near(-1, 0, 1, ALL),
    0x7FFE << 112, MAX, INF, INF | 1 << 111, INF | 1 << 111 | 1, INF | 1, INF | 1 << 110, INF | 1 << 111 | 1 << 48, INF | 1 << 60,
    *near(-1022, 0, ALL, 1), *near(-1023, 0, ALL, 1 << 60), *near(-1074, 0, 1), *near(-1075, 0, 1, ALL), *near(-1076, ALL),
    *near(1023, 0, ALL, ALL ^ ((1 << 60) - 1), ALL ^ ((1 << 59) - 1)), *near(1024, 0), *near(0, 1 << 59, 1 << 60, 3 << 59, (1 << 59) + 1),
    *near(30, 0, ALL, ALL >> 30 << 30, ALL >> 82 << 82, 1), *near(31, 0, ALL, ALL >> 80 << 80, 1 << 81, 1 << 80, 1), *near(32, 0),
    *near(62, ALL, ALL >> 50 << 50), *near(63, 0, 1, ALL, 1 << 49, 1 << 48, ALL >> 49 << 49), *near(64, 0), *near(111, 1, ALL), *near(112, 1),
)  # fmt: skip
SPECIAL = tuple(m | s << 127 for m in _MAGNITUDES for s in (0, 1))
_FEW = {0, 1, ALL, 1 << 112, ONE, ONE + 1, ONE - 1, MAX, INF, INF | 1 << 111 | 1, INF | 1 << 110}
FEW = tuple(x for x in SPECIAL if x & ~(1 << 127) in _FEW)
INTEGERS = tuple(x & (1 << 64) - 1 for n in (0, 1, 31, 32, 52, 62, 63) for d in (-2, -1, 0, 1, 2) for x in ((1 << n) + d, -(1 << n) + d))
DOUBLES = tuple(
    m | s << 63 for s in (0, 1) for m in
    (0, 1, (1 << 52) - 1, 1 << 52, 0x3FF << 52, 0x7FEF_FFFF_FFFF_FFFF, 0x7FF << 52, 0x7FF8 << 48, 0x7FF0_0000_0000_0001, 0x7FF4_0000_1234_5678)
)  # fmt: skip


def pool(i: Instruction) -> tuple[int, ...]:
    """Special operands."""
    if i.operands in "di":
        return tuple(x << 64 for x in (DOUBLES if i.operands == "d" else INTEGERS))
    return SPECIAL if len(i.operands) == 1 else FEW


def specials(i: Instruction, control: tuple[int, ...]) -> Iterator[Case]:
    """Every combination of special operands under each FPSCR."""
    for fpscr in control:
        if len(i.operands) == 3:
            yield from ((fpscr, *row) for row in itertools.product(pool(i), repeat=3))
        elif len(i.operands) == 2:
            yield from ((fpscr, *row, 5 << 64) for row in itertools.product(pool(i), repeat=2))
        else:
            yield from ((fpscr, 0, y, 5 << 64) for y in pool(i))


def operand(r: random.Random, i: Instruction) -> int:
    """A random one: any bits, near 1, few bits, an integer and a little."""
    if i.operands == "i":
        return (r.getrandbits(64) >> r.randrange(64) if r.random() < 0.7 else r.choice(INTEGERS)) << 64
    if i.operands == "d":
        return (r.choice(DOUBLES) if r.random() < 0.1 else r.getrandbits(64)) << 64
    kind = r.random()
    if kind < 0.08:
        return r.choice(SPECIAL)
    if kind < 0.2:
        return r.getrandbits(128)
    spread = r.choice((2, 70, 130, 1080, 8200, 16500))
    bits = r.getrandbits(1) << 127 | max(0, min(0x7FFE, 16383 + r.randint(-spread, spread))) << 112
    width = r.choice((112, 112, 63, 52, 60, 10, 3))
    bits |= r.getrandbits(width) << (112 - width)
    if r.random() < 0.1:
        bits |= r.getrandbits(2)
    return bits


def close(r: random.Random, i: Instruction) -> tuple[int, int, int]:
    """Operands; often such that a sum cancels or a result lies near a limit."""
    x, y, z = (operand(r, i) for _ in "xyz")
    kind = r.random()
    if len(i.operands) == 2 and kind < 0.3:
        y = x ^ r.choice((0, 1 << 127)) ^ (r.getrandbits(8) << r.choice((0, 0, 50, 104)) if r.random() < 0.7 else 0)
    elif len(i.operands) > 1 and kind < 0.6:
        want = r.choice((-16494, -16382, 16383)) + r.randint(-3, 3)
        ex = (x >> 112 & 0x7FFF) - 16383
        ey = ex - want if i.name == "div" else want - ex
        y = y & ~(0x7FFF << 112) | max(0, min(0x7FFE, ey + 16383)) << 112
        if kind < 0.45:
            z = z & ~(0x7FFF << 112) | max(0, min(0x7FFE, want + 16383 + r.randint(-120, 120))) << 112
    elif len(i.operands) == 3 and kind < 0.8:  # near cancellation
        e = (x >> 112 & 0x7FFF) + (y >> 112 & 0x7FFF) - 16383 + r.randint(-3, 4)
        z = z & ~(0x7FFF << 112) | max(0, min(0x7FFE, e)) << 112
        if r.random() < 0.4:
            y = y & ~ALL
            z = x & ~(0x7FFF << 112) | z & 0x7FFF << 112
            z ^= r.choice((0, 1, 1 << 127)) ^ (y & 1 << 127)
    return x, y, z


def randoms(i: Instruction, count: int, seed: int, control: tuple[int, ...]) -> Iterator[Case]:
    """Random cases; their FPSCR has one of the controls and any sticky bits."""
    r = random.Random(f"{seed} {i.mnemonic}")
    for _ in range(count):
        fpscr = r.choice(control)
        if r.random() < 0.5:
            fpscr |= r.getrandbits(32) & 0x9FFF_F700
        yield (fpscr, *close(r, i))
