"""Binary coded decimal assist (Book I 3.3.15).

The conversions handle four groups of three digits at once: each letter of the densely packed decimal equations
(Book I, appendix "Densely Packed Decimal") is a value with one bit for each group, 12 bits apart in each word.
"""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import ult
from ...ir.types import i64
from ..context import Context
from ..insn import insn

GROUPS = 0x0000_1001_0000_1001  # the low bit of each group
DECLETS, HIGH_DECLETS = 0x3FF * 0x1_0000_0001, 0xFFC00 * 0x1_0000_0001


def bits(x: Value, count: int) -> tuple[Value, ...]:
    """The `count` bits of each group, leftmost first."""
    return tuple((x >> n) & GROUPS for n in range(count - 1, -1, -1))


def joined(*letters: Value) -> Value:
    """Groups with these bits, leftmost first."""
    x = letters[0]
    for letter in letters[1:]:
        x = (x << 1) | letter
    return x


@insn("addg6s RT,RA,RB", "31 RT RA RB / 74:9 /", since="2.06", section="I 3.3.15")
def addg6s(c: Context, RT: Any, RA: Any, RB: Any) -> None:
    a, b = c.gpr[RA], c.gpr[RB]
    total = a + b
    carries = ((a ^ b ^ total) >> 4) | (ult(total, a).to(i64) << 60)  # out of each digit, at its low bit
    c.gpr[RT] = (~carries & 0x1111_1111_1111_1111) * 6


@insn("cbcdtd RA,RS", "31 RS RA /:5 314:10 /", since="2.06", section="I 3.3.15")
def cbcdtd(c: Context, RS: Any, RA: Any) -> None:
    a, b, c_, d, e, f, g, h, i, j, k, m = bits(c.gpr[RS], 12)
    not_a, not_e, not_i = (x ^ GROUPS for x in (a, e, i))
    packed = joined(
        b | (a & j) | (a & f & i),
        c_ | (a & k) | (a & g & i),
        d,
        (f & (not_a | not_i)) | (not_a & e & j) | (e & i),
        g | (not_a & e & k) | (a & i),
        h,
        a | e | i,
        a | (e & i) | (not_e & j),
        e | (a & i) | (not_a & k),
        m,
    )
    c.gpr[RA] = (packed & DECLETS) | ((packed >> 2) & HIGH_DECLETS)


@insn("cdtbcd RA,RS", "31 RS RA /:5 282:10 /", since="2.06", section="I 3.3.15")
def cdtbcd(c: Context, RS: Any, RA: Any) -> None:
    packed = c.gpr[RS]
    p, q, r, s, t, u, v, w, x, y = bits((packed & DECLETS) | ((packed & HIGH_DECLETS) << 2), 10)
    not_s, not_t, not_v, not_w, not_x = (z ^ GROUPS for z in (s, t, v, w, x))
    small_first = not_v | not_w | (s & not_t & x)
    c.gpr[RA] = joined(
        v & w & (not_s | t | not_x),
        p & small_first,
        q & small_first,
        r,
        v & x & (not_w | not_t | s),
        (s & (not_v | not_x)) | (p & not_s & t & v & w & x),
        (t & (not_v | not_x)) | (q & not_s & t & w),
        u,
        v & ((not_w & not_x) | (w & x & (s | t))),
        (not_v & w) | (s & v & not_w & x) | (p & w & (not_x | (not_s & not_t))),
        (not_v & x) | (t & not_w & x) | (q & v & w & (not_x | (not_s & not_t))),
        y,
    )
