"""Effective to real addresses on a miss of level 1: real mode, shadow translation, walk; and the storage interrupts (Book III 5.7, 6.5)."""

from __future__ import annotations

from dbt.backend.machinery import (
    compiled,
    linked,
    machine_of,
    read64,
    u64,
    write64,
)

from .faults import (
    FAILED,
    FETCH,
    ISI,
    LOAD,
    MACHINE_CHECK,
    NO_EXECUTE,
    NO_PTE,
    STORE,
    UNREADABLE,
    UNSEEN,
    fault,
    page_fault,
    segment_fault,
)
from .radix import radix_address
from .segments import N, bound_segment, segment_mask
from .shadow import FETCHED, insert, shadow_entry, shadow_key
from .spaces import RADIX
from .tlb import MSR_DR, MSR_IR, MSR_PR, OFFSET, PAGE, fill
from .walk import A_C, attributes, note_access, real_address, refused, search
from .window import user_address

REAL = u64(0x0FFF_FFFF_FFFF_FFFF)  # real addresses have 60 bits; real mode ignores the top four of an EA (Book III 5.7.3)


@linked
def real_mode_area(v, ea, access):  # type: ignore[no-untyped-def]
    """An address in the virtual real mode area."""
    vrma = machine_of(v).htab_vrma  # the SLB VSID doubleword of the area
    if access == FETCH:
        v.fetch_loose = u64(1)
    offset = ea & REAL
    pte, _, pte1, shift = search(v, vrma, offset)
    if pte == u64(0) or offset >> u64(40):
        return page_fault(v, ea, access, NO_PTE)
    bits = refused(v, attributes(pte1), vrma, access, False)
    if bits:
        return page_fault(v, ea, access, bits)
    note_access(pte, pte1, access)
    return real_address(pte1, shift, ea)


@compiled
def real_mode(v, ea, access):  # type: ignore[no-untyped-def]
    """Translation off: the address itself, or through the virtual real mode area where the machine has one (5.7.3.4)."""
    return ea & REAL if machine_of(v).htab_vrma == u64(0) else real_mode_area(v, ea, access)


@linked
def virtual(v, ea, access, problem):  # type: ignore[no-untyped-def]
    """Real address of `ea` with translation on, or FAILED and an exit.

    With UNSEEN if stores there are allowed and need no look at the PTE; of a store, with UNREADABLE if loads are not allowed."""
    if v.lpcr & RADIX:
        return radix_address(v, ea, access, problem)
    segment = bound_segment(v, ea)
    if segment == u64(0):
        return segment_fault(v, ea, access)
    slb_v = read64(segment + u64(16))
    if access == FETCH and slb_v & N:
        return fault(v, ISI, ea, NO_EXECUTE)
    svsid = read64(segment + u64(8))
    offset = ea & ~segment_mask(slb_v)
    entry = shadow_entry(v, svsid, offset >> u64(12))
    key = shadow_key(v, svsid, offset >> u64(12))
    known = read64(entry) == key
    value = read64(entry + u64(8))
    if not known or (access == STORE and value & A_C == u64(0)) or refused(v, value, slb_v, access, problem):
        pte, _, pte1, shift = search(v, slb_v, offset)
        if pte == u64(0):
            return page_fault(v, ea, access, NO_PTE)
        attr = attributes(pte1)
        bits = refused(v, attr, slb_v, access, problem)
        if bits:
            return page_fault(v, ea, access, bits)
        note_access(pte, pte1, access)
        if access == STORE:
            attr |= A_C
        value = real_address(pte1, shift, ea) & PAGE | attr | (value & FETCHED if known else u64(0))
        insert(v, entry, key, value, access == FETCH)
    if access == FETCH and value & FETCHED == u64(0):
        value |= FETCHED
        write64(entry + u64(8), value)
    real = value & PAGE | ea & OFFSET
    if value & A_C and (access == STORE or refused(v, value, slb_v, STORE, problem) == u64(0)):
        real |= UNSEEN
    if access == STORE and refused(v, value, slb_v, LOAD, problem):  # a storage key may allow stores alone
        real |= UNREADABLE
    return real


@linked
def fetch(v, ea):  # type: ignore[no-untyped-def]
    """Real address of the instruction at `ea`; or all ones and an instruction storage or segment interrupt."""
    if machine_of(v).window:
        return user_address(v, ea, FETCH)
    real = virtual(v, ea, FETCH, v.msr & MSR_PR) if v.msr & MSR_IR else real_mode(v, ea, FETCH)
    if real == FAILED:
        return real
    real &= REAL
    return real if real < machine_of(v).ram_size else fault(v, MACHINE_CHECK, ea, u64(0))


@linked
def read_at(v, ea):  # type: ignore[no-untyped-def]
    """Real address for a load of the byte at `ea`; RAM is entered in level 1. FAILED and an exit if it is not translated."""
    return data_address(v, ea, LOAD)


@linked
def write_at(v, ea):  # type: ignore[no-untyped-def]
    """Real address for a store of the byte at `ea`, as read_at."""
    return data_address(v, ea, STORE)


@compiled
def data_address(v, ea, access):  # type: ignore[no-untyped-def]
    """Translate a data access and enter it in level 1."""
    if machine_of(v).window:
        return user_address(v, ea, access)
    translation = v.msr & MSR_DR
    real = virtual(v, ea, access, v.msr & MSR_PR) if translation else real_mode(v, ea, access)
    if real == FAILED:
        return real
    if not translation and machine_of(v).htab_vrma == u64(0):
        real |= UNSEEN
    flags = real
    real &= REAL
    if real < machine_of(v).ram_size:
        fill(v, ea, real, flags & UNREADABLE == u64(0), flags & UNSEEN, access == STORE)
    return real
