"""Every declared instruction on random operands and states: all engines agree on everything the guest can see.

The cases come from the declarations, so an instruction that a user's module registers is tested the same way:
    PPCDBT_TEST_ISA=mymodule pytest tests/engines/test_generated.py
"""

from __future__ import annotations

import importlib
import os
import random
import zlib
from collections.abc import Iterator

import pytest

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.disassembler import disassemble
from dbt.frontend.insn import ISA, Insn
from dbt.mode import Mode

from ..limits import many
from .cases import random_state, random_word
from .harness import CODE, KINDS, Rig, Single

for _module in os.environ.get("PPCDBT_TEST_ISA", "").split():
    importlib.import_module(_module)

COMPARED = KINDS[:3]
MODES = [Mode(sf, le, pr) for le in (False, True) for sf in (True, False) for pr in (False, True)]
TOTAL = {"cases": 0, "instructions": 0}
Rigs = dict[bool, list[Rig]]


@pytest.fixture(scope="module")
def rigs() -> Iterator[Rigs]:
    """One machine of each kind in each byte order."""
    made = {little: [Rig(kind, little) for kind in COMPARED] for little in (False, True)}
    yield made
    print(f"\n{TOTAL['cases']} cases of {TOTAL['instructions']} instructions agree on {', '.join(COMPARED)}")
    for group in made.values():
        for rig in group:
            rig.close()


def agree(rigs: Rigs, insn: Insn, words: int, states: int) -> int:
    """Run `words` random forms of an instruction in each mode, each in `states` states; how many cases agreed."""
    r = random.Random(zlib.crc32(insn.syntax.encode()))
    modes = MODES + ([Mode(trap=True), Mode(sf=False, trap=True)] if insn.privileged else [])
    todo = []
    chosen = {CODE + 4 * r.choice((n, n, 512 + n, 1022 - n)): random_word(r, insn) for n in range(words)}
    for little in (False, True):
        placed = [Single(real, word, m) for m in modes if m.le == little for real, word in chosen.items()]
        for rig in rigs[little]:
            for s in placed:
                rig.vm.write(s.real, rig.words([s.word]))
        rigs[little][2].compile_singles(placed)
        todo += [(little, s) for s in placed]
    count = 0
    for little, s in todo:
        for _ in range(states):
            record, data = random_state(r, insn, s.word, s.mode, rigs[little][0].clean, s.real)
            results = []
            for rig in rigs[little]:
                rig.start(record, data, s.mode.trap)
                results.append(rig.state(rig.run(1)))
            for rig, result in zip(rigs[little][1:], results[1:], strict=True):
                if result != results[0]:
                    show = "\n  ".join(results[0].differences(result))
                    pytest.fail(
                        f"{disassemble(s.word)} ({s.word:#010x} at {s.real:#x}, {s.mode}), reference / {rig.kind}:\n  {show}"
                    )
            count += 1
    for little in (False, True):  # stray stores
        memories = [rig.vm.read(0, rig.vm.memory_size) for rig in rigs[little]]
        assert memories[1:] == memories[:1] * (len(memories) - 1), f"{insn.syntax}: memory differs outside the data pages"
    TOTAL["cases"] += count
    TOTAL["instructions"] += 1
    return count


@pytest.mark.parametrize("insn", ISA.insns, ids=lambda i: i.name)
def test_engines_agree(rigs: Rigs, insn: Insn) -> None:
    assert agree(rigs, insn, 2, 4) >= 64


@pytest.mark.slow
@pytest.mark.parametrize("insn", ISA.insns, ids=lambda i: i.name)
def test_engines_agree_on_more(rigs: Rigs, insn: Insn) -> None:
    assert agree(rigs, insn, many(8), 6) >= 46 * many(8)
