"""CPU models of the Book3S 64 family: what a guest can tell them apart by."""

from __future__ import annotations

from dbt.mode import LEVELS
from dbt.records import Record


class Cpu(Record, frozen=True):
    """A processor model. `name` is the device tree's, `pvr` its processor version register, `isa` the architecture it
    implements: an instruction of a later one is illegal."""

    name: str
    pvr: int
    slb_entries: int
    segment_1t: bool
    isa: str
    radix: bool = False  # has radix translation

    @property
    def level(self) -> int:
        """Place of `isa` in mode.LEVELS."""
        return LEVELS.index(self.isa)


CPUS = {
    "power7": Cpu("POWER7", 0x003F_0203, 32, True, "2.06"),
    "power8": Cpu("POWER8", 0x004D_0200, 32, True, "2.07"),
    "power9": Cpu("POWER9", 0x004E_1202, 32, True, "3.0", radix=True),
}
