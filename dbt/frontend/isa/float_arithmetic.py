"""Floating-point moves, arithmetic, rounding, conversion, comparison and select (Book I 4.6.5-4.6.9).

What an operation is stands in the table of declarations; float_model.py builds its fast path, backend/softfloat.py is
its exact one. Estimates (fre, frsqrte) are the rounded quotient itself, which every accuracy rule of theirs allows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ... import fpscr
from ...fpscr import SIGN, SINGLE, TRUNCATE
from ...ir.builder import Value
from ...ir.ops import select, slt, ult
from ...ir.ops_float import fp_at_least_zero, fp_order, fp_unordered
from ...ir.types import i1, i8
from ..context import Context
from ..insn import insn
from .float_convert import from_integer, rounded_to_integral, to_integer
from .float_fpscr import record
from .float_model import compared, leave_if, operate, remember, start

fp = partial(insn, needs="fp")

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


# -- arithmetic (4.6.6)


@fp("fadd[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 21 Rc", section="I 4.6.6", op=fpscr.ADD)
@fp("fadds[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 21 Rc", section="I 4.6.6", op=fpscr.ADD | SINGLE)
@fp("fsub[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 20 Rc", section="I 4.6.6", op=fpscr.SUB)
@fp("fsubs[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 20 Rc", section="I 4.6.6", op=fpscr.SUB | SINGLE)
@fp("fdiv[.] FRT,FRA,FRB", "63 FRT FRA FRB /:5 18 Rc", section="I 4.6.6", op=fpscr.DIV)
@fp("fdivs[.] FRT,FRA,FRB", "59 FRT FRA FRB /:5 18 Rc", section="I 4.6.6", op=fpscr.DIV | SINGLE)
def arithmetic(c: Context, FRT: Any, FRA: Any, FRB: Any, Rc: Any, op: int) -> None:
    operate(c, op, FRT, FRA, FRB, None, Rc)


@fp("fmul[.] FRT,FRA,FRC", "63 FRT FRA /:5 FRC 25 Rc", section="I 4.6.6", op=fpscr.MUL)
@fp("fmuls[.] FRT,FRA,FRC", "59 FRT FRA /:5 FRC 25 Rc", section="I 4.6.6", op=fpscr.MUL | SINGLE)
def fmul(c: Context, FRT: Any, FRA: Any, FRC: Any, Rc: Any, op: int) -> None:
    operate(c, op, FRT, FRA, None, FRC, Rc)


@fp("fsqrt[.] FRT,FRB", "63 FRT /:5 FRB /:5 22 Rc", section="I 4.6.6", op=fpscr.SQRT)
@fp("fsqrts[.] FRT,FRB", "59 FRT /:5 FRB /:5 22 Rc", section="I 4.6.6", op=fpscr.SQRT | SINGLE)
@fp("fre[.] FRT,FRB", "63 FRT /:5 FRB /:5 24 Rc", since="2.02", section="I 4.6.6", op=fpscr.RE)
@fp("fres[.] FRT,FRB", "59 FRT /:5 FRB /:5 24 Rc", section="I 4.6.6", op=fpscr.RE | SINGLE)
@fp("frsqrte[.] FRT,FRB", "63 FRT /:5 FRB /:5 26 Rc", section="I 4.6.6", op=fpscr.RSQRTE)
@fp("frsqrtes[.] FRT,FRB", "59 FRT /:5 FRB /:5 26 Rc", since="2.02", section="I 4.6.6", op=fpscr.RSQRTE | SINGLE)
@fp("frsp[.] FRT,FRB", "63 FRT /:5 FRB 12 Rc", section="I 4.6.7.1", op=fpscr.RSP)
def unary(c: Context, FRT: Any, FRB: Any, Rc: Any, op: int) -> None:
    operate(c, op, FRT, None, FRB, None, Rc)


@fp("fmadd[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 29 Rc", section="I 4.6.6.2", op=fpscr.MADD)
@fp("fmadds[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 29 Rc", section="I 4.6.6.2", op=fpscr.MADD | SINGLE)
@fp("fmsub[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 28 Rc", section="I 4.6.6.2", op=fpscr.MSUB)
@fp("fmsubs[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 28 Rc", section="I 4.6.6.2", op=fpscr.MSUB | SINGLE)
@fp("fnmadd[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 31 Rc", section="I 4.6.6.2", op=fpscr.NMADD)
@fp("fnmadds[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 31 Rc", section="I 4.6.6.2", op=fpscr.NMADD | SINGLE)
@fp("fnmsub[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 30 Rc", section="I 4.6.6.2", op=fpscr.NMSUB)
@fp("fnmsubs[.] FRT,FRA,FRC,FRB", "59 FRT FRA FRB FRC 30 Rc", section="I 4.6.6.2", op=fpscr.NMSUB | SINGLE)
def multiply_add(c: Context, FRT: Any, FRA: Any, FRC: Any, FRB: Any, Rc: Any, op: int) -> None:
    operate(c, op, FRT, FRA, FRB, FRC, Rc)


def exponent(bits: Any) -> Any:
    """The biased exponent of a double."""
    return (bits >> 52) & 0x7FF


def parts(x: Value) -> tuple[Value, int, int]:
    """Of a double or a single: its biased exponent, the bias, the bits of its fraction."""
    bias, fraction = (127, 23) if x.ty.bits == 32 else (1023, 52)
    return (x >> fraction) & (2 * bias + 1), bias, fraction


def division_care(a: Value, b: Value) -> tuple[Value, Value]:
    """(fg, fe): whether a software a / b meets a special operand, and whether an exponent is near an end."""
    (ea, bias, fraction), (eb, _, _) = parts(a), parts(b)
    most = 2 * bias + 1
    infinity = (most << fraction) << 1
    far = slt(ea - eb, 3 - bias) | ~slt(ea - eb, bias) | ult(ea, fraction + 2)
    fe = (ea == most) | ult(eb, 2) | ~ult(eb, most - 3) | (((a << 1) != 0) & far)
    return (a << 1 == infinity) | (b << 1 == infinity) | (eb == 0), fe


def root_care(b: Value) -> tuple[Value, Value]:
    """(fg, fe) of a software square root: special; negative, special or small."""
    eb, bias, fraction = parts(b)
    most = 2 * bias + 1
    infinite = b << 1 == (most << fraction) << 1
    return infinite | (eb == 0), (eb == most) | (b >> (b.ty.bits - 1)).to(i1) | ult(eb, fraction + 2)


def care(c: Context, BF: Any, fg: Value, fe: Value) -> None:
    """The CR field of a test: 8, then fg 4, fe 2."""
    c.cr[BF] = select(fg, c.const(4, i8), 0) | select(fe, c.const(2, i8), 0) | 8


@fp("ftdiv BF,FRA,FRB", "63 BF /:2 FRA FRB 128:10 /", since="2.06", section="I 4.6.6.1")
def ftdiv(c: Context, BF: Any, FRA: Any, FRB: Any) -> None:
    care(c, BF, *division_care(c.fpr[FRA], c.fpr[FRB]))


@fp("ftsqrt BF,FRB", "63 BF /:7 FRB 160:10 /", since="2.06", section="I 4.6.6.1")
def ftsqrt(c: Context, BF: Any, FRB: Any) -> None:
    care(c, BF, *root_care(c.fpr[FRB]))


# -- rounding and conversion (4.6.7)


@fp("frin[.] FRT,FRB", "63 FRT /:5 FRB 392 Rc", since="2.02", section="I 4.6.7.3", op=fpscr.RIN)
@fp("friz[.] FRT,FRB", "63 FRT /:5 FRB 424 Rc", since="2.02", section="I 4.6.7.3", op=fpscr.RIZ)
@fp("frip[.] FRT,FRB", "63 FRT /:5 FRB 456 Rc", since="2.02", section="I 4.6.7.3", op=fpscr.RIP)
@fp("frim[.] FRT,FRB", "63 FRT /:5 FRB 488 Rc", since="2.02", section="I 4.6.7.3", op=fpscr.RIM)
def round_to_integral(c: Context, FRT: Any, FRB: Any, Rc: Any, op: int) -> None:
    """Never inexact."""
    convert(c, op, FRT, FRB, Rc, rounded_to_integral)


@fp("fctid[.] FRT,FRB", "63 FRT /:5 FRB 814 Rc", section="I 4.6.7.2", op=fpscr.TO_S64)
@fp("fctidz[.] FRT,FRB", "63 FRT /:5 FRB 815 Rc", section="I 4.6.7.2", op=fpscr.TO_S64 | TRUNCATE)
@fp("fctidu[.] FRT,FRB", "63 FRT /:5 FRB 942 Rc", since="2.06", section="I 4.6.7.2", op=fpscr.TO_U64)
@fp("fctiduz[.] FRT,FRB", "63 FRT /:5 FRB 943 Rc", since="2.06", section="I 4.6.7.2", op=fpscr.TO_U64 | TRUNCATE)
@fp("fctiw[.] FRT,FRB", "63 FRT /:5 FRB 14 Rc", section="I 4.6.7.2", op=fpscr.TO_S32)
@fp("fctiwz[.] FRT,FRB", "63 FRT /:5 FRB 15 Rc", section="I 4.6.7.2", op=fpscr.TO_S32 | TRUNCATE)
@fp("fctiwu[.] FRT,FRB", "63 FRT /:5 FRB 142 Rc", since="2.06", section="I 4.6.7.2", op=fpscr.TO_U32)
@fp("fctiwuz[.] FRT,FRB", "63 FRT /:5 FRB 143 Rc", since="2.06", section="I 4.6.7.2", op=fpscr.TO_U32 | TRUNCATE)
def fcti(c: Context, FRT: Any, FRB: Any, Rc: Any, op: int) -> None:
    """Saturating; a NaN becomes the least integer. The undefined half of a word result is its extension, the undefined
    FPRF is 0."""
    convert(c, op, FRT, FRB, Rc, to_integer)


@fp("fcfid[.] FRT,FRB", "63 FRT /:5 FRB 846 Rc", section="I 4.6.7.2", op=fpscr.FROM_S64)
@fp("fcfidu[.] FRT,FRB", "63 FRT /:5 FRB 974 Rc", since="2.06", section="I 4.6.7.2", op=fpscr.FROM_U64)
@fp("fcfids[.] FRT,FRB", "59 FRT /:5 FRB 846 Rc", since="2.06", section="I 4.6.7.2", op=fpscr.FROM_S64 | SINGLE)
@fp("fcfidus[.] FRT,FRB", "59 FRT /:5 FRB 974 Rc", since="2.06", section="I 4.6.7.2", op=fpscr.FROM_U64 | SINGLE)
def fcfi(c: Context, FRT: Any, FRB: Any, Rc: Any, op: int) -> None:
    convert(c, op, FRT, FRB, Rc, from_integer)


def convert(c: Context, op: int, FRT: Any, FRB: Any, Rc: Any, f: Callable[[Context, int, Value], Value]) -> None:
    """A whole instruction; `f` leaves, or gives the result."""
    if start(c, op, Rc):
        return
    b = c.fpr[FRB]
    c.fpr[FRT] = f(c, op, b)
    remember(c, op, b=b)


# -- comparison (4.6.8) and select (4.6.9)


@fp("fcmpu BF,FRA,FRB", "63 BF /:2 FRA FRB 0:10 /", section="I 4.6.8", op=fpscr.CMPU)
@fp("fcmpo BF,FRA,FRB", "63 BF /:2 FRA FRB 32:10 /", section="I 4.6.8", op=fpscr.CMPO)
def fcmp(c: Context, BF: Any, FRA: Any, FRB: Any, op: int) -> None:
    """NaNs leave: they may raise VXSNAN or VXVC. Rounding and the other enables play no part."""
    a, b = c.fpr[FRA], c.fpr[FRB]
    leave_if(c, fp_unordered(a, b), op)
    cc = fp_order(a, b)
    compared(c, cc)
    c.cr[BF] = cc.to(i8)


@fp("fsel[.] FRT,FRA,FRC,FRB", "63 FRT FRA FRB FRC 23 Rc", section="I 4.6.9")
def fsel(c: Context, FRT: Any, FRA: Any, FRC: Any, FRB: Any, Rc: Any) -> None:
    """FRC where FRA is not below zero and no NaN."""
    c.fpr[FRT] = select(fp_at_least_zero(c.fpr[FRA]), c.fpr[FRC], c.fpr[FRB])
    record(c, Rc)
