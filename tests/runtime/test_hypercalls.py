"""Hypercalls, with expected values from PAPR and from what Linux 6.1 passes and reads."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import asdict

import pytest

from runtime.devices.controllers import Route, Xive
from runtime.hypercalls import HYPERCALLS, PaprState, hypercall
from runtime.hypercalls.table import HPT_FAMILY, LIGHT, NAMES, NUMBERS
from runtime.vm import VM

from .conftest import FakeMachine

H_SUCCESS, H_HARDWARE, H_FUNCTION, H_PARAMETER, H_RESOURCE = 0, -1, -2, -4, -16
H_P2, H_P3, H_P4, H_P5, H_UNSUPPORTED_FLAG = -55, -56, -57, -58, -256
MINUS_ONE = (1 << 64) - 1
VTY = 0x71000000
PUT, GET = 0x58, 0x54


def test_table_is_consistent():
    assert len(NAMES) == len(NUMBERS)
    for call in HYPERCALLS.values():
        assert NUMBERS[call.name] == call.number
        assert call.name not in HPT_FAMILY and call.name not in LIGHT
    # A few, by hand from the specification.
    for name, number in {
        "H_ENTER": 8,
        "H_BULK_REMOVE": 0x124,
        "H_CEDE": 0xE0,
        "H_REGISTER_PROC_TBL": 0x37C,
    }.items():
        assert NUMBERS[name] == number


def test_unknown_calls_answer_h_function_and_are_counted_by_name(vm):
    assert vm.call(0x1C) == H_FUNCTION
    assert vm.call(0x1C) == H_FUNCTION
    assert vm.call(0x7FFC) == H_FUNCTION
    assert vm.call(MINUS_ONE) == H_FUNCTION
    vm.call(0x300)
    assert vm.stats["unknown H_GET_TCE"] == 2
    assert vm.stats["unknown 0x7ffc"] == 1
    assert vm.stats["H_RANDOM"] == 1


def test_registration_refuses_mistakes():
    with pytest.raises(ValueError, match="H_RANDOM is hypercall 0x300"):
        hypercall("H_RANDOM", 0x304)(lambda vm, vcpu: 0)
    with pytest.raises(ValueError, match="already H_RANDOM"):
        hypercall("H_MINE", 0x300)(lambda vm, vcpu: 0)
    with pytest.raises(ValueError, match="plain positional"):
        hypercall("H_MINE", 0xFF00)(lambda vm, vcpu, *args: 0)
    assert 0xFF00 not in HYPERCALLS


def test_a_users_own_hypercall(vm):
    @hypercall("H_MINE", 0xFF00)
    def mine(vm, vcpu, a, b):
        return 0, a + b, -1

    try:
        assert vm.call(0xFF00, 2**64 - 1, 3) == H_SUCCESS
        assert vm.vcpus[0].gpr[4:6] == [2, 2**64 - 1]  # Results wrap to 64 bits.
    finally:
        del HYPERCALLS[0xFF00]


# Console.


@pytest.mark.parametrize("text", [b"", b"x", b"12345678", b"123456789", b"0123456789abcdef"])
def test_put_term_char_unpacks_big_endian(vm, text):
    first, second = (int.from_bytes(text.ljust(16, b"?")[i : i + 8], "big") for i in (0, 8))
    assert vm.call(PUT, VTY, len(text), first, second) == H_SUCCESS
    assert vm.console.output == text


def test_a_second_terminal_has_its_own_bytes(vm):
    second = vm.terminals[0x71000001]
    second.input = b"in"
    assert vm.call(PUT, 0x71000001, 2, int.from_bytes(b"7\n".ljust(8, b"\0"), "big"), 0) == H_SUCCESS
    assert (second.output, vm.console.output) == (b"7\n", b"")
    assert vm.call(GET, 0x71000001) == H_SUCCESS
    assert vm.vcpus[0].gpr[4:6] == [2, int.from_bytes(b"in".ljust(8, b"\0"), "big")]


def test_put_term_char_refuses(vm):
    assert vm.call(PUT, VTY, 17, 0, 0) == H_PARAMETER
    assert vm.call(PUT, VTY, MINUS_ONE, 0, 0) == H_PARAMETER
    assert vm.call(PUT, 0x71000002, 1, 0, 0) == H_PARAMETER
    assert vm.console.output == b""
    assert vm.call(PUT, 0, 1, 0x41 << 56, 0) == H_SUCCESS  # Linux's early console uses terminal 0.
    assert vm.console.output == b"A"


def test_get_term_char(vm):
    vm.console.input = b"root\nabcdefghijklmnop"
    assert vm.call(GET, VTY) == H_SUCCESS
    assert vm.vcpus[0].gpr[4:7] == [16, 0x726F6F740A616263, 0x6465666768696A6B]
    assert vm.call(GET, VTY) == H_SUCCESS
    assert vm.vcpus[0].gpr[4:7] == [5, 0x6C6D6E6F70 << 24, 0]
    assert vm.call(GET, VTY) == H_SUCCESS
    assert vm.vcpus[0].gpr[4:7] == [0, 0, 0]
    assert vm.call(GET, 5) == H_PARAMETER


# Modes.


def test_set_mode_endianness_is_for_the_partition(vm):
    other_bits = 1 << 12
    for vcpu in vm.vcpus:
        vcpu.lpcr = other_bits
    assert vm.call(0x31C, 1, 4, 0, 0) == H_SUCCESS
    assert [vcpu.lpcr for vcpu in vm.vcpus] == [other_bits | 0x02000000] * 2  # LPCR_ILE in Linux's reg.h.
    assert vm.call(0x31C, 0, 4, 0, 0) == H_SUCCESS
    assert [vcpu.lpcr for vcpu in vm.vcpus] == [other_bits] * 2
    assert vm.call(0x31C, 2, 4, 0, 0) == H_UNSUPPORTED_FLAG
    assert vm.call(0x31C, 1, 4, 1, 0) == H_P3
    assert vm.call(0x31C, 1, 4, 0, 1) == H_P4


def test_set_mode_ail(vm):
    assert vm.call(0x31C, 3, 3, 0, 0) == H_SUCCESS
    assert vm.vcpus[1].lpcr == 0x01800000  # LPCR_AIL_3
    assert vm.call(0x31C, 2, 3, 0, 0) == H_SUCCESS
    assert vm.vcpus[1].lpcr == 0x01000000
    assert vm.call(0x31C, 1, 3, 0, 0) == H_UNSUPPORTED_FLAG
    assert vm.call(0x31C, 4, 3, 0, 0) == H_UNSUPPORTED_FLAG
    assert vm.call(0x31C, 3, 3, 1, 0) == H_P3
    assert vm.call(0x31C, 0, 3, 0, 0) == H_SUCCESS
    assert vm.vcpus[0].lpcr == 0


def test_set_mode_debug_registers(vm):
    assert vm.call(0x31C, 0, 1, 0x1000 | 2, 0) == H_SUCCESS
    assert vm.call(0x31C, 0, 1, 0x1000 | 3, 0) == H_P3
    assert vm.call(0x31C, 0, 2, 0xC000000000001000, 0x1B) == H_SUCCESS
    assert vm.call(0x31C, 0, 2, 0xC000000000001000, 0x04) == H_P4
    assert vm.call(0x31C, 1, 2, 0, 0) == H_UNSUPPORTED_FLAG
    assert vm.call(0x31C, 0, 9, 0, 0) == H_P2
    state = vm.papr.cpu(0)
    assert (state.ciabr, state.dawr0, state.dawrx0) == (0x1002, 0xC000000000001000, 0x1B)
    assert vm.call(0x28, 0x2003) == H_SUCCESS
    assert vm.call(0x134, 0x3000, 0) == H_PARAMETER
    assert vm.call(0x134, 0x3000, 7) == H_PARAMETER
    assert vm.call(0x134, 0x3000, 0x11) == H_PARAMETER
    assert (state.dabr, state.dabrx) == (0x2003, 3)
    assert vm.call(0x134, 0x3000, 9) == H_SUCCESS
    assert (state.dabr, state.dabrx) == (0x3000, 9)


# Areas shared with the hypervisor.

REG_VPA, REG_DTL, REG_SLB, DEREG_VPA, DEREG_DTL, DEREG_SLB = (n << 45 for n in (1, 2, 3, 5, 6, 7))


def _area(vm, address: int, size: int, width: int) -> int:
    vm.write(address + 4, size.to_bytes(width, "big"))
    return address


def test_register_vpa_and_what_depends_on_it(vm):
    vpa = _area(vm, 0x1000, 1024, 2)
    shadow = _area(vm, 0x2000, 0x280, 4)
    dtl = _area(vm, 0x3000, 4096, 4)
    assert vm.call(0xDC, REG_SLB, 0, shadow) == H_RESOURCE
    assert vm.call(0xDC, REG_DTL, 0, dtl) == H_RESOURCE
    assert vm.call(0xDC, REG_VPA, 0, vpa) == H_SUCCESS
    assert vm.call(0xDC, REG_SLB, 0, shadow) == H_SUCCESS
    assert vm.call(0xDC, REG_DTL, 0, dtl) == H_SUCCESS
    assert vm.call(0xDC, DEREG_VPA, 0, 0) == H_RESOURCE
    assert vm.call(0xDC, DEREG_SLB, 0, 0) == H_SUCCESS
    assert vm.call(0xDC, DEREG_VPA, 0, 0) == H_RESOURCE
    assert vm.call(0xDC, DEREG_DTL, 0, 0) == H_SUCCESS
    assert vm.call(0xDC, DEREG_VPA, 0, 0) == H_SUCCESS
    assert vm.papr.cpu(0).vpa == 0
    # A dedicated processor: the guest must not see the shared flag (bit 1 of byte 9).
    assert vm.ram[vpa + 9] == 0


@pytest.mark.parametrize(
    ("address", "size", "status"),
    [
        (0x1000, 640, H_SUCCESS),
        (0x1000, 639, H_PARAMETER),  # The smallest VPA is 640 bytes.
        (0x1040, 640, H_PARAMETER),  # Not at a cache line.
        (0x1D80, 640, H_SUCCESS),
        (0x1E00, 640, H_PARAMETER),  # Crosses a page.
        (0x1000, 0, H_PARAMETER),
        (0xFF80, 640, H_PARAMETER),  # Its end is not RAM.
    ],
)
def test_register_vpa_checks(vm, address, size, status):
    _area(vm, address, size, 2)
    assert vm.call(0xDC, REG_VPA, 1, address) == status
    assert vm.papr.cpu(1).vpa == (address if status == H_SUCCESS else 0)


def test_register_vpa_refuses(vm):
    assert vm.call(0xDC, REG_VPA, 0, 0) == H_HARDWARE
    assert vm.call(0xDC, REG_VPA, 0, 0x10000000) == H_PARAMETER
    assert vm.call(0xDC, REG_VPA, 0, MINUS_ONE & ~127) == H_PARAMETER
    assert vm.call(0xDC, REG_VPA, 7, 0x1000) == H_PARAMETER
    assert vm.call(0xDC, 4 << 45, 0, 0x1000) == H_PARAMETER
    assert vm.call(0xDC, 0, 0, 0x1000) == H_PARAMETER
    assert vm.call(0xDC, REG_VPA | 1, 0, 0x1000) == H_PARAMETER


# Memory.

ZERO, COPY = 1 << (63 - 48), 1 << (63 - 49)


def test_page_init(vm):
    vm.ram[0x1000:0x2000] = bytes([7]) * 4096
    assert vm.call(0x2C, COPY, 0x3000, 0x1000) == H_SUCCESS
    assert vm.ram[0x3000:0x4000] == bytes([7]) * 4096
    assert vm.call(0x2C, ZERO, 0x1000, 0) == H_SUCCESS
    assert vm.ram[0x1000:0x2000] == bytes(4096)
    for flags, destination, source in (
        (1, 0x1000, 0),
        (ZERO, 0x1004, 0),
        (ZERO, 0x10000, 0),
        (COPY, 0x1000, 0x10000),
        (COPY, 0x1000, 0x2008),
        (0, 0x20000, 0),
    ):
        assert vm.call(0x2C, flags, destination, source) == H_PARAMETER


@pytest.mark.parametrize(
    ("size", "value"), [(1, 0xEF), (2, 0xCDEF), (4, 0x89ABCDEF), (8, 0x0123456789ABCDEF)]
)
def test_logical_ci(vm, size, value):
    assert vm.call(0x40, size, 0x800, 0x0123456789ABCDEF) == H_SUCCESS
    assert vm.ram[0x800:0x810] == value.to_bytes(size, "big").ljust(16, b"\0")
    assert vm.call(0x3C, size, 0x800) == H_SUCCESS
    assert vm.vcpus[0].gpr[4] == value
    assert vm.call(0x3C, size, 1 << 40) == H_PARAMETER
    assert vm.call(0x40, 3, 0x800, 0) == H_PARAMETER


# The rest.


def test_home_node_associativity_is_a_list_of_halfwords(vm):
    assert vm.call(0x2EC, 1, 1) == H_SUCCESS
    assert vm.vcpus[0].gpr[4:10] == [0x8000800080008000, 0x8001FFFFFFFFFFFF, *[MINUS_ONE] * 4]
    assert vm.call(0x2EC, 1, 9) == H_P2
    assert vm.call(0x2EC, 2, 0) == H_FUNCTION


def test_devices_that_are_not_there(vm):
    for number in (0xFC, 0x100, 0x104, 0x108, 0x2B0):
        assert vm.call(number, 0x71000002) == H_PARAMETER
    assert vm.call(0xF080, 0x1000, 4096) == -10
    assert vm.call(0x1C8) == H_SUCCESS
    assert vm.vcpus[0].gpr[4:6] == [0, 0]


def test_random_is_splitmix64(vm):
    # The published first outputs for seed 1234567 (Rosetta Code's test of the generator).
    vm.papr.random = 1234567
    values = []
    for _ in range(3):
        assert vm.call(0x300) == H_SUCCESS
        values.append(vm.vcpus[0].gpr[4])
    assert values == [6457827717110365317, 3203168211198807973, 9817491932198370423]


def test_register_process_table(vm):
    """The table, LPCR[UPRT, HR, GTSE], and what is refused."""
    uprt_hr, gtse = 1 << 22 | 1 << 20, 1 << 10
    assert vm.call(0x37C, 0x1D, 0x1E00_0000, 0, 12) == H_SUCCESS  # Linux's: new, radix, the guest invalidates
    assert vm.process_tables == [(0x1E00_000C, uprt_hr | gtse, uprt_hr | gtse)]
    assert vm.call(0x37C, 0, 0, 0, 0) == H_SUCCESS  # no change but GTSE
    assert vm.call(0x37C, 0x10, 0, 0, 0) == H_SUCCESS  # none: the hashed page table
    assert vm.call(0x37C, 0x18, 0, 0, 0) == H_SUCCESS
    assert vm.process_tables[1:] == [(0x1E00_000C, 0, gtse), *[(0, 0, uprt_hr | gtse)] * 2]
    for args, status in (
        ((0x20, 0, 0, 0), H_PARAMETER), ((0x1A, 0, 0, 0), H_PARAMETER), ((0x1D, 0x1001, 0, 0), H_P2), ((0x1D, 1 << 60, 0, 0), H_P2),
        ((0x1D, 0x1000, 1, 0), H_P3), ((0x1D, 0x1000, 0, 25), H_P4), ((0x10, 0x1000, 0, 0), H_P2), ((0x10, 0, 0, 1), H_P4),
    ):  # fmt: skip
        assert vm.call(0x37C, *args) == status, args
    vm.radix = False
    assert vm.call(0x37C, 0x1D, 0x1000, 0, 0) == H_PARAMETER
    assert len(vm.process_tables) == 4


def test_state_survives_a_snapshot(vm):
    _area(vm, 0x1000, 640, 2)
    vm.call(0xDC, REG_VPA, 1, 0x1000)
    vm.call(0xE8, 1)
    vm.call(0x300)
    assert PaprState.restored(asdict(vm.papr)) == vm.papr


def test_no_guest_can_raise_in_the_host(vm):
    """Random calls with random and with nearly sensible arguments: always a status, never an exception."""
    rng = random.Random(4)
    interesting = [0, 1, 2, 3, 4, 16, VTY, 0x1000, 0x4000, 0xFFFF, 0x10000, 0xFF001100, 1 << 45, MINUS_ONE]
    numbers = [*HYPERCALLS, *NUMBERS.values()]
    for _ in range(20000):
        if rng.random() < 0.2:
            word = rng.choice((0, 1, 3, 0x2001, 0x2008, 640))
            vm.write(rng.randrange(0, 0xFFF0, 4), word.to_bytes(4, "big"))
        args = [rng.choice(interesting) if rng.random() < 0.8 else rng.getrandbits(64) for _ in range(6)]
        vm.call(rng.choice(numbers), *args, cpu=rng.randrange(2))
    assert sum(vm.stats.values()) >= 20000


# XIVE.


@pytest.fixture
def xive(vm) -> Iterator[FakeMachine]:
    with VM(memory=1 << 20, cpus=2, engine="interpreter") as engine:
        vm.interrupts = Xive(engine, {0x1100: False, 0x1200 - 1: True})
        yield vm


def answer(vm, *call: int) -> list[int]:
    """Status (0) and the first four results."""
    assert vm.call(*call) == H_SUCCESS
    return list(vm.vcpus[0].gpr[4:8])


def test_xive_calls_need_xive(vm):
    for number in (0x3A8, 0x3AC, 0x3B0, 0x3B4, 0x3B8, 0x3BC, 0x3C0, 0x3C4, 0x3C8, 0x3CC, 0x3D0):
        assert vm.call(number, 0, 0) == H_FUNCTION


def test_xive_sources(xive):
    """Where their pages are (64 KiB, the trigger page first), and where their events go."""
    esb = 0x6010000000000
    assert answer(xive, 0x3A8, 0, 1) == [1, esb + 0x30000, esb + 0x20000, 16]
    assert answer(xive, 0x3A8, 0, 0x11FF) == [0xC, MINUS_ONE, MINUS_ONE, 16]
    assert xive.call(0x3A8, 1, 0) == H_PARAMETER
    assert xive.call(0x3A8, 0, 2) == xive.call(0x3B0, 0, MINUS_ONE) == xive.call(0x3CC, 0, 5) == H_P2
    assert xive.call(0x3AC, 2, 0x1100, 1, 6, 0x123) == H_SUCCESS
    assert answer(xive, 0x3B0, 0, 0x1100)[:3] == [1, 6, 0x123]
    assert xive.call(0x3AC, 0, 0x1100, 0, 5, 0x999) == H_SUCCESS  # keeps its number
    assert answer(xive, 0x3B0, 0, 0x1100)[:3] == [0, 5, 0x123]
    assert xive.call(0x3AC, 0, 0x1100, 7, 0xFF, 0) == H_SUCCESS
    assert answer(xive, 0x3B0, 0, 0x1100)[:3] == [0, 0xFF, 0x123]
    assert xive.call(0x3AC, 0, 2, 0, 5, 0) == H_P2
    assert xive.call(0x3AC, 0, 0, 2, 5, 0) == H_P3
    assert xive.call(0x3AC, 0, 0, 0, 7, 0) == H_P4  # reserved for the hypervisor
    assert xive.call(0x3AC, 4, 0, 0, 5, 0) == H_PARAMETER
    assert xive.call(0x3CC, 0, 0x1100) == H_SUCCESS
    assert xive.call(0x3C0, 0, 0, 0) == xive.call(0x3C4, 0, 0) == H_FUNCTION


def test_xive_queues(xive):
    end = 0x6010000000000 + (0x1200 << 17)
    assert answer(xive, 0x3B4, 0, 1, 6)[:2] == [end + ((8 + 6) << 17), 16]
    assert xive.call(0x3B4, 0, 2, 6) == H_P2 and xive.call(0x3B4, 0, 0, 7) == H_P3
    assert xive.call(0x3B8, 1, 1, 6, 0x4000, 12) == H_SUCCESS
    assert answer(xive, 0x3BC, 0, 1, 6) == [1, 0x4000, 12, 0]
    assert answer(xive, 0x3BC, 1, 1, 6) == [3, 0x4000, 12, 0]  # the generation bit begins as 1
    xive.interrupts.set_route(0, Route(1, 6, 5))
    assert answer(xive, 0x3C8, 0, 0, 0xC00, 0)[0] == 1  # H_INT_ESB: P and Q were off
    xive.interrupts.pulse(0)
    assert answer(xive, 0x3BC, 1, 1, 6) == [3, 0x4000, 12, 1]
    assert answer(xive, 0x3C8, 0, 0, 0x800, 0)[0] == 2
    assert answer(xive, 0x3C8, 1, 0, 0x400, 0)[0] == MINUS_ONE
    assert xive.call(0x3C8, 0, 0, 0x10000, 0) == H_P3 and xive.call(0x3C8, 0, 9, 0, 0) == H_P2
    assert xive.call(0x3B8, 0, 1, 6, 0, 0) == H_SUCCESS
    assert answer(xive, 0x3BC, 0, 1, 6) == [0, 0, 0, 0]
    assert xive.call(0x3B8, 2, 0, 6, 0x4000, 12) == H_PARAMETER
    assert xive.call(0x3B8, 0, 2, 6, 0x4000, 12) == H_P2
    assert xive.call(0x3B8, 0, 0, 9, 0x4000, 12) == H_P3
    assert xive.call(0x3B8, 0, 0, 6, 0x4100, 12) == xive.call(0x3B8, 0, 0, 6, 0x10000, 12) == H_P4  # unaligned; not RAM
    assert xive.call(0x3B8, 0, 0, 6, 0x4000, 13) == H_P5
    assert xive.call(0x3D0, 0) == H_SUCCESS and xive.call(0x3D0, 1) == H_PARAMETER
    assert answer(xive, 0x3B0, 0, 0)[1] == 0xFF
