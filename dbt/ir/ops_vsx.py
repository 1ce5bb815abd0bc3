"""Floating-point operations on vectors of two doubles or four singles (the immediate: 64 or 32 bits a lane).

As ops_float.py has them for one double: the host's operations, rounding to nearest even, and their flags count. Any NaN
may stand where a result is one: whoever uses a result asks `vx_delicate` or `vx_unordered`, and leaves.
"""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

from . import ops_float as scalar
from .ops import Effect, Op, op
from .ops_float import NEAREST, STRICT
from .ops_vector import each, lanes

i1 = i128 = int  # as in ops.py: the vocabulary of signatures

WIDTHS = (32, 64)
SHAPES = {32: ("<4 x float>", "v4f32", "<4 x i32>", 4), 64: ("<2 x double>", "v2f64", "<2 x i64>", 2)}
LEAST = {  # the least normal number in every lane
    32: "<" + ", ".join(["float 0x3810000000000000"] * 4) + ">",
    64: "<" + ", ".join(["double 0x0010000000000000"] * 2) + ">",
}


# -- templates. [V] the vector type, [T] its name in intrinsics, [I] of its integers, [B] of truth values, [n] lanes


def _text(count: int, *steps: str) -> Callable[[int], str]:
    """Operands are {r}.a, {r}.b, {r}.c; the last step says the result."""

    def text(width: int) -> str:
        vector, name, integers, n = SHAPES[width]
        lines = [f"{{r}}.{x} = bitcast i128 {{{k}}} to {vector}" for k, x in enumerate("abc"[:count])]
        out = "\n".join([*lines, *steps])
        marks = {"[V]": vector, "[T]": name, "[I]": integers, "[B]": f"<{n} x i1>", "[n]": f"i{n}", "[least]": LEAST[width]}
        for mark, meaning in marks.items():
            out = out.replace(mark, meaning)
        return out

    return text


def _strict(name: str, order: str) -> Callable[[int], str]:
    """The constrained intrinsic `name` of the operands in `order`."""
    args = ", ".join(f"[V] {{r}}.{x}" for x in order)
    call = f"{{r}}.v = call [V] @llvm.experimental.constrained.{name}.[T]({args}, {NEAREST}, {STRICT}) strictfp"
    return _text(len(order), call, "{r} = bitcast [V] {r}.v to i128")


def _any(*steps: str, count: int) -> Callable[[int], str]:
    """Whether {r}.t is true in any lane."""
    return _text(count, *steps, "{r}.m = bitcast [B] {r}.t to [n]", "{r} = icmp ne [n] {r}.m, 0")


def _mask(which: str) -> Callable[[int], str]:
    return _text(2, f"{{r}}.t = fcmp {which} [V] {{r}}.a, {{r}}.b", "{r}.v = sext [B] {r}.t to [I]", "{r} = bitcast [I] {r}.v to i128")


# -- meaning: a lane of singles is computed as doubles, then rounded once more; harmless for all but fma


def widened(x: int) -> int:
    """A single's bits as a double's."""
    return int(scalar.fp_widen.eval(x))


def narrowed(x: int) -> int:
    """The bits of the single equal to a double."""
    return scalar.single_bits(x)


def _each(f: Op, *operands: int, width: int) -> int:
    """f of each lane."""
    if width == 64:
        return each(f.eval, 64, *operands)
    if f is scalar.fp_fma:
        return each(lambda *row: narrowed(scalar.fused_single(*map(widened, row))), 32, *operands)
    return each(lambda *row: narrowed(scalar.to_single(f.eval(*map(widened, row)))), 32, *operands)


def _flags(f: Op, exact: Callable[..., Fraction | None]) -> Callable[..., int]:
    """The sticky bits of all lanes; exact: the unrounded result of a single lane (None where it is not inexact)."""

    def of_single(*row: int) -> int:
        wide = [widened(x) for x in row]
        assert f.raises is not None
        result = scalar.fused_single(*wide) if f is scalar.fp_fma else scalar.to_single(f.eval(*wide))
        finite = scalar.finite(*wide)
        if finite is None:
            return 0
        value = exact(*finite)
        if value is None:  # a quotient by zero, a root
            raised = f.raises(*wide)
            return raised if f is scalar.fp_div else scalar.root_raises(wide[0], result)
        return scalar.raised(value, result, scalar.LEAST_SINGLE)

    def raises(*operands: int, imm: int) -> int:
        one = of_single if imm == 32 else f.raises
        assert one is not None
        out = 0
        for row in zip(*(lanes(x, imm) for x in operands), strict=True):
            out |= one(*row)
        return out

    return raises


@op(_strict("fadd", "ab"), effect=Effect.RAISES, imms=WIDTHS, raises=_flags(scalar.fp_add, lambda a, b: a + b))
def vx_add(a: i128, b: i128, *, imm: int) -> i128:
    """Sums."""
    return _each(scalar.fp_add, a, b, width=imm)


@op(_strict("fsub", "ab"), effect=Effect.RAISES, imms=WIDTHS, raises=_flags(scalar.fp_sub, lambda a, b: a - b))
def vx_sub(a: i128, b: i128, *, imm: int) -> i128:
    """Differences."""
    return _each(scalar.fp_sub, a, b, width=imm)


@op(_strict("fmul", "ab"), effect=Effect.RAISES, imms=WIDTHS, raises=_flags(scalar.fp_mul, lambda a, b: a * b))
def vx_mul(a: i128, b: i128, *, imm: int) -> i128:
    """Products."""
    return _each(scalar.fp_mul, a, b, width=imm)


@op(_strict("fdiv", "ab"), effect=Effect.RAISES, imms=WIDTHS, raises=_flags(scalar.fp_div, lambda a, b: a / b if b else None))
def vx_div(a: i128, b: i128, *, imm: int) -> i128:
    """Quotients."""
    return _each(scalar.fp_div, a, b, width=imm)


@op(_strict("sqrt", "a"), effect=Effect.RAISES, imms=WIDTHS, raises=_flags(scalar.fp_sqrt, lambda a: None))
def vx_sqrt(a: i128, *, imm: int) -> i128:
    """Square roots."""
    return _each(scalar.fp_sqrt, a, width=imm)


@op(_strict("fma", "acb"), effect=Effect.RAISES, imms=WIDTHS, raises=_flags(scalar.fp_fma, lambda a, b, c: a * c + b))
def vx_fma(a: i128, b: i128, c: i128, *, imm: int) -> i128:
    """a * c + b, rounded once."""
    return _each(scalar.fp_fma, a, b, c, width=imm)


# -- conditions


def _number(x: int, width: int) -> float:
    return scalar.as_float(x if width == 64 else widened(x))


def _compared(f: Callable[[float, float], bool], a: int, b: int, width: int) -> int:
    return each(lambda x, y: -f(_number(x, width), _number(y, width)), width, a, b)


@op(_mask("oeq"), imms=WIDTHS)
def vx_eq(a: i128, b: i128, *, imm: int) -> i128:
    """All ones in each lane where a == b as numbers."""
    return _compared(lambda x, y: x == y, a, b, imm)


@op(_mask("ogt"), imms=WIDTHS)
def vx_gt(a: i128, b: i128, *, imm: int) -> i128:
    """All ones in each lane where a > b as numbers."""
    return _compared(lambda x, y: x > y, a, b, imm)


@op(_mask("oge"), imms=WIDTHS)
def vx_ge(a: i128, b: i128, *, imm: int) -> i128:
    """All ones in each lane where a >= b as numbers."""
    return _compared(lambda x, y: x >= y, a, b, imm)


@op(_mask("uno"), imms=WIDTHS)
def vx_nan(a: i128, b: i128, *, imm: int) -> i128:
    """All ones in each lane where either is a NaN."""
    return _compared(lambda x, y: x != x or y != y, a, b, imm)


@op(_any("{r}.t = fcmp uno [V] {r}.a, {r}.b", count=2), imms=WIDTHS)
def vx_unordered(a: i128, b: i128, *, imm: int) -> i1:
    """Whether either is a NaN in any lane."""
    return vx_nan.eval(a, b, imm=imm) != 0


@op(
    _any("{r}.f = call [V] @llvm.fabs.[T]([V] {r}.a)", "{r}.t = fcmp ueq [V] {r}.f, [least]", count=1),
    imms=WIDTHS,
)
def vx_delicate(a: i128, *, imm: int) -> i1:
    """Whether any lane is a NaN, or the least normal number: it may have been tiny before it was rounded."""
    least = 1 << (52 if imm == 64 else 23)
    sign = 1 << (imm - 1)
    return any(x & ~sign == least for x in lanes(a, imm)) or bool(vx_unordered.eval(a, a, imm=imm))
