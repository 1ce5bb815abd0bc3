"""Quad-precision instructions (Book I 7.6.1 of 3.0B): operands, result and FPSCR. Compiled; quad_compute.py computes.

What an operation on doubles has left for later (float_exact.py) is settled first; exceptions that only the host knows of may
wait on: it makes no difference which are collected first.
"""

from __future__ import annotations

import numpy as np

from .. import fpscr
from ..exits import Exit
from .float_exact import FPCC, FPRF, FR_FI, INVALID, STICKY, VE, VX, ZE, fp_settle, raise_bits
from .machinery import compiled, exported, u64
from .quad import MAGNITUDE, ODD, SIGN, is_zero
from .quad_compute import TO_DOUBLE, compute
from .softfloat import AWAY, CMPO, CMPU, KIND, RN, TO_S64, TO_U32, ZERO, ZX

FIELD = u64(31)
FE, TO_ODD = u64(fpscr.FE), u64(fpscr.ODD)
PROGRAM, FP_ENABLED = u64(Exit.PROGRAM), u64(fpscr.FP_ENABLED)
LEAST, LEAST_DOUBLE = u64(1 << 48), u64(1 << 52)


@compiled
def classified(high, low, least):  # type: ignore[no-untyped-def]
    """FPRF of a result, given the high doubleword of its format's least normal number: C and FPCC."""
    negative = high & SIGN != ZERO
    magnitude = high & MAGNITUDE
    if is_zero(high, low):
        return u64(0x12) if negative else u64(2)
    top = ~(least - u64(1)) & MAGNITUDE  # infinity's exponent
    if magnitude >= top:
        if magnitude > top or low:
            return u64(0x11)
        return u64(9) if negative else u64(5)
    return (u64(8) if negative else u64(4)) | (u64(16) if magnitude < least else ZERO)


@compiled
def rounding(r, rmc, control):  # type: ignore[no-untyped-def]
    """The mode that R and RMC name: with R the four of RN, else to nearest with ties away, or RN (3; here also the reserved 1, 2)."""
    if r:
        return rmc
    return AWAY if rmc == ZERO else control & RN


@exported
def quad_instruction(v, word, op, mode):  # type: ignore[no-untyped-def]
    """Contract: frontend/isa/helpers.py."""
    if v.fp_op:
        fp_settle(v, ZERO, ZERO, ZERO)
    old, kind = v.fpscr, op & KIND
    a, b, t = u64(32) + (word >> u64(16) & FIELD), u64(32) + (word >> u64(11) & FIELD), u64(32) + (word >> u64(21) & FIELD)
    mode = ODD if op & TO_ODD else rounding(mode >> u64(2), mode & u64(3), old)
    x, y, z = (v.vsr[a][1], v.vsr[a][0]), (v.vsr[b][1], v.vsr[b][0]), (v.vsr[t][1], v.vsr[t][0])
    high, low, flags = compute(op, x, y, z, mode, old)
    if kind == CMPU or kind == CMPO:
        v.fpscr = (old & ~FPCC) | high << u64(12)
        v.cr[word >> u64(23) & u64(7)] = np.uint8(high)
    else:
        new = (old & ~FR_FI) | (flags & FR_FI)
        if not ((flags & INVALID and old & VE) or (flags & ZX and old & ZE)):
            v.vsr[t][1] = high
            v.vsr[t][0] = low
            new &= ~FPRF
            if kind < TO_S64 or kind > TO_U32:  # of a conversion to an integer it is undefined: 0
                new |= classified(high, low, LEAST_DOUBLE if kind == TO_DOUBLE else LEAST) << u64(12)
        v.fpscr = new
    raise_bits(v, flags)
    happened = flags & STICKY | (VX if flags & INVALID else ZERO)
    if (happened >> u64(22)) & old & u64(fpscr.ENABLES) and v.msr & FE:
        v.exit = PROGRAM
        v.exit_arg = FP_ENABLED
    return ZERO
