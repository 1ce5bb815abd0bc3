"""Memory for the MMU model's tables of a vCPU (runtime/mmu/shadow.py says what is in them)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from runtime.vcpu import VCPU

SHADOW_TLB_ENTRIES = 1 << 15  # 16 bytes each


def init_vcpu(vm: Any, vcpu: VCPU, shadow_vsids: int) -> None:
    """Allocate and empty the shadow tables. ValueError for an impossible number of shadow VSIDs."""
    if not 1 <= shadow_vsids <= 65_535:
        raise ValueError(f"{shadow_vsids} shadow VSIDs: 1 to 65535")
    slots = 1 << (2 * shadow_vsids).bit_length()
    vcpu.shadow_tlb, vcpu.shadow_tlb_mask = vm.map(SHADOW_TLB_ENTRIES * 16), SHADOW_TLB_ENTRIES - 1
    vcpu.shadow_map, vcpu.shadow_map_mask = vm.map(slots * 16), slots - 1
    vcpu.shadow_generation, vcpu.shadow_next, vcpu.shadow_limit = 1, 1, shadow_vsids
    vcpu.segment_epoch = 1
    vcpu.call("empty_tlbs")
