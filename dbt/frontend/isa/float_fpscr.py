"""The floating-point status and control register (Book I 4.2.2, 4.6.8).

FPRF is lazy: the slots fp_result and fp_class say what it describes, and only a read of FPSCR works it out.
The sticky bits of comparisons, conversions to integers and division by zero are kept. Those of other arithmetic (OX UX
XX, VXSNAN, VXISI, VXIDI, VXZDZ, VXIMZ, VXSQRT, and FR and FI) are not yet; nor are directed rounding and enabled
exceptions: arithmetic under FPSCR[RN] != 0 or with an exception enabled leaves with Exit.EMULATE and never goes on with
a wrong answer.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ...exits import Exit
from ...ir.builder import Value
from ...ir.ops import select, ult
from ...ir.types import i1, i8, i64
from ..context import FP_ENABLED, Context
from ..insn import insn

fp = partial(insn, needs="fp")

FX, FEX, VX, ZX = 1 << 31, 1 << 30, 1 << 29, 1 << 26
VXSNAN, VXVC, VXCVI = 1 << 24, 1 << 19, 1 << 8
INVALID = 0x01F8_0700  # VXSNAN VXISI VXIDI VXZDZ VXIMZ VXVC, VXSOFT VXSQRT VXCVI
STICKY = 0x1E00_0000 | INVALID  # what mtfsb1 and friends set FX for: OX UX ZX XX and the invalid ones
FPRF, FPCC = 0x1F000, 0xF000
UNSUPPORTED = 0xFB  # VE OE UE ZE XE, RN; NI may be ignored
DRN = 0x7 << 32
IMPLEMENTED = 0xFFFF_F7FF | DRN  # bit 52 is reserved
ENABLED_MODES = 0x900  # MSR[FE0], MSR[FE1]

# fp_class: FPRF is held in FPSCR itself, or is the class of fp_result as a double or a single; with OVERRIDDEN, FPCC
# is fp_cc
HELD, DOUBLE, SINGLE, OVERRIDDEN = 0, 1, 2, 4
SIGN, INFINITY, QUIET = 1 << 63, 0x7FF << 52, 1 << 51


def is_nan(bits: Value) -> Value:
    """Whether a double is a NaN."""
    return ult(bits.ir.const(INFINITY), bits & ~SIGN)


def is_signalling(bits: Value) -> Value:
    """Whether a double is a signalling NaN."""
    return is_nan(bits) & ((bits & QUIET) == 0)


def nearest_only(c: Context) -> None:
    """At the start of every instruction that computes: what is not provided for is left to the machine, not guessed."""
    word = c.word if isinstance(c.word, int) else c.word.to(i64)
    c.exit_if((c.reg("fpscr") & UNSUPPORTED) != 0, Exit.EMULATE, word, after=True)


def float_result(c: Context, FRT: Any, bits: Value, single: bool = False) -> None:
    """FRT = the result of an arithmetic instruction, which FPRF describes from now on."""
    c.fpr[FRT] = bits
    c.set_reg("fp_result", bits)
    c.set_reg("fp_class", SINGLE if single else DOUBLE)


def classified(bits: Value, single: Value) -> Value:
    """FPRF of a result: C, then the four bits of FPCC (Book I 4.2.2, figure 47), as the low five bits."""
    magnitude = bits & ~SIGN
    negative, zero, nan = (bits >> 63).to(i1), magnitude == 0, is_nan(bits)
    smallest = select(single, bits.ir.const(0x381 << 52), 1 << 52)
    tiny = ult(magnitude, smallest) & ~zero
    c = nan | tiny | (zero & negative)
    order = select(zero, bits.ir.const(2), select(negative, bits.ir.const(8), 4))
    cc = select(nan, bits.ir.const(1), order | (magnitude == INFINITY).to(i64))
    return (c.to(i64) << 4) | cc


def read_fpscr(c: Context) -> Value:
    """FPSCR, with FPRF worked out."""
    held, kind = c.reg("fpscr"), c.reg("fp_class")
    fprf = classified(c.reg("fp_result"), (kind & SINGLE) != 0) << 12
    v = select((kind & (DOUBLE | SINGLE)) != 0, (held & ~FPRF) | fprf, held)
    return select((kind & OVERRIDDEN) != 0, (v & ~FPCC) | (c.reg("fp_cc").to(i64) << 12), v)


def write_fpscr(c: Context, v: Value) -> None:
    """Set FPSCR, its summary bits VX and FEX with it; then the enabled-exception interrupt, if it is due."""
    v = v & (IMPLEMENTED & ~(VX | FEX))
    invalid = (v & INVALID) != 0
    v = v | select(invalid, v.ir.const(VX), 0)
    # the enable bits VE OE UE ZE XE (7..3) stand below VX OX UX ZX XX (29..25) in the same order
    enabled = ((v >> 22) & v & 0xF8) != 0
    c.set_reg("fpscr", v | select(enabled, v.ir.const(FEX), 0))
    c.set_reg("fp_class", HELD)
    c.exit_if(enabled & ((c.msr & ENABLED_MODES) != 0), Exit.PROGRAM, FP_ENABLED)


def set_sticky(c: Context, condition: Value, bits: int) -> None:
    """Set exception bits if `condition`, FX if one of them was clear, and VX."""
    old = c.reg("fpscr")
    summary = VX if bits & INVALID else 0
    fx = select((~old & bits) != 0, old.ir.const(FX), 0)
    c.set_reg("fpscr", select(condition, old | fx | (bits | summary), old))


def compared(c: Context, cc: Value) -> None:
    """FPCC of a comparison (the class bit C stays)."""
    c.set_reg("fp_cc", cc.to(i8))
    c.set_reg("fp_class", c.reg("fp_class") | OVERRIDDEN)


def record(c: Context, Rc: Any) -> None:
    """CR1 = FX FEX VX OX, if Rc (Book I 2.3.1)."""
    if Rc:
        c.cr[1] = ((c.reg("fpscr") >> 28) & 15).to(i8)


# -- instructions (Book I 4.6.8)


def field_mask(c: Context, FLM: Any) -> Value:
    """Four bits of FPSCR for each bit of FLM."""
    out = c.const(0)
    for n in range(8):
        out = out | (((c.const(FLM) >> n) & 1) * (0xF << 4 * n))
    return out


@fp("mffs[.] FRT", "63 FRT /:10 583 Rc", section="I 4.6.8")
def mffs(c: Context, FRT: Any, Rc: Any) -> None:
    c.fpr[FRT] = read_fpscr(c)
    record(c, Rc)


@fp("mcrfs BF,BFA", "63 BF /:2 BFA /:7 64:10 /", section="I 4.6.8")
def mcrfs(c: Context, BF: Any, BFA: Any) -> None:
    """The exception bits copied are cleared, the summaries FEX and VX are not copied back."""
    v = read_fpscr(c)
    shift = ((7 - c.const(BFA)) & 7) * 4
    c.cr[BF] = ((v >> shift) & 15).to(i8)
    write_fpscr(c, v & ~((c.const(15) << shift) & (STICKY | FX)))


@fp("mtfsfi[.] BFF,U,FW", "63 BFF /:6 FW U / 134 Rc", section="I 4.6.8")
def mtfsfi(c: Context, BFF: Any, U: Any, FW: Any, Rc: Any) -> None:
    """FW 1 addresses the upper word, of which only DRN (field 7) exists."""
    shift = (7 - c.const(BFF)) * 4
    if FW:
        shift = shift + 32
    write_fpscr(c, (read_fpscr(c) & ~(c.const(15) << shift)) | (c.const(U) << shift))
    record(c, Rc)


@fp("mtfsf[.] FLM,FRB,FL,FW", "63 FL FLM FW FRB 711 Rc", section="I 4.6.8")
def mtfsf(c: Context, FL: Any, FLM: Any, FW: Any, FRB: Any, Rc: Any) -> None:
    """FL (L in the manual) takes all 64 bits; else the word FW names, by the fields FLM names."""
    source = c.fpr[FRB]
    if FL:
        write_fpscr(c, source)
    elif FW:
        mask = field_mask(c, FLM) << 32
        write_fpscr(c, (read_fpscr(c) & ~mask) | ((source << 32) & mask))
    else:
        mask = field_mask(c, FLM)
        write_fpscr(c, (read_fpscr(c) & ~mask) | (source & mask))
    record(c, Rc)


@fp("mtfsb0[.] BTF", "63 BTF /:10 70 Rc", section="I 4.6.8", value=0)
@fp("mtfsb1[.] BTF", "63 BTF /:10 38 Rc", section="I 4.6.8", value=1)
def mtfsb(c: Context, BTF: Any, Rc: Any, value: int) -> None:
    """FEX and VX (bits 1 and 2) cannot be set: write_fpscr works them out. Setting an exception bit sets FX."""
    v = read_fpscr(c)
    bit = c.const(1) << (31 - c.const(BTF))
    if value:
        raised = (bit & ~v & STICKY) != 0
        write_fpscr(c, v | bit | select(raised, c.const(FX), 0))
    else:
        write_fpscr(c, v & ~bit)
    record(c, Rc)
