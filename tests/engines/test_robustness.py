"""Random words cannot harm the host process, and all engines make the same of them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import runtime

from ..limits import PATIENCE, many
from .robustness import BLOCK, Run

ROOT = Path(next(iter(runtime.__path__))).parent


def survives(kind: str, seed: int, words: int) -> None:
    """Run random words in a process of its own."""
    command = [sys.executable, "-m", "tests.engines.robustness", kind, str(seed), str(words)]
    try:
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=False)
    except subprocess.TimeoutExpired as e:
        tail = (e.stdout or b"")[-100:]
        pytest.fail(f"{' '.join(command[1:])} hangs after {tail!r}")
    assert done.returncode == 0 and done.stdout.endswith("survived\n"), (
        f"{' '.join(command[1:])} ended with {done.returncode}:\n{done.stdout[-300:]}\n{done.stderr[-2000:]}"
    )
    print(f"{kind}: {words} random words, " + "; ".join(done.stdout.splitlines()[-3:-1]))


@pytest.mark.parametrize("kind", ["interpreter", "region"])
def test_random_words_do_no_harm(kind: str) -> None:
    survives(kind, 1, 100_000 if kind == "interpreter" else 12_000)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(2, 6))
@pytest.mark.parametrize("kind", ["interpreter", "region", "auto", "reference"])
def test_more_random_words(kind: str, seed: int) -> None:
    survives(kind, seed, many({"interpreter": 200_000, "region": 50_000, "auto": 50_000, "reference": 10_000}[kind]))


@pytest.mark.parametrize("little", [False, True], ids=["be", "le"])
def test_engines_agree_on_random_words(little: bool) -> None:
    blocks = 15
    for seed in (11, 12):
        runs = [Run(kind, little, seed) for kind in ("reference", "interpreter", "region")]
        for n in range(blocks):
            results = [run.block() for run in runs]
            for run, result in zip(runs[1:], results[1:], strict=True):
                for k, (a, b) in enumerate(zip(results[0], result, strict=True)):
                    if (a.event, a.record, a.visible[:4], a.memory) != (b.event, b.record, b.visible[:4], b.memory):
                        show = "\n  ".join(a.differences(b))
                        pytest.fail(f"seed {seed}, block {n}, slice {k}, reference / {run.rig.kind}:\n  {show}")
        print(f"{blocks * BLOCK} random words: {runs[0].ran} instructions agree on reference, interpreter and jit")
        for run in runs:
            run.rig.close()


HANG = """
import sys
from runtime.events import NotEmulated
from runtime.vm import VM

vm = VM(memory=1 << 20, engine=sys.argv[1])
vcpu = vm.vcpus[0]
vcpu.nia = 0x1_0000
vm.write(0x1_0000, bytes.fromhex("60000000"))
try:
    vcpu.run(max_instructions=10)
except NotEmulated as e:
    print(e)
print(hex(vcpu.nia), vcpu.icount, vcpu.delivered[0x700 >> 5])
"""


@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
def test_interrupts_without_end_are_reported(engine: str) -> None:
    """Nothing at the vectors: an illegal instruction interrupts for ever, and no budget would end it."""
    done = subprocess.run(
        [sys.executable, "-c", HANG, engine], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE, check=True
    )
    assert "interrupts without end" in done.stdout, done.stdout
    assert done.stdout.endswith("0x700 1 1001\n"), done.stdout[-300:]
