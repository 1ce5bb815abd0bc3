"""Floating-point moves, arithmetic, rounding, conversion, comparison and select (Book I 4.6.5-4.6.9).

Estimates (fre, frsqrte) are the rounded quotient itself, which every accuracy rule of theirs allows.
"""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import Op, select
from ...ir.ops_float import (
    fp_add,
    fp_ceil,
    fp_compare,
    fp_div,
    fp_floor,
    fp_fma,
    fp_fma_single,
    fp_from_s64,
    fp_from_u64,
    fp_mul,
    fp_rint,
    fp_single_from_s64,
    fp_single_from_u64,
    fp_sqrt,
    fp_sub,
    fp_to_s32,
    fp_to_s64,
    fp_to_single,
    fp_to_u32,
    fp_to_u64,
    fp_trunc,
)
from ...ir.types import i8
from ..context import Context
from ..insn import insn
from .float_fpscr import (
    INFINITY,
    SIGN,
    VXCVI,
    VXSNAN,
    VXVC,
    ZX,
    compared,
    float_result,
    is_nan,
    is_signalling,
    nearest_only,
    record,
    set_sticky,
)

ONE = 0x3FF << 52

# -- moves (4.6.5): NaNs pass unchanged and FPSCR is untouched


@insn("fmr[.] FRT,FRB", "63 FRT /:5 FRB 72 Rc", needs="fp", section="I 4.6.5", change=lambda b: b)
@insn("fneg[.] FRT,FRB", "63 FRT /:5 FRB 40 Rc", needs="fp", section="I 4.6.5", change=lambda b: b ^ SIGN)
@insn("fabs[.] FRT,FRB", "63 FRT /:5 FRB 264 Rc", needs="fp", section="I 4.6.5", change=lambda b: b & ~SIGN)
@insn("fnabs[.] FRT,FRB", "63 FRT /:5 FRB 136 Rc", needs="fp", section="I 4.6.5", change=lambda b: b | SIGN)
def move(c: Context, FRT: Any, FRB: Any, Rc: Any, change: Any) -> None:
    c.fpr[FRT] = change(c.fpr[FRB])
    record(c, Rc)


@insn("fcpsgn[.] FRT,FRA,FRB", "63 FRT FRA FRB 8 Rc", needs="fp", since="2.05", section="I 4.6.5")
def fcpsgn(c: Context, FRT: Any, FRA: Any, FRB: Any, Rc: Any) -> None:
    c.fpr[FRT] = (c.fpr[FRA] & SIGN) | (c.fpr[FRB] & ~SIGN)
    record(c, Rc)


@insn("fmrgew FRT,FRA,FRB", "63 FRT FRA FRB 966:10 /", needs="fp", since="2.07", section="I 4.6.5", shift=0)
@insn("fmrgow FRT,FRA,FRB", "63 FRT FRA FRB 838:10 /", needs="fp", since="2.07", section="I 4.6.5", shift=32)
def merge_words(c: Context, FRT: Any, FRA: Any, FRB: Any, shift: int) -> None:
    c.fpr[FRT] = ((c.fpr[FRA] << shift) & (0xFFFF_FFFF << 32)) | ((c.fpr[FRB] >> (32 - shift)) & 0xFFFF_FFFF)


# -- arithmetic (4.6.6). One function to replace when FPSCR becomes exact: finish


def finish(c: Context, FRT: Any, Rc: Any, bits: Value, single: bool) -> None:
    """Round to the precision of the instruction (right: +, -, *, / and sqrt of singles may be rounded twice), and record."""
    float_result(c, FRT, fp_to_single(bits) if single else bits, single)
    record(c, Rc)


@insn("fadd[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 21 Rc", needs="fp", section="I 4.6.6", f=fp_add, single=False)
@insn("fadds[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 21 Rc", needs="fp", section="I 4.6.6", f=fp_add, single=True)
@insn("fsub[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 20 Rc", needs="fp", section="I 4.6.6", f=fp_sub, single=False)
@insn("fsubs[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 20 Rc", needs="fp", section="I 4.6.6", f=fp_sub, single=True)
@insn("fdiv[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 18 Rc", needs="fp", section="I 4.6.6", f=fp_div, single=False)
@insn("fdivs[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 18 Rc", needs="fp", section="I 4.6.6", f=fp_div, single=True)
def arithmetic(c: Context, FRT: Any, FRA: Any, FRB: Any, Rc: Any, f: Op, single: bool) -> None:
    nearest_only(c)
    a, b = c.fpr[FRA], c.fpr[FRB]
    if f is fp_div:
        magnitude = a & ~SIGN
        finite = (magnitude != 0) & (magnitude != INFINITY) & ~is_nan(a)
        set_sticky(c, finite & ((b << 1) == 0), ZX)
    finish(c, FRT, Rc, f(a, b), single)


@insn("fmul[.] FRT,FRA,FRC", "63 FRT FRA /:5 FRC 25 Rc", needs="fp", section="I 4.6.6", single=False)
@insn("fmuls[.] FRT,FRA,FRC", "59 FRT FRA /:5 FRC 25 Rc", needs="fp", section="I 4.6.6", single=True)
def fmul(c: Context, FRT: Any, FRA: Any, FRC: Any, Rc: Any, single: bool) -> None:
    nearest_only(c)
    finish(c, FRT, Rc, fp_mul(c.fpr[FRA], c.fpr[FRC]), single)


@insn("fsqrt[.] FRT,FRB", "63 FRT /:5 FRB /:5 22 Rc", needs="fp", section="I 4.6.6", f=fp_sqrt, single=False)
@insn("fsqrts[.] FRT,FRB", "59 FRT /:5 FRB /:5 22 Rc", needs="fp", section="I 4.6.6", f=fp_sqrt, single=True)
@insn(
    "fre[.] FRT,FRB",
    "63 FRT /:5 FRB /:5 24 Rc",
    needs="fp",
    since="2.02",
    section="I 4.6.6",
    f=lambda b: fp_div(b.ir.const(ONE), b),
    single=False,
)
@insn(
    "fres[.] FRT,FRB",
    "59 FRT /:5 FRB /:5 24 Rc",
    needs="fp",
    section="I 4.6.6",
    f=lambda b: fp_div(b.ir.const(ONE), b),
    single=True,
)
@insn(
    "frsqrte[.] FRT,FRB",
    "63 FRT /:5 FRB /:5 26 Rc",
    needs="fp",
    section="I 4.6.6",
    f=lambda b: fp_div(b.ir.const(ONE), fp_sqrt(b)),
    single=False,
)
@insn("frsqrtes[.] FRT,FRB", "59 FRT /:5 FRB /:5 26 Rc", needs="fp", since="2.02", section="I 4.6.6",
      f=lambda b: fp_div(b.ir.const(ONE), fp_sqrt(b)), single=True)  # fmt: skip
@insn("frsp[.] FRT,FRB", "63 FRT /:5 FRB 12 Rc", needs="fp", section="I 4.6.7.1", f=lambda b: b, single=True)
def unary(c: Context, FRT: Any, FRB: Any, Rc: Any, f: Any, single: bool) -> None:
    nearest_only(c)
    b = c.fpr[FRB]
    if c.insn.name in ("fre", "fres", "frsqrte", "frsqrtes"):
        set_sticky(c, (b << 1) == 0, ZX)
    finish(c, FRT, Rc, f(b), single)


def flipped(bits: Value) -> Value:
    """The number with the other sign; a NaN as it is."""
    return select(is_nan(bits), bits, bits ^ SIGN)


@insn(
    "fmadd[.] FRT,FRA,FRC,FRB",
    "63 FRT FRA FRB FRC 29 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=False,
    minus=False,
    negative=False,
)
@insn(
    "fmadds[.] FRT,FRA,FRC,FRB",
    "59 FRT FRA FRB FRC 29 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=True,
    minus=False,
    negative=False,
)
@insn(
    "fmsub[.] FRT,FRA,FRC,FRB",
    "63 FRT FRA FRB FRC 28 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=False,
    minus=True,
    negative=False,
)
@insn(
    "fmsubs[.] FRT,FRA,FRC,FRB",
    "59 FRT FRA FRB FRC 28 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=True,
    minus=True,
    negative=False,
)
@insn(
    "fnmadd[.] FRT,FRA,FRC,FRB",
    "63 FRT FRA FRB FRC 31 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=False,
    minus=False,
    negative=True,
)
@insn(
    "fnmadds[.] FRT,FRA,FRC,FRB",
    "59 FRT FRA FRB FRC 31 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=True,
    minus=False,
    negative=True,
)
@insn(
    "fnmsub[.] FRT,FRA,FRC,FRB",
    "63 FRT FRA FRB FRC 30 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=False,
    minus=True,
    negative=True,
)
@insn(
    "fnmsubs[.] FRT,FRA,FRC,FRB",
    "59 FRT FRA FRB FRC 30 Rc",
    needs="fp",
    section="I 4.6.6.2",
    single=True,
    minus=True,
    negative=True,
)
def multiply_add(
    c: Context, FRT: Any, FRA: Any, FRC: Any, FRB: Any, Rc: Any, single: bool, minus: bool, negative: bool
) -> None:
    nearest_only(c)
    b = flipped(c.fpr[FRB]) if minus else c.fpr[FRB]
    result = (fp_fma_single if single else fp_fma)(c.fpr[FRA], b, c.fpr[FRC])
    float_result(c, FRT, flipped(result) if negative else result, single)
    record(c, Rc)


# -- rounding and conversion (4.6.7)


def half_away(b: Value) -> Value:
    """Nearest integral value, ties away from zero: add the largest number below a half, with the sign of b, and cut."""
    return fp_trunc(fp_add(b, (b & SIGN) | 0x3FDF_FFFF_FFFF_FFFF))


@insn("frin[.] FRT,FRB", "63 FRT /:5 FRB 392 Rc", needs="fp", since="2.02", section="I 4.6.7.3", f=half_away)
@insn("friz[.] FRT,FRB", "63 FRT /:5 FRB 424 Rc", needs="fp", since="2.02", section="I 4.6.7.3", f=fp_trunc)
@insn("frip[.] FRT,FRB", "63 FRT /:5 FRB 456 Rc", needs="fp", since="2.02", section="I 4.6.7.3", f=fp_ceil)
@insn("frim[.] FRT,FRB", "63 FRT /:5 FRB 488 Rc", needs="fp", since="2.02", section="I 4.6.7.3", f=fp_floor)
def round_to_integral(c: Context, FRT: Any, FRB: Any, Rc: Any, f: Any) -> None:
    nearest_only(c)
    b = c.fpr[FRB]
    set_sticky(c, is_signalling(b), VXSNAN)
    float_result(c, FRT, f(b))
    record(c, Rc)


SIGNED_64, UNSIGNED_64 = (0xC3E << 52, 0x43E << 52), (0, 0x43F << 52)  # least value, and the first one too large, as doubles
SIGNED_32, UNSIGNED_32 = (0xC1E << 52, 0x41E << 52), (0, 0x41F << 52)


@insn(
    "fctid[.] FRT,FRB", "63 FRT /:5 FRB 814 Rc", needs="fp", section="I 4.6.7.2", to=fp_to_s64, bounds=SIGNED_64, cut=fp_rint
)
@insn(
    "fctidz[.] FRT,FRB",
    "63 FRT /:5 FRB 815 Rc",
    needs="fp",
    section="I 4.6.7.2",
    to=fp_to_s64,
    bounds=SIGNED_64,
    cut=fp_trunc,
)
@insn(
    "fctidu[.] FRT,FRB",
    "63 FRT /:5 FRB 942 Rc",
    needs="fp",
    since="2.06",
    section="I 4.6.7.2",
    to=fp_to_u64,
    bounds=UNSIGNED_64,
    cut=fp_rint,
)
@insn(
    "fctiduz[.] FRT,FRB",
    "63 FRT /:5 FRB 943 Rc",
    needs="fp",
    since="2.06",
    section="I 4.6.7.2",
    to=fp_to_u64,
    bounds=UNSIGNED_64,
    cut=fp_trunc,
)
@insn(
    "fctiw[.] FRT,FRB", "63 FRT /:5 FRB 14 Rc", needs="fp", section="I 4.6.7.2", to=fp_to_s32, bounds=SIGNED_32, cut=fp_rint
)
@insn(
    "fctiwz[.] FRT,FRB",
    "63 FRT /:5 FRB 15 Rc",
    needs="fp",
    section="I 4.6.7.2",
    to=fp_to_s32,
    bounds=SIGNED_32,
    cut=fp_trunc,
)
@insn(
    "fctiwu[.] FRT,FRB",
    "63 FRT /:5 FRB 142 Rc",
    needs="fp",
    since="2.06",
    section="I 4.6.7.2",
    to=fp_to_u32,
    bounds=UNSIGNED_32,
    cut=fp_rint,
)
@insn(
    "fctiwuz[.] FRT,FRB",
    "63 FRT /:5 FRB 143 Rc",
    needs="fp",
    since="2.06",
    section="I 4.6.7.2",
    to=fp_to_u32,
    bounds=UNSIGNED_32,
    cut=fp_trunc,
)
def to_integer(c: Context, FRT: Any, FRB: Any, Rc: Any, to: Op, bounds: tuple[int, int], cut: Op) -> None:
    """Saturating; a NaN becomes the least integer. The undefined half of a word result is its extension; FPRF is left alone."""
    nearest_only(c)
    b = c.fpr[FRB]
    whole = cut(b)
    fits = ((fp_compare(whole, bounds[1]) & 8) != 0) & ((fp_compare(whole, bounds[0]) & 6) != 0)
    set_sticky(c, ~fits, VXCVI)
    set_sticky(c, is_signalling(b), VXSNAN)
    c.fpr[FRT] = to(whole)
    record(c, Rc)


@insn("fcfid[.] FRT,FRB", "63 FRT /:5 FRB 846 Rc", needs="fp", section="I 4.6.7.2", f=fp_from_s64, single=False)
@insn(
    "fcfidu[.] FRT,FRB", "63 FRT /:5 FRB 974 Rc", needs="fp", since="2.06", section="I 4.6.7.2", f=fp_from_u64, single=False
)
@insn(
    "fcfids[.] FRT,FRB",
    "59 FRT /:5 FRB 846 Rc",
    needs="fp",
    since="2.06",
    section="I 4.6.7.2",
    f=fp_single_from_s64,
    single=True,
)
@insn(
    "fcfidus[.] FRT,FRB",
    "59 FRT /:5 FRB 974 Rc",
    needs="fp",
    since="2.06",
    section="I 4.6.7.2",
    f=fp_single_from_u64,
    single=True,
)
def from_integer(c: Context, FRT: Any, FRB: Any, Rc: Any, f: Op, single: bool) -> None:
    nearest_only(c)
    float_result(c, FRT, f(c.fpr[FRB]), single)
    record(c, Rc)


# -- comparison (4.6.8) and select (4.6.9)


@insn("fcmpu BF,FRA,FRB", "63 BF /:2 FRA FRB 0:10 /", needs="fp", section="I 4.6.8", ordered=False)
@insn("fcmpo BF,FRA,FRB", "63 BF /:2 FRA FRB 32:10 /", needs="fp", section="I 4.6.8", ordered=True)
def fcmp(c: Context, BF: Any, FRA: Any, FRB: Any, ordered: bool) -> None:
    """fcmpo: any NaN is invalid (VXVC), as VE is known to be 0 here."""
    nearest_only(c)
    a, b = c.fpr[FRA], c.fpr[FRB]
    cc = fp_compare(a, b)
    set_sticky(c, is_signalling(a) | is_signalling(b), VXSNAN)
    if ordered:
        set_sticky(c, cc == 1, VXVC)
    compared(c, cc)
    c.cr[BF] = cc.to(i8)


@insn("fsel[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 23 Rc", needs="fp", section="I 4.6.9")
def fsel(c: Context, FRT: Any, FRA: Any, FRC: Any, FRB: Any, Rc: Any) -> None:
    """FRC where FRA is not below zero and no NaN."""
    at_least_zero = (fp_compare(c.fpr[FRA], 0) & 6) != 0
    c.fpr[FRT] = select(at_least_zero, c.fpr[FRC], c.fpr[FRB])
    record(c, Rc)
