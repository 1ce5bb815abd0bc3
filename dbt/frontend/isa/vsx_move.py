"""VSX moves (Book I 7.6.1.4-7.6.1.6): to and from GPRs, signs, exponents and significands, and tests of class.

None of them rounds or raises an exception. Doubleword 1 of a scalar result, which the manual leaves undefined, is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...ir.builder import Value
from ...ir.ops import eq, select, ult
from ...ir.types import Type, i1, i8, i32, i64, i128
from ..context import Context
from ..insn import insn
from .float_fpscr import compared
from .vector_storage import joined
from .vsx_storage import halves, scalar

# -- between a GPR and a VSR: VSRs 0 to 31 are the floating-point facility's here, 32 to 63 the vector facility's

move = partial(insn, needs="fp|vec", since="2.07", section="I 7.6.1.4")
move3 = partial(insn, needs="vsx|vec", since="3.0", section="I 7.6.1.4")


@move("mfvsrd RA,XS", "31 XS RA /:5 51:10 XS", ty=i64)
@move("mfvsrwz RA,XS", "31 XS RA /:5 115:10 XS", ty=i32)
def mfvsr(c: Context, RA: Any, XS: Any, ty: Type) -> None:
    c.gpr[RA] = (c.vsr[XS] >> 64).to(ty).to(i64)


@move3("mfvsrld RA,XS", "31 XS RA /:5 307:10 XS")
def mfvsrld(c: Context, RA: Any, XS: Any) -> None:
    c.gpr[RA] = c.vsr[XS].to(i64)


@move("mtvsrd XT,RA", "31 XT RA /:5 179:10 XT", ty=i64, signed=False)
@move("mtvsrwa XT,RA", "31 XT RA /:5 211:10 XT", ty=i32, signed=True)
@move("mtvsrwz XT,RA", "31 XT RA /:5 243:10 XT", ty=i32, signed=False)
def mtvsr(c: Context, XT: Any, RA: Any, ty: Type, signed: bool) -> None:
    c.vsr[XT] = scalar(c.gpr[RA].to(ty).to(i64, signed))


@move3("mtvsrdd XT,RA,RB", "31 XT RA RB 435:10 XT")
def mtvsrdd(c: Context, XT: Any, RA: Any, RB: Any) -> None:
    c.vsr[XT] = joined(c.const(c.gpr_or_zero(RA)), c.gpr[RB])


@move3("mtvsrws XT,RA", "31 XT RA /:5 403:10 XT")
def mtvsrws(c: Context, XT: Any, RA: Any) -> None:
    low = c.gpr[RA] & 0xFFFF_FFFF
    two = low | (low << 32)
    c.vsr[XT] = joined(two, two)


# -- formats: where sign, exponent and fraction lie in each element of a register


class Format:
    """A binary interchange format of `bits` bits, `exponent` of them the exponent."""

    def __init__(self, bits: int, exponent: int) -> None:
        self.bits, self.fraction = bits, bits - 1 - exponent
        self.sign, self.top = 1 << (bits - 1), (1 << exponent) - 1
        self.low = (1 << self.fraction) - 1

    def everywhere(self, x: int) -> int:
        """`x` in every element of a register."""
        return sum(x << n for n in range(0, 128, self.bits))

    def elements(self, f: Callable[..., Value], *v: Value) -> Value:
        """f of each element of the registers (given and taken in a type as wide as the element)."""
        ty = {32: i32, 64: i64, 128: i128}[self.bits]
        out = v[0].ir.const(0, i128)
        for n in range(0, 128, self.bits):
            out = out | (f(*((x >> n).to(ty) for x in v)).to(i128) << n)
        return out

    def exponent_of(self, x: Value) -> Value:
        """The biased exponent of an element."""
        return (x >> self.fraction) & self.top

    def significand_of(self, x: Value) -> Value:
        """Its fraction, with the implied bit before it."""
        e = self.exponent_of(x)
        return (x & self.low) | select(eq(e, 0) | eq(e, self.top), x.ir.const(0, x.ty), 1 << self.fraction)

    def inserted(self, x: Value, e: Value) -> Value:
        """The element x with the exponent e."""
        return (x & (self.sign | self.low)) | ((e & self.top) << self.fraction)

    def is_nan(self, x: Value) -> Value:
        """Whether an element is a NaN."""
        return ult(x.ir.const(self.top << self.fraction, x.ty), x & (self.sign - 1))

    def in_class(self, x: Value, DCMX: Any) -> Value:
        """Whether an element is of a class in the mask: NaN, +inf, -inf, +0, -0, +denormal, -denormal from the left."""
        magnitude = x & (self.sign - 1)
        negative = (x >> (self.bits - 1)).to(i1)
        infinity = self.top << self.fraction
        denormal = (magnitude != 0) & ult(magnitude, 1 << self.fraction)

        def asked(bit: int) -> Value:
            return x.ir.const(DCMX).to(i64).to(i8) >> bit

        found = self.is_nan(x) & asked(6).to(i1)
        for low, condition in ((4, eq(magnitude, infinity)), (2, eq(magnitude, 0)), (0, denormal)):
            found = found | (condition & select(negative, asked(low).to(i1), asked(low + 1).to(i1)))
        return found


SINGLE, DOUBLE, QUAD = Format(32, 8), Format(64, 11), Format(128, 15)
sign = partial(insn, needs="vsx", since="2.06", section="I 7.6.1.5")
exponent = partial(insn, needs="vsx", since="3.0", section="I 7.6.1.6")

# -- signs: the operand as a number, its sign bits as a mask


def absolute(x: Value, signs: int) -> Value:
    return x & ~signs


def negative_absolute(x: Value, signs: int) -> Value:
    return x | signs


def negated(x: Value, signs: int) -> Value:
    return x ^ signs


Sign = Callable[[Value, int], Value]


@sign("xsabsdp XT,XB", "60 XT /:5 XB 345:9 XB XT", f=absolute)
@sign("xsnabsdp XT,XB", "60 XT /:5 XB 361:9 XB XT", f=negative_absolute)
@sign("xsnegdp XT,XB", "60 XT /:5 XB 377:9 XB XT", f=negated)
def xssign(c: Context, XT: Any, XB: Any, f: Sign) -> None:
    c.vsr[XT] = scalar(f((c.vsr[XB] >> 64).to(i64), DOUBLE.sign))


@sign("xvabsdp XT,XB", "60 XT /:5 XB 473:9 XB XT", f=absolute, form=DOUBLE)
@sign("xvnabsdp XT,XB", "60 XT /:5 XB 489:9 XB XT", f=negative_absolute, form=DOUBLE)
@sign("xvnegdp XT,XB", "60 XT /:5 XB 505:9 XB XT", f=negated, form=DOUBLE)
@sign("xvabssp XT,XB", "60 XT /:5 XB 409:9 XB XT", f=absolute, form=SINGLE)
@sign("xvnabssp XT,XB", "60 XT /:5 XB 425:9 XB XT", f=negative_absolute, form=SINGLE)
@sign("xvnegsp XT,XB", "60 XT /:5 XB 441:9 XB XT", f=negated, form=SINGLE)
def xvsign(c: Context, XT: Any, XB: Any, f: Sign, form: Format) -> None:
    c.vsr[XT] = f(c.vsr[XB], form.everywhere(form.sign))


@exponent("xsabsqp VRT,VRB", "63 VRT 0:5 VRB 804:10 /", f=absolute)
@exponent("xsnabsqp VRT,VRB", "63 VRT 8:5 VRB 804:10 /", f=negative_absolute)
@exponent("xsnegqp VRT,VRB", "63 VRT 16:5 VRB 804:10 /", f=negated)
def xssignqp(c: Context, VRT: Any, VRB: Any, f: Sign) -> None:
    c.vr[VRT] = f(c.vr[VRB], QUAD.sign)


def with_sign(form: Format, a: Value, b: Value) -> Value:
    """b with the signs of a."""
    signs = form.everywhere(form.sign)
    return (a & signs) | (b & ~signs)


@sign("xscpsgndp XT,XA,XB", "60 XT XA XB 176:8 XA XB XT")
def xscpsgndp(c: Context, XT: Any, XA: Any, XB: Any) -> None:
    c.vsr[XT] = with_sign(DOUBLE, c.vsr[XA], c.vsr[XB]) >> 64 << 64


@sign("xvcpsgndp XT,XA,XB", "60 XT XA XB 240:8 XA XB XT", form=DOUBLE)
@sign("xvcpsgnsp XT,XA,XB", "60 XT XA XB 208:8 XA XB XT", form=SINGLE)
def xvcpsgn(c: Context, XT: Any, XA: Any, XB: Any, form: Format) -> None:
    c.vsr[XT] = with_sign(form, c.vsr[XA], c.vsr[XB])


@exponent("xscpsgnqp VRT,VRA,VRB", "63 VRT VRA VRB 100:10 /")
def xscpsgnqp(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    c.vr[VRT] = with_sign(QUAD, c.vr[VRA], c.vr[VRB])


# -- exponents and significands


@exponent("xsxexpdp RT,XB", "60 RT 0:5 XB 347:9 XB /", f=DOUBLE.exponent_of)
@exponent("xsxsigdp RT,XB", "60 RT 1:5 XB 347:9 XB /", f=DOUBLE.significand_of)
def xsxdp(c: Context, RT: Any, XB: Any, f: Callable[[Value], Value]) -> None:
    c.gpr[RT] = f((c.vsr[XB] >> 64).to(i64))


@exponent("xvxexpdp XT,XB", "60 XT 0:5 XB 475:9 XB XT", form=DOUBLE, f=DOUBLE.exponent_of)
@exponent("xvxsigdp XT,XB", "60 XT 1:5 XB 475:9 XB XT", form=DOUBLE, f=DOUBLE.significand_of)
@exponent("xvxexpsp XT,XB", "60 XT 8:5 XB 475:9 XB XT", form=SINGLE, f=SINGLE.exponent_of)
@exponent("xvxsigsp XT,XB", "60 XT 9:5 XB 475:9 XB XT", form=SINGLE, f=SINGLE.significand_of)
def xvx(c: Context, XT: Any, XB: Any, form: Format, f: Callable[[Value], Value]) -> None:
    c.vsr[XT] = form.elements(f, c.vsr[XB])


@exponent("xsxexpqp VRT,VRB", "63 VRT 2:5 VRB 804:10 /")
def xsxexpqp(c: Context, VRT: Any, VRB: Any) -> None:
    c.vr[VRT] = QUAD.exponent_of(c.vr[VRB]) << 64


@exponent("xsxsigqp VRT,VRB", "63 VRT 18:5 VRB 804:10 /")
def xsxsigqp(c: Context, VRT: Any, VRB: Any) -> None:
    c.vr[VRT] = QUAD.significand_of(c.vr[VRB])


@exponent("xsiexpdp XT,RA,RB", "60 XT RA RB 918:10 XT")
def xsiexpdp(c: Context, XT: Any, RA: Any, RB: Any) -> None:
    c.vsr[XT] = scalar(DOUBLE.inserted(c.gpr[RA], c.gpr[RB]))


@exponent("xviexpdp XT,XA,XB", "60 XT XA XB 248:8 XA XB XT", form=DOUBLE)
@exponent("xviexpsp XT,XA,XB", "60 XT XA XB 216:8 XA XB XT", form=SINGLE)
def xviexp(c: Context, XT: Any, XA: Any, XB: Any, form: Format) -> None:
    c.vsr[XT] = form.elements(form.inserted, c.vsr[XA], c.vsr[XB])


@exponent("xsiexpqp VRT,VRA,VRB", "63 VRT VRA VRB 868:10 /")
def xsiexpqp(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    c.vr[VRT] = QUAD.inserted(c.vr[VRA], c.vr[VRB] >> 64)


# -- tests: CR field BF, and FPCC with it


def answered(c: Context, BF: Any, cc: Value) -> None:
    compared(c, cc)
    c.cr[BF] = cc.to(i8)


def compare_exponents(c: Context, BF: Any, form: Format, a: Value, b: Value) -> None:
    """Less, greater, equal, or unordered if one is a NaN."""
    x, y = form.exponent_of(a), form.exponent_of(b)
    order = select(ult(x, y), c.const(8), select(eq(x, y), c.const(2), 4))
    answered(c, BF, select(form.is_nan(a) | form.is_nan(b), c.const(1), order))


@exponent("xscmpexpdp BF,XA,XB", "60 BF /:2 XA XB 59:8 XA XB /")
def xscmpexpdp(c: Context, BF: Any, XA: Any, XB: Any) -> None:
    a, b = (halves(c.vsr[x])[0] for x in (XA, XB))
    compare_exponents(c, BF, DOUBLE, a, b)


@exponent("xscmpexpqp BF,VRA,VRB", "63 BF /:2 VRA VRB 164:10 /")
def xscmpexpqp(c: Context, BF: Any, VRA: Any, VRB: Any) -> None:
    compare_exponents(c, BF, QUAD, c.vr[VRA], c.vr[VRB])


def class_bits(form: Format, x: Value, DCMX: Any) -> Value:
    """The sign and whether it is in the mask's classes, as a CR field has them."""
    return ((x >> (form.bits - 1)).to(i64) << 3) | (form.in_class(x, DCMX).to(i64) << 1)


@exponent("xststdcdp BF,XB,DCMX", "60 BF DCMX XB 362:9 XB /")
def xststdcdp(c: Context, BF: Any, XB: Any, DCMX: Any) -> None:
    answered(c, BF, class_bits(DOUBLE, halves(c.vsr[XB])[0], DCMX))


@exponent("xststdcsp BF,XB,DCMX", "60 BF DCMX XB 298:9 XB /")
def xststdcsp(c: Context, BF: Any, XB: Any, DCMX: Any) -> None:
    """A double tested as the single it should be: denormal goes by the single's range, and SO says it is no single."""
    x = halves(c.vsr[XB])[0]
    e, fraction = DOUBLE.exponent_of(x), x & DOUBLE.low
    tiny = ult(e, 0x381) & ((x & ~DOUBLE.sign) != 0)
    as_denormal = (x & DOUBLE.sign) | 1
    bits = class_bits(DOUBLE, select(tiny, as_denormal, x), DCMX)
    answered(c, BF, bits | (~is_single(e, fraction)).to(i64))


def is_single(e: Value, fraction: Value) -> Value:
    """Whether a double of this exponent and fraction is the value of a single."""
    short = eq(fraction & 0x1FFF_FFFF, 0)
    special = eq(e, 0x7FF) | (eq(e, 0) & eq(fraction, 0))
    normal = ult(e.ir.const(0x380), e) & ult(e, 0x47F)
    right = select(ult(e, 0x36A) | ult(e.ir.const(0x380), e), e.ir.const(0), e.ir.const(0x381) - e)
    whole = (fraction | (1 << 52)) & (((e.ir.const(1) << right) << 29) - 1)  # bits that a denormal single has not
    denormal = ult(e.ir.const(0x369), e) & ult(e, 0x381) & eq(whole, 0)
    return short & (special | normal) | denormal


@exponent("xststdcqp BF,VRB,DCMX", "63 BF DCMX VRB 708:10 /")
def xststdcqp(c: Context, BF: Any, VRB: Any, DCMX: Any) -> None:
    answered(c, BF, class_bits(QUAD, c.vr[VRB], DCMX))


@exponent("xvtstdcdp XT,XB,DCMXV", "60 XT DCMXV XB 15:4 DCMXV 5:3 DCMXV XB XT", form=DOUBLE)
@exponent("xvtstdcsp XT,XB,DCMXV", "60 XT DCMXV XB 13:4 DCMXV 5:3 DCMXV XB XT", form=SINGLE)
def xvtstdc(c: Context, XT: Any, XB: Any, DCMXV: Any, form: Format) -> None:
    """All ones in each element that is in the mask's classes, else zeros."""

    def test(x: Value) -> Value:
        return select(form.in_class(x, DCMXV), x.ir.const(-1, x.ty), 0)

    c.vsr[XT] = form.elements(test, c.vsr[XB])
