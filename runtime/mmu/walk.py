"""The hashed page table: from a virtual page to its PTE (Book III 5.7.7), and what a PTE allows (5.7.9).

A table is a number of groups (a power of two) of eight 16-byte big-endian PTEs. It is the machine's own (`htab`, a host address: what a
hypervisor gives a partition) or, where that is 0, the one in RAM that SDR1 names.
"""

from __future__ import annotations

from dbt.backend.machinery import (
    atomic_or8,
    bswap64,
    compiled,
    machine_of,
    read64,
    u64,
)

from .faults import FETCH, IS_STORE, KEY_FAULT, NO_EXECUTE, PROTECTED, STORE
from .shadow import ONE_TERABYTE

# PTE, first doubleword: B, AVPN, software bits, L, H, V. Second: PP0, key, RPN with LP, R, C, WIMG, N, PP.
PTE_V, PTE_H, PTE_L = u64(1), u64(2), u64(4)
PTE_TAG = u64(0xFFFF_FFFF_FFFF_FF83)  # B, AVPN, H, V
PTE_RPN = u64(0x0FFF_FFFF_FFFF_F000)
PTE_R, PTE_C, PTE_G, PTE_N = u64(0x100), u64(0x80), u64(8), u64(4)
PTE_BYTES, GROUP_BYTES = u64(16), u64(128)
HASH = u64((1 << 39) - 1)

# attributes kept with a shadow translation
A_PP, A_N, A_G, A_C, A_KEY_SHIFT = u64(7), u64(8), u64(0x10), u64(0x20), u64(6)


@compiled
def base_shift(slb_v):  # type: ignore[no-untyped-def]
    """log2 of the base page size that L and LP of an SLB entry select; 0 for a reserved encoding."""
    size = slb_v & u64(0x130)
    shift = u64(0)
    if size & u64(0x100) == u64(0):
        shift = u64(12)
    elif size == u64(0x110):
        shift = u64(16)
    elif size == u64(0x100):
        shift = u64(24)
    elif size == u64(0x120):
        shift = u64(34)
    return shift


@compiled
def page_sizes(pte0, pte1):  # type: ignore[no-untyped-def]
    """log2 base page size << 8 | log2 actual page size of a PTE, from L and LP; 0 for an unknown encoding.

    The encodings are those that the device tree's ibm,segment-page-sizes announces, with 64 KB pages in 4 KB segments and 16 GB pages."""
    if pte0 & PTE_L == u64(0):
        return u64(12 << 8 | 12)
    lp = (pte1 >> u64(12)) & u64(0xFF)
    if lp & u64(15) == u64(1):
        return u64(16 << 8 | 16)
    if lp & u64(15) == u64(7):
        return u64(12 << 8 | 16)
    if lp == u64(0x38):
        return u64(12 << 8 | 24)
    if lp == u64(8):
        return u64(16 << 8 | 24)
    if lp == u64(0):
        return u64(24 << 8 | 24)
    if lp == u64(3):
        return u64(34 << 8 | 34)
    return u64(0)


@compiled
def table(v):  # type: ignore[no-untyped-def]
    """(host address, groups) of the hashed page table; groups is 0 if SDR1 names no valid one."""
    m = machine_of(v)
    if m.htab:
        return m.htab, m.htab_groups
    origin = v.sdr1 & u64(0x0FFF_FFFF_FFFC_0000)
    size = v.sdr1 & u64(31)
    groups = u64(0)
    if size <= u64(28):
        groups = u64(1) << (size + u64(11))
        origin &= ~((groups << u64(7)) - u64(1))
        if origin + (groups << u64(7)) > m.ram_size:
            groups = u64(0)
    return m.ram + origin, groups


@compiled
def hash_of(slb_v, offset, shift):  # type: ignore[no-untyped-def]
    """The primary hash of the page at `offset` in a segment (Book III 5.7.7.1)."""
    page = offset >> shift
    if slb_v & ONE_TERABYTE:
        vsid = (slb_v >> u64(24)) & u64(0x3F_FFFF_FFFF)
        return (vsid ^ (vsid << u64(25)) ^ page) & HASH
    return (((slb_v >> u64(12)) & u64(0x3_FFFF_FFFF_FFFF)) ^ page) & HASH


@compiled
def search(v, slb_v, offset):  # type: ignore[no-untyped-def]
    """(host address of the PTE, its first doubleword, its second, log2 actual page size), or an address of 0 if there is none."""
    shift = base_shift(slb_v)
    at, groups = table(v)
    v.walk_misses += u64(1)
    if shift == u64(0) or groups == u64(0):
        return u64(0), u64(0), u64(0), u64(0)
    h = hash_of(slb_v, offset, shift)
    vsid = slb_v & u64(0xFFFF_FFFF_FF00_0000 if slb_v & ONE_TERABYTE else 0xFFFF_FFFF_FFFF_F000)
    wanted = vsid | ((offset >> shift) << shift) >> u64(16) & u64(0x3FFF_FFFF_FFFF_FF80) | PTE_V
    for secondary in range(2):
        pte = at + (h & (groups - u64(1))) * GROUP_BYTES
        for _ in range(8):
            pte0 = bswap64(read64(pte))
            if (pte0 ^ wanted) & PTE_TAG == u64(0):
                pte1 = bswap64(read64(pte + u64(8)))
                sizes = page_sizes(pte0, pte1)
                if sizes >> u64(8) == shift:
                    return pte, pte0, pte1, sizes & u64(0xFF)
            pte += PTE_BYTES
        h = ~h
        wanted |= PTE_H
    return u64(0), u64(0), u64(0), u64(0)


@compiled
def real_address(pte1, shift, ea):  # type: ignore[no-untyped-def]
    """The real address in a page of 1 << shift bytes; RPN bits that the size does not use (LP) are ignored."""
    within = (u64(1) << shift) - u64(1)
    return (pte1 & PTE_RPN & ~within) | (ea & within)


@compiled
def attributes(pte1):  # type: ignore[no-untyped-def]
    """The attributes of a PTE in the form shadow translations keep them."""
    key = (pte1 >> u64(57)) & u64(0x18) | (pte1 >> u64(9)) & u64(7)
    return (
        pte1 & u64(3)
        | (pte1 >> u64(61)) & u64(4)
        | (pte1 & PTE_N) << u64(1)
        | (pte1 & PTE_G) << u64(1)
        | (pte1 & PTE_C) >> u64(2)
        | key << A_KEY_SHIFT
    )


@compiled
def refused(v, attr, slb_v, access, problem):  # type: ignore[no-untyped-def]
    """DSISR or SRR1 bits of an access that a page's attributes do not allow; 0 if they do (Book III 5.7.9)."""
    pp = attr & A_PP
    bits = u64(0)
    if slb_v & (u64(0x400) if problem else u64(0x800)):  # Kp or Ks: the key is 1
        readable = pp == u64(1) or pp == u64(2) or pp == u64(3)
        writable = pp == u64(2)
    else:
        readable = pp < u64(4) or pp == u64(6)
        writable = pp < u64(3)
    key = u64(62) - (((attr >> A_KEY_SHIFT) & u64(31)) << u64(1))
    if access == FETCH:
        if attr & (A_N | A_G):
            bits = NO_EXECUTE
        elif not readable:
            bits = PROTECTED
        if (v.iamr >> key) & u64(1):
            bits |= KEY_FAULT
        return bits
    if not (writable if access == STORE else readable):
        bits = PROTECTED
    if (v.amr >> key) & (u64(2) if access == STORE else u64(1)):
        bits |= KEY_FAULT
    if bits and access == STORE:
        bits |= IS_STORE
    return bits


@compiled
def note_access(pte, pte1, access):  # type: ignore[no-untyped-def]
    """Set R, and C for a store, in the PTE: one byte each, as the processor may (Book III 5.7.8), and nothing else of it."""
    if pte1 & PTE_R == u64(0):
        atomic_or8(pte + u64(14), u64(1))
    if access == STORE and pte1 & PTE_C == u64(0):
        atomic_or8(pte + u64(15), PTE_C)
