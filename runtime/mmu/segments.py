"""Segments: the SLB, and the cache of effective segments that are bound to shadow segments (Book III 5.7.6, 5.9.3).

The vCPU's SLB is architected: slb_e[i] is the ESID doubleword (ESID, V), slb_v[i] the VSID doubleword as slbmte's RS gives it.
The bound-segment cache (state.SHADOW_SEGMENTS) is filled on use, by 256 MB of effective address:
    {ESID << 28, shadow VSID, SLB VSID doubleword, epoch}
An entry counts while its epoch is the vCPU's, so all are dropped by adding one. Invariant: level 1 and the jump cache hold pages of
bound segments only, or of segments evicted from the cache, and then `segment_loose` is set.
"""

from __future__ import annotations

from dbt import state
from dbt.backend.codecache import flush_jump_cache_of
from dbt.backend.machinery import (
    address_of,
    compiled,
    exported,
    linked,
    machine_of,
    read64,
    u64,
    write64,
)

from .shadow import ONE_TERABYTE, forget_segments, shadow_vsid
from .tlb import empty_segment

V = u64(0x0800_0000)
N = u64(0x200)
CLASS = u64(0x80)
MASK_256M, MASK_1T = u64(0xFFFF_FFFF_F000_0000), u64(0xFFFF_FF00_0000_0000)
VSID_WORD = u64(0xFFFF_FFFF_FFFF_FFB0)  # all but the reserved bits of RS; C included
ENTRIES = 64

_SEGMENTS = u64(state.SHADOW_SEGMENTS)
_CACHED = u64(state.SHADOW_SEGMENT_ENTRIES - 1)


@compiled
def segment_mask(slb_v):  # type: ignore[no-untyped-def]
    """The bits of an effective address that name a segment of this size."""
    return MASK_1T if slb_v & ONE_TERABYTE else MASK_256M


@compiled
def slb_search(v, ea):  # type: ignore[no-untyped-def]
    """Index of the SLB entry that translates `ea`, or -1."""
    for i in range(ENTRIES):
        e = v.slb_e[i]
        if e & V and (e ^ ea) & segment_mask(v.slb_v[i]) == u64(0):
            return i
    return -1


@compiled
def _slot(v, ea):  # type: ignore[no-untyped-def]
    esid = ea >> u64(28)
    return address_of(v) + _SEGMENTS + (((esid ^ (esid >> u64(8)) ^ (esid >> u64(28))) & _CACHED) << u64(5))


@compiled
def bound_segment(v, ea):  # type: ignore[no-untyped-def]
    """Host address of the bound-segment entry of `ea`, bound now if need be; 0 if no SLB entry translates it."""
    entry = _slot(v, ea)
    if read64(entry) == ea & MASK_256M and read64(entry + u64(24)) == v.segment_epoch:
        return entry
    v.segment_misses += u64(1)
    i = slb_search(v, ea)
    if i < 0:
        return u64(0)
    slb_v = v.slb_v[i]
    svsid = shadow_vsid(v, slb_v)  # may start a generation, and so an epoch
    if read64(entry + u64(24)) == v.segment_epoch:
        v.segment_loose = u64(1)
    write64(entry, ea & MASK_256M)
    write64(entry + u64(8), svsid)
    write64(entry + u64(16), slb_v)
    write64(entry + u64(24), v.segment_epoch)
    return entry


@linked
def unbind(v, ea, mask):  # type: ignore[no-untyped-def]
    """The segment of `ea` is no longer translated as it was. Its shadow VSID and shadow translations stay known."""
    bound = False
    if mask == MASK_1T:  # it is bound in parts of 256 MB
        entry = address_of(v) + _SEGMENTS
        for _ in range(state.SHADOW_SEGMENT_ENTRIES):
            if (read64(entry) ^ ea) & mask == u64(0) and read64(entry + u64(24)) == v.segment_epoch:
                write64(entry + u64(24), u64(0))
                bound = True
            entry += u64(32)
    else:
        entry = _slot(v, ea)
        bound = read64(entry) == ea & MASK_256M and read64(entry + u64(24)) == v.segment_epoch
        if bound:
            write64(entry + u64(24), u64(0))
    if bound or v.segment_loose:
        empty_segment(v, ea, mask)
        flush_jump_cache_of(v, ea, mask)
    return u64(0)


@exported
def slbmte(v, rs, rb):  # type: ignore[no-untyped-def]
    """Write SLB entry RB[52:63] (Book III 5.9.3.1): rebind the segment it had, and the one it gets, on next use."""
    i = rb & u64(0x3F)
    old_e, old_v = v.slb_e[i], v.slb_v[i]
    new_e, new_v = rb & (MASK_256M | V), rs & VSID_WORD
    v.slb_e[i] = new_e
    v.slb_v[i] = new_v
    if old_e & V and (old_e != new_e or old_v != new_v):
        machine_of(v).by_slbmte += u64(1)
        unbind(v, old_e, segment_mask(old_v))
    if new_e & V and slb_hides(v, new_e, i):
        unbind(v, new_e, segment_mask(new_v))
    return u64(0)


@compiled
def slb_hides(v, esid, index):  # type: ignore[no-untyped-def]
    """Whether another entry than `index` translates a part of the same segment (an error of the guest's)."""
    for i in range(ENTRIES):
        e = v.slb_e[i]
        if u64(i) != index and e & V and (e ^ esid) & (segment_mask(v.slb_v[i]) & segment_mask(v.slb_v[index])) == u64(0):
            return True
    return False


@exported
def slbie(v, rb):  # type: ignore[no-untyped-def]
    """Invalidate the SLB entries of the ESID and segment size in RB (Book III 5.9.3.1); the size is RB[37:38]."""
    machine_of(v).by_slbie += u64(1)
    large = rb & u64(0x0200_0000)
    mask = MASK_1T if large else MASK_256M
    for i in range(ENTRIES):
        e = v.slb_e[i]
        if e & V and (e ^ rb) & mask == u64(0) and segment_mask(v.slb_v[i]) == mask:
            v.slb_e[i] = e & ~V
    unbind(v, rb, mask)
    return u64(0)


@exported
def slbia(v, ih):  # type: ignore[no-untyped-def]
    """Invalidate SLB entries as IH says (Book III 5.9.3.1, with the values ISA 3.0 adds).

    All but entry 0; with IH 3, those of class 1, with IH 4, all, both with entry 0; with IH 7 none. In every case what is cached
    outside the SLB is dropped, which is more than most hints ask for."""
    machine_of(v).by_slbia += u64(1)
    if ih != u64(7):
        for i in range(0 if ih == u64(3) or ih == u64(4) else 1, ENTRIES):
            if ih != u64(3) or v.slb_v[i] & CLASS:
                v.slb_e[i] &= ~V
    forget_segments(v)
    return u64(0)


@exported
def slbmfee(v, rb):  # type: ignore[no-untyped-def]
    """The ESID doubleword of SLB entry RB[52:63] (ESID and V)."""
    e = v.slb_e[rb & u64(0x3F)]
    return e if e & V else u64(0)


@exported
def slbmfev(v, rb):  # type: ignore[no-untyped-def]
    """The VSID doubleword of SLB entry RB[52:63]."""
    i = rb & u64(0x3F)
    return v.slb_v[i] if v.slb_e[i] & V else u64(0)


@exported
def slbfee(v, rb, rt):  # type: ignore[no-untyped-def]
    """Search the SLB for the ESID in RB: GPR rt = the VSID doubleword (0 if there is none). 1 if found."""
    i = slb_search(v, rb)
    v.gpr[rt] = v.slb_v[i] if i >= 0 else u64(0)
    return u64(1) if i >= 0 else u64(0)


@exported
def mtsr(v, sr, value):  # type: ignore[no-untyped-def]
    """Segment register `sr` through the SLB: entry sr maps ESID sr (the bridge, Book III 5.9.3.2)."""
    sr &= u64(15)
    v.sr[sr] = value & u64(0xFFFF_FFFF)
    slbmte(v, (value & u64(0x0FFF_FFFF)) << u64(12) | ((value >> u64(27)) & u64(15)) << u64(8), sr << u64(28) | V | sr)
    return u64(0)


@exported
def mfsr(v, sr):  # type: ignore[no-untyped-def]
    """The segment register that maps ESID `sr`: Ks Kp N and VSID of SLB entry sr, or 0."""
    sr &= u64(15)
    if v.slb_e[sr] != sr << u64(28) | V:
        return u64(0)
    word = v.slb_v[sr]
    return (word >> u64(12)) & u64(0x0FFF_FFFF) | ((word >> u64(8)) & u64(15)) << u64(27)
