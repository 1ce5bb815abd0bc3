"""Instructions of ISA 2.07 and 3.0 that QEMU cannot judge. Every expected value is worked out by hand from the manual."""

from __future__ import annotations

import pytest

from dbt.exits import Exit
from dbt.frontend.assembler import assemble
from dbt.frontend.isa.system import SCV
from dbt.mode import LEVELS, Mode
from runtime.vm import VM

from ..support import B32, B64, BASE, execute
from .test_fixed_vectors import ONES, check

FP, VEC, VSX = 1 << 13, 1 << 25, 1 << 23


def test_addex_carries_through_ov() -> None:
    """OV in, OV out; OV32 from the low word; SO and CA stay (I 3.3.9)."""
    check(
        "addex r3,r4,r5,0", {"r4": ONES, "r5": 0, "ov": 1, "so": 0, "ca": 0}, {"r3": 0, "ov": 1, "ov32": 1, "so": 0, "ca": 0}
    )
    check("addex r3,r4,r5,0", {"r4": 0xFFFF_FFFF, "r5": 1, "ov": 0, "so": 1}, {"r3": 1 << 32, "ov": 0, "ov32": 1, "so": 1})
    check("addex r3,r4,r5,0", {"r4": 0xFFFF_FFFF, "r5": 1, "ov": 0}, {"ov": 1, "ov32": 1}, B32)


def test_flags_of_the_low_word() -> None:
    """CA32 and OV32 belong to the low words whatever the mode (I 3.2.2); before 3.0 they are not touched."""
    state = {"r4": 0x8000_0000, "r5": 0x8000_0000, "ov32": 0, "ca32": 0}
    check("addco r3,r4,r5", state, {"ov": 0, "ov32": 1, "ca": 0, "ca32": 1})
    check("addco r3,r4,r5", state, {"ov": 1, "ov32": 1, "ca": 1, "ca32": 1}, B32)
    old = Mode(level=LEVELS.index("2.07"))
    check("addco r3,r4,r5", state, {"ov": 0, "ov32": 0, "ca": 0, "ca32": 0}, old)
    check("mtxer r4", {"r4": ONES, "ov32": 0}, {"ov32": 1, "ca32": 1, "so": 1, "ov": 1, "ca": 1})
    check("mfxer r3", {"ov32": 1, "ca32": 1, "so": 1}, {"r3": 0x800C_0000})
    check("mfxer r3", {"ov32": 1, "ca32": 1, "so": 1}, {"r3": 0x8000_0000}, old)
    check("nego r3,r4", {"r4": 0x8000_0000}, {"ov": 0, "ov32": 1})
    check("divwo r3,r4,r5", {"r4": 1, "r5": 0, "ov32": 0}, {"ov": 1, "ov32": 1})
    check("srawi r3,r4,1", {"r4": ONES, "ca32": 0}, {"ca": 1, "ca32": 1})


def test_addpcis_in_32_bit_mode() -> None:
    check("addpcis r3,-1", {}, {"r3": BASE + 4 - 0x1_0000})
    check("addpcis r3,32767", {}, {"r3": BASE + 4 + 0x7FFF_0000})


def test_darn_is_a_seeded_sequence() -> None:
    """SplitMix64: its published first outputs for the seed 1234567."""
    seed, seen = 1234567, []
    for _ in range(3):
        after, _ = execute(assemble("darn r3,1")[0], {"darn": seed})
        seed = after["darn"]
        seen.append(after["gpr3"])
    assert seen == [6457827717110365317, 3203168211198807973, 9817491932198370423]
    after, _ = execute(assemble("darn r3,0")[0], {"darn": 1234567})
    assert after["gpr3"] == seen[0] & 0xFFFF_FFFF
    check("darn r3,3", {"r3": 5}, {"r3": ONES})


@pytest.mark.parametrize("source,msr,vector", [
    ("mfvsrd r3,vs31", VEC | VSX, 0x800), ("mfvsrd r3,vs32", FP | VSX, 0xF20),
    ("lxvx vs31,r0,r4", FP | VEC, 0xF40), ("lxvx vs32,r0,r4", FP | VSX, 0xF20),
    ("xxspltib vs3,1", FP | VEC, 0xF40), ("xxspltib vs33,1", FP | VSX, 0xF20),
    ("lxsd v1,0(r4)", FP | VSX, 0xF20), ("xxlor vs40,vs1,vs2", FP | VEC, 0xF40),
    ("lxvd2x vs40,r0,r4", FP | VEC, 0xF40), ("mtvsrdd vs3,r3,r4", FP | VEC, 0xF40),
])  # fmt: skip
@pytest.mark.parametrize("generic", [False, True])
def test_facility_by_register(source: str, msr: int, vector: int, generic: bool) -> None:
    """The facility that each half of the register file belongs to (I 7.2)."""
    _, outcome = execute(assemble(source)[0], {"msr": msr}, generic=generic)
    assert (outcome.kind, outcome.exit, outcome.payload) == ("exit", Exit.FACILITY, vector)


def test_scv() -> None:
    word = assemble("scv 5")[0]
    for generic in (False, True):
        _, outcome = execute(word, {"fscr": 0}, generic=generic)
        assert (outcome.exit, outcome.payload, outcome.after) == (Exit.FACILITY, 0xF60 | 12 << 16, False)
        _, outcome = execute(word, {"fscr": 1 << 12}, generic=generic)
        assert (outcome.exit, outcome.payload, outcome.after) == (Exit.SYSCALL, SCV | 5, True)


def test_copy() -> None:
    """An address that is no multiple of 128: alignment."""
    memory = {0x1000 + n: 0 for n in range(256)}
    (copy,) = assemble("copy r3,r4")
    _, outcome = execute(copy, {"gpr3": 0x1000, "gpr4": 64}, memory=memory)
    assert (outcome.exit, outcome.payload) == (Exit.ALIGNMENT, 0x1040)
    _, outcome = execute(copy, {"gpr3": 0x1000, "gpr4": 128}, memory=memory)
    assert outcome.kind == "next"


@pytest.fixture(scope="module")
def vm() -> VM:
    made = VM(1 << 20, cpu="power9", engine="interpreter")
    for vector in (0x300, 0x600):
        made.write(vector, (0x4800_0000).to_bytes(4, "big"))  # b .
    return made


def run(vm: VM, source: str, registers: dict[str, int], little: bool = False, msr: int = 0) -> VM:
    """Run one instruction at 0x1000 in real mode."""
    v = vm.vcpus[0]
    vm.write(0x1000, assemble(source, 0x1000)[0].to_bytes(4, "little" if little else "big"))
    v.msr, v.nia = 1 << 63 | 0x1000 | msr | little, 0x1000
    for name, x in registers.items():
        v[name] = x
    v.mode_changed()
    v.run(max_instructions=1)
    return vm


ATOMIC = [  # function, storage before, r4, r5, r3 after, storage after (two words each, at EA and after it)
    (5, (0x2C69_AD26, 9), 0xE000_0000, 0, 0x2C69_AD26, (0x2C69_AD26, 9)),  # signed: -2**29 is less
    (5, (0xE000_0000, 9), 0xFFFF_FFFF_0000_0001, 0, 0xE000_0000, (1, 9)),
    (7, (0x2C69_AD26, 9), 0xE000_0000, 0, 0x2C69_AD26, (0xE000_0000, 9)),
    (16, (7, 9), 7, 8, 7, (7, 9)),  # equal: not swapped
    (16, (7, 9), 6, 8, 7, (8, 9)),
    (24, (7, 9), 0, 0, 7, (8, 9)),  # below its bound
    (24, (9, 9), 0, 0, 0x8000_0000, (9, 9)),
    (25, (9, 9), 0, 0, 9, (10, 9)),
    (25, (7, 9), 0, 0, 0x8000_0000, (7, 9)),
]  # fmt: skip


@pytest.mark.parametrize("function,before,r4,r5,r3,after", ATOMIC)
@pytest.mark.parametrize("little", [False, True])
def test_lwat(
    vm: VM, function: int, before: tuple[int, int], r4: int, r5: int, r3: int, after: tuple[int, int], little: bool
) -> None:
    order = "little" if little else "big"
    vm.write(0x2000, b"".join(x.to_bytes(4, order) for x in before))  # type: ignore[arg-type]
    run(vm, f"lwat r3,r6,{function}", {"gpr3": 0, "gpr4": r4, "gpr5": r5, "gpr6": 0x2000}, little)
    assert vm.vcpus[0].gpr[3] == r3
    assert vm.read(0x2000, 8) == b"".join(x.to_bytes(4, order) for x in after)  # type: ignore[arg-type]


def test_atomic_decrement_looks_below(vm: VM) -> None:
    """The bound of Fetch and Decrement Bounded is the datum before EA (II 4.5.1)."""
    vm.write(0x2000, (3).to_bytes(8, "big") + (5).to_bytes(8, "big"))
    for expected in (5, 4, 1 << 63):
        run(vm, "ldat r3,r6,28", {"gpr6": 0x2008})
        assert vm.vcpus[0].gpr[3] == expected
    assert vm.read(0x2008, 8) == (3).to_bytes(8, "big")


@pytest.mark.parametrize("source,ea,vector,dsisr", [
    ("ldat r3,r6,0", 0x2004, 0x600, None),
    ("ldat r3,r6,24", 0x2018, 0x600, None),  # its neighbour is in the next 32 bytes
    ("ldat r3,r6,28", 0x2020, 0x600, None),
    ("ldat r3,r6,9", 0x2000, 0x300, 0x0200_0004),
    ("stdat r3,r6,8", 0x2000, 0x300, 0x0200_0004),
])  # fmt: skip
def test_atomic_interrupts(vm: VM, source: str, ea: int, vector: int, dsisr: int | None) -> None:
    v = run(vm, source, {"gpr6": ea}).vcpus[0]
    assert (v.nia, v.srr0, v.dar) == (vector, 0x1000, ea)
    assert dsisr is None or v.dsisr == dsisr


def test_storage_is_no_accelerator(vm: VM) -> None:
    v = run(vm, "paste. r3,r4", {"gpr3": 0x2000, "gpr4": 128}).vcpus[0]
    assert (v.nia, v.srr0, v.dar, v.dsisr) == (0x300, 0x1000, 0x2080, 0x0200_0008)


def test_scv_interrupt(vm: VM) -> None:
    """LR and CTR hold what SRR0 and SRR1 would; EE stays (III 6.5)."""
    start = {"fscr": 1 << 12, "srr0": 1, "srr1": 2, "lpcr": 0}
    v = run(vm, "scv 3", start, msr=0x8002).vcpus[0]
    assert (v.nia, v.lr, v.ctr, v.srr0, v.srr1) == (0x1_7060, 0x1004, 1 << 63 | 0x9002, 1, 2)
    assert v.msr == 1 << 63 | 0x9002


def test_modes() -> None:
    assert [str(Mode(level=n)) for n in range(len(LEVELS))] == ["64be-2.06", "64be-2.07", "64be-3.0", "64be"]
    assert len({Mode.of_index(k, n).key for k in range(16) for n in range(len(LEVELS))}) == 16 * len(LEVELS)
    assert B64.key & 15 == B64.index
