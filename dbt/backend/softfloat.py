"""Exact floating-point arithmetic on integers, every rounding mode and exception of Book I 4.4-4.6. Compiled.

The slow path (float_compute.py chooses the operation): translated code computes with the host's instructions and comes here for what those cannot answer, and
for what is only worked out when somebody looks (FPRF, FR, FI). A finite number is (sign, e, sig): sig has its top bit
at 63 and stands for sig / 2**63 * 2**e; bit 0 of an inexact one is sticky. `control` is FPSCR.
"""

from __future__ import annotations

import numpy as np

from .. import fpscr
from .machinery import compiled, leading_zeros, multiply_high, u64

ZERO, ONE = u64(0), u64(1)
SIGN, INFINITY, QUIET, DEFAULT_NAN, SINGLE_BITS = (
    u64(x) for x in (fpscr.SIGN, fpscr.INFINITY, fpscr.QUIET, fpscr.DEFAULT_NAN, fpscr.SINGLE_BITS)
)
MAGNITUDE, FRACTION, HIDDEN, TOP = u64(fpscr.SIGN - 1), u64((1 << 52) - 1), u64(1 << 52), u64(1 << 63)
OX, UX, ZX, XX, FR, FI = (u64(x) for x in (fpscr.OX, fpscr.UX, fpscr.ZX, fpscr.XX, fpscr.FR, fpscr.FI))
VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ = (u64(x) for x in (fpscr.VXSNAN, fpscr.VXISI, fpscr.VXIDI, fpscr.VXZDZ, fpscr.VXIMZ))
VXVC, VXSQRT, VXCVI = (u64(x) for x in (fpscr.VXVC, fpscr.VXSQRT, fpscr.VXCVI))
VE, OE, UE, RN = (u64(x) for x in (fpscr.VE, fpscr.OE, fpscr.UE, fpscr.RN))
KIND, SINGLE, TRUNCATE, VECTOR = u64(0x3F), u64(fpscr.SINGLE), u64(fpscr.TRUNCATE), u64(fpscr.VECTOR)
ADD, SUB, MUL, DIV, SQRT, MADD, MSUB, NMADD, NMSUB, RE, RSQRTE, RSP = (u64(n) for n in range(1, 13))
FROM_S64, FROM_U64, TO_S64, TO_U64, TO_S32, TO_U32 = (u64(n) for n in range(13, 19))
RIN, RIZ, RIP, RIM, RIC, RHP, WIDEN, CMPU, CMPO = (u64(n) for n in range(19, 28))
MAX, MIN, MAXC, MINC, MAXJ, MINJ, EQ, GT, GE = (u64(n) for n in range(28, 37))
AWAY, NEAREST, TO_ZERO, UP, DOWN = u64(4), ZERO, ONE, u64(2), u64(3)
NUMBER_ONE = u64(0x3FF << 52)


@compiled
def is_nan(x):  # type: ignore[no-untyped-def]
    return x & MAGNITUDE > INFINITY


@compiled
def is_signalling(x):  # type: ignore[no-untyped-def]
    return x & MAGNITUDE > INFINITY and x & QUIET == ZERO


@compiled
def is_infinite(x):  # type: ignore[no-untyped-def]
    return x & MAGNITUDE == INFINITY


@compiled
def is_zero(x):  # type: ignore[no-untyped-def]
    return x & MAGNITUDE == ZERO


@compiled
def unpack(x):  # type: ignore[no-untyped-def]
    """(e, sig) of a finite number that is not zero."""
    exponent, fraction = (x >> u64(52)) & u64(0x7FF), x & FRACTION
    if exponent == ZERO:
        n = leading_zeros(fraction)
        return np.int64(-1011) - np.int64(n), fraction << n
    return np.int64(exponent) - np.int64(1023), (fraction | HIDDEN) << u64(11)


@compiled
def round_away(low, half, odd, sign, rn):  # type: ignore[no-untyped-def]
    """Whether to go to the next larger magnitude, given the bits cut off."""
    if rn == NEAREST:
        return low > half or (low == half and odd)
    if rn == AWAY:
        return low >= half
    if rn == UP:
        return low != ZERO and sign == ZERO
    if rn == DOWN:
        return low != ZERO and sign != ZERO
    return False


@compiled
def rounded(sign, e, sig, single, control):  # type: ignore[no-untyped-def]
    """(result, flags) of a number that is not zero, rounded as FPSCR says to the precision of the instruction."""
    rn, flags = control & RN, ZERO
    digits = np.int64(24) if single else np.int64(53)
    least = np.int64(-126) if single else np.int64(-1022)
    scale = np.int64(192) if single else np.int64(1536)
    if e < least:  # tiny: detected before rounding
        if control & UE:
            flags |= UX
            e += scale
        else:
            lost = least - e
            if lost > np.int64(63):
                sig = ONE
            else:
                sig = (sig >> u64(lost)) | u64((sig & ((ONE << u64(lost)) - ONE)) != ZERO)
            e = least
    drop = u64(np.int64(64) - digits)
    low, half = sig & ((ONE << drop) - ONE), ONE << (drop - ONE)
    tiny = sig & TOP == ZERO
    sig >>= drop
    if low != ZERO:
        flags |= FI | XX
        if tiny:
            flags |= UX
        if round_away(low, half, sig & ONE != ZERO, sign, rn):
            flags |= FR
            sig += ONE
            if sig >> u64(digits) != ZERO:
                sig >>= ONE
                e += np.int64(1)
    if e > -least + np.int64(1):
        flags |= OX
        if control & OE:
            e -= scale
        else:
            to_infinity = rn == NEAREST or (rn == UP and sign == ZERO) or (rn == DOWN and sign != ZERO)
            flags = OX | XX | FI
            if to_infinity:
                return sign << u64(63) | INFINITY, flags | FR  # FR is undefined here: whether the magnitude grew
            return sign << u64(63) | (u64(0x47EF_FFFF_E000_0000) if single else INFINITY - ONE), flags
    if sig == ZERO:
        return sign << u64(63), flags
    n = leading_zeros(sig)
    e += np.int64(64) - digits - np.int64(n)
    if e < np.int64(-1022):  # a denormal double; or less than any, of singles that none are, scaled: undefined (Book I 4.3.5.1)
        shift = np.int64(-1011) - e
        return sign << u64(63) | ((sig << n) >> u64(shift) if shift < np.int64(64) else ZERO), flags
    fraction = sig << (n - u64(11)) & FRACTION
    return sign << u64(63) | u64(e + np.int64(1023)) << u64(52) & INFINITY | fraction, flags


@compiled
def product(a, c):  # type: ignore[no-untyped-def]
    """(e, high, low) of a product of finite numbers: 128 bits, the top one at bit 126."""
    ea, sa = unpack(a)
    ec, sc = unpack(c)
    sc >>= ONE
    high, low, e = multiply_high(sa, sc), sa * sc, ea + ec + np.int64(1)
    if high >> u64(62) == ZERO:
        return e - np.int64(1), high << ONE | low >> u64(63), low << ONE
    return e, high, low


@compiled
def shifted_right(high, low, n):  # type: ignore[no-untyped-def]
    """A 128-bit number shifted right by n > 0, what is lost or'ed into bit 0."""
    if n >= np.int64(128):
        return ZERO, ONE
    k = u64(n)
    if n >= np.int64(64):
        lost = low | (high & ((ONE << (k - u64(64))) - ONE))
        return ZERO, high >> (k - u64(64)) | u64(lost != ZERO)
    lost = low & ((ONE << k) - ONE)
    return high >> k, high << (u64(64) - k) | low >> k | u64(lost != ZERO)


@compiled
def summed(sign, e, high, low, other_sign, other_e, other_high, other_low, single, control):  # type: ignore[no-untyped-def]
    """(result, flags) of the sum of two numbers of 128 bits with the top one at bit 126."""
    if e < other_e or (e == other_e and (high < other_high or (high == other_high and low < other_low))):
        sign, other_sign, e, other_e = other_sign, sign, other_e, e
        high, other_high, low, other_low = other_high, high, other_low, low
    if e > other_e:
        other_high, other_low = shifted_right(other_high, other_low, e - other_e)
    if sign == other_sign:
        total = low + other_low
        high += other_high + u64(total < low)
        low = total
    else:
        high -= other_high + u64(low < other_low)
        low -= other_low
    if high | low == ZERO:
        return (SIGN if control & RN == DOWN else ZERO), ZERO
    if high == ZERO:
        high, low, e = low, ZERO, e - np.int64(64)
    n = leading_zeros(high)
    if n:
        high, low = high << n | low >> (u64(64) - n), low << n
    return rounded(sign, e + np.int64(1) - np.int64(n), high | u64(low != ZERO), single, control)


@compiled
def quieted(x, single):  # type: ignore[no-untyped-def]
    """The NaN that an operand becomes as a result."""
    return (x | QUIET) & SINGLE_BITS if single else x | QUIET


@compiled
def widened(x):  # type: ignore[no-untyped-def]
    """The double equal to a single; a signalling NaN stays one."""
    sign, exponent, fraction = (x & u64(0x8000_0000)) << u64(32), (x >> u64(23)) & u64(0xFF), x & u64(0x7F_FFFF)
    if exponent == u64(0xFF):
        return sign | INFINITY | fraction << u64(29)
    if exponent == ZERO:
        if fraction == ZERO:
            return sign
        n = leading_zeros(fraction) - u64(40)
        return sign | (u64(897) - n) << u64(52) | (fraction << (n + u64(29)) & FRACTION)
    return sign | (exponent + u64(896)) << u64(52) | fraction << u64(29)


@compiled
def narrowed(x):  # type: ignore[no-untyped-def]
    """The single equal to a double that is one."""
    sign, exponent, fraction = (x >> u64(32)) & u64(0x8000_0000), (x >> u64(52)) & u64(0x7FF), x & FRACTION
    if exponent == u64(0x7FF):
        return sign | u64(0x7F80_0000) | fraction >> u64(29)
    if exponent >= u64(897):
        return sign | (exponent - u64(896)) << u64(23) | fraction >> u64(29)
    if exponent < u64(874):
        return sign
    return sign | (fraction | HIDDEN) >> (u64(926) - exponent)


@compiled
def add(a, b, single, control):  # type: ignore[no-untyped-def]
    if is_infinite(a) or is_infinite(b):
        if is_infinite(a) and is_infinite(b) and a != b:
            return DEFAULT_NAN, VXISI
        return (a if is_infinite(a) else b), ZERO
    if is_zero(a) and is_zero(b):
        return (a if a == b else SIGN if control & RN == DOWN else ZERO), ZERO
    if is_zero(a) or is_zero(b):
        x = b if is_zero(a) else a
        e, sig = unpack(x)
        return rounded(x >> u64(63), e, sig, single, control)
    ea, sa = unpack(a)
    eb, sb = unpack(b)
    return summed(a >> u64(63), ea, sa >> ONE, ZERO, b >> u64(63), eb, sb >> ONE, ZERO, single, control)


@compiled
def multiply(a, c, single, control):  # type: ignore[no-untyped-def]
    sign = (a ^ c) & SIGN
    if is_infinite(a) or is_infinite(c):
        if is_zero(a) or is_zero(c):
            return DEFAULT_NAN, VXIMZ
        return sign | INFINITY, ZERO
    if is_zero(a) or is_zero(c):
        return sign, ZERO
    e, high, low = product(a, c)
    return rounded(sign >> u64(63), e, high << ONE | low >> u64(63) | u64(low << ONE != ZERO), single, control)


@compiled
def multiply_add(a, b, c, single, control):  # type: ignore[no-untyped-def]
    """a * c + b; a and c give no NaN."""
    sign = (a ^ c) & SIGN
    if is_infinite(a) or is_infinite(c):
        if is_infinite(b) and (b ^ sign) & SIGN:
            return DEFAULT_NAN, VXISI
        return sign | INFINITY, ZERO
    if is_infinite(b):
        return b, ZERO
    if is_zero(a) or is_zero(c):
        return add(sign, b, single, control)
    e, high, low = product(a, c)
    if is_zero(b):
        return rounded(sign >> u64(63), e, high << ONE | low >> u64(63) | u64(low << ONE != ZERO), single, control)
    eb, sb = unpack(b)
    return summed(sign >> u64(63), e, high, low, b >> u64(63), eb, sb >> ONE, ZERO, single, control)


@compiled
def divide(a, b, single, control):  # type: ignore[no-untyped-def]
    sign = (a ^ b) & SIGN
    if is_infinite(a):
        return (DEFAULT_NAN, VXIDI) if is_infinite(b) else (sign | INFINITY, ZERO)
    if is_infinite(b):
        return sign, ZERO
    if is_zero(b):
        return (DEFAULT_NAN, VXZDZ) if is_zero(a) else (sign | INFINITY, ZX)
    if is_zero(a):
        return sign, ZERO
    ea, x = unpack(a)
    eb, y = unpack(b)
    e = ea - eb
    x >>= u64(11)
    y >>= u64(11)
    if x < y:
        x, e = x << ONE, e - np.int64(1)
    q = ZERO
    for _ in range(64):
        q <<= ONE
        if x >= y:
            x -= y
            q |= ONE
        x <<= ONE
    return rounded(sign >> u64(63), e, q | u64(x != ZERO), single, control)


@compiled
def square_root(b, single, control):  # type: ignore[no-untyped-def]
    if is_zero(b):
        return b, ZERO
    if b & SIGN:
        return DEFAULT_NAN, VXSQRT
    if is_infinite(b):
        return b, ZERO
    e, x = unpack(b)
    x >>= u64(11)
    if e & np.int64(1):
        x <<= ONE
    root = rest = ZERO
    x <<= u64(10)  # 32 pairs of bits, the first of them 01, 10 or 11
    for _ in range(56):
        rest = rest << u64(2) | x >> u64(62)
        x <<= u64(2)
        trial = root << u64(2) | ONE
        root <<= ONE
        if rest >= trial:
            rest -= trial
            root |= ONE
    return rounded(ZERO, e >> np.int64(1), root << u64(8) | u64(rest != ZERO), single, control)
