"""Helpers are built when they are called for the first time: where a call goes before, and how it gets there after.

Every helper has a stub at a place that does not depend on what else was built. It jumps to an address that it holds: the helper's, or `x_bind`
while there is none. That asks Python for the helper, under the host's usual floating-point control, and calls it. Code that is linked when the
helper is there calls it without the stub.

    stub:  lea r10, [rip - 7]      its own address
           jmp [rip + 3]           to what the slot holds
           (3 bytes)
    slot:  8 bytes
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence

from .objects import Arena

STUB = bytes.fromhex("4c8d15f9ffffff ff2503000000 cccccc")
SLOT = len(STUB)
STRIDE = 32
ARGUMENTS = 6  # a helper's most: the record and five numbers
_MXCSR = 0x1F80  # what C code expects


def binding_functions() -> str:
    """LLVM text of x_bind, which a stub enters with its own address in R10 (`nest`), and of @binder: the address of a C function from that
    address to the helper's."""
    arguments = ", ".join(f"i64 %a{n}" for n in range(ARGUMENTS))
    return f"""@binder = global ptr null
declare void @llvm.x86.sse.stmxcsr(ptr)
declare void @llvm.x86.sse.ldmxcsr(ptr)
define i64 @x_bind(ptr nest %stub, {arguments}) nounwind noinline cold {{
%before = alloca i32
%usual = alloca i32
store i32 {_MXCSR}, ptr %usual
call void @llvm.x86.sse.stmxcsr(ptr %before)
call void @llvm.x86.sse.ldmxcsr(ptr %usual)
%binder = load ptr, ptr @binder
%helper = call ptr %binder(ptr %stub)
call void @llvm.x86.sse.ldmxcsr(ptr %before)
%result = call i64 %helper({arguments})
ret i64 %result
}}
"""


def reserve_stubs(arena: Arena, names: Sequence[str]) -> dict[str, int]:
    """Room for the stubs of these helpers, by name."""
    start = arena.allocate(STRIDE * len(names), STRIDE)
    return {name: start + STRIDE * n for n, name in enumerate(names)}


def write_stubs(arena: Arena, stubs: Mapping[str, int], known: Mapping[str, int]) -> None:
    """Fill them in, where nothing runs yet: to the helpers that are `known`, else to x_bind."""
    for name, at in stubs.items():
        target = known.get(name, known["x_bind"])
        arena.memory[at - arena.base : at - arena.base + STRIDE] = (STUB + target.to_bytes(8, "little")).ljust(STRIDE, b"\xcc")


def bound(stub: int) -> int:
    """Where a stub jumps to."""
    return int(ctypes.c_uint64.from_address(stub + SLOT).value)


def bind(stub: int, target: int) -> None:
    """Have a stub jump there from now on. Others may be going through it."""
    ctypes.c_uint64.from_address(stub + SLOT).value = target
