"""What a thread that ends leaves in memory: robust mutexes it held (set_robust_list), and the word that says it is there (CLONE_CHILD_CLEARTID).

Source: the kernel's include/uapi/linux/futex.h (struct robust_list_head) and Documentation/locking/robust-futex-ABI.rst.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errno import SyscallError

if TYPE_CHECKING:
    from .process import Process
    from .threads import Thread

FUTEX_WAITERS, FUTEX_OWNER_DIED, FUTEX_TID_MASK = 0x8000_0000, 0x4000_0000, 0x3FFF_FFFF
MOST = 2048  # entries of a list: it may lead in a circle


def abandon(p: Process, t: Thread) -> None:
    """Tell memory that a thread, the current one, is gone."""
    if t.robust_list:
        release_robust(p, t)
    if t.clear_child_tid:
        try:
            p.space.write(t.clear_child_tid, bytes(4))
            p.threads.wake(p.space.host_address(t.clear_child_tid, 4), 1)
        except SyscallError:
            pass


def release_robust(p: Process, t: Thread) -> None:
    """Mark the robust mutexes that a thread holds, and wake who waits for them."""
    word, order = p.abi.word, p.abi.order

    def pointer(at: int) -> int:
        return int.from_bytes(p.space.read(at, word), order)

    try:
        head = t.robust_list
        entry, distance, pending = pointer(head), pointer(head + word), pointer(head + 2 * word)
        distance -= distance >> (p.abi.bits - 1) << p.abi.bits
        for _ in range(MOST):
            if entry & ~1 == head:
                break
            following = pointer(entry & ~1)  # before: who is woken may take it out
            if entry & ~1 != pending & ~1:
                _release(p, t, (entry & ~1) + distance, False)
            entry = following
        if pending & ~1:
            _release(p, t, (pending & ~1) + distance, True)
    except SyscallError:  # the list is broken
        pass


def _release(p: Process, t: Thread, at: int, pending: bool) -> None:
    at &= p.abi.mask
    if at & 3:
        return
    while True:
        value = int.from_bytes(p.space.read(at, 4), p.abi.order)
        if pending and not value:  # it was unlocked, but nobody woken
            p.threads.wake(p.space.host_address(at, 4), 1)
            return
        if value & FUTEX_TID_MASK != t.tid:
            return
        if replace(p, at, value, value & FUTEX_WAITERS | FUTEX_OWNER_DIED):
            break
    if value & FUTEX_WAITERS:
        p.threads.wake(p.space.host_address(at, 4), 1)


def replace(p: Process, at: int, old: int, new: int) -> bool:
    """Set a word of guest memory in one step, if it is the old one. EFAULT."""
    p.space.host_address(at, 4)
    v = p.vcpu
    v.reserve_ea, v.reserve_value, v.reserve_size = at, old, 4
    return bool(v.call("store_conditional", at, new, 4 | p.abi.little << 8))
