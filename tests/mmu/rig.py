"""A machine with a hashed page table and nothing else, for tests of the MMU: its helpers are called as translated code calls them."""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar

from dbt.exits import Exit
from runtime.mmu.explain import Access, Registers, Translation, translate
from runtime.mmu.hpt import HashTable, Page, Segment
from runtime.vm import VM

SF, PR, IR, DR = 1 << 63, 1 << 14, 1 << 5, 1 << 4
VIRTUAL = SF | IR | DR
BIG, LITTLE, ALIGNED = 0, 1 << 8, 1 << 9
KERNEL = 0xC000_0000_0000_0000


class Rig:
    """`cpus` vCPUs, RAM, and a table of its own of 2**hpt bytes."""

    live: ClassVar[list[Rig]] = []  # closed after each test (conftest.py)

    def __init__(self, memory: int = 32 << 20, hpt: int = 18, cpus: int = 1, shadow_vsids: int = 65_535) -> None:
        self.vm = VM(memory=memory, cpus=cpus, engine="interpreter", shadow_vsids=shadow_vsids)
        self.live.append(self)
        self.table = HashTable.attach(self.vm, hpt)
        self.v: Any = self.vm.vcpus[0]
        self._addresses = (ctypes.c_uint64 * cpus)(*[v.address for v in self.vm.vcpus])
        self.vm.set_record(vcpus=ctypes.addressof(self._addresses), vcpu_count=cpus)
        for v in self.vm.vcpus:
            self.mode(VIRTUAL, v)

    def mode(self, msr: int, v: Any = None) -> None:
        """Set the MSR."""
        v = v or self.v
        v.msr = msr
        v.mode_changed()

    def segment(self, ea: int, segment: Segment, index: int = 0, v: Any = None) -> Segment:
        """Map a segment at `ea` through SLB entry `index`."""
        (v or self.v).call("slbmte", segment.word, segment.esid_word(ea, index))
        return segment

    def load(self, ea: int, size: int = 8, flags: int = BIG, v: Any = None) -> int | Fault:
        """What a load from `ea` gives."""
        v = v or self.v
        v.exit = 0
        value = v.call("load_slow", ea, size | flags)
        return Fault.of(v) or value

    def store(self, ea: int, value: int, size: int = 8, flags: int = BIG, v: Any = None) -> Fault | None:
        """Store to `ea`."""
        v = v or self.v
        v.exit = 0
        v.call("store_slow", ea, size | flags, value)
        return Fault.of(v)

    def fetch(self, ea: int) -> int | Fault:
        """The real address of the instruction at `ea`."""
        self.v.exit = 0
        real = self.v.call("fetch", ea)
        return Fault.of(self.v) or real

    def helper(self, name: str, *args: int, v: Any = None) -> int | Fault:
        """A helper that may exit."""
        v = v or self.v
        v.exit = 0
        result = v.call(name, *args)
        return Fault.of(v) or result

    def hcall(self, name: str, *args: int) -> int:
        """A hypercall with its arguments in r4 and up; its status as a signed number."""
        for i, value in enumerate(args):
            self.v.gpr[4 + i] = value
        self.v.call(name)
        status: int = self.v.gpr[3]
        return status - (1 << 64) if status >> 63 else status

    def explain(self, ea: int, access: Access = "load") -> Translation:
        """The independent reading of the same state."""
        return translate(Registers.of(self.v), ea, access)

    def word(self, real: int, value: int | None = None) -> int:
        """A big-endian doubleword of RAM; set it first if a value is given."""
        if value is not None:
            self.vm.write(real, value.to_bytes(8, "big"))
        return int.from_bytes(self.vm.read(real, 8), "big")


class Fault(tuple[str, int, int, int]):
    """(kind, vector, address, DSISR or SRR1 bits) of the exit a helper made."""

    @classmethod
    def of(cls, v: Any) -> Fault | None:
        """The exit of a vCPU, or None."""
        if not v.exit:
            return None
        kind = Exit(v.exit)
        if kind is Exit.FAULT:
            return cls((kind.name, v.fault_vector, v.fault_dar, v.fault_dsisr))
        return cls((kind.name, 0, v.exit_arg, 0))


def fault(vector: int, ea: int, bits: int = 0) -> Fault:
    """An expected storage interrupt."""
    return Fault(("FAULT", vector, ea, bits))


__all__ = [
    "ALIGNED",
    "BIG",
    "DR",
    "IR",
    "KERNEL",
    "LITTLE",
    "PR",
    "SF",
    "VIRTUAL",
    "Fault",
    "Page",
    "Rig",
    "Segment",
    "fault",
]
