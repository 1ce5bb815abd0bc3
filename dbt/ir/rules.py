"""Algebraic identities, tried in order on each operation as it is built.

A rule returns a simpler value, or None. Rules only ever reduce, so building terminates. Constants are always the
right operand of a commutative operation. A rule sees operands of one width (the builder made them agree).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import ops
from .types import i1

if TYPE_CHECKING:
    from .builder import Value

RULES: dict[ops.Op, list[Callable[..., Any]]] = defaultdict(list)


def rule(*which: ops.Op) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Try the decorated function on each of these operations."""

    def register(fn: Callable[..., Any]) -> Callable[..., Any]:
        for o in which:
            RULES[o].append(fn)
        return fn

    return register


@rule(ops.add, ops.sub, ops.or_, ops.xor, ops.shl, ops.shr, ops.sar, ops.rotl)
def zero_is_identity(x: Value, y: Value) -> Value | None:
    """x op 0 = x"""
    return x if y.const == 0 else None


@rule(ops.and_, ops.mul)
def zero_absorbs(x: Value, y: Value) -> Value | None:
    """x op 0 = 0"""
    return y if y.const == 0 else None


@rule(ops.and_)
def ones_is_identity(x: Value, y: Value) -> Value | None:
    """x & ~0 = x"""
    return x if y.const == y.ty.mask else None


@rule(ops.or_)
def ones_absorb(x: Value, y: Value) -> Value | None:
    """x | ~0 = ~0"""
    return y if y.const == y.ty.mask else None


@rule(ops.and_, ops.or_)
def idempotent(x: Value, y: Value) -> Value | None:
    """x op x = x"""
    return x if x is y else None


@rule(ops.sub, ops.xor)
def cancels(x: Value, y: Value) -> Value | None:
    """x op x = 0"""
    return x.ir.const(0, x.ty) if x is y else None


@rule(ops.eq)
def equal_to_itself(x: Value, y: Value) -> Value | None:
    """x == x"""
    return x.ir.const(1, i1) if x is y else None


@rule(ops.mul, ops.udiv)
def one_is_identity(x: Value, y: Value) -> Value | None:
    """x * 1 = x"""
    return x if y.const == 1 else None


@rule(ops.add)
def constants_together(x: Value, y: Value) -> Value | None:
    """(x + a) + b = x + (a + b)"""
    if y.const is not None and x.op is ops.add and x.args[1].const is not None:
        return x.args[0] + (x.args[1].imm + y.imm)
    return None


@rule(ops.xor)
def double_flip(x: Value, y: Value) -> Value | None:
    """(x ^ a) ^ a = x"""
    if y.const is not None and x.op is ops.xor and x.args[1].const == y.const:
        return x.args[0]
    return None


@rule(ops.and_)
def masks_together(x: Value, y: Value) -> Value | None:
    """(x & a) & b = x & (a & b)"""
    if y.const is not None and x.op is ops.and_ and x.args[1].const is not None:
        return x.args[0] & (x.args[1].imm & y.imm)
    return None


@rule(ops.select)
def known_choice(c: Value, a: Value, b: Value) -> Value | None:
    """select of a constant, or between equals"""
    if c.const is not None:
        return a if c.const else b
    return a if a is b else None


def bit(v: Value, n: int) -> Value | None:
    """Bit n of a value as an i1, if it can be read off how the value was made: of a CR field, a condition it was made from."""
    if v.op is None:
        return v.ir.const(v.imm >> n, i1)
    if n >= v.ty.bits:
        return v.ir.const(0, i1)
    if v.ty.bits == 1:
        return v
    if v.op is ops.zext or v.op is ops.trunc:
        return bit(v.args[0], n)
    if v.op is ops.shr and v.args[1].const is not None:
        return bit(v.args[0], n + v.args[1].const)
    if v.op is ops.shl and v.args[1].const is not None:
        return v.ir.const(0, i1) if n < v.args[1].const else bit(v.args[0], n - v.args[1].const)
    if v.op in (ops.and_, ops.or_, ops.xor):
        x, y = bit(v.args[0], n), bit(v.args[1], n)
        return None if x is None or y is None else v.op(x, y)
    if v.op is ops.select:
        x, y = bit(v.args[1], n), bit(v.args[2], n)
        return None if x is None or y is None else _chosen(v.args[0], x, y)
    return None


def _chosen(c: Value, x: Value, y: Value) -> Value:
    """x if c else y, of i1, where one of them is a constant."""
    if x.const is not None and y.const is not None:
        return x if x.const == y.const else c if x.const else ~c
    if x.const is not None:
        return c | y if x.const else ~c & y
    if y.const is not None:
        return ~c | x if y.const else c & x
    return ops.select(c, x, y)
