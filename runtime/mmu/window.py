"""Memory of a Linux process: the window of docs/decisions/0005, whose real addresses are the effective ones.

The host's protections say what may be accessed; the table of areas says why not.
"""

from __future__ import annotations

from dbt import shared
from dbt.backend.codecache import flush_jump_caches
from dbt.backend.locks import lock_code, unlock_code
from dbt.backend.machinery import (
    atomic_or8,
    compiled,
    exported,
    host_protect,
    linked,
    machine_of,
    probe_load,
    probe_store,
    read8,
    read64,
    u64,
)

from .faults import FETCH, NO_EXECUTE, NO_PTE, PROTECTED, STORE, page_fault
from .tlb import HAS_CODE, LOOSE, PAGE

_AREA, _WRITE, _EXECUTE = u64(shared.AREA_BYTES), u64(shared.AREA_WRITE), u64(shared.AREA_EXECUTE)
_READ, _READ_WRITE = u64(1), u64(3)  # PROT_READ, and PROT_WRITE
_BAD_PAGE = u64(0x0400_0000)  # a DSISR bit no storage interrupt of this MMU sets


@compiled
def open_page(v, m, ea, page):  # type: ignore[no-untyped-def]
    """Let the host store to a page that it may not store to, since code was made from it. False if that is not the reason.

    It is closed when the instruction is done, whether it completes (storage.written) or not (the run loop). Where threads run in parallel
    others would store to it meanwhile, unseen: there it stays open."""
    host_protect(page, u64(4096), _READ_WRITE)
    if probe_store(page) == u64(0):
        return False
    if read8(m.page_flags + (ea >> u64(12))) & (HAS_CODE | LOOSE) == HAS_CODE:
        if m.parallel:
            atomic_or8(m.page_flags + (ea >> u64(12)), LOOSE)
            return True
        v.open_page[u64(0) if v.open_page[0] == u64(0) else u64(1)] = page
    return True


@linked
def permitted(v, ea, access):  # type: ignore[no-untyped-def]
    """`user_address`, while nobody changes the areas. Who runs in parallel with a change may get a fault that is none any more: Python
    looks again (runtime/user/signals.py)."""
    m = machine_of(v)
    low, high = u64(0), m.user_area_count
    while low < high:
        middle = (low + high) >> u64(1)
        if ea >= read64(m.user_areas + middle * _AREA + u64(8)):
            low = middle + u64(1)
        else:
            high = middle
    area = m.user_areas + low * _AREA
    if low == m.user_area_count or ea < read64(area):
        return page_fault(v, ea, access, NO_PTE)
    allowed = read64(area + u64(16))
    if access == FETCH and allowed & _EXECUTE == u64(0):
        return page_fault(v, ea, access, NO_EXECUTE)
    if allowed == u64(0) or (access == STORE and allowed & _WRITE == u64(0)):
        return page_fault(v, ea, access, PROTECTED)
    page = m.ram + (ea & PAGE)
    if probe_store(page) if access == STORE else probe_load(page):
        return ea
    if access != STORE or not open_page(v, m, ea, page):
        return page_fault(v, ea, access, _BAD_PAGE)  # mapped, but there is nothing: past the end of a file
    return ea


@linked
def user_address(v, ea, access):  # type: ignore[no-untyped-def]
    """`ea`, if the areas of a Linux process allow the access: in a window the real address is the effective one. A page without any
    access cannot be loaded from; every other can (as Linux has it on this architecture)."""
    m = machine_of(v)
    lock_code(m)
    found = permitted(v, ea, access)
    unlock_code(m)
    return found


@linked
def close_pages(v):  # type: ignore[no-untyped-def]
    """Stores to pages with code are to be noticed again."""
    m = machine_of(v)
    for i in range(2):
        page = v.open_page[i]
        if page:
            v.open_page[i] = u64(0)
            if read8(m.page_flags + ((page - m.ram) >> u64(12))) & (HAS_CODE | LOOSE) == HAS_CODE:
                host_protect(page, u64(4096), _READ)
    return u64(0)


@exported
def user_areas_changed(v, table, count, code):  # type: ignore[no-untyped-def]
    """The areas of a Linux process are those in another table. code: some of it can no longer be executed."""
    m = machine_of(v)
    lock_code(m)
    m.user_areas = table
    m.user_area_count = count
    if code:
        flush_jump_caches(m)
    unlock_code(m)
    return u64(0)
