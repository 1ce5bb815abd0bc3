"""Radix tree translation, process-scoped, as a partition sees it (ISA 3.0B Book III 5.7.10; MSR[HV]=0).

    EA    quadrant (2 bits) | 0 | offset: RTS + 31 bits, cut into the indexes of the levels and the page offset
    process table entry     RTS in two pieces, root page directory: address and log2 of its entries
    page directory entry    V, L = 0, next level: address and log2 of its entries
    page table entry        V, L = 1, RPN, R, C, ATT, EAA

A partition's real addresses are guest real addresses: what the hypervisor puts them through is the machine's own affair, and no
second tree. The process table is the one the partition registered (H_REGISTER_PROC_TBL). Table entries outside RAM read as zero.

Leaves of 4 KiB, 64 KiB, 2 MiB and 1 GiB are supported; levels may have any sizes that lead to them.
"""

from __future__ import annotations

from dbt import shared
from dbt.backend.machinery import (
    atomic_or8,
    bswap64,
    compare_and_swap64,
    compiled,
    linked,
    machine_of,
    read8,
    read64,
    u64,
    write64,
)

from .faults import (
    BAD_TREE,
    FETCH,
    LOAD,
    NO_EXECUTE,
    NO_PTE,
    NOT_RECORDED,
    PROTECTED,
    STORE,
    UNREADABLE,
    UNSEEN,
    page_fault,
    segment_fault,
)
from .shadow import FETCHED, insert, shadow_entry, shadow_key
from .spaces import bound_space, note_unprivileged, outside
from .tlb import OFFSET, PAGE

V, L = u64(1 << 63), u64(1 << 62)
NEXT = u64(0x0FFF_FFFF_FFFF_FF00)  # address of a page directory
TABLE = u64(0x0FFF_FFFF_FFFF_F000)  # address of the process table
RPN = u64(0x01FF_FFFF_FFFF_F000)
R, C = u64(0x100), u64(0x80)
ATT, NON_IDEMPOTENT = u64(0x30), u64(0x20)
# EAA; kept with a shadow translation where they are
PRIVILEGED, READ, READ_WRITE, EXECUTE = u64(8), u64(4), u64(2), u64(1)
EAA = u64(15)
A_GUARDED, A_C = u64(0x10), u64(0x20)
SEGMENT = u64(1)  # among fault bits: not a storage but a segment interrupt
WITHIN = u64(0x3FFF_FFFF_FFFF_FFFF)
DIRTY, READ_ONLY = u64(shared.PAGE_DIRTY), u64(shared.PAGE_READ_ONLY)
KEY0_NO_STORE, KEY0_NO_LOAD = u64(1 << 63), u64(1 << 62)  # AMR
KEY0_NO_FETCH = u64(1 << 62)  # IAMR


@compiled
def entry_at(m, real):  # type: ignore[no-untyped-def]
    """A doubleword of a table."""
    return bswap64(read64(m.ram + real)) if real + u64(8) <= m.ram_size else u64(0)


@compiled
def leaf(v, ea, pid):  # type: ignore[no-untyped-def]
    """(real address of the page table entry, the entry, log2 page size, 0), or (0, 0, 0, fault bits)."""
    m = machine_of(v)
    v.walk_misses += u64(1)
    none = u64(0)
    table = m.process_table
    size = u64(1) << ((table & u64(31)) + u64(12))
    if table & u64(31) > u64(24) or table & TABLE & (size - u64(1)):
        return none, none, none, BAD_TREE
    if pid << u64(4) >= size:
        return none, none, none, NO_PTE
    root = entry_at(m, (table & TABLE) + (pid << u64(4)))
    shift = ((root >> u64(58)) & u64(0x18) | (root >> u64(5)) & u64(7)) + u64(31)
    if (ea & WITHIN) >> shift:
        return none, none, none, SEGMENT
    at = root & NEXT
    bits = root & u64(31)
    while True:
        if bits < u64(5) or bits > u64(16) or shift < bits + u64(12) or shift > u64(52):
            return none, none, none, BAD_TREE
        shift -= bits
        index = (ea >> shift) & ((u64(1) << bits) - u64(1))
        at = at & ~((u64(8) << bits) - u64(1)) | index << u64(3)
        entry = entry_at(m, at)
        if entry & V == u64(0):
            return none, none, none, NO_PTE
        if entry & L:
            break
        at = entry & NEXT
        bits = entry & u64(31)
    if shift != u64(12) and shift != u64(16) and shift != u64(21) and shift != u64(30):
        return none, none, none, BAD_TREE
    return at, entry, shift, none


@compiled
def kept(pte):  # type: ignore[no-untyped-def]
    """The attributes of a page table entry in the form shadow translations keep them."""
    guarded = A_GUARDED if pte & ATT == NON_IDEMPOTENT else u64(0)
    return pte & EAA | guarded | (pte & C) >> u64(2)


@compiled
def forbidden(v, attr, access, problem):  # type: ignore[no-untyped-def]
    """DSISR or SRR1 bits of an access that a page's attributes do not allow; 0 if they do (5.7.12).

    Privileged accesses to pages that problem state may use obey key 0 of AMR and IAMR too."""
    bits = u64(0)
    denied = problem != u64(0) and attr & PRIVILEGED != u64(0)
    keyed = problem == u64(0) and attr & PRIVILEGED == u64(0)
    if access == FETCH:
        if denied or attr & A_GUARDED or attr & EXECUTE == u64(0) or (keyed and v.iamr & KEY0_NO_FETCH):
            bits = NO_EXECUTE
    elif access == STORE:
        if denied or attr & READ_WRITE == u64(0) or (keyed and v.amr & KEY0_NO_STORE):
            bits = PROTECTED
    elif denied or attr & (READ | READ_WRITE) == u64(0) or (keyed and v.amr & KEY0_NO_LOAD):
        bits = PROTECTED
    return bits


@compiled
def recorded(v, at, pte, access):  # type: ignore[no-untyped-def]
    """Set R, and C for a store, in the entry `pte` at real address `at`, in one step (5.7.11): 0, fault bits, or 1: it changed meanwhile."""
    new = pte | R | (C if access == STORE else u64(0))
    if new == pte:
        return u64(0)
    m = machine_of(v)
    flags_at = m.page_flags + (at >> u64(12))
    flags = read8(flags_at)
    if flags & READ_ONLY:
        return NOT_RECORDED
    if flags & DIRTY == u64(0):
        atomic_or8(flags_at, DIRTY)
    return u64(0) if compare_and_swap64(m.ram + at, bswap64(pte), bswap64(new)) else u64(1)


@compiled
def look_up(v, ea, pid, access, problem):  # type: ignore[no-untyped-def]
    """(real page | attributes, 0) of an access by the tree, which is marked; or (0, fault bits)."""
    while True:
        at, pte, shift, bits = leaf(v, ea, pid)
        if bits:
            return u64(0), bits
        attr = kept(pte)
        bits = forbidden(v, attr, access, problem)
        if bits:
            return u64(0), bits
        bits = recorded(v, at, pte, access)
        if bits == u64(0):
            within = (u64(1) << shift) - u64(1)
            real = (pte & RPN & ~within | ea & within) & PAGE
            return real | attr | (A_C if access == STORE else u64(0)), u64(0)
        if bits != u64(1):
            return u64(0), bits


@linked
def radix_address(v, ea, access, problem):  # type: ignore[no-untyped-def]
    """Real address of `ea`, as translate.virtual gives it."""
    if outside(ea):
        return segment_fault(v, ea, access)
    pid = v.pid if ea >> u64(62) == u64(0) else u64(0)
    svsid = bound_space(v, ea, pid)
    page = (ea >> u64(12)) & u64(0xFFF_FFFF)
    entry = shadow_entry(v, svsid, page)
    key = shadow_key(v, svsid, page)
    known = read64(entry) == key
    value = read64(entry + u64(8))
    if not known or (access == STORE and value & A_C == u64(0)) or forbidden(v, value, access, problem):
        found, bits = look_up(v, ea, pid, access, problem)
        if bits == SEGMENT:
            return segment_fault(v, ea, access)
        if bits:
            return page_fault(v, ea, access, bits)
        value = found | (value & FETCHED if known else u64(0))
        insert(v, entry, key, value, access == FETCH)
    if access == FETCH:
        if value & FETCHED == u64(0):
            value |= FETCHED
            write64(entry + u64(8), value)
    elif problem == u64(0) and value & PRIVILEGED == u64(0):
        note_unprivileged(v, ea)
    real = value & PAGE | ea & OFFSET
    if value & A_C and (access == STORE or forbidden(v, value, STORE, problem) == u64(0)):
        real |= UNSEEN
    if access == STORE and forbidden(v, value, LOAD, problem):  # key 0 may allow stores alone
        real |= UNREADABLE
    return real
