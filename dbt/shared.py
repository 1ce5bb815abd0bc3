"""The machine record: what all vCPUs of a machine share with compiled code. Laid out like the vCPU record (state.py).

Addresses in it are host addresses; "real" addresses are the guest's physical ones.
"""

from __future__ import annotations

from typing import Any

FIELDS = """
ram ram_size page_flags
htab htab_groups htab_vrma process_table
vcpus vcpu_count
turn_cpu turn_left turn_length turn_to run_left
parallel code_lock table_lock clock_gettime sched_yield clock_start clock_last
code_table code_table_size code_used code_pool code_pool_start code_pool_end code_free
decode_handler page_end_handler page_end_handler_32 gone_handler regions_start regions_end
hot_queue hot_head hot_tail
hot_threshold code_serial
tlb_flushes tlb_page_flushes code_invalidations code_pages_made code_pages_dropped regions_dropped
by_tlbie by_tlbiel by_slbie by_slbia by_slbmte by_key by_register by_remove by_protect by_clear code_by_host code_by_call
hcall_enter hcall_remove hcall_protect hcall_read hcall_bulk hcall_clear
cpu_features lpcr_ils
user_areas user_area_count window
interrupts irq_lock irq_sources irq_source_count xive_ends idle_left syscall
spare*13
""".split()

OFFSETS: dict[str, int] = {}
_at = 0
for _word in FIELDS:
    _name, _, _count = _word.partition("*")
    OFFSETS[_name] = _at
    _at += 8 * int(_count or 1)
SIZE = (_at + 4095) & -4096

# parallel: vCPUs run on host threads of their own. Then the locks are used, clock_gettime and sched_yield are host addresses of libc's
# functions, clock_start is the host's monotonic time in ns at which the time base was 0, and clock_last the latest that was read.
# Else they take turns: turn_cpu has one, of turn_length instructions of which turn_left are left; turn_to - 1 (if not 0) is to be the next.
# run_left are the instructions that may run before Python wants to look.

# idle_left: ticks that may pass while all vCPUs wait before Python wants to look; 0 if it wants to see every wait.
# interrupts: 0 if Python answers for the interrupt controller, or which one compiled code has (INTERRUPTS_...). irq_sources is a table of
# irq_source_count sources (runtime/devices/xics.py, xive.py), xive_ends one of event queues; irq_lock guards all its state.
# syscall: host address of libc's function, for futex.
INTERRUPTS_XICS, INTERRUPTS_XIVE = 1, 2

# window: bytes of a window (docs/decisions/0005), whose first byte is at `ram`; 0 for RAM with a software TLB.
# user_areas: the address space of a Linux process (runtime/user/memory.py), or 0 for a machine of its own. A table, sorted by address,
# of {first address, one past the last, protection}.
AREA_BYTES = 24
AREA_READ, AREA_WRITE, AREA_EXECUTE = 1, 2, 4  # as PROT_READ and so on

# page_flags: one byte for each 4 KiB page of RAM
PAGE_HAS_CODE = 1  # stores must go through the slow path: translated code was made from it
PAGE_READ_ONLY = 2
PAGE_DIRTY = 4
PAGE_LOOSE = 8  # of a window: has code, and is stored to so often that only icbi is heeded (Book II 1.8)


def dtype() -> Any:
    """The record as a NumPy structured dtype, all fields unsigned 64-bit."""
    import numpy as np

    formats: list[Any] = []
    for word in FIELDS:
        count = word.partition("*")[2]
        formats.append((np.dtype("<u8"), (int(count),)) if count else np.dtype("<u8"))
    return np.dtype({"names": list(OFFSETS), "formats": formats, "offsets": list(OFFSETS.values()), "itemsize": SIZE})
