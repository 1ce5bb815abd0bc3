"""Operations that only a few fixed-point instructions need."""

from __future__ import annotations

from .ops import op, u64

i64 = int  # as in ops.py: the vocabulary of signatures


@op()
def divdeu(a: i64, b: i64) -> i64:
    """Quotient of a * 2**64 by b, unsigned; 0 unless a < b."""
    if a >= b:
        return u64(0)
    quotient = u64(0)
    for _ in range(64):
        carry = a >> u64(63)
        a = u64(a << u64(1))
        quotient = u64(quotient << u64(1))
        if carry != u64(0) or a >= b:
            a = u64(a - b)
            quotient = quotient | u64(1)
    return quotient
