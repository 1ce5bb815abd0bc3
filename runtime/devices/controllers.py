"""Interrupt controllers as devices, RTAS and hypercalls see them. The rules are compiled: xics.py and its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from dbt.shared import INTERRUPTS_XICS

from .sources import LEVEL, MASKED_PRIORITY, NUMBER, PRIORITY, SAVED_PRIORITY, SERVER, SOURCE_WORDS

if TYPE_CHECKING:
    from runtime.vm import VM

_MOST: Final = 0x00FF_FFFF
_FIRST: Final = 3  # 0 is none, 2 the inter-processor interrupt


class Xics:
    """XICS of a VM: every vCPU is a server, `sources` maps interrupt numbers to whether they are level sources. All start masked.

    Raises ValueError for numbers that cannot be; methods raise KeyError for a source or server that is not there."""

    def __init__(self, vm: VM, sources: Mapping[int, bool]) -> None:
        for number in sources:
            if not _FIRST <= number <= _MOST:
                raise ValueError(f"interrupt number {number:#x} cannot be added")
        self.vm = vm
        self._places = {number: n for n, number in enumerate(sources)}
        self._table = np.zeros((max(1, len(sources)), SOURCE_WORDS), np.uint64)
        for number, level in sources.items():
            row = self._table[self._places[number]]
            row[NUMBER], row[LEVEL] = number, level
            row[PRIORITY] = row[SAVED_PRIORITY] = MASKED_PRIORITY
        for vcpu in vm.vcpus:
            vcpu.icp_cppr = vcpu.icp_xisr = 0
            vcpu.icp_mfrr = vcpu.icp_priority = MASKED_PRIORITY
        vm.set_record(interrupts=INTERRUPTS_XICS, irq_sources=self._table.ctypes.data, irq_source_count=len(sources))

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
        row = self._row(number)
        return int(row[SERVER]), int(row[PRIORITY])

    def int_off(self, number: int) -> None:
        """ibm,int-off: mask, remembering the priority."""
        row = self._row(number)
        self._call("xics_set_source", self._places[number], int(row[SERVER]), MASKED_PRIORITY, int(row[SAVED_PRIORITY]))

    def int_on(self, number: int) -> None:
        """ibm,int-on: unmask with the priority of the last ibm,set-xive."""
        row = self._row(number)
        self._call("xics_set_source", self._places[number], int(row[SERVER]), int(row[SAVED_PRIORITY]), int(row[SAVED_PRIORITY]))

    def _row(self, number: int) -> Any:
        return self._table[self._places[number]]
