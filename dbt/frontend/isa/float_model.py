"""How floating-point instructions are built: fast where the host's answer is PowerPC's, exact everywhere else.

The host computes, rounding to nearest, and three things are left for when somebody looks:
- OX UX ZX XX are the host's own sticky bits (MXCSR), collected when FPSCR is read (backend/float_exact.py, `settle`);
- FPRF, FR and FI belong to the last operation, which is remembered with its operands (fp_op, fp_a, fp_b, fp_c);
- FPCC of a comparison is remembered in fp_op too.
An instruction leaves translated code with Exit.FLOAT, undone, where the host cannot know the answer: an exception is
enabled or rounding is directed (`start`), the result is a NaN (which payload? which of the VX bits?), it is the least
normal number (PowerPC detects tininess before rounding, x86 after), or a single would be rounded twice. The dispatcher
has it carried out exactly (backend/float_exact.py) and goes on behind it. What the host has raised by then is also raised
by the exact path: it never claims more.

A single-precision result is computed in double precision and rounded once more (`to_single`). That is right unless the
double lies half-way between two singles or is below the least normal single: those leave. So operands need not be
singles (the manual leaves that open): the exact result of the operands as they are is rounded once, as POWER processors do.

Other chapters (vsx_model.py) add to the operation where its operands are (fpscr.py, FORM): Exit.FLOAT carries it, and
backend/float_instruction.py finds them by it.
FPSCR[NI] is ignored, as processors from POWER7 on do.
"""

from __future__ import annotations

from typing import Any

from ... import fpscr
from ...exits import Exit
from ...fpscr import (
    ADD,
    DIV,
    MADD,
    MSUB,
    MUL,
    NMADD,
    NMSUB,
    RE,
    RSP,
    RSQRTE,
    SIGN,
    SINGLE,
    SQRT,
    SUB,
    UNUSUAL,
)
from ...ir.builder import Value
from ...ir.ops import ult
from ...ir.ops_float import fp_add, fp_delicate, fp_div, fp_fma, fp_mul, fp_sqrt, fp_sub, fp_to_single, fp_unordered
from ...ir.types import i32, i64
from ..context import Context

KIND = 0x3F
ONE = 0x3FF << 52
LEAST_SINGLE = 0x381 << 52
HALF, BELOW_SINGLE = 1 << 28, (1 << 29) - 1
NEVER_TINY = (ADD, SUB, SQRT)  # their doubles are exact where they are tiny


def payload(c: Context, op: int) -> Value:
    """What Exit.FLOAT carries: the instruction word, the operation above it."""
    word = c.const(c.word) if isinstance(c.word, int) else c.word.to(i64)
    return word | (op << 32)


def leave_if(c: Context, condition: Value, op: int) -> None:
    """Have the instruction carried out exactly."""
    c.exit_if(condition, Exit.FLOAT, payload(c, op))


def start(c: Context, op: int, Rc: Any = 0) -> bool:
    """At the start of every instruction that computes; True if it was left to the exact path altogether.

    A record form shows FX and OX, so it must look at them anyway."""
    if Rc:
        c.leave(Exit.FLOAT, payload(c, op))
        return True
    leave_if(c, (c.reg("fpscr") & UNUSUAL) != 0, op)
    return False


def remember(c: Context, op: int, /, **operands: Value) -> None:
    """FPRF, FR and FI are those of this operation from now on. Operands by name: a, b, c."""
    c.set_reg("fp_op", op & ~fpscr.FORM)
    for name, v in operands.items():
        c.set_reg(f"fp_{name}", v)


def to_single(c: Context, op: int, bits: Value, exact: bool = False) -> Value:
    """A double rounded once more, to a single; leaves where that could differ from rounding once. exact: the double is."""
    magnitude = bits & ~SIGN
    leave_if(c, fp_unordered(bits, bits), op)
    leave_if(c, ult(magnitude - 1, LEAST_SINGLE), op)
    if not exact:
        leave_if(c, (bits & BELOW_SINGLE) == HALF, op)
    return fp_to_single(bits)


def host_result(c: Context, op: int, a: Any, b: Any, x: Any) -> Value:
    """The result of an operation on FRA, FRB, FRC (those it has), in its precision; leaves if the host cannot know it."""
    kind = op & KIND
    match kind:
        case fpscr.ADD:
            bits = fp_add(a, b)
        case fpscr.SUB:
            bits = fp_sub(a, b)
        case fpscr.MUL:
            bits = fp_mul(a, x)
        case fpscr.DIV:
            bits = fp_div(a, b)
        case fpscr.SQRT:
            bits = fp_sqrt(b)
        case fpscr.RE:
            bits = fp_div(c.const(ONE), b)
        case fpscr.RSQRTE:
            bits = fp_div(c.const(ONE), fp_sqrt(b))
        case fpscr.RSP:
            bits = b
        case _:
            bits = fp_fma(a, b ^ SIGN if kind in (MSUB, NMSUB) else b, x)
    if op & SINGLE or kind == RSP:
        bits = to_single(c, op, bits, kind == RSP)
    else:
        leave_if(c, fp_unordered(bits, bits) if kind in NEVER_TINY else fp_delicate(bits), op)
    return bits ^ SIGN if kind in (NMADD, NMSUB) else bits


def operate(c: Context, op: int, FRT: Any, FRA: Any, FRB: Any, FRC: Any, Rc: Any) -> None:
    """A whole arithmetic instruction; operand fields it does not have are None."""
    if start(c, op, Rc):
        return
    a, b, x = (None if field is None else c.fpr[field] for field in (FRA, FRB, FRC))
    c.fpr[FRT] = computed(c, op, a, b, x)


def computed(c: Context, op: int, a: Value | None, b: Value | None, x: Value | None) -> Value:
    """The result of an operation, remembered; those of a, b, x that it does not have are None."""
    bits = host_result(c, op, a, b, x)
    remember(c, op, **{name: v for name, v in (("a", a), ("b", b), ("c", x)) if v is not None})
    return bits


def compared(c: Context, cc: Value) -> None:
    """FPCC of a comparison; C, FR and FI stay those of the last operation."""
    held = c.reg("fp_op") & 0xFF
    c.set_reg("fp_op", held | fpscr.COMPARED | (cc.to(i32) << fpscr.CC_SHIFT))


__all__ = ["ADD", "DIV", "MADD", "MUL", "RE", "RSQRTE", "SINGLE", "SUB", "compared", "computed", "host_result", "leave_if", "operate",
           "payload", "remember", "start", "to_single"]  # fmt: skip
