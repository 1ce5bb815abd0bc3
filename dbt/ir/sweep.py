"""The one pass over a finished block: backwards, dropping what nothing will see.

- a value without effects that nobody uses;
- a register write that is overwritten before anything could look at it. Whatever may leave translated code looks at
  every register, because guest state is exact at exits.

Effects stay: an unused load may still fault. Registers may overlap (state.py's views of the vector file, and banks
indexed at run time), so writes are compared by the bytes they cover.
"""

from __future__ import annotations

from . import ops
from .builder import Builder, Value
from .ops import Effect

BLIND = (ops.icount,)  # they read something, but no register


def sweep(ir: Builder) -> Builder:
    """Remove dead values and dead register writes from the block, and renumber the rest. Returns the block."""
    used = bytearray(len(ir.body))
    for v in ir.end.operands if ir.end is not None else ():
        if v.op is not None:
            used[v.id] = 1
    overwritten: dict[int, int] = {}  # offset -> bytes that a later write certainly sets before anyone looks
    kept: list[Value] = []
    for v in reversed(ir.body):
        if _dead(v, used, overwritten):
            v.id = -1
            continue
        for a in v.args:
            if a.op is not None:
                used[a.id] = 1
        _look(v, overwritten)
        kept.append(v)
    kept.reverse()
    for n, v in enumerate(kept):
        v.id = n
    ir.body[:] = kept
    return ir


def _dead(v: Value, used: bytearray, overwritten: dict[int, int]) -> bool:
    op = v.op
    assert op is not None
    if op is ops.put:
        size = v.imm.type.bits // 8
        if overwritten.get(v.imm.offset, 0) >= size:
            return True
        overwritten[v.imm.offset] = size
        return False
    return not used[v.id] and not op.effect & (Effect.WRITES | Effect.MAY_EXIT | Effect.RAISES)


def _look(v: Value, overwritten: dict[int, int]) -> None:
    """Registers that `v` reads: writes before it are seen."""
    op = v.op
    assert op is not None
    if op.pure or op.effect is Effect.RAISES or op in BLIND or op in (ops.put, ops.putx):
        return
    if op not in (ops.get, ops.getx):
        overwritten.clear()
        return
    start = v.imm.offset
    end = start + (v.imm.count - 1) * v.imm.stride + v.imm.type.bits // 8
    for offset in [o for o, size in overwritten.items() if o < end and start < o + size]:
        del overwritten[offset]
