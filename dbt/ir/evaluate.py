"""What a block means, in plain Python over an abstract machine: the core of the `reference` engine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

from . import ops
from .access import Access, Helper
from .builder import Builder, Value
from .terminals import Branch, Jump
from .types import Type


class Machine(Protocol):
    """What surrounds a block: registers, storage, helpers and the clock. Numbers are unsigned.

    `load`, `store` and `compare_and_store` raise Left for an access that cannot be made."""

    def get(self, slot: Any) -> int:
        """A register (state.Slot)."""

    def put(self, slot: Any, v: int) -> None:
        """Set a register."""

    def getx(self, bank: Any, i: int) -> int:
        """Register i of a bank."""

    def putx(self, bank: Any, i: int, v: int) -> None:
        """Set register i of a bank."""

    def load(self, ea: int, ty: Type, access: Access) -> int:
        """Guest storage."""

    def store(self, ea: int, v: int, ty: Type, access: Access) -> None:
        """Set guest storage."""

    def compare_and_store(self, ea: int, old: int, new: int, ty: Type, access: Access) -> bool:
        """Set guest storage to `new` if it holds `old`; whether it did."""

    def call(self, helper: Helper, a: int, b: int, c: int) -> int:
        """The result of a helper."""

    def exited(self) -> tuple[int, int] | None:
        """Exit kind and payload that the last helper left behind, if it did (asked where Helper.exits is set)."""

    def raised(self, flags: int) -> None:
        """Add to the sticky floating-point flags (as the host's MXCSR has them)."""

    def word(self) -> int:
        """The instruction word being executed."""

    def base(self) -> int:
        """Effective address of the page being executed."""

    def offset(self) -> int:
        """Byte offset of the instruction in that page."""

    def icount(self) -> int:
        """Instructions completed when the block was entered."""


class Left(Exception):
    """Raised by a machine's storage operations: an exit, with the instruction undone."""

    def __init__(self, kind: int, payload: int = 0) -> None:
        super().__init__(kind, payload)
        self.kind, self.payload = int(kind), payload


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a block was left. `kind`: "next" (fell through), "jump" (to `target`), or "exit" (`exit`, `payload`).

    An exit concerns instruction `at` of the block; `after`: that instruction is complete."""

    kind: str
    target: int = 0
    exit: int = 0
    payload: int = 0
    after: bool = False
    at: int = 0


def evaluate(ir: Builder, machine: Machine) -> Outcome:
    """Run a block once."""
    known: dict[int, int] = {}  # id of a value -> its number

    def number(v: Value) -> int:
        return int(v.imm) if v.op is None else known[id(v)]

    for v in ir.body:
        assert v.op is not None
        args = [number(a) for a in v.args]
        if v.op is ops.exit_if:
            if args[0]:
                return Outcome("exit", exit=v.imm.kind, payload=args[1], after=v.imm.after, at=v.imm.at)
            continue
        try:
            known[id(v)] = _one(v, args, machine) & v.ty.mask
        except Left as left:
            return Outcome("exit", exit=left.kind, payload=left.payload, at=v.imm.at)
        if v.op is ops.call and v.imm.exits and (exited := machine.exited()) is not None:
            return Outcome("exit", exit=exited[0], payload=exited[1], after=v.imm.after, at=v.imm.at)
    match ir.end:
        case None:
            return Outcome("next")
        case Jump(target):
            return Outcome("jump", number(target))
        case Branch(condition, target):
            return Outcome("jump", number(target)) if number(condition) else Outcome("next")
        case stop:
            return Outcome("exit", exit=stop.kind, payload=number(stop.payload), after=stop.after, at=ir.at)


def _one(v: Value, args: list[int], machine: Machine) -> int:
    """The result of one operation (0 where it has none)."""
    op = v.op
    if op is ops.get:
        return machine.get(v.imm)
    if op is ops.put:
        machine.put(v.imm, args[0])
    elif op is ops.getx:
        return machine.getx(v.imm, args[0])
    elif op is ops.putx:
        machine.putx(v.imm, *args)
    elif op is ops.load:
        return machine.load(args[0], v.ty, v.imm)
    elif op is ops.store:
        machine.store(args[0], args[1], v.args[1].ty, v.imm)
    elif op is ops.compare_and_store:
        return machine.compare_and_store(args[0], args[1], args[2], v.args[1].ty, v.imm)
    elif op is ops.call:
        return machine.call(v.imm, *args)
    elif op is ops.fence:
        pass  # one vCPU sees its own accesses in order
    elif op is ops.icount:
        return machine.icount() + (v.imm or 0)
    elif op is ops.word:
        return machine.word()
    elif op is ops.base:
        return machine.base()
    elif op is ops.offset:
        return machine.offset()
    else:
        return _pure(v, args, machine)
    return 0


def _pure(v: Value, args: list[int], machine: Machine) -> int:
    op = v.op
    assert op is not None
    if op.raises is not None:
        machine.raised(op.raises(*args, imm=v.imm) if op.takes_imm else op.raises(*args))
    return op.evaluate(args, *op.widths(v), v.imm)
