"""Floating-point moves, arithmetic, rounding, conversion, comparison and select (Book I 4.6.5-4.6.9).

Estimates (fre, frsqrte) are the rounded quotient itself, which every accuracy rule of theirs allows.
"""

from __future__ import annotations

from functools import partial
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

fp = partial(insn, needs="fp")

ONE = 0x3FF << 52

# -- moves (4.6.5): NaNs pass unchanged and FPSCR is untouched


@fp("fmr[.] FRT,FRB", "63 FRT /:5 FRB 72 Rc", section="I 4.6.5", change=lambda b: b)
@fp("fneg[.] FRT,FRB", "63 FRT /:5 FRB 40 Rc", section="I 4.6.5", change=lambda b: b ^ SIGN)
@fp("fabs[.] FRT,FRB", "63 FRT /:5 FRB 264 Rc", section="I 4.6.5", change=lambda b: b & ~SIGN)
@fp("fnabs[.] FRT,FRB", "63 FRT /:5 FRB 136 Rc", section="I 4.6.5", change=lambda b: b | SIGN)
def move(c: Context, FRT: Any, FRB: Any, Rc: Any, change: Any) -> None:
    c.fpr[FRT] = change(c.fpr[FRB])
    record(c, Rc)


@fp("fcpsgn[.] FRT,FRA,FRB", "63 FRT FRA FRB 8 Rc", since="2.05", section="I 4.6.5")
def fcpsgn(c: Context, FRT: Any, FRA: Any, FRB: Any, Rc: Any) -> None:
    c.fpr[FRT] = (c.fpr[FRA] & SIGN) | (c.fpr[FRB] & ~SIGN)
    record(c, Rc)


@fp("fmrgew FRT,FRA,FRB", "63 FRT FRA FRB 966:10 /", since="2.07", section="I 4.6.5", shift=0)
@fp("fmrgow FRT,FRA,FRB", "63 FRT FRA FRB 838:10 /", since="2.07", section="I 4.6.5", shift=32)
def merge_words(c: Context, FRT: Any, FRA: Any, FRB: Any, shift: int) -> None:
    c.fpr[FRT] = ((c.fpr[FRA] << shift) & (0xFFFF_FFFF << 32)) | ((c.fpr[FRB] >> (32 - shift)) & 0xFFFF_FFFF)


# -- arithmetic (4.6.6). One function to replace when FPSCR becomes exact: finish


def finish(c: Context, FRT: Any, Rc: Any, bits: Value, single: bool) -> None:
    """Round to the precision of the instruction (right: +, -, *, / and sqrt of singles may be rounded twice), and record."""
    float_result(c, FRT, fp_to_single(bits) if single else bits, single)
    record(c, Rc)


@fp("fadd[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 21 Rc", section="I 4.6.6", f=fp_add, single=False)
@fp("fadds[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 21 Rc", section="I 4.6.6", f=fp_add, single=True)
@fp("fsub[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 20 Rc", section="I 4.6.6", f=fp_sub, single=False)
@fp("fsubs[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 20 Rc", section="I 4.6.6", f=fp_sub, single=True)
@fp("fdiv[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 18 Rc", section="I 4.6.6", f=fp_div, single=False)
@fp("fdivs[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 18 Rc", section="I 4.6.6", f=fp_div, single=True)
def arithmetic(c: Context, FRT: Any, FRA: Any, FRB: Any, Rc: Any, f: Op, single: bool) -> None:
    nearest_only(c)
    a, b = c.fpr[FRA], c.fpr[FRB]
    if f is fp_div:
        magnitude = a & ~SIGN
        finite = (magnitude != 0) & (magnitude != INFINITY) & ~is_nan(a)
        set_sticky(c, finite & ((b << 1) == 0), ZX)
    finish(c, FRT, Rc, f(a, b), single)


@fp("fmul[.] FRT,FRA,FRC", "63 FRT FRA /:5 FRC 25 Rc", section="I 4.6.6", single=False)
@fp("fmuls[.] FRT,FRA,FRC", "59 FRT FRA /:5 FRC 25 Rc", section="I 4.6.6", single=True)
def fmul(c: Context, FRT: Any, FRA: Any, FRC: Any, Rc: Any, single: bool) -> None:
    nearest_only(c)
    finish(c, FRT, Rc, fp_mul(c.fpr[FRA], c.fpr[FRC]), single)


@fp("fsqrt[.] FRT,FRB", "63 FRT /:5 FRB /:5 22 Rc", section="I 4.6.6", f=fp_sqrt, single=False)
@fp("fsqrts[.] FRT,FRB", "59 FRT /:5 FRB /:5 22 Rc", section="I 4.6.6", f=fp_sqrt, single=True)
@fp("frsp[.] FRT,FRB", "63 FRT /:5 FRB 12 Rc", section="I 4.6.7.1", f=lambda b: b, single=True)
def unary(c: Context, FRT: Any, FRB: Any, Rc: Any, f: Any, single: bool) -> None:
    nearest_only(c)
    finish(c, FRT, Rc, f(c.fpr[FRB]), single)


@fp("fre[.] FRT,FRB", "63 FRT /:5 FRB /:5 24 Rc", since="2.02", section="I 4.6.6", root=False, single=False)
@fp("fres[.] FRT,FRB", "59 FRT /:5 FRB /:5 24 Rc", section="I 4.6.6", root=False, single=True)
@fp("frsqrte[.] FRT,FRB", "63 FRT /:5 FRB /:5 26 Rc", section="I 4.6.6", root=True, single=False)
@fp("frsqrtes[.] FRT,FRB", "59 FRT /:5 FRB /:5 26 Rc", since="2.02", section="I 4.6.6", root=True, single=True)
def reciprocal(c: Context, FRT: Any, FRB: Any, Rc: Any, root: bool, single: bool) -> None:
    nearest_only(c)
    b = c.fpr[FRB]
    set_sticky(c, (b << 1) == 0, ZX)
    finish(c, FRT, Rc, fp_div(c.const(ONE), fp_sqrt(b) if root else b), single)


def flipped(bits: Value) -> Value:
    """The number with the other sign; a NaN as it is."""
    return select(is_nan(bits), bits, bits ^ SIGN)


@fp("fmadd[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 29 Rc", section="I 4.6.6.2", single=False, minus=False, negative=False)
@fp("fmadds[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 29 Rc", section="I 4.6.6.2", single=True, minus=False, negative=False)
@fp("fmsub[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 28 Rc", section="I 4.6.6.2", single=False, minus=True, negative=False)
@fp("fmsubs[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 28 Rc", section="I 4.6.6.2", single=True, minus=True, negative=False)
@fp("fnmadd[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 31 Rc", section="I 4.6.6.2", single=False, minus=False, negative=True)
@fp("fnmadds[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 31 Rc", section="I 4.6.6.2", single=True, minus=False, negative=True)
@fp("fnmsub[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 30 Rc", section="I 4.6.6.2", single=False, minus=True, negative=True)
@fp("fnmsubs[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 30 Rc", section="I 4.6.6.2", single=True, minus=True, negative=True)
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


@fp("frin[.] FRT,FRB", "63 FRT /:5 FRB 392 Rc", since="2.02", section="I 4.6.7.3", f=half_away)
@fp("friz[.] FRT,FRB", "63 FRT /:5 FRB 424 Rc", since="2.02", section="I 4.6.7.3", f=fp_trunc)
@fp("frip[.] FRT,FRB", "63 FRT /:5 FRB 456 Rc", since="2.02", section="I 4.6.7.3", f=fp_ceil)
@fp("frim[.] FRT,FRB", "63 FRT /:5 FRB 488 Rc", since="2.02", section="I 4.6.7.3", f=fp_floor)
def round_to_integral(c: Context, FRT: Any, FRB: Any, Rc: Any, f: Any) -> None:
    nearest_only(c)
    b = c.fpr[FRB]
    set_sticky(c, is_signalling(b), VXSNAN)
    float_result(c, FRT, f(b))
    record(c, Rc)


# the conversion, the least value it takes and the first one too large, as doubles
S64, U64 = (fp_to_s64, 0xC3E << 52, 0x43E << 52), (fp_to_u64, 0, 0x43F << 52)
S32, U32 = (fp_to_s32, 0xC1E << 52, 0x41E << 52), (fp_to_u32, 0, 0x41F << 52)


@fp("fctid[.] FRT,FRB", "63 FRT /:5 FRB 814 Rc", section="I 4.6.7.2", to=S64, cut=fp_rint)
@fp("fctidz[.] FRT,FRB", "63 FRT /:5 FRB 815 Rc", section="I 4.6.7.2", to=S64, cut=fp_trunc)
@fp("fctidu[.] FRT,FRB", "63 FRT /:5 FRB 942 Rc", since="2.06", section="I 4.6.7.2", to=U64, cut=fp_rint)
@fp("fctiduz[.] FRT,FRB", "63 FRT /:5 FRB 943 Rc", since="2.06", section="I 4.6.7.2", to=U64, cut=fp_trunc)
@fp("fctiw[.] FRT,FRB", "63 FRT /:5 FRB 14 Rc", section="I 4.6.7.2", to=S32, cut=fp_rint)
@fp("fctiwz[.] FRT,FRB", "63 FRT /:5 FRB 15 Rc", section="I 4.6.7.2", to=S32, cut=fp_trunc)
@fp("fctiwu[.] FRT,FRB", "63 FRT /:5 FRB 142 Rc", since="2.06", section="I 4.6.7.2", to=U32, cut=fp_rint)
@fp("fctiwuz[.] FRT,FRB", "63 FRT /:5 FRB 143 Rc", since="2.06", section="I 4.6.7.2", to=U32, cut=fp_trunc)
def to_integer(c: Context, FRT: Any, FRB: Any, Rc: Any, to: tuple[Op, int, int], cut: Op) -> None:
    """Saturating; a NaN becomes the least integer. The undefined half of a word result is its extension; FPRF is left
    alone."""
    nearest_only(c)
    b = c.fpr[FRB]
    whole = cut(b)
    convert, least, too_large = to
    fits = ((fp_compare(whole, too_large) & 8) != 0) & ((fp_compare(whole, least) & 6) != 0)
    set_sticky(c, ~fits, VXCVI)
    set_sticky(c, is_signalling(b), VXSNAN)
    c.fpr[FRT] = convert(whole)
    record(c, Rc)


@fp("fcfid[.] FRT,FRB", "63 FRT /:5 FRB 846 Rc", section="I 4.6.7.2", f=fp_from_s64, single=False)
@fp("fcfidu[.] FRT,FRB", "63 FRT /:5 FRB 974 Rc", since="2.06", section="I 4.6.7.2", f=fp_from_u64, single=False)
@fp("fcfids[.] FRT,FRB", "59 FRT /:5 FRB 846 Rc", since="2.06", section="I 4.6.7.2", f=fp_single_from_s64, single=True)
@fp("fcfidus[.] FRT,FRB", "59 FRT /:5 FRB 974 Rc", since="2.06", section="I 4.6.7.2", f=fp_single_from_u64, single=True)
def from_integer(c: Context, FRT: Any, FRB: Any, Rc: Any, f: Op, single: bool) -> None:
    nearest_only(c)
    float_result(c, FRT, f(c.fpr[FRB]), single)
    record(c, Rc)


# -- comparison (4.6.8) and select (4.6.9)


@fp("fcmpu BF,FRA,FRB", "63 BF /:2 FRA FRB 0:10 /", section="I 4.6.8", ordered=False)
@fp("fcmpo BF,FRA,FRB", "63 BF /:2 FRA FRB 32:10 /", section="I 4.6.8", ordered=True)
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


@fp("fsel[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 23 Rc", section="I 4.6.9")
def fsel(c: Context, FRT: Any, FRA: Any, FRC: Any, FRB: Any, Rc: Any) -> None:
    """FRC where FRA is not below zero and no NaN."""
    at_least_zero = (fp_compare(c.fpr[FRA], 0) & 6) != 0
    c.fpr[FRT] = select(at_least_zero, c.fpr[FRC], c.fpr[FRB])
    record(c, Rc)
