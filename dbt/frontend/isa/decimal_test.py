"""Decimal floating-point comparisons and tests (Book I 5.6.2, 5.6.3): each sets CR field BF and FPCC."""

from __future__ import annotations

from ... import dfp
from ..context import Context
from .decimal_arithmetic import carry_out, decimal


@decimal("dcmpu BF,FRA,FRB", "59 BF /:2 FRA FRB 642:10 /", section="I 5.6.2", operation=dfp.COMPARE_UNORDERED)
@decimal("dcmpuq BF,FRAp,FRBp", "63 BF /:2 FRAp FRBp 642:10 /", section="I 5.6.2", operation=dfp.COMPARE_UNORDERED)
@decimal("dcmpo BF,FRA,FRB", "59 BF /:2 FRA FRB 130:10 /", section="I 5.6.2", operation=dfp.COMPARE_ORDERED)
@decimal("dcmpoq BF,FRAp,FRBp", "63 BF /:2 FRAp FRBp 130:10 /", section="I 5.6.2", operation=dfp.COMPARE_ORDERED)
@decimal("dtstdc BF,FRA,DCM", "59 BF /:2 FRA DCM 194:9 /", section="I 5.6.3", operation=dfp.TEST_CLASS)
@decimal("dtstdcq BF,FRAp,DCM", "63 BF /:2 FRAp DCM 194:9 /", section="I 5.6.3", operation=dfp.TEST_CLASS)
@decimal("dtstdg BF,FRA,DGM", "59 BF /:2 FRA DGM 226:9 /", section="I 5.6.3", operation=dfp.TEST_GROUP)
@decimal("dtstdgq BF,FRAp,DGM", "63 BF /:2 FRAp DGM 226:9 /", section="I 5.6.3", operation=dfp.TEST_GROUP)
@decimal("dtstex BF,FRA,FRB", "59 BF /:2 FRA FRB 162:10 /", section="I 5.6.3", operation=dfp.TEST_EXPONENT)
@decimal("dtstexq BF,FRAp,FRBp", "63 BF /:2 FRAp FRBp 162:10 /", section="I 5.6.3", operation=dfp.TEST_EXPONENT)
@decimal("dtstsf BF,FRA,FRB", "59 BF /:2 FRA FRB 674:10 /", section="I 5.6.3", operation=dfp.TEST_SIGNIFICANCE)
@decimal("dtstsfq BF,FRA,FRBp", "63 BF /:2 FRA FRBp 674:10 /", section="I 5.6.3", operation=dfp.TEST_SIGNIFICANCE)
def test(c: Context, operation: int) -> None:
    carry_out(c, "decimal_test", operation)


@decimal("dtstsfi BF,UIM6,FRB", "59 BF / UIM6 FRB 675:10 /", section="I 5.6.3 (3.0)", operation=dfp.TEST_SIGNIFICANCE_IMMEDIATE, since="3.0")
@decimal("dtstsfiq BF,UIM6,FRBp", "63 BF / UIM6 FRBp 675:10 /", section="I 5.6.3 (3.0)", operation=dfp.TEST_SIGNIFICANCE_IMMEDIATE, since="3.0")
def test_immediate(c: Context, operation: int) -> None:
    carry_out(c, "decimal_test", operation)
