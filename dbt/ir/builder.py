"""Builds one block of straight-line SSA, folding, simplifying and sharing as it goes.

Both stages use it: with operand fields as plain ints (a translation) and as unknown values (an interpreter handler).
"""

from __future__ import annotations

from typing import Any

from . import ops
from .access import Access, Helper, Leave
from .ops import Op
from .rules import RULES, bit
from .terminals import Terminal
from .types import TYPES, Type, i1, i64, void


class Value:
    """One SSA value. `op` is None for a constant, whose number is `imm`.

    A `weak` value comes from operand fields only: it adopts the width of the other operand, and `bool()` of it forks
    the body (frontend/fork.py); `weak` is then the set of fields it was computed from."""

    __slots__ = ("args", "id", "imm", "ir", "op", "ty", "weak")

    def __init__(self, ir: Builder, op: Op | None, args: tuple[Value, ...], ty: Type, imm: Any, weak: Any = None) -> None:
        self.ir, self.op, self.args, self.ty, self.imm, self.weak, self.id = ir, op, args, ty, imm, weak, -1

    @property
    def const(self) -> int | None:
        """Its number, if it is a constant."""
        return self.imm if self.op is None else None

    def __bool__(self) -> bool:
        if self.op is None:
            return bool(self.imm)
        if self.weak is not None and self.ir.fork is not None:
            return bool(self.ir.fork(self))
        raise TypeError("this value is known only when the guest runs: use select(), c.exit_if() or c.jump_if()")

    def __index__(self) -> int:
        raise TypeError("a run-time value cannot index a Python object: index a register bank (c.gpr[i]), or fork on it with if")

    __hash__ = None  # type: ignore[assignment]  # never a key by accident: == builds an operation; keys are id(v)

    def __add__(self, o: Any) -> Value:
        return ops.add(self, o)

    def __radd__(self, o: Any) -> Value:
        return ops.add(self, o)

    def __sub__(self, o: Any) -> Value:
        return ops.sub(self, o)

    def __rsub__(self, o: Any) -> Value:
        return ops.sub(o, self)

    def __mul__(self, o: Any) -> Value:
        return ops.mul(self, o)

    __rmul__ = __mul__

    def __and__(self, o: Any) -> Value:
        return ops.and_(self, o)

    __rand__ = __and__

    def __or__(self, o: Any) -> Value:
        return ops.or_(self, o)

    __ror__ = __or__

    def __xor__(self, o: Any) -> Value:
        return ops.xor(self, o)

    __rxor__ = __xor__

    def __lshift__(self, o: Any) -> Value:
        return ops.shl(self, o)

    def __rlshift__(self, o: Any) -> Value:
        return ops.shl(o, self)

    def __rshift__(self, o: Any) -> Value:
        return ops.shr(self, o)

    def __rrshift__(self, o: Any) -> Value:
        return ops.shr(o, self)

    def __invert__(self) -> Value:
        return ops.xor(self, self.ty.mask)

    def __neg__(self) -> Value:
        return ops.sub(self.ir.const(0, self.ty), self)

    def __eq__(self, o: object) -> Value:  # type: ignore[override]
        return ops.eq(self, o)

    def __ne__(self, o: object) -> Value:  # type: ignore[override]
        return ops.xor(ops.eq(self, o), 1)

    def _less(self, a: Any, b: Any) -> Value:
        if self.weak is None and self.op is not None:
            raise TypeError("signed or unsigned? use slt() or ult()")
        return ops.slt(a, b)

    def __lt__(self, o: Any) -> Value:
        return self._less(self, o)

    def __gt__(self, o: Any) -> Value:
        return self._less(o, self)

    def __le__(self, o: Any) -> Value:
        return ~self._less(o, self)

    def __ge__(self, o: Any) -> Value:
        return ~self._less(self, o)

    def to(self, ty: Type, signed: bool = False) -> Value:
        """This number in another width: truncated, or extended with zeros or with its sign."""
        if ty.bits == self.ty.bits:
            return self
        if self.op in (ops.zext, ops.sext) and self.args[0].ty.bits >= ty.bits:
            return self.args[0].to(ty)
        if ty.bits == 1 and (found := bit(self, 0)) is not None:
            return found
        if ty.bits < self.ty.bits:
            return self.args[0].to(ty) if self.op is ops.trunc else ops.trunc(self, ty=ty)
        return (ops.sext if signed else ops.zext)(self, ty=ty)

    def __repr__(self) -> str:
        return f"{self.imm:#x}:{self.ty}" if self.op is None else f"%{self.id}:{self.ty}={self.op}"


class Builder:
    """A block: `body` in order, then `end`. `at` is the index of the guest instruction being translated."""

    def __init__(self, fork: Any = None) -> None:
        self.body: list[Value] = []
        self.end: Terminal | None = None
        self.fork = fork
        self.at = 0
        self._seen: dict[Any, Value] = {}
        self._consts: dict[tuple[int, int], Value] = {}
        self._slots: dict[int, tuple[Any, Value]] = {}
        self._passed: set[int] = set()  # conditions that would have left before
        self._indexed: dict[tuple[Any, int], Value] = {}  # (bank, id of the index) -> value

    def const(self, x: int | Value, ty: Type = i64) -> Value:
        """The constant `x` of type `ty`; a Value is passed through."""
        if isinstance(x, Value):
            return x
        x = int(x) & ty.mask
        v = self._consts.get((x, ty.bits))
        if v is None:
            v = self._consts[x, ty.bits] = Value(self, None, (), ty, x)
        return v

    def emit(self, op: Op, operands: tuple[Any, ...], ty: Type | None = None, imm: Any = None) -> Value:
        """The value of `op`: a constant, an existing value, or a new one appended to the block."""
        args, n, ty = self._typed(op, operands, ty)
        if not op.pure:
            return self._append(op, args, ty, imm)
        if op.commutes and args[0].op is None:
            args = args[::-1]
        if args and all(a.op is None for a in args):
            m = args[op.params.index("M")].ty.bits if "M" in op.params else 0
            return self.const(op.evaluate([a.imm for a in args], n, m, imm), ty)
        for rule in RULES.get(op, ()):
            better = rule(*args)
            if better is not None:
                return better.to(ty) if better.ty.bits != ty.bits else better
        key = (op, ty.bits, imm, *map(id, args))
        v = self._seen.get(key)
        if v is None:
            v = self._seen[key] = self._append(op, args, ty, imm)
            v.weak = self._provenance(args)
        return v

    # -- guest state: a known index is a slot; an unknown one is a load or store through a run-time index
    def get(self, slot: Any) -> Value:
        """The current value of a register."""
        held = self._slots.get(slot.key)
        if held is None:
            held = self._slots[slot.key] = slot, self._append(ops.get, (), slot.type, slot)
        return held[1]

    def put(self, slot: Any, v: int | Value) -> None:
        """Set a register. A wider value is cut, a narrower one extended with zeros."""
        value = self.const(v, slot.type).to(slot.type)
        held = self._slots.get(slot.key)
        if held is None or held[1] is not value:
            self._forget_views(slot)
            self._slots[slot.key] = slot, value
            self._forget_indexed(slot)
            self._append(ops.put, (value,), void, slot)

    def get_at(self, bank: Any, i: int | Value) -> Value:
        """Register `i` of a bank; `i` may be known only at run time."""
        if isinstance(i, Value) and i.op is not None:
            key = bank, id(i)
            v = self._indexed.get(key)
            if v is None:
                v = self._indexed[key] = self._append(ops.getx, (i.to(i64),), bank.type, bank)
            return v
        return self.get(bank.element(i.imm if isinstance(i, Value) else i))

    def put_at(self, bank: Any, i: int | Value, v: int | Value) -> None:
        """Set register `i` of a bank; `i` may be known only at run time."""
        if not isinstance(i, Value) or i.op is None:
            return self.put(bank.element(i.imm if isinstance(i, Value) else i), v)
        value = self.const(v, bank.type).to(bank.type)
        end = bank.offset + bank.count * bank.stride  # any of them may be this one
        self._forget_indexed(bank)
        for key in [k for k in self._slots if bank.offset & ~15 <= k < end]:
            del self._slots[key]
        self._indexed[bank, id(i)] = value
        self._append(ops.putx, (i.to(i64), value), void, bank)

    def forget(self) -> None:
        """Guest state may have changed behind our back: read every register anew."""
        self._slots.clear()
        self._indexed.clear()

    # -- storage and exits
    def load(self, ty: Type, ea: Value, access: Access) -> Value:
        """Guest storage at `ea`."""
        return self._append(ops.load, (self.const(ea),), ty, access._replace(at=self.at))

    def store(self, ea: Value, v: Value, access: Access) -> None:
        """Set guest storage at `ea`."""
        self._append(ops.store, (self.const(ea), v), void, access._replace(at=self.at))

    def compare_and_store(self, ea: Value, old: Value, new: Value, access: Access) -> Value:
        """Set guest storage to `new` if it holds `old`; whether it did."""
        return self._append(ops.compare_and_store, (self.const(ea), old, new), i1, access._replace(at=self.at))

    def call(self, helper: Helper, a: Any, b: Any, c: Any) -> Value:
        """Call a compiled helper. It may read and change any register."""
        args = tuple(self.const(x).to(i64) for x in (a, b, c))
        v = self._append(ops.call, args, i64, helper._replace(at=self.at))
        self.forget()
        return v

    def fence(self) -> None:
        """Order storage accesses before with those after."""
        self._append(ops.fence, (), void, None)

    def exit_if(self, condition: Value, leave: Leave, payload: Any = 0) -> None:
        """Leave translated code if `condition`."""
        if condition.const == 0 or id(condition) in self._passed:
            return
        self._passed.add(id(condition))
        self._append(ops.exit_if, (condition, self.const(payload)), void, leave._replace(at=self.at))

    def _forget_views(self, changed: Any) -> None:
        """Another view of the same register (an FPR of a VSR) is no longer known."""
        end, whole = changed.offset + changed.type.bits // 8, changed.offset & ~15
        for key in (whole, whole | 8, whole | 1):
            held = self._slots.get(key)
            if held is None or key == changed.key:
                continue
            other = held[0]
            if other.offset < end and changed.offset < other.offset + other.type.bits // 8:
                del self._slots[key]

    def _forget_indexed(self, changed: Any) -> None:
        """A slot or bank is written: registers read through an index may be it, in any bank that shares its bytes."""
        start, end = changed.offset, changed.offset + changed.count * changed.stride
        for key in [k for k in self._indexed if k[0].offset < end and start < k[0].offset + k[0].count * k[0].stride]:
            del self._indexed[key]

    def _append(self, op: Op, args: tuple[Value, ...], ty: Type, imm: Any) -> Value:
        v = Value(self, op, args, ty, imm)
        v.id = len(self.body)
        self.body.append(v)
        return v

    @staticmethod
    def _provenance(args: tuple[Value, ...]) -> Any:
        """The fields a value was computed from, or None if anything else went into it."""
        fields: frozenset[Any] = frozenset()
        for a in args:
            if a.op is not None:
                if a.weak is None:
                    return None
                fields |= a.weak
        return fields if args else None

    def _typed(self, op: Op, operands: tuple[Any, ...], ty: Type | None) -> tuple[tuple[Value, ...], int, Type]:
        """Operands as values of agreeing types, the width of N, the result type. Weak values and ints adapt."""
        n = ty
        if n is None and "N" in op.params:
            strong = weak = None
            for want, a in zip(op.params, operands, strict=True):
                if want == "N" and isinstance(a, Value):
                    if a.weak is None:
                        strong = strong or a.ty
                    elif weak is None or weak.bits < a.ty.bits:
                        weak = a.ty
            n = strong or weak or i64
        out: list[Value] = []
        for want, a in zip(op.params, operands, strict=True):
            need = n if want == "N" else None if want == "M" else TYPES[want]
            if not isinstance(a, Value):
                a = self.const(a, need or i64)
            elif need is not None and a.ty.bits != need.bits:
                if a.weak is None and a.op is not None:
                    raise TypeError(f"{op.name}: operand {len(out)} is {a.ty}, expected {need}: widen or cut it with .to()")
                a = a.to(need)
            out.append(a)
        if op.result == "N":
            if n is None:
                raise TypeError(f"{op.name}: say the type of the result with ty=")
            return tuple(out), n.bits, n
        return tuple(out), n.bits if n else 0, TYPES[op.result]
