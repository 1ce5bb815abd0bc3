"""How VSX arithmetic is built: float_model.py's fast path, on doubleword 0 of VSRs or on every element of them.

Scalars are as the classic instructions, and are remembered for FPRF, FR and FI like them. Vectors have only sticky
exception bits, so nothing is remembered: one host instruction for all elements, then one question whether any of them
must be looked at exactly. Single-precision vectors compute in the host's single precision; scalars like fadds.
"""

from __future__ import annotations

from typing import Any

from ... import fpscr
from ...fpscr import ADDEND, FACTOR, SIGN, SINGLE, VECTOR, VSX
from ...ir.builder import Value
from ...ir.ops_vsx import vx_add, vx_delicate, vx_div, vx_fma, vx_mul, vx_sqrt, vx_sub, vx_unordered
from ...ir.types import i128
from ..context import Context
from .float_model import KIND, NEVER_TINY, computed, leave_if, start
from .vector_lanes import copies

ONES = {32: 0x3F80_0000, 64: 0x3FF << 52}  # the number 1


def set_scalar(c: Context, XT: Any, bits: Value) -> None:
    """Doubleword 0 of a VSR; doubleword 1, which is undefined before ISA 3.0, becomes 0.

    In translations by halves, so that a number stays in a scalar register; else at once, for loads of the whole to follow."""
    if isinstance(XT, int):
        c.dw0[XT], c.dw1[XT] = bits, 0
    else:
        c.vsr[XT] = bits.to(i128) << 64


def width(op: int) -> int:
    """Bits in an element."""
    return 32 if op & SINGLE else 64


def operands(c: Context, op: int, bank: Any, XT: Any, XA: Any, XB: Any) -> tuple[Value | None, Value | None, Value | None]:
    """a, b, c by the form: a * c + b; without a third one, XB is the second operand and the factor of a product."""
    a, b = (None if X is None else bank[X] for X in (XA, XB))
    form = op & fpscr.FORM & ~VECTOR
    if form == ADDEND:
        return a, bank[XT], b
    if form == FACTOR:
        return a, b, bank[XT]
    return (a, None, b) if op & KIND == fpscr.MUL else (a, b, None)


def scalar(c: Context, op: int, XT: Any, XA: Any, XB: Any) -> None:
    """A whole scalar instruction; an operand field that it does not have is None."""
    start(c, op)
    set_scalar(c, XT, computed(c, op, *operands(c, op, c.dw0, XT, XA, XB)))


def vector(c: Context, op: int, XT: Any, XA: Any, XB: Any) -> None:
    """A whole vector instruction."""
    start(c, op)
    c.vsr[XT] = vector_result(c, op, *operands(c, op, c.vsr, XT, XA, XB))


def vector_result(c: Context, op: int, a: Any, b: Any, x: Any) -> Value:
    """The result of an operation on all elements; leaves if the host cannot know one of them."""
    kind, bits = op & KIND, width(op)
    signs = copies(SIGN >> (64 - bits), bits)
    match kind:
        case fpscr.ADD:
            result = vx_add(a, b, imm=bits)
        case fpscr.SUB:
            result = vx_sub(a, b, imm=bits)
        case fpscr.MUL:
            result = vx_mul(a, x, imm=bits)
        case fpscr.DIV:
            result = vx_div(a, b, imm=bits)
        case fpscr.SQRT:
            result = vx_sqrt(b, imm=bits)
        case fpscr.RE:
            result = vx_div(c.const(copies(ONES[bits], bits), i128), b, imm=bits)
        case fpscr.RSQRTE:
            result = vx_div(c.const(copies(ONES[bits], bits), i128), vx_sqrt(b, imm=bits), imm=bits)
        case _:
            result = vx_fma(a, b ^ signs if kind in (fpscr.MSUB, fpscr.NMSUB) else b, x, imm=bits)
    if kind in NEVER_TINY:
        leave_if(c, vx_unordered(result, result, imm=bits), op)
    else:
        leave_if(c, vx_delicate(result, imm=bits), op)
    return result ^ signs if kind in (fpscr.NMADD, fpscr.NMSUB) else result


__all__ = ["ADDEND", "FACTOR", "SINGLE", "VECTOR", "VSX", "operands", "scalar", "set_scalar", "vector", "vector_result", "width"]
