"""What ISA 3.0 adds to interrupts and clocks, worked out from Book III 3.3.1, 6.2.12, 6.4.3, 6.5.28 and 7.3: scv, facilities, the large decrementer."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.assembler import assemble
from runtime.vm import VM

SF, EE, PR, ME, IR, DR, RI, LE = (1 << n for n in (63, 15, 14, 12, 5, 4, 1, 0))
LD, ILE, AIL2, AIL3 = 1 << 17, 1 << 25, 2 << 23, 3 << 23
CODE, TABLE = 0x3_0000, 0x10_0000
HIGH = 0xC000_0000_0000_0000
FACILITIES = {
    "mfspr r3,3": 2, "mtspr 3,r3": 2, "mfspr r3,815": 8, "mtspr 815,r3": 8, "mfspr r3,805": 7, "mfspr r3,804": 7, "mfspr r3,806": 7,
    "mfspr r3,800": 7, "rfebb 1": 7, "mfspr r3,128": 5, "mfspr r3,130": 5, "scv 3": 12,
}  # fmt: skip


class Machine:
    """A POWER9 whose quadrants 0 and 3 both map its first 1 GiB one to one, by radix trees; problem state may use all."""

    def __init__(self, engine: str) -> None:
        self.vm = VM(memory=4 << 20, cpu="power9", engine=engine, hot_threshold=1)  # type: ignore[arg-type]
        self.v = self.vm.vcpus[0]
        self.words(TABLE, 0x2000_0000_0000_0000 | TABLE + 0x2_0000 | 0xE | 5 << 5)  # 31 + 8 + 5 = 44 bits; 14, and 30 left
        self.words(TABLE + 0x2_0000, *[0] * 8)
        self.words(TABLE + 0x2_0000, 0xC000_0000_0000_0187)
        self.vm.set_record(process_table=TABLE)
        self.vm.write(0, bytes.fromhex("60000000") * (CODE // 4))  # nops: the one at the vector runs too after an instruction that did not complete

    def words(self, at: int, *values: int) -> None:
        self.vm.write(at, b"".join(v.to_bytes(8, "big") for v in values))

    def run(self, source: str, msr: int, lpcr: int = 0, instructions: int = 1, at: int = CODE, **registers: int) -> None:
        """Run a few instructions."""
        code = assemble(source)
        order = "little" if msr & LE else "big"
        self.vm.write(at % (1 << 32), b"".join(w.to_bytes(4, order) for w in code))  # type: ignore[arg-type]
        v = self.v
        v.lpcr = lpcr | 1 << 22 | 1 << 20 | 1 << 10
        v.nia, v.msr = at, msr
        for name, value in registers.items():
            v[name] = value
        v.call("flush_mmu")
        v.mode_changed()
        v.run(instructions)


@pytest.fixture(scope="module", params=["reference", "interpreter", "jit"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    made = Machine(request.param)
    yield made
    made.vm.close()


@pytest.mark.parametrize(
    ("msr", "lpcr", "nia", "new"),
    [
        (SF | ME, 0, 0x1_7060, SF | ME),
        (SF | ME | EE | RI, AIL3, 0x1_7060, SF | ME | EE | RI),  # AIL needs translation on; EE and RI stay
        (SF | ME | IR | DR | EE | RI, AIL3, HIGH | 0x3060, SF | ME | IR | DR | EE | RI),
        (SF | ME | IR | DR | EE | RI | PR, AIL3 | ILE, HIGH | 0x3060, SF | ME | IR | DR | EE | RI | LE),
        (SF | ME | IR | DR | EE | PR, AIL2, 0x1_7060, SF | ME | IR | DR | EE),
        (SF | ME | IR | DR | EE | PR, 0, 0x1_7060, SF | ME | EE),
    ],
)
def test_scv(machine: Machine, msr: int, lpcr: int, nia: int, new: int) -> None:
    machine.run("scv 3", msr, lpcr, fscr=1 << 12, srr0=0x1111, srr1=0x2222)
    v = machine.v
    assert (v.nia, v.msr, v.lr, v.ctr) == (nia, new, CODE + 4, msr)
    assert (v.srr0, v.srr1) == (0x1111, 0x2222)


def test_rfscv(machine: Machine) -> None:
    user = SF | ME | IR | DR | EE | RI | PR
    machine.run("rfscv", SF | ME | IR | DR, AIL3, at=HIGH | CODE, lr=0x4_0002, ctr=user)
    assert (machine.v.nia, machine.v.msr) == (0x4_0000, user)
    machine.run("rfscv", user, AIL3)  # privileged
    assert (machine.v.nia, machine.v.srr1) == (HIGH | 0x4704, user | 0x4_0000)


@pytest.mark.parametrize("source", FACILITIES)
def test_facilities(machine: Machine, source: str) -> None:
    """FSCR says what problem state may use; FSCR[0:7] then says what it asked for. scv and transactions it governs in every state."""
    cause = FACILITIES[source]
    user = SF | ME | IR | DR | EE | PR
    machine.run(source, user, AIL3, fscr=0xFFFF & ~(1 << cause), gpr3=5)
    v = machine.v
    assert (v.nia, v.srr0, v.srr1) == (HIGH | 0x4F64, CODE, user)
    assert v.fscr == cause << 56 | 0xFFFF & ~(1 << cause)
    if cause == 5:
        return
    machine.run(source, user, AIL3, fscr=1 << cause, ebbrr=CODE + 4)
    assert v.nia == (HIGH | 0x3060 if cause == 12 else CODE + 4) and v.fscr == 1 << cause
    machine.run(source, SF | ME, 0, fscr=0, ebbrr=CODE + 4)
    assert v.nia == (0xF64 if cause == 12 else CODE + 4)


@pytest.mark.parametrize(
    ("lpcr", "written", "read"),
    [
        (0, 0x1_2345_6789, 0x2345_6789), (0, 0xFFFF_FFFF, 0xFFFF_FFFF), (LD, 0x1_2345_6789, 0x1_2345_6789),
        (LD, 0x7F_FFFF_FFFF_FFFF, 0x7F_FFFF_FFFF_FFFF), (LD, 0x12_0045_6789_ABCD, 0x12_0045_6789_ABCD),
        (LD, 0x80_0000_0000_0010, 0xFF80_0000_0000_0010), (LD, 0xFFFF_FFFF, 0xFFFF_FFFF), (LD, 0xAA00_0000_0000_0100, 0x100),
    ],
)  # fmt: skip
def test_the_large_decrementer(machine: Machine, lpcr: int, written: int, read: int) -> None:
    """56 bits that mfspr sign-extends, with LPCR[LD]; else 32, and zeros above. It has counted one tick when it is read."""
    machine.run("mtspr 22,r3; mfspr r4,22", SF | ME, lpcr, 2, gpr3=written)
    assert machine.v.gpr[4] == read - 1


@pytest.mark.parametrize(
    ("lpcr", "written", "taken"),
    [(LD, 0x80_0000_0000_0000, True), (LD, 0xFFFF_FFFF, False), (LD, 1 << 40, False), (0, 0xFFFF_FFFF, True), (0, 1 << 40, True)],
)
def test_it_interrupts_when_it_is_negative(machine: Machine, lpcr: int, written: int, taken: bool) -> None:
    machine.run("mtspr 22,r3; nop; nop", SF | ME | EE, lpcr, 2, gpr3=written)
    assert machine.v.nia == (0x904 if taken else CODE + 8)
    machine.v.dec_expiry = machine.v.timebase + (1 << 40)


def test_interrupts_with_ail_2(machine: Machine) -> None:
    user = SF | ME | IR | DR | EE | PR
    machine.run("sc", user, AIL2)
    assert (machine.v.nia, machine.v.msr, machine.v.srr0, machine.v.srr1) == (0x1_8C00, SF | ME | IR | DR, CODE + 4, user)
    machine.run("sc", SF | ME, AIL2)
    assert (machine.v.nia, machine.v.msr) == (0xC00, SF | ME)
