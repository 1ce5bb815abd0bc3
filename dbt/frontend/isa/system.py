"""System linkage and the machine state register (Book III 3.3, 4.4.3), as a guest without hypervisor state sees them.

Hypervisor instructions test MSR[HV] when they run: a pseries guest never has it set and gets the
privileged-instruction interrupt.
"""

from __future__ import annotations

from typing import Any

from ...exits import Exit
from ...ir.builder import Value
from ...ir.ops import select
from ...ir.types import Type, i1, i8, i16, i32, i64
from ..context import PRIVILEGED, Context
from ..insn import insn
from .spr import EBB, MSR_HV, TM, facility_payload, hypervisor_only

# MSR bits of a POWER8 without transactional memory (Book III 3.2.1). All others stay zero.
SF, HV = 1 << 63, 1 << MSR_HV
VEC, VSX = 1 << 25, 1 << 23
EE, PR, FP, ME, FE0, SE, BE, FE1 = (1 << n for n in (15, 14, 13, 12, 11, 10, 9, 8))
IR, DR, PMM, RI, LE = (1 << n for n in (5, 4, 2, 1, 0))

SCV_FACILITY, SCV = 12, 0x100  # bit of FSCR and cause of its interrupt; what marks an Exit.SYSCALL as vectored
MOVED_WORD = VEC | VSX | EE | PR | FP | FE0 | SE | BE | FE1 | IR | DR | PMM | RI  # mtmsr L=0: not ME, not LE
MOVED = SF | MOVED_WORD  # mtmsrd L=0: not HV
RETURNED = MOVED | LE  # rfid; HV and ME only in hypervisor state


def problem_state_implies(new: Value) -> Value:
    """With PR comes EE, IR and DR (Book III 3.2.1)."""
    return new | select(((new >> 14) & 1).to(i1), new.ir.const(EE | IR | DR), 0)


def interrupt_waits(c: Context) -> Value:
    """An i1: whether there is an interrupt that MSR[EE] may hold back."""
    return (c.reg("pending") | c.reg("external")) != 0


def mask_msr(c: Context, source: Value, mask: int) -> None:
    """Replace the MSR bits in `mask`. Goes on in the same mode; leaves if the mode or an enabled interrupt is another
    now."""
    old = c.msr
    new = problem_state_implies((old & ~mask) | (source & mask))
    c.msr = new
    changed = old ^ new
    opened = changed & new & EE
    c.exit_if(((changed & ~(EE | RI)) != 0) | ((opened != 0) & interrupt_waits(c)), Exit.SYNC, after=True)


def return_to(c: Context, mask: int, nia: str, msr: str) -> None:
    """Restore `mask` of the MSR and go to the saved address, whole in 64-bit mode and its low word in 32-bit mode."""
    new = problem_state_implies((c.msr & ~mask) | (c.reg(msr) & mask))
    target = c.reg(nia) & ~3
    c.msr = new
    c.leave(Exit.RETURN, select((new >> 63).to(i1), target, target & 0xFFFF_FFFF), after=True)


@insn("sc LEV", "17 /:14 LEV /:3 1:1 /", section="III 3.3.1")
def sc(c: Context, LEV: Any) -> None:
    """LEV 1 calls the hypervisor; from problem state that is the privileged-instruction interrupt, as KVM delivers it.

    Only the last bit of LEV counts: the others are reserved (2.07)."""
    if not LEV & 1:
        c.leave(Exit.SYSCALL, 0, after=True)
    elif c.pr:
        c.leave(Exit.PROGRAM, PRIVILEGED)
    else:
        c.leave(Exit.HYPERCALL, 1, after=True)


@insn("scv LEV", "17 /:14 LEV /:3 0:1 1:1", since="3.0", section="III 3.3.1")
def scv(c: Context, LEV: Any) -> None:
    """Vectored: the payload of the exit is SCV and LEV. Problem state needs FSCR[SCV]."""
    c.exit_if(~(c.reg("fscr") >> SCV_FACILITY).to(i1), Exit.FACILITY, facility_payload(SCV_FACILITY))
    c.leave(Exit.SYSCALL, c.const(LEV).to(i64) | SCV, after=True)


@insn("rfscv", "19 /:15 82:10 /", privileged=True, since="3.0", section="III 3.3.1")
def rfscv(c: Context) -> None:
    return_to(c, RETURNED, "lr", "ctr")


@insn("rfid", "19 /:15 18:10 /", privileged=True, section="III 3.3.1")
def rfid(c: Context) -> None:
    """Outside hypervisor state ME stays as it is and HV stays 0."""
    hypervisor = (c.msr >> MSR_HV).to(i1)
    source = c.reg("srr1")
    kept = select(hypervisor, (c.msr & ~ME) | (source & ME), c.msr) & (source | ~HV)
    c.msr = kept
    return_to(c, RETURNED, "srr0", "srr1")


@insn("hrfid", "19 /:15 274:10 /", privileged=True, since="2.01", section="III 3.3.1")
def hrfid(c: Context) -> None:
    hypervisor_only(c)
    return_to(c, RETURNED | HV | ME, "hsrr0", "hsrr1")


@insn("mfmsr RT", "31 RT /:10 83:10 /", privileged=True, section="III 4.4.3")
def mfmsr(c: Context, RT: Any) -> None:
    c.gpr[RT] = c.msr


@insn("mtmsr RS,L15", "31 RS /:4 L15 /:5 146:10 /", privileged=True, section="III 4.4.3", mask=MOVED_WORD)
@insn("mtmsrd RS,L15", "31 RS /:4 L15 /:5 178:10 /", privileged=True, section="III 4.4.3", mask=MOVED)
def mtmsr(c: Context, RS: Any, L15: Any, mask: int) -> None:
    if L15:  # EE and RI alone, whatever PR; nothing is implied
        old = c.msr
        new = (old & ~(EE | RI)) | (c.gpr[RS] & (EE | RI))
        c.msr = new
        c.exit_if((((old ^ new) & new & EE) != 0) & interrupt_waits(c), Exit.SYNC, after=True)
    else:
        mask_msr(c, c.gpr[RS], mask)


# -- power saving (III 3.3.2) and other hypervisor instructions


@insn("doze", "19 /:15 402:10 /", privileged=True, since="2.05", until="3.0", section="III 3.3.2")
@insn("nap", "19 /:15 434:10 /", privileged=True, since="2.05", until="3.0", section="III 3.3.2")
@insn("sleep", "19 /:15 466:10 /", privileged=True, since="2.05", until="3.0", section="III 3.3.2")
@insn("rvwinkle", "19 /:15 498:10 /", privileged=True, since="2.05", until="3.0", section="III 3.3.2")
@insn("stop", "19 /:15 370:10 /", privileged=True, since="3.0", section="III 3.3.2")
def power_saving(c: Context) -> None:
    hypervisor_only(c)
    c.leave(Exit.HALT, 0, after=True)


# -- real addresses that a hypervisor may load and store as caching inhibited (III 4.4.1)


CI: dict[str, Any] = {"privileged": True, "since": "2.05", "section": "III 4.4.1"}


@insn("lwzcix RT,RA,RB", "31 RT RA RB 789:10 /", ty=i32, **CI)
@insn("lhzcix RT,RA,RB", "31 RT RA RB 821:10 /", ty=i16, **CI)
@insn("lbzcix RT,RA,RB", "31 RT RA RB 853:10 /", ty=i8, **CI)
@insn("ldcix RT,RA,RB", "31 RT RA RB 885:10 /", ty=i64, **CI)
def load_inhibited(c: Context, RT: Any, RA: Any, RB: Any, ty: Type) -> None:
    hypervisor_only(c)
    c.gpr[RT] = c.load(ty, c.gpr_or_zero(RA) + c.gpr[RB]).to(i64)


@insn("stwcix RS,RA,RB", "31 RS RA RB 917:10 /", ty=i32, **CI)
@insn("sthcix RS,RA,RB", "31 RS RA RB 949:10 /", ty=i16, **CI)
@insn("stbcix RS,RA,RB", "31 RS RA RB 981:10 /", ty=i8, **CI)
@insn("stdcix RS,RA,RB", "31 RS RA RB 1013:10 /", ty=i64, **CI)
def store_inhibited(c: Context, RS: Any, RA: Any, RB: Any, ty: Type) -> None:
    hypervisor_only(c)
    c.store(c.gpr_or_zero(RA) + c.gpr[RB], c.gpr[RS].to(ty))


# -- event-based branches (Book II 7): none ever happens, but the way back exists


@insn("rfebb S", "19 /:14 S 146:10 /", since="2.07", section="II 7.2.1")
def rfebb(c: Context, S: Any) -> None:
    """BESCR[GE] = S, and on at EBBRR."""
    if c.pr:
        c.exit_if(~(c.reg("fscr") >> EBB).to(i1), Exit.FACILITY, facility_payload(EBB))
    c.set_reg("bescr", (c.reg("bescr") & ~(1 << 63)) | (c.const(S) << 63))
    c.jump(c.reg("ebbrr") & ~3)


# -- branch history: there is none


@insn("mfbhrbe RT,BHRBE", "31 RT BHRBE 302:10 /", since="2.07", section="II 8.3")
def mfbhrbe(c: Context, RT: Any) -> None:
    c.gpr[RT] = 0


@insn("clrbhrb", "31 /:15 430:10 /", since="2.07", section="II 8.3")
def clrbhrb(c: Context) -> None:
    """Nothing to clear."""


# -- transactional memory (Book II 5.3): MSR[TM] cannot be set here, so each of these finds the facility unavailable


@insn("tbegin. L", "31 /:4 L /:10 654:10 1", since="2.07", section="II 5.5")
@insn("tend. A25", "31 A25 /:14 686:10 1", since="2.07", section="II 5.5")
@insn("tabort. RA", "31 /:5 RA /:5 910:10 1", since="2.07", section="II 5.5")
@insn("tabortwc. TO,RA,RB", "31 TO RA RB 782:10 1", since="2.07", section="II 5.5")
@insn("tabortdc. TO,RA,RB", "31 TO RA RB 814:10 1", since="2.07", section="II 5.5")
@insn("tabortwci. TO,RA,SI5", "31 TO RA SI5 846:10 1", since="2.07", section="II 5.5")
@insn("tabortdci. TO,RA,SI5", "31 TO RA SI5 878:10 1", since="2.07", section="II 5.5")
@insn("tsr. L", "31 /:4 L /:10 750:10 1", since="2.07", section="II 5.5")
@insn("tcheck BF", "31 BF /:12 718:10 /", since="2.07", section="II 5.5")
@insn("treclaim. RA", "31 /:5 RA /:5 942:10 1", privileged=True, since="2.07", section="III 3.3.3")
@insn("trechkpt.", "31 /:15 1006:10 1", privileged=True, since="2.07", section="III 3.3.3")
def transaction(c: Context) -> None:
    c.leave(Exit.FACILITY, facility_payload(TM))
