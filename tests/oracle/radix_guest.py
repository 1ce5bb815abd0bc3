"""Radix translation beside QEMU: a guest without an operating system makes accesses, one after the other, and writes down how each ended.

It runs in real mode; an access runs in a stub behind rfid, with translation on, and ends in an interrupt: sc if it went well. The same
bytes run on QEMU's pseries machine (started and read through its gdb stub) and on ours.
"""

from __future__ import annotations

import random
import socket
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import dbt.frontend.isa  # noqa: F401
from bench.qemu import MACHINE, MSR, MSR_SF, PC, SYSTEM, gdb, set_registers, stopped
from dbt.frontend.assembler import assemble_program
from runtime.vm import VM

MEMORY = 64 << 20
CODE, CASES, RESULTS, DONE, TABLE = 0x40_0000, 0x60_0000, 0x68_0000, 0x5F_FFF8, 0x70_0000
POOL, PAGES, STUB = 0x80_0000, 0x180_0000, 0x100_0000_0000
SF, EE, PR, ME, IR, DR, RI = (1 << n for n in (63, 15, 14, 12, 5, 4, 1))
V, L = 1 << 63, 1 << 62
CASE_BYTES, RESULT_BYTES = 64, 40
VECTORS = (0x300, 0x380, 0x400, 0x480, 0x700, 0xC00)

SOURCE = f"""
start:
    lis     r20, {CASES >> 16}
    lis     r21, {RESULTS >> 16}
    lis     r22, {CODE >> 16}
    lis     r2, 0x4400
    ori     r2, r2, 2                   # sc: what every page of code holds
    li      r12, 0x37c                  # H_REGISTER_PROC_TBL: new, radix, the guest invalidates
    mr      r3, r12
    li      r4, 0x1d
    lis     r5, {TABLE >> 16}
    li      r6, 0
    li      r7, 0
    sc      1
next:
    ld      r23, 0(r20)
    cmpdi   r23, 0
    beq     finish
    ld      r4, 8(r20)                  # the address
    ld      r24, 16(r20)                # MSR of the access
    ld      r25, 24(r20)                # where it is made: the stub, or the address itself
    ld      r6, 32(r20)
    mtspr   48, r6                      # PID
    ld      r6, 40(r20)
    mtspr   29, r6                      # AMR
    ld      r6, 48(r20)
    mtspr   61, r6                      # IAMR
    addi    r20, r20, {CASE_BYTES}
    li      r6, 0xc00
    li      r7, 0
    tlbiel  r6, r7, 2, 1, 1
    ptesync
    isync
    lis     r6, 0x7000
    mtspr   22, r6                      # DEC
    li      r6, 0
    mtspr   19, r6                      # DAR, DSISR
    mtspr   18, r6
    li      r6, 0x5555
    mtsrr0  r25
    mtsrr1  r24
    rfid
finish:
    li      r6, 1
    lis     r7, {DONE + 8 >> 16}
    std     r6, -8(r7)
here:
    b       here
took:
    mfsrr0  r8
    mfsrr1  r9
    mfspr   r10, 19
    mfspr   r11, 18
    std     r7, 0(r21)
    std     r8, 8(r21)
    std     r9, 16(r21)
    std     r10, 24(r21)
    std     r11, 32(r21)
    addi    r21, r21, {RESULT_BYTES}
    b       next
"""


class Case(NamedTuple):
    """One access: kind 1 load, 2 store, 3 fetch."""

    kind: int
    ea: int
    problem: bool
    pid: int
    amr: int
    iamr: int

    def record(self) -> bytes:
        msr = SF | ME | IR | DR | (PR | EE if self.problem else 0)
        where = self.ea if self.kind == 3 else STUB + 8 * (self.kind - 1)
        words = (self.kind, self.ea, msr, where, self.pid, self.amr << 62, self.iamr << 62, 0)
        return b"".join(w.to_bytes(8, "big") for w in words)


class Result(NamedTuple):
    """How it ended."""

    vector: int
    srr0: int
    srr1: int
    dar: int
    dsisr: int


def guest(r: random.Random, count: int) -> tuple[dict[int, bytes], list[Case]]:
    """Memory, by address, and the accesses: trees of POWER9's shape, pages of every size and right, some entries wrong in a bit."""
    ram = bytearray(MEMORY)
    free = POOL

    def word(at: int, value: int | None = None) -> int:
        if value is not None:
            ram[at : at + 8] = value.to_bytes(8, "big")
        return int.from_bytes(ram[at : at + 8], "big")

    def table(bits: int) -> int:
        nonlocal free
        at = -(-free // (8 << bits)) * (8 << bits)
        free = at + (8 << bits)
        return at

    def enter(pid: int, ea: int, shift: int, pte: int) -> int:
        widths = (13, 9, 9, 5) if shift == 16 else (13, 9, 9, 9)
        entry, left = TABLE + 16 * pid, 52
        if not word(entry):
            word(entry, 0x4000_0000_0000_00A0 | table(13) | 13)
        for level, width in enumerate(widths):
            left -= width
            at = (word(entry) & 0x0FFF_FFFF_FFFF_FF00) + 8 * (ea >> left & (1 << width) - 1)
            if left == shift:
                word(at, pte)
                return at
            if not word(at):
                word(at, V | table(widths[level + 1]) | widths[level + 1])
            entry = at
        raise AssertionError

    pages: list[tuple[int, int, int]] = []
    for n in range(160):
        pid, shift = r.choice((0, 1, 2)), r.choice((12, 12, 16, 21))
        ea = (n + 1) << 32 | r.getrandbits(32) >> shift << shift
        real = r.randrange(PAGES, MEMORY) >> shift << shift
        attributes = r.choice((0, 0, 0, 0x10, 0x20, 0x30)) | r.choice((0, 0x100, 0x180))
        at = enter(pid, ea, shift, V | L | real | r.randrange(16) | attributes)
        pages.append((pid, ea, shift))
        if r.random() < 0.15:
            word(at, word(at) ^ V)
    for pid in (0, 1, 2):
        enter(pid, STUB, 12, V | L | PAGES - 0x1000 | 0x185)
    ram[PAGES:] = bytes.fromhex("44000002") * ((MEMORY - PAGES) // 4)
    stubs = assemble_program("ld r6,0(r4); sc; std r2,0(r4); sc").data
    ram[PAGES - 0x1000 : PAGES - 0x1000 + len(stubs)] = stubs
    cases = []
    for _ in range(count):
        pid, ea, shift = r.choice(pages)
        kind = r.choice((1, 2, 3))
        problem = r.random() < 0.5
        where = ea + (r.randrange(1 << shift) & ~7) if r.random() < 0.85 else ea ^ 1 << r.randrange(12, 62)
        where |= 0xC000_0000_0000_0000 if pid == 0 and r.random() < 0.8 else 0
        keyed = kind == 3
        cases.append(Case(kind, where, problem, pid or r.choice((0, 1)), r.choice((0, 0, 1, 2, 3)), r.choice((0, 1)) if keyed else 0))
    ram[CASES : CASES + CASE_BYTES * count] = b"".join(c.record() for c in cases)
    program = assemble_program(SOURCE, CODE)
    ram[CODE : CODE + len(program.data)] = program.data
    pieces = {CODE: bytes(ram[CODE : CODE + len(program.data)]), CASES: bytes(ram[CASES : CASES + CASE_BYTES * (count + 1)]),
              TABLE: bytes(ram[TABLE : TABLE + 4096]), POOL: bytes(ram[POOL:free]), PAGES - 0x1000: bytes(ram[PAGES - 0x1000 :])}  # fmt: skip
    for vector in VECTORS:
        pieces[vector] = assemble_program(f"li r7, {vector}; ba {program.symbols['took']:#x}", vector).data
    return pieces, cases


def parse(memory: bytes) -> list[Result]:
    """The results as the guest wrote them."""
    words = [int.from_bytes(memory[n : n + 8], "big") for n in range(0, len(memory), 8)]
    return [Result(*words[n : n + 5]) for n in range(0, len(words), 5)]


def ours(pieces: dict[int, bytes], count: int, engine: str) -> list[Result]:
    """On our machine; the hypercall is answered here."""
    with VM(memory=MEMORY, cpu="power9", engine=engine, hot_threshold=1) as vm:  # type: ignore[arg-type]
        for at, data in pieces.items():
            vm.write(at, data)
        v = vm.vcpus[0]
        v.nia, v.msr = CODE, SF | ME
        v.mode_changed()
        v.run(10_000)
        vm.set_record(process_table=v.gpr[5] | v.gpr[7])
        v.lpcr = 1 << 22 | 1 << 20 | 1 << 10
        v.gpr[3] = 0
        v.call("flush_mmu")
        v.run(200 * count + 10_000)
        assert vm.read(DONE, 8)[-1] == 1, v.describe_exit(0)
        return parse(vm.read(RESULTS, RESULT_BYTES * count))


def theirs(pieces: dict[int, bytes], count: int) -> list[Result]:
    """On QEMU's."""
    with TemporaryDirectory(prefix="ppcdbt-radix-") as name:
        folder = Path(name)
        command = [SYSTEM, "-M", MACHINE, "-cpu", "POWER9", "-m", "512", "-nodefaults", "-display", "none", "-S",
                   "-gdb", f"unix:{folder}/gdb,server=on,wait=off"]  # fmt: skip
        low = {at: data for at, data in pieces.items() if at < CODE}  # where QEMU's own firmware lies: stored through the stub
        for n, (at, data) in enumerate((at, data) for at, data in pieces.items() if at not in low):
            (folder / str(n)).write_bytes(data)
            command += ["-device", f"loader,file={folder / str(n)},addr={at:#x},force-raw=on"]
        with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
            try:
                with stopped(f"{folder}/gdb") as stub:
                    for at, data in low.items():
                        assert b"OK" in gdb(stub, f"M{at:x},{len(data):x}:{data.hex()}")
                    set_registers(stub, {PC: CODE, MSR: MSR_SF | ME})
                    return results(stub, count)
            finally:
                process.kill()


def results(stub: socket.socket, count: int) -> list[Result]:
    """Let the guest run to its end."""
    for _ in range(100):
        stub.sendall(b"$c#63")
        time.sleep(0.2)
        stub.sendall(b"\x03")
        answer = b""
        while b"#" not in answer[:-2]:
            answer += stub.recv(4096)
        stub.sendall(b"+")
        if memory(stub, DONE, 8)[-1] == 1:
            return parse(b"".join(memory(stub, RESULTS + RESULT_BYTES * n, RESULT_BYTES) for n in range(count)))
    raise AssertionError("QEMU does not come to an end")


def memory(stub: socket.socket, at: int, size: int) -> bytes:
    """Guest memory (translation is off in the guest's last loop)."""
    answer = gdb(stub, f"m{at:x},{size:x}")
    return bytes.fromhex(answer[answer.rindex(b"$") + 1 : answer.rindex(b"#")].decode())
