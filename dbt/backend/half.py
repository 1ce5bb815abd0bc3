"""Half precision: halves as the doubles that they equal, as softfloat.py takes singles. Compiled."""

from __future__ import annotations

import numpy as np

from .machinery import compiled, leading_zeros, u64
from .quad import HALF, rounded
from .softfloat import FRACTION, HIDDEN, INFINITY, OE, OX, RN, SIGN, TOP, ZERO, unpack

HALF_BITS = ~u64((1 << 42) - 1)  # the bits of a double that a half has too


@compiled
def rounded_to_half(x, control):  # type: ignore[no-untyped-def]
    """(result, flags) of a finite double that is not zero."""
    e, sig = unpack(x)
    e, sig, _, flags = rounded(x >> u64(63), e, sig, ZERO, HALF, control & RN, control)
    if sig == ZERO:
        return x & SIGN, flags
    if e == np.int64(16) and flags & OX and control & OE == ZERO:
        return x & SIGN | INFINITY, flags
    n = leading_zeros(sig)
    exponent = u64(e + np.int64(1023) - np.int64(n))
    return x & SIGN | (exponent << u64(52) & INFINITY) | (sig << n & ~TOP) >> u64(11), flags


@compiled
def half_bits(x):  # type: ignore[no-untyped-def]
    """The half equal to a double that is one."""
    sign, exponent, fraction = (x >> u64(48)) & u64(0x8000), (x >> u64(52)) & u64(0x7FF), x & FRACTION
    if exponent == u64(0x7FF):
        return sign | u64(0x7C00) | fraction >> u64(42)
    if exponent >= u64(1009):
        return sign | (exponent - u64(1008) & u64(31)) << u64(10) | fraction >> u64(42)
    if exponent < u64(998):
        return sign
    return sign | (fraction | HIDDEN) >> (u64(1051) - exponent)


@compiled
def widened_half(x):  # type: ignore[no-untyped-def]
    """The double equal to a half; a signalling NaN stays one."""
    sign, exponent, fraction = (x & u64(0x8000)) << u64(48), (x >> u64(10)) & u64(31), x & u64(0x3FF)
    if exponent == u64(31):
        return sign | INFINITY | fraction << u64(42)
    if exponent:
        return sign | (exponent + u64(1008)) << u64(52) | fraction << u64(42)
    if fraction == ZERO:
        return sign
    n = leading_zeros(fraction)
    return sign | (u64(1062) - n) << u64(52) | (fraction << (n - u64(11)) & FRACTION)


__all__ = ["HALF_BITS", "half_bits", "rounded_to_half", "widened_half"]
