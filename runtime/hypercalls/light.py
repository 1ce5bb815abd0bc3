"""Hypercalls about interrupts and waiting (PAPR, "Interrupt Support Hypervisor Calls", "H_CEDE", "H_CONFER", "H_PROD"), compiled: with several
CPUs a boot makes tens of thousands of them. `runtime.devices.xics` is the model behind the first five.
"""

from __future__ import annotations

import numpy as np

from dbt import shared
from dbt.backend.machinery import call_host, compiled, linked, machine_of, u64, vcpu_of
from runtime.clock import next_time
from runtime.devices.xics import xics_accept, xics_eoi, xics_set_cppr, xics_set_mfrr
from runtime.interrupts import MSR_EE
from runtime.waiting import CEDED, ring

from .table import H_PARAMETER, H_SUCCESS, LIGHT, NUMBERS

H_EOI, H_CPPR, H_IPI, H_IPOLL, H_XIRR, H_CEDE, H_CONFER, H_PROD, H_XIRR_X = (u64(NUMBERS[n]) for n in LIGHT)
EOI, CPPR, IPI, IPOLL, XIRR, CEDE, CONFER, PROD, XIRR_X = (u64(n) for n in range(len(LIGHT)))  # the place of their counts
SUCCESS, PARAMETER = u64(H_SUCCESS), u64(H_PARAMETER % 2**64)
XICS = u64(shared.INTERRUPTS_XICS)
ALL = u64(2**64 - 1)
LOW_WORD = u64(0xFFFF_FFFF)


@compiled
def count(v, n):  # type: ignore[no-untyped-def]
    """Call number n of LIGHT was made."""
    v.light_calls[n] += u64(1)


@linked
def presentation_call(v, number):  # type: ignore[no-untyped-def]
    """The calls of XICS: a status, with results in r4 and r5; ALL if `number` is another one."""
    if number == H_EOI:
        count(v, EOI)
        xics_eoi(v, v.gpr[4] & LOW_WORD)
    elif number == H_CPPR:
        count(v, CPPR)
        xics_set_cppr(v, v.gpr[4])
    elif number == H_IPI:
        count(v, IPI)
        if v.gpr[4] >= machine_of(v).vcpu_count:
            return PARAMETER
        xics_set_mfrr(vcpu_of(machine_of(v), v.gpr[4]), v.gpr[5])
    elif number == H_IPOLL:
        count(v, IPOLL)
        if v.gpr[4] >= machine_of(v).vcpu_count:
            return PARAMETER
        unit = vcpu_of(machine_of(v), v.gpr[4])
        v.gpr[4] = unit.icp_cppr << u64(24) | unit.icp_xisr
        v.gpr[5] = unit.icp_mfrr
    elif number == H_XIRR:
        count(v, XIRR)
        v.gpr[4] = xics_accept(v)
    elif number == H_XIRR_X:  # with the time base when the interrupt was received: here, now
        count(v, XIRR_X)
        v.gpr[4] = xics_accept(v)
        v.gpr[5] = next_time(machine_of(v)) if v.parallel else v.icount + v.tb_offset
    else:
        return ALL
    return SUCCESS


@compiled
def cede(v):  # type: ignore[no-untyped-def]
    """H_CEDE: enable external interrupts and wait for one, unless H_PROD came before."""
    v.msr |= MSR_EE
    if v.prodded:
        v.prodded = u64(0)
    else:
        v.halted = np.uint32(CEDED)
        v.budget_end = v.icount
    return SUCCESS


@linked
def prod(v, cpu):  # type: ignore[no-untyped-def]
    """H_PROD: make a CPU's H_CEDE (the one it is in or its next) return."""
    m = machine_of(v)
    if cpu >= m.vcpu_count:
        return PARAMETER
    other = vcpu_of(m, cpu)
    other.prodded = u64(1)
    ring(m, other)
    return SUCCESS


@compiled
def end_turn(v):  # type: ignore[no-untyped-def]
    """The other vCPUs are to run."""
    v.yields += u64(1)
    v.yielded = u64(1)
    v.budget_end = v.icount


@linked
def confer(v, cpu):  # type: ignore[no-untyped-def]
    """H_CONFER: give the rest of this CPU's turn to another, or with -1 to all. The dispatch count (of the target's VPA) would tell that the
    target ran meanwhile; yielding then is merely unnecessary."""
    m = machine_of(v)
    if cpu != ALL:
        if cpu >= m.vcpu_count:
            return PARAMETER
        if cpu == v.pir:
            return SUCCESS
        m.turn_to = cpu + u64(1)
    if v.parallel:
        call_host(m.sched_yield, u64(0), u64(0))
    else:
        end_turn(v)
    return SUCCESS


@linked
def light_call(v, number):  # type: ignore[no-untyped-def]
    """Answer a call of LIGHT; 0 if `number` is another one."""
    which = machine_of(v).interrupts
    if which == u64(0):
        return u64(0)
    if number == H_CEDE:
        count(v, CEDE)
        code = cede(v)
    elif number == H_CONFER:
        count(v, CONFER)
        code = confer(v, v.gpr[4])
    elif number == H_PROD:
        count(v, PROD)
        code = prod(v, v.gpr[4])
    elif which == XICS:
        code = presentation_call(v, number)
        if code == ALL:
            return u64(0)
    else:
        return u64(0)
    v.gpr[3] = code
    return u64(1)
