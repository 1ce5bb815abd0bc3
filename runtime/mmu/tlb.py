"""Level 1: the software TLBs that translated code looks into by itself.

One table for each data address space (real mode, supervisor, user): 1,024 entries {read tag, write tag, addend, real page}
of 4 KiB each, direct-mapped by effective page. A tag is an effective page address, or EMPTY. Tables are keyed by
effective address only, so whatever changes the meaning of effective addresses empties what it concerns.

The vCPU's `filled` lists the places that were filled, as long as there are few, so that emptying a part need not look at every place.

The write tag is set only while a store needs no attention: stores are permitted, the page's C bit is set in the hashed page table, the real
page is not read-only, holds no translated code and is already marked dirty.
"""

from __future__ import annotations

from dbt import shared, state
from dbt.backend.machinery import (
    address_of,
    atomic_or8,
    compiled,
    exported,
    fence,
    machine_of,
    read8,
    read64,
    u64,
    write64,
)

EMPTY = u64(0xFFFF_FFFF_FFFF_FFFF)
PAGE = u64(0xFFFF_FFFF_FFFF_F000)
OFFSET = u64(0xFFF)
MSR_IR, MSR_DR, MSR_PR, MSR_SF = u64(0x20), u64(0x10), u64(0x4000), u64(1 << 63)
WATCHED = u64(1)  # in the real-page word: stores are permitted, but translated code was made from the page
HAS_CODE, READ_ONLY, DIRTY, LOOSE = (
    u64(n) for n in (shared.PAGE_HAS_CODE, shared.PAGE_READ_ONLY, shared.PAGE_DIRTY, shared.PAGE_LOOSE)
)

_TLB = u64(state.TLB)
_TABLE = u64(state.TLB_BYTES)
_ENTRY = u64(state.TLB_ENTRY_BYTES)
_INDEX = u64(state.TLB_ENTRIES - 1)
_TRANSLATED = 2 * state.TLB_ENTRIES  # entries of the two spaces with MSR[DR]=1, which lie next to each other
_ALL = 3 * state.TLB_ENTRIES
_LISTED = u64(state.SLOTS["filled"].count)  # a count above it: too many to list


@exported
def set_space(v):  # type: ignore[no-untyped-def]
    """Select the software TLB of the current data space, from MSR[DR] and MSR[PR]. Nothing is flushed."""
    space = u64(0)
    if v.msr & MSR_DR:
        space = u64(2) if v.msr & MSR_PR else u64(1)
    v.tlb = address_of(v) + _TLB + space * _TABLE
    return u64(0)


@compiled
def tlb_entry(v, ea):  # type: ignore[no-untyped-def]
    """Host address of the level-1 entry of `ea` in the current data space."""
    return v.tlb + ((ea >> u64(12)) & _INDEX) * _ENTRY


@compiled
def translated_entry(v, ea, space):  # type: ignore[no-untyped-def]
    """That of `ea` with MSR[DR]=1, in supervisor (space 0) or problem state (1)."""
    return address_of(v) + _TLB + (space + u64(1)) * _TABLE + ((ea >> u64(12)) & _INDEX) * _ENTRY


@compiled
def probe_read(v, ea):  # type: ignore[no-untyped-def]
    """Host address of the byte at `ea` if level 1 allows loads from its page, else 0."""
    entry = tlb_entry(v, ea)
    return ea + read64(entry + u64(16)) if read64(entry) == ea & PAGE else u64(0)


@compiled
def probe_write(v, ea):  # type: ignore[no-untyped-def]
    """Host address of the byte at `ea` if level 1 allows stores to its page, else 0."""
    entry = tlb_entry(v, ea)
    return ea + read64(entry + u64(16)) if read64(entry + u64(8)) == ea & PAGE else u64(0)


@compiled
def probe_watched(v, ea):  # type: ignore[no-untyped-def]
    """The real address of `ea` if level 1 knows that stores to its page are permitted but must be looked at, else ~0."""
    entry = tlb_entry(v, ea)
    page = read64(entry + u64(24))
    return (page & PAGE) | (ea & OFFSET) if read64(entry) == ea & PAGE and page & WATCHED else EMPTY


@compiled
def fill(v, ea, real, readable, writable, storing):  # type: ignore[no-untyped-def]
    """Enter the page of `ea` at `real` (RAM) for the current data space. `writable`: the MMU lets stores pass unseen."""
    m = machine_of(v)
    flags_at = m.page_flags + (real >> u64(12))
    flags = read8(flags_at)
    if storing and flags & DIRTY == u64(0):
        flags |= DIRTY
        atomic_or8(flags_at, DIRTY)
    tag = ea & PAGE
    page = real & PAGE
    entry = tlb_entry(v, ea)
    if not readable:  # a write tag is never alone: that keeps invalidation to one comparison
        tag = EMPTY
    write64(entry, tag)
    free = flags & (HAS_CODE | READ_ONLY | DIRTY) == DIRTY
    write64(entry + u64(8), tag if writable and free else EMPTY)
    write64(entry + u64(16), m.ram + page - tag)
    watched = writable and flags & (HAS_CODE | READ_ONLY) == HAS_CODE and flags & DIRTY
    write64(entry + u64(24), page | WATCHED if watched else page)
    n = v.filled_count
    if n < _LISTED:
        v.filled[n] = entry
    if n <= _LISTED:
        v.filled_count = n + u64(1)
    if v.parallel:  # another vCPU may have made code from the page meanwhile, and looked at this entry before it was written
        fence()
        if (read8(flags_at) ^ flags) & HAS_CODE:
            write64(entry + u64(8), EMPTY)
    v.tlb_fills += u64(1)


@compiled
def clear_entry(entry):  # type: ignore[no-untyped-def]
    """Empty one entry."""
    write64(entry, EMPTY)
    write64(entry + u64(8), EMPTY)


@compiled
def empty_real_mode(v):  # type: ignore[no-untyped-def]
    """Empty the real mode space."""
    entry = address_of(v) + _TLB
    for _ in range(state.TLB_ENTRIES):
        clear_entry(entry)
        entry += _ENTRY


@compiled
def empty_translated(v):  # type: ignore[no-untyped-def]
    """Empty the spaces with address translation on: with a virtual real mode area, that is all of them."""
    if machine_of(v).htab_vrma:
        empty_real_mode(v)
    entry = address_of(v) + _TLB + _TABLE
    for _ in range(_TRANSLATED):
        clear_entry(entry)
        entry += _ENTRY
    v.filled_count = u64(0)


@exported
def empty_tlbs(v):  # type: ignore[no-untyped-def]
    """Empty every space, real mode too."""
    empty_real_mode(v)
    empty_translated(v)
    return u64(0)


@compiled
def empty_segment(v, ea, mask):  # type: ignore[no-untyped-def]
    """Empty the entries of the segment that contains `ea`; `mask` selects the bits of an address that name a segment."""
    ea &= mask
    kept = u64(0)
    if v.filled_count <= _LISTED:
        for i in range(v.filled_count):
            entry = v.filled[i]
            if read64(entry) & mask == ea:
                clear_entry(entry)
            else:
                v.filled[kept] = entry
                kept += u64(1)
    else:
        entry = address_of(v) + _TLB + _TABLE
        for _ in range(_TRANSLATED):
            tag = read64(entry)
            if tag & mask == ea:
                clear_entry(entry)
            elif tag != EMPTY:
                if kept < _LISTED:
                    v.filled[kept] = entry
                if kept <= _LISTED:
                    kept += u64(1)
            entry += _ENTRY
    v.filled_count = kept


@compiled
def empty_virtual(v, within, mask):  # type: ignore[no-untyped-def]
    """Empty the entries, in any segment, whose address has `within` in the bits of `mask` (bits below a segment's size).

    A virtual page lies at the same place in every segment it is mapped by, so one or two entries hold it."""
    first = address_of(v) + _TLB + _TABLE
    if mask & (_INDEX << u64(12)) == _INDEX << u64(12):  # a 4 KiB page: its index is known
        entry = first + ((within >> u64(12)) & _INDEX) * _ENTRY
        for _ in range(2):
            if read64(entry) & mask == within & mask:
                clear_entry(entry)
            entry += _TABLE
        return
    entry = first
    for _ in range(_TRANSLATED):
        if read64(entry) & mask == within & mask:
            clear_entry(entry)
        entry += _ENTRY


@exported
def drop_writes(v, real):  # type: ignore[no-untyped-def]
    """Stores to the page at `real` must be seen from now on (translated code was made from it, dirty logging)."""
    entry = address_of(v) + _TLB
    real &= PAGE
    for _ in range(_ALL):
        if read64(entry + u64(24)) & PAGE == real:
            write64(entry + u64(8), EMPTY)
        entry += _ENTRY
    return u64(0)


@compiled
def empty_real(v, first, end):  # type: ignore[no-untyped-def]
    """Empty the entries of real pages in [first, end): that RAM is going away."""
    entry = address_of(v) + _TLB
    for _ in range(_ALL):
        page = read64(entry + u64(24)) & PAGE
        if first <= page < end:
            clear_entry(entry)
        entry += _ENTRY
