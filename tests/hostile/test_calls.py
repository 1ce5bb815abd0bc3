"""Random hypercalls, RTAS calls, calls of Open Firmware and supervisor registers: the guest may end, we may not."""

from __future__ import annotations

import struct

import pytest

from runtime.hypercalls.openfirmware import H_OF_CLIENT

from ..limits import many
from .machine import START, go, partition, words
from .process import survives


@pytest.mark.parametrize("kind", ["hypercalls", "rtas", "client", "registers"])
def test_some(kind: str) -> None:
    survives("fuzz", kind, 1, 1500, "engine=interpreter", "cpus=2", "cpu=power9")


@pytest.mark.slow
@pytest.mark.parametrize("options", ["engine=interpreter cpu=power8", "engine=jit cpu=power9 cpus=4", "engine=reference cpu=power9 mmu=hash",
                                     "engine=jit cpu=power9 cpus=4 parallel=1",
                                     "engine=jit cpu=power8 cpus=2 privileged=trap pv=1"])  # fmt: skip
@pytest.mark.parametrize("kind", ["hypercalls", "rtas", "client", "registers"])
def test_many(kind: str, options: str) -> None:
    for seed in (2, 3):
        survives("fuzz", kind, seed, many(1000 if "reference" in options or "parallel" in options else 10_000), *options.split())


def test_firmware_is_bounded() -> None:
    """What a client can have it remember is limited: instances, claimed ranges, properties, names of calls that do not exist."""
    machine = partition(words(0), firmware="of", engine="interpreter")
    firmware = machine.firmware
    assert firmware is not None
    root = firmware.handles[id(firmware.tree.root)]

    def call(name: str, *arguments: int) -> int:
        machine.write(0x80_0000, name.encode() + b"\0")
        machine.write(0x80_1000, struct.pack(f">{4 + len(arguments)}I", 0x80_0000, len(arguments), 1, *arguments, 0))
        machine.write(START, words(0x4400_0022))  # sc 1
        vcpu = machine.vcpu
        vcpu.nia, vcpu.gpr[3], vcpu.gpr[4] = START, H_OF_CLIENT, 0x80_1000
        go(machine, 1)
        return int.from_bytes(machine.read(0x80_100C + 4 * len(arguments), 4), "big")

    machine.write(0x80_2000, b"/\0")
    handles = [call("open", 0x80_2000) for _ in range(1030)]
    assert handles.count(0) == 8 and len(set(handles)) == 1023  # two were open before
    call("close", handles[5])
    assert call("open", 0x80_2000) == handles[5]
    claims = [call("claim", 0x100_0000 + 16 * n, 8, 0) for n in range(1030)]
    assert 0 < claims.count(0xFFFF_FFFF) < 20
    for n in range(20):
        machine.write(0x80_3000, b"name%d\0" % n)
        size = call("setprop", root, 0x80_3000, 0x10_0000, 1 << 20)
        assert size == (1 << 20 if n < 15 else 0xFFFF_FFFF)
    assert call("setprop", root, 0x80_3000, 0x10_0000, 16) == 16
    for n in range(600):
        call(f"service{n}")
    assert len(machine.stats_calls) <= 510 and machine.stats_calls["unknown others"] > 90
    machine.close()
