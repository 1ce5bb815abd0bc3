"""Reports about a guest that cannot go on: complete, and never a second failure."""

from __future__ import annotations

from typing import Any

from dbt.exits import Exit
from runtime.report import crash_report, not_emulated
from runtime.vm import VM


def test_report_of_a_machine() -> None:
    vm = VM(memory=1 << 20, engine="interpreter")
    vcpu = vm.vcpus[0]
    vm.write(0x2000, bytes.fromhex("7c632214 00000000 4e800020"))
    vcpu.nia, vcpu.gpr[31] = 0x2004, 0xABCD
    vcpu["cr"] = 0x2800_0042
    text = not_emulated(vcpu, Exit.CRASH)
    vm.close()
    assert text.splitlines()[0] == (
        "not emulated: pc 0x2004: 0x00000000 .long 0x0: translated code came to a state that should not exist: "
        "this is a bug in ppcdbt (CRASH, 0x0)"
    )
    for part in ("NIP:  0000000000002004", "CR: 28000042", "MSR:  8000000000001000 <SF,ME>", "000000000000abcd",
                 "              2000:  7c632214  add r3,r3,r4", ">             2004:  00000000  .long 0x0", "exits: none"):  # fmt: skip
        assert part in text, text


def test_translated_code_that_is_not_there() -> None:
    vm = VM(memory=1 << 20, engine="interpreter")
    vcpu = vm.vcpus[0]
    vcpu.nia, vcpu.msr = 0xC000_0000_0000_0000, vcpu.msr | 0x30
    text = crash_report(vcpu, vm)
    vm.close()
    assert "no code can be read at pc 0xc000000000000000" in text


def test_it_never_raises() -> None:
    class Broken:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError(name)

    broken: Any = Broken()
    assert "failed" in crash_report(broken)
    assert "not emulated" in not_emulated(broken, Exit.EMULATE)
    assert "not emulated" in not_emulated(broken, 99)
