"""Statistics of a machine, as a dict: a superset of what KVM counts (reference: kvm-pr.md)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from dbt.exits import Exit
from dbt.state import SLOTS

from .hypercalls.table import LIGHT
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
VCPU_COUNTERS = (
    "lookups", "tlb_fills", "filled_data", "filled_code", "walk_misses", "segment_misses", "flush_all", "flush_page", "flush_space",
    "shadow_wraps", "slow_loads", "slow_stores", "shared_accesses", "yields", "naps", "tima_loads", "tima_stores",
    "esb_loads", "esb_stores", "events_queued",
)  # fmt: skip
# What made translations or translated code go away: field of the machine record -> in words
INVALIDATIONS = {
    "by_tlbie": "tlbie", "by_tlbiel": "tlbiel", "by_slbie": "slbie", "by_slbia": "slbia", "by_slbmte": "slbmte over another entry",
    "by_key": "AMR or IAMR written", "by_register": "SDR1, LPCR, PID ... written", "by_remove": "H_REMOVE, H_BULK_REMOVE",
    "by_protect": "H_PROTECT", "by_clear": "H_CLEAR_MOD, H_CLEAR_REF", "code_by_host": "code: host or device", "code_by_call": "code: H_ENTER",
}  # fmt: skip


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
        for n, name in enumerate(LIGHT):
            if count := read(vcpu.address, SLOTS["light_calls"].element(n)):
                counters[f"hcall_{name[2:].lower()}"] += count
        for name in VCPU_COUNTERS:
            counters[name] += read(vcpu.address, SLOTS[name])
    for name in MACHINE_COUNTERS:
        counters[name] += vm.record[name]
    invalidations = {text: vm.record[name] for name, text in INVALIDATIONS.items()}
    invalidations["shadow VSIDs used up"] = counters["shadow_wraps"]
    by_others = invalidations["code: host or device"] + invalidations["code: H_ENTER"]
    invalidations["code: stores"] = counters["code_invalidations"] - by_others
    light = {k: n - heavy.get(k, 0) for k, n in total.items() if n != heavy.get(k, 0)}
    return {
        "instructions": instructions,
        "exits": dict(total),
        "light": light,
        "heavy": dict(heavy),
        "emulated": dict(emulated),
        "interrupts": dict(delivered),
        "calls": calls,
        "invalidations": invalidations,
        "counters": dict(counters),
        "kvm": kvm(total, light, delivered, counters, vm.returns),
        "compiler": dict(vm.compiler.stats) if vm.compiler is not None else {},
    }


def kvm(total: Mapping[str, int], light: Mapping[str, int], delivered: Mapping[str, int], counters: Mapping[str, int], returns: int) -> dict[str, int]:
    """The same under the names of KVM's counters (arch/powerpc/kvm/book3s.c), as far as they mean something here.

    A TLB miss never leaves translated code, so those exits are 0; `sp_` counts translations that were made from the guest's tables, `pf_` the
    faults that were the guest's, `ld` and `st` the accesses that the inline TLB did not serve."""
    data = delivered.get("data storage", 0) + delivered.get("data segment", 0)
    code = delivered.get("instruction storage", 0) + delivered.get("instruction segment", 0)
    queued = {name: delivered.get(name, 0) for name in ("external", "decrementer", "directed doorbell")}
    return {
        "sum_exits": sum(total.values()),
        "light_exits": sum(light.values()),
        "mmio_exits": total.get("MMIO", 0),
        "signal_exits": returns,
        "itlb_real_miss_exits": 0,
        "itlb_virt_miss_exits": 0,
        "dtlb_real_miss_exits": 0,
        "dtlb_virt_miss_exits": 0,
        "syscall_exits": total.get("SYSCALL", 0),
        "isi_exits": code,
        "dsi_exits": data,
        "emulated_inst_exits": total.get("PRIVILEGED", 0) + total.get("EMULATE", 0),
        "dec_exits": queued["decrementer"],
        "ext_intr_exits": queued["external"],
        "dbell_exits": queued["directed doorbell"],
        "queue_intr": sum(queued.values()),
        "halt_wakeup": counters.get("hcall_cede", 0),
        "pf_storage": data,
        "pf_instruc": code,
        "sp_storage": counters.get("filled_data", 0),
        "sp_instruc": counters.get("filled_code", 0),
        "ld": counters.get("slow_loads", 0),
        "st": counters.get("slow_stores", 0),
    }
