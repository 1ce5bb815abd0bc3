"""Random calls and registers from guests, in a process of its own (test_calls.py and others run it and look whether it survived).

    python -m tests.hostile.fuzz KIND SEED ROUNDS [OPTION=VALUE...]

OPTIONs are the machine's: engine, cpu, cpus, mmu. Prints what became of the rounds, and `survived`.
"""

from __future__ import annotations

import random
import struct
import sys
from collections import Counter
from collections.abc import Callable
from inspect import signature
from typing import Any

from runtime.events import Budget
from runtime.hypercalls import HYPERCALLS
from runtime.hypercalls.openfirmware import H_OF_CLIENT
from runtime.hypercalls.openfirmware import SERVICES as CLIENT_SERVICES
from runtime.hypercalls.registry import UNKNOWN
from runtime.hypercalls.rtas import H_RTAS, SERVICES
from runtime.hypercalls.table import NUMBERS
from runtime.machines.pseries import PseriesMachine

from .machine import BRANCH_SELF, MEMORY, SC_1, START, U64, VECTORS, go, partition, words

BLOCK, NAME, TEXT = 0x80_0000, 0x80_8000, 0x81_0000
STEPS = 300  # instructions a round may take
KINDS: dict[str, Callable[[random.Random, Any], None]] = {}


def kind(function: Callable[[random.Random, Any], None]) -> Callable[[random.Random, Any], None]:
    """Register: it prepares a round."""
    KINDS[function.__name__] = function
    return function


def address(r: random.Random) -> int:
    """Somewhere in RAM, at its edges or outside; often aligned."""
    at = r.choice((r.randrange(MEMORY), r.randrange(BLOCK, BLOCK + 0x2_0000), MEMORY - r.randrange(1, 0x1000), MEMORY, 0, r.getrandbits(32), r.getrandbits(64)))
    return at & -r.choice((1, 4, 8, 16, 128, 4096, 65536)) & U64


def argument(r: random.Random) -> int:
    """A number that might mean something to a call."""
    return r.choice((
        lambda: r.randrange(16), lambda: address(r), lambda: address(r), lambda: 1 << r.randrange(64), lambda: U64 >> r.randrange(64),
        lambda: U64 - r.randrange(16), lambda: r.getrandbits(64), lambda: r.randrange(1 << 20), lambda: r.getrandbits(64) & r.getrandbits(64),
        lambda: sum(1 << r.randrange(64) for _ in range(3)) & U64, lambda: r.randrange(16) << 45, lambda: 0x3100_0000 + r.randrange(4),
    ))()  # fmt: skip


def enter(r: random.Random, machine: PseriesMachine, code: bytes) -> Any:
    """The vCPU whose turn it is, about to run `code` in real mode."""
    vcpu: Any = machine.vcpu
    machine.write(START, code)
    vcpu.nia, vcpu.msr, vcpu.halted = START, 1 << 63 | 0x1000, 0
    vcpu.dec_expiry = vcpu.icount + r.choice((50, 1 << 40))
    vcpu.mode_changed()
    return vcpu


@kind
def hypercalls(r: random.Random, machine: PseriesMachine) -> None:
    """Every call there is and many there are not; the family of the page table, which is compiled, as often as all others."""
    family = (0x4, 0x8, 0xC, 0x10, 0x14, 0x18, 0x124, 0x358)
    number = r.choice((r.choice(family), r.choice(list(NUMBERS.values())), r.choice(list(HYPERCALLS)), r.randrange(0, 0x500, 4), argument(r)))
    vcpu = enter(r, machine, words(SC_1, BRANCH_SELF))
    for n in range(4, 13):
        vcpu.gpr[n] = argument(r)
    if r.random() < 0.3:  # an entry that could be: valid, a page of RAM
        vcpu.gpr[6], vcpu.gpr[7] = r.getrandbits(57) << 7 | 1, r.randrange(MEMORY >> 12) << 12 | r.getrandbits(9)
        vcpu.gpr[5] = r.randrange(1 << 14)
    if number == 0xDC:
        machine.write(BLOCK, r.randbytes(64))
        vcpu.gpr[6] = BLOCK + r.choice((0, 128))
    vcpu.gpr[3] = number


@kind
def rtas(r: random.Random, machine: PseriesMachine) -> None:
    """Services with as many arguments as they take, and with other numbers."""
    service = r.choice(list(SERVICES.values()))
    token = service.token if r.random() < 0.9 else r.getrandbits(32)
    nargs, nret = (service.nargs, service.nret) if r.random() < 0.8 else (r.randrange(70), r.randrange(70))
    if r.random() < 0.02:
        nargs = r.getrandbits(32)
    arguments = [argument(r) & 0xFFFF_FFFF for _ in range(min(nargs, 80))]
    machine.write(BLOCK, struct.pack(f">{3 + len(arguments)}I", token, nargs, nret & 0xFFFF_FFFF, *arguments))
    vcpu = enter(r, machine, words(SC_1, BRANCH_SELF))
    vcpu.gpr[3], vcpu.gpr[4] = H_RTAS, BLOCK if r.random() < 0.95 else address(r)


@kind
def client(r: random.Random, machine: PseriesMachine) -> None:
    """Open Firmware's client interface: services with handles, texts and addresses that may be right."""
    names = [*CLIENT_SERVICES, "nonsense", ""]
    texts = ["/", "/chosen", "/cpus", "/rtas", "/memory@0", "", "/vdevice", "name", "reg", "stdout-path", "ibm,client-architecture-support", "instantiate-rtas",
             "device_type", "\xff" * 40, "a" * 2000, "/" * 900, ":", "@", "/@:/@", *r.sample(names, 2)]  # fmt: skip
    places = []
    at = TEXT
    for text in r.choices(texts, k=6):
        data = text.encode("latin-1") + b"\0"
        machine.write(at, data)
        places.append(at)
        at += len(data)
    firmware = machine.firmware
    assert firmware is not None
    handles = [*firmware.nodes, *firmware.instances]

    def one() -> int:
        return r.choice((lambda: r.choice(places), lambda: r.choice(handles), lambda: argument(r), lambda: r.randrange(3000)))() & 0xFFFF_FFFF

    name = r.choice(names)
    machine.write(NAME, name.encode() + b"\0")
    taken = signature(CLIENT_SERVICES[name]).parameters if name in CLIENT_SERVICES else {}
    nargs, nret = (max(0, len(taken) - 1), 1) if r.random() < 0.8 else (r.randrange(9), r.randrange(5))
    head = NAME if r.random() < 0.97 else one(), nargs if r.random() < 0.97 else r.getrandbits(32), nret
    machine.write(BLOCK, struct.pack(f">{3 + nargs}I", *head, *(one() for _ in range(nargs))))
    vcpu = enter(r, machine, words(SC_1, BRANCH_SELF))
    vcpu.gpr[3], vcpu.gpr[4] = H_OF_CLIENT, BLOCK if r.random() < 0.97 else address(r)


@kind
def registers(r: random.Random, machine: PseriesMachine) -> None:
    """Special registers and the MSR written at random in supervisor state, translations invalidated and entered, then whatever comes of it."""
    code = []
    for _ in range(24):
        rs, rb, spr = r.randrange(32), r.randrange(32), r.choice((r.randrange(1024), r.choice((18, 19, 22, 25, 26, 27, 29, 48, 61, 153, 157, 268, 272, 780, 1013))))
        field = (spr & 31) << 5 | spr >> 5
        code.append(r.choice((
            31 << 26 | rs << 21 | field << 11 | 467 << 1,  # mtspr
            31 << 26 | rs << 21 | field << 11 | 467 << 1,
            31 << 26 | rs << 21 | field << 11 | 339 << 1,  # mfspr
            31 << 26 | rs << 21 | r.randrange(2) << 16 | 178 << 1,  # mtmsrd
            31 << 26 | rs << 21 | r.randrange(2) << 16 | 146 << 1,  # mtmsr
            31 << 26 | rs << 21 | rb << 11 | 402 << 1,  # slbmte
            31 << 26 | rs << 21 | rb << 11 | 851 << 1,  # slbmfev
            31 << 26 | rb << 11 | 434 << 1,  # slbie
            31 << 26 | r.randrange(8) << 21 | 498 << 1,  # slbia
            31 << 26 | rs << 21 | r.randrange(32) << 16 | rb << 11 | 306 << 1,  # tlbie
            31 << 26 | rs << 21 | r.randrange(32) << 16 | rb << 11 | 274 << 1,  # tlbiel
            31 << 26 | rs << 21 | r.randrange(15) << 16 | 210 << 1,  # mtsr
            58 << 26 | rs << 21 | 1 << 16,  # ld
            62 << 26 | rs << 21 | 1 << 16,  # std
            RFID_OR(r), SC_1,
        )))  # fmt: skip
    vcpu = enter(r, machine, words(*code, BRANCH_SELF))
    for n in range(32):
        vcpu.gpr[n] = argument(r) if r.random() < 0.8 else vcpu.msr ^ 1 << r.randrange(64)
    vcpu.gpr[1] = r.randrange(BLOCK, MEMORY, 8)
    vcpu.msr = r.choice((1 << 63 | 0x1000, 1 << 63 | 0x9000, 1 << 63 | 0x1030, 1 << 63 | 0x3000 | 1 << 25 | 1 << 23))
    vcpu.mode_changed()


def RFID_OR(r: random.Random) -> int:
    """Rare: it leaves the code."""
    return 0x4C00_0024 if r.random() < 0.2 else 0x6000_0000


def fresh(r: random.Random, what: str, options: dict[str, Any]) -> PseriesMachine:
    """A machine with random bytes where calls look for theirs, and four vCPUs that may be started anywhere."""
    machine = partition(words(BRANCH_SELF), firmware="of" if what == "client" else "none", hpt_log2=18, **options)
    machine.write(BLOCK, r.randbytes(0x2_0000))
    return machine


def main() -> int:
    what, seed, rounds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    options: dict[str, Any] = {k: int(v) if v.isdigit() else v for k, v in (a.split("=") for a in sys.argv[4:])}
    r = random.Random(seed)
    ends: Counter[str] = Counter()
    calls: Counter[str] = Counter()
    machine = fresh(r, what, options)
    for n in range(rounds):
        KINDS[what](r, machine)
        event = go(machine, r.choice((1, 40, STEPS)))
        ends[type(event).__name__] += 1
        if not isinstance(event, Budget) or n % 500 == 499:  # a machine that stopped, or has been mistreated enough
            calls.update(machine.stats_calls)
            machine.close()
            machine = fresh(r, what, options)
        elif r.random() < 0.05:
            for at in VECTORS:  # calls may have overwritten them
                machine.write(at, words(BRANCH_SELF))
    calls.update(machine.stats_calls)
    machine.close()
    print(f"{rounds} rounds:", ", ".join(f"{v} {k}" for k, v in ends.most_common()))
    print(f"{len(calls)} calls, {sum(n for name, n in calls.items() if not name.startswith(UNKNOWN))} of them of known ones")
    print("survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
