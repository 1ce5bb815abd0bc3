"""Level 2: shadow VSIDs and the shadow TLB.

A guest's virtual segment (VSID, segment size and base page size, as the SLB's VSID doubleword spells them) gets a shadow VSID the
first time it is used; the pair stays known until the allocator runs out (65,535 by default). Then the generation number
grows, which invalidates every pair and every shadow translation at once. (KVM PR: the process's VSIDs, slides 'Shadow Paging'.)

The shadow TLB is a direct-mapped table of two doublewords a 4 KiB page:
    key    generation << 48 | shadow VSID << 28 | page in the segment
    value  real page | attributes (PP, N, G, C, key of the PTE; whether an instruction was fetched through it)
so after an SLB switch level 1 refills without walking the guest's table. The map from guest segment to shadow VSID is an open hash of
{guest segment, generation << 32 | shadow VSID}, at most half full, whose entries of earlier generations count as free.
"""

from __future__ import annotations

from dbt.backend.codecache import flush_jump_cache, flush_jump_slot
from dbt.backend.machinery import compiled, linked, machine_of, read64, u64, write64

from .tlb import empty_tlbs, empty_translated, empty_virtual

SEGMENT_KEY = u64(0xFFFF_FFFF_FFFF_F130)  # B, VSID, L and LP of an SLB VSID doubleword
ONE_TERABYTE = u64(0x4000_0000_0000_0000)  # B = 1
FETCHED = u64(0x800)
ATTRIBUTES = u64(0xFFF)
_MIX = u64(0x9E37_79B9_7F4A_7C15)
_SVSID = u64(0xFFFF_FFFF)
_WIDE = u64(0x3FFF_0000_0000_0000)  # VSID bits that tlbie's operand cannot name (VSIDs of more than 36 bits)
_PAGE_NUMBER = u64(0xFFF_FFFF)  # of a key: the page in the segment
GENERATIONS = u64(0x1_0000)
UNKNOWN = u64(0)  # as a page size: drop everything


@compiled
def segment_key(slb_v):  # type: ignore[no-untyped-def]
    """What identifies a guest segment, from the VSID doubleword of its SLB entry."""
    key = slb_v & SEGMENT_KEY
    return key & ~u64(0xFF_F000) if slb_v & ONE_TERABYTE else key  # a 1 TB VSID ends at bit 24


@compiled
def _map_slot(v, key):  # type: ignore[no-untyped-def]
    return ((key * _MIX) >> u64(32)) & v.shadow_map_mask


@compiled
def _place(v, key):  # type: ignore[no-untyped-def]
    """Host address of the entry of a key in the map, or of the free one for it."""
    slot = _map_slot(v, key)
    while True:
        at = v.shadow_map + (slot << u64(4))
        if read64(at) == key or read64(at + u64(8)) >> u64(32) != v.shadow_generation:
            return at
        slot = (slot + u64(1)) & v.shadow_map_mask


@compiled
def find_shadow(v, key):  # type: ignore[no-untyped-def]
    """The shadow VSID of a guest segment (the number of a key), or 0 if it has none in this generation."""
    word = read64(_place(v, key) + u64(8))
    return word & _SVSID if word >> u64(32) == v.shadow_generation else u64(0)


@linked
def forget_fetches(v):  # type: ignore[no-untyped-def]
    """Instruction translations changed."""
    v.fetch_loose = u64(0)
    flush_jump_cache(v)
    return u64(0)


@linked
def forget_segments(v):  # type: ignore[no-untyped-def]
    """Unbind every effective segment; shadow VSIDs and shadow translations stay known."""
    v.segment_epoch += u64(1)
    v.segment_loose = u64(0)
    empty_translated(v)
    forget_fetches(v)
    return u64(0)


@linked
def flush_mmu(v):  # type: ignore[no-untyped-def]
    """Forget every translation of this vCPU, with the shadow VSIDs: the next generation (O(1) but for level 1).

    Call it too after setting the SLB, the table or SDR1 from outside the guest."""
    v.shadow_generation += u64(1)
    if v.shadow_generation >= GENERATIONS:  # the number is used up: clean the tables, once in 65,535 flushes
        v.shadow_generation = u64(1)
        for at in range((v.shadow_tlb_mask + u64(1)) << u64(1)):
            write64(v.shadow_tlb + (u64(at) << u64(3)), u64(0))
        for at in range((v.shadow_map_mask + u64(1)) << u64(1)):
            write64(v.shadow_map + (u64(at) << u64(3)), u64(0))
    v.shadow_next = u64(1)
    v.shadow_wide = u64(0)
    forget_segments(v)
    v.flush_all += u64(1)
    machine_of(v).tlb_flushes += u64(1)
    return u64(0)


@compiled
def shadow_vsid(v, slb_v):  # type: ignore[no-untyped-def]
    """The shadow VSID of the segment with this SLB VSID doubleword: the known one, or a new one."""
    key = segment_key(slb_v)
    found = find_shadow(v, key)
    if found:
        return found
    if v.shadow_next > v.shadow_limit:
        v.shadow_wraps += u64(1)
        flush_mmu(v)
    if key & _WIDE:
        v.shadow_wide = u64(1)
    return number(v, key)


@compiled
def number(v, key):  # type: ignore[no-untyped-def]
    """The number of a key; a new one if it has none in this generation. There must be one left."""
    at = _place(v, key)
    word = read64(at + u64(8))
    if word >> u64(32) == v.shadow_generation and word & _SVSID:
        return word & _SVSID
    made = v.shadow_next
    v.shadow_next = made + u64(1)
    write64(at, key)
    write64(at + u64(8), v.shadow_generation << u64(32) | made)
    return made


@compiled
def forget_number(v, key):  # type: ignore[no-untyped-def]
    """Take the number of a key away, whether it has one or not."""
    at = _place(v, key)
    if read64(at + u64(8)) >> u64(32) == v.shadow_generation:
        write64(at + u64(8), v.shadow_generation << u64(32))


@compiled
def shadow_key(v, svsid, page):  # type: ignore[no-untyped-def]
    """The key of a page in this generation."""
    return v.shadow_generation << u64(48) | svsid << u64(28) | page


@compiled
def shadow_entry(v, svsid, page):  # type: ignore[no-untyped-def]
    """Host address of the one place of the shadow TLB that may hold a page."""
    return v.shadow_tlb + (((page + ((svsid * _MIX) >> u64(40))) & v.shadow_tlb_mask) << u64(4))


@compiled
def insert(v, entry, key, value, fetch):  # type: ignore[no-untyped-def]
    """Enter a translation, for a fetch or a data access, evicting what is there.

    An evicted page that was fetched from may be in the jump cache, and nothing here would tell later: it goes from there too."""
    old = read64(entry)
    if old and old != key and read64(entry + u64(8)) & FETCHED:
        flush_jump_slot(v, old & _PAGE_NUMBER)
    if fetch:
        v.filled_code += u64(1)
    else:
        v.filled_data += u64(1)
    write64(entry, key)
    write64(entry + u64(8), value)


@compiled
def drop_page(v, svsid, page, count):  # type: ignore[no-untyped-def]
    """Drop `count` 4 KiB pages of a shadow segment, from level 1 and the jump cache too. `page` is aligned to `count`."""
    for i in range(count):
        entry = shadow_entry(v, svsid, page + u64(i))
        if read64(entry) == shadow_key(v, svsid, page + u64(i)):
            if read64(entry + u64(8)) & FETCHED:
                flush_jump_slot(v, page + u64(i))
            write64(entry, u64(0))
    mask = ((u64(0x1_0000) - count) & u64(0xFFFF)) << u64(12)  # within 256 MB
    empty_virtual(v, page << u64(12), mask)
    if v.fetch_loose:
        forget_fetches(v)
    v.flush_page += u64(1)


@linked
def drop_virtual(v, key, offset, shift):  # type: ignore[no-untyped-def]
    """On this vCPU, drop the page of 1 << shift bytes at `offset` of a guest segment (its SLB VSID doubleword)."""
    if shift == UNKNOWN or shift > u64(28):
        return flush_mmu(v)
    if machine_of(v).htab_vrma:  # the page may be mapped in real mode
        empty_tlbs(v)
        forget_fetches(v)
    svsid = find_shadow(v, key)
    if svsid:
        count = u64(1) << (shift - u64(12))
        drop_page(v, svsid, (offset >> u64(12)) & ~(count - u64(1)), count)
    return u64(0)
