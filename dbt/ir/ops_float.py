"""Floating-point operations. Values travel as the bits of an IEEE double in an i64 (a float in an i32 where it says so).

Every result is the PowerPC one, NaNs included (Book I 4.3.2): the first NaN operand made quiet, else the default NaN,
which is positive. Rounding is to nearest even. No operation here knows FPSCR; frontend/isa/float_fpscr.py does.
"""

from __future__ import annotations

import math
import struct
from fractions import Fraction

from .ops import op

i32 = int  # as in ops.py: the vocabulary of signatures
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


# -- templates: the host's operation, then its NaN replaced by ours


def _template(operation: str, operands: int, kind: str = "double") -> str:
    """LLVM text of `operation` with a NaN result replaced by the first NaN operand, else the default."""
    text = [f"{{r}}.f{n} = bitcast i64 {{{n}}} to double" for n in range(operands)]
    values = [f"{{r}}.f{n}" for n in range(operands)]
    if kind == "float":
        text += [f"{{r}}.s{n} = fptrunc double {{r}}.f{n} to float" for n in range(operands)]
        values = [f"{{r}}.s{n}" for n in range(operands)]
    text.append("{r}.v = " + operation.format(*values))
    result = "{r}.v"
    if kind == "float":
        text.append("{r}.w = fpext float {r}.v to double")
        result = "{r}.w"
    text += [f"{{r}}.n = fcmp uno double {result}, {result}", f"{{r}}.b = bitcast double {result} to i64"]
    chosen = str(DEFAULT_NAN)
    for n in reversed(range(operands)):
        text.append(f"{{r}}.u{n} = fcmp uno double {{r}}.f{n}, {{r}}.f{n}")
        text.append(f"{{r}}.q{n} = or i64 {{{n}}}, {QUIET}")
        text.append(f"{{r}}.c{n} = select i1 {{r}}.u{n}, i64 {{r}}.q{n}, i64 {chosen}")
        chosen = f"{{r}}.c{n}"
    if kind == "float":
        text.append(f"{{r}}.t = and i64 {chosen}, {SINGLE_BITS - (1 << 64)}")
        chosen = "{r}.t"
    text.append(f"{{r}} = select i1 {{r}}.n, i64 {chosen}, i64 {{r}}.b")
    return "\n".join(text)


# -- arithmetic


@op(_template("fadd double {0}, {1}", 2))
def fp_add(a: i64, b: i64) -> i64:
    """Sum."""
    nan = first_nan(a, b)
    return as_bits(as_float(a) + as_float(b)) if nan is None else nan


@op(_template("fsub double {0}, {1}", 2))
def fp_sub(a: i64, b: i64) -> i64:
    """Difference."""
    nan = first_nan(a, b)
    return as_bits(as_float(a) - as_float(b)) if nan is None else nan


@op(_template("fmul double {0}, {1}", 2))
def fp_mul(a: i64, b: i64) -> i64:
    """Product."""
    nan = first_nan(a, b)
    return as_bits(as_float(a) * as_float(b)) if nan is None else nan


@op(_template("fdiv double {0}, {1}", 2))
def fp_div(a: i64, b: i64) -> i64:
    """Quotient."""
    nan = first_nan(a, b)
    if nan is not None:
        return nan
    x, y = as_float(a), as_float(b)
    if y:
        return as_bits(x / y)
    return (a ^ b) & SIGN | INFINITY if x else DEFAULT_NAN


@op(_template("call double @llvm.sqrt.f64(double {0})", 1))
def fp_sqrt(a: i64) -> i64:
    """Square root; of a negative number, the default NaN."""
    nan = first_nan(a)
    if nan is not None:
        return nan
    x = as_float(a)
    return DEFAULT_NAN if x < 0 else as_bits(math.sqrt(x))


@op(_template("call double @llvm.fma.f64(double {0}, double {2}, double {1})", 3))
def fp_fma(a: i64, b: i64, c: i64) -> i64:
    """a * c + b, rounded once. The order of operands is that of NaN precedence (Book I 4.6.7.2)."""
    nan = first_nan(a, b, c)
    return as_bits(fused(as_float(a), as_float(c), as_float(b), 53, -1074)) if nan is None else nan


@op(_template("call float @llvm.fma.f32(float {0}, float {2}, float {1})", 3, "float"))
def fp_fma_single(a: i64, b: i64, c: i64) -> i64:
    """a * c + b in single precision, as a double. The operands are singles, as the architecture requires (Book I
    4.3.5.1), or become so."""
    nan = first_nan(a, b, c)
    if nan is not None:
        return nan & SINGLE_BITS
    x, y, z = (as_float(to_single(v)) for v in (a, b, c))
    return as_bits(fused(x, z, y, 24, -149))


def to_single(a: int) -> int:
    """The nearest single, as the bits of a double."""
    if is_nan(a):
        return (a | QUIET) & SINGLE_BITS
    try:
        return as_bits(struct.unpack("<f", struct.pack("<f", as_float(a)))[0])
    except OverflowError:
        return a & SIGN | INFINITY


@op(_template("fadd float {0}, -0.0", 1, "float"))
def fp_to_single(a: i64) -> i64:
    """The nearest single-precision number, as the bits of a double."""
    return to_single(a)


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


@op(
    "{r}.a = bitcast i64 {0} to double\n"
    "{r}.b = bitcast i64 {1} to double\n"
    "{r}.l = fcmp olt double {r}.a, {r}.b\n"
    "{r}.g = fcmp ogt double {r}.a, {r}.b\n"
    "{r}.e = fcmp oeq double {r}.a, {r}.b\n"
    "{r}.x = select i1 {r}.e, i64 2, i64 1\n"
    "{r}.y = select i1 {r}.g, i64 4, i64 {r}.x\n"
    "{r} = select i1 {r}.l, i64 8, i64 {r}.y"
)
def fp_compare(a: i64, b: i64) -> i64:
    """How a compares with b: 8 less, 4 greater, 2 equal, 1 unordered."""
    if is_nan(a) or is_nan(b):
        return 1
    x, y = as_float(a), as_float(b)
    return 8 if x < y else 4 if x > y else 2


# -- rounding to integral values


def _integral(a: int, how: str) -> int:
    """a rounded to an integral value; a NaN is made quiet."""
    nan = first_nan(a)
    if nan is not None:
        return nan
    x = as_float(a)
    if not math.isfinite(x):
        return a
    if how == "rint":
        n = round(x)
    else:
        n = math.trunc(x) if how == "trunc" else math.floor(x) if how == "floor" else math.ceil(x)
    return as_bits(math.copysign(float(n), x))


@op(_template("call double @llvm.rint.f64(double {0})", 1))
def fp_rint(a: i64) -> i64:
    """The nearest integral value, ties to even."""
    return _integral(a, "rint")


@op(_template("call double @llvm.trunc.f64(double {0})", 1))
def fp_trunc(a: i64) -> i64:
    """The integral value next to a towards zero."""
    return _integral(a, "trunc")


@op(_template("call double @llvm.floor.f64(double {0})", 1))
def fp_floor(a: i64) -> i64:
    """The largest integral value that is not above a."""
    return _integral(a, "floor")


@op(_template("call double @llvm.ceil.f64(double {0})", 1))
def fp_ceil(a: i64) -> i64:
    """The smallest integral value that is not below a."""
    return _integral(a, "ceil")


# -- integers


def _to_integer(low: str, high: str, least: int, most: int, convert: str, bits: int) -> str:
    """LLVM text: a double with an integral value to an integer of `bits`, saturating; a NaN gives the least."""
    widen = "" if bits == 64 else f"{{r}}.w = {'sext' if least else 'zext'} i{bits} {{r}}.i to i64\n"
    return (
        "{r}.a = bitcast i64 {0} to double\n"
        f"{{r}}.l = fcmp oge double {{r}}.a, {low}\n"
        f"{{r}}.h = fcmp olt double {{r}}.a, {high}\n"
        "{r}.k = and i1 {r}.l, {r}.h\n"
        "{r}.s = select i1 {r}.k, double {r}.a, double 0.0\n"
        f"{{r}}.i = {convert} double {{r}}.s to i{bits}\n"
        f"{widen}"
        f"{{r}}.o = fcmp oge double {{r}}.a, {high}\n"
        f"{{r}}.m = select i1 {{r}}.o, i64 {most}, i64 {least}\n"
        f"{{r}} = select i1 {{r}}.k, i64 {{r}}.{'i' if bits == 64 else 'w'}, i64 {{r}}.m"
    )


def saturated(a: int, least: int, most: int) -> int:
    """The integer, or the nearer end; a NaN gives the least."""
    if is_nan(a):
        return least
    x = as_float(a)
    return least if x < least else most if x > most else int(x)


@op(_to_integer("0xC3E0000000000000", "0x43E0000000000000", -(1 << 63), (1 << 63) - 1, "fptosi", 64))
def fp_to_s64(a: i64) -> i64:
    """A double with an integral value as a signed doubleword, saturating."""
    return saturated(a, -(1 << 63), (1 << 63) - 1)


@op(_to_integer("0.0", "0x43F0000000000000", 0, -1, "fptoui", 64))
def fp_to_u64(a: i64) -> i64:
    """A double with an integral value as an unsigned doubleword, saturating."""
    return saturated(a, 0, (1 << 64) - 1)


@op(_to_integer("0xC1E0000000000000", "0x41E0000000000000", -(1 << 31), (1 << 31) - 1, "fptosi", 32))
def fp_to_s32(a: i64) -> i64:
    """A double with an integral value as a signed word, saturating, sign-extended."""
    return saturated(a, -(1 << 31), (1 << 31) - 1)


@op(_to_integer("0.0", "0x41F0000000000000", 0, 0xFFFF_FFFF, "fptoui", 32))
def fp_to_u32(a: i64) -> i64:
    """A double with an integral value as an unsigned word, saturating."""
    return saturated(a, 0, 0xFFFF_FFFF)


def _signed(a: int) -> int:
    return a - (1 << 64) if a >> 63 else a


@op("{r}.d = sitofp i64 {0} to double\n{r} = bitcast double {r}.d to i64")
def fp_from_s64(a: i64) -> i64:
    """The nearest double to a signed integer."""
    return as_bits(float(_signed(a)))


@op("{r}.d = uitofp i64 {0} to double\n{r} = bitcast double {r}.d to i64")
def fp_from_u64(a: i64) -> i64:
    """The nearest double to an unsigned integer."""
    return as_bits(float(a))


@op("{r}.s = sitofp i64 {0} to float\n{r}.d = fpext float {r}.s to double\n{r} = bitcast double {r}.d to i64")
def fp_single_from_s64(a: i64) -> i64:
    """The nearest single to a signed integer, rounded once, as a double."""
    return as_bits(rounded(Fraction(_signed(a)), 24, -149))


@op("{r}.s = uitofp i64 {0} to float\n{r}.d = fpext float {r}.s to double\n{r} = bitcast double {r}.d to i64")
def fp_single_from_u64(a: i64) -> i64:
    """The nearest single to an unsigned integer, rounded once, as a double."""
    return as_bits(rounded(Fraction(a), 24, -149))
