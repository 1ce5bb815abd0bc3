"""VSX logic, selection and permutation (Book I 7.6.1.3, 7.6.3): 128-bit numbers moved about."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...ir.builder import Value
from ...ir.ops import rotl, shr
from ...ir.ops_vector import v_perm, v_shuffle
from ...ir.types import i64, i128
from ..context import Context
from ..insn import insn
from .vector_storage import joined

vsx = partial(insn, needs="vsx", since="2.06", section="I 7.6.3")
vsx3 = partial(insn, needs="vsx", since="3.0", section="I 7.6.3")


@vsx("xxland XT,XA,XB", "60 XT XA XB 130:8 XA XB XT", f=lambda a, b: a & b)
@vsx("xxlandc XT,XA,XB", "60 XT XA XB 138:8 XA XB XT", f=lambda a, b: a & ~b)
@vsx("xxlor XT,XA,XB", "60 XT XA XB 146:8 XA XB XT", f=lambda a, b: a | b)
@vsx("xxlxor XT,XA,XB", "60 XT XA XB 154:8 XA XB XT", f=lambda a, b: a ^ b)
@vsx("xxlnor XT,XA,XB", "60 XT XA XB 162:8 XA XB XT", f=lambda a, b: ~(a | b))
@insn("xxlorc XT,XA,XB", "60 XT XA XB 170:8 XA XB XT", needs="vsx", since="2.07", section="I 7.6.3", f=lambda a, b: a | ~b)
@insn(
    "xxlnand XT,XA,XB", "60 XT XA XB 178:8 XA XB XT", needs="vsx", since="2.07", section="I 7.6.3", f=lambda a, b: ~(a & b)
)
@insn("xxleqv XT,XA,XB", "60 XT XA XB 186:8 XA XB XT", needs="vsx", since="2.07", section="I 7.6.3", f=lambda a, b: ~(a ^ b))
def xxlogical(c: Context, XT: Any, XA: Any, XB: Any, f: Callable[[Any, Any], Value]) -> None:
    c.vsr[XT] = f(c.vsr[XA], c.vsr[XB])


@vsx("xxsel XT,XA,XB,XC", "60 XT XA XB XC 3:2 XC XA XB XT")
def xxsel(c: Context, XT: Any, XA: Any, XB: Any, XC: Any) -> None:
    mask = c.vsr[XC]
    c.vsr[XT] = (c.vsr[XA] & ~mask) | (c.vsr[XB] & mask)


def shuffled(a: Value, b: Value, *picked: int) -> Value:
    """A register of bytes, words or doublewords of a and b, by their numbers counted through both."""
    size = 16 // len(picked)
    return v_shuffle(a, b, imm=int.from_bytes(bytes(n * size + k for n in picked for k in range(size)), "big"))


@vsx("xxmrghw XT,XA,XB", "60 XT XA XB 18:8 XA XB XT", picked=(0, 4, 1, 5))
@vsx("xxmrglw XT,XA,XB", "60 XT XA XB 50:8 XA XB XT", picked=(2, 6, 3, 7))
def xxmrg(c: Context, XT: Any, XA: Any, XB: Any, picked: tuple[int, ...]) -> None:
    c.vsr[XT] = shuffled(c.vsr[XA], c.vsr[XB], *picked)


@vsx("xxpermdi XT,XA,XB,DM", "60 XT XA XB 0:1 DM 10:5 XA XB XT")
def xxpermdi(c: Context, XT: Any, XA: Any, XB: Any, DM: Any) -> None:
    c.vsr[XT] = shuffled(c.vsr[XA], c.vsr[XB], 1 if DM & 2 else 0, 3 if DM & 1 else 2)


@vsx("xxsldwi XT,XA,XB,SHW", "60 XT XA XB 0:1 SHW 2:5 XA XB XT")
def xxsldwi(c: Context, XT: Any, XA: Any, XB: Any, SHW: Any) -> None:
    first = c.choose(SHW, (1, 2, 3)) or 0
    c.vsr[XT] = shuffled(c.vsr[XA], c.vsr[XB], *range(first, first + 4))


@vsx("xxspltw XT,XB,UIMW", "60 XT /:3 UIMW XB 164:9 XB XT")
def xxspltw(c: Context, XT: Any, XB: Any, UIMW: Any) -> None:
    b = c.vsr[XB]
    c.vsr[XT] = shuffled(b, b, *[c.choose(UIMW, (1, 2, 3)) or 0] * 4)


@vsx3("xxperm XT,XA,XB", "60 XT XA XB 26:8 XA XB XT", from_right=False)
@vsx3("xxpermr XT,XA,XB", "60 XT XA XB 58:8 XA XB XT", from_right=True)
def xxperm(c: Context, XT: Any, XA: Any, XB: Any, from_right: bool) -> None:
    """Bytes of XA and XT, counted from the left or the right."""
    control = c.vsr[XB]
    c.vsr[XT] = v_perm(c.vsr[XA], c.vsr[XT], ~control if from_right else control)


@insn("xxspltib XT,IMM8", "60 XT 0:2 IMM8 360:10 XT", needs="vsx|vec", since="3.0", section="I 7.6.3")
def xxspltib(c: Context, XT: Any, IMM8: Any) -> None:
    half = c.const(IMM8).to(i64) * 0x0101_0101_0101_0101
    c.vsr[XT] = joined(half, half)


# -- words at a byte index. An index past 12 is undefined; as on POWER9 the source wraps, and what would go past the
# last byte is dropped


@vsx3("xxextractuw XT,XB,UIMB", "60 XT / UIMB XB 165:9 XB XT")
def xxextractuw(c: Context, XT: Any, XB: Any, UIMB: Any) -> None:
    c.vsr[XT] = rotl(c.vsr[XB], UIMB * 8) >> 96 << 64


@vsx3("xxinsertw XT,XB,UIMB", "60 XT / UIMB XB 181:9 XB XT")
def xxinsertw(c: Context, XT: Any, XB: Any, UIMB: Any) -> None:
    mask = shr(c.const(0xFFFF_FFFF << 96, i128), UIMB * 8)
    word = shr(c.vsr[XB] >> 64 << 96, UIMB * 8)
    c.vsr[XT] = (c.vsr[XT] & ~mask) | word


# -- bytes reversed within elements


@vsx3("xxbrh XT,XB", "60 XT 7:5 XB 475:9 XB XT", size=2)
@vsx3("xxbrw XT,XB", "60 XT 15:5 XB 475:9 XB XT", size=4)
@vsx3("xxbrd XT,XB", "60 XT 23:5 XB 475:9 XB XT", size=8)
@vsx3("xxbrq XT,XB", "60 XT 31:5 XB 475:9 XB XT", size=16)
def xxbr(c: Context, XT: Any, XB: Any, size: int) -> None:
    b = c.vsr[XB]
    c.vsr[XT] = shuffled(b, b, *(n ^ (size - 1) for n in range(16)))
