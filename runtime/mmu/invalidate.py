"""What makes translations go away: tlbie and relatives, PTEs changed by hypercall, registers, RAM that is unmapped.

The rows of the invalidation matrix, and where each is served:
    tlbie, tlbiel                   here: the page is dropped on every vCPU, or on this one
    slbie, slbia, slbmte, mtsr      segments.py: the segment is unbound; its shadow VSID stays known
    BAT write                       no BATs in this MMU: the register is only storage
    SDR1, PTCR, LPCR, LPIDR         here: next generation of shadow VSIDs
    PID, LPIDR (radix)              spaces.py: other spaces; shadow VSIDs and translations of theirs stay known
    tlbie, tlbiel with R = 1        radix_tlbie.py: a page, or the number of a space
    AMR, IAMR                       here: level 1 and jump cache only; shadow translations keep the key
    MSR[PR,IR,DR]                   nothing: tlb.set_space selects another table
    store into the HTAB             nothing until tlbie
    RA range unmapped, dirty log    here: drop_real; tlb.drop_writes
    store to a page with code       storage.py and codecache.code_written, by real page
    shadow VSIDs used up            shadow.py: next generation
"""

from __future__ import annotations

from dbt.backend.machinery import (
    compiled,
    exported,
    linked,
    machine_of,
    read64,
    u64,
    vcpu_of,
    write64,
)

from .mail import VIRTUAL_PAGE, drop_on_all, lock_tables, unlock_tables
from .shadow import ONE_TERABYTE, UNKNOWN, drop_virtual, flush_mmu, forget_fetches
from .spaces import RADIX, key_changed, partition_changed, process_changed
from .tlb import PAGE, empty_real, empty_translated
from .walk import PTE_H, page_sizes, table

SPR_AMR_USER, SPR_AMR, SPR_IAMR = u64(13), u64(29), u64(61)
SPR_SDR1, SPR_PID, SPR_LPCR, SPR_LPIDR, SPR_PTCR = u64(25), u64(48), u64(318), u64(319), u64(464)


@compiled
def size_bits(base):  # type: ignore[no-untyped-def]
    """L and LP of an SLB entry with a base page size of 1 << base bytes."""
    bits = u64(0)
    if base == u64(16):
        bits = u64(0x110)
    elif base == u64(24):
        bits = u64(0x100)
    elif base == u64(34):
        bits = u64(0x120)
    return bits


@linked
def drop_everywhere(v, key, offset, shift):  # type: ignore[no-untyped-def]
    """As drop_virtual, on every vCPU of the machine. With the table lock held."""
    machine_of(v).tlb_page_flushes += u64(1)
    return drop_on_all(v, VIRTUAL_PAGE, key, offset, shift)


@compiled
def tlbie_operand(v, rb):  # type: ignore[no-untyped-def]
    """(SLB VSID doubleword, offset, log2 actual page size) of the page that RB names (Book III 5.9.3.3)."""
    if rb & u64(1):  # L: large base page; LP is in RB[44:51], VA bits 58:64 in RB[56:62]
        va = rb & ~u64(0xF_FFFF) | (rb & u64(0xFE)) << u64(12)
        sizes = page_sizes(u64(4), rb & u64(0xF_F000))
    else:  # 4 KiB base; AP is in RB[56:58]
        va = rb & PAGE
        ap = (rb >> u64(5)) & u64(7)
        sizes = u64(0)
        if ap == u64(0):
            sizes = u64(12 << 8 | 12)
        elif ap == u64(5):
            sizes = u64(12 << 8 | 16)
        elif ap == u64(4):
            sizes = u64(12 << 8 | 24)
    base, actual = sizes >> u64(8), sizes & u64(0xFF)
    if v.shadow_wide:
        actual = UNKNOWN
    if base:
        va &= ~((u64(1) << base) - u64(1))
    if rb & u64(0x100):  # B = 1
        return ONE_TERABYTE | (va >> u64(40)) << u64(24) | size_bits(base), va & u64(0xFF_FFFF_FFFF), actual
    return (va >> u64(28)) << u64(12) | size_bits(base), va & u64(0xFFF_FFFF), actual


@exported
def tlbie(v, rb, rs):  # type: ignore[no-untyped-def]
    """Invalidate the translations of a page on every vCPU; with RB[52:53] (IS, ISA 3.0) not 0, all of them. RS (LPID) is not looked at."""
    machine_of(v).by_tlbie += u64(1)
    key, offset, shift = tlbie_operand(v, rb)
    lock_tables(v)
    drop_everywhere(v, key, offset, UNKNOWN if rb & u64(0xC00) else shift)
    unlock_tables(v)
    return u64(0)


@exported
def tlbiel(v, rb, rs):  # type: ignore[no-untyped-def]
    """As tlbie, on this vCPU only. IS not 0 names a set of the TLB: everything is dropped."""
    machine_of(v).by_tlbiel += u64(1)
    key, offset, shift = tlbie_operand(v, rb)
    drop_virtual(v, key, offset, UNKNOWN if rb & u64(0xC00) else shift)
    return u64(0)


@exported
def tlbsync(v):  # type: ignore[no-untyped-def]
    """tlbie is done when it ends: nothing to wait for."""
    return u64(0)


@compiled
def pte_page(v, index, pte0, pte1):  # type: ignore[no-untyped-def]
    """(SLB VSID doubleword, offset, log2 actual page size) of the page that the valid PTE number `index` maps.

    AVPN lacks the low 23 bits of the address; those that number the base page are recovered from the PTE's group."""
    _, groups = table(v)
    sizes = page_sizes(pte0, pte1)
    base, actual = sizes >> u64(8), sizes & u64(0xFF)
    group = index >> u64(3)
    if pte0 & PTE_H:
        group = ~group
    if pte0 & ONE_TERABYTE:
        vsid = (pte0 >> u64(24)) & u64(0x3F_FFFF_FFFF)
        key = pte0 & u64(0xFFFF_FFFF_FF00_0000) | size_bits(base)
        offset = (pte0 & u64(0xFF_FF80)) << u64(16)
        vsid ^= vsid << u64(25)
    else:
        vsid = (pte0 >> u64(12)) & u64(0x3_FFFF_FFFF_FFFF)
        key = pte0 & u64(0xFFFF_FFFF_FFFF_F000) | size_bits(base)
        offset = (pte0 & u64(0xF80)) << u64(16)
    if u64(0) < base < u64(23):
        pages = u64(1) << (u64(23) - base)
        if groups < pages:
            actual = UNKNOWN
        offset |= ((group ^ vsid) & (pages - u64(1))) << base
    return key, offset, actual


@compiled
def pte_changed(v, index, pte0, pte1):  # type: ignore[no-untyped-def]
    """PTE number `index`, until now valid with these doublewords, no longer stands: drop its translations everywhere.

    After this no vCPU looks at it, or marks it, for what it was."""
    key, offset, shift = pte_page(v, index, pte0, pte1)
    drop_everywhere(v, key, offset, shift)


@compiled
def radix_changed(v, spr):  # type: ignore[no-untyped-def]
    """As translation_changed, under radix translation."""
    if spr == SPR_AMR or spr == SPR_AMR_USER:
        key_changed(v)
    elif spr == SPR_IAMR:
        forget_fetches(v)
    elif spr == SPR_PID:
        process_changed(v)
    elif spr == SPR_LPIDR:
        partition_changed(v)
    elif spr == SPR_PTCR:
        flush_mmu(v)


@exported
def translation_changed(v, spr):  # type: ignore[no-untyped-def]
    """An SPR that takes part in translation or protection was written."""
    if v.lpcr & RADIX and spr != SPR_LPCR:
        radix_changed(v, spr)
    elif spr == SPR_AMR or spr == SPR_AMR_USER:
        machine_of(v).by_key += u64(1)
        empty_translated(v)
    elif spr == SPR_IAMR:
        machine_of(v).by_key += u64(1)
        forget_fetches(v)
    elif spr == SPR_SDR1 or spr == SPR_PTCR or spr == SPR_LPCR or spr == SPR_LPIDR or spr == SPR_PID:
        machine_of(v).by_register += u64(1)
        flush_mmu(v)
    return u64(0)


@compiled
def drop_real_here(v, first, end):  # type: ignore[no-untyped-def]
    """On this vCPU, drop every translation to a real page in [first, end)."""
    empty_real(v, first, end)
    at = v.shadow_tlb
    for _ in range(v.shadow_tlb_mask + u64(1)):
        page = read64(at + u64(8)) & PAGE
        if first <= page < end:
            write64(at, u64(0))
        at += u64(16)
    forget_fetches(v)


@exported
def drop_real(v, real, size):  # type: ignore[no-untyped-def]
    """The RAM at [real, real + size) goes away or is replaced: drop every translation to it, on every vCPU."""
    m = machine_of(v)
    first, end = real & PAGE, real + size
    if m.vcpu_count <= u64(1):
        drop_real_here(v, first, end)
        return u64(0)
    for i in range(m.vcpu_count):
        drop_real_here(vcpu_of(m, i), first, end)
    return u64(0)
