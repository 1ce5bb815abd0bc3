"""Vector integer comparison (Book I 6.9.2)."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...ir.builder import Value
from ...ir.ops_vector import v_eq, v_gts, v_gtu
from ...ir.types import i8, i64
from ..context import Context
from .vector_lanes import vec, vec207, vec300, zero

Declare = Callable[..., Any]


def compare(declare: Declare, name: str, xo: int, section: str = "I 6.9.2", **constants: Any) -> Declare:
    """Both forms of a comparison: without and with its record bit (bit 21)."""

    def register(body: Any) -> Any:
        declare(f"{name} VRT,VRA,VRB", f"4 VRT VRA VRB {xo}:11", section=section, record=False, **constants)(body)
        return declare(f"{name}. VRT,VRA,VRB", f"4 VRT VRA VRB {xo + 1024}:11", section=section, record=True, **constants)(body)

    return register


def record_all(c: Context, result: Value) -> None:
    """CR6: all true, 0, none true, 0. By halves: LLVM 22 fails on some comparisons of an i128 with all ones."""
    both = (result >> 64).to(i64) & result.to(i64)
    c.cr[6] = ((both == i64.mask).to(i8) << 3) | ((result == 0).to(i8) << 1)


def v_ne(a: Value, b: Value, *, imm: int) -> Value:
    """All ones in each lane where a != b."""
    return ~v_eq(a, b, imm=imm)


def v_nez(a: Value, b: Value, *, imm: int) -> Value:
    """All ones in each lane where a != b or one of them is 0."""
    return ~v_eq(a, b, imm=imm) | zero(a, imm) | zero(b, imm)


new = partial(compare, vec300, section="I 6.9.2 (3.0)")


@compare(vec, "vcmpequb", 6, f=v_eq, width=8)
@compare(vec, "vcmpequh", 70, f=v_eq, width=16)
@compare(vec, "vcmpequw", 134, f=v_eq, width=32)
@compare(vec207, "vcmpequd", 199, f=v_eq, width=64)
@compare(vec, "vcmpgtsb", 774, f=v_gts, width=8)
@compare(vec, "vcmpgtsh", 838, f=v_gts, width=16)
@compare(vec, "vcmpgtsw", 902, f=v_gts, width=32)
@compare(vec207, "vcmpgtsd", 967, f=v_gts, width=64)
@compare(vec, "vcmpgtub", 518, f=v_gtu, width=8)
@compare(vec, "vcmpgtuh", 582, f=v_gtu, width=16)
@compare(vec, "vcmpgtuw", 646, f=v_gtu, width=32)
@compare(vec207, "vcmpgtud", 711, f=v_gtu, width=64)
@new("vcmpneb", 7, f=v_ne, width=8)
@new("vcmpneh", 71, f=v_ne, width=16)
@new("vcmpnew", 135, f=v_ne, width=32)
@new("vcmpnezb", 263, f=v_nez, width=8)
@new("vcmpnezh", 327, f=v_nez, width=16)
@new("vcmpnezw", 391, f=v_nez, width=32)
def comparison(c: Context, VRT: Any, VRA: Any, VRB: Any, f: Any, width: int, record: bool) -> None:
    result = f(c.vr[VRA], c.vr[VRB], imm=width)
    if record:
        record_all(c, result)
    c.vr[VRT] = result
