"""tlbie and tlbiel with R = 1 (ISA 3.0B Book III 5.9.3.3).

    RB    EPN 0:51 (with IS = 0), set 40:51 (tlbiel, IS > 0), IS 52:53, AP 56:58        RS    PID 0:31, LPID 32:63
    how   RIC | PRS << 2
    RIC   0 translations, 1 page walk cache, 2 both and process table entries, 3 a run of translations
    IS    0 a page, 1 a PID, 2 an LPID, 3 all

Cached are whole translations only: there is no page walk cache, and no table entry is kept. All translations are in set 0 of the TLB,
so that invalidating a PID set by set, as tlbiel asks for, is done once.
"""

from __future__ import annotations

from dbt.backend.machinery import compiled, exported, machine_of, read64, u64, vcpu_at
from dbt.exits import Exit

from .invalidate import UNKNOWN
from .shadow import flush_mmu
from .spaces import RADIX, drop_space, drop_space_page

PROGRAM, PRIVILEGED = u64(Exit.PROGRAM), u64(0x4_0000)
HV, GTSE = u64(1 << 60), u64(0x400)  # MSR; LPCR
RIC, WALK_CACHE, RUN, PROCESS = u64(3), u64(1), u64(3), u64(4)


@compiled
def refused(v, how):  # type: ignore[no-untyped-def]
    """Whether it is the hypervisor's to do: partition-scoped translations are, and all where LPCR[GTSE] = 0."""
    if v.msr & HV == u64(0) and (how & PROCESS == u64(0) or v.lpcr & GTSE == u64(0)):
        v.exit = PROGRAM
        v.exit_arg = PRIVILEGED
        return True
    return False


@compiled
def page_shift(rb):  # type: ignore[no-untyped-def]
    """log2 page size of an operand's AP; UNKNOWN for a reserved one."""
    ap = (rb >> u64(5)) & u64(7)
    if ap == u64(0):
        return u64(12)
    if ap == u64(5):
        return u64(16)
    if ap == u64(1):
        return u64(21)
    return u64(30) if ap == u64(2) else UNKNOWN


@compiled
def drop(v, rb, pid, how):  # type: ignore[no-untyped-def]
    """Drop what is named on this vCPU."""
    scope = (rb >> u64(10)) & u64(3)
    if how & RIC == WALK_CACHE:
        return
    shift = page_shift(rb)
    if scope >= u64(2) or v.lpcr & RADIX == u64(0):
        flush_mmu(v)
    elif scope == u64(1) or shift == UNKNOWN or how & RIC == RUN:
        drop_space(v, pid)
    else:
        drop_space_page(v, pid, rb, shift)


@exported
def radix_tlbie(v, rb, rs, how):  # type: ignore[no-untyped-def]
    """On every vCPU of the machine. (A partition names no LPID but its own.)"""
    if refused(v, how):
        return u64(0)
    m = machine_of(v)
    m.tlb_page_flushes += u64(1)
    pid = rs >> u64(32)
    for i in range(m.vcpu_count):
        drop(vcpu_at(read64(m.vcpus + (u64(i) << u64(3)))), rb, pid, how)
    return u64(0)


@exported
def radix_tlbiel(v, rb, rs, how):  # type: ignore[no-untyped-def]
    """On this vCPU."""
    if refused(v, how) or (rb & u64(0xC00) and (rb >> u64(12)) & u64(0xFFF)):
        return u64(0)
    drop(v, rb, rs >> u64(32), how)
    return u64(0)
