"""An instruction that is newer than the CPU model is illegal on every engine, and so is one that the model has no more."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dbt.frontend.assembler import assemble
from dbt.frontend.context import ILLEGAL
from dbt.frontend.insn import ISA
from dbt.frontend.isa.spr import SPRS
from dbt.frontend.translate import decode
from dbt.mode import LEVELS, Mode, level_of
from runtime.cpus import CPUS

from .harness import CODE, FP, KINDS, ME, NOP, SF, VEC, VSX, Rig, Single, put

PROGRAM = 0x700
# instruction -> the CPU models that have it
HAVE = {
    "add r3,r4,r5": ("power7", "power8", "power9"),
    "lxvd2x vs1,r0,r4": ("power7", "power8", "power9"),
    "xxsel vs1,vs2,vs3,vs4": ("power7", "power8", "power9"),
    "mtvsrd vs1,r3": ("power8", "power9"),
    "xxleqv vs1,vs2,vs3": ("power8", "power9"),
    "lxsspx vs1,r0,r4": ("power8", "power9"),
    "lqarx r6,r0,r4": ("power8", "power9"),
    "lxvx vs1,r0,r4": ("power9",),
    "lxv vs1,16(r4)": ("power9",),
    "xxspltib vs1,3": ("power9",),
    "maddld r3,r4,r5,r6": ("power9",),
    "modsw r3,r4,r5": ("power9",),
    "setb r3,cr0": ("power9",),
    "addpcis r3,5": ("power9",),
    "darn r3,1": ("power9",),
    "cnttzd r3,r4": ("power9",),
    "mcrxrx cr3": ("power9",),
    "addex r3,r4,r5,0": ("power9",),
    "ldat r3,r4,0": ("power9",),
    "mcrxr cr3": (),
}


@pytest.fixture(scope="module", params=list(CPUS))
def rigs(request: pytest.FixtureRequest) -> Iterator[tuple[str, list[Rig]]]:
    made = [Rig(kind, cpu=request.param) for kind in KINDS[:3]]
    yield request.param, made
    for rig in made:
        rig.close()


@pytest.mark.parametrize("source", HAVE)
def test_illegal_before_its_time(rigs: tuple[str, list[Rig]], source: str) -> None:
    cpu, made = rigs
    (word,) = assemble(source)
    outcomes = []
    for rig in made:
        rig.vm.write(CODE, rig.words([word, NOP]))
        if rig.kind == "single":
            rig.compile_singles([Single(CODE, word, Mode())])
        record = bytearray(rig.clean)
        put(record, "nia", CODE)
        put(record, "msr", SF | ME | FP | VEC | VSX)
        put(record, "gpr4", 0x4_0000)
        rig.start(record)
        rig.run(1)
        v = rig.vcpu
        outcomes.append((v.nia, v.srr0 if v.nia == PROGRAM else 0, v.srr1 & ILLEGAL if v.nia == PROGRAM else 0))
    expected = (CODE + 4, 0, 0) if cpu in HAVE[source] else (PROGRAM, CODE, ILLEGAL)
    assert outcomes == [expected] * len(made)


def test_xer_has_no_32_bit_flags_before_3_0(rigs: tuple[str, list[Rig]]) -> None:
    """mtxer of ones, then addo. of two that overflow in the low word, then mfxer."""
    cpu, made = rigs
    words = assemble("mtxer r3; mfxer r5; addco r6,r4,r4; mfxer r7")
    low = 0x000C_0000
    for rig in made:
        rig.vm.write(CODE, rig.words(words))
        if rig.kind == "single":
            rig.compile_singles([Single(CODE + 4 * n, w, Mode()) for n, w in enumerate(words)])
        record = bytearray(rig.clean)
        put(record, "nia", CODE)
        put(record, "msr", SF | ME)
        put(record, "gpr3", (1 << 64) - 1)
        put(record, "gpr4", 0xFFFF_FFFF_8000_0000)  # twice: carries and overflows 32 bits, not 64
        rig.start(record)
        rig.run(4)
        new = cpu == "power9"
        assert rig.vcpu.gpr[5] == 0xE000_007F | (low if new else 0), rig.kind
        assert rig.vcpu.gpr[7] == 0xA000_007F | (low if new else 0), rig.kind  # CA: the doublewords carry too; OV: no


def test_levels_are_ordered() -> None:
    assert [level_of(x) for x in ("PPC", "2.03", "2.06", "2.07", "3.0", "3.0B")] == [0, 0, 0, 1, 2, 2]
    with pytest.raises(ValueError, match="no architecture version '4'"):
        level_of("4")
    assert all(i.levels.stop <= len(LEVELS) - 1 for i in ISA.insns)
    assert {level_of(s.since) for s in SPRS.values()} == {0, 1, 2}


def test_decode_by_level() -> None:
    (word,) = assemble("modsw r3,r4,r5")
    assert decode(word) is not None and decode(word, 2) is not None
    assert decode(word, 1) is None and decode(word, 0) is None


# -- QEMU's models agree

CPU_NAMES = {"power7": "POWER7", "power8": "POWER8", "power9": "POWER9"}
# It has mcrxr everywhere (I 3.3.17: not in the server environment) and xxspltib before 3.0; its user mode refuses lqarx.
QEMU_DIFFERS = {"mcrxr cr3", "xxspltib vs1,3", "lqarx r6,r0,r4"}
TOOLS = ("powerpc64-linux-gnu-as", "powerpc64-linux-gnu-ld", "qemu-ppc64")


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason="needs qemu-user and binutils-powerpc64-linux-gnu")
@pytest.mark.parametrize("cpu", CPUS)
def test_qemu_agrees(tmp_path: Path, cpu: str) -> None:
    different = []
    for source in HAVE.keys() - QEMU_DIFFERS:
        (word,) = assemble(source)
        text = f".abiversion 2\n.globl _start\n_start:\n lis 4,data@ha\n addi 4,4,data@l\n .long {word:#x}\n li 0,1\n li 3,0\n sc\n.data\n.balign 64\ndata: .space 128\n"
        (tmp_path / "a.s").write_text(text)
        subprocess.run([TOOLS[0], "-a64", "-o", tmp_path / "a.o", tmp_path / "a.s"], check=True)
        subprocess.run([TOOLS[1], "-o", tmp_path / "a", tmp_path / "a.o"], check=True)
        status = subprocess.run(
            [TOOLS[2], "-cpu", CPU_NAMES[cpu], tmp_path / "a"], capture_output=True, check=False
        ).returncode
        if (status == 0) != (cpu in HAVE[source]) or status not in (0, -4):
            different.append((source, status))
    assert not different
