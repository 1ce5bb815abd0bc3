"""Runs a block of IR as machine code: as an interpreter handler, and as a compiled region.

The block lies at byte 0x100 of a code page of its own, where every other entry stops at once. Storage is what the test
gives, in whole pages, through a software TLB filled by hand; all else faults.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

import pytest

from dbt.backend import layout
from dbt.backend.compiler import compile_text
from dbt.backend.handlers import Handler
from dbt.backend.llvm import RUNTIME, Lowering, declarations
from dbt.backend.metadata import METADATA
from dbt.backend.objects import load_object, map_memory
from dbt.backend.regions import RegionLowering
from dbt.backend.translator import PASSES
from dbt.backend.userops import link_user_ops
from dbt.exits import Exit
from dbt.frontend.regions import displacement
from dbt.ir import ops
from dbt.ir.builder import Builder
from dbt.ir.evaluate import Outcome
from dbt.ir.sweep import sweep
from dbt.ir.terminals import Jump, Stop
from dbt.ir.text import parse_block, print_block
from dbt.ir.verify import verify
from dbt.mode import Mode
from dbt.state import SLOTS, TLB_BYTES, TLB_ENTRY_BYTES, slot
from runtime.registers import read, write
from runtime.vm import VM

BASE, OFFSET = 0x1000_0000, 0x100  # as tests/ir/machine.py has them
START = BASE + OFFSET
SF, DR = 1 << 63, 0x10
_HELPER = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * 4)


@_HELPER
def _bump(v: int, a: int, b: int, c: int) -> int:
    write(v, slot("gpr31"), read(v, slot("gpr31")) + a)
    return (a + b + c) & 2**64 - 1


@_HELPER
def _leave_if(v: int, a: int, b: int, c: int) -> int:
    if a:
        write(v, slot("exit"), Exit.EMULATE)
        write(v, slot("exit_arg"), b)
    return (a + b + c) & 2**64 - 1


@_HELPER
def _sum3(v: int, a: int, b: int, c: int) -> int:
    return (a + b + c) & 2**64 - 1


class Bench:
    """One vCPU, a TLB and a code page to run blocks in."""

    def __init__(self) -> None:
        self.vm = VM(memory=1 << 20, engine="interpreter")
        self.vcpu = self.vm.vcpus[0]
        self.tlb = map_memory(TLB_BYTES)
        self.page = (map_memory(2 * layout.CODE_PAGE_STRIDE) + layout.CODE_PAGE_STRIDE - 1) & -layout.CODE_PAGE_STRIDE
        self.symbols = dict(self.vm.engine.code.symbols)
        for name, function in (("bump", _bump), ("leave_if", _leave_if), ("sum3", _sum3)):
            self.symbols[name] = ctypes.cast(function, ctypes.c_void_p).value or 0

    def place(self, text: str, lowering: Lowering) -> None:
        """Compile a function `block` and put it at START; every other entry stops."""
        operations, link = link_user_ops(lowering.user_ops)
        extra = [f"declare i64 @{h}(ptr, i64, i64, i64)" for h in sorted(lowering.helpers)]
        whole = declarations(RUNTIME + extra) + operations + text + METADATA
        image = compile_text(whole, passes=2 if link else PASSES, keep=("block",), link=link, verify=True)
        address = load_object(self.vm.engine.arena, image, self.symbols)["block"]
        stop = self.symbols["x_fuel"]
        for n in range(layout.CODE_PAGE_ENTRIES + 1):
            entry = self.page + n * layout.ENTRY_BYTES
            ctypes.c_uint64.from_address(entry).value = address if n == OFFSET // 4 else stop
            ctypes.c_uint32.from_address(entry + layout.ENTRY_WORD).value = 0x6000_0000
            ctypes.c_uint32.from_address(entry + layout.ENTRY_HOT).value = 0

    def run(self, registers: dict[str, int], memory: dict[int, int], fuel: int) -> None:
        """Enter the block with exactly the fuel it needs."""
        v = self.vcpu
        ctypes.memset(v.address, 0, SLOTS["page_ea"].offset)
        for name, value in registers.items():
            v[name] = value
        v.msr = SF | DR
        v.mode_changed()
        v.page_ea, v.exit, v.fuel_end = BASE, 0, fuel
        ctypes.memset(self.tlb, 0xFF, TLB_BYTES)
        for ea, byte in memory.items():
            self.vm.ram[ea & 0xF_FFFF] = byte
            entry = self.tlb + (ea >> 12 & 1023) * TLB_ENTRY_BYTES
            real = ea & 0xF_F000
            for at, value in ((0, ea & -4096), (8, ea & -4096), (16, self.vm.ram_address + real - (ea & -4096)), (24, real)):
                ctypes.c_uint64.from_address(entry + at).value = value & 2**64 - 1
        self.vm.engine.function("enter", 3)(v.address, self.tlb, fuel, self.page + OFFSET * 4)

    def outcome(self, ir: Builder, count: int, sites: set[tuple[int, bool, int]]) -> Outcome:
        """How the block was left. `sites`: (kind or -1, after, at) of everything in it that can leave."""
        v = self.vcpu
        kind = Exit(v.exit)
        if kind in (Exit.FUEL, Exit.LOOKUP):
            return Outcome("next") if v.nia == START + 4 * count else Outcome("jump", v.nia)
        payload = 0 if kind is Exit.FAULT else v.exit_arg
        distance = (v.nia - START) // 4
        for after in (False, True):
            if sites & {(kind, after, distance - after), (-1, after, distance - after)}:
                return Outcome("exit", exit=kind, payload=payload, after=after, at=distance - after)
        return Outcome("exit", exit=kind, payload=payload, at=distance)


class _Registers(dict[str, int]):
    def __init__(self, v: Any) -> None:
        super().__init__()
        self.v = v

    def __missing__(self, name: str) -> int:
        return int(self.v[name])


class _Memory(dict[int, int]):
    def __init__(self, vm: VM) -> None:
        super().__init__()
        self.vm = vm

    def __missing__(self, ea: int) -> int:
        return int(self.vm.ram[ea & 0xF_FFFF])


@cache
def bench() -> Bench:
    """The one of this process."""
    return Bench()


def exits_of(ir: Builder) -> set[tuple[int, bool, int]]:
    """(kind, after, at) of every place where a block can be left; kind -1 for any."""
    sites: set[tuple[int, bool, int]] = set()
    for v in ir.body:
        if v.op is ops.exit_if:
            sites.add((v.imm.kind, v.imm.after, v.imm.at))
        elif v.op in (ops.load, ops.store):
            sites |= {(Exit.FAULT, False, v.imm.at), (Exit.ALIGNMENT, False, v.imm.at)}
        elif v.op is ops.call and v.imm.exits:
            sites.add((-1, v.imm.after, v.imm.at))
    if isinstance(ir.end, Stop):
        sites.add((ir.end.kind, ir.end.after, ir.at))
    return sites


Run = Callable[[Builder, dict[str, int], dict[int, int]], tuple[Mapping[str, int], Mapping[int, int], Outcome]]


def _native(lower: Callable[[Builder, int], tuple[str, Lowering]]) -> Run:
    def run(
        ir: Builder, registers: dict[str, int], memory: dict[int, int]
    ) -> tuple[Mapping[str, int], Mapping[int, int], Outcome]:
        count, sites = ir.at + 1, exits_of(ir)
        if any(v.op is ops.compare_and_store for v in ir.body):
            pytest.skip("compare_and_store is not lowered: store conditionals call a helper")
        b = bench()
        b.place(*lower(verify(sweep(ir)), count))
        b.run(registers, memory, count)
        return _Registers(b.vcpu), _Memory(b.vm), b.outcome(ir, count, sites)

    return run


def _handler(ir: Builder, count: int) -> tuple[str, Lowering]:
    if count > 1:
        pytest.skip("a handler is one instruction")
    lowering = Handler("block")
    return lowering.text(ir), lowering


def _region(ir: Builder, count: int) -> tuple[str, Lowering]:
    if any(v.op in (ops.offset, ops.word) for v in ir.body):
        pytest.skip("a translation knows its word and its place")
    if ir.end is None:  # a region's block says where it goes
        text = print_block(ir).rstrip().removesuffix("}")
        ir = parse_block(f"{text}  %here:i64 = base\n  %on:i64 = add %here, {OFFSET + 4 * count}\n  jump %on\n}}\n")
        assert isinstance(ir.end, Jump)
    lowering = RegionLowering("block", {OFFSET: ir}, {OFFSET: count}, [OFFSET], {OFFSET: []}, Mode(), displacement)
    return lowering.text(), lowering


interpreter, jit = _native(_handler), _native(_region)
