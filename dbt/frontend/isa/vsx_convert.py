"""VSX conversions and roundings (Book I 7.6.1.8-7.6.1.10): between doubles, singles, halves and integers.

An operation is the classic one (fpscr.py) with the widths of its elements: FROM_WORD, FROM_HALF, TO_WORD, TO_HALF; without
them both are doublewords. The wider of the two divides the register into lanes. A word in a doubleword's lane is its left
half, and a word result is in both halves: ISA 2.07 leaves the right one open. A halfword is the rightmost of its lane.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ... import fpscr
from ...exits import Exit
from ...fpscr import FROM_HALF, FROM_WORD, SINGLE, TO_HALF, TO_WORD, TRUNCATE, VECTOR, VSX
from ...ir.builder import Value
from ...ir.ops_float import fp_single_bits, fp_widen
from ...ir.types import i32, i64, i128
from ..context import Context
from ..insn import insn
from .float_convert import from_half, from_integer, rounded_to_integral, to_integer, to_single_bits, widened
from .float_model import KIND, payload, remember, start
from .float_storage import narrowed
from .vsx_model import set_scalar

vsx = partial(insn, needs="vsx", since="2.06", section="I 7.6.1.8")
vsx207 = partial(insn, needs="vsx", since="2.07", section="I 7.6.1.8")
vsx3 = partial(insn, needs="vsx", since="3.0", section="I 7.6.1.8")
V = VECTOR | VSX
S64, U64, S32, U32 = (x | TRUNCATE for x in (fpscr.TO_S64, fpscr.TO_U64, fpscr.TO_S32, fpscr.TO_U32))
WORDS = FROM_WORD | TO_WORD


def lane_width(op: int) -> int:
    """Bits in a lane."""
    return 32 if op & (FROM_WORD | FROM_HALF) and op & (TO_WORD | TO_HALF) else 64


def operand(c: Context, op: int, lane: Value) -> Value:
    """The element of a lane as the operation takes it: a double, or an integer in 64 bits."""
    if op & FROM_HALF:
        return from_half(c, op, lane.to(i64) & 0xFFFF)
    if not op & FROM_WORD:
        return lane
    word = (lane >> 32 if lane_width(op) == 64 else lane).to(i32)
    if op & KIND in (fpscr.FROM_S64, fpscr.FROM_U64):
        return word.to(i64, op & KIND == fpscr.FROM_S64)
    return fp_widen(word)


def result(c: Context, op: int, x: Value) -> Value:
    """What the operation makes of it on the host: a double, or an integer; a single's bits where that is wanted."""
    match op & KIND:
        case fpscr.TO_S64 | fpscr.TO_U64 | fpscr.TO_S32 | fpscr.TO_U32:
            return to_integer(c, op, x)
        case fpscr.FROM_S64 | fpscr.FROM_U64:
            y = from_integer(c, op, x)
        case fpscr.WIDEN:
            y = widened(c, op, x)
        case fpscr.RSP:
            return to_single_bits(c, op, x)
        case _:
            y = rounded_to_integral(c, op, x)
    return fp_single_bits(y) if op & TO_WORD else y


def placed(op: int, y: Value) -> Value:
    """A lane with a result in its place."""
    if op & TO_WORD and lane_width(op) == 64:
        word = y.to(i32).to(i64)
        return word | (word << 32)
    return y


def scalar(c: Context, op: int, XT: Any, XB: Any) -> None:
    """On doubleword 0."""
    start(c, op)
    x = operand(c, op, c.dw0[XB])
    set_scalar(c, XT, placed(op, result(c, op, x)))
    remember(c, op, b=x)


def vector(c: Context, op: int, XT: Any, XB: Any) -> None:
    """On every lane; nothing is remembered: FPRF, FR and FI stay."""
    start(c, op)
    width, out = lane_width(op), c.const(0, i128)
    for n in range(0, 128, width):
        lane = (c.vsr[XB] >> n).to(i64 if width == 64 else i32)
        y = placed(op, result(c, op, operand(c, op, lane)))
        out = out | (y.to(i32 if width == 32 else i64).to(i128) << n)
    c.vsr[XT] = out


@vsx("xscvdpsp XT,XB", "60 XT /:5 XB 265:9 XB XT", op=fpscr.RSP | VSX | TO_WORD)
@vsx("xscvspdp XT,XB", "60 XT /:5 XB 329:9 XB XT", op=fpscr.WIDEN | VSX | FROM_WORD)
@vsx3("xscvhpdp XT,XB", "60 XT 16:5 XB 347:9 XB XT", op=fpscr.WIDEN | VSX | FROM_HALF)
@vsx("xscvdpsxds XT,XB", "60 XT /:5 XB 344:9 XB XT", op=S64 | VSX)
@vsx("xscvdpuxds XT,XB", "60 XT /:5 XB 328:9 XB XT", op=U64 | VSX)
@vsx("xscvdpsxws XT,XB", "60 XT /:5 XB 88:9 XB XT", op=S32 | VSX | TO_WORD)
@vsx("xscvdpuxws XT,XB", "60 XT /:5 XB 72:9 XB XT", op=U32 | VSX | TO_WORD)
@vsx("xscvsxddp XT,XB", "60 XT /:5 XB 376:9 XB XT", op=fpscr.FROM_S64 | VSX)
@vsx("xscvuxddp XT,XB", "60 XT /:5 XB 360:9 XB XT", op=fpscr.FROM_U64 | VSX)
@vsx207("xscvsxdsp XT,XB", "60 XT /:5 XB 312:9 XB XT", op=fpscr.FROM_S64 | SINGLE | VSX)
@vsx207("xscvuxdsp XT,XB", "60 XT /:5 XB 296:9 XB XT", op=fpscr.FROM_U64 | SINGLE | VSX)
@vsx("xsrdpi XT,XB", "60 XT /:5 XB 73:9 XB XT", op=fpscr.RIN | VSX)
@vsx("xsrdpic XT,XB", "60 XT /:5 XB 107:9 XB XT", op=fpscr.RIC | VSX)
@vsx("xsrdpim XT,XB", "60 XT /:5 XB 121:9 XB XT", op=fpscr.RIM | VSX)
@vsx("xsrdpip XT,XB", "60 XT /:5 XB 105:9 XB XT", op=fpscr.RIP | VSX)
@vsx("xsrdpiz XT,XB", "60 XT /:5 XB 89:9 XB XT", op=fpscr.RIZ | VSX)
def scalar_conversion(c: Context, XT: Any, XB: Any, op: int) -> None:
    scalar(c, op, XT, XB)


@vsx("xvcvdpsp XT,XB", "60 XT /:5 XB 393:9 XB XT", op=fpscr.RSP | V | TO_WORD)
@vsx("xvcvspdp XT,XB", "60 XT /:5 XB 457:9 XB XT", op=fpscr.WIDEN | V | FROM_WORD)
@vsx3("xvcvhpsp XT,XB", "60 XT 24:5 XB 475:9 XB XT", op=fpscr.WIDEN | V | FROM_HALF | TO_WORD)
@vsx("xvcvdpsxds XT,XB", "60 XT /:5 XB 472:9 XB XT", op=S64 | V)
@vsx("xvcvdpuxds XT,XB", "60 XT /:5 XB 456:9 XB XT", op=U64 | V)
@vsx("xvcvdpsxws XT,XB", "60 XT /:5 XB 216:9 XB XT", op=S32 | V | TO_WORD)
@vsx("xvcvdpuxws XT,XB", "60 XT /:5 XB 200:9 XB XT", op=U32 | V | TO_WORD)
@vsx("xvcvspsxds XT,XB", "60 XT /:5 XB 408:9 XB XT", op=S64 | V | FROM_WORD)
@vsx("xvcvspuxds XT,XB", "60 XT /:5 XB 392:9 XB XT", op=U64 | V | FROM_WORD)
@vsx("xvcvspsxws XT,XB", "60 XT /:5 XB 152:9 XB XT", op=S32 | V | WORDS)
@vsx("xvcvspuxws XT,XB", "60 XT /:5 XB 136:9 XB XT", op=U32 | V | WORDS)
@vsx("xvcvsxddp XT,XB", "60 XT /:5 XB 504:9 XB XT", op=fpscr.FROM_S64 | V)
@vsx("xvcvuxddp XT,XB", "60 XT /:5 XB 488:9 XB XT", op=fpscr.FROM_U64 | V)
@vsx("xvcvsxdsp XT,XB", "60 XT /:5 XB 440:9 XB XT", op=fpscr.FROM_S64 | SINGLE | V | TO_WORD)
@vsx("xvcvuxdsp XT,XB", "60 XT /:5 XB 424:9 XB XT", op=fpscr.FROM_U64 | SINGLE | V | TO_WORD)
@vsx("xvcvsxwdp XT,XB", "60 XT /:5 XB 248:9 XB XT", op=fpscr.FROM_S64 | V | FROM_WORD)
@vsx("xvcvuxwdp XT,XB", "60 XT /:5 XB 232:9 XB XT", op=fpscr.FROM_U64 | V | FROM_WORD)
@vsx("xvcvsxwsp XT,XB", "60 XT /:5 XB 184:9 XB XT", op=fpscr.FROM_S64 | SINGLE | V | WORDS)
@vsx("xvcvuxwsp XT,XB", "60 XT /:5 XB 168:9 XB XT", op=fpscr.FROM_U64 | SINGLE | V | WORDS)
@vsx("xvrdpi XT,XB", "60 XT /:5 XB 201:9 XB XT", op=fpscr.RIN | V)
@vsx("xvrdpic XT,XB", "60 XT /:5 XB 235:9 XB XT", op=fpscr.RIC | V)
@vsx("xvrdpim XT,XB", "60 XT /:5 XB 249:9 XB XT", op=fpscr.RIM | V)
@vsx("xvrdpip XT,XB", "60 XT /:5 XB 233:9 XB XT", op=fpscr.RIP | V)
@vsx("xvrdpiz XT,XB", "60 XT /:5 XB 217:9 XB XT", op=fpscr.RIZ | V)
@vsx("xvrspi XT,XB", "60 XT /:5 XB 137:9 XB XT", op=fpscr.RIN | V | WORDS)
@vsx("xvrspic XT,XB", "60 XT /:5 XB 171:9 XB XT", op=fpscr.RIC | V | WORDS)
@vsx("xvrspim XT,XB", "60 XT /:5 XB 185:9 XB XT", op=fpscr.RIM | V | WORDS)
@vsx("xvrspip XT,XB", "60 XT /:5 XB 169:9 XB XT", op=fpscr.RIP | V | WORDS)
@vsx("xvrspiz XT,XB", "60 XT /:5 XB 153:9 XB XT", op=fpscr.RIZ | V | WORDS)
def vector_conversion(c: Context, XT: Any, XB: Any, op: int) -> None:
    vector(c, op, XT, XB)


@vsx3("xscvdphp XT,XB", "60 XT 17:5 XB 347:9 XB XT", op=fpscr.RHP | VSX | TO_HALF)
@vsx3("xvcvsphp XT,XB", "60 XT 25:5 XB 475:9 XB XT", op=fpscr.RHP | V | FROM_WORD | TO_HALF)
def to_half(c: Context, XT: Any, XB: Any, op: int) -> None:
    """Always exactly: a host rounds doubles to halves in two steps."""
    c.leave(Exit.FLOAT, payload(c, op))


@vsx207("xscvdpspn XT,XB", "60 XT /:5 XB 267:9 XB XT")
def xscvdpspn(c: Context, XT: Any, XB: Any) -> None:
    """The single that a double is, without a look at FPSCR."""
    word = narrowed(c.dw0[XB]).to(i64)
    set_scalar(c, XT, word | (word << 32))


@vsx207("xscvspdpn XT,XB", "60 XT /:5 XB 331:9 XB XT")
def xscvspdpn(c: Context, XT: Any, XB: Any) -> None:
    set_scalar(c, XT, fp_widen((c.dw0[XB] >> 32).to(i32)))
