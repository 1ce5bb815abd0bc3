"""How the fixed machinery is written: Numba functions over the vCPU record, compiled once to object code.

    @exported
    def slbie(v, rb):
        ...

defines the helper `slbie`: callable from other compiled functions with the record, from translated code and Python by
its address as `uint64 slbie(vcpu pointer, uint64 ...)`. Every argument and result is an unsigned 64-bit number. A
variable has one type. Mind that a plain int literal has a sign: write constants as u64(...). Numbers with and without
sign that meet, in an operation or a variable, fail the build (inference.py), not at run time.

Importing this module imports numba (0.3 s), so only a cold build does (backend/build.py); a warm start loads objects.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable
from typing import Any

# Numba's own optimisation would be done twice: the machinery is linked into one module and optimised whole (build.py).
os.environ.setdefault("NUMBA_OPT", "0")

import llvmlite.binding as llvm
import numpy as np
from llvmlite import ir
from numba import from_dtype, types
from numba.extending import intrinsic

from .. import shared, state
from .lowering import entry, function_of, texts

u64 = np.uint64
VCPU = from_dtype(state.dtype())
MACHINE = from_dtype(shared.dtype())

llvm.add_symbol("enter", 16)  # Numba wants to resolve it when it compiles the dispatcher; our loader will

EXPORTS: dict[str, tuple[Any, int]] = {}


def compiled(fn: Callable[..., Any]) -> Any:
    """An internal function of the machinery: compiled, callable from exported ones."""
    return function_of(fn)


def inlined(fn: Callable[..., Any]) -> Any:
    """As `compiled`, expanded into its callers."""
    return function_of(fn, forceinline=True)


def exported(fn: Callable[..., Any]) -> Any:
    """A helper: `fn(v, ...)` with the vCPU record and up to five numbers, returning a number."""
    body = compiled(fn)
    EXPORTS[fn.__name__] = body, len(inspect.signature(fn).parameters) - 1
    return body


def linked(fn: Callable[..., Any]) -> Any:
    """As `exported`, but other compiled functions call it by its symbol: its code is not compiled anew into each of them."""
    name, count = fn.__name__, len(inspect.signature(fn).parameters) - 1
    exported(fn)
    llvm.add_symbol(name, 16)  # as for `enter`

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64 = ir.IntType(64)
        target = builder.module.globals.get(name)
        if target is None:
            target = ir.Function(builder.module, ir.FunctionType(i64, [i64] * (count + 1)), name)
        return builder.call(target, [builder.ptrtoint(args[0], i64), *args[1:]])

    def typed(v: Any) -> Any:
        return types.uint64(v, *[types.uint64] * count), codegen

    names = "".join(f", a{i}" for i in range(count))
    scope: dict[str, Any] = {"typed": typed}
    exec(f"def {name}(typingctx, v{names}):\n    return typed(v)", scope)  # an intrinsic has a fixed arity
    return intrinsic(scope[name])


def external(name: str, count: int) -> Any:
    """A function of the runtime that is written in LLVM text: `uint64 name(uint64 ...)` with `count` arguments."""
    llvm.add_symbol(name, 16)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        i64 = ir.IntType(64)
        target = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(i64, [i64] * count), name)
        return builder.call(target, args)

    def typed() -> Any:
        return types.uint64(*[types.uint64] * count), codegen

    names = "".join(f", a{i}" for i in range(count))
    scope: dict[str, Any] = {"typed": typed}
    exec(f"def {name}(typingctx{names}):\n    return typed()", scope)  # an intrinsic has a fixed arity
    return intrinsic(scope[name])


# Whether host memory can be accessed, and mprotect (recovery.py).
probe_load = external("probe_load", 1)
probe_store = external("probe_store", 1)
host_protect = external("host_protect", 3)


def compile_helper(name: str) -> dict[str, str]:
    """LLVM text of an exported helper and of all it calls, by symbol. TypeError if its result is not an integer."""
    body, count = EXPORTS[name]
    result, symbol, found = texts(body, (VCPU, *[types.uint64] * count))
    if not isinstance(result, types.Integer | types.Boolean):
        raise TypeError(f"helper {name} returns {result}, not an integer: write its constants as u64(...)")
    found[name] = entry(name, symbol, ["ptr", *["i64"] * count], result)
    return found


def _access(bits: int) -> tuple[Any, Any]:
    machine_type = ir.IntType(bits)

    @intrinsic
    def read(typingctx: Any, address: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            value = builder.load(builder.inttoptr(args[0], machine_type.as_pointer()), align=1)
            return builder.zext(value, ir.IntType(64)) if bits < 64 else value

        return types.uint64(types.uint64), codegen

    @intrinsic
    def write(typingctx: Any, address: Any, value: Any) -> Any:
        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            cut = builder.trunc(args[1], machine_type) if bits < 64 else args[1]
            builder.store(cut, builder.inttoptr(args[0], machine_type.as_pointer()), align=1)
            return context.get_dummy_value()

        return types.void(types.uint64, types.uint64), codegen

    return read, write


# Host memory at an address, host (little-endian) byte order, any alignment; values are uint64.
read8, write8 = _access(8)
read16, write16 = _access(16)
read32, write32 = _access(32)
read64, write64 = _access(64)


@intrinsic
def bswap64(typingctx: Any, value: Any) -> Any:
    """The eight bytes of a number in the opposite order."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bswap(args[0])

    return types.uint64(types.uint64), codegen


@intrinsic
def leading_zeros(typingctx: Any, value: Any) -> Any:
    """Zero bits above the first one; 64 for zero."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), codegen


@intrinsic
def multiply_high(typingctx: Any, a: Any, b: Any) -> Any:
    """The upper half of a product of 128 bits."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        wide = ir.IntType(128)
        product = builder.mul(*(builder.zext(x, wide) for x in args))
        return builder.trunc(builder.lshr(product, ir.Constant(wide, 64)), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), codegen


def _mxcsr(builder: Any, name: str, slot: Any) -> None:
    pointer = ir.IntType(8).as_pointer()
    function = builder.module.declare_intrinsic(f"llvm.x86.sse.{name}", (), ir.FunctionType(ir.VoidType(), [pointer]))
    builder.call(function, [builder.bitcast(slot, pointer)])


@intrinsic
def get_mxcsr(typingctx: Any) -> Any:
    """The host's floating-point control and status."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        slot = builder.alloca(ir.IntType(32))
        _mxcsr(builder, "stmxcsr", slot)
        return builder.zext(builder.load(slot), ir.IntType(64))

    return types.uint64(), codegen


@intrinsic
def set_mxcsr(typingctx: Any, value: Any) -> Any:
    """Set the host's floating-point control and status."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        slot = builder.alloca(ir.IntType(32))
        builder.store(builder.trunc(args[0], ir.IntType(32)), slot)
        _mxcsr(builder, "ldmxcsr", slot)
        return context.get_dummy_value()

    return types.void(types.uint64), codegen


@intrinsic
def machine_at(typingctx: Any, address: Any) -> Any:
    """The machine record at a host address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return MACHINE(types.uint64), codegen


@intrinsic
def vcpu_at(typingctx: Any, address: Any) -> Any:
    """The vCPU record at a host address."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[0], context.get_value_type(signature.return_type))

    return VCPU(types.uint64), codegen


@intrinsic
def address_of(typingctx: Any, record: Any) -> Any:
    """The host address of a record."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.ptrtoint(args[0], ir.IntType(64))

    return types.uint64(record), codegen


@intrinsic
def compare_and_swap64(typingctx: Any, address: Any, old: Any, new: Any) -> Any:
    """Atomic compare and swap of an aligned host doubleword; whether it was done (0 or 1)."""
    return _cas(64)


@intrinsic
def compare_and_swap32(typingctx: Any, address: Any, old: Any, new: Any) -> Any:
    """Atomic compare and swap of an aligned host word."""
    return _cas(32)


@intrinsic
def compare_and_swap16(typingctx: Any, address: Any, old: Any, new: Any) -> Any:
    """Atomic compare and swap of an aligned host halfword."""
    return _cas(16)


@intrinsic
def compare_and_swap8(typingctx: Any, address: Any, old: Any, new: Any) -> Any:
    """Atomic compare and swap of a host byte."""
    return _cas(8)


def _cas(bits: int) -> Any:
    ty = ir.IntType(bits)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        old, new = (builder.trunc(a, ty) if bits < 64 else a for a in args[1:])
        pair = builder.cmpxchg(builder.inttoptr(args[0], ty.as_pointer()), old, new, "seq_cst", "seq_cst")
        return builder.zext(builder.extract_value(pair, 1), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64, types.uint64), codegen


def _fetch_and(operation: str) -> Any:
    ty = ir.IntType(8)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        at, bits = builder.inttoptr(args[0], ty.as_pointer()), builder.trunc(args[1], ty)
        return builder.zext(builder.atomic_rmw(operation, at, bits, "seq_cst"), ir.IntType(64))

    return types.uint64(types.uint64, types.uint64), codegen


@intrinsic
def atomic_or8(typingctx: Any, address: Any, bits: Any) -> Any:
    """Set bits of a host byte in one step; the byte before."""
    return _fetch_and("or")


@intrinsic
def atomic_and8(typingctx: Any, address: Any, bits: Any) -> Any:
    """Keep only these bits of a host byte in one step; the byte before."""
    return _fetch_and("and")


@intrinsic
def compare_and_swap128(typingctx: Any, address: Any, old_low: Any, old_high: Any, low: Any, high: Any) -> Any:
    """Atomic compare and swap of an aligned host quadword, in doublewords: (done, low before, high before)."""
    wide, i64 = ir.IntType(128), ir.IntType(64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        def joined(low: Any, high: Any) -> Any:
            return builder.or_(builder.zext(low, wide), builder.shl(builder.zext(high, wide), ir.Constant(wide, 64)))

        old, new = joined(args[1], args[2]), joined(args[3], args[4])
        pair = builder.cmpxchg(builder.inttoptr(args[0], wide.as_pointer()), old, new, "seq_cst", "seq_cst")
        before = builder.extract_value(pair, 0)
        parts = (
            builder.zext(builder.extract_value(pair, 1), i64), builder.trunc(before, i64),
            builder.trunc(builder.lshr(before, ir.Constant(wide, 64)), i64),
        )  # fmt: skip
        return context.make_tuple(builder, signature.return_type, parts)

    return types.UniTuple(types.uint64, 3)(*[types.uint64] * 5), codegen


@intrinsic
def fence(typingctx: Any) -> Any:
    """Every access before is seen by all host threads before any after."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        builder.fence("seq_cst")
        return context.get_dummy_value()

    return types.void(), codegen


@intrinsic
def stack_words(typingctx: Any) -> Any:
    """The address of two doublewords of the host's stack, for a C function to fill."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        with builder.goto_entry_block():
            slot = builder.alloca(ir.IntType(64), size=2)
        return builder.ptrtoint(slot, ir.IntType(64))

    return types.uint64(), codegen


@intrinsic
def call_host(typingctx: Any, function: Any, a: Any, b: Any) -> Any:
    """Call a C function of two numbers at a host address (of libc: shared.py says which there are)."""
    i64 = ir.IntType(64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = builder.inttoptr(args[0], ir.FunctionType(i64, [i64, i64]).as_pointer())
        return builder.call(target, args[1:])

    return types.uint64(types.uint64, types.uint64, types.uint64), codegen


@intrinsic
def call_host_six(typingctx: Any, function: Any, a: Any, b: Any, c: Any, d: Any, e: Any, f: Any) -> Any:
    """As call_host, with six numbers."""
    i64 = ir.IntType(64)

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        target = builder.inttoptr(args[0], ir.FunctionType(i64, [i64] * 6).as_pointer())
        return builder.call(target, args[1:])

    return types.uint64(*[types.uint64] * 7), codegen


@inlined
def machine_of(v):  # type: ignore[no-untyped-def]
    """The machine record of a vCPU."""
    return machine_at(v.machine)


@inlined
def vcpu_of(m, i):  # type: ignore[no-untyped-def]
    """The record of a machine's vCPU number `i`."""
    return vcpu_at(read64(m.vcpus + (u64(i) << u64(3))))
