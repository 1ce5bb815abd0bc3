"""Interrupt delivery, as Book III 6.5 defines it for a guest of the hypervisor. Compiled: most exits end here."""

from __future__ import annotations

import numpy as np

from dbt.backend.machinery import compiled, exported, linked, u64
from dbt.exits import Exit

from .mmu.shared_page import in_critical_section

MSR_SF, MSR_EE, MSR_PR = u64(1 << 63), u64(0x8000), u64(0x4000)
MSR_ME, MSR_IR, MSR_DR, MSR_LE = u64(0x1000), u64(0x20), u64(0x10), u64(1)
SRR1_KEEPS = ~u64(0x783F_0000)  # SRR1 33:36 and 42:47 say why; the rest is the MSR
LPCR_AIL_SHIFT, LPCR_ILE = u64(23), u64(0x0200_0000)
AIL_HIGH, AIL_LOW = u64(0xC000_0000_0000_4000), u64(0x1_8000)  # AIL 3 and 2
PENDING_DECREMENTER, PENDING_DOORBELL = u64(2), u64(4)
LOW_WORD = u64(0xFFFF_FFFF)
ALIGNMENT = u64(Exit.ALIGNMENT)
FACILITY = u64(Exit.FACILITY)
FAULT = u64(Exit.FAULT)
PROGRAM = u64(Exit.PROGRAM)
SYSCALL, SCV = u64(Exit.SYSCALL), u64(0x100)
MSR_RI = u64(2)


@compiled
def set_mode(v):  # type: ignore[no-untyped-def]
    """Derive what translated code depends on from the MSR: the TLB in use and the jump-cache context."""
    msr = v.msr
    if msr & MSR_DR:
        space = u64(2) if msr & MSR_PR else u64(1)
    else:
        space = u64(0)
    v.tlb = v.tlb_base + space * v.tlb_stride
    if msr & MSR_IR:
        space = u64(2) if msr & MSR_PR else u64(1)
    else:
        space = u64(0)
    mode = (msr >> u64(63)) | (msr & MSR_LE) << u64(1) | (msr & MSR_PR) >> u64(12) | v.trap_privileged << u64(3)
    v.mode = mode
    v.context = u64(0x800) | space << u64(4) | mode


@compiled
def deliver(v, vector, why):  # type: ignore[no-untyped-def]
    """Take an interrupt: SRR0 from nia, SRR1 from the MSR and `why`, go to its vector (Book III 6.4.3, 6.5)."""
    msr = v.msr
    v.srr0 = v.nia
    v.srr1 = (msr & SRR1_KEEPS) | why
    new = MSR_SF | (msr & MSR_ME)
    if v.lpcr & LPCR_ILE:
        new |= MSR_LE
    base = u64(0)
    ail = v.lpcr >> LPCR_AIL_SHIFT & u64(3)
    relocated = msr & (MSR_IR | MSR_DR) == MSR_IR | MSR_DR
    if ail >= u64(2) and relocated and vector != u64(0x100) and vector != u64(0x200):
        base = AIL_HIGH if ail == u64(3) else AIL_LOW
        new |= MSR_IR | MSR_DR
    v.msr = new
    v.nia = base + vector
    v.delivered[vector >> u64(5) & u64(127)] += u64(1)
    set_mode(v)


@linked
def deliver_vectored(v, level):  # type: ignore[no-untyped-def]
    """scv: LR and CTR take the place of SRR0 and SRR1, and EE and RI stay (ISA 3.0B Book III 3.3.1, 6.5.28)."""
    msr, srr0, srr1 = v.msr, v.srr0, v.srr1
    deliver(v, u64(0x3000), u64(0))
    if v.msr & MSR_IR:  # AIL: 0xC000000000003000 or 0x17000
        v.nia -= u64(0x4000)
    else:
        v.nia = u64(0x1_7000)
    v.nia += level << u64(5)
    v.lr, v.ctr = v.srr0, v.srr1
    v.srr0, v.srr1 = srr0, srr1
    v.msr |= msr & (MSR_EE | MSR_RI)
    return u64(0)


@compiled
def take_pending(v):  # type: ignore[no-untyped-def]
    """Deliver the asynchronous interrupt that is due, if MSR[EE] lets it through: external first, then decrementer."""
    if np.int64(v.icount + v.tb_offset - v.dec_expiry) >= 0:  # DEC is negative (Book III 6.5.11: as long as it is)
        v.pending |= PENDING_DECREMENTER
    else:
        v.pending &= ~PENDING_DECREMENTER
    if (v.pending or v.external) and v.msr & MSR_EE:
        deliver_asynchronous(v)


@linked
def deliver_asynchronous(v):  # type: ignore[no-untyped-def]
    """An interrupt is pending and enabled."""
    if in_critical_section(v):
        return u64(0)
    if v.external:
        deliver(v, u64(0x500), u64(0))
    elif v.pending & PENDING_DECREMENTER:
        deliver(v, u64(0x900), u64(0))
    else:
        v.pending &= ~PENDING_DOORBELL
        deliver(v, u64(0xA00), u64(0))
    return u64(0)


@linked
def deliver_synchronous(v, kind):  # type: ignore[no-untyped-def]
    """The interrupt that an exit of this kind stands for; 0 if it stands for none."""
    if kind == FAULT:
        vector = v.fault_vector
        if vector == u64(0x300) or vector == u64(0x380):
            v.dar = v.fault_dar
            if vector == u64(0x300):
                v.dsisr = v.fault_dsisr & LOW_WORD
            deliver(v, vector, u64(0))
        else:
            deliver(v, vector, v.fault_dsisr)
    elif kind == SYSCALL:
        if v.exit_arg & SCV:
            deliver_vectored(v, v.exit_arg & u64(0x7F))
        else:
            deliver(v, u64(0xC00), u64(0))
    elif kind == PROGRAM:
        deliver(v, u64(0x700), v.exit_arg)
    elif kind == FACILITY:
        vector = v.exit_arg & u64(0xFFFF)
        if vector == u64(0xF60):  # FSCR[0:7] says which facility (Book III 6.2.11)
            v.fscr = (v.fscr & u64(0x00FF_FFFF_FFFF_FFFF)) | (v.exit_arg >> u64(16)) << u64(56)
        deliver(v, vector, u64(0))
    elif kind == ALIGNMENT:
        v.dar = v.exit_arg
        deliver(v, u64(0x600), u64(0))
    else:
        return u64(0)
    return u64(1)


@exported
def interrupt(v, vector, why):  # type: ignore[no-untyped-def]
    """Deliver an interrupt from Python (machine check, system reset, what a device model decides)."""
    deliver(v, vector, why)
    return u64(0)


@exported
def mode_changed(v):  # type: ignore[no-untyped-def]
    """The MSR was set from outside translated code."""
    set_mode(v)
    return u64(0)
