"""Messages between the threads of a core (Book III 11.3). Our cores have one thread."""

from __future__ import annotations

from dbt.backend.machinery import exported, u64

from .interrupts import PENDING_DOORBELL

_TYPE, _DOORBELL, _TAG = u64(0xF800_0000), u64(5 << 27), u64(0x7F)


@exported
def msgsndp(v, rb):  # type: ignore[no-untyped-def]
    """A directed privileged doorbell, to the thread of this core whose TIR is in RB[57:63]; another type is ignored."""
    if rb & _TYPE == _DOORBELL and rb & _TAG == v.tir:
        v.pending |= PENDING_DOORBELL
    return u64(0)


@exported
def msgclrp(v, rb):  # type: ignore[no-untyped-def]
    """Take back this thread's doorbell."""
    if rb & _TYPE == _DOORBELL:
        v.pending &= ~PENDING_DOORBELL
    return u64(0)


@exported
def msgsnd(v, rb):  # type: ignore[no-untyped-def]
    """Hypervisor doorbells need MSR[HV], which no machine here sets; the instruction itself raises the interrupt before."""
    return u64(0)


@exported
def msgclr(v, rb):  # type: ignore[no-untyped-def]
    """As msgsnd."""
    return u64(0)
