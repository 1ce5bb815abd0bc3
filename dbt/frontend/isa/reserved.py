"""Reserved no-ops (Book I 1.9.3), and the coprocessors that there are none of (Book II 4.4 of 2.07)."""

from __future__ import annotations

from ...exits import Exit
from ..context import Context
from ..insn import insn

DATA_STORAGE, UNAVAILABLE_COPROCESSOR = 0x300, 0x4000  # the vector, DSISR (Book III 6.5.3)


@insn("hashst RB,DH(RA)", "31 DH RA RB 722:10 DH", since="2.05", section="I 1.9.3")
@insn("hashchk RB,DH(RA)", "31 DH RA RB 754:10 DH", since="2.05", section="I 1.9.3")
@insn("hashstp RB,DH(RA)", "31 DH RA RB 658:10 DH", since="2.05", section="I 1.9.3")
@insn("hashchkp RB,DH(RA)", "31 DH RA RB 690:10 DH", since="2.05", section="I 1.9.3")
def reserved_nop(c: Context) -> None:
    """ISA 3.1 gives these a meaning and chose encodings that processors before it pass over, the privileged ones too."""


@insn("icswx[.] RS,RA,RB", "31 RS RA RB 406 Rc", since="2.06", until="3.0", section="II 4.4 (2.07)")
def icswx(c: Context) -> None:
    """No type of coprocessor is available: the data storage interrupt that says so, whose DAR is undefined."""
    c.set_reg("fault_vector", DATA_STORAGE)
    c.set_reg("fault_dar", 0)
    c.set_reg("fault_dsisr", UNAVAILABLE_COPROCESSOR)
    c.leave(Exit.FAULT)
