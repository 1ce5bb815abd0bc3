"""CR fields of compiled regions: made from the operands of a comparison wherever somebody looks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from dbt import assemble
from runtime.vm import VM

START, WORDS = 0x1000, (1 << 32) - 1
NUMBERS = (0, 1, 0x7FFF_FFFF, 0x8000_0000, WORDS, 1 << 32, (1 << 63) - 1, 1 << 63, (1 << 64) - 1)
COMPARISONS = {"cmpd": (64, True), "cmpld": (64, False), "cmpw": (32, True), "cmplw": (32, False)}
# The comparison is in a block of its own; the others read a bit of the field, or all of it, or overwrite it.
PROGRAM = """
loop: {comparison} cr1,r3,r4; b on
on: li r7,0; bge cr1,more; ori r7,r7,8
more: ble cr1,less; ori r7,r7,4
less: bne cr1,different; ori r7,r7,2
different: bns cr1,whole; ori r7,r7,1
whole: mfcr r5; {write}; crnot cr1+0,cr1+1; mfcr r6; cmpwi cr1,r8,5; bdnz loop
done: b done
"""


@pytest.fixture(scope="module", params=["", "mcrxrx cr5; addo r9,r9,r9"])
def machine(request: pytest.FixtureRequest) -> Iterator[tuple[VM, str]]:
    """Without and with something in the region that writes XER[SO]."""
    vm = VM(memory=1 << 20, engine="jit", cpu="power9", hot_threshold=50)
    yield vm, request.param or "nop"
    vm.close()


@pytest.mark.parametrize("comparison", COMPARISONS)
def test_fields_are_what_was_compared(machine: tuple[VM, str], comparison: str) -> None:
    vm, write = machine
    vcpu, (width, signed) = vm.vcpus[0], COMPARISONS[comparison]
    text = PROGRAM.format(comparison=comparison, write=write).strip().replace("\n", "; ")
    words = assemble(text.replace("cr1+0", "4").replace("cr1+1", "5"))
    where = START + 0x1000 * (list(COMPARISONS).index(comparison) + 8 * (write != "nop"))
    vm.write(where, b"".join(w.to_bytes(4, "big") for w in words))

    done = where + 4 * (len(words) - 1)
    vcpu.nia, vcpu.ctr = where, 2000
    vcpu.run(max_instructions=40_000)
    assert vcpu.nia == done
    assert vm.compiler is not None
    vm.compiler.drain()
    assert vm.compiler.stats["installed"]

    def number(x: int) -> int:
        x &= (1 << width) - 1
        return x - (1 << width) if signed and x >> (width - 1) else x

    for a in NUMBERS:
        for b in NUMBERS:
            for so in (0, 1):
                vcpu.gpr[3], vcpu.gpr[4], vcpu.gpr[9], vcpu["so"] = a, b, 0, so
                vcpu.nia, vcpu.ctr = where, 1
                while vcpu.nia != done:
                    vcpu.run(max_instructions=60 if a else 3)  # often left on the way, too
                x, y = number(a), number(b)
                field = (8 if x < y else 4 if x > y else 2) | so
                assert (vcpu.gpr[7], vcpu.gpr[5] >> 24 & 15) == (field, field)
                assert vcpu.gpr[6] >> 24 & 15 == (field & 7) | (0 if field & 4 else 8)
