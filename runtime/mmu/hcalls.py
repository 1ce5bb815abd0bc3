"""The hashed page table hypercalls (PAPR 14.5.4.1), compiled: a boot makes tens of thousands of them.

Arguments are in r4 and up; the status goes to r3, results to r4 and up. PTEs are named by number: group * 8 + slot.
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
    read64,
    u64,
    write64,
)

from .invalidate import pte_changed
from .storage import drop_code
from .walk import PTE_C, PTE_N, PTE_R, PTE_RPN, PTE_V, page_sizes, table

H_SUCCESS, H_PARAMETER, H_NOT_FOUND, H_PTEG_FULL = u64(0), u64(2**64 - 4), u64(2**64 - 7), u64(2**64 - 6)
# flags
EXACT, READ_4, AVPN, ANDCOND, ZERO_PAGE = (u64(1 << (63 - bit)) for bit in (24, 26, 32, 33, 48))
SOFTWARE = u64(0x60)  # PTE bits kept by hypervisors
PP0, PP, KEY_HIGH, KEY_LOW = u64(1 << 63), u64(3), u64(0x3000_0000_0000_0000), u64(0xE00)
WIMG, WIM, MEMORY, INHIBITED = u64(0x78), u64(0x70), u64(0x10), u64(0x20)
DIRTY, HAS_CODE = u64(shared.PAGE_DIRTY), u64(shared.PAGE_HAS_CODE)
# H_BULK_REMOVE: translation specifier high
TYPE, REQUEST, RESPONSE, END = u64(3 << 62), u64(1 << 62), u64(2 << 62), u64(3 << 62)
TS_FLAGS, TS_INDEX = u64(3 << 56), u64((1 << 56) - 1)


@compiled
def status(v, code):  # type: ignore[no-untyped-def]
    """Answer with a return code."""
    v.gpr[3] = code
    return code


@compiled
def pte_address(v, index):  # type: ignore[no-untyped-def]
    """Host address of PTE number `index`, or 0 if the table has no such PTE."""
    at, groups = table(v)
    return at + (index << u64(4)) if index < groups << u64(3) else u64(0)


@compiled
def pte_word(address):  # type: ignore[no-untyped-def]
    """A doubleword of the table."""
    return bswap64(read64(address))


@compiled
def change_low(at, mask, bits):  # type: ignore[no-untyped-def]
    """Set the bits of `mask` in a PTE's second doubleword to `bits`, in one step: others may be marking it. What it was."""
    while True:
        old = read64(at + u64(8))
        low = bswap64(old)
        if compare_and_swap64(at + u64(8), old, bswap64(low & ~mask | bits)):
            return low


@compiled
def clear_page(v, real, shift):  # type: ignore[no-untyped-def]
    """H_ZERO_PAGE: RAM at `real` is set to zero."""
    m = machine_of(v)
    for at in range(u64(1) << (shift - u64(3))):
        write64(m.ram + real + (u64(at) << u64(3)), u64(0))
    for n in range(u64(1) << (shift - u64(12))):
        page = real + (u64(n) << u64(12))
        if atomic_or8(m.page_flags + (page >> u64(12)), DIRTY) & HAS_CODE:
            before = m.code_invalidations
            drop_code(v, page, u64(4096))
            m.code_by_call += m.code_invalidations - before


@linked
def h_enter(v):  # type: ignore[no-untyped-def]
    """H_ENTER (flags, index, first doubleword, second): r4 = the PTE's number. Its group's slot 0..7 that is free, or with EXACT that one."""
    m = machine_of(v)
    m.hcall_enter += u64(1)
    flags, index, pte0, pte1 = v.gpr[4], v.gpr[5], v.gpr[6], v.gpr[7]
    shift = page_sizes(pte0, pte1) & u64(0xFF)
    if shift == u64(0):
        return status(v, H_PARAMETER)
    real = pte1 & PTE_RPN & ~((u64(1) << shift) - u64(1))
    ram = real < m.ram_size
    if ram and (pte1 & WIMG != MEMORY or real + (u64(1) << shift) > m.ram_size):
        return status(v, H_PARAMETER)
    if not ram and pte1 & WIM != INHIBITED:
        return status(v, H_PARAMETER)
    at = pte_address(v, index)
    if at == u64(0):
        return status(v, H_PARAMETER)
    if flags & EXACT:
        if pte_word(at) & PTE_V:
            return status(v, H_PTEG_FULL)
    else:
        at -= (index & u64(7)) << u64(4)
        index &= ~u64(7)
        end = index + u64(8)
        while index < end and pte_word(at) & PTE_V:
            index += u64(1)
            at += u64(16)
        if index == end:
            return status(v, H_PTEG_FULL)
    if flags & ZERO_PAGE and ram:
        clear_page(v, real, shift)
    write64(at + u64(8), bswap64(pte1))
    write64(at, bswap64(pte0 & ~SOFTWARE))
    v.gpr[4] = index
    return status(v, H_SUCCESS)


@compiled
def matches(pte0, flags, avpn):  # type: ignore[no-untyped-def]
    """Whether a PTE is valid and what the caller takes it for."""
    if pte0 & PTE_V == u64(0):
        return False
    if flags & AVPN and pte0 & ~u64(0x7F) != avpn:
        return False
    return not (flags & ANDCOND and pte0 & avpn)


@compiled
def remove(v, flags, index, avpn):  # type: ignore[no-untyped-def]
    """Remove a PTE: (status, first doubleword, second)."""
    at = pte_address(v, index)
    if at == u64(0):
        return H_PARAMETER, u64(0), u64(0)
    pte0, pte1 = pte_word(at), pte_word(at + u64(8))
    if not matches(pte0, flags, avpn):
        return H_NOT_FOUND, u64(0), u64(0)
    write64(at, u64(0))
    machine_of(v).by_remove += u64(1)
    pte_changed(v, index, pte0, pte1)
    pte1 = pte_word(at + u64(8))  # R and C may have been set until now
    write64(at + u64(8), u64(0))
    return H_SUCCESS, pte0, pte1


@linked
def h_remove(v):  # type: ignore[no-untyped-def]
    """H_REMOVE (flags, index, AVPN): r4, r5 = the PTE removed."""
    machine_of(v).hcall_remove += u64(1)
    code, pte0, pte1 = remove(v, v.gpr[4], v.gpr[5], v.gpr[6])
    if code == H_SUCCESS:
        v.gpr[4] = pte0
        v.gpr[5] = pte1
    return status(v, code)


@linked
def h_bulk_remove(v):  # type: ignore[no-untyped-def]
    """H_BULK_REMOVE: up to four pairs in r4..r11, each answered in place with its outcome and the PTE's R and C."""
    machine_of(v).hcall_bulk += u64(1)
    for i in range(4):
        r = 4 + 2 * i
        request = v.gpr[r]
        if request & TYPE == END:
            break
        if request & TYPE != REQUEST:
            return status(v, H_PARAMETER)
        answer = request & (TS_INDEX | TS_FLAGS) | RESPONSE
        if request & TS_FLAGS == TS_FLAGS:  # both conditions
            v.gpr[r] = answer | u64(2 << 60)
            return status(v, H_PARAMETER)
        code, _, pte1 = remove(v, (request & TS_FLAGS) >> u64(26), request & TS_INDEX, v.gpr[r + 1])
        if code == H_SUCCESS:
            answer |= (pte1 & (PTE_R | PTE_C)) << u64(43)
        elif code == H_NOT_FOUND:
            answer |= u64(1 << 60)
        else:
            v.gpr[r] = answer | u64(2 << 60)
            return status(v, H_PARAMETER)
        v.gpr[r] = answer
    return status(v, H_SUCCESS)


@linked
def h_protect(v):  # type: ignore[no-untyped-def]
    """H_PROTECT (flags, index, AVPN): set PP, N and key of a PTE from the flags."""
    machine_of(v).hcall_protect += u64(1)
    flags, index = v.gpr[4], v.gpr[5]
    at = pte_address(v, index)
    if at == u64(0):
        return status(v, H_PARAMETER)
    pte0, pte1 = pte_word(at), pte_word(at + u64(8))
    if not matches(pte0, flags, v.gpr[6]):
        return status(v, H_NOT_FOUND)
    pte1 = change_low(at, PP0 | PP | PTE_N | KEY_HIGH | KEY_LOW,
                      (flags << u64(55)) & PP0 | (flags << u64(48)) & KEY_HIGH | flags & (PP | PTE_N | KEY_LOW))  # fmt: skip
    machine_of(v).by_protect += u64(1)
    pte_changed(v, index, pte0, pte1)
    return status(v, H_SUCCESS)


@linked
def h_read(v):  # type: ignore[no-untyped-def]
    """H_READ (flags, index): the PTE in r4, r5; with READ_4 the four of its half group in r4..r11."""
    machine_of(v).hcall_read += u64(1)
    index, count = v.gpr[5], u64(1)
    if pte_address(v, index) == u64(0):
        return status(v, H_PARAMETER)
    if v.gpr[4] & READ_4:
        index &= ~u64(3)
        count = u64(4)
    at = pte_address(v, index)
    for i in range(count << u64(1)):
        v.gpr[u64(4) + u64(i)] = pte_word(at + (u64(i) << u64(3)))
    return status(v, H_SUCCESS)


@compiled
def clear(v, bit):  # type: ignore[no-untyped-def]
    """Clear R or C of the PTE number r5: r4 = its second doubleword before."""
    machine_of(v).hcall_clear += u64(1)
    index = v.gpr[5]
    at = pte_address(v, index)
    if at == u64(0):
        return status(v, H_PARAMETER)
    pte0, pte1 = pte_word(at), pte_word(at + u64(8))
    if pte0 & PTE_V == u64(0):
        return status(v, H_NOT_FOUND)
    if pte1 & bit:
        change_low(at, bit, u64(0))
        machine_of(v).by_clear += u64(1)
        pte_changed(v, index, pte0, pte1)
    v.gpr[4] = pte1
    return status(v, H_SUCCESS)


@linked
def h_clear_mod(v):  # type: ignore[no-untyped-def]
    """H_CLEAR_MOD (flags, index): clear C."""
    return clear(v, PTE_C)


@linked
def h_clear_ref(v):  # type: ignore[no-untyped-def]
    """H_CLEAR_REF (flags, index): clear R."""
    return clear(v, PTE_R)
