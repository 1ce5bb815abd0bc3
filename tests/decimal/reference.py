"""Decimal floating point as Book I chapter 5 words it, over Python's `decimal`. Nothing here is shared with ppcdbt.

`carry_out(name, fields, a, b, t, fpscr)` gives an Answer. Operands are encodings; quadword names end in q.
"""

from __future__ import annotations

import decimal as d
from decimal import Decimal
from fractions import Fraction
from typing import Any, NamedTuple

from ..float.fpscr_reference import (
    FI,
    FPCC,
    FPRF,
    FR,
    OE,
    OX,
    UE,
    UX,
    VE,
    VXALL,
    VXCVI,
    VXIDI,
    VXIMZ,
    VXISI,
    VXSNAN,
    VXVC,
    VXZDZ,
    XX,
    ZE,
    ZX,
    raised,
)
from .encodings import LONG, QUAD, SHORT, Format, digits_of, read, write

MODES = (d.ROUND_HALF_EVEN, d.ROUND_DOWN, d.ROUND_CEILING, d.ROUND_FLOOR, d.ROUND_HALF_UP, d.ROUND_HALF_DOWN, d.ROUND_UP, d.ROUND_05UP)
M64, UNBOUNDED = (1 << 64) - 1, 900_000


class Answer(NamedTuple):
    """What an instruction leaves: the target (None: unchanged), CR field BF of a test, FPSCR."""

    result: int | None
    field: int | None
    fpscr: int


# -- contexts


def bounded(f: Format, mode: str) -> d.Context:
    """A format's arithmetic."""
    return d.Context(prec=f.digits, rounding=mode, Emin=1 - f.top, Emax=f.top, clamp=1, traps=[])


def unbounded(f: Format, mode: str) -> d.Context:
    """Its precision, without limits to the exponent."""
    return d.Context(prec=f.digits, rounding=mode, Emin=-UNBOUNDED, Emax=UNBOUNDED, clamp=0, traps=[])


EXACT = d.Context(prec=40_000, Emin=-UNBOUNDED, Emax=UNBOUNDED, traps=[d.Inexact])


def quiet_nan(x: Decimal, f: Format) -> Decimal:
    """A NaN operand as a result: the last digits of its payload."""
    sign, figures, _ = x.as_tuple()
    kept = int("".join(map(str, figures)) or "0") % 10 ** (f.digits - 1)
    return Decimal((sign, tuple(map(int, str(kept))) if kept else (), "n"))  # type: ignore[arg-type]


def class_of(x: Decimal, f: Format) -> int:
    """FPRF."""
    return {"sNaN": 1, "NaN": 0x11, "-Infinity": 9, "+Infinity": 5, "-Normal": 8, "+Normal": 4, "-Subnormal": 0x18, "+Subnormal": 0x14,
            "-Zero": 0x12, "+Zero": 2}[x.number_class(bounded(f, MODES[0]))]  # fmt: skip


NAN = Decimal("NaN")


class Outcome(NamedTuple):
    """A result in a format, with exception bits, FR and FI."""

    value: Decimal
    flags: int
    format: Format


def grew(name: str, result: Decimal, operands: tuple[Decimal, ...]) -> bool:
    """Whether a rounded result is larger in magnitude than the exact one."""
    if name == "div":
        return abs(Fraction(result) * Fraction(operands[1])) > abs(Fraction(operands[0]))
    exact = {"add": EXACT.add, "mul": EXACT.multiply, "round": lambda x: x}[name](*operands)
    return bool(EXACT.compare(result.copy_abs(), exact.copy_abs()) > 0)


def computed(name: str, operands: tuple[Decimal, ...], f: Format, source: Format, fpscr: int) -> Outcome:
    """An operation on finite operands, rounded, with what is enabled."""
    mode = MODES[fpscr >> 32 & 7]

    def operate(c: d.Context, *xs: Decimal) -> Decimal:
        return {"add": c.add, "mul": c.multiply, "div": c.divide, "round": c.create_decimal}[name](*xs)

    context = bounded(f, mode)
    result = operate(context, *operands)
    over, tiny, inexact = (bool(context.flags[s]) for s in (d.Overflow, d.Subnormal, d.Inexact))
    if (over and fpscr & OE) or (tiny and fpscr & UE):
        scale = {(LONG, LONG): 576, (QUAD, QUAD): 9216, (SHORT, LONG): 192, (LONG, QUAD): 3072}[f, source]
        by = -scale if over else scale
        scaled = tuple(EXACT.scaleb(x, by) if n == 0 or name == "add" else x for n, x in enumerate(operands))
        wide = unbounded(f, mode)
        result = operate(wide, *scaled)
        inexact = bool(wide.flags[d.Inexact])
        result = bounded(source, d.ROUND_DOWN).plus(result)  # an exponent too large is made smaller
        flags = OX if over else UX
        return Outcome(result, flags | (XX | FI if inexact else 0) | (FR if inexact and grew(name, result, scaled) else 0), source)
    if over:
        return Outcome(result, OX | XX | FI | (FR if result.is_infinite() else 0), f)
    flags = XX | FI if inexact else 0
    if inexact and grew(name, result, operands):
        flags |= FR
    if tiny and inexact:
        flags |= UX
    return Outcome(result, flags, f)


def nan_of(operands: tuple[Decimal, ...], f: Format) -> Outcome | None:
    """The result where an operand is a NaN; a signalling one goes first."""
    for test, flags in ((Decimal.is_snan, VXSNAN), (Decimal.is_qnan, 0)):
        for x in operands:
            if test(x):
                return Outcome(quiet_nan(x, f), flags, f)
    return None


def arithmetic(name: str, a: Decimal, b: Decimal, f: Format, fpscr: int) -> Outcome:
    """dadd, dsub, dmul, ddiv."""
    if (nan := nan_of((a, b), f)) is not None:
        return nan
    if name == "sub":
        name, b = "add", b.copy_negate()
    special = a.is_infinite() or b.is_infinite()
    if name == "add" and a.is_infinite() and b.is_infinite() and a.is_signed() != b.is_signed():
        return Outcome(NAN, VXISI, f)
    if name == "mul" and special and (a.is_zero() or b.is_zero()):
        return Outcome(NAN, VXIMZ, f)
    if name == "div":
        if a.is_infinite() and b.is_infinite():
            return Outcome(NAN, VXIDI, f)
        if a.is_zero() and b.is_zero():
            return Outcome(NAN, VXZDZ, f)
        if b.is_zero() and not a.is_infinite():
            return Outcome(bounded(f, MODES[0]).divide(a, b), ZX, f)
    if special:
        c = bounded(f, MODES[0])
        return Outcome({"add": c.add, "mul": c.multiply, "div": c.divide}[name](a, b), 0, f)
    return computed(name, (a, b), f, f, fpscr)


def quantized(x: Decimal, e: int, f: Format, mode: str) -> Outcome:
    """x with another exponent."""
    c = bounded(f, mode)
    result = c.quantize(x, Decimal((0, (1,), e)))
    if result.is_nan():
        return Outcome(NAN, VXCVI, f)
    flags = XX | FI if c.flags[d.Inexact] else 0
    return Outcome(result, flags | (FR if flags and abs(Fraction(result)) > abs(Fraction(x)) else 0), f)


def rmc_mode(fields: dict[str, int], fpscr: int) -> str:
    """The rounding mode of R and RMC."""
    if fields.get("R"):
        return (d.ROUND_CEILING, d.ROUND_FLOOR, d.ROUND_UP, d.ROUND_HALF_DOWN)[fields["RMC"]]
    return (d.ROUND_HALF_EVEN, d.ROUND_DOWN, d.ROUND_HALF_UP, MODES[fpscr >> 32 & 7])[fields["RMC"]]


def adjusted(name: str, fields: dict[str, int], a: int, b: Decimal, f: Format, fpscr: int) -> Outcome:
    """dqua, dquai, drrnd, drintx, drintn."""
    mode, other = rmc_mode(fields, fpscr), Decimal(0)
    if name == "dqua":
        other = read(a, f)
    if (nan := nan_of((other, b), f)) is not None:
        return nan
    if b.is_infinite() or other.is_infinite():
        if name == "dquai" or (name == "dqua" and not (b.is_infinite() and other.is_infinite())):
            return Outcome(NAN, VXCVI, f)
        return Outcome(b, 0, f)
    exponent = b.as_tuple().exponent
    assert isinstance(exponent, int)
    if name == "dqua":
        target = other.as_tuple().exponent
        assert isinstance(target, int)
        return quantized(b, target, f, mode)
    if name == "dquai":
        return quantized(b, fields["TE"], f, mode)
    if name == "drrnd":
        k = (a >> (f.width - 64 if f is QUAD else 0)) & 63
        n = 0 if b.is_zero() else len(str(int("".join(map(str, b.as_tuple().digits)))))
        if k == 0 or n <= k:
            return Outcome(b, 0, f)
        c = d.Context(prec=k, rounding=mode, Emin=-UNBOUNDED, Emax=UNBOUNDED, traps=[])
        result = c.plus(b)
        e = result.as_tuple().exponent
        assert isinstance(e, int)
        if e > f.top - f.digits + 1:
            return Outcome(NAN, VXCVI, f)
        flags = XX | FI if c.flags[d.Inexact] else 0
        return Outcome(result, flags | (FR if flags and abs(Fraction(result)) > abs(Fraction(b)) else 0), f)
    if exponent >= 0:
        return Outcome(b, 0, f)
    out = quantized(b, 0, f, mode)
    return out._replace(flags=0) if name == "drintn" else out


def converted(name: str, a: int, b: int, fields: dict[str, int], quad: bool, fpscr: int) -> Outcome:
    """Between formats, from integers and from BCD."""
    if name in ("drsp", "drdpq"):
        f, source = (LONG, QUAD) if quad else (SHORT, LONG)
        x = read(b, source)
        if x.is_snan() and f is SHORT:
            return Outcome(Decimal(str(quiet_nan(x, f)).replace("NaN", "sNaN")), 0, f)
        if (nan := nan_of((x,), f)) is not None:
            return nan
        return Outcome(x, 0, f) if x.is_infinite() else computed("round", (x,), f, source, fpscr)
    if name in ("dctdp", "dctqpq"):
        f, source = (QUAD, LONG) if quad else (LONG, SHORT)
        x = read(b & (1 << source.width) - 1, source)
        if x.is_snan() and f is LONG:
            return Outcome(x, 0, f)
        return nan_of((x,), f) or Outcome(x, 0, f)
    f = QUAD if quad else LONG
    if name.startswith("dcffix"):
        n = b - (1 << 64) if b >> 63 else b
        return computed("round", (Decimal(n),), f, f, fpscr)
    figures = f"{b:0{f.width // 4}x}"
    sign = 0
    if fields["L11"]:
        code, figures = figures[-1], figures[:-1]
        if code in "0123456789":
            return Outcome(NAN, VXCVI, f)
        sign = int(code in "bd")
    if not figures.isdecimal():
        return Outcome(NAN, VXCVI, f)
    return Outcome(Decimal((sign, tuple(map(int, figures)), 0)), 0, f)


def to_integer(x: Decimal, fpscr: int) -> tuple[int, int]:
    """dctfix."""
    least, most = -(1 << 63), (1 << 63) - 1
    if x.is_nan():
        return least & M64, VXCVI | (VXSNAN if x.is_snan() else 0)
    if x.is_infinite():
        return (least if x.is_signed() else most) & M64, VXCVI
    c = d.Context(prec=20_000, rounding=MODES[fpscr >> 32 & 7], Emin=-UNBOUNDED, Emax=UNBOUNDED, traps=[])
    n = int(c.to_integral_exact(x))
    if not least <= n <= most:
        return (least if n < 0 else most) & M64, VXCVI
    flags = XX | FI if c.flags[d.Inexact] else 0
    return n & M64, flags | (FR if flags and abs(n) > abs(Fraction(x)) else 0)


# -- digits and fields


def rearranged(name: str, fields: dict[str, int], a: int, b: int, f: Format) -> int:
    """The instructions that leave FPSCR alone."""
    base, source = name.removesuffix("q"), a if name.startswith("dsc") else b
    x = read(source, f)
    sign, figures, e = x.as_tuple()
    n = digits_of(source, f) if not isinstance(e, int) else int("".join(map(str, figures)))
    if base == "ddedpd":
        width = f.width // 4
        if fields["SP"] & 2:
            return int(str(n % 10 ** (width - 1)) + ("d" if sign else "f" if fields["SP"] & 1 else "c"), 16)
        return int(str(n % 10**width), 16)
    if base == "dxex":
        return e + f.bias if isinstance(e, int) else {"F": M64, "n": M64 - 1, "N": M64 - 2}[e]
    if base == "diex":
        wanted = a >> f.width - 64 if f is QUAD else a
        wanted = wanted - (1 << 64) if wanted >> 63 else wanted
        if 0 <= wanted < 3 << f.combination - 5:
            return write(Decimal((sign, tuple(map(int, str(n))), wanted - f.bias)), f)
        kind = {-1: "F", -3: "N"}.get(wanted, "n")
        return special(sign, kind, n % 10 ** (f.digits - 1), f)
    room, shift = f.digits - (not isinstance(e, int)), fields["SHD"]
    n = n * 10**shift % 10**room if base == "dscli" else n // 10**shift
    if isinstance(e, int):
        return write(Decimal((sign, tuple(map(int, str(n))), e)), f)
    return special(sign, str(e), n, f)


def special(sign: int, kind: str, payload: int, f: Format) -> int:
    """An infinity or a NaN with these trailing digits, infinities too."""
    bits = write(Decimal((sign, (0,) if kind == "F" else (), kind)), f)  # type: ignore[arg-type]
    return bits | write(Decimal(payload), f) & (1 << f.width - 1 - f.combination) - 1


# -- tests


def compared(ordered: bool, x: Decimal, y: Decimal, fpscr: int) -> tuple[int, int]:
    """(FPCC, flags) of dcmpu and dcmpo."""
    if x.is_nan() or y.is_nan():
        signals = x.is_snan() or y.is_snan()
        flags = VXSNAN if signals else 0
        if ordered and (not signals or not fpscr & VE):
            flags |= VXVC
        return 1, flags
    order = int(d.Context(prec=50, Emin=-UNBOUNDED, Emax=UNBOUNDED, traps=[]).compare(x, y))
    return {-1: 8, 1: 4, 0: 2}[order], 0


def tested(name: str, fields: dict[str, int], a: int, b: int, f: Format) -> int:
    """FPCC of the tests."""
    if name in ("dtstdc", "dtstdg"):
        x = read(a, f)
        e = x.as_tuple().exponent
        kind = x.number_class(bounded(f, MODES[0])).strip("+-")
        if name == "dtstdc":
            bit = {"Zero": 32, "Subnormal": 16, "Normal": 8, "Infinity": 4, "NaN": 2, "sNaN": 1}[kind]
        else:
            extreme = e in (-f.bias, f.top - f.digits + 1)
            full = kind == "Normal" and int("".join(map(str, x.as_tuple().digits))) >= 10 ** (f.digits - 1)
            if kind in ("Infinity", "NaN", "sNaN"):
                bit = 1
            elif kind == "Zero":
                bit = 16 if extreme else 32
            else:
                bit = 8 if kind == "Subnormal" or extreme else 2 if full else 4
        return x.is_signed() << 3 | (2 if bit & fields["DCM" if name == "dtstdc" else "DGM"] else 0)
    y = read(b, f)
    if name == "dtstex":
        x = read(a, f)
        if x.is_finite() and y.is_finite():
            p, q = x.as_tuple().exponent, y.as_tuple().exponent
            assert isinstance(p, int) and isinstance(q, int)
            return 8 if p < q else 4 if p > q else 2
        return 2 if (x.is_nan() and y.is_nan()) or (x.is_infinite() and y.is_infinite()) else 1
    k = fields["UIM6"] if name == "dtstsfi" else (a >> (64 if f is QUAD else 0)) & 63
    if not y.is_finite():
        return 1
    n = 0 if y.is_zero() else len(str(int("".join(map(str, y.as_tuple().digits)))))
    return 4 if k == 0 or k > n else 2 if k == n else 8


def carry_out(mnemonic: str, fields: dict[str, int], a: int, b: int, fpscr: int) -> Answer:
    """One instruction on the encodings in FRA and FRB: of 64 bits, or of 128 for pairs."""
    quad = mnemonic.endswith("q")
    base, f = mnemonic.removesuffix("q"), QUAD if quad else LONG
    if base in ("dcmpu", "dcmpo"):
        cc, flags = compared(base == "dcmpo", read(a, f), read(b, f), fpscr)
        return Answer(None, cc, raised(fpscr & ~FPCC | cc << 12, flags))
    if base.startswith("dtst"):
        cc = tested(base, fields, a, b, f)
        return Answer(None, cc, raised(fpscr & ~FPCC | cc << 12, 0))
    if base in ("ddedpd", "dxex", "diex", "dscli", "dscri"):
        return Answer(rearranged(mnemonic, fields, a, b, f), None, fpscr)
    fprf: Any
    if base == "dctfix":
        result, flags = to_integer(read(b, f), fpscr)
        fprf = 0
    else:
        if base in ("dadd", "dsub", "dmul", "ddiv"):
            out = arithmetic(base[1:], read(a, f), read(b, f), f, fpscr)
        elif base in ("dqua", "dquai", "drrnd", "drintx", "drintn"):
            out = adjusted(base, fields, a, read(b, f), f, fpscr)
        else:
            out = converted(mnemonic, a, b, fields, quad, fpscr)
        value, flags, f = out
        result, fprf = write(value, f), class_of(value, f)
        if mnemonic == "drdpq" and f is LONG:
            result <<= 64
    new = fpscr & ~(FR | FI) | flags & (FR | FI)
    if (flags & VXALL and fpscr & VE) or (flags & ZX and fpscr & ZE):
        return Answer(None, None, raised(new, flags))
    return Answer(result, None, raised(new & ~FPRF | fprf << 12, flags))
