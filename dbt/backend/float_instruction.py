"""Whole floating-point instructions carried out exactly, for translated code that has left with Exit.FLOAT. Compiled.

The payload says all: the instruction's word, above it the operation (fpscr.py) and where its operands are.
"""

from __future__ import annotations

import numpy as np

from .. import fpscr
from .float_exact import ENABLES, INVALID, STICKY, VX, finish, fp_compute, raise_bits, settle
from .half import half_bits, widened_half
from .machinery import compiled, linked, u64
from .softfloat import CMPO, CMPU, EQ, FROM_S64, FROM_U64, KIND, SINGLE, TO_S64, TO_U32, VECTOR, narrowed, widened

ZERO, ONE = u64(0), u64(1)
FE = u64(fpscr.FE)
FIELD, HIGH = u64(31), u64(32)
FORM, CLASSIC, ADDEND, FACTOR = u64(fpscr.FORM), u64(fpscr.CLASSIC), u64(fpscr.ADDEND), u64(fpscr.FACTOR)
WORD, HALF = u64(0xFFFF_FFFF), u64(0xFFFF)
FROM_WORD, FROM_HALF, TO_WORD, TO_HALF = (u64(x) for x in (fpscr.FROM_WORD, fpscr.FROM_HALF, fpscr.TO_WORD, fpscr.TO_HALF))
NARROW_SOURCE, NARROW_TARGET = FROM_WORD | FROM_HALF, TO_WORD | TO_HALF


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
    if form & (NARROW_SOURCE | NARROW_TARGET):
        return converted(v, word, op)
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
    low = high = ZERO
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
            k >>= ONE
        low, high = low | (ZERO if k else result), high | (result if k else ZERO)
    return vector_finished(v, word, op, high, low, flags, old)


@compiled
def vector_finished(v, word, op, high, low, flags, old):  # type: ignore[no-untyped-def]
    """The end of a vector instruction, given the exceptions of all elements and FPSCR before."""
    t, kind = xt(word), op & KIND
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


@compiled
def source(bits, op, narrow):  # type: ignore[no-untyped-def]
    """The operand of a conversion in a lane (of 32 bits where `narrow`): a double, or an integer in 64 bits."""
    kind = op & KIND
    if op & FROM_HALF:
        return widened_half(bits & HALF)
    if op & FROM_WORD == ZERO:
        return bits
    bits = bits & WORD if narrow else bits >> u64(32)
    if kind == FROM_S64:
        return (bits ^ u64(1 << 31)) - u64(1 << 31)
    return bits if kind == FROM_U64 else widened(bits)


@compiled
def target(result, op, narrow):  # type: ignore[no-untyped-def]
    """The lane that a conversion's result makes."""
    kind = op & KIND
    if op & TO_HALF:
        return half_bits(result)
    if op & TO_WORD == ZERO:
        return result
    bits = result & WORD if kind >= TO_S64 and kind <= TO_U32 else narrowed(result)
    return bits if narrow else bits | bits << u64(32)


@compiled
def converted(v, word, op):  # type: ignore[no-untyped-def]
    """Between elements of different widths, or on words that are not all singles (frontend/isa/vsx_convert.py)."""
    narrow = op & NARROW_SOURCE != ZERO and op & NARROW_TARGET != ZERO
    b, t, old, flags = xb(word), xt(word), v.fpscr, ZERO
    if op & VECTOR == ZERO:
        result, suppressed, trap = finish(v, op, ZERO, source(v.vsr[b][1], op, False), ZERO)
        if not suppressed:
            v.vsr[t][1] = target(result, op, False)
            v.vsr[t][0] = ZERO
        return interrupts(v, trap)
    low = high = ZERO
    for n in range(4 if narrow else 2):
        k = u64(n)
        place, at = (k & ONE) << u64(5) if narrow else ZERO, k >> ONE if narrow else k
        result = fp_compute(v, op, ZERO, source(v.vsr[b][at] >> place, op, narrow), ZERO)
        flags |= v.scratch[0]
        bits = target(result, op, narrow) << place
        low, high = low | (ZERO if at else bits), high | (bits if at else ZERO)
    return vector_finished(v, word, op, high, low, flags, old)
