"""RTAS calls through the argument block, as Linux's rtas_call makes them."""

from __future__ import annotations

import shutil
import struct
import subprocess

import pytest

from runtime.hypercalls.rtas import ENTRY_STUB, SERVICES, rtas, tokens

H_RTAS = 0xF000
BLOCK = 0x4000
T = tokens()


def call(vm, token: int, *args: int, nret: int = 1, cpu: int = 0) -> tuple[int, ...]:
    """Results as signed 32-bit integers. The words after them must stay as they were."""
    raw = struct.pack(f">{3 + len(args)}I", token, len(args), nret, *(a & 0xFFFFFFFF for a in args))
    vm.write(BLOCK, raw + b"\xee" * (4 * nret + 8))
    # Upper half of the register: rubbish, for the call is made in 32-bit mode.
    assert vm.call(H_RTAS, 0xDEAD_BEEF << 32 | BLOCK, cpu=cpu) == 0
    at = BLOCK + len(raw)
    assert vm.read(at + 4 * nret, 8) == b"\xee" * 8
    return struct.unpack(f">{nret}i", vm.read(at, 4 * nret))


def test_entry_stub_is_the_proven_source():
    """pseries-rtas-stub.S of the proven guests, by the assembler if there is one."""
    assembler = shutil.which("powerpc-linux-gnu-as") or shutil.which("powerpc64-linux-gnu-as")
    if assembler is None:
        pytest.skip("no PowerPC assembler")
    source = "\t.machine power8\n\t.text\n\tmr 4,3\n\tlis 3,0\n\tori 3,3,0xf000\n\tsc 1\n\tblr\n"
    listing = subprocess.run(
        [assembler, "-al", "-o", "/dev/null"], input=source, capture_output=True, text=True
    )
    assert listing.returncode == 0, listing.stderr
    words = [
        line.split()[2] for line in listing.stdout.splitlines() if len(line.split()) > 3 and "GAS" not in line
    ]
    assert "".join(word for word in words if len(word) == 8).lower() == ENTRY_STUB.hex()


def test_power_off_and_reboot(vm):
    assert call(vm, T["power-off"], -1, -1) == (0,)
    assert call(vm, T["system-reboot"]) == (0,)
    assert vm.requests == [("shutdown", 0), "reset"]
    assert vm.stats["rtas power-off"] == 1


def test_unknown_token_and_wrong_shape(vm):
    assert call(vm, 0x2FFF, 1, 2, nret=2) == (-3, -0x11111112)  # The second word is not written.
    assert vm.stats["unknown rtas 0x2fff"] == 1
    assert call(vm, T["power-off"], -1) == (-3,)
    assert call(vm, T["power-off"], -1, -1, nret=2)[0] == -3
    assert vm.requests == []


@pytest.mark.parametrize("address", [0xFFFFFFFC, 0x10000, 0xFFFC, 0xFFF4 + 2, 0x20000000])
def test_block_outside_ram(vm, address):
    before = bytes(vm.ram)
    assert vm.call(H_RTAS, address) == -4
    assert bytes(vm.ram) == before


def test_absurd_block(vm):
    vm.write(BLOCK, struct.pack(">3I", T["power-off"], 0xFFFFFFFF, 1))
    assert vm.call(H_RTAS, BLOCK) == -4
    vm.write(BLOCK, struct.pack(">3I", T["power-off"], 2, 0xFFFFFFFF))
    assert vm.call(H_RTAS, BLOCK) == -4
    # Room for the arguments but not for the result: not done, since it could not be told.
    vm.write(0xFFEC, struct.pack(">5I", T["power-off"], 2, 1, 0, 0))
    assert vm.call(H_RTAS, 0xFFEC) == -4
    assert vm.requests == []


def test_no_results_wanted(vm):
    call(vm, 0x2FFF, nret=0)


def test_display_character(vm):
    assert call(vm, T["display-character"], 0x41) == (0,)
    assert vm.console.output == b"A"


@pytest.mark.parametrize(
    ("ns", "expected"),
    [
        (0, (1970, 1, 1, 0, 0, 0, 0)),
        # 2024-02-29 23:59:59 UTC is 1709251199 (date -u -d @1709251199).
        (1709251199_123456789, (2024, 2, 29, 23, 59, 59, 123456789)),
        (4102444800_000000000, (2100, 1, 1, 0, 0, 0, 0)),
    ],
)
def test_time_of_day(vm, ns, expected):
    vm.now = ns
    assert call(vm, T["get-time-of-day"], nret=8) == (0, *expected)


def test_set_time_of_day_keeps_running(vm):
    vm.now = 1_000_000_000
    assert call(vm, T["set-time-of-day"], 2030, 12, 31, 23, 59, 58, 5) == (0,)
    vm.now += 2_000_000_001
    assert call(vm, T["get-time-of-day"], nret=8) == (0, 2031, 1, 1, 0, 0, 0, 6)
    for bad in (
        (2030, 13, 1, 0, 0, 0, 0),
        (0, 1, 1, 0, 0, 0, 0),
        (2030, 2, 30, 0, 0, 0, 0),
        (2030, 1, 1, 0, 0, 0, 10**9),
    ):
        assert call(vm, T["set-time-of-day"], *bad) == (-3,)
    assert call(vm, T["get-time-of-day"], nret=8)[1] == 2031


def test_cpus_start_and_stop(vm):
    vm.vcpus[0].lpcr = 0x02000000
    assert call(vm, T["query-cpu-stopped-state"], 1, nret=2) == (0, 2)
    assert call(vm, T["start-cpu"], 1, 0x100, 7) == (-1,)  # It runs.
    assert call(vm, T["stop-self"], cpu=1) == (0,)
    assert call(vm, T["query-cpu-stopped-state"], 1, nret=2) == (0, 0)
    assert call(vm, T["start-cpu"], 1, 0x100, 7) == (0,)
    assert vm.vcpus[1].events == [("start", 0x100, 7)]
    assert vm.vcpus[1].lpcr == 0x02000000
    assert call(vm, T["start-cpu"], 2, 0, 0) == (-3,)
    assert call(vm, T["query-cpu-stopped-state"], 2, nret=2)[0] == -3


def test_interrupt_sources(vm):
    assert call(vm, T["ibm,set-xive"], 0x1100, 1, 5) == (0,)
    assert call(vm, T["ibm,get-xive"], 0x1100, nret=3) == (0, 1, 5)
    assert call(vm, T["ibm,int-off"], 0x1100) == (0,)
    assert call(vm, T["ibm,get-xive"], 0x1100, nret=3) == (0, 1, 0xFF)
    assert call(vm, T["ibm,int-on"], 0x1100) == (0,)
    vm.interrupts.set_cppr(1, 0xFF)
    vm.interrupts.pulse(0x1100)
    assert vm.interrupts.accept(1) == 0xFF001100
    for name, args in (
        ("ibm,set-xive", (5, 0, 5)),
        ("ibm,set-xive", (0x1100, 9, 5)),
        ("ibm,set-xive", (0x1100, 0, 256)),
        ("ibm,int-on", (5,)),
        ("ibm,int-off", (5,)),
    ):
        assert call(vm, T[name], *args) == (-3,)
    assert call(vm, T["ibm,get-xive"], 5, nret=3)[0] == -3


def test_get_system_parameter(vm):
    assert call(vm, T["ibm,get-system-parameter"], 20, 0x5000, 0x800) == (0,)
    length = int.from_bytes(vm.read(0x5000, 2), "big")
    assert vm.read(0x5002, length) == b"MaxEntCap=2,DesMem=0,DesProcs=2,MaxPlatProcs=2\0"
    assert call(vm, T["ibm,get-system-parameter"], 42, 0x5000, 3) == (0,)
    assert vm.read(0x5000, 3) == b"\0\x01\0"
    assert call(vm, T["ibm,get-system-parameter"], 999, 0x5000, 64) == (-3,)
    assert call(vm, T["ibm,get-system-parameter"], 20, 0x5000, 1) == (-9999,)
    assert call(vm, T["ibm,get-system-parameter"], 20, 0xFFFFF000, 64) == (-9999,)


def test_os_term(vm):
    vm.write(0x5000, b"OS-PANIC: no init\0")
    assert call(vm, T["ibm,os-term"], 0x5000) == (0,)
    assert call(vm, T["ibm,os-term"], 0x10000) == (0,)
    vm.write(0xFFFE, b"ab")
    assert call(vm, T["ibm,os-term"], 0xFFFE) == (0,)
    assert vm.requests == [("panic", "OS-PANIC: no init"), ("panic", ""), ("panic", "ab")]


def test_a_users_own_service(vm):
    @rtas("mine", 0x9000, nret=2)
    def mine(vm, vcpu, a):
        return 0, a * 2

    try:
        assert call(vm, 0x9000, 21, nret=2) == (0, 42)
        with pytest.raises(ValueError, match="already registered"):
            rtas("mine", 0x9001)(mine)
    finally:
        del SERVICES[0x9000]


def test_tokens_are_qemus():
    assert T["power-off"] == 0x2003
    assert T["ibm,int-on"] == 0x200D
    assert list(T.values()) == sorted(set(T.values()))
