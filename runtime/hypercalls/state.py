"""What the hypervisor remembers of a partition: plain values, so that a snapshot is `asdict(state)`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

_U64: Final = (1 << 64) - 1


@dataclass(slots=True)
class CpuState:
    """Per vCPU. Areas are real addresses, 0 when not registered; debug registers are held, not acted upon."""

    vpa: int = 0
    slb_shadow: int = 0
    slb_shadow_size: int = 0
    dtl: int = 0
    dtl_size: int = 0
    dabr: int = 0
    dabrx: int = 0
    ciabr: int = 0
    dawr0: int = 0
    dawrx0: int = 0


@dataclass(slots=True)
class PaprState:
    """Per partition. `random` is the state of H_RANDOM's generator: same seed, same numbers.

    `time_offset_ns` is what set-time-of-day added to the machine's clock. `process_table` is the registered one: address | log2 of
    its 4 KiB pages.
    """

    random: int = 0
    time_offset_ns: int = 0
    process_table: int = 0
    cpus: dict[int, CpuState] = field(default_factory=dict)

    def cpu(self, number: int) -> CpuState:
        """The state of the vCPU with PIR `number`, created when first asked for."""
        return self.cpus.setdefault(number, CpuState())

    def next_random(self) -> int:
        """64 bits of SplitMix64 (Steele, Lea, Flood 2014): small, seedable, and well enough mixed for an
        entropy pool."""
        self.random = (self.random + 0x9E3779B97F4A7C15) & _U64
        z = self.random
        z = ((z ^ z >> 30) * 0xBF58476D1CE4E5B9) & _U64
        z = ((z ^ z >> 27) * 0x94D049BB133111EB) & _U64
        return z ^ z >> 31

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> PaprState:
        """The inverse of `dataclasses.asdict`."""
        cpus = {int(number): CpuState(**values) for number, values in state["cpus"].items()}
        return cls(state["random"], state["time_offset_ns"], state["process_table"], cpus)
