"""Storage interrupts: what kind, for which access, and the bits that say why (Book III 6.5.3 to 6.5.6)."""

from __future__ import annotations

from dbt.backend.machinery import compiled, u64
from dbt.exits import Exit

# access
LOAD, STORE, FETCH = u64(0), u64(1), u64(2)
# DSISR bits of a DSI, SRR1 bits of an ISI; the last two are radix translation's
NO_PTE, NO_EXECUTE, PROTECTED, IS_STORE, KEY_FAULT, BAD_TREE, NOT_RECORDED = (
    u64(x) for x in (0x4000_0000, 0x1000_0000, 0x0800_0000, 0x0200_0000, 0x0020_0000, 0x0008_0000, 0x0004_0000)
)
# what a translation gives: an address, with bits above it (real addresses have 60), or FAILED
FAILED = u64(0xFFFF_FFFF_FFFF_FFFF)
UNSEEN, UNREADABLE = u64(1 << 60), u64(1 << 61)
FAULT = u64(Exit.FAULT)
DSI, DSEG, ISI, ISEG, MACHINE_CHECK = u64(0x300), u64(0x380), u64(0x400), u64(0x480), u64(0x200)


@compiled
def fault(v, vector, ea, bits):  # type: ignore[no-untyped-def]
    """Report a storage interrupt; the result is FAILED. `bits` are for DSISR (data) or SRR1 (fetch)."""
    v.exit = FAULT
    v.fault_vector = vector
    v.fault_dar = ea
    v.fault_dsisr = bits
    return FAILED


@compiled
def page_fault(v, ea, access, bits):  # type: ignore[no-untyped-def]
    """DSI or ISI."""
    return fault(v, ISI if access == FETCH else DSI, ea, bits | (IS_STORE if access == STORE else u64(0)))


@compiled
def segment_fault(v, ea, access):  # type: ignore[no-untyped-def]
    """Data or instruction segment interrupt."""
    return fault(v, ISEG if access == FETCH else DSEG, ea, u64(0))
