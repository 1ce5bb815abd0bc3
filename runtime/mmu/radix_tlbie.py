"""tlbie and tlbiel with R = 1 (ISA 3.0B Book III 5.9.3.3).

    RB    EPN 0:51 (with IS = 0), set 40:51 (tlbiel, IS > 0), IS 52:53, AP 56:58        RS    PID 0:31, LPID 32:63
    how   RIC | PRS << 2
    RIC   0 translations, 1 page walk cache, 2 both and process table entries, 3 a run of translations
    IS    0 a page, 1 a PID, 2 an LPID, 3 all

Cached are whole translations only: there is no page walk cache, and no table entry is kept. All translations are in set 0 of the TLB,
so that invalidating a PID set by set, as tlbiel asks for, is done once.
"""

from __future__ import annotations

from dbt.backend.machinery import compiled, exported, machine_of, u64
from dbt.exits import Exit

from .mail import NAMED_BY_RADIX, drop_on_all, lock_tables, unlock_tables
from .spaces import drop_named

PROGRAM, PRIVILEGED = u64(Exit.PROGRAM), u64(0x4_0000)
HV, GTSE = u64(1 << 60), u64(0x400)  # MSR; LPCR
PROCESS = u64(4)


@compiled
def refused(v, how):  # type: ignore[no-untyped-def]
    """Whether it is the hypervisor's to do: partition-scoped translations are, and all where LPCR[GTSE] = 0."""
    if v.msr & HV == u64(0) and (how & PROCESS == u64(0) or v.lpcr & GTSE == u64(0)):
        v.exit = PROGRAM
        v.exit_arg = PRIVILEGED
        return True
    return False


@exported
def radix_tlbie(v, rb, rs, how):  # type: ignore[no-untyped-def]
    """On every vCPU of the machine. (A partition names no LPID but its own.)"""
    if refused(v, how):
        return u64(0)
    machine_of(v).tlb_page_flushes += u64(1)
    lock_tables(v)
    drop_on_all(v, NAMED_BY_RADIX, rb, rs >> u64(32), how)
    unlock_tables(v)
    return u64(0)


@exported
def radix_tlbiel(v, rb, rs, how):  # type: ignore[no-untyped-def]
    """On this vCPU."""
    if refused(v, how) or (rb & u64(0xC00) and (rb >> u64(12)) & u64(0xFFF)):
        return u64(0)
    drop_named(v, rb, rs >> u64(32), how)
    return u64(0)
