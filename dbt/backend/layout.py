"""Where things are in a code page and in the tables that translated code reads: the contract between LLVM text, the
Numba machinery and Python.

A code page stands for 4 KiB of guest real memory in one mode. It is CODE_PAGE_STRIDE bytes, aligned to that:
1,024 entries {u64 handler, u32 instruction word, i32 hotness}, one per guest instruction; a sentinel entry for
control that runs off the end; then the trailer.
"""

from __future__ import annotations

ENTRY_BYTES = 16
ENTRY_WORD = 8
ENTRY_HOT = 12
CODE_PAGE_STRIDE = 0x8000
CODE_PAGE_ENTRIES = 1024
SENTINEL = CODE_PAGE_ENTRIES * ENTRY_BYTES
# trailer
PAGE_ROOT = SENTINEL + 16  # decoder trie of the page's mode
PAGE_REAL = SENTINEL + 24  # real page number
PAGE_MODE = SENTINEL + 32  # Mode.index
PAGE_NEXT = SENTINEL + 40  # next code page of the same real page (another mode), or 0
PAGE_WRITES = SENTINEL + 48  # stores to it since it was last found in use
PAGE_SERIAL = SENTINEL + 56  # grows whenever code of the page is dropped
PAGE_COVERED = SENTINEL + 64  # 1,024 bits: words that compiled regions depend on
PAGE_END = PAGE_COVERED + CODE_PAGE_ENTRIES // 8

# The decoder's trie: odd numbers lead to nodes; others are handlers' addresses or, with these bits, the numbers (shifted by two) of handlers
# that nothing needed so far.
UNBUILT = 1 << 62 | 2

NEVER_HOT = -(1 << 31)

HIGH_BITS = -4096  # effective page address of an effective address

CALLING_CONVENTION = "preserve_nonecc"
PARAMETERS = "ptr noalias %st, ptr %tlb, i64 %fuel, ptr %ip"
ARGUMENTS = "ptr %st, ptr %tlb, i64 {fuel}, ptr {ip}"

# The window (docs/decisions/0005): 2**k bytes at address 2**k, with guards on both sides.
WINDOW_GUARD = 1 << 17

# What the fault handler (recovery.py) looks at, at the address in @fault_state.
FAULT_WINDOW = 0  # host addresses whose faults are the guest's business: first, end
FAULT_WINDOW_END = 8
FAULT_MENDED = 16  # address of a fault that nothing expected
FAULT_NEXT = 24  # handlers of SIGBUS and SIGSEGV for all other faults: address, 0 default, 1 ignore
FAULT_SENT = 40  # and if they were sent
FAULT_MENDED_BY = 56  # host thread
FAULT_TABLES = 64  # {first and end of an arena of code, address of its sorted {place, other place}, their number}
FAULT_TABLE_BYTES = 32
FAULT_TABLE_COUNT = 64
