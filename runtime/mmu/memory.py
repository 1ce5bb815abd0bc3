"""The host memory of one vCPU's shadow paging, and the state a vCPU's MMU starts in."""

from __future__ import annotations

from typing import Any

from dbt import state

SHADOW_VSIDS = 65_535  # what a process had in the talk
SHADOW_ENTRIES = 16_384
MAX_SHADOW_VSIDS = (1 << 20) - 1  # bits in a key


class ShadowMemory:
    """Tables of level 2, attached to a vCPU record; keep it as long as the record is used.

    `record` is the vCPU's NumPy record, `limit` how many shadow VSIDs there are before the generation grows, `entries` the size of the
    shadow TLB (a power of two). Memory is zero pages until used: 256 KiB for the TLB, up to 2 MiB for the segments."""

    def __init__(self, record: Any, limit: int = SHADOW_VSIDS, entries: int = SHADOW_ENTRIES) -> None:
        import numpy as np

        if not 1 <= limit <= MAX_SHADOW_VSIDS:
            raise ValueError(f"shadow VSIDs: 1 to {MAX_SHADOW_VSIDS}, not {limit}")
        if entries < 1 or entries & entries - 1:
            raise ValueError(f"the shadow TLB has a power of two of entries, not {entries}")
        slots = 1 << (2 * limit).bit_length()
        self.tlb = np.zeros(2 * entries, np.uint64)
        self.segments = np.zeros(2 * slots, np.uint64)
        record["shadow_tlb"], record["shadow_tlb_mask"] = self.tlb.ctypes.data, entries - 1
        record["shadow_map"], record["shadow_map_mask"] = self.segments.ctypes.data, slots - 1
        record["shadow_limit"] = limit
        record["shadow_next"] = 1
        record["shadow_generation"] = 1
        record["segment_epoch"] = 1
        record["segment_loose"] = record["fetch_loose"] = record["shadow_wide"] = 0


def empty_tlbs(whole: Any) -> None:
    """Empty the level-1 tables in the bytes of a vCPU record (a NumPy uint8 array of state.SIZE), as a new vCPU needs."""
    import numpy as np

    tables = whole[state.TLB : state.TLB + state.TLB_SPACES * state.TLB_BYTES].view(np.uint64).reshape(-1, 4)
    tables[:, :2] = np.uint64(0xFFFF_FFFF_FFFF_FFFF)
