"""H_CEDE, H_PROD, H_CONFER: who waits, who goes on, and whose turn it is. The calls are compiled; here they are made one by one."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator

import pytest

from dbt.exits import Exit
from dbt.shared import INTERRUPTS_XICS
from runtime.halts import CEDED
from runtime.turns import TURN, Turns
from runtime.vcpu import VCPU
from runtime.vm import VM

H_CEDE, H_CONFER, H_PROD = 0xE0, 0xE4, 0xE8
H_SUCCESS, H_PARAMETER, MINUS_ONE = 0, 2**64 - 4, 2**64 - 1
NEVER = 1 << 62


@pytest.fixture
def vm() -> Iterator[VM]:
    with VM(memory=1 << 20, cpus=3, engine="interpreter") as made:
        made.set_record(interrupts=INTERRUPTS_XICS)
        for vcpu in made.vcpus:
            vcpu.dec_expiry = NEVER
        made.vcpus[0].nia = 0x100
        yield made


def call(vcpu: VCPU, number: int, *arguments: int) -> int:
    for n, value in enumerate((number, *arguments)):
        vcpu.gpr[3 + n] = value
    assert vcpu.call("handle", Exit.HYPERCALL)
    return int(vcpu.gpr[3])


def test_cede_enables_interrupts_and_waits(vm: VM) -> None:
    vcpu = vm.vcpus[0]
    assert not vcpu.msr & 0x8000
    assert call(vcpu, H_CEDE) == H_SUCCESS
    assert vcpu.msr & 0x8000 and vcpu.halted == CEDED


def test_prod_ends_a_cede_now_or_later(vm: VM) -> None:
    turns = Turns(vm)
    first, second, third = vm.vcpus
    third.stop()
    assert call(second, H_CEDE) == H_SUCCESS
    assert call(first, H_CEDE) == H_SUCCESS
    assert turns.upcoming() is first and first.halted  # all wait
    assert call(first, H_PROD, 1) == H_SUCCESS
    assert turns.upcoming() is second and not second.halted
    assert call(second, H_CEDE) == H_SUCCESS
    assert not second.halted  # it was prodded: at once, but only once
    assert call(second, H_CEDE) == H_SUCCESS
    assert second.halted
    assert call(first, H_PROD, 3) == H_PARAMETER


def test_confer_ends_the_turn(vm: VM) -> None:
    turns = Turns(vm)
    for n, word in enumerate((0x44000022, 0x48000000)):  # sc 1; b .
        vm.write(0x100 + 4 * n, word.to_bytes(4, "big"))
    for vcpu in vm.vcpus:
        vcpu.nia = 0x104
    vm.vcpus[1].nia = 0x100  # the first turn is its
    vm.vcpus[1].gpr[3], vm.vcpus[1].gpr[4] = H_CONFER, 0
    turns.run(TURN + 1)
    assert [v.icount for v in vm.vcpus] == [TURN, 1, 0]
    assert vm.vcpus[1].gpr[3] == H_SUCCESS
    assert call(vm.vcpus[0], H_CONFER, MINUS_ONE, 0) == H_SUCCESS
    assert vm.vcpus[0].yielded
    vm.vcpus[0].yielded = 0
    assert call(vm.vcpus[0], H_CONFER, 0, 5) == H_SUCCESS  # to itself: nothing
    assert call(vm.vcpus[0], H_CONFER, 9, 0) == H_PARAMETER
    assert not vm.vcpus[0].yielded


def test_time_passes_while_all_wait(vm: VM) -> None:
    """Without Python as long as it allows; then it wants to look."""
    turns = Turns(vm)
    first, second, third = vm.vcpus
    third.stop()
    second.dec_expiry = 1000
    call(first, H_CEDE)
    call(second, H_CEDE)
    assert turns.upcoming() is first and turns.timebase == 0
    vm.set_record(idle_left=1000)
    assert turns.upcoming() is first and first.halted
    vm.set_record(idle_left=1001)
    assert turns.upcoming() is second and turns.timebase == 1000 and not second.halted


def test_a_waiting_host_thread_is_woken() -> None:
    """In parallel it sleeps in the host's kernel, and H_PROD wakes it."""
    with VM(memory=1 << 20, cpus=2, engine="interpreter", parallel=True) as vm:
        vm.set_record(interrupts=INTERRUPTS_XICS)
        first, second = vm.vcpus
        for vcpu in vm.vcpus:
            vcpu.dec_expiry = NEVER
        vm.write(0x100, (0x48000000).to_bytes(4, "big"))
        first.nia = 0x100
        call(first, H_CEDE)
        done: list[int] = []
        thread = threading.Thread(target=lambda: done.append(first.call("run_parallel", 1000)))
        thread.start()
        time.sleep(0.05)  # it may be asleep by now
        assert not done and first.halted
        assert call(second, H_PROD, 0) == H_SUCCESS
        thread.join(30)
        assert done == [0] and first.icount == 1000 and not first.halted
