"""Whole floating-point instructions carried out exactly, for translated code that has left with Exit.FLOAT. Compiled.

The payload says all: the instruction's word, above it the operation (fpscr.py) and where its operands are.
"""

from __future__ import annotations

import numpy as np

from .. import fpscr
from .float_exact import ENABLES, INVALID, STICKY, VX, finish, fp_compute, raise_bits, settle
from .machinery import compiled, linked, u64
from .softfloat import CMPO, CMPU, EQ, KIND, SINGLE, VECTOR, narrowed, widened

ZERO, ONE = u64(0), u64(1)
FE = u64(fpscr.FE)
FIELD, HIGH = u64(31), u64(32)
FORM, CLASSIC, ADDEND, FACTOR = u64(fpscr.FORM), u64(fpscr.CLASSIC), u64(fpscr.ADDEND), u64(fpscr.FACTOR)
WORD = u64(0xFFFF_FFFF)


@compiled
def xt(word):  # type: ignore[no-untyped-def]
    """The VSR number XT."""
    return word >> u64(21) & FIELD | word << u64(5) & HIGH


@compiled
def xa(word):  # type: ignore[no-untyped-def]
    """The VSR number XA."""
    return word >> u64(16) & FIELD | word << u64(3) & HIGH


@compiled
def xb(word):  # type: ignore[no-untyped-def]
    """The VSR number XB."""
    return word >> u64(11) & FIELD | word << u64(4) & HIGH


@linked
def float_instruction(v, payload):  # type: ignore[no-untyped-def]
    """Carry out the instruction. 1 if it must be interrupted."""
    word, op = payload & WORD, payload >> u64(32)
    form = op & FORM
    settle(v)
    if form == CLASSIC:
        return classic(v, word, op)
    if form & VECTOR:
        return vector(v, word, op)
    return scalar(v, word, op)


@compiled
def interrupts(v, trap):  # type: ignore[no-untyped-def]
    """Whether an enabled exception is delivered."""
    return u64(trap and v.msr & FE != ZERO)


@compiled
def classic(v, word, op):  # type: ignore[no-untyped-def]
    """On FPRs."""
    a, b, c = v.vsr[word >> u64(16) & FIELD][1], v.vsr[word >> u64(11) & FIELD][1], v.vsr[word >> u64(6) & FIELD][1]
    result, suppressed, trap = finish(v, op, a, b, c)
    if op & KIND >= CMPU:
        v.cr[word >> u64(23) & u64(7)] = np.uint8(result)
    else:
        if not suppressed:
            v.vsr[word >> u64(21) & FIELD][1] = result
        if word & ONE:
            v.cr[1] = np.uint8(v.fpscr >> u64(28) & u64(15))
    return interrupts(v, trap)


@compiled
def scalar(v, word, op):  # type: ignore[no-untyped-def]
    """On doubleword 0 of VSRs; doubleword 1 of the target becomes 0."""
    kind, form, t = op & KIND, op & FORM, xt(word)
    a, b, old = v.vsr[xa(word)][1], v.vsr[xb(word)][1], v.vsr[t][1]
    c = b
    if form == ADDEND:
        b = old
    elif form == FACTOR:
        c = old
    result, suppressed, trap = finish(v, op, a, b, c)
    if kind == CMPU or kind == CMPO:
        v.cr[word >> u64(23) & u64(7)] = np.uint8(result)
    elif not suppressed:
        v.vsr[t][1] = result
        v.vsr[t][0] = ZERO
    return interrupts(v, trap)


@compiled
def lane(v, n, k, single):  # type: ignore[no-untyped-def]
    """Element k of VSR n, counted from the right, as a double."""
    if single:
        return widened(v.vsr[n][k >> ONE] >> ((k & ONE) << u64(5)) & WORD)
    return v.vsr[n][k]


@compiled
def vector(v, word, op):  # type: ignore[no-untyped-def]
    """On every element of VSRs: exceptions add up, and an enabled one in any element leaves the target as it was.
    FPRF, FR and FI stay."""
    kind, form, single = op & KIND, op & FORM & ~VECTOR, op & SINGLE != ZERO
    t, old, flags = xt(word), v.fpscr, ZERO
    high = low = ZERO
    for n in range(4 if single else 2):
        k = u64(n)
        a, b, c = lane(v, xa(word), k, single), lane(v, xb(word), k, single), ZERO
        if form == ADDEND:
            b, c = lane(v, t, k, single), b
        elif form == FACTOR:
            c = lane(v, t, k, single)
        else:
            c = b
        result = fp_compute(v, op, a, b, c)
        flags |= v.scratch[0]
        if single:
            result = (result & WORD if kind >= EQ else narrowed(result)) << ((k & ONE) << u64(5))
        if k << (ZERO if single else ONE) >= u64(2):
            high |= result
        else:
            low |= result
    raise_bits(v, flags)
    happened = flags & STICKY
    if flags & INVALID:
        happened |= VX
    trap = (happened >> u64(22)) & old & ENABLES != ZERO
    if not trap:
        v.vsr[t][0], v.vsr[t][1] = low, high
        if kind >= EQ and word & u64(1 << 10):
            v.cr[6] = np.uint8(8 if high & low == ~ZERO else 2 if high | low == ZERO else 0)
    return interrupts(v, trap)
