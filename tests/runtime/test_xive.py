"""XIVE: compiled sources, queues and thread contexts by the accesses a guest makes, against the same in plain Python and against QEMU's device tree."""

from __future__ import annotations

import random
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import dbt.frontend.isa  # noqa: F401  (declares every instruction)
from dbt.exits import Exit
from dbt.frontend.assembler import assemble_program
from runtime.devices.controllers import Route, Xive
from runtime.devices.sources import ESB_BASE, TIMA_OS
from runtime.events import Budget
from runtime.machines.pseries_tree import PseriesConfig, build_pseries_tree
from runtime.vm import VM

from .plain_xive import END, TRIGGER, PlainXive, Queue

MSG, LSI, QUEUE = 0x1100, 0x1101, 0x10000
EOI, STORE_EOI, GET, SET = 0x000, 0x400, 0x800, 0xC00
CPPR, ACK, SET_PENDING = 0x11, 0x810, 0x812
BIG_ENDIAN, LITTLE = 0, 1 << 8


class Rig:
    """A VM of two vCPUs with XIVE, whose accesses are made one by one."""

    def __init__(self) -> None:
        self.vm = VM(memory=1 << 20, cpus=2, engine="interpreter")
        self.xive = Xive(self.vm, {MSG: False, LSI: True})

    def load(self, real: int, size: int, cpu: int = 0, order: int = BIG_ENDIAN) -> int:
        vcpu = self.vm.vcpus[cpu]
        value = vcpu.call("load_slow", real, size | order)
        assert not vcpu.exit
        return value

    def store(self, real: int, size: int, value: int, cpu: int = 0) -> None:
        vcpu = self.vm.vcpus[cpu]
        vcpu.call("store_slow", real, size, value)
        assert not vcpu.exit

    def refused(self, real: int, size: int, store: bool = False) -> bool:
        vcpu = self.vm.vcpus[0]
        vcpu.call("store_slow", real, size, 0) if store else vcpu.call("load_slow", real, size)
        refused = vcpu.exit == Exit.MMIO
        vcpu.exit = vcpu.mmio_state = 0
        return refused

    def page(self, lisn: int) -> int:
        return ESB_BASE + (lisn << 17)

    def manage(self, lisn: int, offset: int) -> int:
        return self.load(self.page(lisn) + 0x10000 + offset, 8)

    def trigger(self, lisn: int) -> None:
        self.store(self.page(lisn), 8, 0)

    def external(self, cpu: int) -> bool:
        return bool(self.vm.vcpus[cpu].external)

    def words(self, real: int, entries: int) -> list[int]:
        return [int.from_bytes(self.vm.read(real + 4 * n, 4), "big") for n in range(entries)]


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.vm.close()


@pytest.mark.parametrize("pq", ["00", "01", "10", "11"])
def test_pq(rig: Rig, pq: str) -> None:
    """What a trigger and an end of interrupt make of P and Q, and whether an event goes on."""
    rig.xive.set_queue(0, 5, QUEUE, 12, True)
    rig.xive.set_route(0, Route(0, 5, 0x17))
    for table, act in ((TRIGGER, lambda: rig.trigger(0)), (END, lambda: rig.manage(0, EOI)),
                       (END, lambda: rig.store(rig.page(0) + 0x10400, 8, 0)),
                       (END, lambda: rig.xive.access(0, EOI, False)), (TRIGGER, lambda: rig.xive.pulse(0))):  # fmt: skip
        rig.manage(0, SET | int(pq, 2) << 8)
        before = rig.xive.queue(0, 5).following
        act()
        assert f"{rig.manage(0, GET):02b}" == table[pq][0]
        assert rig.xive.queue(0, 5).following - before == table[pq][1]


def test_an_interrupt_from_trigger_to_end(rig: Rig) -> None:
    """As Linux takes one: the queue has the event, the context signals, the acknowledgement raises CPPR."""
    rig.xive.set_queue(1, 6, QUEUE, 16, True)
    rig.xive.set_route(MSG, Route(1, 6, 0x8000_1234))  # 31 bits of it
    assert rig.manage(MSG, SET) == 1  # it was off
    rig.store(TIMA_OS + CPPR, 1, 0xFF, cpu=1)
    rig.trigger(MSG)
    assert (rig.external(0), rig.external(1)) == (False, True)
    assert rig.words(QUEUE, 2) == [0x8000_1234, 0]
    assert rig.load(TIMA_OS + 0x10, 8, cpu=1) == 0x80FF_02FF_FF00_FF06
    assert rig.load(TIMA_OS + 0x10, 4, cpu=1, order=LITTLE) == 0xFF02_FF80
    assert rig.load(TIMA_OS + ACK, 2, cpu=1) == 0x8006
    assert not rig.external(1)
    assert rig.load(TIMA_OS + ACK, 2, cpu=1) == 0x0006  # nothing further
    rig.trigger(MSG)
    assert rig.words(QUEUE, 2)[1] == 0 and rig.manage(MSG, GET) == 3
    rig.store(TIMA_OS + CPPR, 1, 0xFF, cpu=1)
    assert not rig.external(1)
    rig.store(rig.page(MSG) + 0x10000 + STORE_EOI, 8, 0)
    assert rig.words(QUEUE, 3) == [0x8000_1234, 0x8000_1234, 0] and rig.external(1)
    assert rig.load(TIMA_OS, 8, cpu=0) == 0


def test_nothing_goes_where_there_is_no_queue(rig: Rig) -> None:
    rig.store(TIMA_OS + CPPR, 1, 0xFF)
    rig.manage(0, SET)
    rig.trigger(0)  # masked
    rig.xive.set_route(0, Route(0, 3, 0))
    rig.manage(0, SET)
    rig.trigger(0)  # no queue
    assert not rig.external(0) and rig.load(TIMA_OS + 0x12, 1) == 0


def test_what_there_is_not(rig: Rig) -> None:
    """Every other access is for Python to complain about."""
    management = rig.page(0) + 0x10000
    for real, size, store in (
        (TIMA_OS + 0x10, 1, True), (TIMA_OS + CPPR, 4, True), (TIMA_OS + 0xC10, 1, True), (TIMA_OS + 0x800, 1, False),
        (TIMA_OS + ACK, 1, False), (TIMA_OS + 0x10000, 8, False), (rig.page(2), 8, True), (rig.page(0), 8, False),
        (management + GET, 8, True), (management + 0x500, 8, False), (rig.page(LSI), 8, True), (rig.page(0x1200 + 16), 8, False),
    ):  # fmt: skip
        assert rig.refused(real, size, store), hex(real)


def test_set_pending(rig: Rig) -> None:
    rig.store(TIMA_OS + CPPR, 1, 5)
    rig.store(TIMA_OS + SET_PENDING, 1, 0x04)  # priority 5: not more favoured
    assert not rig.external(0)
    rig.store(TIMA_OS + SET_PENDING, 1, 0x10)
    assert rig.external(0) and rig.load(TIMA_OS + ACK, 2) == 0x8003
    rig.store(TIMA_OS + CPPR, 1, 9)  # there are eight priorities
    assert rig.external(0) and rig.load(TIMA_OS + CPPR, 1) == 0xFF


@pytest.mark.parametrize("seed", range(3))
def test_random_traffic(rig: Rig, seed: int) -> None:
    """The same as in plain Python: P and Q, queues with their generation bits, contexts, interrupts."""
    rng = random.Random(seed)
    sources = {0: False, 1: False, MSG: False, LSI: True}
    plain = PlainXive(2, sources)
    areas: dict[tuple[int, int], int] = {}
    for _ in range(3000):
        n, cpu, priority = rng.choice(list(sources)), rng.randrange(2), rng.choice((0, 3, 6))
        match rng.randrange(12):
            case 0:
                masked = rng.random() < 0.2
                eisn = rng.getrandbits(31)
                rig.xive.set_route(n, Route(cpu, 0xFF if masked else priority, eisn))
                plain.sources[n].route, plain.sources[n].eisn = (None if masked else (cpu, priority)), eisn
                assert rig.xive.route(n).priority == (0xFF if masked else priority)
            case 1 if rng.random() < 0.1:
                real = areas.setdefault((cpu, priority), QUEUE + 0x1000 * len(areas))
                always = rng.random() < 0.5
                rig.vm.write(real, bytes(0x1000))
                rig.xive.set_queue(cpu, priority, real, 12, always)
                plain.queues[cpu, priority] = Queue(1024, always, [0] * 1024)
            case 2 | 3 if not sources[n]:
                rig.trigger(n)
                plain.trigger(n)
            case 2 | 3:
                up = rng.random() < 0.5
                rig.xive.set_level(n, up)
                plain.set_line(n, up)
            case 4 | 5:
                assert rig.manage(n, EOI) == plain.end(n)
            case 6 if not sources[n]:
                pq = rng.randrange(4)
                assert rig.manage(n, SET | pq << 8) == plain.set_pq(n, pq)
            case 7:
                cppr = rng.choice((0, 2, 5, 7, 0xFF))
                rig.store(TIMA_OS + CPPR, 1, cppr, cpu)
                plain.contexts[cpu].cppr = cppr
            case 8 | 9:
                assert rig.load(TIMA_OS + ACK, 2, cpu) == plain.acknowledge(cpu)
            case 10 if (cpu, priority) in plain.queues:
                assert rig.load(rig.xive.page_of_queue(cpu, priority), 8) == plain.end_queue((cpu, priority))
        assert rig.manage(n, GET) == plain.get(n)
        for c in (0, 1):
            ring = rig.load(TIMA_OS + 0x10, 8, c)
            assert (ring >> 56, ring >> 48 & 0xFF, ring >> 40 & 0xFF, ring & 0xFF) == plain.ring(c)
            assert rig.external(c) == plain.contexts[c].signalled
    assert len(areas) == 6
    for key, real in areas.items():
        assert rig.words(real, 1024) == plain.queues[key].words


def test_a_queue_wraps(rig: Rig) -> None:
    """The generation bit alternates."""
    rig.xive.set_queue(0, 0, QUEUE, 12, True)
    rig.manage(0, SET)
    for n in range(2050):
        rig.xive.set_route(0, Route(0, 0, n))
        rig.trigger(0)
        rig.manage(0, EOI)
        if n == 1023:
            assert rig.words(QUEUE, 1024) == [0x8000_0000 | k for k in range(1024)]
    assert rig.words(QUEUE, 1024) == [0x8000_0800, 0x8000_0801, *range(1026, 2048)]
    assert (rig.xive.queue(0, 0).following, rig.xive.queue(0, 0).generation) == (2, 1)


# r12, r13: trigger and management page of source 0; r14: the TIMA; r15: MSR with EE
SELF = """
        li      r10,0xff
        stb     r10,0x11(r14)
        ld      r10,0xc00(r13)
        mtmsrd  r15
loop:   addi    r3,r3,1
        std     r0,0(r12)
        addi    r4,r4,1         # the interrupt comes before this
        cmpdi   r3,300
        blt     loop
1:      b       1b
"""
HANDLER = """
        add     r6,r6,r4
        addi    r7,r7,1
        lhz     r8,0x810(r14)
        li      r8,0xff
        std     r0,0x400(r13)
        stb     r8,0x11(r14)
        rfid
"""


@pytest.mark.parametrize("engine", ["reference", "interpreter", "jit"])
def test_a_processor_interrupts_itself(engine: str) -> None:
    """With MSR[EE] set the interrupt of an access comes right after it, whatever the engine: 300 times, at r4 = 0, 1, 2, ..."""
    with VM(memory=1 << 20, engine=engine, hot_threshold=20) as vm:  # type: ignore[arg-type]
        xive = Xive(vm, {})
        xive.set_queue(0, 4, QUEUE, 12, True)
        xive.set_route(0, Route(0, 4, 1))
        vm.write(0x500, bytes(assemble_program(HANDLER, 0x500).data))
        vm.write(0x1000, bytes(assemble_program(SELF, 0x1000).data))
        vcpu = vm.vcpus[0]
        vcpu.nia, vcpu.gpr[12], vcpu.gpr[13], vcpu.gpr[14], vcpu.gpr[15] = 0x1000, ESB_BASE, ESB_BASE + 0x10000, TIMA_OS, vcpu.msr | 0x8000
        assert isinstance(vcpu.run(10_000), Budget)
        assert vcpu.gpr[3:8] == [300, 300, 0, sum(range(300)), 300]


@pytest.mark.skipif(not (shutil.which("qemu-system-ppc64") and shutil.which("fdtget")), reason="needs qemu-system-ppc64 and fdtget")
def test_the_tree_is_as_qemus(tmp_path: Path) -> None:
    theirs, ours = tmp_path / "qemu.dtb", tmp_path / "ours.dtb"
    machine = "pseries,x-vof=on,ic-mode=xive,cap-htm=off,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken"
    subprocess.run(["qemu-system-ppc64", "-M", f"{machine},dumpdtb={theirs}", "-cpu", "POWER9", "-smp", "4", "-m", "512", "-nodefaults",
                    "-display", "none"], check=True, capture_output=True)  # fmt: skip
    config = PseriesConfig(memory=512 << 20, hpt_log2=22, cpus=4, isa="3.0", radix=True, interrupts="xive")
    ours.write_bytes(build_pseries_tree(config).to_dtb())

    def get(file: Path, node: str, name: str) -> str:
        return subprocess.run(["fdtget", "-t", "x", file, node, name], check=True, capture_output=True, text=True).stdout

    node = "/interrupt-controller@60302031b0000"
    for name in ("reg", "compatible", "device_type", "ibm,xive-lisn-ranges", "#interrupt-cells"):
        assert get(ours, node, name) == get(theirs, node, name)
    assert get(theirs, node, "ibm,xive-eq-sizes").strip() in get(ours, node, "ibm,xive-eq-sizes").split()
    assert get(ours, "/", "ibm,plat-res-int-priorities") == get(theirs, "/", "ibm,plat-res-int-priorities")
