"""XICS once more, in plain Python: what tests compare the compiled one (runtime/devices/xics.py) with.

Two halves. A *source* (one per interrupt number) has a server, a priority and a pending state. A
*presentation controller* (one per server, i.e. per CPU) holds at most one interrupt at a time:

    CPPR   priority of what the CPU is doing; only a numerically smaller priority interrupts it
    XISR   number of the interrupt presented, 0 if none (CPPR and XISR together are the XIRR)
    MFRR   the priority of the inter-processor interrupt; 0xff when there is none to deliver

A more favoured interrupt displaces the one presented; that one is rejected back to its source, which offers
it again when the CPU becomes ready for it. The output line of a server is up while its XISR is not 0.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

IPI: Final = 2
MASKED: Final = 0xFF
_XISR: Final = 0x00FFFFFF


@dataclass(slots=True)
class Source:
    """One interrupt source. `asserted` is a level source's line; `waiting` is a message that is not delivered
    yet."""

    level: bool
    server: int = 0
    priority: int = MASKED
    saved_priority: int = MASKED
    asserted: bool = False
    waiting: bool = False
    # Presented to a server or accepted by it, with no end-of-interrupt yet. Keeps a level source from being
    # presented twice for one assertion; a message source needs no such memory.
    presented: bool = False

    @property
    def wants_service(self) -> bool:
        if self.priority == MASKED:
            return False
        return self.asserted and not self.presented if self.level else self.waiting


@dataclass(slots=True)
class Presentation:
    """The presentation controller of one server. It starts with everything masked (CPPR 0)."""

    cppr: int = 0
    mfrr: int = MASKED
    xisr: int = 0
    priority: int = MASKED  # Of the interrupt in XISR.

    @property
    def xirr(self) -> int:
        return self.cppr << 24 | self.xisr


class Xics:
    """All sources and servers of a machine.

    `sources` maps interrupt numbers to whether they are level sources. `changed(server, up)` is called
    whenever a server's output line goes up or down. Methods taking a server or a number raise KeyError if
    there is no such one.
    """

    def __init__(
        self,
        servers: Iterable[int],
        sources: Mapping[int, bool] | None = None,
        changed: Callable[[int, bool], None] | None = None,
    ) -> None:
        self.servers = {server: Presentation() for server in servers}
        self.sources: dict[int, Source] = {}
        self.changed = changed
        for number, level in (sources or {}).items():
            self.add_source(number, level=level)

    def add_source(self, number: int, *, level: bool = False) -> None:
        """Add a source, masked. Raises ValueError for a number that is taken, is the IPI's, or has over 24
        bits."""
        if not IPI < number <= _XISR or number in self.sources:
            raise ValueError(f"interrupt number {number:#x} cannot be added")
        self.sources[number] = Source(level)

    # What devices call.

    def pulse(self, number: int) -> None:
        """A message interrupt arrives. While the source is masked or not deliverable it is remembered,
        once."""
        source = self.sources[number]
        source.waiting = True
        self._offer(number)

    def set_level(self, number: int, asserted: bool) -> None:
        """The line of a level source changes. It interrupts again after each end-of-interrupt while
        asserted."""
        self.sources[number].asserted = asserted
        self._offer(number)

    # What the machine asks.

    def pending(self, server: int) -> bool:
        """Whether the server's external interrupt line is up."""
        return self.servers[server].xisr != 0

    # What hypercalls do.

    def accept(self, server: int) -> int:
        """H_XIRR: take the interrupt presented. Returns XIRR (old CPPR, number); its priority becomes the
        CPPR."""
        unit = self.servers[server]
        xirr = unit.xirr
        if unit.xisr:
            unit.cppr = unit.priority
            self._present(server, 0, MASKED)
        return xirr

    def set_cppr(self, server: int, cppr: int) -> None:
        """H_CPPR: the priority changes; an interrupt that is no longer favoured is rejected."""
        unit = self.servers[server]
        unit.cppr = cppr & 0xFF
        if unit.xisr and unit.priority >= unit.cppr:
            self._reject(server)
        self._redeliver(server)

    def eoi(self, server: int, xirr: int) -> None:
        """H_EOI: the interrupt in XIRR is done; its upper byte becomes the CPPR. Unknown numbers are
        ignored."""
        number = xirr & _XISR
        source = self.sources.get(number)
        if source is not None:
            source.presented = False
        self.set_cppr(server, xirr >> 24)
        if source is not None:
            self._offer(number)  # It may have been moved to another server meanwhile.

    def set_mfrr(self, server: int, priority: int) -> None:
        """H_IPI: request an inter-processor interrupt of this priority, or with 0xff withdraw the request.

        One already presented stays: software finds MFRR at 0xff and treats it as spurious, as on hardware.
        """
        self.servers[server].mfrr = priority & 0xFF
        self._redeliver(server)

    def poll(self, server: int) -> tuple[int, int]:
        """H_IPOLL: (XIRR, MFRR), without accepting anything."""
        unit = self.servers[server]
        return unit.xirr, unit.mfrr

    # What RTAS does.

    def set_xive(self, number: int, server: int, priority: int) -> None:
        """ibm,set-xive. Raises KeyError for an unknown number or server."""
        source, _ = self.sources[number], self.servers[server]
        source.server = server
        source.priority = source.saved_priority = priority & 0xFF
        self._offer(number)

    def get_xive(self, number: int) -> tuple[int, int]:
        """ibm,get-xive: (server, priority)."""
        source = self.sources[number]
        return source.server, source.priority

    def int_off(self, number: int) -> None:
        """ibm,int-off: mask, remembering the priority."""
        self.sources[number].priority = MASKED

    def int_on(self, number: int) -> None:
        """ibm,int-on: unmask with the priority of the last ibm,set-xive."""
        source = self.sources[number]
        source.priority = source.saved_priority
        self._offer(number)

    # How it works.

    def _offer(self, number: int) -> None:
        """Present a source to its server if it wants service and is more favoured than what is there."""
        source = self.sources[number]
        if not source.wants_service:
            return
        unit = self.servers.get(source.server)
        if unit is None or source.priority >= min(unit.cppr, unit.priority):
            return
        self._reject(source.server)
        source.waiting = False
        source.presented = True
        self._present(source.server, number, source.priority)

    def _reject(self, server: int) -> None:
        """Give the interrupt presented back to where it came from. An IPI is kept by MFRR itself."""
        number = self.servers[server].xisr
        source = self.sources.get(number)
        if source is not None:
            source.presented = False
            source.waiting = not source.level
        if number:
            self._present(server, 0, MASKED)
        if source is not None and source.server != server:
            self._offer(number)  # Moved while it was presented here: nobody else would offer it there.

    def _redeliver(self, server: int) -> None:
        """Offer everything that waits for this server; the most favoured ends up presented."""
        unit = self.servers[server]
        if unit.mfrr < min(unit.cppr, unit.priority):
            self._reject(server)
            self._present(server, IPI, unit.mfrr)
        for number, source in self.sources.items():
            if source.server == server:
                self._offer(number)

    def _present(self, server: int, number: int, priority: int) -> None:
        unit = self.servers[server]
        was_up = unit.xisr != 0
        unit.xisr, unit.priority = number, priority
        if self.changed and (number != 0) != was_up:
            self.changed(server, number != 0)
