"""The talk's example: seven instructions of a Linux interrupt handler, three of them privileged (slide 'The PR=1 Trick')."""

from __future__ import annotations

import pytest

from runtime.events import Budget
from runtime.vm import VM

LISTING = (0x7C421378, 0x7DB143A6, 0x7DB342A6, 0xF86D0160, 0x7C7302A6, 0xF92D0120, 0x7D200026)
START = 0x380


def run(engine: str, privileged: str) -> VM:
    vm = VM(memory=1 << 20, engine=engine, privileged=privileged)  # type: ignore[arg-type]
    vm.write(START, b"".join(w.to_bytes(4, "big") for w in LISTING))
    vcpu = vm.vcpus[0]
    vcpu.nia = START
    vcpu.gpr[13], vcpu.sprg[3], vcpu.gpr[3], vcpu.gpr[9], vcpu.dar = 0x1111, 0x8000, 0x33, 0x99, 0xDA4
    vcpu["cr"] = 0x8421_8421
    assert vcpu.run(max_instructions=len(LISTING)) == Budget()
    return vm


@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
@pytest.mark.parametrize(("privileged", "exits"), [("trap", {"mtspr SPRG1": 1, "mfspr SPRG3": 1, "mfspr DAR": 1}), ("inline", {})])
def test_the_listing_costs_three_exits_or_none(engine: str, privileged: str, exits: dict[str, int]) -> None:
    vm = run(engine, privileged)
    vcpu = vm.vcpus[0]
    assert dict(vcpu.emulated) == exits
    assert vcpu.heavy["PRIVILEGED"] == sum(exits.values())
    assert (vcpu.sprg[1], vcpu.gpr[13], vcpu.gpr[3], vcpu.gpr[9]) == (0x1111, 0x8000, 0xDA4, 0x8421_8421)
    assert vm.read(0x8000 + 352, 8) == (0x33).to_bytes(8, "big") and vm.read(0x8000 + 288, 8) == (0x99).to_bytes(8, "big")
    assert vcpu.icount == len(LISTING) and vcpu.nia == START + 4 * len(LISTING)
    vm.close()
