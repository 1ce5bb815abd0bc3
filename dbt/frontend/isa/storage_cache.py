"""Cache management (Book II 4.3). Code and data are coherent here, so most of these only have to translate their address."""

from __future__ import annotations

from typing import Any

from ...ir.types import i8
from ..context import Context
from ..insn import insn
from .storage_fixed import effective_address


@insn("dcbt RA,RB,TH", "31 TH RA RB 278:10 /", section="II 4.3.2")
@insn("dcbtst RA,RB,TH", "31 TH RA RB 246:10 /", section="II 4.3.2")
@insn("icbt CT,RA,RB", "31 / CT RA RB 22:10 /", since="2.07", section="II 4.3.1")
@insn("dcba RA,RB", "31 /:5 RA RB 758:10 /", section="II 4.3.2")
@insn("dst RA,RB,STRM", "31 0:1 /:2 STRM RA RB 342:10 /", since="2.03", section="II 4.3.2")
@insn("dstt RA,RB,STRM", "31 1:1 /:2 STRM RA RB 342:10 /", since="2.03", section="II 4.3.2")
@insn("dstst RA,RB,STRM", "31 0:1 /:2 STRM RA RB 374:10 /", since="2.03", section="II 4.3.2")
@insn("dststt RA,RB,STRM", "31 1:1 /:2 STRM RA RB 374:10 /", since="2.03", section="II 4.3.2")
@insn("dss STRM", "31 0:1 /:2 STRM /:5 /:5 822:10 /", since="2.03", section="II 4.3.2")
@insn("dssall", "31 1:1 /:4 /:5 /:5 822:10 /", since="2.03", section="II 4.3.2")
def hint(c: Context) -> None:
    """A hint never faults; it may be ignored."""


@insn("dcbst RA,RB", "31 /:5 RA RB 54:10 /", section="II 4.3.2")
@insn("dcbf RA,RB,L2", "31 /:3 L2 RA RB 86:10 /", section="II 4.3.2")
def touch(c: Context, RA: Any, RB: Any) -> None:
    """Treated as a load of the addressed byte for translation and protection."""
    c.load(i8, effective_address(c, RA, c.gpr[RB]))


@insn("icbi RA,RB", "31 /:5 RA RB 982:10 /", section="II 4.3.1")
def icbi(c: Context, RA: Any, RB: Any) -> None:
    c.call("icbi", c.address(effective_address(c, RA, c.gpr[RB])), exits=True)


@insn("dcbz RA,RB", "31 /:5 RA RB 1014:10 /", section="II 4.3.2")
def dcbz(c: Context, RA: Any, RB: Any) -> None:
    c.call("zero_block", c.address(effective_address(c, RA, c.gpr[RB])), exits=True)
