"""Guest storage at its own place in the host's address space: what loads and stores become in the mode `direct` (docs/decisions/0005).

%tlb holds the window's first address, which is also its size: one comparison tells whether an address lies in the window, one
addition where. The access is one host instruction; where it faults, the fault's handler (recovery.py) finds its place in
the object's `.ex_table` and goes on at the slow path, as if a check in front of it had failed.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from ..ir import ops
from .layout import WINDOW_GUARD
from .metadata import LIKELY

if TYPE_CHECKING:
    from ..ir.access import Access
    from ..ir.builder import Value
    from ..ir.types import Type
    from .llvm import Lowering

_NEAR = WINDOW_GUARD // 2  # displacements that need no check of their own
TABLE = r"\0A.pushsection .ex_table,\22a\22\0A.long 1b-.\0A.long ${2:l}-.\0A.popsection"
_LOADS = {
    (1, False): "movzbl $1, ${0:k}", (2, False): "movzwl $1, ${0:k}", (4, False): "movl $1, ${0:k}", (8, False): "movq $1, $0",
    (2, True): r"movzwl $1, ${0:k}\0Arolw $$8, ${0:w}", (4, True): "movbel $1, ${0:k}", (8, True): "movbeq $1, $0",
}  # fmt: skip
_STORES = {
    (1, False): "movb ${1:b}, $0", (2, False): "movw ${1:w}, $0", (4, False): "movl ${1:k}, $0", (8, False): "movq $1, $0",
    (2, True): "movbew ${1:w}, $0", (4, True): "movbel ${1:k}, $0", (8, True): "movbeq $1, $0",
}  # fmt: skip


@lru_cache(maxsize=1)
def _reverses() -> bool:
    """Whether the host loads and stores reversed bytes in one instruction (movbe)."""
    import llvmlite.binding as llvm

    return bool(llvm.get_host_cpu_features().get("movbe"))


def origin(ea: Value) -> Value | None:
    """The value that decides whether an access may lie outside of the window and its guards; None if it cannot."""
    if ea.const is not None:
        return ea if ea.const >> 32 else None
    if ea.op is ops.and_ and ea.args[1].const is not None and not ea.args[1].const >> 32:
        return None
    if ea.op is ops.zext:
        return None
    if ea.op is ops.add and ea.args[1].const is not None and (ea.args[1].const + _NEAR) & (1 << 64) - 1 < 2 * _NEAR:
        return ea.args[0]
    return ea


def access(s: Lowering, v: Value, ty: Type, k: str) -> str:
    """The access itself, in block {k}h; else control goes to {k}s. A load's result has 64 bits."""
    access: Access = v.imm
    ea, size = s.ref(v.args[0]), ty.bits // 8
    decides = origin(v.args[0])
    if decides is not None and s.ref(decides) not in s.inside:
        s.inside.add(s.ref(decides))
        end, inside = s.temp(), s.temp()
        s.emit(f"{end} = ptrtoint ptr %tlb to i64\n{inside} = icmp ult i64 {s.ref(decides)}, {end}")
        s.emit(f"br i1 {inside}, label %{k}i, label %{k}s, {LIKELY}\n{k}i:")
    if access.aligned and size > 1:
        low, even = s.temp(), s.temp()
        s.emit(f"{low} = and i64 {ea}, {size - 1}\n{even} = icmp eq i64 {low}, 0")
        s.emit(f"br i1 {even}, label %{k}a, label %{k}s, {LIKELY}\n{k}a:")
    p, reverse = s.field(ea, "%tlb"), size > 1 and not access.little
    if v.op is ops.load:
        hot = s.temp()
        s.emit(load(p, hot, size, reverse, f"{k}h", f"{k}s"))
        return hot
    s.emit(store(p, s.ref(v.args[1]), ty, reverse, f"{k}h", f"{k}s"))
    return ""


def load(p: str, wide: str, size: int, reverse: bool, normal: str, slow: str) -> str:
    """Text that loads `size` bytes at `p`, zero-extended to `wide`, and goes on at `normal` or, from a fault, at `slow`."""
    swap = reverse and (_reverses() or size == 2)
    raw = f"{wide}.r" if reverse and not swap else wide
    flags = ",~{flags}" if swap and size == 2 else ""
    text = (
        f'{raw} = callbr i64 asm sideeffect "1: {_LOADS[size, swap]}{TABLE}", "=r,*m,!i{flags}"(ptr elementtype(i{8 * size}) {p}) '
        f"nounwind memory(argmem: read) to label %{normal} [label %{slow}]\n{normal}:"
    )
    if raw != wide:
        text += f"\n{wide}.s = call i64 @llvm.bswap.i64(i64 {raw})\n{wide} = lshr i64 {wide}.s, {64 - 8 * size}"
    return text


def store(p: str, value: str, ty: Type, reverse: bool, normal: str, slow: str) -> str:
    """Text that stores `value` at `p`."""
    size, head = ty.bits // 8, ""
    if reverse and not _reverses():
        head, value, reverse = f"{p}.s = call {ty} @llvm.bswap.{ty}({ty} {value})\n", f"{p}.s", False
    return (
        f'{head}callbr void asm sideeffect "1: {_STORES[size, reverse]}{TABLE}", "=*m,r,!i"(ptr elementtype({ty}) {p}, {ty} {value}) '
        f"nounwind memory(argmem: write) to label %{normal} [label %{slow}]\n{normal}:"
    )
