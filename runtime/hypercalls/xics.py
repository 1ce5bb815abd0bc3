"""Interrupt presentation calls (PAPR, "Interrupt Support Hypervisor Calls"). The model is
`runtime.devices.xics`."""

from __future__ import annotations

from runtime.hypercalls.interface import Machine, Processor
from runtime.hypercalls.registry import Result, hypercall
from runtime.hypercalls.table import H_PARAMETER, H_SUCCESS


@hypercall("H_XIRR", 0x74)
def h_xirr(vm: Machine, vcpu: Processor) -> Result:
    """Accept the interrupt presented to this CPU."""
    return H_SUCCESS, vm.interrupts.accept(vcpu.pir)


@hypercall("H_XIRR_X", 0x2FC)
def h_xirr_x(vm: Machine, vcpu: Processor) -> Result:
    """H_XIRR, and the time base when the interrupt was received (here: now)."""
    return H_SUCCESS, vm.interrupts.accept(vcpu.pir), vm.timebase()


@hypercall("H_CPPR", 0x68)
def h_cppr(vm: Machine, vcpu: Processor, cppr: int) -> Result:
    """Set this CPU's current priority."""
    vm.interrupts.set_cppr(vcpu.pir, cppr)
    return H_SUCCESS


@hypercall("H_EOI", 0x64)
def h_eoi(vm: Machine, vcpu: Processor, xirr: int) -> Result:
    """End of interrupt; only the low 32 bits of the argument are an XIRR."""
    vm.interrupts.eoi(vcpu.pir, xirr & 0xFFFFFFFF)
    return H_SUCCESS


@hypercall("H_IPI", 0x6C)
def h_ipi(vm: Machine, vcpu: Processor, server: int, mfrr: int) -> Result:
    """Set the inter-processor interrupt priority (MFRR) of a server."""
    if server not in vm.interrupts.servers:
        return H_PARAMETER
    vm.interrupts.set_mfrr(server, mfrr)
    return H_SUCCESS


@hypercall("H_IPOLL", 0x70)
def h_ipoll(vm: Machine, vcpu: Processor, server: int) -> Result:
    """(XIRR, MFRR) of a server, without accepting."""
    if server not in vm.interrupts.servers:
        return H_PARAMETER
    return H_SUCCESS, *vm.interrupts.poll(server)
