"""The paravirtual framework: the shared page against the offsets of the kernel's ABI, its calls, the critical section."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace

import pytest

from dbt import assemble
from runtime.events import Budget, Syscall
from runtime.hypercalls.paravirt import CALL, MAP_MAGIC_PAGE, paravirtual_call
from runtime.loader.elf import Image, Segment
from runtime.machines import repairs
from runtime.machines.fdt import Tree
from runtime.machines.pseries_tree import PseriesConfig, build_pseries_tree
from runtime.vm import VM

START, STACK = 0x1_0000, 0x2_0000
SF, EE, ME, RI, LE = 1 << 63, 0x8000, 0x1000, 2, 1
PAGE = 0xFFFF_FFFF_FFFF_F000
# struct kvm_vcpu_arch_shared, by hand: register, offset, size
LAYOUT = [
    ("sprg0", 0x20, 8), ("sprg1", 0x28, 8), ("sprg2", 0x30, 8), ("sprg3", 0x38, 8), ("srr0", 0x40, 8), ("srr1", 0x48, 8), ("dar", 0x50, 8),
    ("dsisr", 0x60, 4), ("sprg4", 0xD0, 8), ("sprg5", 0xD8, 8), ("sprg6", 0xE0, 8), ("sprg7", 0xE8, 8),
]  # fmt: skip
SEGMENTS = 0x68  # 16 words
ENGINES = ["reference", "interpreter", "jit"]


class Rig:
    """A vCPU in real mode that has mapped the page."""

    def __init__(self, engine: str, little: bool, sf: bool = True) -> None:
        self.vm = VM(memory=1 << 20, engine=engine, privileged="trap", hot_threshold=1)
        self.order = "little" if little else "big"
        self.vcpu = v = self.vm.vcpus[0]
        v.msr = (SF if sf else 0) | ME | (LE if little else 0)
        v.lpcr = 1 << 25 if little else 0  # ILE
        v.mode_changed()
        for vector in (0x600, 0x900):
            self.vm.write(vector, assemble("nop")[0].to_bytes(4, self.order))  # type: ignore[arg-type]
        v.gpr[1], v.gpr[2] = STACK, STACK + 8
        v.gpr[3], v.gpr[4], v.gpr[11] = PAGE, PAGE | 1, 42 << 16 | 4
        assert paravirtual_call(v, {}) == MAP_MAGIC_PAGE
        assert v.gpr[3:5] == [0, 3]

    def run(self, source: str, *, at: int = START, count: int | None = None) -> None:
        words = assemble(source)
        self.vm.write(at, b"".join(w.to_bytes(4, self.order) for w in words))  # type: ignore[arg-type]
        self.vcpu.nia = at
        assert self.vcpu.run(max_instructions=len(words) if count is None else count) == Budget()

    def raw(self, offset: int, size: int) -> int:
        return int.from_bytes(ctypes.string_at(self.vcpu.shared_page + offset, size), self.order)  # type: ignore[arg-type]


@pytest.fixture(params=[(e, le) for e in ENGINES for le in (False, True)], ids=lambda p: f"{p[0]}-{'le' if p[1] else 'be'}")
def rig(request: pytest.FixtureRequest) -> Iterator[Rig]:
    made = Rig(*request.param)
    yield made
    made.vm.close()


def test_registers_lie_where_the_abi_says(rig: Rig) -> None:
    """A load sees the register, a store sets it, and the bytes are in the guest's order."""
    v = rig.vcpu
    for n, (name, offset, size) in enumerate(LAYOUT):
        value = (0x0123_4567_89AB_CDE0 + n) & (1 << 8 * size) - 1
        v[name] = value
        rig.run(f"{'ld' if size == 8 else 'lwz'} r3,{offset - 4096}(0)")
        assert v.gpr[3] == value and rig.raw(offset, size) == value, name
        v.gpr[4] = ~value & (1 << 8 * size) - 1
        rig.run(f"{'std' if size == 8 else 'stw'} r4,{offset - 4096}(0)")
        assert v[name] == v.gpr[4] and rig.raw(offset, size) == v.gpr[4], name


def test_segment_registers(rig: Rig) -> None:
    """A store is an mtsr: the SLB has the segment then (Book III, the bridge's entries); what mtsr writes can be loaded."""
    v = rig.vcpu
    v.gpr[3], v.gpr[4], v.gpr[5] = 15, 0x2012_3456, 0x4065_4321  # Kp, Ks
    rig.run("stw r4,-3980(0); mfsr r6,3; stw r5,-3932(0); slbmfee r7,r3; slbmfev r8,r3; mtsr 5,r4; lwz r9,-3972(0); lwz r10,-3984(0)")
    assert v.gpr[6] == rig.raw(SEGMENTS + 12, 4) == 0x2012_3456
    assert v.gpr[7:11] == [0xF800_0000, 0x6_5432_1800, 0x2012_3456, 0]
    assert rig.raw(SEGMENTS + 60, 4) == v.sr[15] == 0x4065_4321 and not any(v.sr[n] for n in range(15) if n not in (3, 5))


def test_scratch_is_memory_and_pir_is_there(rig: Rig) -> None:
    v = rig.vcpu
    v.gpr[4] = 0x1122_3344_5566_7788
    rig.run("std r4,-4096(0); stw r4,-4080(0); ld r5,-4096(0); lwz r6,-4080(0); lbz r7,-4096(0); lwz r8,-3892(0); ld r9,-16(0)")
    assert v.gpr[5:7] == [v.gpr[4], 0x5566_7788]
    assert v.gpr[7] == (0x88 if rig.order == "little" else 0x11)
    assert v.gpr[8:10] == [v.pir, 0]


def test_the_msr_opens_and_closes_interrupts_only(rig: Rig) -> None:
    v = rig.vcpu
    before = v.msr
    v.gpr[4] = before | EE | RI | 0x4000 | 0x30  # PR, IR and DR are not the page's to set
    rig.run("ld r3,-4008(0); std r4,-4008(0); ld r5,-4008(0)")
    assert v.gpr[3] == before and v.msr == v.gpr[5] == before | EE | RI


def test_a_waiting_interrupt_can_be_seen(rig: Rig) -> None:
    v = rig.vcpu
    rig.run("lwz r3,-3996(0)")
    assert v.gpr[3] == 0
    v.dec_expiry = v.timebase
    rig.run("lwz r3,-3996(0); nop")
    assert v.gpr[3] == 1 and not v.msr & EE


def test_no_interrupt_in_the_critical_section(rig: Rig) -> None:
    """While `critical` equals r1 the decrementer waits; it comes at the store that ends the section, which is then done again."""
    v = rig.vcpu
    v.dec_expiry = v.timebase
    v.gpr[4] = v.msr | EE
    rig.run("std r1,-4072(0); std r4,-4008(0); nop; nop; std r2,-4072(0); addi r3,0,1", count=4)
    assert v.nia == START + 16 and v.msr & EE  # enabled and pending, and still here
    assert v.run(max_instructions=1) == Budget()
    assert (v.nia, v.srr0) == (0x904, START + 16) and v.srr1 & EE and not v.msr & EE


def test_the_decrementer_at_every_instruction_of_a_template(rig: Rig) -> None:
    """As Linux's replacement of mtmsrd has it. However due, the interrupt comes at the first instruction at which it is allowed:
    once EE is set (the store at 16) and `critical` is no longer r1 (after the store at 24, which is then done again)."""
    v, loop = rig.vcpu, (0x4800_0000).to_bytes(4, rig.order)  # type: ignore[arg-type]
    template = "std r31,-4096(0); std r1,-4072(0); ld r31,-4008(0); ori r31,r31,0x8002; std r31,-4008(0); lwz r30,-3996(0); std r2,-4072(0)"
    for due in 2 * [*range(14)]:
        v.nia, v.msr, v.gpr[31] = START, v.msr & ~(EE | RI), 77
        v.mode_changed()
        v.dec_expiry = v.timebase + due
        rig.vm.write(0x900, loop)
        rig.run(f"{template}; ld r31,-4096(0)" + 6 * "; nop", count=20)
        assert (v.nia, v.srr0 - START, v.gpr[31] == 77) == (0x900, 4 * max(due, 6), due > 7), due
        assert v.srr1 & (EE | RI) == EE | RI


def test_other_instructions_do_not_find_it(rig: Rig) -> None:
    """Only loads and stores reach the page; the rest finds no storage at that address."""
    rig.vm.write(START, assemble("dcbz 0,r4")[0].to_bytes(4, rig.order))  # type: ignore[arg-type]
    rig.vcpu.gpr[4], rig.vcpu.nia = PAGE, START
    rig.vcpu.run(max_instructions=1)
    assert (rig.vcpu.nia, rig.vcpu.dar) == (0x604, PAGE)  # an alignment interrupt, as for a device


@pytest.mark.parametrize("engine", ENGINES)
def test_32_bit_mode_sees_the_low_words_of_addresses(engine: str) -> None:
    rig = Rig(engine, False, sf=False)
    rig.vcpu.srr0 = 0x1234_5678
    rig.run("lwz r3,-4028(0)")
    assert rig.vcpu.gpr[3] == 0x1234_5678
    rig.vm.close()


@pytest.mark.parametrize("engine", ENGINES)
def test_32_bit_mode_compares_the_low_words_of_critical_and_r1(engine: str) -> None:
    """A 32-bit guest stores one word; the other stays as it was."""
    rig = Rig(engine, False, sf=False)
    v = rig.vcpu
    v.dec_expiry = v.timebase
    v.gpr[1], v.gpr[4] = 0xFFFF_FFFF_0002_0000, v.msr | EE
    rig.run("stw r1,-4068(0); stw r4,-4004(0); nop; stw r2,-4068(0); addi r3,0,1", count=3)
    assert v.nia == START + 12 and v.msr & EE
    assert v.run(max_instructions=1) == Budget()
    assert (v.nia, v.srr0) == (0x904, START + 12)
    rig.vm.close()


# The calls.


@pytest.mark.parametrize("engine", ENGINES)
def test_only_the_supervisor_calls_and_only_where_offered(engine: str) -> None:
    for offered, problem, expected in ((1, 0, True), (0, 0, False), (1, 0x4000, False)):
        vm = VM(memory=1 << 20, engine=engine, privileged="trap")
        v = vm.vcpus[0]
        vm.write(START, b"".join(w.to_bytes(4, "big") for w in CALL))
        vm.write(0xC00, assemble("nop")[0].to_bytes(4, "big"))
        v.paravirtual, v.nia, v.msr = offered, START, SF | ME | problem
        v.mode_changed()
        event = v.run(max_instructions=4)
        assert isinstance(event, Syscall) == expected
        assert (v.nia == START + 12) if expected else v.delivered[0xC00 >> 5 & 127] == 1
        vm.close()


def test_answers() -> None:
    vm = VM(memory=1 << 20, engine="interpreter", privileged="trap")
    v, stats = vm.vcpus[0], {}
    v.gpr[11] = 42 << 16 | 3
    assert paravirtual_call(v, stats) == "KVM_HC_FEATURES"
    assert v.gpr[3:5] == [0, 2]
    v.gpr[11] = 42 << 16 | 99
    paravirtual_call(v, stats)
    assert v.gpr[3] == 12
    v.gpr[11], v.gpr[3] = 42 << 16 | 4, 0x10
    paravirtual_call(v, stats)
    assert v.gpr[3] == 22 and not v.shared_page
    assert stats == {"KVM_HC_FEATURES": 1, "unknown paravirtual 0x2a0063": 1, MAP_MAGIC_PAGE: 1}
    vm.close()


def test_the_node_is_there_only_where_offered() -> None:
    config = PseriesConfig(memory=512 << 20, hpt_log2=22)
    without = build_pseries_tree(config).to_dtb()
    tree = Tree.from_dtb(build_pseries_tree(replace(config, paravirtual=CALL)).to_dtb())
    node = tree.root["hypervisor"]
    assert node.properties["compatible"] == b"linux,kvm\0"
    assert node.cells("hcall-instructions") == (0x3C004B56, 0x60004D21, 0x44000002, 0x60000000)
    assert b"hcall-instructions" not in without


# The repair of the kernel's test.


def image(words: list[int], target: int) -> Image:
    code = b"".join(w.to_bytes(4, "little") for w in words)
    made = Image("k", 64, True, 0, (Segment(0, 0x1000, code, len(code)),))
    from runtime.loader.symbols import STT_FUNC, Symbol

    found = (Symbol(0x1000, len(code), STT_FUNC, "kvm_guest_init"), Symbol(target, 64, STT_FUNC, "fault_in_readable"))
    made.__dict__["symbols"] = found  # in place of the cached property
    return made


@pytest.mark.parametrize("target", [0x2000, 0x1FF8])
def test_the_repair_finds_the_call(target: int) -> None:
    words = [0x60000000, 0x38800004, 0x3860F000, 0x48000001 | 0x2000 - 0x100C, 0x60000000]
    kernel = image(words, target)
    assert repairs.magic_page_test(kernel) == {0x100C: 0x38600000}


def test_the_repair_refuses_what_it_does_not_know() -> None:
    with pytest.raises(ValueError, match="no test of the shared page"):
        repairs.repaired(image([0x60000000, 0x48000001], 0x2000))
