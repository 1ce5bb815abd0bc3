"""Floating-point operations on vectors of four singles, rounding to nearest even.

A result that is a NaN is the first NaN operand made quiet, else the default NaN. FPSCR must not hear of them, but it
listens to the host's sticky bits (ops_float.py): those that can raise some are functions of their own, compiled once, that
put the bits back (backend/quiet.py).
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable

from . import ops_float as scalar
from .ops import op
from .ops_vector import constant, each
from .types import signed

i128 = int  # as in ops.py: the vocabulary of signatures

INFINITY, QUIET, DEFAULT_NAN = 0x7F80_0000, 1 << 22, 0x7FC0_0000
QUIET_BODIES: dict[str, str] = {}  # name -> LLVM text of the function's body; {r}, {0} ... as in templates


def _quiet(name: str, expression: str, operands: int, nan: bool = True) -> str:
    """A template that calls a function made of `expression`, with the NaN rule if `nan`."""
    out = []
    for k, x in enumerate("abc"[:operands]):
        out.append(f"{{r}}.i{x} = bitcast i128 {{{k}}} to <4 x i32>\n{{r}}.{x} = bitcast <4 x i32> {{r}}.i{x} to <4 x float>")
    out.append("{r}.v = " + expression)
    if nan:
        chosen = constant(DEFAULT_NAN, 32)
        for x in reversed("abc"[:operands]):
            out.append(f"{{r}}.u{x} = fcmp uno <4 x float> {{r}}.{x}, {{r}}.{x}\n{{r}}.q{x} = or <4 x i32> {{r}}.i{x}, {constant(QUIET, 32)}")
            out.append(f"{{r}}.c{x} = select <4 x i1> {{r}}.u{x}, <4 x i32> {{r}}.q{x}, <4 x i32> {chosen}")
            chosen = f"{{r}}.c{x}"
        out.append("{r}.n = fcmp uno <4 x float> {r}.v, {r}.v\n{r}.w = bitcast <4 x float> {r}.v to <4 x i32>")
        out.append(f"{{r}}.o = select <4 x i1> {{r}}.n, <4 x i32> {chosen}, <4 x i32> {{r}}.w")
        out.append("{r} = bitcast <4 x i32> {r}.o to i128")
    else:
        out.append(f"{{r}} = bitcast <4 x {'i32' if '@llvm.fpto' in expression else 'float'}> {{r}}.v to i128")
    QUIET_BODIES[name] = "\n".join(out)
    return f"call i128 @{name}({', '.join(f'i128 {{{k}}}' for k in range(operands))})"


def _truth(which: str) -> str:
    return (
        "{r}.a = bitcast i128 {0} to <4 x float>\n{r}.b = bitcast i128 {1} to <4 x float>\n"
        f"{{r}}.t = fcmp {which} <4 x float> {{r}}.a, {{r}}.b\n"
        "{r}.v = sext <4 x i1> {r}.t to <4 x i32>\n{r} = bitcast <4 x i32> {r}.v to i128"
    )


def is_nan(bits: int) -> bool:
    """Whether these are the bits of a NaN."""
    return bits & 0x7FFF_FFFF > INFINITY


def as_number(bits: int) -> float:
    """The number these bits are."""
    return float(struct.unpack("<f", struct.pack("<I", bits))[0])


def as_bits(x: float) -> int:
    """The bits of the nearest single; any NaN becomes the default one."""
    if math.isnan(x):
        return DEFAULT_NAN
    try:
        return int(struct.unpack("<I", struct.pack("<f", x))[0])
    except OverflowError:
        return INFINITY | (1 << 31 if x < 0 else 0)


def singles(f: Callable[..., float], *operands: int) -> int:
    """`f` of each lane's numbers, and the NaN rule. `f` may round to a double: rounding once more is harmless for + / sqrt."""

    def one(*row: int) -> int:
        nan = next((x | QUIET for x in row if is_nan(x)), None)
        return as_bits(f(*map(as_number, row))) if nan is None else nan

    return each(one, 32, *operands)


@op(_quiet("vf_add", "fadd <4 x float> {r}.a, {r}.b", 2))
def vf_add(a: i128, b: i128) -> i128:
    """Sums of four singles."""
    return singles(lambda x, y: x + y, a, b)


@op(_quiet("vf_fma", "call <4 x float> @llvm.fma.v4f32(<4 x float> {r}.a, <4 x float> {r}.c, <4 x float> {r}.b)", 3))
def vf_fma(a: i128, b: i128, c: i128) -> i128:
    """a * c + b, rounded once. The order of operands is that of NaN precedence."""
    return singles(lambda x, y, z: scalar.fused(x, z, y, 24, -149), a, b, c)


@op(_quiet("vf_div", "fdiv <4 x float> {r}.a, {r}.b", 2))
def vf_div(a: i128, b: i128) -> i128:
    """Quotients of four singles."""

    def divided(x: float, y: float) -> float:
        return x / y if y else math.nan if not x else math.copysign(math.inf, x) * math.copysign(1.0, y)

    return singles(divided, a, b)


@op(_quiet("vf_sqrt", "call <4 x float> @llvm.sqrt.v4f32(<4 x float> {r}.a)", 1))
def vf_sqrt(a: i128) -> i128:
    """Square roots of four singles."""
    return singles(lambda x: math.nan if x < 0 else math.sqrt(x), a)


@op(_quiet("vf_rint", "call <4 x float> @llvm.rint.v4f32(<4 x float> {r}.a)", 1))
def vf_rint(a: i128) -> i128:
    """The nearest integral values, ties to even."""
    return singles(lambda x: math.copysign(round(x), x) if math.isfinite(x) else x, a)


@op(_truth("oeq"))
def vf_eq(a: i128, b: i128) -> i128:
    """All ones in each single where a == b as numbers."""
    return each(lambda x, y: -(as_number(x) == as_number(y)), 32, a, b)


@op(_truth("ogt"))
def vf_gt(a: i128, b: i128) -> i128:
    """All ones in each single where a > b as numbers."""
    return each(lambda x, y: -(as_number(x) > as_number(y)), 32, a, b)


@op(_quiet("vf_from_s", "sitofp <4 x i32> {r}.ia to <4 x float>", 1, nan=False))
def vf_from_s(a: i128) -> i128:
    """The nearest singles to signed words."""
    return each(lambda x: as_bits(float(signed(x, 32))), 32, a)


@op(_quiet("vf_from_u", "uitofp <4 x i32> {r}.ia to <4 x float>", 1, nan=False))
def vf_from_u(a: i128) -> i128:
    """The nearest singles to unsigned words."""
    return each(lambda x: as_bits(float(x)), 32, a)


@op(_quiet("vf_to_s", "call <4 x i32> @llvm.fptosi.sat.v4i32.v4f32(<4 x float> {r}.a)", 1, nan=False))
def vf_to_s(a: i128) -> i128:
    """Singles cut to signed words, saturating; a NaN gives 0."""
    return _integers(a, -1 << 31, (1 << 31) - 1)


@op(_quiet("vf_to_u", "call <4 x i32> @llvm.fptoui.sat.v4i32.v4f32(<4 x float> {r}.a)", 1, nan=False))
def vf_to_u(a: i128) -> i128:
    """Singles cut to unsigned words, saturating; a NaN gives 0."""
    return _integers(a, 0, (1 << 32) - 1)


def _integers(a: int, least: int, most: int) -> int:
    def one(x: int) -> int:
        v = 0.0 if is_nan(x) else as_number(x)
        return least if v < least else most if v > most else int(v)

    return each(one, 32, a)
