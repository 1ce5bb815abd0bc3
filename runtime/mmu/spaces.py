"""Address spaces of radix translation: quadrants, PIDs, and what of them is cached (ISA 3.0B Book III 5.7.5, 5.9.3.3).

    quadrant EA[0:1]     0: the process PIDR names    3: PID 0, the operating system    1, 2: a segment interrupt

A space is {effective LPID, effective PID}. It gets a number from the allocator of shadow VSIDs (shadow.py) when it is first used, and each
terabyte of it a shadow VSID of its own, so that the shadow TLB serves both MMUs. To invalidate a space is to take its number away: a space
without one has nothing cached. The cache of bound segments (segments.py) holds terabytes of effective addresses:
    {EA of the terabyte, shadow VSID, 0, epoch}
Level 1 and the jump cache hold pages of the quadrants as PIDR has them now.
"""

from __future__ import annotations

from dbt import state
from dbt.backend.codecache import flush_jump_cache_of
from dbt.backend.machinery import address_of, compiled, linked, read64, u64, write64

from .segments import MASK_1T
from .shadow import FETCHED, UNKNOWN, find_shadow, flush_mmu, forget_fetches, forget_number, number, shadow_entry, shadow_key
from .tlb import PAGE, clear_entry, empty_segment, translated_entry

RADIX = u64(1 << 20)  # LPCR[HR]: the host, and so every partition, translates by radix trees
QUADRANT = u64(3 << 62)
KERNEL = u64(3 << 62)  # quadrant 3
_SPACE, _TERABYTE = u64(3 << 62), u64(2 << 62)  # keys that no SLB entry's segment has: B is reserved there
_SEGMENTS = u64(state.SHADOW_SEGMENTS)
_CACHED = u64(state.SHADOW_SEGMENT_ENTRIES - 1)
RIC, WALK_CACHE, RUN = u64(3), u64(1), u64(3)
_NOTED = u64(16)  # places of `unprivileged`


@compiled
def outside(ea):  # type: ignore[no-untyped-def]
    """Whether no tree can translate an address: a quadrant of the hypervisor's, or more than 52 bits."""
    quadrant = ea >> u64(62)
    return quadrant == u64(1) or quadrant == u64(2) or ea & u64(0x3FF0_0000_0000_0000) != u64(0)


@compiled
def space_key(v, pid):  # type: ignore[no-untyped-def]
    """What identifies a space of this partition."""
    return _SPACE | v.lpidr << u64(32) | pid


@compiled
def terabyte_key(space, ea):  # type: ignore[no-untyped-def]
    """What identifies a terabyte of a space, by the space's number."""
    return _TERABYTE | space << u64(12) | (ea >> u64(40)) & u64(0xFFF)


@compiled
def known_terabyte(v, ea, pid):  # type: ignore[no-untyped-def]
    """The shadow VSID of the terabyte of `ea` in the space of a PID, or 0."""
    space = find_shadow(v, space_key(v, pid))
    return find_shadow(v, terabyte_key(space, ea)) if space else u64(0)


@compiled
def bound_space(v, ea, pid):  # type: ignore[no-untyped-def]
    """The shadow VSID of the terabyte of `ea`, bound now if need be. `pid` is the effective one."""
    t = (ea >> u64(40)) & u64(0xFFF)
    at = address_of(v) + _SEGMENTS + (((t ^ (t >> u64(4)) ^ (t >> u64(8)) ^ (ea >> u64(60))) & _CACHED) << u64(5))
    if read64(at) == ea & MASK_1T and read64(at + u64(24)) == v.segment_epoch:
        return read64(at + u64(8))
    v.segment_misses += u64(1)
    svsid = known_terabyte(v, ea, pid)
    if svsid == u64(0):
        if v.shadow_next >= v.shadow_limit:  # both numbers must be of one generation
            v.shadow_wraps += u64(1)
            flush_mmu(v)
        svsid = number(v, terabyte_key(number(v, space_key(v, pid)), ea))
    write64(at, ea & MASK_1T)
    write64(at + u64(8), svsid)
    write64(at + u64(24), v.segment_epoch)
    return svsid


@compiled
def note_unprivileged(v, ea):  # type: ignore[no-untyped-def]
    """Supervisor state uses a page that key 0 of AMR guards: to be found again when AMR changes."""
    n = v.unprivileged_count
    if n < _NOTED:
        v.unprivileged[n] = ea & PAGE
    if n <= _NOTED:
        v.unprivileged_count = n + u64(1)


@linked
def key_changed(v):  # type: ignore[no-untyped-def]
    """AMR was written: level 1 forgets what supervisor state may do to pages of problem state. There are few, or it forgets all."""
    n = v.unprivileged_count
    v.unprivileged_count = u64(0)
    if n > _NOTED:
        empty_segment(v, u64(0), u64(0))
        return u64(0)
    for i in range(n):
        ea = v.unprivileged[i]
        entry = translated_entry(v, ea, u64(0))
        if read64(entry) == ea:
            clear_entry(entry)
    return u64(0)


@linked
def process_changed(v):  # type: ignore[no-untyped-def]
    """PIDR was written: quadrant 0 is another space."""
    v.segment_epoch += u64(1)
    forget_quadrant(v, u64(0))
    return u64(0)


@linked
def partition_changed(v):  # type: ignore[no-untyped-def]
    """LPIDR was written: every quadrant is another space."""
    v.segment_epoch += u64(1)
    forget_quadrant(v, u64(0))
    forget_quadrant(v, KERNEL)
    return u64(0)


@linked
def forget_quadrant(v, quadrant):  # type: ignore[no-untyped-def]
    """Level 1 and the jump cache forget a quadrant."""
    empty_segment(v, quadrant, QUADRANT)
    flush_jump_cache_of(v, quadrant, QUADRANT)
    return u64(0)


@linked
def drop_space(v, pid):  # type: ignore[no-untyped-def]
    """Invalidate every translation of a PID on this vCPU."""
    key = space_key(v, pid)
    if find_shadow(v, key) == u64(0):
        return u64(0)
    forget_number(v, key)
    v.segment_epoch += u64(1)
    if pid == v.pid:
        forget_quadrant(v, u64(0))
    if pid == u64(0):
        forget_quadrant(v, KERNEL)
    v.flush_space += u64(1)
    return u64(0)


@linked
def drop_space_page(v, pid, ea, shift):  # type: ignore[no-untyped-def]
    """Invalidate the page of 1 << shift bytes at `ea` of a PID on this vCPU. A large one takes its space along."""
    if shift > u64(21):
        return drop_space(v, pid)
    svsid = known_terabyte(v, ea, pid)
    if svsid == u64(0):
        return u64(0)
    count = u64(1) << (shift - u64(12))
    page = (ea >> u64(12)) & u64(0xFFF_FFFF) & ~(count - u64(1))
    fetched = v.fetch_loose
    for i in range(count):
        entry = shadow_entry(v, svsid, page + u64(i))
        if read64(entry) == shadow_key(v, svsid, page + u64(i)):
            fetched |= read64(entry + u64(8)) & FETCHED
            write64(entry, u64(0))
    first = ea & u64(0x000F_FF00_0000_0000) | page << u64(12)
    for i in range(count):
        at = first + (u64(i) << u64(12))
        for space in range(2):
            entry = translated_entry(v, at, u64(space))
            tag = read64(entry)
            if (tag == at and pid == v.pid) or (tag == at | KERNEL and pid == u64(0)):
                clear_entry(entry)
    if fetched:
        forget_fetches(v)
    v.flush_page += u64(1)
    return u64(0)


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


@linked
def drop_named(v, rb, pid, how):  # type: ignore[no-untyped-def]
    """Drop on this vCPU what tlbie or tlbiel with R = 1 names (radix_tlbie.py)."""
    scope = (rb >> u64(10)) & u64(3)
    if how & RIC == WALK_CACHE:
        return u64(0)
    shift = page_shift(rb)
    if scope >= u64(2) or v.lpcr & RADIX == u64(0):
        flush_mmu(v)
    elif scope == u64(1) or shift == UNKNOWN or how & RIC == RUN:
        drop_space(v, pid)
    else:
        drop_space_page(v, pid, rb, shift)
    return u64(0)
