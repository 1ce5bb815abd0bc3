"""Decimal floating-point instructions: from the word to registers and FPSCR (Book I 5.6). Compiled.

`decimal_operation` carries out those with a result, `decimal_test` those that set a CR field. Operations are numbered
in dfp.py.
"""

from __future__ import annotations

import numpy as np

from .. import dfp, fpscr
from .decimal_bits import (
    biased_exponent,
    class_bit,
    compared,
    exponents_compared,
    from_bcd,
    group_bit,
    matched,
    shifted,
    significance_compared,
    to_bcd,
    with_biased_exponent,
)
from .decimal_compute import (
    added,
    divided,
    from_fixed,
    integral,
    invalid,
    multiplied,
    named_mode,
    narrowed,
    quantize,
    quantize_immediate,
    reround,
    to_fixed,
    widened,
)
from .decimal_format import FINITE, LONG, QUAD, SHORT, classified, packed, unpacked
from .decimal_wide import ONE, ZERO
from .float_exact import raise_bits, settle
from .machinery import compiled, exported, inlined, u64

VX, ZX, VXCVI, INVALID, STICKY = (u64(x) for x in (fpscr.VX, fpscr.ZX, fpscr.VXCVI, fpscr.INVALID, fpscr.STICKY))
FR_FI, FPRF, FPCC = u64(fpscr.FR | fpscr.FI), u64(fpscr.FPRF), u64(fpscr.FPCC)
VE, ZE, ENABLES, FE = (u64(x) for x in (fpscr.VE, fpscr.ZE, fpscr.ENABLES, fpscr.FE))
ADD, SUB, MUL, DIV = u64(dfp.ADD), u64(dfp.SUB), u64(dfp.MUL), u64(dfp.DIV)
QUANTIZE, QUANTIZE_IMMEDIATE, REROUND = u64(dfp.QUANTIZE), u64(dfp.QUANTIZE_IMMEDIATE), u64(dfp.REROUND)
INTEGRAL_INEXACT, INTEGRAL = u64(dfp.INTEGRAL_INEXACT), u64(dfp.INTEGRAL)
WIDEN, NARROW, FROM_FIXED, TO_FIXED = u64(dfp.WIDEN), u64(dfp.NARROW), u64(dfp.FROM_FIXED), u64(dfp.TO_FIXED)
ENCODE, DECODE, EXTRACT_EXPONENT = u64(dfp.ENCODE), u64(dfp.DECODE), u64(dfp.EXTRACT_EXPONENT)
INSERT_EXPONENT, SHIFT_LEFT = u64(dfp.INSERT_EXPONENT), u64(dfp.SHIFT_LEFT)
COMPARE_ORDERED, TEST_CLASS, TEST_GROUP = u64(dfp.COMPARE_ORDERED), u64(dfp.TEST_CLASS), u64(dfp.TEST_GROUP)
TEST_EXPONENT, TEST_SIGNIFICANCE = u64(dfp.TEST_EXPONENT), u64(dfp.TEST_SIGNIFICANCE)
QUADWORD = u64(63)  # the primary opcode of quadword forms
FIELD, SIX = u64(31), u64(63)


@compiled
def fpr(v, n):  # type: ignore[no-untyped-def]
    """A floating-point register."""
    return v.vsr[n][1]


@inlined
def encoding(v, n, declets):  # type: ignore[no-untyped-def]
    """(high, low) of the datum in a register, or in a pair: the even register is the upper half."""
    if declets == QUAD:
        return v.vsr[n & u64(30)][1], v.vsr[n | ONE][1]
    return ZERO, v.vsr[n][1] & u64(0xFFFF_FFFF) if declets == SHORT else v.vsr[n][1]


@inlined
def operand(v, n, declets):  # type: ignore[no-untyped-def]
    """The datum in a register or a pair, taken apart."""
    high, low = encoding(v, n, declets)
    return unpacked(high, low, declets)


@compiled
def put(v, n, high, low, declets):  # type: ignore[no-untyped-def]
    """Set a register or a pair."""
    if declets == QUAD:
        v.vsr[n & u64(30)][1] = high
        v.vsr[n | ONE][1] = low
    else:
        v.vsr[n][1] = low


@inlined
def computed(v, word, kind, declets):  # type: ignore[no-untyped-def]
    """The result of an operation with rounding: (kind, sign, exponent, significand, flags, format)."""
    control = v.fpscr
    fra, frb = word >> u64(16) & FIELD, word >> u64(11) & FIELD
    RMC, R = word >> u64(9) & u64(3), word >> u64(16) & ONE
    if kind == FROM_FIXED:
        return from_fixed(fpr(v, frb), declets, control)
    if kind == WIDEN:  # declets is the format of the result
        return widened(operand(v, frb, SHORT if declets == LONG else LONG), declets)
    if kind == NARROW:  # that of the source
        return narrowed(operand(v, frb, declets), SHORT if declets == LONG else LONG, declets, control)
    if kind == ENCODE:
        high, low = encoding(v, frb, declets)
        sign, x, valid = from_bcd(high, low, word >> u64(20) & ONE, declets)
        return (FINITE, sign, np.int64(0), x, ZERO, declets) if valid else invalid(VXCVI, declets)
    b = operand(v, frb, declets)
    if kind == QUANTIZE_IMMEDIATE:
        target = np.int64(fra ^ u64(16)) - np.int64(16)
        return quantize_immediate(target, b, named_mode(ZERO, RMC, control), declets)
    if kind == REROUND:
        return reround(fpr(v, fra) & SIX, b, named_mode(ZERO, RMC, control), declets)
    if kind in (INTEGRAL, INTEGRAL_INEXACT):
        return integral(b, named_mode(R, RMC, control), kind == INTEGRAL, declets)
    a = operand(v, fra, declets)
    if kind == QUANTIZE:
        return quantize(a, b, named_mode(ZERO, RMC, control), declets)
    if kind == MUL:
        return multiplied(a, b, declets, control)
    if kind == DIV:
        return divided(a, b, declets, control)
    if kind == SUB and b[0] <= u64(dfp.INFINITE):
        b = b[0], b[1] ^ ONE, b[2], b[3]
    return added(a, b, declets, control)


@compiled
def record(v, word):  # type: ignore[no-untyped-def]
    """CR1 = FX FEX VX OX, if Rc."""
    if word & ONE:
        v.cr[1] = np.uint8(v.fpscr >> u64(28) & u64(15))


@compiled
def concluded(v, word, flags, fprf, old):  # type: ignore[no-untyped-def]
    """FPSCR and CR1 after an operation whose FPSCR was `old`; 1 if an enabled exception is to interrupt."""
    v.fpscr = (old & ~(FR_FI | FPRF)) | (flags & FR_FI) | fprf
    raise_bits(v, flags)
    record(v, word)
    happened = flags & STICKY
    if flags & INVALID:
        happened |= VX
    return u64((happened >> u64(22)) & old & ENABLES != ZERO and v.msr & FE != ZERO)


@compiled
def is_suppressed(flags, control):  # type: ignore[no-untyped-def]
    """Whether an enabled exception keeps the target as it is."""
    return (flags & INVALID != ZERO and control & VE != ZERO) or (flags & ZX != ZERO and control & ZE != ZERO)


@compiled
def rearranged(v, word, kind, declets):  # type: ignore[no-untyped-def]
    """The instructions that leave FPSCR alone."""
    frt, fra, frb = word >> u64(21) & FIELD, word >> u64(16) & FIELD, word >> u64(11) & FIELD
    if kind == EXTRACT_EXPONENT:
        v.vsr[frt][1] = biased_exponent(operand(v, frb, declets), declets)
        return
    if kind == DECODE:
        high, low = to_bcd(operand(v, frb, declets), word >> u64(20) & ONE, word >> u64(19) & ONE, declets)
    elif kind == INSERT_EXPONENT:
        high, low = with_biased_exponent(fpr(v, fra), operand(v, frb, declets), declets)
    else:
        high, low = shifted(operand(v, fra, declets), np.int64(word >> u64(10) & SIX), kind == SHIFT_LEFT, declets)
    put(v, frt, high, low, declets)


@exported
def decimal_operation(v, word, kind, unused):  # type: ignore[no-untyped-def]
    """Carry out a decimal instruction with a result: 1 if it must be interrupted. What only the host knows of may wait, unless
    CR1 is to show it."""
    if v.fp_op or word & ONE:
        settle(v)
    declets = QUAD if word >> u64(26) == QUADWORD else LONG
    if kind > ENCODE:
        rearranged(v, word, kind, declets)
        record(v, word)
        return ZERO
    old, frt = v.fpscr, word >> u64(21) & FIELD
    if kind == TO_FIXED:
        result, flags = to_fixed(operand(v, word >> u64(11) & FIELD, declets), old)
        if is_suppressed(flags, old):
            return concluded(v, word, flags, old & FPRF, old)
        v.vsr[frt][1] = result
        return concluded(v, word, flags, ZERO, old)  # FPRF is undefined here
    what, sign, e, x, flags, delivered = computed(v, word, kind, declets)
    if is_suppressed(flags, old):
        return concluded(v, word, flags, old & FPRF, old)
    high, low = packed(what, sign, e, x, delivered)
    if kind == NARROW and declets == QUAD and delivered == LONG:
        high, low = low, ZERO
    put(v, frt, high, low, declets)
    return concluded(v, word, flags, classified(what, sign, e, x, delivered) << u64(12), old)


@exported
def decimal_test(v, word, kind, unused):  # type: ignore[no-untyped-def]
    """Carry out a decimal comparison or test: CR field BF and FPCC. 1 if it must be interrupted."""
    if v.fp_op:
        settle(v)
    declets = QUAD if word >> u64(26) == QUADWORD else LONG
    old, flags = v.fpscr, ZERO
    fra, frb = word >> u64(16) & FIELD, word >> u64(11) & FIELD
    mask = word >> u64(10) & SIX
    if kind == TEST_CLASS:
        a = operand(v, fra, declets)
        result = matched(a[1], class_bit(a, declets), mask)
    elif kind == TEST_GROUP:
        a = operand(v, fra, declets)
        result = matched(a[1], group_bit(a, declets), mask)
    elif kind == TEST_EXPONENT:
        result = exponents_compared(operand(v, fra, declets), operand(v, frb, declets))
    elif kind >= TEST_SIGNIFICANCE:
        wanted = fpr(v, fra) if kind == TEST_SIGNIFICANCE else word >> u64(16)
        result = significance_compared(wanted & SIX, operand(v, frb, declets))
    else:
        result, flags = compared(operand(v, fra, declets), operand(v, frb, declets), kind == COMPARE_ORDERED, old)
    v.cr[word >> u64(23) & u64(7)] = np.uint8(result)
    v.fpscr = (old & ~FPCC) | result << u64(12)
    raise_bits(v, flags)
    happened = VX if flags & INVALID else ZERO
    return u64((happened >> u64(22)) & old & ENABLES != ZERO and v.msr & FE != ZERO)
