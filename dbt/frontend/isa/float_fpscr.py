"""The floating-point status and control register (Book I 4.2.2, 4.6.8).

FPSCR is lazy (float_model.py); whatever reads or writes it settles it first, and then it is a register like any other.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from ...exits import Exit
from ...fpscr import (
    DRN,
    ENABLES,
    FE,
    FEX,
    FI,
    FP_ENABLED,
    FPRF,
    FR,
    FX,
    IMPLEMENTED,
    INFINITY,
    INVALID,
    NI,
    QUIET,
    RN,
    SIGN,
    STICKY,
    VX,
)
from ...ir.builder import Value
from ...ir.ops import select, ult
from ...ir.types import i8
from ..context import Context
from ..insn import insn
from .float_model import compared

fp = partial(insn, needs="fp")


def is_nan(bits: Value) -> Value:
    """Whether a double is a NaN."""
    return ult(bits.ir.const(INFINITY), bits & ~SIGN)


def is_signalling(bits: Value) -> Value:
    """Whether a double is a signalling NaN."""
    return is_nan(bits) & ((bits & QUIET) == 0)


def read_fpscr(c: Context) -> Value:
    """FPSCR, brought up to date."""
    c.call("fp_settle")
    return c.reg("fpscr")


def write_fpscr(c: Context, v: Value, Rc: Any = 0) -> None:
    """Set FPSCR, its summary bits VX and FEX with it, CR1 if Rc; then the enabled-exception interrupt, if it is due."""
    v = v & (IMPLEMENTED & ~(VX | FEX))
    v = v | select((v & INVALID) != 0, v.ir.const(VX), 0)
    # the enable bits VE OE UE ZE XE (7..3) stand below VX OX UX ZX XX (29..25) in the same order
    enabled = ((v >> 22) & v & ENABLES) != 0
    c.set_reg("fpscr", v | select(enabled, v.ir.const(FEX), 0))
    record(c, Rc, settled=True)
    c.exit_if(enabled & ((c.msr & FE) != 0), Exit.PROGRAM, FP_ENABLED)


def record(c: Context, Rc: Any, settled: bool = False) -> None:
    """CR1 = FX FEX VX OX, if Rc (Book I 2.3.1)."""
    if Rc:
        v = c.reg("fpscr") if settled else read_fpscr(c)
        c.cr[1] = ((v >> 28) & 15).to(i8)


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
    record(c, Rc, settled=True)


@fp("mffsl FRT", "63 FRT 24:5 /:5 583:10 /", since="3.0", section="I 4.6.8")
def mffsl(c: Context, FRT: Any) -> None:
    """The control bits and what a non-sticky reader wants: DRN, FI, FR, the enables, NI, RN."""
    c.fpr[FRT] = read_fpscr(c) & (DRN | FPRF | FR | FI | ENABLES | NI | RN)


@fp("mffsce FRT", "63 FRT 1:5 /:5 583:10 /", since="3.0", section="I 4.6.8")
def mffsce(c: Context, FRT: Any) -> None:
    """Read all, clear the enables."""
    v = read_fpscr(c)
    c.fpr[FRT] = v
    write_fpscr(c, v & ~ENABLES)


def control_and_set(c: Context, FRT: Any, mask: int, new: Value) -> None:
    """FRT = the control bits; then those of `mask` are set."""
    v = read_fpscr(c)
    c.fpr[FRT] = v & (DRN | ENABLES | NI | RN)
    write_fpscr(c, (v & ~mask) | (new & mask))


@fp("mffscdrn FRT,FRB", "63 FRT 20:5 FRB 583:10 /", since="3.0", section="I 4.6.8", mask=DRN)
@fp("mffscrn FRT,FRB", "63 FRT 22:5 FRB 583:10 /", since="3.0", section="I 4.6.8", mask=RN)
def mffsc(c: Context, FRT: Any, FRB: Any, mask: int) -> None:
    control_and_set(c, FRT, mask, c.fpr[FRB])


@fp("mffscdrni FRT,DRM", "63 FRT 21:5 /:2 DRM 583:10 /", since="3.0", section="I 4.6.8")
def mffscdrni(c: Context, FRT: Any, DRM: Any) -> None:
    control_and_set(c, FRT, DRN, c.const(DRM) << 32)


@fp("mffscrni FRT,RM", "63 FRT 23:5 /:3 RM 583:10 /", since="3.0", section="I 4.6.8")
def mffscrni(c: Context, FRT: Any, RM: Any) -> None:
    control_and_set(c, FRT, RN, c.const(RM))


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
    write_fpscr(c, (read_fpscr(c) & ~(c.const(15) << shift)) | (c.const(U) << shift), Rc)


@fp("mtfsf[.] FLM,FRB,FL,FW", "63 FL FLM FW FRB 711 Rc", section="I 4.6.8")
def mtfsf(c: Context, FL: Any, FLM: Any, FW: Any, FRB: Any, Rc: Any) -> None:
    """FL (L in the manual) takes all 64 bits; else the word FW names, by the fields FLM names."""
    held = read_fpscr(c)
    source = c.fpr[FRB]
    if FL:
        v = source
    elif FW:
        mask = field_mask(c, FLM) << 32
        v = (held & ~mask) | ((source << 32) & mask)
    else:
        mask = field_mask(c, FLM)
        v = (held & ~mask) | (source & mask)
    write_fpscr(c, v, Rc)


@fp("mtfsb0[.] BTF", "63 BTF /:10 70 Rc", section="I 4.6.8", value=0)
@fp("mtfsb1[.] BTF", "63 BTF /:10 38 Rc", section="I 4.6.8", value=1)
def mtfsb(c: Context, BTF: Any, Rc: Any, value: int) -> None:
    """FEX and VX (bits 1 and 2) cannot be set: write_fpscr works them out. Setting an exception bit sets FX."""
    v = read_fpscr(c)
    bit = c.const(1) << (31 - c.const(BTF))
    if value:
        raised = (bit & ~v & STICKY) != 0
        write_fpscr(c, v | bit | select(raised, c.const(FX), 0), Rc)
    else:
        write_fpscr(c, v & ~bit, Rc)


__all__ = ["compared", "is_nan", "is_signalling", "read_fpscr", "record", "write_fpscr"]
