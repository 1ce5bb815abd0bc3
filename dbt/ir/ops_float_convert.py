"""Operations that round a double to an integral value, or convert it from and to integers: as those of ops_float.py."""

from __future__ import annotations

import math
from fractions import Fraction

from .ops import Effect, op
from .ops_float import (
    INEXACT,
    NEAREST,
    STRICT,
    as_bits,
    as_float,
    finite,
    first_nan,
    raised,
    rounded,
    strict,
    template,
)

INFINITY = 0x7FF << 52
i64 = int  # as in ops.py: the vocabulary of signatures

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


def _integral_raises(a: int) -> int:
    x = finite(a)
    return INEXACT if x and x[0].denominator != 1 else 0


@op(strict("rint", 1), effect=Effect.RAISES, raises=_integral_raises)
def fp_rint(a: i64) -> i64:
    """The nearest integral value, ties to even."""
    return _integral(a, "rint")


@op(template("call double @llvm.trunc.f64(double {0})", 1))
def fp_trunc(a: i64) -> i64:
    """The integral value next to a towards zero."""
    return _integral(a, "trunc")


@op(template("call double @llvm.floor.f64(double {0})", 1))
def fp_floor(a: i64) -> i64:
    """The largest integral value that is not above a."""
    return _integral(a, "floor")


@op(template("call double @llvm.ceil.f64(double {0})", 1))
def fp_ceil(a: i64) -> i64:
    """The smallest integral value that is not below a."""
    return _integral(a, "ceil")


# -- integers


@op(
    "{r}.d = bitcast i64 {0} to double\n"
    f"{{r}} = call i64 @llvm.experimental.constrained.fptosi.i64.f64(double {{r}}.d, {STRICT}) strictfp",
    effect=Effect.RAISES,
    raises=_integral_raises,
)
def fp_to_s64(a: i64) -> i64:
    """A double cut to a signed doubleword; the caller makes sure that it fits."""
    return 0 if a & INFINITY == INFINITY else int(as_float(a))


def _signed(a: int) -> int:
    return a - (1 << 64) if a >> 63 else a


def _from_integer(ty: str, widen: str) -> str:
    name = f"call {ty} @llvm.experimental.constrained.sitofp.{'f64' if ty == 'double' else 'f32'}.i64"
    return f"{{r}}.s = {name}(i64 {{0}}, {NEAREST}, {STRICT}) strictfp\n{widen}{{r}} = bitcast double {{r}}.d to i64"


@op(
    _from_integer("double", "").replace("{r}.s", "{r}.d"),
    effect=Effect.RAISES,
    raises=lambda a: raised(Fraction(_signed(a)), as_bits(float(_signed(a)))),
)
def fp_from_s64(a: i64) -> i64:
    """The nearest double to a signed integer."""
    return as_bits(float(_signed(a)))


@op(
    _from_integer("float", "{r}.d = fpext float {r}.s to double\n"),
    effect=Effect.RAISES,
    raises=lambda a: raised(Fraction(_signed(a)), as_bits(rounded(Fraction(_signed(a)), 24, -149))),
)
def fp_single_from_s64(a: i64) -> i64:
    """The nearest single to a signed integer, rounded once, as a double."""
    return as_bits(rounded(Fraction(_signed(a)), 24, -149))
