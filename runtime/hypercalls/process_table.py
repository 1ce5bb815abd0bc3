"""H_REGISTER_PROC_TBL: where a POWER9 partition says how it translates addresses, and by which process table (PAPR; ISA 3.0B Book III 5.7.6)."""

from __future__ import annotations

from typing import Final

from runtime.hypercalls.interface import Machine, Processor
from runtime.hypercalls.registry import Result, hypercall
from runtime.hypercalls.table import H_P2, H_P3, H_P4, H_PARAMETER, H_SUCCESS

MODIFY, REGISTER, RADIX, SEGMENT_TABLES, GUEST_INVALIDATES = 0x10, 0x08, 0x04, 0x02, 0x01
LPCR_UPRT, LPCR_HR, LPCR_GTSE = 1 << 22, 1 << 20, 1 << 10
_TABLE: Final = 0x0FFF_FFFF_FFFF_F000
_MOST: Final = 24  # log2 of 4 KiB pages


@hypercall("H_REGISTER_PROC_TBL", 0x37C)
def h_register_proc_tbl(vm: Machine, vcpu: Processor, flags: int, table: int, page_size: int, size: int) -> Result:
    """Register a process table of 4096 << size bytes for radix translation, or none for the hashed page table with an SLB.

    Hash translation with segment tables is not what this machine offers. Without MODIFY the registration stays."""
    if flags & ~0x1F or flags & SEGMENT_TABLES or (flags & RADIX and not vm.radix):
        return H_PARAMETER
    bits = LPCR_GTSE * (flags & GUEST_INVALIDATES)
    mask = LPCR_UPRT | LPCR_HR | LPCR_GTSE
    if not flags & MODIFY:
        vm.set_process_table(vm.papr.process_table, bits, LPCR_GTSE)
        return H_SUCCESS
    wanted = flags & REGISTER and flags & RADIX
    if table & ~_TABLE or (table and not wanted):
        return H_P2
    if page_size:
        return H_P3
    if size > _MOST or (size and not wanted):
        return H_P4
    vm.papr.process_table = table | size
    vm.set_process_table(table | size, bits | (LPCR_UPRT | LPCR_HR if wanted else 0), mask)
    return H_SUCCESS
