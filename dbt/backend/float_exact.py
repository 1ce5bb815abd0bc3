"""Floating-point instructions carried out exactly, and FPSCR brought up to date. Compiled; softfloat.py computes.

Translated code leaves FPSCR behind on purpose (frontend/isa/float_model.py): OX UX ZX XX wait in the host's MXCSR, FPRF
FR FI in the operation remembered in fp_op fp_a fp_b fp_c. `settle` collects them.
"""

from __future__ import annotations

import numpy as np

from .. import fpscr
from .float_compute import compute
from .machinery import compiled, exported, get_mxcsr, linked, set_mxcsr, u64
from .softfloat import CMPO, CMPU, INFINITY, KIND, RHP, RSP, SIGN, SINGLE, TO_S64, TO_U32, is_nan, is_zero

ZERO = u64(0)
FX, FEX, VX, OX, UX, ZX, XX = (u64(x) for x in (fpscr.FX, fpscr.FEX, fpscr.VX, fpscr.OX, fpscr.UX, fpscr.ZX, fpscr.XX))
FR_FI, FPRF, FPCC = u64(fpscr.FR | fpscr.FI), u64(fpscr.FPRF), u64(fpscr.FPCC)
STICKY, INVALID, ENABLES = u64(fpscr.STICKY), u64(fpscr.INVALID), u64(fpscr.ENABLES)
VE, ZE = u64(fpscr.VE), u64(fpscr.ZE)
COMPARED, CC_SHIFT = u64(fpscr.COMPARED), u64(fpscr.CC_SHIFT)
MXCSR_ZE, MXCSR_OE, MXCSR_UE, MXCSR_PE = (u64(x) for x in (fpscr.MXCSR_ZE, fpscr.MXCSR_OE, fpscr.MXCSR_UE, fpscr.MXCSR_PE))
MXCSR_FLAGS = u64(fpscr.MXCSR_FLAGS)
MXCSR_KEPT = MXCSR_ZE | MXCSR_OE | MXCSR_UE | MXCSR_PE


@compiled
def classified(x, op):  # type: ignore[no-untyped-def]
    """FPRF of a result (Book I 4.2.2, figure 47): C and FPCC."""
    if is_nan(x):
        return u64(0x11)
    negative = x & SIGN != ZERO
    if is_zero(x):
        return u64(0x12) if negative else u64(2)
    magnitude = x & ~SIGN
    if magnitude == INFINITY:
        return u64(9) if negative else u64(5)
    least = u64(1 << 52)
    if op & SINGLE or op & KIND == RSP:
        least = u64(0x381 << 52)
    elif op & KIND == RHP:
        least = u64(0x3F1 << 52)
    tiny = magnitude < least
    return (u64(8) if negative else u64(4)) | (u64(16) if tiny else ZERO)


@compiled
def raise_bits(v, flags):  # type: ignore[no-untyped-def]
    """Set exception bits; FX if one of them was clear; the summaries VX and FEX (Book I 4.2.2)."""
    x = v.fpscr
    flags &= STICKY
    if flags & ~x:
        x |= flags | FX
    x &= ~(VX | FEX)
    if x & INVALID:
        x |= VX
    if (x >> u64(22)) & x & ENABLES:  # VE OE UE ZE XE stand 22 below VX OX UX ZX XX
        x |= FEX
    v.fpscr = x


@compiled
def gather(v):  # type: ignore[no-untyped-def]
    """Bring the exceptions that the host has noted into FPSCR."""
    noted = u64(v.fp_sticky)
    if v.fp_live:
        control = get_mxcsr()
        if control & MXCSR_FLAGS:
            noted |= control
            set_mxcsr(control & ~MXCSR_FLAGS)
    v.fp_sticky = np.uint32(0)
    flags = ZERO
    if noted & MXCSR_ZE:
        flags |= ZX
    if noted & MXCSR_OE:
        flags |= OX
    if noted & MXCSR_UE:
        flags |= UX
    if noted & MXCSR_PE:
        flags |= XX
    if flags:
        raise_bits(v, flags)


@linked
def settle_operation(v):  # type: ignore[no-untyped-def]
    """FPRF FR FI of the operation that is remembered. By itself: a kernel that saves FPSCR for programs without floating point needs none of it."""
    op = u64(v.fp_op) & u64(0xFF)
    kind = op & KIND
    result, flags = compute(op, v.fp_a, v.fp_b, v.fp_c, ZERO)
    fprf = ZERO if kind >= TO_S64 and kind <= TO_U32 else classified(result, op)
    v.fpscr = (v.fpscr & ~(FPRF | FR_FI)) | fprf << u64(12) | (flags & FR_FI)
    return ZERO


@compiled
def settle(v):  # type: ignore[no-untyped-def]
    """Bring FPSCR up to date. What is remembered was done to nearest with nothing enabled."""
    gather(v)
    remembered = u64(v.fp_op)
    if remembered & u64(0xFF):
        settle_operation(v)
    if remembered & COMPARED:
        v.fpscr = (v.fpscr & ~FPCC) | (remembered >> CC_SHIFT & u64(15)) << u64(12)
    v.fp_op = np.uint32(0)


@linked
def fp_settle(v, a, b, c):  # type: ignore[no-untyped-def]
    """FPSCR is about to be read or written."""
    settle(v)
    return ZERO


@exported
def fp_compute(v, op, a, b, c):  # type: ignore[no-untyped-def]
    """For tests: an operation under the control bits in FPSCR; its result, and its flags in scratch0."""
    result, flags = compute(op, a, b, c, v.fpscr)
    v.scratch[0] = flags
    return result


@compiled
def finish(v, op, a, b, c):  # type: ignore[no-untyped-def]
    """(result, suppressed, trap): compute with FPSCR settled, and set it as an instruction with one result does."""
    old, kind = v.fpscr, op & KIND
    result, flags = compute(op, a, b, c, old)
    suppressed = False
    if kind == CMPU or kind == CMPO:
        v.fpscr = (old & ~FPCC) | result << u64(12)
    else:
        suppressed = (flags & INVALID != ZERO and old & VE != ZERO) or (flags & ZX != ZERO and old & ZE != ZERO)
    if kind < CMPU:
        new = (old & ~FR_FI) | (flags & FR_FI)
        if not suppressed:
            new &= ~FPRF
            if kind < TO_S64 or kind > TO_U32:  # of a conversion to an integer it is undefined: 0
                new |= classified(result, op) << u64(12)
        v.fpscr = new
    raise_bits(v, flags)
    happened = flags & STICKY
    if flags & INVALID:
        happened |= VX
    return result, suppressed, (happened >> u64(22)) & old & ENABLES != ZERO
