"""XIVE's hypercalls (PAPR, "External Interrupt Virtualization Engine"): how a guest sets up sources and event queues. What happens often it does by
loads and stores (runtime/devices/xive.py). All answer H_FUNCTION while the guest has XICS.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Final

from runtime.devices.controllers import Route, Xive
from runtime.devices.sources import PAGE_SHIFT, RESERVED
from runtime.hypercalls.interface import Machine, Processor
from runtime.hypercalls.registry import Result, hypercall
from runtime.hypercalls.table import H_FUNCTION, H_P2, H_P3, H_P4, H_P5, H_PARAMETER, H_SUCCESS

_U64: Final = (1 << 64) - 1
# What H_INT_GET_SOURCE_INFO says of a source
BY_HYPERCALL, IS_LEVEL, END_BY_STORE = 1 << 3, 1 << 2, 1 << 0
SET_EISN, MASK = 1 << 1, 1 << 0  # flags of H_INT_SET_SOURCE_CONFIG
ALWAYS_NOTIFY, GENERATION, DEBUG = 1 << 0, 1 << 1, 1 << 0
STORE: Final = 1 << 0  # flag of H_INT_ESB
SIZES: Final = (12, 16, 21, 24)  # log2 bytes of event queues; ibm,xive-eq-sizes
MASKED: Final = 0xFF


def xive_call(name: str, number: int) -> Callable[[Callable[..., Result]], Callable[..., Result]]:
    """Register a call that gets the controller as its first argument."""

    def register(function: Callable[..., Result]) -> Callable[..., Result]:
        @wraps(function)
        def call(vm: Machine, vcpu: Processor, *arguments: int) -> Result:
            unit: Any = vm.interrupts
            return function(unit, vm, *arguments) if isinstance(unit, Xive) else H_FUNCTION

        return hypercall(name, number)(call)

    return register


def _known(unit: Xive, lisn: int) -> bool:
    try:
        unit.is_level(lisn)
    except KeyError:
        return False
    return True


def _server(vm: Machine, server: int) -> bool:
    return 0 <= server < len(vm.vcpus)


@xive_call("H_INT_GET_SOURCE_INFO", 0x3A8)
def h_int_get_source_info(unit: Xive, vm: Machine, flags: int, lisn: int) -> Result:
    """(status, kind of source, real address of its management page, of its trigger page, log2 of their size). A level source is managed by
    H_INT_ESB, and has no pages."""
    if flags:
        return H_PARAMETER
    if not _known(unit, lisn):
        return H_P2
    if unit.is_level(lisn):
        return H_SUCCESS, BY_HYPERCALL | IS_LEVEL, _U64, _U64, PAGE_SHIFT
    page = unit.page_of(lisn)
    return H_SUCCESS, END_BY_STORE, page + (1 << PAGE_SHIFT), page, PAGE_SHIFT


@xive_call("H_INT_SET_SOURCE_CONFIG", 0x3AC)
def h_int_set_source_config(unit: Xive, vm: Machine, flags: int, lisn: int, server: int, priority: int, eisn: int) -> Result:
    """Where a source's events go, and with SET_EISN as what; priority 0xff or MASK: nowhere."""
    if flags & ~(SET_EISN | MASK):
        return H_PARAMETER
    if not _known(unit, lisn):
        return H_P2
    if flags & MASK or priority == MASKED:
        priority = MASKED
    else:
        if not _server(vm, server):
            return H_P3
        if priority >= RESERVED:
            return H_P4
    old = unit.route(lisn)
    unit.set_route(lisn, Route(old.server if priority == MASKED else server, priority, eisn if flags & SET_EISN else old.eisn))
    return H_SUCCESS


@xive_call("H_INT_GET_SOURCE_CONFIG", 0x3B0)
def h_int_get_source_config(unit: Xive, vm: Machine, flags: int, lisn: int) -> Result:
    """(status, server, priority or 0xff, EISN)."""
    if flags:
        return H_PARAMETER
    return (H_SUCCESS, *unit.route(lisn)) if _known(unit, lisn) else H_P2


@xive_call("H_INT_GET_QUEUE_INFO", 0x3B4)
def h_int_get_queue_info(unit: Xive, vm: Machine, flags: int, server: int, priority: int) -> Result:
    """(status, real address of the queue's own management page, log2 of its size)."""
    if flags:
        return H_PARAMETER
    if not _server(vm, server):
        return H_P2
    return H_P3 if priority >= RESERVED else (H_SUCCESS, unit.page_of_queue(server, priority), PAGE_SHIFT)


@xive_call("H_INT_SET_QUEUE_CONFIG", 0x3B8)
def h_int_set_queue_config(unit: Xive, vm: Machine, flags: int, server: int, priority: int, real: int, log2: int) -> Result:
    """Give a server an empty queue at a real address, as large as it is aligned; or none (log2 0)."""
    if flags & ~ALWAYS_NOTIFY:
        return H_PARAMETER
    if not _server(vm, server):
        return H_P2
    if priority >= RESERVED:
        return H_P3
    if log2 and log2 not in SIZES:
        return H_P5
    if log2 and (real % (1 << log2) or real + (1 << log2) > vm.memory_size):
        return H_P4
    unit.set_queue(server, priority, real if log2 else 0, log2, bool(flags & ALWAYS_NOTIFY))
    return H_SUCCESS


@xive_call("H_INT_GET_QUEUE_CONFIG", 0x3BC)
def h_int_get_queue_config(unit: Xive, vm: Machine, flags: int, server: int, priority: int) -> Result:
    """(status, flags, real address, log2 of its size, and with DEBUG the place of the next event; its generation is among the flags then)."""
    if flags & ~DEBUG:
        return H_PARAMETER
    if not _server(vm, server):
        return H_P2
    if priority >= RESERVED:
        return H_P3
    queue = unit.queue(server, priority)
    if flags & DEBUG:
        return H_SUCCESS, ALWAYS_NOTIFY * queue.always | GENERATION * queue.generation, queue.real, queue.log2, queue.following
    return H_SUCCESS, ALWAYS_NOTIFY * queue.always, queue.real, queue.log2, 0


@xive_call("H_INT_ESB", 0x3C8)
def h_int_esb(unit: Xive, vm: Machine, flags: int, lisn: int, offset: int, data: int) -> Result:
    """An access to a source's management page: (status, what a load gives, or -1 for a store)."""
    if flags & ~STORE:
        return H_PARAMETER
    if not _known(unit, lisn):
        return H_P2
    value = unit.access(lisn, offset, bool(flags & STORE)) if offset < 1 << PAGE_SHIFT else None
    if value is None:
        return H_P3
    return H_SUCCESS, _U64 if flags & STORE else value


@xive_call("H_INT_SYNC", 0x3CC)
def h_int_sync(unit: Xive, vm: Machine, flags: int, lisn: int) -> Result:
    """Wait until a source's events are in their queue: they are."""
    if flags:
        return H_PARAMETER
    return H_SUCCESS if _known(unit, lisn) else H_P2


@xive_call("H_INT_RESET", 0x3D0)
def h_int_reset(unit: Xive, vm: Machine, flags: int) -> Result:
    """Everything as it was when the partition started."""
    if flags:
        return H_PARAMETER
    unit.reset()
    return H_SUCCESS


@xive_call("H_INT_SET_OS_REPORTING_LINE", 0x3C0)
def h_int_set_os_reporting_line(unit: Xive, vm: Machine, flags: int, server: int, line: int) -> Result:
    """A cache line that acknowledgements by store would write to: there are none such."""
    return H_FUNCTION


@xive_call("H_INT_GET_OS_REPORTING_LINE", 0x3C4)
def h_int_get_os_reporting_line(unit: Xive, vm: Machine, flags: int, server: int) -> Result:
    """As H_INT_SET_OS_REPORTING_LINE."""
    return H_FUNCTION
