"""Statistics of a machine, as a dict: a superset of what KVM counts (reference: kvm-pr.md)."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from dbt.exits import Exit
from dbt.state import SLOTS

from .registers import read

if TYPE_CHECKING:
    from .vm import VM

VECTORS = {
    0x100: "system reset", 0x200: "machine check", 0x300: "data storage", 0x380: "data segment", 0x400: "instruction storage",
    0x480: "instruction segment", 0x500: "external", 0x600: "alignment", 0x700: "program", 0x800: "floating-point unavailable",
    0x900: "decrementer", 0xA00: "directed doorbell", 0xC00: "system call", 0xD00: "trace", 0xE00: "hypervisor data storage",
    0xF00: "performance monitor", 0xF20: "vector unavailable", 0xF40: "VSX unavailable", 0xF60: "facility unavailable", 0x3000: "system call vectored",
}  # fmt: skip
MACHINE_COUNTERS = (
    "code_invalidations", "code_pages_made", "code_pages_dropped", "regions_dropped", "tlb_flushes", "tlb_page_flushes",
    "hcall_enter", "hcall_remove", "hcall_protect", "hcall_read", "hcall_bulk", "hcall_clear",
)  # fmt: skip
VCPU_COUNTERS = ("lookups", "tlb_fills", "walk_misses", "segment_misses", "flush_all", "flush_page", "flush_space", "shadow_wraps")


def collect(vm: VM, calls: dict[str, int]) -> dict[str, Any]:
    """Everything counted so far, summed over the vCPUs. `exits` = `light` + `heavy`, kind by kind."""
    total: Counter[str] = Counter()
    heavy: Counter[str] = Counter()
    emulated: Counter[str] = Counter()
    delivered: Counter[str] = Counter()
    counters: Counter[str] = Counter()
    instructions = 0
    for vcpu in vm.vcpus:
        instructions += vcpu.icount
        for kind in Exit:
            if count := read(vcpu.address, SLOTS["exit_count"].element(kind)):
                total[kind.name] += count
        heavy.update(vcpu.heavy)
        emulated.update(vcpu.emulated)
        for vector, name in VECTORS.items():
            if count := read(vcpu.address, SLOTS["delivered"].element(vector >> 5 & 127)):
                delivered[name] += count
        for name in VCPU_COUNTERS:
            counters[name] += read(vcpu.address, SLOTS[name])
    for name in MACHINE_COUNTERS:
        counters[name] += int(vm.record[name])
    light = {k: n - heavy.get(k, 0) for k, n in total.items() if n != heavy.get(k, 0)}
    return {
        "instructions": instructions,
        "exits": dict(total),
        "light": light,
        "heavy": dict(heavy),
        "emulated": dict(emulated),
        "interrupts": dict(delivered),
        "calls": calls,
        "counters": dict(counters),
        "compiler": dict(vm.compiler.stats) if vm.compiler is not None else {},
    }
