"""Each operation's LLVM template and its Python function agree, at every width, on boundary and random operands.

All operations are compiled in one module. An operation without a template must compile with Numba and agree too.
"""

from __future__ import annotations

import ctypes
import itertools
import random
import re
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

import dbt.frontend.isa  # noqa: F401  (chapters declare operations of their own)
from dbt.ir import ops
from dbt.ir.ops import OPS, Op
from dbt.ir.ops_float import as_float, is_nan
from dbt.ir.ops_vector import each
from dbt.ir.types import TYPES, Type, i1, i8, i16, i32, i64, i128

llvm = pytest.importorskip("llvmlite.binding")
from dbt.backend.quiet import quiet_functions  # noqa: E402

WIDTHS = (i1, i8, i16, i32, i64, i128)
WIDENING, NARROWING = ("zext", "sext"), ("trunc",)
SHIFTS = ("shl", "shr", "sar")
INTEGRAL = ("fp_trunc", "fp_floor", "fp_ceil")
DIVISIONS = ("udiv", "sdiv", "urem", "srem")
DOUBLES = (
    0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x3FF << 52, 0xBFF << 52,
    0x7FF8 << 48, 0xFFF8 << 48, 0x7FF0_0000_0000_0001, 0x7FF4 << 48, 0xFFF0_1234_5678_9ABC, 1,
    0x000F_FFFF_FFFF_FFFF, 0x0010 << 48, 0x7FEF_FFFF_FFFF_FFFF, 0x47EF_FFFF_E000_0000,
    0x47EF_FFFF_F000_0000, 0x380F_FFFF_FFFF_FFFF,
    0x36A0 << 48, 0x3690 << 48, 0x43E0 << 48, 0xC3E0 << 48, 0x43F0 << 48, 0x41E0 << 48,
    0xC1E0 << 48, 0x3FE0 << 48, 0x4004 << 48, 0x7F80_0000, 0x7FC0_0000, 0xFF80_0001,
    0x3F80_0000, 0x0080_0000, 0x0000_0001, 0x8000_0000, 0x7F7F_FFFF,
)  # fmt: skip
CONTROLS = (0x0001_0203_0405_0607_1819_1A1B_1C1D_1E1F, 0x100F_0E1D_0C0B_1A09_0807_1605_0403_1200)  # immediates of shuffles
SINGLES = tuple(x for x in DOUBLES if x >> 32 == 0)
Case = tuple[Op, Type, Type, int | None]  # the operation, N, M, immediate


def cases() -> list[Case]:
    """Each operation with a template at each pair of widths it takes."""
    out: list[Case] = []
    for o in OPS.values():
        if not (o.pure or o.raises) or not o.llvm:
            continue
        signature = (*o.params, o.result)
        for n, m in itertools.product(WIDTHS if "N" in signature else (i64,), WIDTHS if "M" in signature else (i64,)):
            if (o.name in WIDENING and m.bits >= n.bits) or (o.name in NARROWING and m.bits <= n.bits):
                continue
            if (o.name == "bswap" and n.bits < 16) or (o.name in DIVISIONS and n is i128):  # i128 needs a run-time library
                continue
            out += [(o, n, m, imm) for imm in ((o.imms or CONTROLS) if o.takes_imm else (None,))]
    return out


def types(case: Case) -> tuple[list[Type], Type]:
    o, n, m, _ = case
    at = {"N": n, "M": m}
    return [at.get(p) or TYPES[p] for p in o.params], at.get(o.result) or TYPES[o.result]


def symbol(case: Case) -> str:
    return f"{case[0].name}_{case[1]}_{case[2]}" + ("" if case[3] is None else f"_{case[3]:x}")


def function(case: Case) -> str:
    """A function over memory, so that every width is passed alike: void f(result*, operands*)."""
    o, n, m, imm = case
    params, result = types(case)
    lines = [f"define void @{symbol(case)}(ptr %out, ptr %in) {'strictfp' if o.raises else ''} {{"]
    for k, t in enumerate(params):
        lines += [f"  %p{k} = getelementptr i8, ptr %in, i64 {16 * k}", f"  %w{k} = load i128, ptr %p{k}, align 8"]
        lines.append(f"  %x{k} = trunc i128 %w{k} to {t}" if t.bits < 128 else f"  %x{k} = add i128 %w{k}, 0")
    assert o.llvm
    text = o.template(imm) if "{r}" in o.template(imm) else "{r} = " + o.template(imm)
    lines.append("  " + text.format(*(f"%x{k}" for k in range(len(params))), N=n, M=m, r="%r"))
    lines.append(f"  %z = zext {result} %r to i128" if result.bits < 128 else "  %z = add i128 %r, 0")
    return "\n".join([*lines, "  store i128 %z, ptr %out, align 8", "  ret void", "}"])


def declarations(text: str) -> str:
    """Declare the intrinsics that templates call."""
    found = {}
    for result, name, args in re.findall(r"call (\w+|<[^>]+>) (@llvm[\w.]+)\(([^)]*)\)", text):
        found[name] = f"declare {result} {name}({', '.join(a.strip().rpartition(' ')[0] for a in args.split(','))})"
    return "\n".join(found.values())


@pytest.fixture(scope="module")
def compiled() -> dict[str, Callable[..., Any]]:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()
    text = "\n".join(map(function, cases())) + "\n" + quiet_functions()
    machine = llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten()
    )
    module = llvm.parse_assembly(f'target triple = "{llvm.get_default_triple()}"\n{declarations(text)}\n{text}')
    module.verify()
    engine = llvm.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    kind = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
    found: dict[str, Callable[..., Any]] = {symbol(c): kind(engine.get_function_address(symbol(c))) for c in cases()}
    found["keep"] = engine
    return found


def vector(r: random.Random, o: Op, width: int) -> int:
    """A number of random and boundary lanes."""
    floating = o.name.startswith(("vf_", "vx_"))
    edges = (SINGLES if width == 32 else DOUBLES) if floating else (0, 1, width, -1, -2, 1 << width - 1, (1 << width - 1) - 1)
    out = 0
    for _ in range(128 // width):
        kind, x = r.random(), r.getrandbits(width)
        if floating and kind > 0.7:  # about 1
            x = x & ~(7 << width - 4) | 3 << width - 4
        out = out << width | (r.choice(edges) if kind < 0.4 else x) & (1 << width) - 1
    return out


def operands(o: Op, params: list[Type], n: Type, seed: int, imm: int | None = None) -> list[list[int]]:
    r = random.Random(seed)
    if o.name.startswith(("v_", "vf_", "vx_")):
        width = 32 if o.name.startswith("vf_") else imm if imm and o.imms else 8
        return [[vector(r, o, width) for _ in params] for _ in range(400)]
    if o.name.startswith("fp_"):
        return [
            [r.choice((*DOUBLES, r.getrandbits(64), r.getrandbits(54) + (0x3F0 << 52))) & t.mask for t in params]
            for _ in range(600)
        ]
    edges = [
        sorted({0, 1, 2 & t.mask, t.mask, t.mask >> 1, (t.mask >> 1) + 1, t.bits & t.mask, t.bits - 1 & t.mask})
        for t in params
    ]
    rows = [list(row) for row in itertools.product(*edges)] if len(params) < 3 else []
    rows += [
        [r.getrandbits(t.bits) if r.random() < 0.7 else r.choice(e) for t, e in zip(params, edges, strict=True)]
        for _ in range(60)
    ]
    for row in rows:
        if o.name in SHIFTS:
            row[1] %= n.bits
    if o.name in DIVISIONS:  # what the caller must make sure of
        least = 1 << (n.bits - 1)
        rows = [row for row in rows if row[1] and not (o.name[0] == "s" and row == [least, n.mask])]
    return rows


@pytest.mark.parametrize("case", cases(), ids=symbol)
def test_template_is_the_function(case: Case, compiled: dict[str, Callable[..., Any]]) -> None:
    o, n, m, imm = case
    params, result = types(case)
    out = (ctypes.c_uint64 * 2)()
    given = (ctypes.c_uint64 * max(1, 2 * len(params)))()
    for row in operands(o, params, n, len(symbol(case)), imm):
        for k, x in enumerate(row):
            given[2 * k], given[2 * k + 1] = x & ops.M64, x >> 64
        compiled[symbol(case)](ctypes.byref(out), ctypes.byref(given))
        if o.name == "fp_to_s64" and not abs(as_float(row[0])) < 1 << 63:
            continue  # the caller makes sure
        want = o.evaluate(row, n.bits, m.bits, imm) & result.mask
        got = out[0] | out[1] << 64
        if (o.raises or o.name in INTEGRAL) and result is i128:  # any NaN will do
            assert imm
            got, want = (each(partial(quieted, width=imm), imm, x) for x in (got, want))
        elif (o.raises or o.name in INTEGRAL) and is_nan(want):
            got, want = quieted(got, 64), quieted(want, 64)
        assert got == want, [hex(x) for x in row]


def quieted(bits: int, width: int) -> int:
    """A double or a single, any NaN as one."""
    nan = is_nan(bits) if width == 64 else bits & 0x7FFF_FFFF > 0x7F80_0000
    return -1 if nan else bits


WITHOUT_TEMPLATE = [o for o in OPS.values() if o.pure and o.llvm is None]


@pytest.mark.parametrize("o", WITHOUT_TEMPLATE, ids=lambda o: o.name)
def test_function_compiled_by_numba_is_the_function(o: Op) -> None:
    userops = pytest.importorskip("dbt.backend.userops")
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    engine = llvm.create_mcjit_compiler(
        llvm.parse_assembly(userops.op_module(o)), llvm.Target.from_default_triple().create_target_machine()
    )
    engine.finalize_object()
    count = len(o.params) + o.takes_w + o.takes_m
    call = ctypes.CFUNCTYPE(ctypes.c_uint64, *[ctypes.c_uint64] * count)(engine.get_function_address(f"op_{o.name}"))
    for n in (i8, i16, i32, i64) if "N" in (*o.params, o.result) else (i64,):
        params = [n if p == "N" else i64 if p == "M" else TYPES[p] for p in o.params]
        result = n if o.result == "N" else TYPES[o.result]
        widths = [n.bits] * o.takes_w + [64] * o.takes_m
        for row in operands(o, params, n, n.bits):
            assert call(*row, *widths) & result.mask == o.evaluate(row, n.bits, 64) & result.mask, [hex(x) for x in row]


def test_every_operation_is_tested() -> None:
    tested = {c[0].name for c in cases()} | {o.name for o in WITHOUT_TEMPLATE}
    backend = {"word", "base", "offset", "mode_bit"}
    assert {o.name for o in OPS.values() if o.pure} - tested == backend
