"""Code maps: which translated code stands for which bytes of guest memory. Compiled; layout.py draws a code page.

Pages are found by real page number in an open-addressed table of the machine; the code pages of one real page in
different modes form a chain. A page of RAM that has a code page is flagged, so that stores to it take the slow path.

Where vCPUs run in parallel, all of this is done under the code lock, while others execute code pages. So a code page that is dropped is not
used again: its entries lead out (`gone_handler`) whoever is in it. A store by one vCPU is seen by another's translated code, at the latest,
when that looks at an entry anew, as it does after isync; the architecture promises no more (Book II 1.8). In a window, where a store that was
let through can be followed by others unseen, only icbi is heeded on a page that threads running in parallel store to.
"""

from __future__ import annotations

from .. import shared, state
from . import layout
from .locks import lock_code, unlock_code
from .machinery import (
    address_of,
    atomic_and8,
    atomic_or8,
    bswap64,
    compiled,
    exported,
    fence,
    host_protect,
    linked,
    machine_of,
    read8,
    read32,
    read64,
    u64,
    vcpu_of,
    write32,
    write64,
)

_JUMP_CACHE = u64(state.JUMP_CACHE)
_STRIDE = u64(layout.CODE_PAGE_STRIDE)
_HAS_CODE, _LOOSE = u64(shared.PAGE_HAS_CODE), u64(shared.PAGE_LOOSE)
_READ = u64(1)  # PROT_READ
_EMPTY_TAG = u64(0xFFFF_FFFF_FFFF_FFFF)
_ENTRY = u64(layout.ENTRY_BYTES)
_WORD, _HOT = u64(layout.ENTRY_WORD), u64(layout.ENTRY_HOT)
_ROOT, _REAL, _MODE, _NEXT = u64(layout.PAGE_ROOT), u64(layout.PAGE_REAL), u64(layout.PAGE_MODE), u64(layout.PAGE_NEXT)
_WRITES, _SERIAL, _COVERED = u64(layout.PAGE_WRITES), u64(layout.PAGE_SERIAL), u64(layout.PAGE_COVERED)
_SENTINEL = u64(layout.SENTINEL)
_COLD_AFTER = u64(64)  # stores between looks at whether a written page is still run


@compiled
def flush_jump_cache(v):  # type: ignore[no-untyped-def]
    """Forget which code page an effective page leads to: an instruction translation changed."""
    at = address_of(v) + _JUMP_CACHE
    for _ in range(state.JUMP_CACHE_ENTRIES):
        write64(at, u64(0))
        at += u64(16)


@compiled
def flush_jump_slot(v, page):  # type: ignore[no-untyped-def]
    """As flush_jump_cache, for the effective pages whose number ends like `page` (in a segment, or in the whole address space)."""
    write64(address_of(v) + _JUMP_CACHE + (page & u64(state.JUMP_CACHE_ENTRIES - 1)) * u64(16), u64(0))


@compiled
def flush_jump_caches(m):  # type: ignore[no-untyped-def]
    """As flush_jump_cache, on every vCPU of a machine."""
    for i in range(m.vcpu_count):
        flush_jump_cache(vcpu_of(m, i))


@compiled
def flush_jump_cache_of(v, ea, mask):  # type: ignore[no-untyped-def]
    """As flush_jump_cache, for the effective addresses that agree with `ea` in the bits of `mask`."""
    at = address_of(v) + _JUMP_CACHE
    ea &= mask
    for _ in range(state.JUMP_CACHE_ENTRIES):
        if read64(at) & mask == ea:
            write64(at, u64(0))
        at += u64(16)


@compiled
def _slot_of(m, real_page):  # type: ignore[no-untyped-def]
    """Address of the table slot {real page + 1, code page} that holds a real page, or of the free one for it."""
    mask = m.code_table_size - u64(1)
    i = (real_page * u64(0x9E37_79B9_7F4A_7C15) >> u64(40)) & mask
    while True:
        at = m.code_table + i * u64(16)
        key = read64(at)
        if key == real_page + u64(1) or key == u64(0):
            return at
        i = (i + u64(1)) & mask


@compiled
def find_code_page(m, real_page, mode):  # type: ignore[no-untyped-def]
    """The code page of a real page in a mode, or 0."""
    page = read64(_slot_of(m, real_page) + u64(8))
    while page != u64(0) and read64(page + _MODE) != mode:
        page = read64(page + _NEXT)
    return page


@compiled
def _protect(m, real_page):  # type: ignore[no-untyped-def]
    """Stores to this real page must take the slow path from now on, on every vCPU."""
    if m.window:
        host_protect(m.ram + (real_page << u64(12)), u64(4096), _READ)
        return
    for i in range(m.vcpu_count):
        _protect_on(vcpu_of(m, i), real_page)


@compiled
def _protect_on(v, real_page):  # type: ignore[no-untyped-def]
    base = address_of(v) + u64(state.TLB)
    for _ in range(state.TLB_SPACES * state.TLB_ENTRIES):
        real = read64(base + u64(24))
        if real & ~u64(4095) == real_page << u64(12):
            if v.parallel == u64(0) and read64(base + u64(8)) != _EMPTY_TAG:
                write64(base + u64(24), real | u64(1))  # permitted, but to be looked at (runtime/mmu/tlb.py: WATCHED)
            write64(base + u64(8), _EMPTY_TAG)
        base += u64(state.TLB_ENTRY_BYTES)


@compiled
def _guest_word(m, real, mode):  # type: ignore[no-untyped-def]
    word = read32(m.ram + real)
    return word if mode & u64(2) else bswap64(word) >> u64(32)


@compiled
def _touch(m, page):  # type: ignore[no-untyped-def]
    """A code page is not what it was: a number no page ever had, so that a region compiled before is not installed."""
    m.code_serial += u64(1)
    write64(page + _SERIAL, m.code_serial)


@compiled
def make_code_page(v, real_page, mode):  # type: ignore[no-untyped-def]
    """A new code page, every entry yet to be decoded. `real_page` must be RAM. 0 if the pool is used up."""
    m = machine_of(v)
    page = m.code_free
    if page != u64(0):
        m.code_free = read64(page + _NEXT)
    else:
        page = m.code_pool
        if page + _STRIDE > m.code_pool_end or m.code_used * u64(2) >= m.code_table_size:
            return u64(0)
        m.code_pool = page + _STRIDE
    flags = m.page_flags + real_page  # before the words are read: a store from now on is seen
    if atomic_or8(flags, _HAS_CODE) & _HAS_CODE == u64(0):
        fence()
        _protect(m, real_page)
    decode = m.decode_handler
    cold = u64(0x1_0000_0000) - m.hot_threshold
    real = real_page << u64(12)
    at = page
    for _ in range(layout.CODE_PAGE_ENTRIES):
        write64(at, decode)
        write32(at + _WORD, _guest_word(m, real, mode))
        write32(at + _HOT, cold)
        at += _ENTRY
        real += u64(4)
    write64(page + _SENTINEL, m.page_end_handler if mode & u64(1) else m.page_end_handler_32)
    write64(page + _ROOT, v.decoder[mode])
    write64(page + _REAL, real_page)
    write64(page + _MODE, mode)
    write64(page + _WRITES, u64(0))
    _touch(m, page)
    for i in range(layout.CODE_PAGE_ENTRIES // 64):
        write64(page + _COVERED + u64(8 * i), u64(0))
    slot = _slot_of(m, real_page)
    if read64(slot) == u64(0):
        write64(slot, real_page + u64(1))
        m.code_used += u64(1)
    write64(page + _NEXT, read64(slot + u64(8)))
    write64(slot + u64(8), page)
    m.code_pages_made += u64(1)
    return page


@linked
def drop_all_code(v):  # type: ignore[no-untyped-def]
    """Start over with no code pages (the pool or the table is full). No other vCPU may be in translated code."""
    m = machine_of(v)
    for i in range(m.code_table_size):
        at = m.code_table + u64(i) * u64(16)
        key = read64(at)
        if key != u64(0):
            atomic_and8(m.page_flags + key - u64(1), ~(_HAS_CODE | _LOOSE))
            write64(at, u64(0))
            write64(at + u64(8), u64(0))
    m.code_pool = m.code_pool_start
    m.code_free = u64(0)
    m.code_used = u64(0)
    m.code_serial += u64(1)
    flush_jump_caches(m)
    return u64(0)


@linked
def drop_regions(v, page):  # type: ignore[no-untyped-def]
    """Every compiled region that starts in a code page goes: its entry is decoded anew."""
    m = machine_of(v)
    decode = m.decode_handler
    at = page
    for _ in range(layout.CODE_PAGE_ENTRIES):
        handler = read64(at)
        if handler >= m.regions_start and handler < m.regions_end:
            write64(at, decode)
            write32(at + _HOT, u64(0x1_0000_0000) - m.hot_threshold)
            m.regions_dropped += u64(1)
        at += _ENTRY
    for i in range(layout.CODE_PAGE_ENTRIES // 64):
        write64(page + _COVERED + u64(8 * i), u64(0))
    return u64(0)


@compiled
def _in_use(m, page):  # type: ignore[no-untyped-def]
    """Whether control went to a code page lately, on any vCPU."""
    for i in range(m.vcpu_count):
        at = address_of(vcpu_of(m, i)) + _JUMP_CACHE
        for _ in range(state.JUMP_CACHE_ENTRIES):
            if read64(at + u64(8)) == page and read64(at) != u64(0):
                return True
            at += u64(16)
    return False


@compiled
def _drop_page(v, m, real_page):  # type: ignore[no-untyped-def]
    """A page that is written and no longer run becomes plain data again."""
    slot = _slot_of(m, real_page)
    page = read64(slot + u64(8))
    while page != u64(0):
        following = read64(page + _NEXT)
        _touch(m, page)
        write64(page + _REAL, _EMPTY_TAG)
        if m.parallel:
            _lead_out(m, page)
        else:
            write64(page + _NEXT, m.code_free)
            m.code_free = page
        m.code_pages_dropped += u64(1)
        page = following
    write64(slot + u64(8), u64(0))
    atomic_and8(m.page_flags + real_page, ~(_HAS_CODE | _LOOSE))


@compiled
def _lead_out(m, page):  # type: ignore[no-untyped-def]
    """Whoever executes this code page leaves it."""
    at = page
    for _ in range(layout.CODE_PAGE_ENTRIES + 1):
        write64(at, m.gone_handler)
        at += _ENTRY


@compiled
def code_written(v, real, size):  # type: ignore[no-untyped-def]
    """RAM at `real` was stored to and its page holds translated code: drop what was made from it.

    Returns 1 if a compiled region, which may be the one running, depended on those bytes, else 0."""
    m = machine_of(v)
    lock_code(m)
    changed = _written(v, m, real, size)
    unlock_code(m)
    return changed


@compiled
def _written(v, m, real, size):  # type: ignore[no-untyped-def]
    changed = u64(0)
    first, last = real & ~u64(3), (real + size - u64(1)) & ~u64(3)
    while first <= last:
        real_page = first >> u64(12)
        page = read64(_slot_of(m, real_page) + u64(8))
        written = u64(0)
        while page != u64(0):
            n = (first >> u64(2)) & u64(layout.CODE_PAGE_ENTRIES - 1)
            entry = page + n * _ENTRY
            word = _guest_word(m, first, read64(page + _MODE))
            if read32(entry + _WORD) != word:
                write32(entry + _WORD, word)
                handler = read64(entry)
                if handler < m.regions_start or handler >= m.regions_end:
                    write64(entry, m.decode_handler)
                covered = page + _COVERED + (n >> u64(6)) * u64(8)
                if read64(covered) >> (n & u64(63)) & u64(1):
                    drop_regions(v, page)
                    changed = u64(1)
                m.code_invalidations += u64(1)
            written = read64(page + _WRITES) + u64(1)
            write64(page + _WRITES, written)
            page = read64(page + _NEXT)
        if written >= _COLD_AFTER:
            used = False
            page = read64(_slot_of(m, real_page) + u64(8))
            while page != u64(0):
                used = used or _in_use(m, page)
                write64(page + _WRITES, u64(0))
                page = read64(page + _NEXT)
            if not used:
                _drop_page(v, m, real_page)
            elif m.window:
                atomic_or8(m.page_flags + real_page, _LOOSE)
        first += u64(4)
    return changed


@exported
def invalidate_code(v, real, size):  # type: ignore[no-untyped-def]
    """RAM was changed from outside the guest (a device, a debugger, Python)."""
    m = machine_of(v)
    end = min(real + size, m.ram_size)
    before = m.code_invalidations
    while real < end:
        upto = min((real | u64(4095)) + u64(1), end)
        if read8(m.page_flags + (real >> u64(12))) & _HAS_CODE:
            code_written(v, real, upto - real)
        real = upto
    m.code_by_host += m.code_invalidations - before
    return u64(0)


@compiled
def _differs(m, real):  # type: ignore[no-untyped-def]
    """Whether a word is not what a code page of its page was made from."""
    page = read64(_slot_of(m, real >> u64(12)) + u64(8))
    while page != u64(0):
        entry = page + ((real >> u64(2)) & u64(layout.CODE_PAGE_ENTRIES - 1)) * _ENTRY
        if read32(entry + _WORD) != _guest_word(m, real, read64(page + _MODE)):
            return True
        page = read64(page + _NEXT)
    return False


@compiled
def code_block_changed(v, ea):  # type: ignore[no-untyped-def]
    """icbi in a window: the cache block may have changed unnoticed, in a file that others write to or a page that is loose. Whether code
    that may be running depended on it."""
    m = machine_of(v)
    changed = False
    if read8(m.page_flags + (ea >> u64(12))) & _HAS_CODE:
        word = ea & ~u64(127)
        for _ in range(32):
            if _differs(m, word) and code_written(v, word, u64(4)):
                changed = True
            word += u64(4)
    return changed


@exported
def forget_code(v, real, size):  # type: ignore[no-untyped-def]
    """RAM that is given to another use: its code pages go, and what vCPUs know of them."""
    m = machine_of(v)
    end = min(real + size, m.ram_size)
    lock_code(m)
    before = m.code_pages_dropped
    if (end - real) >> u64(12) > m.code_table_size:  # more pages than there can be with code
        for i in range(m.code_table_size):
            at = m.code_table + u64(i) * u64(16)
            page = read64(at) - u64(1)
            if read64(at) and read64(at + u64(8)) and page >= real >> u64(12) and page < end >> u64(12):
                _drop_page(v, m, page)
        real = end
    while real < end:
        if read8(m.page_flags + (real >> u64(12))) & _HAS_CODE:
            _drop_page(v, m, real >> u64(12))
        real += u64(4096)
    if m.code_pages_dropped != before:
        flush_jump_caches(m)
    unlock_code(m)
    return u64(0)


@exported
def install_region(v, entry, handler):  # type: ignore[no-untyped-def]
    """Put a compiled region at one of its entries."""
    write64(entry, handler)
    write32(entry + _HOT, u64(0x8000_0000))
    return u64(0)


__all__ = [
    "code_written",
    "drop_all_code",
    "find_code_page",
    "flush_jump_cache",
    "forget_code",
    "install_region",
    "invalidate_code",
    "make_code_page",
]
