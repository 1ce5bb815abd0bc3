"""Interrupt controllers as devices, RTAS and hypercalls see them. The rules are compiled: xics.py; xive.py, tima.py, pages.py."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, NamedTuple

from dbt.engine import view_memory
from dbt.shared import INTERRUPTS_XICS, INTERRUPTS_XIVE

from . import sources as t
from .sources import LEVEL, MASKED_PRIORITY, NUMBER, PRIORITY, SAVED_PRIORITY, SERVER, SOURCE_BYTES, SOURCE_WORDS

if TYPE_CHECKING:
    from runtime.vm import VM

_MOST: Final = 0x00FF_FFFF
_FIRST: Final = 3  # 0 is none, 2 the inter-processor interrupt


class _Table:
    """Entries of SOURCE_WORDS doublewords that compiled code sees too."""

    def __init__(self, vm: VM, entries: int) -> None:
        self.address = vm.map(max(1, entries) * SOURCE_BYTES)
        self._words = view_memory(self.address, max(1, entries) * SOURCE_BYTES).cast("Q")

    def get(self, entry: int, word: int) -> int:
        return self._words[entry * SOURCE_WORDS + word]

    def set(self, entry: int, word: int, value: int) -> None:
        self._words[entry * SOURCE_WORDS + word] = value


class Xics:
    """XICS of a VM: every vCPU is a server, `sources` maps interrupt numbers to whether they are level sources. All start masked.

    Raises ValueError for numbers that cannot be; methods raise KeyError for a source or server that is not there."""

    def __init__(self, vm: VM, sources: Mapping[int, bool]) -> None:
        for number in sources:
            if not _FIRST <= number <= _MOST:
                raise ValueError(f"interrupt number {number:#x} cannot be added")
        self.vm = vm
        self._places = {number: n for n, number in enumerate(sources)}
        self._table = _Table(vm, len(sources))
        for number, level in sources.items():
            place = self._places[number]
            for word, value in ((NUMBER, number), (LEVEL, level), (PRIORITY, MASKED_PRIORITY), (SAVED_PRIORITY, MASKED_PRIORITY)):
                self._table.set(place, word, value)
        for vcpu in vm.vcpus:
            vcpu.icp_cppr = vcpu.icp_xisr = 0
            vcpu.icp_mfrr = vcpu.icp_priority = MASKED_PRIORITY
        vm.set_record(interrupts=INTERRUPTS_XICS, irq_sources=self._table.address, irq_source_count=len(sources))

    def _call(self, helper: str, *arguments: int) -> None:
        self.vm.vcpus[0].call(helper, *arguments)

    def pulse(self, number: int) -> None:
        """A message interrupt arrives. While the source is masked or not deliverable it is remembered, once."""
        self._call("xics_pulse", self._places[number])

    def set_level(self, number: int, asserted: bool) -> None:
        """The line of a level source changes."""
        self._call("xics_set_level", self._places[number], asserted)

    # -- RTAS
    def set_xive(self, number: int, server: int, priority: int) -> None:
        """ibm,set-xive: where an interrupt goes, with which priority."""
        place = self._places[number]
        if not 0 <= server < len(self.vm.vcpus):
            raise KeyError(server)
        self._call("xics_set_source", place, server, priority & 0xFF, priority & 0xFF)

    def get_xive(self, number: int) -> tuple[int, int]:
        """ibm,get-xive: (server, priority)."""
        place = self._places[number]
        return self._table.get(place, SERVER), self._table.get(place, PRIORITY)

    def int_off(self, number: int) -> None:
        """ibm,int-off: mask, remembering the priority."""
        place = self._places[number]
        self._call("xics_set_source", place, self._table.get(place, SERVER), MASKED_PRIORITY, self._table.get(place, SAVED_PRIORITY))

    def int_on(self, number: int) -> None:
        """ibm,int-on: unmask with the priority of the last ibm,set-xive."""
        place = self._places[number]
        saved = self._table.get(place, SAVED_PRIORITY)
        self._call("xics_set_source", place, self._table.get(place, SERVER), saved, saved)


class Route(NamedTuple):
    """Where a source's events go; priority 0xff: nowhere."""

    server: int
    priority: int
    eisn: int


class Queue(NamedTuple):
    """An event queue: real address, log2 of its bytes (0: none), whether each event notifies, and where the next event goes."""

    real: int
    log2: int
    always: bool
    following: int
    generation: int


class Xive:
    """XIVE of a VM in exploitation mode. Sources are the inter-processor interrupts 0, 1, ... (one for each vCPU) and `sources`, which says
    whether they are level sources. KeyError for a source, server or priority that is not there."""

    def __init__(self, vm: VM, sources: Mapping[int, bool]) -> None:
        self.vm = vm
        self._level = dict.fromkeys(range(len(vm.vcpus)), False) | dict(sources)
        if max(self._level) >= t.XIVE_SOURCES:
            raise ValueError(f"interrupt number {max(self._level):#x} cannot be added")
        self._table = _Table(vm, t.XIVE_SOURCES)
        self._queues = _Table(vm, len(vm.vcpus) * t.PRIORITIES)
        vm.set_record(interrupts=INTERRUPTS_XIVE, irq_sources=self._table.address, irq_source_count=t.XIVE_SOURCES, xive_ends=self._queues.address)
        self.reset()

    def _call(self, helper: str, *arguments: int) -> int:
        return self.vm.vcpus[0].call(helper, *arguments)

    def reset(self) -> None:
        """As it starts: every source off and masked, no queues, nothing that waits."""
        for n, level in self._level.items():
            for word, value in ((t.PQ, t.PQ_OFF), (t.LSI, level), (t.VALID, 1)):
                self._table.set(n, word, value)
            self._call("xive_route", n, 0, 0, 0, 1)
        for server in range(len(self.vm.vcpus)):
            for priority in range(t.PRIORITIES):
                self._call("xive_set_queue", server, priority, 0, 0, 0)
        self._call("xive_reset")

    # -- devices
    def pulse(self, number: int) -> None:
        """An event of a message source."""
        self._call("xive_pulse", self._source(number))

    def set_level(self, number: int, asserted: bool) -> None:
        """The line of a level source changes."""
        self._call("xive_set_level", self._source(number), asserted)

    # -- hypercalls
    def is_level(self, number: int) -> bool:
        """Whether it is a level source."""
        return self._level[number]

    def route(self, number: int) -> Route:
        """Where a source's events go."""
        n = self._source(number)
        priority = 0xFF if self._table.get(n, t.MASKED) else self._table.get(n, t.XIVE_PRIORITY)
        return Route(self._table.get(n, t.XIVE_SERVER), priority, self._table.get(n, t.EISN))

    def set_route(self, number: int, route: Route) -> None:
        """Set it."""
        n, masked = self._source(number), route.priority == 0xFF
        if not masked:
            self._place(route.server, route.priority)
        self._call("xive_route", n, route.server, 0 if masked else route.priority, route.eisn, masked)

    def queue(self, server: int, priority: int) -> Queue:
        """A server's event queue for a priority."""
        place = self._place(server, priority)
        real, log2, index, generation, _, always, _ = (self._queues.get(place, word) for word in range(7))
        return Queue(real, log2, bool(always), index, generation)

    def set_queue(self, server: int, priority: int, real: int, log2: int, always: bool) -> None:
        """Give it a queue of 1 << log2 bytes of RAM, or (log2 = 0) take it away."""
        self._place(server, priority)
        self._call("xive_set_queue", server, priority, real, log2, (log2 != 0) | always << 1)

    def page_of(self, number: int) -> int:
        """Real address of a source's trigger page; the management page follows."""
        return t.ESB_BASE + (self._source(number) << t.PAGE_SHIFT + 1)

    def page_of_queue(self, server: int, priority: int) -> int:
        """Real address of the management page of a queue."""
        return t.END_BASE + (self._place(server, priority) << t.PAGE_SHIFT + 1)

    def access(self, number: int, offset: int, store: bool) -> int | None:
        """An access to a source's management page: what a load gives. None: there is no such access."""
        value = self._call("xive_access", self.page_of(number) + (1 << t.PAGE_SHIFT) + offset - t.ESB_BASE, store)
        return None if value == t.NO_ACCESS else value

    def _source(self, number: int) -> int:
        if number not in self._level:
            raise KeyError(number)
        return number

    def _place(self, server: int, priority: int) -> int:
        if not 0 <= server < len(self.vm.vcpus) or not 0 <= priority < t.RESERVED:
            raise KeyError((server, priority))
        return server * t.PRIORITIES + priority

    # -- RTAS, whose calls are for XICS
    def set_xive(self, number: int, server: int, priority: int) -> None:
        """KeyError: it has no such source."""
        raise KeyError(number)

    def get_xive(self, number: int) -> tuple[int, int]:
        """KeyError."""
        raise KeyError(number)

    def int_off(self, number: int) -> None:
        """KeyError."""
        raise KeyError(number)

    def int_on(self, number: int) -> None:
        """KeyError."""
        raise KeyError(number)
