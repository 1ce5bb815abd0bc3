"""Regions keep a VSR whole or by its doublewords, under four names (VSR, VR, FPR, doubleword): random loops that mix them end
as the interpreter's do."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from dbt import assemble
from runtime.vm import VM

MSR = 1 << 63 | 1 << 25 | 1 << 23 | 1 << 13 | 1 << 12
ROUNDS = 400


def instruction(r: random.Random) -> str:
    """On FPRs 0 to 2, VRs 0 to 2 and the VSRs that they are."""
    f, g, h = (f"f{r.randrange(3)}" for _ in "fgh")
    v, w, x = (f"v{r.randrange(3)}" for _ in "vwx")
    s, t, u = (f"vs{r.choice((0, 1, 2, 32, 33, 34))}" for _ in "stu")
    return r.choice((
        f"fadd {f},{g},{h}", f"fmul {f},{g},{h}", f"fmr {f},{g}", f"fsel {f},{g},{h},{f}", f"fctidz {f},{g}", f"fcfid {f},{g}",
        f"xsadddp {s},{t},{u}", f"xsmaddadp {s},{t},{u}", f"xsmuldp {s},{t},{u}", f"xsmaxdp {s},{t},{u}", f"xsabsdp {s},{t}",
        f"xvadddp {s},{t},{u}", f"xvmaddmdp {s},{t},{u}", f"xvaddsp {s},{t},{u}", f"xvcmpgtdp. {s},{t},{u}", f"xscmpudp cr1,{s},{t}",
        f"xxlor {s},{t},{u}", f"xxlxor {s},{t},{u}", f"xxlor {s},{t},{t}", f"xxpermdi {s},{t},{u},{r.randrange(4)}",
        f"vadduwm {v},{w},{x}", f"vand {v},{w},{x}", f"vspltw {v},{w},1", f"mtvsrd {s},r4", f"mfvsrd r4,{s}", f"mfvsrld r5,{s}",
        f"xxspltw {s},{t},2", f"xxmrghw {s},{t},{u}", "addi r4,r4,77",
    ))  # fmt: skip


def state(vm: VM, source: str, seed: int) -> list[int]:
    """Registers after the loop."""
    v, r = vm.vcpus[0], random.Random(seed)
    words = assemble(f"loop: {source}; bdnz loop; mffs f5; b 0")
    vm.write(0x1000, b"".join(w.to_bytes(4, "big") for w in words))
    v.msr, v.nia, v.ctr, v.fpscr, v["cr"] = MSR, 0x1000, ROUNDS, 0, 0
    v.mode_changed()
    for n in (*range(3), *range(32, 35)):
        halves = (r.choice((r.getrandbits(64), (0x3F0 + r.getrandbits(5)) << 52 | r.getrandbits(52))) for _ in "ab")
        v[f"vsr{n}"] = sum(x << 64 * k for k, x in enumerate(halves))
    v.gpr[4], v.gpr[5] = 0x3FF0_0000_0000_0000, 0
    count = len(words) - 2
    v.run(max_instructions=count * 100)
    if vm.compiler:
        vm.compiler.drain()
    v.run(max_instructions=count * (ROUNDS - 100))
    v.run(max_instructions=1)
    assert v.nia == 0x1000 + 4 * (count + 1), hex(v.nia)
    return [v[f"vsr{n}"] for n in (*range(3), 5, *range(32, 35))] + [v.gpr[4], v.gpr[5], v["cr"]]


@pytest.fixture(scope="module")
def vms() -> Iterator[tuple[Any, Any]]:
    made = tuple(VM(1 << 20, cpu="power9", engine=e, hot_threshold=20) for e in ("interpreter", "jit"))  # type: ignore[arg-type]
    yield made
    for vm in made:
        vm.close()
    assert made[1].compiler.stats["installed"] >= 30


@pytest.mark.parametrize("seed", range(30))
def test_views_agree(vms: tuple[Any, Any], seed: int) -> None:
    r = random.Random(seed)
    source = "; ".join(instruction(r) for _ in range(r.randint(2, 9)))
    interpreted, compiled = (state(vm, source, seed) for vm in vms)
    assert compiled == interpreted, source
