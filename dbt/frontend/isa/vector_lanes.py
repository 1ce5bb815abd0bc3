"""What the vector chapters share: constants, widening and narrowing of lanes, saturation.

A vector register is an i128. Even and odd elements of `width` bits are the high and low halves of lanes of 2 * width.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ...ir.builder import Value
from ...ir.ops_vector import v_add, v_eq, v_gts, v_gtu, v_sar, v_shl, v_shr, v_shuffle, v_sub
from ...ir.types import i128
from ..context import Context
from ..insn import insn

vec = partial(insn, needs="vec", since="2.03")
vec207 = partial(insn, needs="vec", since="2.07")
vec300 = partial(insn, needs="vec", since="3.0")

ONES = i128.mask
SIZES = {"b": 8, "h": 16, "w": 32, "d": 64, "q": 128}
NJ, SAT = 1 << 16, 1  # VSCR


def copies(x: int, width: int) -> int:
    """A number in every lane."""
    mask = (1 << width) - 1
    return (x & mask) * (ONES // mask)


def splat(c: Context, x: Any, width: int) -> Value:
    """An operand field, or an i64, in every lane (its low bits)."""
    return (c.const(x) & ((1 << width) - 1)).to(i128) * copies(1, width)


def joined(high: Value, low: Value) -> Value:
    """Two doublewords as one quadword."""
    return (high.to(i128) << 64) | low.to(i128)


def choose(mask: Value, a: Any, b: Any) -> Value:
    """a where the mask has ones, else b."""
    return ((a ^ b) & mask) ^ b


def lesser(width: int, signed: bool, a: Value, b: Value) -> Value:
    """The smaller of each lane."""
    return choose((v_gts if signed else v_gtu)(a, b, imm=width), b, a)


def greater(width: int, signed: bool, a: Value, b: Value) -> Value:
    """The greater of each lane."""
    return choose((v_gts if signed else v_gtu)(a, b, imm=width), a, b)


def rotated(a: Value, n: Value, width: int) -> Value:
    """Each lane rotated left, by the same lane of n modulo its width."""
    return v_shl(a, n, imm=width) | v_shr(a, v_sub(n.ir.const(0, i128), n, imm=width), imm=width)


def rotated_by(a: Value, n: int, width: int) -> Value:
    """Each lane rotated left by a constant."""
    return rotated(a, a.ir.const(copies(n, width), i128), width)


def negated(a: Value, width: int) -> Value:
    """0 - a in each lane."""
    return v_sub(a.ir.const(0, i128), a, imm=width)


def even(a: Value, width: int, signed: bool) -> Value:
    """The even elements, each extended to twice its width."""
    return (v_sar if signed else v_shr)(a, copies(width, 2 * width), imm=2 * width)


def odd(a: Value, width: int, signed: bool) -> Value:
    """The odd elements, each extended to twice its width."""
    return extended(a, width, 2 * width) if signed else a & copies((1 << width) - 1, 2 * width)


def halves(a: Value, width: int, signed: bool) -> tuple[Value, Value]:
    """Even and odd elements, extended."""
    return even(a, width, signed), odd(a, width, signed)


def interleaved(evens: Value, odds: Value, width: int) -> Value:
    """The inverse of halves: the low halves of lanes of 2 * width as even and odd elements."""
    return v_shl(evens, copies(width, 2 * width), imm=2 * width) | odd(odds, width, False)


def extended(a: Value, width: int, to: int) -> Value:
    """The low `width` bits of each lane of `to` bits, with their sign."""
    up = copies(to - width, to)
    return v_sar(v_shl(a, up, imm=to), up, imm=to)


def pairwise(a: Value, width: int, signed: bool) -> Value:
    """Even elements plus odd ones, at twice the width."""
    return v_add(*halves(a, width, signed), imm=2 * width)


def clamped(a: Value, width: int, signed: bool, low: int | None, high: int) -> Value:
    """Each lane, or the nearer end of a range (no lower end: the lane is unsigned)."""
    ir = a.ir
    a = lesser(width, signed, a, ir.const(copies(high, width), i128))
    return a if low is None else greater(width, signed, a, ir.const(copies(low, width), i128))


def limits(width: int, signed: bool) -> tuple[int, int]:
    """The range of a lane."""
    return (-1 << (width - 1), (1 << (width - 1)) - 1) if signed else (0, (1 << width) - 1)


def saturate(c: Context, wrong: Value) -> None:
    """VSCR[SAT] sticks if any bit of `wrong` is set."""
    c.set_reg("vscr", c.reg("vscr") | (wrong != 0).to(c.reg("vscr").ty))


def shuffle(a: Value, b: Value, chosen: list[int]) -> Value:
    """Bytes by their numbers: 0..15 of a, 16..31 of b."""
    return v_shuffle(a, b, imm=int.from_bytes(bytes(chosen), "big"))


def elements(chosen: list[int], width: int) -> list[int]:
    """The bytes of chosen elements."""
    size = width // 8
    return [size * e + k for e in chosen for k in range(size)]


def zero(a: Value, width: int) -> Value:
    """All ones in each lane that is 0."""
    return v_eq(a, 0, imm=width)
