"""Guest storage through the inline software TLB (runtime/mmu/tlb.py fills it)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import state
from ..ir import ops
from .metadata import CPU, GUEST, LIKELY

if TYPE_CHECKING:
    from ..ir.access import Access
    from ..ir.builder import Value
    from ..ir.types import Type
    from .llvm import Lowering


def access(s: Lowering, v: Value, ty: Type, k: str) -> str:
    """The access, in block {k}h, if the TLB has its page; else control goes to {k}s. A load's result has its own type."""
    access: Access = v.imm
    loading = v.op is ops.load
    ea, size = s.ref(v.args[0]), ty.bits // 8
    index, entry, page, tag, hit, where, p = (s.temp() for _ in range(7))
    s.emit(f"{index} = lshr i64 {ea}, {state.PAGE_BITS - 5}")
    masked = s.temp()
    s.emit(f"{masked} = and i64 {index}, {(state.TLB_ENTRIES - 1) * state.TLB_ENTRY_BYTES}")
    s.emit(f"{entry} = getelementptr i8, ptr %tlb, i64 {masked}")
    tag_at = entry if loading else s.field(8, entry)
    addend_at, addend = s.field(16, entry), s.temp()
    s.emit(f"{tag} = load i64, ptr {tag_at}, {CPU}")
    s.emit(f"{addend} = load i64, ptr {addend_at}, {CPU}")
    if size == 1:
        s.emit(f"{page} = and i64 {ea}, -4096")
    elif access.aligned:
        s.emit(f"{page} = and i64 {ea}, {-4096 | (size - 1)}")
    else:
        last = s.temp()
        s.emit(f"{last} = add i64 {ea}, {size - 1}\n{page} = and i64 {last}, -4096")
    s.emit(f"{hit} = icmp eq i64 {page}, {tag}")
    s.emit(f"br i1 {hit}, label %{k}h, label %{k}s, {LIKELY}\n{k}h:")
    s.emit(f"{where} = add i64 {ea}, {addend}\n{p} = inttoptr i64 {where} to ptr")
    swap = size > 1 and not access.little
    if loading:
        raw = s.temp()
        s.emit(f"{raw} = load {s.volatile}{ty}, ptr {p}, align 1, {GUEST}")
        hot = raw
        if swap:
            hot = s.temp()
            s.emit(f"{hot} = call {ty} @llvm.bswap.{ty}({ty} {raw})")
    else:
        value = s.ref(v.args[1])
        if swap:
            swapped = s.temp()
            s.emit(f"{swapped} = call {ty} @llvm.bswap.{ty}({ty} {value})")
            value = swapped
        s.emit(f"store {s.volatile}{ty} {value}, ptr {p}, align 1, {GUEST}")
    return hot if loading else ""
