"""The page that a paravirtual guest shares with us: its view of registers that it would else need privileged instructions for.

The kernel's ABI (Linux, asm/kvm_para.h, struct kvm_vcpu_arch_shared; Documentation/virt/kvm/ppc-pv.rst) calls it the magic page. It
lies at an effective address of supervisor state and, for translation off, at a real address, both of which the guest chose:

    offset  size  register                  offset  size  register
    0x00    8*3   scratch, the guest's own  0x60    4     DSISR
    0x18    8     critical                  0x64    4     an interrupt is pending (read only)
    0x20    8*4   SPRG0-3                   0x68    4*16  segment registers
    0x40    8*2   SRR0, SRR1                0xcc    4     PIR
    0x50    8     DAR                       0xd0    8*4   SPRG4-7
    0x58    8     MSR: EE and RI can be set

Numbers are in the byte order that the guest had when it asked for the page. The registers themselves stay in the vCPU record: an access
first writes them into the page, and a store then takes them over from it, so that both are always the same. While `critical` equals r1
in supervisor state the guest's templates use the scratch area, and no interrupt may come between.

A 32-bit guest stores into the segment registers while it has translation off; a store binds the segments that it changed, as mtsr does.

Accesses come here from the slow path; level 1 never holds the page. Instructions that take another way (dcbz, multiple, string) do not find it.
"""

from __future__ import annotations

from dbt.backend.machinery import bswap64, compiled, exported, linked, read64, u64, write64
from dbt.exits import Exit

from .segments import mtsr
from .tlb import MSR_DR, MSR_PR, MSR_SF, OFFSET, PAGE

REAL_PAGE = u64(0x0FFF_FFFF_FFFF_F000)
CRITICAL, FIRST, DSISR, PIR, HIGH_SPRG, END = u64(0x18), u64(0x20), u64(0x60), u64(0xC8), u64(0xD0), u64(0xF0)
SEGMENTS, SEGMENTS_END = u64(0x68), u64(0xA8)
MSR_EE, SAFE = u64(0x8000), u64(0x8002)  # SAFE: EE and RI, which change nothing that translated code depends on
MSR_LE = u64(1)
SYNC = u64(Exit.SYNC)
_LOW = u64(0xFFFF_FFFF)


@compiled
def on_shared_page(v, ea):  # type: ignore[no-untyped-def]
    """Whether a data access at `ea` is to the shared page."""
    if v.shared_page == u64(0):
        return False
    space = PAGE if v.msr & MSR_SF else _LOW & PAGE  # 32-bit mode: the low words of both addresses count
    if v.msr & MSR_DR:
        return ea & space == v.shared_ea & space and v.msr & MSR_PR == u64(0)
    return ea & space & REAL_PAGE == v.shared_real & space


@compiled
def put(v, at, value):  # type: ignore[no-untyped-def]
    """Write a doubleword of the page."""
    write64(v.shared_page + at, value if v.shared_little else bswap64(value))


@compiled
def get(v, at):  # type: ignore[no-untyped-def]
    """A doubleword of the page."""
    value = read64(v.shared_page + at)
    return value if v.shared_little else bswap64(value)


@compiled
def pair(v, first, second):  # type: ignore[no-untyped-def]
    """The doubleword of two words, in order of address."""
    return first | second << u64(32) if v.shared_little else first << u64(32) | second


@compiled
def publish(v):  # type: ignore[no-untyped-def]
    """Write the registers into the page."""
    for i in range(4):
        put(v, FIRST + (u64(i) << u64(3)), v.sprg[i])
        put(v, HIGH_SPRG + (u64(i) << u64(3)), v.sprg[i + 4])
    put(v, u64(0x40), v.srr0)
    put(v, u64(0x48), v.srr1)
    put(v, u64(0x50), v.dar)
    put(v, u64(0x58), v.msr)
    waiting = u64(1) if v.pending or v.external else u64(0)
    put(v, DSISR, pair(v, v.dsisr & _LOW, waiting))
    put(v, PIR, pair(v, u64(0), v.pir & _LOW))
    for i in range(0, 16, 2):
        put(v, SEGMENTS + (u64(i) << u64(2)), pair(v, v.sr[i], v.sr[i + 1]))


@compiled
def take_over(v):  # type: ignore[no-untyped-def]
    """Read the registers back from the page."""
    for i in range(4):
        v.sprg[i] = get(v, FIRST + (u64(i) << u64(3)))
        v.sprg[i + 4] = get(v, HIGH_SPRG + (u64(i) << u64(3)))
    v.srr0 = get(v, u64(0x40))
    v.srr1 = get(v, u64(0x48))
    v.dar = get(v, u64(0x50))
    v.msr = v.msr & ~SAFE | get(v, u64(0x58)) & SAFE
    both = get(v, DSISR)
    v.dsisr = both & _LOW if v.shared_little else both >> u64(32)


@linked
def take_over_segments(v):  # type: ignore[no-untyped-def]
    """Read the segment registers back from the page."""
    for i in range(16):
        both = get(v, SEGMENTS + (u64(i >> 1) << u64(3)))
        word = both & _LOW if u64(i & 1) ^ v.shared_little else both >> u64(32)
        if word != v.sr[i]:
            mtsr(v, u64(i), word)
    return u64(0)


@compiled
def in_critical_section(v):  # type: ignore[no-untyped-def]
    """Whether the guest must not be interrupted although MSR[EE] may be 1. In 32-bit mode it is the low words that are compared."""
    if v.shared_page == u64(0) or v.msr & MSR_PR:
        return False
    differs = get(v, CRITICAL) ^ v.gpr[1]
    return (differs if v.msr & MSR_SF else differs & _LOW) == u64(0)


@linked
def before_shared_access(v, ea):  # type: ignore[no-untyped-def]
    """Host address of a byte of the page, whose content is now current."""
    v.shared_accesses += u64(1)
    at = ea & OFFSET
    if at >= u64(0x18) and at < END:
        publish(v)
    return v.shared_page + at


@linked
def after_shared_store(v, ea):  # type: ignore[no-untyped-def]
    """The page was stored to. If an interrupt can be taken now, leave: the store is done again afterwards, to the same effect."""
    at = ea & OFFSET
    if at >= u64(0x18) and at < END:
        take_over(v)
        if at + u64(8) > SEGMENTS and at < SEGMENTS_END:
            take_over_segments(v)
    if (v.pending or v.external) and v.msr & MSR_EE and not in_critical_section(v):
        v.exit = SYNC
    return u64(0)


@exported
def map_shared_page(v, real, ea):  # type: ignore[no-untyped-def]
    """The guest asked for the page; shared_page already has its memory. Level 1 must be emptied."""
    v.shared_real = real & REAL_PAGE
    v.shared_ea = ea & PAGE
    v.shared_little = v.msr & MSR_LE
    put(v, CRITICAL, ~v.gpr[1])
    publish(v)
    return u64(0)
