"""What every block must satisfy, whoever built it. Tests run it after every build; translation does not pay for it."""

from __future__ import annotations

from ..exits import Exit
from ..state import Slot
from . import ops
from .access import Access, Helper, Leave
from .builder import Builder, Value
from .terminals import Branch, Jump, Stop
from .types import TYPES, Type, i1, i64, i128

SHIFTS = (ops.shl, ops.shr, ops.sar)
DIVISIONS = (ops.udiv, ops.sdiv, ops.urem, ops.srem)
FP_ENABLED = 0x0010_0000  # SRR1 of that program interrupt
IMMEDIATES: dict[ops.Op, type] = {
    ops.get: Slot, ops.put: Slot, ops.getx: Slot, ops.putx: Slot, ops.load: Access, ops.store: Access,
    ops.compare_and_store: Access, ops.call: Helper, ops.exit_if: Leave, ops.mode_bit: str,
}  # fmt: skip


class VerifyError(ValueError):
    """A block that breaks a rule; says which value and operation."""


def verify(ir: Builder, *, single: bool = False, exploring: bool = False) -> Builder:
    """Check a block and return it; VerifyError says what is wrong with it.

    single: the block is one guest instruction, so it must not write a register before something that may still
    leave with the instruction undone. exploring: mode bits are still allowed (fork.py has not finished)."""
    defined: set[int] = set()
    at = 0
    for n, v in enumerate(ir.body):
        if v.op is None:
            raise VerifyError(f"%{n}: a constant in the body")
        if v.id != n:
            raise VerifyError(f"%{v.id} = {v.op}: stands at {n}")
        for k, a in enumerate(v.args):
            _operand(v, f"operand {k}", a, defined)
        _signature(v)
        _immediate(v)
        if v.op is ops.mode_bit and not exploring:
            raise VerifyError(f"{_where(v)}: bit {v.imm!r} of the mode is left: bodies must fork on it")
        here = getattr(v.imm, "at", at)
        if here < at:
            raise VerifyError(f"{_where(v)}: belongs to instruction {here}, after one of instruction {at}")
        at = here
        defined.add(id(v))
    _terminal(ir, defined)
    if single:
        _precise(ir)
    return ir


def _where(v: Value) -> str:
    return f"%{v.id} = {v.op}"


def _operand(user: Value | None, what: str, a: Value, defined: set[int]) -> None:
    where = "terminal" if user is None else _where(user)
    if not isinstance(a, Value):
        raise VerifyError(f"{where}: {what} is {a!r}, not a value")
    if a.op is not None:
        if id(a) not in defined:
            raise VerifyError(f"{where}: {what} is {a!r}, which is not defined before it")
    elif type(a.imm) is not int or not 0 <= a.imm <= a.ty.mask:
        raise VerifyError(f"{where}: {what} is the constant {a.imm!r}, which is no {a.ty}")


def _signature(v: Value) -> None:
    op = v.op
    assert op is not None
    if len(v.args) != len(op.params):
        raise VerifyError(f"{_where(v)}: {len(v.args)} operands, expected {len(op.params)}")
    n: Type | None = v.ty if op.result == "N" else None
    m: Type | None = None
    if op.result != "N" and v.ty != TYPES[op.result]:
        raise VerifyError(f"{_where(v)}: its type is {v.ty}, expected {op.result}")
    if op.result == "N" and v.ty.bits == 0:
        raise VerifyError(f"{_where(v)}: void where a type is expected")
    for k, (want, a) in enumerate(zip(op.params, v.args, strict=True)):
        if want == "N":
            n = n or a.ty
        elif want == "M":
            m = m or a.ty
        need = n if want == "N" else m if want == "M" else TYPES[want]
        if a.ty != need:
            raise VerifyError(f"{_where(v)}: operand {k} is {a.ty}, expected {need}")
    width = n.bits if n else 0
    if op in (ops.zext, ops.sext) and m is not None and m.bits >= width:
        raise VerifyError(f"{_where(v)}: does not widen {m} to {n}")
    if op is ops.trunc and m is not None and m.bits <= width:
        raise VerifyError(f"{_where(v)}: does not narrow {m} to {n}")
    if op is ops.bswap and width < 16:
        raise VerifyError(f"{_where(v)}: has no bytes to swap in {n}")
    last = v.args[-1].const if v.args else None
    if op in SHIFTS and last is not None and last >= width:
        raise VerifyError(f"{_where(v)}: shifts {n} by {last}: the result is undefined")
    if op in DIVISIONS and last == 0:
        raise VerifyError(f"{_where(v)}: divides by zero: the result is undefined")


def _immediate(v: Value) -> None:
    op, imm = v.op, v.imm
    assert op is not None
    want = IMMEDIATES.get(op)
    if op.takes_imm:
        if type(imm) is not int or (op.imms and imm not in op.imms):
            raise VerifyError(f"{_where(v)}: its immediate is {imm!r}, expected {op.imms or 'a number'}")
        return
    if want is None:
        if imm is not None and op is not ops.icount:
            raise VerifyError(f"{_where(v)}: has an immediate, {imm!r}, where none is expected")
        return
    if type(imm) is not want:
        raise VerifyError(f"{_where(v)}: its immediate is {imm!r}, expected a {want.__name__}")
    if isinstance(imm, Slot):
        value = v.args[-1].ty if op in (ops.put, ops.putx) else v.ty
        if value != imm.type:
            raise VerifyError(f"{_where(v)}: {value} where {imm} is {imm.type}")
        if op in (ops.get, ops.put) and imm.count != 1:
            raise VerifyError(f"{_where(v)}: {imm} is a bank of {imm.count}: use one of its elements, or get_at/put_at")
    if isinstance(imm, Access):
        stored = v.ty if op is ops.load else v.args[-1].ty
        if stored.bits % 8 or stored.bits > i128.bits:
            raise VerifyError(f"{_where(v)}: {stored} is no size of storage access")
    if isinstance(imm, Leave) and (imm.kind not in set(Exit) or imm.kind == Exit.NONE):
        raise VerifyError(f"{_where(v)}: {imm.kind} is no kind of exit")


def _terminal(ir: Builder, defined: set[int]) -> None:
    end = ir.end
    if end is None:
        return
    if not isinstance(end, Jump | Branch | Stop):
        raise VerifyError(f"the block ends with {end!r}, which is no terminal")
    for a in end.operands:
        _operand(None, type(end).__name__, a, defined)
    if isinstance(end, Branch) and end.condition.ty != i1:
        raise VerifyError(f"branch: the condition is {end.condition.ty}, expected i1")
    address = end.payload if isinstance(end, Stop) else end.target
    if address.ty != i64:
        raise VerifyError(f"{type(end).__name__.lower()}: {address.ty} where i64 is expected")
    if isinstance(end, Stop) and (end.kind not in set(Exit) or end.kind == Exit.NONE):
        raise VerifyError(f"stop: {end.kind} is no kind of exit")


def _precise(ir: Builder) -> None:
    """An instruction that leaves before it is complete has changed no register (it will be run again).

    The floating-point enabled exception is no such case: FPSCR already says why it is taken (Book I 4.4). The engine's fault_ fields
    say why it leaves and are no registers."""
    written: Value | None = None
    for v in ir.body:
        assert v.op is not None
        after = v.imm.after if isinstance(v.imm, Leave | Helper) else False
        leaves = v.op.may_exit and not (isinstance(v.imm, Helper) and not v.imm.exits)
        enabled = v.op is ops.exit_if and v.imm.kind == Exit.PROGRAM and v.args[1].const == FP_ENABLED
        if leaves and not after and not enabled and written is not None:
            raise VerifyError(
                f"{_where(v)}: may leave with the instruction undone, after {_where(written)} set {written.imm}"
            )
        if v.op in (ops.put, ops.putx) and not str(v.imm).startswith("fault_"):
            written = v if written is None else written
    if isinstance(ir.end, Stop) and not ir.end.after and written is not None:
        raise VerifyError(f"stop: leaves with the instruction undone, after {_where(written)} set {written.imm}")
