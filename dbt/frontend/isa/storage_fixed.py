"""Fixed-point storage access (Book I 3.3.2-3.3.7).

An update form writes RA only after the access has succeeded, and RT last. The forms the manual calls invalid (update
with RA = 0, or a load with RA = RT; RA among the registers of a load multiple or string) are boundedly undefined; here,
as on the processors themselves, RA = 0 means GPR 0 in an update form, and the loaded value wins where RA = RT.
"""

from __future__ import annotations

from typing import Any

from ...exits import Exit
from ...ir.builder import Value
from ...ir.types import Type, i8, i16, i32, i64
from ..context import Context
from ..insn import insn


def effective_address(c: Context, RA: Any, displacement: Any, update: bool = False) -> Value:
    """(RA|0) + displacement, or (RA) + displacement in an update form; not yet masked to the mode."""
    return (c.gpr[RA] if update else c.gpr_or_zero(RA)) + displacement


def load(c: Context, RT: Any, RA: Any, displacement: Any, ty: Type, signed: bool, update: bool) -> None:
    """RT = storage, extended to 64 bits."""
    ea = effective_address(c, RA, displacement, update)
    v = c.load(ty, ea).to(i64, signed)
    if update:
        c.gpr[RA] = c.address(ea)
    c.gpr[RT] = v


def store(c: Context, RS: Any, RA: Any, displacement: Any, ty: Type, update: bool) -> None:
    """Storage = the low bits of RS."""
    ea = effective_address(c, RA, displacement, update)
    c.store(ea, c.gpr[RS].to(ty))
    if update:
        c.gpr[RA] = c.address(ea)


# -- loads (3.3.2)


@insn("lbz RT,D(RA)", "34 RT RA D", section="I 3.3.2", ty=i8, signed=False, update=False)
@insn("lbzu RT,D(RA)", "35 RT RA D", section="I 3.3.2", ty=i8, signed=False, update=True)
@insn("lhz RT,D(RA)", "40 RT RA D", section="I 3.3.2", ty=i16, signed=False, update=False)
@insn("lhzu RT,D(RA)", "41 RT RA D", section="I 3.3.2", ty=i16, signed=False, update=True)
@insn("lha RT,D(RA)", "42 RT RA D", section="I 3.3.2", ty=i16, signed=True, update=False)
@insn("lhau RT,D(RA)", "43 RT RA D", section="I 3.3.2", ty=i16, signed=True, update=True)
@insn("lwz RT,D(RA)", "32 RT RA D", section="I 3.3.2", ty=i32, signed=False, update=False)
@insn("lwzu RT,D(RA)", "33 RT RA D", section="I 3.3.2", ty=i32, signed=False, update=True)
def load_d(c: Context, RT: Any, RA: Any, D: Any, ty: Type, signed: bool, update: bool) -> None:
    load(c, RT, RA, D, ty, signed, update)


@insn("ld RT,DS(RA)", "58 RT RA DS 0", section="I 3.3.2.1", ty=i64, signed=False, update=False)
@insn("ldu RT,DS(RA)", "58 RT RA DS 1", section="I 3.3.2.1", ty=i64, signed=False, update=True)
@insn("lwa RT,DS(RA)", "58 RT RA DS 2", section="I 3.3.2.1", ty=i32, signed=True, update=False)
def load_ds(c: Context, RT: Any, RA: Any, DS: Any, ty: Type, signed: bool, update: bool) -> None:
    load(c, RT, RA, DS, ty, signed, update)


@insn("lbzx RT,RA,RB", "31 RT RA RB 87:10 /", section="I 3.3.2", ty=i8, signed=False, update=False)
@insn("lbzux RT,RA,RB", "31 RT RA RB 119:10 /", section="I 3.3.2", ty=i8, signed=False, update=True)
@insn("lhzx RT,RA,RB", "31 RT RA RB 279:10 /", section="I 3.3.2", ty=i16, signed=False, update=False)
@insn("lhzux RT,RA,RB", "31 RT RA RB 311:10 /", section="I 3.3.2", ty=i16, signed=False, update=True)
@insn("lhax RT,RA,RB", "31 RT RA RB 343:10 /", section="I 3.3.2", ty=i16, signed=True, update=False)
@insn("lhaux RT,RA,RB", "31 RT RA RB 375:10 /", section="I 3.3.2", ty=i16, signed=True, update=True)
@insn("lwzx RT,RA,RB", "31 RT RA RB 23:10 /", section="I 3.3.2", ty=i32, signed=False, update=False)
@insn("lwzux RT,RA,RB", "31 RT RA RB 55:10 /", section="I 3.3.2", ty=i32, signed=False, update=True)
@insn("lwax RT,RA,RB", "31 RT RA RB 341:10 /", section="I 3.3.2.1", ty=i32, signed=True, update=False)
@insn("lwaux RT,RA,RB", "31 RT RA RB 373:10 /", section="I 3.3.2.1", ty=i32, signed=True, update=True)
@insn("ldx RT,RA,RB", "31 RT RA RB 21:10 /", section="I 3.3.2.1", ty=i64, signed=False, update=False)
@insn("ldux RT,RA,RB", "31 RT RA RB 53:10 /", section="I 3.3.2.1", ty=i64, signed=False, update=True)
def load_x(c: Context, RT: Any, RA: Any, RB: Any, ty: Type, signed: bool, update: bool) -> None:
    load(c, RT, RA, c.gpr[RB], ty, signed, update)


# -- stores (3.3.3)


@insn("stb RS,D(RA)", "38 RS RA D", section="I 3.3.3", ty=i8, update=False)
@insn("stbu RS,D(RA)", "39 RS RA D", section="I 3.3.3", ty=i8, update=True)
@insn("sth RS,D(RA)", "44 RS RA D", section="I 3.3.3", ty=i16, update=False)
@insn("sthu RS,D(RA)", "45 RS RA D", section="I 3.3.3", ty=i16, update=True)
@insn("stw RS,D(RA)", "36 RS RA D", section="I 3.3.3", ty=i32, update=False)
@insn("stwu RS,D(RA)", "37 RS RA D", section="I 3.3.3", ty=i32, update=True)
def store_d(c: Context, RS: Any, RA: Any, D: Any, ty: Type, update: bool) -> None:
    store(c, RS, RA, D, ty, update)


@insn("std RS,DS(RA)", "62 RS RA DS 0", section="I 3.3.3.1", update=False)
@insn("stdu RS,DS(RA)", "62 RS RA DS 1", section="I 3.3.3.1", update=True)
def store_ds(c: Context, RS: Any, RA: Any, DS: Any, update: bool) -> None:
    store(c, RS, RA, DS, i64, update)


@insn("stbx RS,RA,RB", "31 RS RA RB 215:10 /", section="I 3.3.3", ty=i8, update=False)
@insn("stbux RS,RA,RB", "31 RS RA RB 247:10 /", section="I 3.3.3", ty=i8, update=True)
@insn("sthx RS,RA,RB", "31 RS RA RB 407:10 /", section="I 3.3.3", ty=i16, update=False)
@insn("sthux RS,RA,RB", "31 RS RA RB 439:10 /", section="I 3.3.3", ty=i16, update=True)
@insn("stwx RS,RA,RB", "31 RS RA RB 151:10 /", section="I 3.3.3", ty=i32, update=False)
@insn("stwux RS,RA,RB", "31 RS RA RB 183:10 /", section="I 3.3.3", ty=i32, update=True)
@insn("stdx RS,RA,RB", "31 RS RA RB 149:10 /", section="I 3.3.3.1", ty=i64, update=False)
@insn("stdux RS,RA,RB", "31 RS RA RB 181:10 /", section="I 3.3.3.1", ty=i64, update=True)
def store_x(c: Context, RS: Any, RA: Any, RB: Any, ty: Type, update: bool) -> None:
    store(c, RS, RA, c.gpr[RB], ty, update)


# -- quadwords (3.3.4): RT and RT+1 hold one 128-bit number, high half first, in either byte order


@insn("lq RTp,DQ(RA)", "56 RTp RA DQ /:4", since="2.03", section="I 3.3.4")
def lq(c: Context, RTp: Any, RA: Any, DQ: Any) -> None:
    if RTp & 1:  # an odd RTp is an invalid form; POWER8 takes it as illegal
        return c.illegal()
    c.call("load_quad", c.address(effective_address(c, RA, DQ)), RTp, int(bool(c.le)), exits=True)


@insn("stq RSp,DS(RA)", "62 RSp RA DS 2", since="2.03", section="I 3.3.4")
def stq(c: Context, RSp: Any, RA: Any, DS: Any) -> None:
    if RSp & 1:
        return c.illegal()
    c.call("store_quad", c.address(effective_address(c, RA, DS)), RSp, int(bool(c.le)), exits=True)


# -- byte-reversed (3.3.5)


@insn("lhbrx RT,RA,RB", "31 RT RA RB 790:10 /", section="I 3.3.5", ty=i16)
@insn("lwbrx RT,RA,RB", "31 RT RA RB 534:10 /", section="I 3.3.5", ty=i32)
@insn("ldbrx RT,RA,RB", "31 RT RA RB 532:10 /", since="2.06", section="I 3.3.5.1", ty=i64)
def load_reversed(c: Context, RT: Any, RA: Any, RB: Any, ty: Type) -> None:
    c.gpr[RT] = c.load(ty, effective_address(c, RA, c.gpr[RB]), reverse=True).to(i64)


@insn("sthbrx RS,RA,RB", "31 RS RA RB 918:10 /", section="I 3.3.5", ty=i16)
@insn("stwbrx RS,RA,RB", "31 RS RA RB 662:10 /", section="I 3.3.5", ty=i32)
@insn("stdbrx RS,RA,RB", "31 RS RA RB 660:10 /", since="2.06", section="I 3.3.5.1", ty=i64)
def store_reversed(c: Context, RS: Any, RA: Any, RB: Any, ty: Type) -> None:
    c.store(effective_address(c, RA, c.gpr[RB]), c.gpr[RS].to(ty), reverse=True)


# -- multiple and string (3.3.6, 3.3.7): an alignment interrupt in little-endian mode


def move_registers(c: Context, helper: str, ea: Value, first: Any, count: Any = 0) -> None:
    """Leave a move of several registers to a helper; little-endian mode has no such instructions."""
    address = c.address(ea)
    if c.le:
        c.leave(Exit.ALIGNMENT, address)
    else:
        c.call(helper, address, first, count, exits=True)


@insn("lmw RT,D(RA)", "46 RT RA D", section="I 3.3.6")
def lmw(c: Context, RT: Any, RA: Any, D: Any) -> None:
    move_registers(c, "load_multiple", effective_address(c, RA, D), RT)


@insn("stmw RS,D(RA)", "47 RS RA D", section="I 3.3.6")
def stmw(c: Context, RS: Any, RA: Any, D: Any) -> None:
    move_registers(c, "store_multiple", effective_address(c, RA, D), RS)


@insn("lswi RT,RA,NB", "31 RT RA NB 597:10 /", section="I 3.3.7")
def lswi(c: Context, RT: Any, RA: Any, NB: Any) -> None:
    move_registers(c, "load_string", c.gpr_or_zero(RA), RT, NB if NB else 32)


@insn("stswi RS,RA,NB", "31 RS RA NB 725:10 /", section="I 3.3.7")
def stswi(c: Context, RS: Any, RA: Any, NB: Any) -> None:
    move_registers(c, "store_string", c.gpr_or_zero(RA), RS, NB if NB else 32)


@insn("lswx RT,RA,RB", "31 RT RA RB 533:10 /", section="I 3.3.7")
def lswx(c: Context, RT: Any, RA: Any, RB: Any) -> None:
    move_registers(c, "load_string", effective_address(c, RA, c.gpr[RB]), RT, c.xer_count.to(i64))


@insn("stswx RS,RA,RB", "31 RS RA RB 661:10 /", section="I 3.3.7")
def stswx(c: Context, RS: Any, RA: Any, RB: Any) -> None:
    move_registers(c, "store_string", effective_address(c, RA, c.gpr[RB]), RS, c.xer_count.to(i64))
