"""CPU models of the Book3S 64 family: what a guest can tell them apart by."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Cpu:
    """A processor model. `name` is the device tree's, `pvr` its processor version register."""

    name: str
    pvr: int
    slb_entries: int
    segment_1t: bool


CPUS = {
    "power7": Cpu("POWER7", 0x003F_0203, 32, True),
    "power8": Cpu("POWER8", 0x004D_0200, 32, True),
}
