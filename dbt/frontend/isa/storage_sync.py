"""Reservations and ordering (Book II 4.6).

A reservation is {reserve_ea, reserve_value, reserve_size}: a store conditional succeeds if storage there still holds
the value that was loaded, which an atomic compare-and-swap of the host decides. Size 0 is no reservation.
"""

from __future__ import annotations

from typing import Any

from ...exits import Exit
from ...ir.builder import Value
from ...ir.types import Type, i8, i16, i32, i64
from ..context import Context
from ..insn import insn
from .storage_fixed import effective_address


@insn("lbarx RT,RA,RB,EH", "31 RT RA RB 52:10 EH", since="2.06", section="II 4.6.2", ty=i8)
@insn("lharx RT,RA,RB,EH", "31 RT RA RB 116:10 EH", since="2.06", section="II 4.6.2", ty=i16)
@insn("lwarx RT,RA,RB,EH", "31 RT RA RB 20:10 EH", section="II 4.6.2", ty=i32)
@insn("ldarx RT,RA,RB,EH", "31 RT RA RB 84:10 EH", section="II 4.6.2.1", ty=i64)
def load_and_reserve(c: Context, RT: Any, RA: Any, RB: Any, ty: Type) -> None:
    ea = effective_address(c, RA, c.gpr[RB])
    v = c.load(ty, ea, aligned=True).to(i64)
    c.set_reg("reserve_ea", c.address(ea))
    c.set_reg("reserve_value", v)
    c.set_reg("reserve_size", ty.bits // 8)
    c.gpr[RT] = v


def stored(c: Context, success: Value) -> None:
    """CR0 of a store conditional: EQ tells whether it stored, SO is copied, LT and GT are 0."""
    c.cr[0] = (success.to(i8) << 1) | c.so.to(i8)


@insn("stbcx. RS,RA,RB", "31 RS RA RB 694:10 1", since="2.06", section="II 4.6.2", size=1)
@insn("sthcx. RS,RA,RB", "31 RS RA RB 726:10 1", since="2.06", section="II 4.6.2", size=2)
@insn("stwcx. RS,RA,RB", "31 RS RA RB 150:10 1", section="II 4.6.2", size=4)
@insn("stdcx. RS,RA,RB", "31 RS RA RB 214:10 1", section="II 4.6.2.1", size=8)
def store_conditional(c: Context, RS: Any, RA: Any, RB: Any, size: int) -> None:
    ea = c.address(effective_address(c, RA, c.gpr[RB]))
    stored(c, c.call("store_conditional", ea, c.gpr[RS], size | bool(c.le) << 8, exits=True))


@insn("lqarx RTp,RA,RB,EH", "31 RTp RA RB 276:10 EH", since="2.07", section="II 4.6.2.2")
def lqarx(c: Context, RTp: Any, RA: Any, RB: Any) -> None:
    if RTp & 1:
        return c.illegal()
    c.call("load_quad_reserve", c.address(effective_address(c, RA, c.gpr[RB])), RTp, int(bool(c.le)), exits=True)


@insn("stqcx. RSp,RA,RB", "31 RSp RA RB 182:10 1", since="2.07", section="II 4.6.2.2")
def stqcx(c: Context, RSp: Any, RA: Any, RB: Any) -> None:
    if RSp & 1:
        return c.illegal()
    ea = c.address(effective_address(c, RA, c.gpr[RB]))
    stored(c, c.call("store_quad_conditional", ea, RSp, int(bool(c.le)), exits=True))


# -- barriers: a vCPU makes its accesses in program order. Where vCPUs run in parallel, the host still lets a load pass an
# earlier store to another address (x86: TSO), and nothing else: only sync and ptesync forbid that


@insn("sync L2", "31 /:3 L2 /:10 598:10 /", section="II 4.6.3")
def sync(c: Context, L2: Any) -> None:
    if L2 != 1:  # lwsync
        c.fence()


@insn("eieio", "31 /:15 854:10 /", section="II 4.6.3")
def eieio(c: Context) -> None:
    """Nothing to do: it orders stores with stores, and accesses to devices, which leave translated code one by one."""


@insn("isync", "19 /:15 150:10 /", section="II 4.6.1")
def isync(c: Context) -> None:
    """The next instruction is looked up anew, so code changed before is seen."""
    c.jump(c.next_pc, fresh=True)


@insn("wait WC", "31 /:3 WC /:10 62:10 /", since="2.06", until="3.0", section="II 4.6.4")
@insn("wait WC", "31 /:3 WC /:10 30:10 /", since="3.0", section="II 4.6.4")
def wait(c: Context) -> None:
    """Waiting may end at any time (II 4.6.4), so it need not begin: a no-op, as on POWER8."""


# -- atomic memory operations (Book II 4.5): the operation is in the instruction; a reserved function code is a DSI


def atomic(c: Context, RA: Any, R: Any, FC: Any, size: int, storing: bool) -> None:
    spec = size | bool(c.le) << 8 | storing << 9
    c.call("atomic_memory", c.address(c.const(c.gpr_or_zero(RA))), spec | (c.const(FC) << 16), R, exits=True)


@insn("lwat RT,RA,FC", "31 RT RA FC 582:10 /", since="3.0", section="II 4.5.1", size=4)
@insn("ldat RT,RA,FC", "31 RT RA FC 614:10 /", since="3.0", section="II 4.5.1", size=8)
def load_atomic(c: Context, RT: Any, RA: Any, FC: Any, size: int) -> None:
    """RT = storage before; RT+1 (and RT+2) are its operands."""
    atomic(c, RA, RT, FC, size, storing=False)


@insn("stwat RS,RA,FC", "31 RS RA FC 710:10 /", since="3.0", section="II 4.5.2", size=4)
@insn("stdat RS,RA,FC", "31 RS RA FC 742:10 /", since="3.0", section="II 4.5.2", size=8)
def store_atomic(c: Context, RS: Any, RA: Any, FC: Any, size: int) -> None:
    atomic(c, RA, RS, FC, size, storing=True)


# -- copy-paste (Book II 4.4): to accelerators, of which there are none


@insn("copy RA,RB", "31 /:4 1:1 RA RB 774:10 /", since="3.0", section="II 4.4")
def copy(c: Context, RA: Any, RB: Any) -> None:
    """A load of the 128-byte block, into a buffer that only paste. could read."""
    copied_block(c, RA, RB)


@insn("paste. RA,RB", "31 /:4 1:1 RA RB 902:10 1", since="3.0", section="II 4.4")
def paste(c: Context, RA: Any, RB: Any) -> None:
    """Only an accelerator can be pasted to: any other storage is a data storage interrupt, as on POWER9."""
    c.call("paste_to_storage", copied_block(c, RA, RB), exits=True)


def copied_block(c: Context, RA: Any, RB: Any) -> Value:
    """The address of a block of 128 bytes that can be read."""
    ea = c.address(effective_address(c, RA, c.gpr[RB]))
    c.exit_if((ea & 127) != 0, Exit.ALIGNMENT, ea)
    c.load(i8, ea)
    return ea


@insn("cpabort", "31 /:15 838:10 /", since="3.0", section="II 4.4")
def cpabort(c: Context) -> None:
    """Forget what was copied."""
