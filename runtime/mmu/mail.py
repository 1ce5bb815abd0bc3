"""Translations that vCPUs must drop because another one said so. Compiled.

While vCPUs take turns, the one that executes tlbie drops the translation in all their tables itself. Where they run in parallel, each
vCPU's tables belong to its host thread: the sender posts what is to be dropped and waits until every other vCPU has done it or is outside
of translated code, where it will do it before it goes back. A vCPU reads its mail between stretches of translated code (dispatch.py), which are short,
and while it waits itself. So when tlbie (or a hypercall) is complete, no vCPU is in the middle of an access by the old translation.

Only the holder of the table lock sends. A box has room for BOX messages: who has missed some drops everything.
"""

from __future__ import annotations

from dbt import shared
from dbt.backend.locks import give_back, relax, taken
from dbt.backend.machinery import address_of, compiled, fence, linked, machine_of, u64, vcpu_of

from .shadow import drop_virtual, flush_mmu
from .spaces import drop_named

TABLE_LOCK = u64(shared.OFFSETS["table_lock"])
BOX, FIELDS = u64(24), u64(4)
VIRTUAL_PAGE = u64(0)  # drop_virtual: key, offset, shift
NAMED_BY_RADIX = u64(1)  # drop_named: RB, PID, how


@compiled
def carry_out(v, kind, a, b, c):  # type: ignore[no-untyped-def]
    """Do what a message says, on this vCPU."""
    if kind == VIRTUAL_PAGE:
        drop_virtual(v, a, b, c)
    else:
        drop_named(v, a, b, c)


@linked
def read_mail(v):  # type: ignore[no-untyped-def]
    """Between instructions, on the vCPU's own thread: carry out what was posted, then say so."""
    first, last = v.mail_read, v.mail_sent
    if last - first <= BOX:
        n = first
        while n != last:
            at = n % BOX * FIELDS
            carry_out(v, v.mail[at], v.mail[at + u64(1)], v.mail[at + u64(2)], v.mail[at + u64(3)])
            n += u64(1)
        fence()
    if v.mail_sent - first > BOX:  # some were overwritten, perhaps while they were read
        last = v.mail_sent
        flush_mmu(v)
    fence()
    v.mail_read = last
    return u64(0)


@compiled
def lock_tables(v):  # type: ignore[no-untyped-def]
    """The hashed page table is about to be changed, or mail to be sent."""
    m = machine_of(v)
    if m.parallel:
        n = u64(0)
        while not taken(m, TABLE_LOCK):
            n += u64(1)
            relax(m, n)
            read_mail(v)


@compiled
def unlock_tables(v):  # type: ignore[no-untyped-def]
    """Done."""
    give_back(machine_of(v), TABLE_LOCK)


@linked
def drop_on_all(v, kind, a, b, c):  # type: ignore[no-untyped-def]
    """Carry something out on every vCPU of the machine; it is done when this returns. With the table lock held."""
    m = machine_of(v)
    if m.parallel == u64(0):
        for i in range(m.vcpu_count):
            carry_out(vcpu_of(m, i), kind, a, b, c)
        return u64(0)
    carry_out(v, kind, a, b, c)
    for i in range(m.vcpu_count):
        other = vcpu_of(m, i)
        if address_of(other) != address_of(v):
            at = other.mail_sent % BOX * FIELDS
            other.mail[at] = kind
            other.mail[at + u64(1)] = a
            other.mail[at + u64(2)] = b
            other.mail[at + u64(3)] = c
            fence()
            other.mail_sent += u64(1)
    fence()
    n = u64(0)
    for i in range(m.vcpu_count):
        other = vcpu_of(m, i)
        if address_of(other) != address_of(v):
            while other.inside and other.mail_read != other.mail_sent:
                n += u64(1)
                relax(m, n)
    return u64(0)
