"""Floating-point operations. Values travel as the bits of an IEEE double in an i64 (a float in an i32 where it says so).

These are the host's operations, rounding to nearest even: the fast path. One that can raise a flag (Effect.RAISES) adds
it to the host's sticky bits, from which FPSCR gets OX, UX, ZX and XX when it is read; `raises` says the same for the
reference evaluator. None of them knows FPSCR: frontend/isa/float_model.py says when their answer is PowerPC's.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction

from .ops import Effect, op

i1 = i32 = int  # as in ops.py: the vocabulary of signatures
i64 = int

SIGN = 1 << 63
INFINITY = 0x7FF << 52
QUIET = 1 << 51
DEFAULT_NAN = INFINITY | QUIET
SINGLE_BITS = 0xFFFF_FFFF_E000_0000  # the bits of a double that a single has too


def as_float(bits: int) -> float:
    """The number these bits are."""
    return float(struct.unpack("<d", struct.pack("<Q", bits))[0])


def as_bits(x: float) -> int:
    """The bits of a number; any NaN becomes the default one."""
    return DEFAULT_NAN if math.isnan(x) else int(struct.unpack("<Q", struct.pack("<d", x))[0])


def is_nan(bits: int) -> bool:
    """Whether these are the bits of a NaN."""
    return bits & ~SIGN > INFINITY


def first_nan(*operands: int) -> int | None:
    """The NaN that NaN operands give, if there is one."""
    return next((x | QUIET for x in operands if is_nan(x)), None)


def rounded(x: Fraction, digits: int, smallest: int) -> float:
    """x to the nearest number of `digits` significant bits that is a multiple of 2**smallest, ties to even; too large
    gives infinity."""
    sign = -1.0 if x < 0 else 1.0
    x = abs(x)
    exponent = max(x.numerator.bit_length() - x.denominator.bit_length() - digits, smallest)  # at most one too small
    scaled = round(x / Fraction(2) ** exponent)
    if scaled.bit_length() > digits:
        exponent += 1
        scaled = round(x / Fraction(2) ** exponent)
    if scaled.bit_length() + exponent > (128 if digits == 24 else 1024):
        return math.copysign(math.inf, sign)
    return math.copysign(math.ldexp(scaled, exponent), sign)


def fused(a: float, c: float, b: float, digits: int, smallest: int) -> float:
    """a * c + b rounded once; no operand is a NaN."""
    if not (math.isfinite(a) and math.isfinite(c)):
        return a * c + b
    if not math.isfinite(b):
        return b
    exact = Fraction(a) * Fraction(c) + Fraction(b)
    if exact:
        return rounded(exact, digits, smallest)
    return a * c + b if not (a and c) else 0.0  # zeros: the sum of signed zeros; or exact cancellation


# -- templates: the host's operation. Constrained intrinsics: LLVM neither removes nor invents an operation that raises


def template(operation: str, operands: int) -> str:
    """LLVM text of `operation` on doubles."""
    text = [f"{{r}}.f{n} = bitcast i64 {{{n}}} to double" for n in range(operands)]
    text.append("{r}.v = " + operation.format(*(f"{{r}}.f{n}" for n in range(operands))))
    text.append("{r} = bitcast double {r}.v to i64")
    return "\n".join(text)


def strict(name: str, operands: int) -> str:
    """LLVM text of the constrained intrinsic `name`."""
    args = ", ".join(f"double {{{n}}}" for n in range(operands))
    return template(f"call double @llvm.experimental.constrained.{name}.f64({args}, {NEAREST}, {STRICT}) strictfp", operands)


NEAREST, STRICT = 'metadata !"round.tonearest"', 'metadata !"fpexcept.strict"'
# what an operation leaves in the host's sticky bits, as MXCSR has them
ZERO_DIVIDE, OVERFLOW, UNDERFLOW, INEXACT = 4, 8, 16, 32
LEAST_NORMAL = Fraction(1, 1 << 1022)
LEAST_SINGLE = Fraction(1, 1 << 126)


def raised(exact: Fraction, result: int, least: Fraction = LEAST_NORMAL) -> int:
    """The sticky bits of rounding `exact` to `result`."""
    if result & ~SIGN == INFINITY:
        return OVERFLOW | INEXACT
    if Fraction(as_float(result)) == exact:
        return 0
    return INEXACT | (UNDERFLOW if abs(exact) < least else 0)


def finite(*operands: int) -> list[Fraction] | None:
    """The operands as numbers, if all of them are."""
    if any(x & INFINITY == INFINITY for x in operands):
        return None
    return [Fraction(as_float(x)) for x in operands]


# -- arithmetic. A result that is a NaN may be any NaN: whoever uses it leaves for the exact path


def _add_raises(a: int, b: int) -> int:
    x = finite(a, b)
    return raised(x[0] + x[1], fp_add.eval(a, b)) if x else 0


@op(strict("fadd", 2), effect=Effect.RAISES, raises=_add_raises)
def fp_add(a: i64, b: i64) -> i64:
    """Sum."""
    nan = first_nan(a, b)
    return as_bits(as_float(a) + as_float(b)) if nan is None else nan


@op(strict("fsub", 2), effect=Effect.RAISES, raises=lambda a, b: _add_raises(a, b ^ SIGN))
def fp_sub(a: i64, b: i64) -> i64:
    """Difference."""
    nan = first_nan(a, b)
    return as_bits(as_float(a) - as_float(b)) if nan is None else nan


def _mul_raises(a: int, b: int) -> int:
    x = finite(a, b)
    return raised(x[0] * x[1], fp_mul.eval(a, b)) if x else 0


@op(strict("fmul", 2), effect=Effect.RAISES, raises=_mul_raises)
def fp_mul(a: i64, b: i64) -> i64:
    """Product."""
    nan = first_nan(a, b)
    return as_bits(as_float(a) * as_float(b)) if nan is None else nan


def _div_raises(a: int, b: int) -> int:
    x = finite(a, b)
    if not x or not x[1]:
        return ZERO_DIVIDE if x and x[0] else 0
    return raised(x[0] / x[1], fp_div.eval(a, b))


@op(strict("fdiv", 2), effect=Effect.RAISES, raises=_div_raises)
def fp_div(a: i64, b: i64) -> i64:
    """Quotient."""
    nan = first_nan(a, b)
    if nan is not None:
        return nan
    x, y = as_float(a), as_float(b)
    if y:
        return as_bits(x / y)
    return (a ^ b) & SIGN | INFINITY if x else DEFAULT_NAN


def root_raises(a: int, root: int) -> int:
    """The sticky bits of a square root."""
    x = finite(a)
    return INEXACT if x and x[0] > 0 and Fraction(as_float(root)) ** 2 != x[0] else 0


def _sqrt_raises(a: int) -> int:
    return root_raises(a, fp_sqrt.eval(a))


@op(strict("sqrt", 1), effect=Effect.RAISES, raises=_sqrt_raises)
def fp_sqrt(a: i64) -> i64:
    """Square root; of a negative number, the default NaN."""
    nan = first_nan(a)
    if nan is not None:
        return nan
    x = as_float(a)
    return DEFAULT_NAN if x < 0 else as_bits(math.sqrt(x))


def _fma_raises(a: int, b: int, c: int) -> int:
    x = finite(a, b, c)
    return raised(x[0] * x[2] + x[1], fp_fma.eval(a, b, c)) if x else 0


FMA = f"call double @llvm.experimental.constrained.fma.f64(double {{0}}, double {{2}}, double {{1}}, {NEAREST}, {STRICT}) strictfp"


@op(template(FMA, 3), effect=Effect.RAISES, raises=_fma_raises)
def fp_fma(a: i64, b: i64, c: i64) -> i64:
    """a * c + b, rounded once. The order of operands is that of NaN precedence (Book I 4.6.7.2)."""
    nan = first_nan(a, b, c)
    return as_bits(fused(as_float(a), as_float(c), as_float(b), 53, -1074)) if nan is None else nan


def to_single(a: int) -> int:
    """The nearest single, as the bits of a double."""
    if is_nan(a):
        return (a | QUIET) & SINGLE_BITS
    try:
        return as_bits(struct.unpack("<f", struct.pack("<f", as_float(a)))[0])
    except OverflowError:
        return a & SIGN | INFINITY


def single_bits(a: int) -> int:
    """The bits of the float equal to a double that is a single."""
    if is_nan(a):
        return a >> 32 & 0x8000_0000 | 0x7F80_0000 | a >> 29 & 0x7F_FFFF
    return int(struct.unpack("<I", struct.pack("<f", as_float(a)))[0])


def fused_single(a: int, b: int, c: int) -> int:
    """a * c + b in single precision, as a double; the operands are singles or become so."""
    nan = first_nan(a, b, c)
    if nan is not None:
        return nan & SINGLE_BITS
    x, y, z = (as_float(to_single(v)) for v in (a, b, c))
    return as_bits(fused(x, z, y, 24, -149))


def single_raises(a: int) -> int:
    x = finite(a)
    return raised(x[0], to_single(a), LEAST_SINGLE) if x else 0


@op(
    "{r}.d = bitcast i64 {0} to double\n"
    f"{{r}}.s = call float @llvm.experimental.constrained.fptrunc.f32.f64(double {{r}}.d, {NEAREST}, {STRICT}) strictfp\n"
    "{r}.v = fpext float {r}.s to double\n"
    "{r} = bitcast double {r}.v to i64",
    effect=Effect.RAISES,
    raises=single_raises,
)
def fp_to_single(a: i64) -> i64:
    """The nearest single-precision number, as the bits of a double."""
    return to_single(a)


@op(
    "{r}.d = bitcast i64 {0} to double\n"
    f"{{r}}.s = call float @llvm.experimental.constrained.fptrunc.f32.f64(double {{r}}.d, {NEAREST}, {STRICT}) strictfp\n"
    "{r} = bitcast float {r}.s to i32",
    effect=Effect.RAISES,
    raises=single_raises,
)
def fp_single_bits(a: i64) -> i32:
    """The nearest single-precision number, in its own format."""
    return single_bits(to_single(a))


@op(
    "{r}.s = bitcast i32 {0} to float\n"
    "{r}.d = fpext float {r}.s to double\n"
    "{r}.b = bitcast double {r}.d to i64\n"
    "{r}.z = sext i32 {0} to i64\n"
    "{r}.f = shl i64 {r}.z, 29\n"
    f"{{r}}.m = and i64 {{r}}.f, {((1 << 52) - 1)}\n"
    f"{{r}}.g = and i64 {{r}}.z, {-SIGN}\n"
    "{r}.o = or i64 {r}.m, {r}.g\n"
    f"{{r}}.n = or i64 {{r}}.o, {INFINITY}\n"
    "{r}.u = fcmp uno float {r}.s, {r}.s\n"
    "{r} = select i1 {r}.u, i64 {r}.n, i64 {r}.b"
)
def fp_widen(a: i32) -> i64:
    """The double equal to a float; a NaN keeps its fraction and stays signalling (DOUBLE of Book I 4.6.2)."""
    if a & 0x7FFF_FFFF > 0x7F80_0000:
        return (a >> 31) << 63 | INFINITY | (a & 0x7F_FFFF) << 29
    return as_bits(struct.unpack("<f", struct.pack("<I", a))[0])


def ordering(a: int, b: int) -> int:
    """How a compares with b: 8 less, 4 greater, 2 equal, 1 unordered."""
    if is_nan(a) or is_nan(b):
        return 1
    x, y = as_float(a), as_float(b)
    return 8 if x < y else 4 if x > y else 2


COMPARE = "{r}.a = bitcast i64 {0} to double\n{r}.b = bitcast i64 {1} to double\n"


@op(
    COMPARE + "{r}.l = fcmp ult double {r}.a, {r}.b\n"
    "{r}.e = fcmp ueq double {r}.a, {r}.b\n"
    "{r}.y = select i1 {r}.e, i64 2, i64 4\n"
    "{r} = select i1 {r}.l, i64 8, i64 {r}.y"
)
def fp_order(a: i64, b: i64) -> i64:
    """How a compares with b: 8 less (or unordered), 4 greater, 2 equal."""
    return 8 if is_nan(a) or is_nan(b) else ordering(a, b)


@op(COMPARE + "{r} = fcmp uno double {r}.a, {r}.b")
def fp_unordered(a: i64, b: i64) -> i1:
    """Whether either is a NaN."""
    return is_nan(a) or is_nan(b)


@op("{r}.a = bitcast i64 {0} to double\n{r} = fcmp oge double {r}.a, 0.0")
def fp_at_least_zero(a: i64) -> i1:
    """Whether a is a number that is not below zero (-0.0 is not)."""
    return not is_nan(a) and as_float(a) >= 0


@op(
    "{r}.a = bitcast i64 {0} to double\n"
    "{r}.m = call double @llvm.fabs.f64(double {r}.a)\n"
    "{r} = fcmp ueq double {r}.m, 0x0010000000000000"
)
def fp_delicate(a: i64) -> i1:
    """Whether a result is a NaN, or the least normal number: it may have been tiny before it was rounded."""
    return is_nan(a) or a & ~SIGN == 1 << 52
