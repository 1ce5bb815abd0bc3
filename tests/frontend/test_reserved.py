"""Reserved no-ops, and instructions for what no machine has: the interrupts that the manual names."""

from __future__ import annotations

import pytest

from dbt import assemble
from runtime.vm import VM

SF, PR, ME = 1 << 63, 1 << 14, 1 << 12


def after(cpu: str, text: str | int, engine: str, msr: int = 0) -> tuple[int, int, int]:
    """(nia, SRR1 without the MSR, DSISR) when two instructions have run, of which this is the first."""
    vm = VM(memory=1 << 20, cpu=cpu, engine=engine)  # type: ignore[arg-type]
    v = vm.vcpus[0]
    word = text if isinstance(text, int) else assemble(text)[0]
    for at in (0x300, 0x700, 0x1004):
        vm.write(at, (0x4800_0000).to_bytes(4, "big"))
    vm.write(0x1000, word.to_bytes(4, "big"))
    v.msr, v.nia, v.gpr[4], v.gpr[5] = SF | ME | msr, 0x1000, 0x8000, 5
    v.mode_changed()
    v.run(max_instructions=2)
    out = v.nia, v.srr1 & 0x7FFF_0000, v.dsisr
    vm.close()
    return out


@pytest.mark.parametrize("engine", ["interpreter", "reference"])
@pytest.mark.parametrize("name", ["hashst", "hashchk", "hashstp", "hashchkp"])
def test_hashes_are_passed_over(name: str, engine: str) -> None:
    """Before ISA 3.1 (I 1.9.3), also the privileged ones, whatever is at the address."""
    assert after("power8", f"{name} r5,-488(r4)", engine, PR)[0] == 0x1004


@pytest.mark.parametrize("engine", ["interpreter", "reference"])
def test_no_coprocessor(engine: str) -> None:
    """A data storage interrupt with DSISR[49] on POWER8 (III 6.5.3 of 2.07); POWER9 does not have the instruction."""
    assert after("power8", "icswx. r3,r4,r5", engine) == (0x300, 0, 0x4000)
    assert after("power9", "icswx. r3,r4,r5", engine)[:2] == (0x700, 0x8_0000)


@pytest.mark.parametrize("word", [0x4C00_0064, 0x7C64_2B29, 0x7C04_2BAC, 0x7C64_2A6C, 0x7C00_02E4])
def test_what_no_processor_has_is_illegal(word: int) -> None:
    """rfi, pbt., dcbi, eciwx, tlbia: the illegal-instruction program interrupt, in problem state too."""
    for msr in (0, PR):
        assert after("power9", word, "interpreter", msr)[:2] == (0x700, 0x8_0000)
