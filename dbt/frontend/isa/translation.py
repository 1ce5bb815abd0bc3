"""Segments, translation lookaside buffers, and messages (Book III 5.9, 11.2). The helpers of the same names do the work.

What changes how this code itself is translated takes effect at the next context synchronisation, so translated code goes on.
"""

from __future__ import annotations

from typing import Any

from ...exits import Exit
from ...ir.types import i8
from ..context import Context
from ..insn import insn
from .spr import hypervisor_only


@insn("slbmte RS,RB", "31 RS /:5 RB 402:10 /", privileged=True, since="2.00", section="III 5.9.3.1")
def slbmte(c: Context, RS: Any, RB: Any) -> None:
    c.call("slbmte", c.gpr[RS], c.gpr[RB])


@insn("slbie RB", "31 /:10 RB 434:10 /", privileged=True, section="III 5.9.3.1")
def slbie(c: Context, RB: Any) -> None:
    c.call("slbie", c.gpr[RB])


@insn("slbia IH", "31 /:2 IH /:10 498:10 /", privileged=True, section="III 5.9.3.1")
def slbia(c: Context, IH: Any) -> None:
    c.call("slbia", IH)


@insn("slbieg RS,RB", "31 RS /:5 RB 466:10 /", privileged=True, since="3.0", section="III 5.9.3.2")
def slbieg(c: Context, RB: Any) -> None:
    """For the other threads and accelerators that share a segment table; here as slbie, which does more than asked."""
    c.call("slbie", c.gpr[RB])


@insn("slbiag RS", "31 RS /:10 850:10 /", privileged=True, since="3.0", section="III 5.9.3.2")
def slbiag(c: Context) -> None:
    """As slbia with IH 0."""
    c.call("slbia", 0)


@insn("slbsync", "31 /:15 338:10 /", privileged=True, since="3.0", section="III 5.9.3.2")
def slbsync(c: Context) -> None:
    """An slbieg is done at once."""


@insn("slbmfee RT,RB", "31 RT /:5 RB 915:10 /", privileged=True, since="2.00", section="III 5.9.3.1", helper="slbmfee")
@insn("slbmfev RT,RB", "31 RT /:5 RB 851:10 /", privileged=True, since="2.00", section="III 5.9.3.1", helper="slbmfev")
def slbmf(c: Context, RT: Any, RB: Any, helper: str) -> None:
    c.gpr[RT] = c.call(helper, c.gpr[RB])


@insn("slbfee. RT,RB", "31 RT /:5 RB 979:10 1", privileged=True, since="2.05", section="III 5.9.3.1")
def slbfee(c: Context, RT: Any, RB: Any) -> None:
    found = c.call("slbfee", c.gpr[RB], RT)
    c.cr[0] = (found.to(i8) << 1) | c.so.to(i8)


@insn("mtsr SR,RS", "31 RS / SR /:5 210:10 /", privileged=True, section="III 5.9.3.2")
def mtsr(c: Context, SR: Any, RS: Any) -> None:
    c.call("mtsr", SR, c.gpr[RS])


@insn("mtsrin RS,RB", "31 RS /:5 RB 242:10 /", privileged=True, section="III 5.9.3.2")
def mtsrin(c: Context, RS: Any, RB: Any) -> None:
    c.call("mtsr", (c.gpr[RB] >> 28) & 15, c.gpr[RS])


@insn("mfsr RT,SR", "31 RT / SR /:5 595:10 /", privileged=True, section="III 5.9.3.2")
def mfsr(c: Context, RT: Any, SR: Any) -> None:
    c.gpr[RT] = c.call("mfsr", SR)


@insn("mfsrin RT,RB", "31 RT /:5 RB 659:10 /", privileged=True, section="III 5.9.3.2")
def mfsrin(c: Context, RT: Any, RB: Any) -> None:
    c.gpr[RT] = c.call("mfsr", (c.gpr[RB] >> 28) & 15)


@insn("tlbie RB,RS,RIC,PRS,R", "31 RS / RIC PRS R RB 306:10 /", privileged=True, section="III 5.9.3.3", helper="tlbie")
@insn(
    "tlbiel RB,RS,RIC,PRS,R",
    "31 RS / RIC PRS R RB 274:10 /",
    privileged=True,
    since="2.00",
    section="III 5.9.3.3",
    helper="tlbiel",
)
def tlbie(c: Context, RB: Any, RS: Any, RIC: Any, PRS: Any, R: Any, helper: str) -> None:
    """Whether this state may is for the helper to say: where the hypervisor owns the page table, a guest may not.

    RIC, PRS and R came with ISA 3.0 and radix translation; before, hardware ignored their bits."""
    if c.at_least("3.0") and R:
        c.call("radix_" + helper, c.gpr[RB], c.gpr[RS], c.const(RIC) | (c.const(PRS) << 2), exits=True)
    else:
        c.call(helper, c.gpr[RB], c.gpr[RS], exits=True)


@insn("tlbsync", "31 /:15 566:10 /", privileged=True, section="III 5.9.3.3")
def tlbsync(c: Context) -> None:
    c.call("tlbsync")


# -- messages (III 11.2). A doorbell may be pending at once, so interrupts are looked at when EE permits: the helper
# sets `pending`


@insn(
    "msgsndp RB",
    "31 /:10 RB 142:10 /",
    privileged=True,
    since="2.07",
    section="III 11.2",
    helper="msgsndp",
    hypervisor=False,
)
@insn(
    "msgclrp RB",
    "31 /:10 RB 174:10 /",
    privileged=True,
    since="2.07",
    section="III 11.2",
    helper="msgclrp",
    hypervisor=False,
)
@insn(
    "msgsnd RB", "31 /:10 RB 206:10 /", privileged=True, since="2.07", section="III 11.2", helper="msgsnd", hypervisor=True
)
@insn(
    "msgclr RB", "31 /:10 RB 238:10 /", privileged=True, since="2.07", section="III 11.2", helper="msgclr", hypervisor=True
)
def message(c: Context, RB: Any, helper: str, hypervisor: bool) -> None:
    if hypervisor:
        hypervisor_only(c)
    c.call(helper, c.gpr[RB])
    c.exit_if(((c.msr >> 15) & 1 & (c.reg("pending") != 0).to(c.msr.ty)) != 0, Exit.SYNC, after=True)


@insn("msgsync", "31 /:15 886:10 /", privileged=True, since="3.0", section="III 11.2")
def msgsync(c: Context) -> None:
    """Messages are seen at once."""
