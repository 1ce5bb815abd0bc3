"""Every interpreter variant of every declaration is a well-formed block, before and after sweep, and survives text."""

from __future__ import annotations

import pytest

import dbt.frontend.isa  # noqa: F401  (declares the instructions)
from dbt.frontend.insn import ISA, Insn
from dbt.frontend.translate import handlers
from dbt.ir.sweep import sweep
from dbt.ir.text import parse_block, print_block
from dbt.ir.verify import verify


@pytest.mark.parametrize("insn", ISA.insns, ids=lambda i: i.syntax.replace(" ", "_"))
def test_blocks_are_well_formed(insn: Insn) -> None:
    for ir in handlers(insn)[1]:
        verify(ir, single=True, exploring=True)
        verify(sweep(ir), single=True)
        text = print_block(ir)
        assert print_block(verify(parse_block(text))) == text
