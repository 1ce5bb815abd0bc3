"""The compiled interrupt controller, against the rules of PAPR's presentation controller and against the same in plain Python."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping

import pytest

from dbt.exits import Exit
from runtime.devices.controllers import Xics
from runtime.vm import VM

from . import plain_xics

MSG, LSI = 0x1100, 0x1200
H_EOI, H_CPPR, H_IPI, H_IPOLL, H_XIRR, H_XIRR_X = 0x64, 0x68, 0x6C, 0x70, 0x74, 0x2FC
H_PARAMETER = 2**64 - 4


class Unit(Xics):
    """XICS of a VM, as plain_xics has it; what hypercalls do is done by hypercalls."""

    def __init__(self, cpus: int, sources: Mapping[int, bool]) -> None:
        super().__init__(VM(memory=1 << 20, cpus=cpus, engine="interpreter"), sources)

    def call(self, server: int, number: int, *arguments: int) -> tuple[int, int]:
        """r4, r5 after a hypercall that succeeds. KeyError for H_PARAMETER."""
        vcpu = self.vm.vcpus[server]
        for n, value in enumerate((number, *arguments)):
            vcpu.gpr[3 + n] = value
        assert vcpu.call("handle", Exit.HYPERCALL)
        if vcpu.gpr[3] == H_PARAMETER:
            raise KeyError(arguments)
        assert vcpu.gpr[3] == 0
        return vcpu.gpr[4], vcpu.gpr[5]

    def set_cppr(self, server: int, cppr: int) -> None:
        self.call(server, H_CPPR, cppr)

    def eoi(self, server: int, xirr: int) -> None:
        self.call(server, H_EOI, xirr | 0xABCD << 32)  # only the low word is an XIRR

    def accept(self, server: int) -> int:
        return self.call(server, H_XIRR)[0]

    def set_mfrr(self, server: int, priority: int) -> None:
        self.call(0, H_IPI, server, priority)

    def poll(self, server: int) -> tuple[int, int]:
        return self.call(0, H_IPOLL, server)

    def pending(self, server: int) -> bool:
        return bool(self.vm.vcpus[server].external)


@pytest.fixture
def xics() -> Iterator[Unit]:
    unit = Unit(2, {MSG: False, 0x1101: False, LSI: True})
    for server in (0, 1):
        unit.set_cppr(server, 0xFF)
    yield unit
    unit.vm.close()


def test_starts_masked():
    unit = Unit(1, {MSG: False})
    unit.set_xive(MSG, 0, 5)
    unit.pulse(MSG)
    unit.set_mfrr(0, 4)
    assert not unit.pending(0)  # CPPR is 0: nothing is more favoured.
    unit.set_cppr(0, 0xFF)
    assert unit.pending(0)
    assert unit.accept(0) == 0xFF000002  # The IPI at 4 goes before the source at 5.


def test_accept_raises_cppr_to_the_interrupts_priority_and_eoi_restores_it(xics):
    xics.set_xive(MSG, 0, 5)
    xics.pulse(MSG)
    assert xics.pending(0)
    assert not xics.pending(1)
    assert xics.poll(0) == (0xFF001100, 0xFF)
    assert xics.accept(0) == 0xFF001100
    assert not xics.pending(0)
    assert xics.poll(0)[0] == 0x05000000
    assert xics.accept(0) == 0x05000000  # Nothing there: XISR 0, CPPR unchanged.
    xics.eoi(0, 0xFF001100)
    assert xics.poll(0)[0] == 0xFF000000
    assert not xics.pending(0)


def test_equal_priority_does_not_interrupt(xics):
    xics.set_cppr(0, 5)
    xics.set_xive(MSG, 0, 5)
    xics.pulse(MSG)
    assert not xics.pending(0)
    xics.set_cppr(0, 6)
    assert xics.accept(0) == 0x06001100


def test_a_more_favoured_source_displaces_and_the_other_comes_back(xics):
    xics.set_xive(MSG, 0, 6)
    xics.set_xive(0x1101, 0, 4)
    xics.pulse(MSG)
    xics.pulse(0x1101)
    assert xics.accept(0) == 0xFF001101
    assert not xics.pending(0)  # 6 is not more favoured than 4.
    xics.eoi(0, 0xFF001101)
    assert xics.accept(0) == 0xFF001100


def test_nesting(xics):
    xics.set_xive(MSG, 0, 6)
    xics.set_xive(0x1101, 0, 4)
    xics.pulse(MSG)
    assert xics.accept(0) == 0xFF001100
    xics.pulse(0x1101)
    assert xics.accept(0) == 0x06001101
    xics.eoi(0, 0x06001101)
    assert xics.poll(0)[0] == 0x06000000
    xics.eoi(0, 0xFF001100)
    assert xics.poll(0)[0] == 0xFF000000


def test_lowering_cppr_rejects_what_is_presented(xics):
    xics.set_xive(MSG, 0, 5)
    xics.pulse(MSG)
    xics.set_cppr(0, 5)
    assert not xics.pending(0)
    xics.set_cppr(0, 0xFF)
    assert xics.accept(0) == 0xFF001100


def test_a_message_is_delivered_once_and_remembered_once_while_in_service(xics):
    xics.set_xive(MSG, 0, 5)
    xics.pulse(MSG)
    xics.accept(0)
    xics.pulse(MSG)
    xics.pulse(MSG)
    assert not xics.pending(0)
    xics.eoi(0, 0xFF001100)
    assert xics.accept(0) == 0xFF001100
    xics.eoi(0, 0xFF001100)
    assert not xics.pending(0)


def test_a_masked_message_waits_for_unmasking(xics):
    xics.pulse(MSG)
    assert not xics.pending(0)
    xics.set_xive(MSG, 1, 5)
    assert (xics.pending(0), xics.pending(1)) == (False, True)


def test_int_off_and_on_keep_the_priority(xics):
    xics.set_xive(MSG, 0, 5)
    xics.int_off(MSG)
    xics.int_off(MSG)
    assert xics.get_xive(MSG) == (0, 0xFF)
    xics.pulse(MSG)
    assert not xics.pending(0)
    xics.int_on(MSG)
    assert xics.get_xive(MSG) == (0, 5)
    assert xics.pending(0)


def test_level_interrupts_again_until_the_line_falls(xics):
    xics.set_xive(LSI, 0, 5)
    xics.set_level(LSI, True)
    assert xics.accept(0) == 0xFF001200
    xics.set_level(LSI, True)
    assert not xics.pending(0)  # One presentation until its end-of-interrupt.
    xics.eoi(0, 0xFF001200)
    assert xics.accept(0) == 0xFF001200
    xics.set_level(LSI, False)
    xics.eoi(0, 0xFF001200)
    assert not xics.pending(0)


def test_level_that_is_rejected_comes_back_only_while_asserted(xics):
    xics.set_xive(LSI, 0, 5)
    xics.set_level(LSI, True)
    xics.set_cppr(0, 1)
    xics.set_level(LSI, False)
    xics.set_cppr(0, 0xFF)
    assert not xics.pending(0)


def test_level_moved_while_in_service_goes_to_its_new_server(xics):
    xics.set_xive(LSI, 0, 5)
    xics.set_level(LSI, True)
    xics.accept(0)
    xics.set_xive(LSI, 1, 5)
    assert not xics.pending(1)
    xics.eoi(0, 0xFF001200)
    assert (xics.pending(0), xics.pending(1)) == (False, True)


def test_message_moved_and_rejected_goes_to_its_new_server(xics):
    xics.set_xive(MSG, 0, 5)
    xics.pulse(MSG)
    xics.set_xive(MSG, 1, 5)
    assert (xics.pending(0), xics.pending(1)) == (True, False)
    xics.set_cppr(0, 0)
    assert (xics.pending(0), xics.pending(1)) == (False, True)


def test_ipi(xics):
    xics.set_mfrr(1, 4)
    assert (xics.pending(0), xics.pending(1)) == (False, True)
    assert xics.poll(1) == (0xFF000002, 4)
    assert xics.accept(1) == 0xFF000002
    # As Linux does it: withdraw the request, handle, end. Without withdrawing it would come again.
    xics.set_mfrr(1, 0xFF)
    xics.eoi(1, 0xFF000002)
    assert not xics.pending(1)
    xics.set_mfrr(1, 4)
    xics.accept(1)
    xics.eoi(1, 0xFF000002)
    assert xics.accept(1) == 0xFF000002


def test_ipi_displaced_by_a_source_is_not_lost(xics):
    xics.set_mfrr(0, 4)
    xics.set_xive(MSG, 0, 3)
    xics.pulse(MSG)
    assert xics.accept(0) == 0xFF001100
    assert not xics.pending(0)
    xics.eoi(0, 0xFF001100)
    assert xics.accept(0) == 0xFF000002


def test_ipi_displaces_a_source(xics):
    xics.set_xive(MSG, 0, 5)
    xics.pulse(MSG)
    xics.set_mfrr(0, 4)
    assert xics.accept(0) == 0xFF000002
    xics.set_mfrr(0, 0xFF)
    xics.eoi(0, 0xFF000002)
    assert xics.accept(0) == 0xFF001100


def test_errors(xics):
    for call in (
        lambda: xics.pulse(5),
        lambda: xics.set_xive(5, 0, 1),
        lambda: xics.set_xive(MSG, 2, 1),
        lambda: xics.set_mfrr(2, 1),
        lambda: xics.get_xive(2),
    ):
        with pytest.raises(KeyError):
            call()
    assert xics.get_xive(MSG) == (0, 0xFF)
    for number in (0, 2, 1 << 24):
        with pytest.raises(ValueError, match="cannot be added"):
            Xics(xics.vm, {number: False})
    xics.eoi(0, 0xFF000005)  # Unknown numbers only restore the CPPR.
    assert xics.poll(0)[0] == 0xFF000000


def test_accepting_with_the_time():
    """H_XIRR_X: the time base besides."""
    unit = Unit(1, {})
    unit.set_cppr(0, 0xFF)
    unit.set_mfrr(0, 4)
    unit.vm.vcpus[0].tb_offset = 12345
    assert unit.call(0, H_XIRR_X, 0) == (0xFF000002, 12345)
    unit.vm.close()


@pytest.mark.parametrize("seed", range(3))
def test_random_traffic(seed):
    """The same as in plain Python; and nothing is lost: once everything is accepted and ended, each message has come at least once."""
    rng = random.Random(seed)
    sources = {16 + i: i % 2 == 1 for i in range(8)}
    unit, plain = Unit(3, sources), plain_xics.Xics(range(3), sources)
    servers = range(3)
    stacks: dict[int, list[int]] = {s: [] for s in servers}
    owed: set[int] = set()

    def both(name: str, *arguments: int) -> object:
        answer = getattr(unit, name)(*arguments)
        assert answer == getattr(plain, name)(*arguments)
        return answer

    def accept(server: int) -> None:
        cppr = unit.poll(server)[0] >> 24
        xirr = both("accept", server)
        assert isinstance(xirr, int)
        if xirr & 0xFFFFFF:
            assert unit.poll(server)[0] >> 24 < cppr
            stacks[server].append(xirr)
            owed.discard(xirr & 0xFFFFFF)
            if xirr & 0xFFFFFF == 2:
                both("set_mfrr", server, 0xFF)

    for server in servers:
        both("set_cppr", server, 0xFF)
    for _ in range(4000):
        server, number = rng.choice(servers), 16 + rng.randrange(8)
        match rng.randrange(8):
            case 0 | 1 if number % 2 == 0:
                both("pulse", number)
                owed.add(number)
            case 0 | 1:
                both("set_level", number, rng.random() < 0.5)
            case 2:
                both("set_xive", number, server, rng.choice((1, 3, 5, 7, 0xFF)))
            case 3:
                both("set_mfrr", server, rng.choice((2, 4, 0xFF)))
            case 4 | 5:
                accept(server)
            case 6 if stacks[server]:
                both("eoi", server, stacks[server].pop())
            case 7:
                both(rng.choice(("int_off", "int_on")), number)
        for s in servers:
            both("poll", s)
            both("pending", s)
        both("get_xive", number)
    for number in range(16, 24):
        if number % 2:
            both("set_level", number, False)
        both("set_xive", number, 0, 5)
    for server in servers:
        while stacks[server] or unit.pending(server):
            accept(server)
            if stacks[server]:
                both("eoi", server, stacks[server].pop())
    assert not owed
    unit.vm.close()
