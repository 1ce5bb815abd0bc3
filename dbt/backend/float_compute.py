"""A floating-point operation by its number (fpscr.py): exact result and exceptions. Compiled; softfloat.py has the arithmetic.

`compute(op, a, b, c, control)` gives (result bits, flags): flags are the exception bits of FPSCR that the operation
raises, with FR and FI. `control` is FPSCR: RN, and OE and UE, which change the results of overflow and underflow. What
VE and ZE suppress is the caller's business. For a comparison the result is the four bits of FPCC, for EQ, GT and GE all
ones or zeros.
"""

from __future__ import annotations

import numpy as np

from .half import HALF_BITS, rounded_to_half
from .machinery import compiled, leading_zeros, u64
from .softfloat import (
    ADD,
    AWAY,
    CMPO,
    CMPU,
    DEFAULT_NAN,
    DIV,
    DOWN,
    EQ,
    FI,
    FR,
    FRACTION,
    FROM_S64,
    FROM_U64,
    GT,
    KIND,
    MADD,
    MAGNITUDE,
    MAX,
    MAXC,
    MAXJ,
    MINC,
    MINJ,
    MSUB,
    MUL,
    NMADD,
    NMSUB,
    NUMBER_ONE,
    ONE,
    RE,
    RHP,
    RIC,
    RIN,
    RIP,
    RIZ,
    RN,
    RSP,
    RSQRTE,
    SIGN,
    SINGLE,
    SQRT,
    SUB,
    TO_S32,
    TO_S64,
    TO_U32,
    TO_U64,
    TO_ZERO,
    TOP,
    TRUNCATE,
    UP,
    VE,
    VECTOR,
    VXCVI,
    VXIMZ,
    VXSNAN,
    VXVC,
    WIDEN,
    XX,
    ZERO,
    add,
    divide,
    is_infinite,
    is_nan,
    is_signalling,
    is_zero,
    multiply,
    multiply_add,
    quieted,
    round_away,
    rounded,
    square_root,
    unpack,
)


@compiled
def integral(b, mode):  # type: ignore[no-untyped-def]
    """A finite number rounded to an integral value; never inexact (Book I 4.6.7.3)."""
    if is_zero(b):
        return b
    e, sig = unpack(b)
    if e >= np.int64(52):
        return b
    whole, low = split(e, sig)
    if round_away(low, TOP, whole & ONE != ZERO, b >> u64(63), mode):
        whole += ONE
    if whole == ZERO:
        return b & SIGN
    n = leading_zeros(whole)
    return b & SIGN | (u64(1086) - n) << u64(52) | (whole << n >> u64(11)) & FRACTION


@compiled
def exactly_integral(b, mode):  # type: ignore[no-untyped-def]
    """The same, with flags that say whether it was inexact."""
    x = integral(b, mode)
    if x == b:
        return x, ZERO
    return x, XX | FI | (FR if x & MAGNITUDE > b & MAGNITUDE else ZERO)


@compiled
def split(e, sig):  # type: ignore[no-untyped-def]
    """(integral part, fraction with its top bit at 63) of a magnitude below 2**64."""
    if e < np.int64(-1):
        return ZERO, ONE
    if e < np.int64(0):
        return ZERO, sig
    if e == np.int64(63):
        return sig, ZERO
    n = u64(np.int64(63) - e)
    return sig >> n, sig << (u64(64) - n)


@compiled
def integer_limits(kind):  # type: ignore[no-untyped-def]
    """(most, least, whether it is signed) of the integers that a conversion gives; words are extended."""
    if kind == TO_U64:
        return ~ZERO, ZERO, False
    if kind == TO_U32:
        return u64(0xFFFF_FFFF), ZERO, False
    most = u64(0x7FFF_FFFF) if kind == TO_S32 else u64(0x7FFF_FFFF_FFFF_FFFF)
    return most, ~most, True


@compiled
def to_integer(kind, b, mode):  # type: ignore[no-untyped-def]
    """(integer, flags), saturating; a NaN gives the least."""
    most, least, signed = integer_limits(kind)
    if is_nan(b):
        return least, VXCVI | (VXSNAN if is_signalling(b) else ZERO)
    if is_zero(b):
        return ZERO, ZERO
    negative = b >> u64(63) != ZERO
    e, sig = unpack(b)
    if is_infinite(b) or e > np.int64(63):
        return (least if negative else most), VXCVI
    whole, low = split(e, sig)
    flags = FI | XX if low else ZERO
    if round_away(low, TOP, whole & ONE != ZERO, b >> u64(63), mode):
        if whole == ~ZERO:
            return (least if negative else most), VXCVI
        whole += ONE
        flags |= FR
    if negative:
        if whole > (most + ONE if signed else ZERO):
            return least, VXCVI
        return ZERO - whole, flags
    if whole > most:
        return most, VXCVI
    return whole, flags


@compiled
def compare(kind, a, b, control):  # type: ignore[no-untyped-def]
    """FPCC and flags. An ordered comparison also raises VXVC: for a signalling NaN only if VE is 0 (Book I 4.6.8)."""
    if is_nan(a) or is_nan(b):
        flags = VXSNAN if is_signalling(a) or is_signalling(b) else ZERO
        if kind == CMPO and (flags == ZERO or control & VE == ZERO):
            flags |= VXVC
        return ONE, flags
    if a == b or (a | b) & MAGNITUDE == ZERO:
        return u64(2), ZERO
    if (a ^ b) & SIGN:
        return (u64(8) if a & SIGN else u64(4)), ZERO
    less = (a > b) if a & SIGN else (a < b)
    return (u64(8) if less else u64(4)), ZERO


@compiled
def truth(kind, a, b, control):  # type: ignore[no-untyped-def]
    """All ones where the comparison EQ, GT or GE holds, and flags; only an ordered one minds quiet NaNs."""
    cc, flags = compare(CMPU if kind == EQ else CMPO, a, b, control)
    wanted = u64(2) if kind == EQ else u64(4) if kind == GT else u64(6)
    return (~ZERO if cc & wanted else ZERO), flags


@compiled
def extreme(kind, a, b):  # type: ignore[no-untyped-def]
    """(MAX ... MINJ of two, flags), by IEEE 754, as C's a > b ? a : b, or as Java's. Only IEEE's quiets NaNs."""
    flags = VXSNAN if is_signalling(a) or is_signalling(b) else ZERO
    if kind == MAXC or kind == MINC:
        if is_nan(a) or is_nan(b):
            return b, flags
        cc, _ = compare(CMPU, a, b, ZERO)
        return (a if cc == (u64(4) if kind == MAXC else u64(8)) else b), flags
    if is_nan(a) or is_nan(b):
        if kind == MAXJ or kind == MINJ:
            return (a if is_nan(a) else b), flags
        if is_signalling(a) or (is_nan(a) and is_nan(b)):
            return quieted(a, False), flags
        if is_signalling(b):
            return quieted(b, False), flags
        return (b if is_nan(a) else a), flags
    most = kind == MAX or kind == MAXJ
    cc, _ = compare(CMPU, a, b, ZERO)
    if cc == u64(2):
        return (a & b if most else a | b), ZERO
    return (a if (cc == u64(4)) == most else b), ZERO


@compiled
def compute(op, a, b, c, control):  # type: ignore[no-untyped-def]
    """(result, flags). Operands of a multiply-add are a * c + b; those of one operand stand in b."""
    kind, single = op & KIND, op & SINGLE != ZERO
    if kind == FROM_S64 or kind == FROM_U64:
        if b == ZERO:
            return ZERO, ZERO
        sign = b >> u64(63) if kind == FROM_S64 else ZERO
        x = ZERO - b if sign else b
        n = leading_zeros(x)
        return rounded(sign, np.int64(63) - np.int64(n), x << n, single, control)
    if kind >= TO_S64 and kind <= TO_U32:
        return to_integer(kind, b, TO_ZERO if op & TRUNCATE else control & RN)
    if kind >= EQ:
        return truth(kind, a, b, control)
    if kind >= MAX:
        return extreme(kind, a, b)
    if kind >= CMPU:
        return compare(kind, a, b, control)
    two = kind <= MUL or kind == DIV
    three = kind >= MADD and kind <= NMSUB
    if kind == MUL:
        b, c = c, ZERO
    flags = ZERO
    if is_signalling(b) or ((two or three) and is_signalling(a)) or (three and is_signalling(c)):
        flags = VXSNAN
    if three and ((is_infinite(a) and is_zero(c)) or (is_zero(a) and is_infinite(c))):
        flags |= VXIMZ
        if not is_nan(b):
            return DEFAULT_NAN, flags
    if (two or three) and is_nan(a):
        return quieted(a, single), flags
    if is_nan(b):
        x = quieted(b, single or kind == RSP)
        return (x & HALF_BITS if kind == RHP else x), flags
    if three and is_nan(c):
        return quieted(c, single), flags
    if kind == ADD:
        return add(a, b, single, control)
    if kind == SUB:
        return add(a, b ^ SIGN, single, control)
    if kind == MUL:
        return multiply(a, b, single, control)
    if kind == DIV:
        return divide(a, b, single, control)
    if kind == SQRT:
        return square_root(b, single, control)
    if three:
        x, flags = multiply_add(a, b ^ SIGN if kind == MSUB or kind == NMSUB else b, c, single, control)
        if (kind == NMADD or kind == NMSUB) and not is_nan(x):
            x ^= SIGN
        return x, flags
    if kind == RE:
        return divide(NUMBER_ONE, b, single, control)
    if kind == RSQRTE:
        root, flags = square_root(b, single and op & VECTOR != ZERO, control & ~RN)
        if is_nan(root):
            return root, flags
        x, more = divide(NUMBER_ONE, root, single, control)
        return x, (flags & XX) | more
    if is_infinite(b) or is_zero(b) or kind == WIDEN:
        return b, ZERO
    if kind == RHP:
        return rounded_to_half(b, control)
    if kind == RSP:
        e, sig = unpack(b)
        return rounded(b >> u64(63), e, sig, True, control)
    if kind == RIC:
        return exactly_integral(b, control & RN)
    mode = AWAY if kind == RIN else TO_ZERO if kind == RIZ else UP if kind == RIP else DOWN
    return integral(b, mode), ZERO
