"""Guests that turn their own page tables into noise, in a process of its own.

    python -m tests.hostile.tables hash|radix|kernel ENGINE SEED ROUNDS [OPTION=VALUE...]

`hash` and `radix`: a loop of loads, stores and branches that walk tables which change under it. `kernel`: Linux, in the middle of its start.
"""

from __future__ import annotations

import ctypes
import random
import sys
from collections import Counter
from typing import Any

import numpy as np

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.assembler import assemble_program
from guests.fetch import fetch
from runtime.console import NullConsole
from runtime.events import Budget
from runtime.loader.elf import load_elf
from runtime.machines.pseries import PseriesMachine
from runtime.mmu.hpt import HashTable, Page, Segment

from .machine import MEMORY, START, U64, VECTORS, go, partition, words

# mtsprg3 r31; mfsrr0 r31; addi r31,r31,4; mtsrr0 r31; mfsprg3 r31; rfid: go on after the instruction that failed
SKIP = (0x7FF3_43A6, 0x7FFA_02A6, 0x3BFF_0004, 0x7FFA_03A6, 0x7FF3_42A6, 0x4C00_0024)
AGAIN = (0x3FE0_0040, 0x7FFA_03A6, 0x4C00_0024)  # lis r31,0x40; mtsrr0 r31; rfid: from what is no instruction back to the start
BLR = 0x4E80_0020
SPAN = 16 << 20  # of mapped effective addresses
WALKER = """
again:  mulld   r5,r5,r6
        addi    r5,r5,1237
        srdi    r7,r5,19
        and     r7,r7,r8
        ld      r9,0(r7)
        std     r5,8(r7)
        lwarx   r9,0,r10
        stwcx.  r5,0,r10
        lbz     r9,4093(r7)
        lvx     v1,0,r7
        lfd     f1,4094(r7)
        stfd    f1,3(r7)
        dcbz    0,r7
        mtctr   r7
        andi.   r9,r5,0xff0
        bne     again
        bctrl
        b       again
"""
MSR = 1 << 63 | 0x3000 | 1 << 25 | 0x30  # SF, FP, ME, VEC, IR, DR
PROCESS_TABLE, ROOT = 0x100_0000, 0x101_0000
VALID, LEAF = 1 << 63, 1 << 62


def noise(r: random.Random, old: int) -> int:
    """A doubleword in place of `old`."""
    return r.choice((
        lambda: old ^ 1 << r.randrange(64), lambda: old ^ 1 << r.randrange(64) ^ 1 << r.randrange(64), lambda: r.getrandbits(64), lambda: 0, lambda: U64,
        lambda: old ^ r.getrandbits(12) << 12, lambda: old ^ 1 << r.randrange(24), lambda: old ^ r.getrandbits(12), lambda: old | r.getrandbits(64), lambda: old & r.getrandbits(64),
        lambda: VALID | r.randrange(0, 2 * MEMORY, 256) | r.randrange(32), lambda: VALID | LEAF | r.randrange(0, MEMORY, 4096) | r.getrandbits(9),
    ))()  # fmt: skip


class Walk:
    """A partition with tables of its own and the loop above."""

    def __init__(self, r: random.Random, radix: bool, **options: Any) -> None:
        self.r, self.radix, self.rounds = r, radix, 0
        self.code = bytes(assemble_program(WALKER, START).data)
        self.machine = partition(self.code, vector=SKIP, cpu="power9" if radix else r.choice(("power8", "power9")), mmu="radix" if radix else "hash",
                                 hpt_log2=18, **options)  # fmt: skip
        self.machine.write(START + 0x1000, words(BLR) * ((SPAN - START - 0x1000) // 4))  # what is called returns
        self.table = None if radix else HashTable.attach(self.machine.vm, 18)
        self.fill()
        self.clean = bytes(self.table.memory) if self.table is not None else self.machine.read(PROCESS_TABLE, max(self.words) + 8 - PROCESS_TABLE)

    def mend(self) -> None:
        """The tables as they were in the beginning."""
        if self.table is not None:
            self.table.memory[:] = self.clean
        else:
            self.machine.write(PROCESS_TABLE, self.clean)

    def fill(self) -> None:
        """Identity, for the first 16 MiB."""
        self.segment = Segment(vsid=0x3_2100)
        if self.table is not None:
            for page in range(SPAN >> 12):
                if self.r.random() < 0.8 or page == START >> 12:
                    try:
                        self.table.enter(self.segment, page << 12, Page(real=page << 12))
                    except ValueError:  # the group is full
                        continue
            return
        self.words: list[int] = []  # where the trees' entries are
        self.put(PROCESS_TABLE, (52 - 31 >> 3) << 61 | (52 - 31 & 7) << 5 | ROOT | 13)
        self.machine.vm.set_record(process_table=PROCESS_TABLE | 4)
        at = ROOT + (8 << 13)
        self.put(ROOT, VALID | at | 9)
        self.put(at, VALID | at + 0x1000 | 9)
        for n in range(SPAN >> 21):
            leaves = at + 0x2000 + 0x1000 * n
            self.put(at + 0x1000 + 8 * n, VALID | LEAF | n << 21 | 0x187 if n & 3 == 3 else VALID | leaves | 9)
            for page in range(512):
                self.put(leaves + 8 * page, VALID | LEAF | (n << 21) + (page << 12) | 0x187)

    def put(self, real: int, value: int) -> None:
        """A doubleword of a tree."""
        self.machine.write(real, value.to_bytes(8, "big"))
        self.words.append(real)

    def scribble(self) -> None:
        """Some doublewords of the tables."""
        r = self.r
        for _ in range(r.choice((1, 8, 100))):
            if self.table is not None:
                at = r.randrange(len(self.table.memory) // 8) * 8
                if not any(self.table.memory[at & -16 : (at & -16) + 8]) and r.random() < 0.8:
                    continue
                old = int.from_bytes(self.table.memory[at : at + 8], "big")
                self.table.memory[at : at + 8] = noise(r, old).to_bytes(8, "big")
            else:
                at = r.choice(self.words[:12] if r.random() < 0.02 else self.words)
                self.machine.write(at, noise(r, int.from_bytes(self.machine.read(at, 8), "big")).to_bytes(8, "big"))

    def round(self) -> str:
        """Scribble and run: what became of it."""
        r, machine = self.r, self.machine
        if r.random() < 0.5:
            self.mend()
        machine.write(START, self.code)
        for at in VECTORS:
            machine.write(at, words(*(AGAIN if at == 0x700 else SKIP)))
        self.scribble()
        v: Any = machine.vcpu
        v.nia, v.halted, v.dec_expiry = START, 0, 1 << 62
        if self.table is not None:
            word = self.segment.word ^ (1 << r.randrange(64) if r.random() < 0.1 else 0)
            v.call("slbmte", word, self.segment.esid_word(0))
        else:
            v.lpcr, v.pid = 1 << 22 | 1 << 20 | 1 << 10, r.choice((0, 0, 0, r.getrandbits(20)))
            v.call("translation_changed", 48)
            if r.random() < 0.1:
                machine.vm.set_record(process_table=noise(r, PROCESS_TABLE | 4))
        v.msr = MSR | r.choice((0, 0, 0x4000))
        v.call("flush_mmu")
        v.mode_changed()
        v.gpr[5], v.gpr[6], v.gpr[8], v.gpr[10] = r.getrandbits(64), 6364136223846793005, SPAN - 8, r.randrange(0, SPAN, 4)
        end = go(machine, 4000)
        self.rounds += 1
        if machine.vm.compiler is not None and self.rounds % 25 == 0:
            machine.vm.compiler.drain()
        for _ in range(4):
            machine.vm.translate(r.randrange(SPAN), r.choice(("load", "store", "fetch")))  # the explanation must cope with them too
        if self.radix:
            machine.vm.set_record(process_table=PROCESS_TABLE | 4)
        return type(end).__name__


def trees(machine: PseriesMachine) -> list[int]:
    """Real addresses of the doublewords of a guest's process table and of the trees it leads to."""
    record = int(machine.vm.record["process_table"])
    table, found = record & 0x0FFF_FFFF_FFFF_F000, []
    open_ = []
    for pid in range(64):
        raw = int.from_bytes(machine.read(table + 16 * pid, 8), "big")
        if raw:
            found.append(table + 16 * pid)
            open_.append((raw & 0x0FFF_FFFF_FFFF_FF00, raw & 31))
    while open_ and len(found) < 20_000:
        at, bits = open_.pop()
        if at + (8 << min(bits, 13)) > machine.memory_size:
            continue
        entries = np.frombuffer(machine.read(at, 8 << min(bits, 13)), ">u8")
        for n in np.flatnonzero(entries)[:2000]:
            found.append(at + 8 * int(n))
            word = int(entries[n])
            if word & VALID and not word & LEAF:
                open_.append((word & 0x0FFF_FFFF_FFFF_FF00, word & 31))
    return found


def kernel(r: random.Random, engine: Any, **options: Any) -> str:
    """Linux, scribbled over in the middle of its start; how it ended."""
    vmlinux, disk = fetch("pseries64be")
    machine = PseriesMachine(NullConsole(), load_elf(vmlinux), disk.read_bytes(), "console=hvc0", memory=256 << 20, engine=engine, **options)
    end = go(machine, r.randrange(60_000_000, 400_000_000))
    for _ in range(5):
        if not isinstance(end, Budget):
            break
        if machine.radix:
            places = trees(machine)
            for at in r.sample(places, min(len(places), r.choice((1, 30, 1000)))):
                machine.write(at, noise(r, int.from_bytes(machine.read(at, 8), "big")).to_bytes(8, "big"))
        else:
            size = int(machine.vm.record["htab_groups"]) * 128
            table = np.frombuffer((ctypes.c_uint8 * size).from_address(int(machine.vm.record["htab"])), ">u8")
            used = np.flatnonzero(table)
            for at in r.sample(used.tolist(), min(len(used), r.choice((1, 30, 1000)))):
                table[at] = noise(r, int(table[at]))
        end = go(machine, 10_000_000)
    machine.close()
    return type(end).__name__


def main() -> int:
    what, engine, seed, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    options: dict[str, Any] = {k: int(v) if v.isdigit() else v for k, v in (a.split("=") for a in sys.argv[5:])}
    r = random.Random(seed)
    ends: Counter[str] = Counter()
    walk: Walk | None = None
    for n in range(rounds):
        if what == "kernel":
            ends[kernel(r, engine, **options)] += 1
            continue
        if walk is None or n % 100 == 0:
            if walk is not None:
                walk.machine.close()
            walk = Walk(r, what == "radix", engine=engine, **options)
        ends[walk.round()] += 1
    if walk is not None:
        print({k: v for k, v in walk.machine.statistics()["counters"].items() if v})
        walk.machine.close()
    print(f"{rounds} rounds:", ", ".join(f"{v} {k}" for k, v in ends.most_common()))
    print("survived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
