"""Decimal floating point with a result: arithmetic, quantum adjustment, conversion, format (Book I 5.6.1, 5.6.4-5.6.6).

Each is carried out by one compiled helper, which takes the operands from the word (backend/decimal_exact.py). The quadword
forms work on pairs of registers; of an odd number its even one is taken.
"""

from __future__ import annotations

from functools import partial

from ... import dfp
from ...exits import Exit
from ...fpscr import FP_ENABLED
from ...ir.types import i64
from ..context import Context
from ..insn import insn

decimal = partial(insn, needs="fp", since="2.05")


def carry_out(c: Context, helper: str, operation: int) -> None:
    """Call the helper; the enabled-exception interrupt if it says so."""
    word = c.const(c.word) if isinstance(c.word, int) else c.word.to(i64)
    c.exit_if(c.call(helper, word, operation) != 0, Exit.PROGRAM, FP_ENABLED)


@decimal("dadd[.] FRT,FRA,FRB", "59 FRT FRA FRB 2 Rc", section="I 5.6.1", operation=dfp.ADD)
@decimal("daddq[.] FRTp,FRAp,FRBp", "63 FRTp FRAp FRBp 2 Rc", section="I 5.6.1", operation=dfp.ADD)
@decimal("dsub[.] FRT,FRA,FRB", "59 FRT FRA FRB 514 Rc", section="I 5.6.1", operation=dfp.SUB)
@decimal("dsubq[.] FRTp,FRAp,FRBp", "63 FRTp FRAp FRBp 514 Rc", section="I 5.6.1", operation=dfp.SUB)
@decimal("dmul[.] FRT,FRA,FRB", "59 FRT FRA FRB 34 Rc", section="I 5.6.1", operation=dfp.MUL)
@decimal("dmulq[.] FRTp,FRAp,FRBp", "63 FRTp FRAp FRBp 34 Rc", section="I 5.6.1", operation=dfp.MUL)
@decimal("ddiv[.] FRT,FRA,FRB", "59 FRT FRA FRB 546 Rc", section="I 5.6.1", operation=dfp.DIV)
@decimal("ddivq[.] FRTp,FRAp,FRBp", "63 FRTp FRAp FRBp 546 Rc", section="I 5.6.1", operation=dfp.DIV)
@decimal("dquai[.] TE,FRT,FRB,RMC", "59 FRT TE FRB RMC 67 Rc", section="I 5.6.4", operation=dfp.QUANTIZE_IMMEDIATE)
@decimal("dquaiq[.] TE,FRTp,FRBp,RMC", "63 FRTp TE FRBp RMC 67 Rc", section="I 5.6.4", operation=dfp.QUANTIZE_IMMEDIATE)
@decimal("dqua[.] FRT,FRA,FRB,RMC", "59 FRT FRA FRB RMC 3 Rc", section="I 5.6.4", operation=dfp.QUANTIZE)
@decimal("dquaq[.] FRTp,FRAp,FRBp,RMC", "63 FRTp FRAp FRBp RMC 3 Rc", section="I 5.6.4", operation=dfp.QUANTIZE)
@decimal("drrnd[.] FRT,FRA,FRB,RMC", "59 FRT FRA FRB RMC 35 Rc", section="I 5.6.4", operation=dfp.REROUND)
@decimal("drrndq[.] FRTp,FRA,FRBp,RMC", "63 FRTp FRA FRBp RMC 35 Rc", section="I 5.6.4", operation=dfp.REROUND)
@decimal("drintx[.] R,FRT,FRB,RMC", "59 FRT /:4 R FRB RMC 99 Rc", section="I 5.6.4", operation=dfp.INTEGRAL_INEXACT)
@decimal("drintxq[.] R,FRTp,FRBp,RMC", "63 FRTp /:4 R FRBp RMC 99 Rc", section="I 5.6.4", operation=dfp.INTEGRAL_INEXACT)
@decimal("drintn[.] R,FRT,FRB,RMC", "59 FRT /:4 R FRB RMC 227 Rc", section="I 5.6.4", operation=dfp.INTEGRAL)
@decimal("drintnq[.] R,FRTp,FRBp,RMC", "63 FRTp /:4 R FRBp RMC 227 Rc", section="I 5.6.4", operation=dfp.INTEGRAL)
@decimal("dctdp[.] FRT,FRB", "59 FRT /:5 FRB 258 Rc", section="I 5.6.5.1", operation=dfp.WIDEN)
@decimal("dctqpq[.] FRTp,FRB", "63 FRTp /:5 FRB 258 Rc", section="I 5.6.5.1", operation=dfp.WIDEN)
@decimal("drsp[.] FRT,FRB", "59 FRT /:5 FRB 770 Rc", section="I 5.6.5.1", operation=dfp.NARROW)
@decimal("drdpq[.] FRTp,FRBp", "63 FRTp /:5 FRBp 770 Rc", section="I 5.6.5.1", operation=dfp.NARROW)
@decimal("dcffix[.] FRT,FRB", "59 FRT /:5 FRB 802 Rc", section="I 5.6.5.2", operation=dfp.FROM_FIXED)
@decimal("dcffixq[.] FRTp,FRB", "63 FRTp /:5 FRB 802 Rc", section="I 5.6.5.2", operation=dfp.FROM_FIXED)
@decimal("dctfix[.] FRT,FRB", "59 FRT /:5 FRB 290 Rc", section="I 5.6.5.2", operation=dfp.TO_FIXED)
@decimal("dctfixq[.] FRT,FRBp", "63 FRT /:5 FRBp 290 Rc", section="I 5.6.5.2", operation=dfp.TO_FIXED)
@decimal("ddedpd[.] SP,FRT,FRB", "59 FRT SP /:3 FRB 322 Rc", section="I 5.6.6", operation=dfp.DECODE)
@decimal("ddedpdq[.] SP,FRTp,FRBp", "63 FRTp SP /:3 FRBp 322 Rc", section="I 5.6.6", operation=dfp.DECODE)
@decimal("denbcd[.] L11,FRT,FRB", "59 FRT L11 /:4 FRB 834 Rc", section="I 5.6.6", operation=dfp.ENCODE)
@decimal("denbcdq[.] L11,FRTp,FRBp", "63 FRTp L11 /:4 FRBp 834 Rc", section="I 5.6.6", operation=dfp.ENCODE)
@decimal("dxex[.] FRT,FRB", "59 FRT /:5 FRB 354 Rc", section="I 5.6.6", operation=dfp.EXTRACT_EXPONENT)
@decimal("dxexq[.] FRT,FRBp", "63 FRT /:5 FRBp 354 Rc", section="I 5.6.6", operation=dfp.EXTRACT_EXPONENT)
@decimal("diex[.] FRT,FRA,FRB", "59 FRT FRA FRB 866 Rc", section="I 5.6.6", operation=dfp.INSERT_EXPONENT)
@decimal("diexq[.] FRTp,FRA,FRBp", "63 FRTp FRA FRBp 866 Rc", section="I 5.6.6", operation=dfp.INSERT_EXPONENT)
@decimal("dscli[.] FRT,FRA,SHD", "59 FRT FRA SHD 66 Rc", section="I 5.6.6", operation=dfp.SHIFT_LEFT)
@decimal("dscliq[.] FRTp,FRAp,SHD", "63 FRTp FRAp SHD 66 Rc", section="I 5.6.6", operation=dfp.SHIFT_LEFT)
@decimal("dscri[.] FRT,FRA,SHD", "59 FRT FRA SHD 98 Rc", section="I 5.6.6", operation=dfp.SHIFT_RIGHT)
@decimal("dscriq[.] FRTp,FRAp,SHD", "63 FRTp FRAp SHD 98 Rc", section="I 5.6.6", operation=dfp.SHIFT_RIGHT)
def with_result(c: Context, operation: int) -> None:
    carry_out(c, "decimal_operation", operation)
