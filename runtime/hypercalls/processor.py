"""Calls about processors: modes, debug registers, what kind of machine this is.

Sources: PAPR, under the name of each call; Linux 6.1 arch/powerpc/include/asm/hvcall.h for flags.
"""

from __future__ import annotations

from typing import Final

from runtime.hypercalls.interface import Machine, Processor, find_cpu
from runtime.hypercalls.registry import Result, hypercall
from runtime.hypercalls.table import (
    H_AUTHORITY,
    H_FUNCTION,
    H_P2,
    H_P3,
    H_P4,
    H_PARAMETER,
    H_SUCCESS,
    H_UNSUPPORTED_FLAG,
)

LPCR_ILE: Final = 1 << 25
LPCR_AIL: Final = 3 << 23
_U64: Final = (1 << 64) - 1

# Resources of H_SET_MODE.
SET_CIABR, SET_DAWR0, ADDRESS_TRANSLATION_MODE, ENDIANNESS = 1, 2, 3, 4
_DABRX_USER, _DABRX_KERNEL, _DABRX_HYPERVISOR = 1, 2, 4
_VPHN_BY_CPU = 1


@hypercall("H_SET_MODE", 0x31C)
def h_set_mode(vm: Machine, vcpu: Processor, mode: int, resource: int, value1: int, value2: int) -> Result:
    """Set a processor mode of this CPU (resources 1, 2) or of the partition (3, 4)."""
    state = vm.papr.cpu(vcpu.pir)
    if resource == SET_CIABR:
        if mode:
            return H_UNSUPPORTED_FLAG
        if value2:
            return H_P4
        if value1 & 3 == 3:  # Would match in hypervisor state.
            return H_P3
        state.ciabr = value1
    elif resource == SET_DAWR0:
        if mode:
            return H_UNSUPPORTED_FLAG
        if value2 & _DABRX_HYPERVISOR:
            return H_P4
        state.dawr0, state.dawrx0 = value1, value2
    elif resource in (ADDRESS_TRANSLATION_MODE, ENDIANNESS):
        if value1:
            return H_P3
        if value2:
            return H_P4
        if resource == ENDIANNESS:
            if mode > 1:
                return H_UNSUPPORTED_FLAG
            _set_lpcr(vm, LPCR_ILE, LPCR_ILE * mode)
        else:
            if mode not in (0, 2, 3):  # 1 is reserved.
                return H_UNSUPPORTED_FLAG
            _set_lpcr(vm, LPCR_AIL, mode << 23)
    else:
        return H_P2
    return H_SUCCESS


def _set_lpcr(vm: Machine, mask: int, value: int) -> None:
    for vcpu in vm.vcpus:
        vcpu.lpcr = vcpu.lpcr & ~mask | value


@hypercall("H_SET_DABR", 0x28)
def h_set_dabr(vm: Machine, vcpu: Processor, dabr: int) -> Result:
    """Set the data address breakpoint for user and kernel state."""
    state = vm.papr.cpu(vcpu.pir)
    state.dabr, state.dabrx = dabr, _DABRX_USER | _DABRX_KERNEL
    return H_SUCCESS


@hypercall("H_SET_XDABR", 0x134)
def h_set_xdabr(vm: Machine, vcpu: Processor, dabr: int, dabrx: int) -> Result:
    """Set the data address breakpoint and the states it matches in: some, not the hypervisor's."""
    if dabrx > 15 or dabrx & _DABRX_HYPERVISOR or not dabrx & (_DABRX_USER | _DABRX_KERNEL):
        return H_PARAMETER
    state = vm.papr.cpu(vcpu.pir)
    state.dabr, state.dabrx = dabr, dabrx
    return H_SUCCESS


@hypercall("H_HOME_NODE_ASSOCIATIVITY", 0x2EC)
def h_home_node_associativity(vm: Machine, vcpu: Processor, flags: int, cpu: int) -> Result:
    """Where a CPU is: domains 0, 0, 0, 0 and the CPU itself, for there is one NUMA node.

    The domains are a list of halfwords packed into r4 to r9: 0x8000 | value, closed by 0xffff.
    """
    if flags != _VPHN_BY_CPU:
        return H_FUNCTION
    if find_cpu(vm, cpu) is None:
        return H_P2
    domains = [0x8000 | value for value in (0, 0, 0, 0, cpu & 0x7FFF)]
    packed = b"".join(domain.to_bytes(2, "big") for domain in domains).ljust(6 * 8, b"\xff")
    return H_SUCCESS, *(int.from_bytes(packed[at : at + 8], "big") for at in range(0, 48, 8))


@hypercall("H_GET_CPU_CHARACTERISTICS", 0x1C8)
def h_get_cpu_characteristics(vm: Machine, vcpu: Processor) -> Result:
    """(characteristics, behaviour) bits about speculation: none at all.

    Behaviour 0 says that no cache flush at privilege changes and no bounds-check barrier is needed. That is
    so: guest code has no speculation of its own here, and one guest's kernel and user share one host process
    anyway.
    """
    return H_SUCCESS, 0, 0


@hypercall("H_GET_PERF_COUNTER_INFO", 0xF080)
def h_get_perf_counter_info(vm: Machine, vcpu: Processor, address: int, size: int) -> Result:
    """The hypervisor's own performance counters are not this partition's to read."""
    return H_AUTHORITY


@hypercall("H_RANDOM", 0x300)
def h_random(vm: Machine, vcpu: Processor) -> Result:
    """A 64-bit number; the same seed gives the same sequence (`PaprState.random`)."""
    return H_SUCCESS, vm.papr.next_random()


def _no_device(vm: Machine, vcpu: Processor, unit: int) -> Result:
    return H_PARAMETER


# Virtual I/O adapters with queues: no unit address is one. (The console has no queue and needs no signal.)
hypercall("H_VIO_SIGNAL", 0x104)(_no_device)
hypercall("H_REG_CRQ", 0xFC)(_no_device)
hypercall("H_FREE_CRQ", 0x100)(_no_device)
hypercall("H_SEND_CRQ", 0x108)(_no_device)
hypercall("H_ENABLE_CRQ", 0x2B0)(_no_device)
