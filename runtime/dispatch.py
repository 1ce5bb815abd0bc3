"""The run loop: enters translated code, handles light exits, returns to Python with the heavy ones. Compiled."""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from dbt import fpscr
from dbt.backend import layout
from dbt.backend.codecache import drop_all_code, find_code_page, make_code_page
from dbt.backend.float_exact import MXCSR_KEPT
from dbt.backend.float_instruction import float_instruction
from dbt.backend.locks import lock_code, unlock_code
from dbt.backend.machinery import (
    address_of,
    compiled,
    exported,
    fence,
    get_mxcsr,
    linked,
    machine_of,
    read64,
    set_mxcsr,
    u64,
    write32,
    write64,
)
from dbt.exits import STUCK_AFTER, Exit
from dbt.state import JUMP_CACHE, JUMP_CACHE_ENTRIES

from .clock import next_time, time_now
from .devices.pages import ALONE, READY
from .hypercalls.light import end_turn, light_call
from .hypercalls.table import NUMBERS
from .interrupts import LOW_WORD, MSR_PR, MSR_SF, PENDING_DECREMENTER, deliver, deliver_synchronous, set_mode, take_pending
from .mmu.faults import FAILED, FETCH
from .mmu.hcalls import h_bulk_remove, h_clear_mod, h_clear_ref, h_enter, h_protect, h_read, h_remove
from .mmu.mail import lock_tables, read_mail, unlock_tables
from .mmu.translate import fetch
from .mmu.window import close_pages, permitted
from .waiting import LOW_HINT, LOW_STRETCH, at_low_priority, give_core, reads_time

_NONE = u64(0xFFFF_FFFF_FFFF_FFFF)
_HOT_QUEUE = u64(1023)
_STUCK_AFTER = u64(STUCK_AFTER)
STRETCH = u64(4000)  # instructions between looks at what other vCPUs want: some microseconds
FP_ENABLED, MXCSR_DEFAULT = u64(fpscr.FP_ENABLED), u64(fpscr.MXCSR_DEFAULT)
H_ENTER, H_REMOVE, H_PROTECT, H_READ, H_BULK_REMOVE, H_CLEAR_MOD, H_CLEAR_REF = (
    u64(NUMBERS[n]) for n in ("H_ENTER", "H_REMOVE", "H_PROTECT", "H_READ", "H_BULK_REMOVE", "H_CLEAR_MOD", "H_CLEAR_REF")
)
CLOCK = u64(Exit.CLOCK)
CODE_CHANGED = u64(Exit.CODE_CHANGED)
CODE_FULL = u64(Exit.CODE_FULL)
FLOAT = u64(Exit.FLOAT)
FUEL = u64(Exit.FUEL)
HYPERCALL = u64(Exit.HYPERCALL)
MMIO = u64(Exit.MMIO)
LOOKUP = u64(Exit.LOOKUP)
RETURN = u64(Exit.RETURN)
STUCK = u64(Exit.STUCK)
SYSCALL = u64(Exit.SYSCALL)
KVM_MAGIC = u64(0x4B56_4D21)  # r0 of a paravirtual call (runtime/hypercalls/paravirt.py)
SYNC = u64(Exit.SYNC)
YIELD = u64(Exit.YIELD)
TRANSLATE = u64(Exit.TRANSLATE)
UNBUILT = u64(Exit.UNBUILT)


@intrinsic
def _enter(typingctx: Any, vcpu: Any, tlb: Any, fuel: Any, ip: Any) -> Any:
    """Run translated code from an entry; the fuel that is left."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64 = ir.IntType(64)
        function = ir.FunctionType(i64, [i64] * 4)
        module = builder.module
        target = module.globals.get("enter") or ir.Function(module, function, "enter")
        return builder.call(target, args)

    return types.int64(types.uint64, types.uint64, types.int64, types.uint64), codegen


@compiled
def code_page(v, real_page, slot, tag):  # type: ignore[no-untyped-def]
    """The code page of a real page in the present mode, entered in the jump cache; 0 if others must stop before there can be one (or, with
    an exit, if it is no longer mapped)."""
    m = machine_of(v)
    lock_code(m)
    page = find_code_page(m, real_page, v.mode)
    if m.parallel and m.window and permitted(v, real_page << u64(12), FETCH) == FAILED:
        page = u64(0)
    elif page == u64(0):
        page = make_code_page(v, real_page, v.mode)
        if page == u64(0) and m.parallel == u64(0):
            drop_all_code(v)
            page = make_code_page(v, real_page, v.mode)
    if page:
        write64(slot, tag)
        write64(slot + u64(8), page)
    unlock_code(m)
    return page


@compiled
def resolve(v):  # type: ignore[no-untyped-def]
    """The entry of the code at nia, translating its address and making its code page if need be; 0 and an exit if it faults."""
    if v.msr & MSR_SF == u64(0):
        v.nia &= LOW_WORD
    nia = v.nia
    page_ea = nia & ~u64(4095)
    tag = page_ea | v.context
    slot = address_of(v) + u64(JUMP_CACHE) + ((nia >> u64(12)) & u64(JUMP_CACHE_ENTRIES - 1)) * u64(16)
    page = read64(slot + u64(8)) if read64(slot) == tag else u64(0)
    if page == u64(0):
        v.lookups += u64(1)
        real = fetch(v, nia)
        if v.exit != u64(0):
            return u64(0)
        page = code_page(v, real >> u64(12), slot, tag)
        if page == u64(0):
            if v.exit == u64(0):
                v.exit = CODE_FULL
            return u64(0)
    v.page_ea = page_ea
    return page + ((nia & u64(4092)) << u64(2))


@linked
def hash_table_call(v, number):  # type: ignore[no-untyped-def]
    """The hypercalls that manage the hashed page table; 0 if `number` is another one."""
    if number > H_BULK_REMOVE:
        return u64(0)
    lock_tables(v)
    found = hash_table_calls(v, number)
    unlock_tables(v)
    return found


@compiled
def hash_table_calls(v, number):  # type: ignore[no-untyped-def]
    if number == H_ENTER:
        h_enter(v)
    elif number == H_REMOVE:
        h_remove(v)
    elif number == H_PROTECT:
        h_protect(v)
    elif number == H_READ:
        h_read(v)
    elif number == H_BULK_REMOVE:
        h_bulk_remove(v)
    elif number == H_CLEAR_MOD:
        h_clear_mod(v)
    elif number == H_CLEAR_REF:
        h_clear_ref(v)
    else:
        return u64(0)
    return u64(1)


@linked
def became_hot(v, entry):  # type: ignore[no-untyped-def]
    """Ask the background compiler for a region, unless it has more than enough to do."""
    m = machine_of(v)
    lock_code(m)
    write32(entry + u64(layout.ENTRY_HOT), u64(0x8000_0000))
    if m.hot_head - m.hot_tail <= _HOT_QUEUE:
        write64(m.hot_queue + (m.hot_head & _HOT_QUEUE) * u64(8), entry)
        m.hot_head += u64(1)
    unlock_code(m)
    return u64(0)


@linked
def come_in(v):  # type: ignore[no-untyped-def]
    """From now on who drops translations waits for this vCPU."""
    v.inside = u64(1)
    fence()
    if v.mail_sent != v.mail_read:
        read_mail(v)
    v.clock_exits = u64(1)
    v.tb_offset = time_now(machine_of(v)) - v.icount
    return u64(0)


@linked
def read_clock(v):  # type: ignore[no-untyped-def]
    """The instruction at nia now finds the time of all vCPUs, and is the only one to do so."""
    v.tb_offset = next_time(machine_of(v)) - v.icount
    v.clock_exits = u64(0)
    reads_time(v)
    return u64(0)


@linked
def give_way(v, weight):  # type: ignore[no-untyped-def]
    """A vCPU that spins: its turn is over, or its host core is for others."""
    if v.parallel:
        v.inside = u64(0)
        give_core(v, weight)
        come_in(v)
    else:
        end_turn(v)
    return u64(0)


@linked
def fall_behind(v):  # type: ignore[no-untyped-def]
    """A vCPU in parallel has run a stretch to its end: the host's time may be another now, and a vCPU that spins gives its core away."""
    v.tb_offset = time_now(machine_of(v)) - v.icount
    if v.sharing and at_low_priority(v):
        give_way(v, LOW_STRETCH)
    return u64(0)


@exported
def handle(v, kind):  # type: ignore[no-untyped-def]
    """Handle an exit here if it is a light one: 1 if the guest can go on at nia, 0 if Python must see it."""
    user = machine_of(v).window != u64(0)
    if v.open_page[0]:
        close_pages(v)
    if kind == FUEL or kind == LOOKUP or kind == CODE_CHANGED:
        pass
    elif kind == TRANSLATE:
        became_hot(v, v.exit_arg)
    elif kind == RETURN:
        v.nia = v.exit_arg
        set_mode(v)
    elif kind == SYNC:
        set_mode(v)
    elif kind == YIELD:
        give_way(v, LOW_HINT)
    elif kind == FLOAT:
        if float_instruction(v, v.exit_arg):
            if user:
                v.exit_arg = FP_ENABLED
                return u64(0)
            deliver(v, u64(0x700), FP_ENABLED)
        else:
            v.nia += u64(4)
            v.icount += u64(1)
    elif kind == CLOCK:
        read_clock(v)
    elif kind == MMIO and v.mmio_state == ALONE:
        v.mmio_state = np.uint32(READY)
    elif kind == HYPERCALL:
        if light_call(v, v.gpr[3]) == u64(0) and hash_table_call(v, v.gpr[3]) == u64(0):
            return u64(0)
        v.hypercalls_light += u64(1)
    elif kind == SYSCALL and v.paravirtual and v.gpr[0] & LOW_WORD == KVM_MAGIC and v.msr & MSR_PR == u64(0):
        return u64(0)
    elif user or deliver_synchronous(v, kind) == u64(0):
        return u64(0)
    v.exit = u64(0)
    return u64(1)


@linked
def run(v):  # type: ignore[no-untyped-def]
    """Run from nia until `icount` reaches `budget_end` (returns 0) or a heavy exit (returns its kind).

    The host's floating-point flags are the guest's meanwhile: float_exact.gather collects them."""
    host = get_mxcsr()
    set_mxcsr(MXCSR_DEFAULT)
    v.fp_live = u64(1)
    if v.parallel:
        come_in(v)
    kind = run_on(v)
    if v.parallel:
        v.inside = u64(0)
    v.fp_live = u64(0)
    v.fp_sticky |= np.uint32(get_mxcsr() & MXCSR_KEPT)
    set_mxcsr(host)
    return kind


@compiled
def run_on(v):  # type: ignore[no-untyped-def]
    """The loop of `run`."""
    v.exit = u64(0)
    stalled = u64(0)
    progress = v.icount
    while True:
        if v.parallel and v.mail_sent != v.mail_read:
            read_mail(v)
        take_pending(v)
        if v.icount >= v.budget_end or v.attention:
            return u64(0)
        limit = v.budget_end
        if v.parallel:
            limit = min(limit, v.icount + (STRETCH if v.clock_exits else u64(1)))
        if v.pending & PENDING_DECREMENTER == u64(0):
            limit = min(limit, v.dec_expiry - v.tb_offset)
        alone = v.mmio_state == READY
        if alone:
            limit = min(limit, v.icount + u64(1))
        v.fuel_end = limit
        entry = resolve(v)
        if entry == u64(0):
            kind = v.exit
        else:
            left = _enter(address_of(v), v.tlb, limit - v.icount, entry)
            v.icount = limit - u64(left)
            kind = v.exit
            if alone and v.mmio_state == READY:  # an interrupt came first: the access will ask again
                v.mmio_state = np.uint32(0)
            if v.parallel:
                v.clock_exits = u64(1)
                if kind == FUEL:
                    fall_behind(v)
            if v.msr & MSR_SF == u64(0):
                v.nia &= LOW_WORD
        if kind == UNBUILT:  # not counted: what is counted does not depend on what is cached
            v.exit = u64(0)
            return kind
        v.exit_count[kind & u64(63)] += u64(1)
        if handle(v, kind) == u64(0):
            v.exit = u64(0)
            return kind
        if v.icount != progress:
            progress = v.icount
            stalled = u64(0)
        elif kind != FUEL and kind != LOOKUP and kind != TRANSLATE and kind != CODE_CHANGED and kind != CLOCK:
            stalled += u64(1)
            if stalled == _STUCK_AFTER:
                v.exit_count[STUCK] += u64(1)
                v.exit_arg = v.icount
                return STUCK


@exported
def locate(v):  # type: ignore[no-untyped-def]
    """For the reference engine: the real address of the instruction at nia, or ~0 with an exit set."""
    if v.msr & MSR_SF == u64(0):
        v.nia &= LOW_WORD
    v.page_ea = v.nia & ~u64(4095)
    real = fetch(v, v.nia)
    return real if v.exit == u64(0) else _NONE


@exported
def settle(v):  # type: ignore[no-untyped-def]
    """For the reference engine, between instructions: deliver the interrupt that is due."""
    take_pending(v)
    return u64(0)
