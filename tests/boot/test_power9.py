"""A POWER9 with radix translation: the big-endian guest boots, the same on every engine."""

from __future__ import annotations

import pytest

from runtime.events import Shutdown

from .test_boot import EXPECTED, TROUBLE, boot


def test_engines_agree() -> None:
    one, two = (boot(engine=e, cpu="power9") for e in ("interpreter", "jit"))
    said = one.console.decode().replace("\r", "").splitlines()
    assert one.event == Shutdown(0)
    assert [line for line in said if line in EXPECTED] == list(EXPECTED)
    assert "MMU\t\t: Radix" in said and not [line for line in said if any(t in line for t in TROUBLE)]
    assert (one.console, one.instructions, one.registers) == (two.console, two.instructions, two.registers)
    counters = one.statistics["counters"]
    assert counters["flush_space"] > 0 and counters["hcall_enter"] == 0


@pytest.mark.slow
def test_hashed_page_table() -> None:
    """The same processor, told to use the hashed page table."""
    found = boot(engine="jit", cpu="power9", mmu="hash")
    said = found.console.decode().replace("\r", "").splitlines()
    assert found.event == Shutdown(0) and "MMU\t\t: Hash" in said
    assert [line for line in said if line in EXPECTED] == list(EXPECTED)


@pytest.mark.slow
def test_four_cpus() -> None:
    """tlbie reaches every vCPU; the engines agree."""
    one, two = (boot(engine=e, cpu="power9", cpus=4) for e in ("interpreter", "jit"))
    said = one.console.decode().replace("\r", "").splitlines()
    assert one.event == Shutdown(0) and [line for line in said if line in EXPECTED] == list(EXPECTED)
    assert not [line for line in said if any(t in line for t in TROUBLE)]
    assert (one.console, one.instructions, one.registers) == (two.console, two.instructions, two.registers)
