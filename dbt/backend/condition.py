"""Condition register fields in compiled regions: the operands of the last comparison, not its outcome.

Most comparisons are read by one branch, which asks for LT, GT or EQ of values that are at hand; but an exit may come, and it
needs the whole field. So a region keeps, for each field it uses, two doublewords a, b and a byte x; the field is made from
them where control leaves:

    (LT if a < b, GT if a > b, EQ if a = b) xor x[0:4]     x[4]: the comparison is unsigned, x[5]: of the low words

A field that is not the outcome of a comparison has a = b = 0 and x = the field xor EQ. Where nothing in the region writes
XER[SO], a comparison sets x[6] in place of a copy of it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from .. import state
from ..ir import ops
from ..ir.builder import Value
from ..state import Slot
from .metadata import CPU

if TYPE_CHECKING:
    from .regions import RegionLowering

FIELDS = state.SLOTS["cr"]
LT, GT, EQ = 8, 4, 2
UNSIGNED, WORDS, SUMMARY = 16, 32, 64
SO = state.SLOTS["so"]


class Comparison(NamedTuple):
    """What a CR field was made from: a against b, and XER[SO] (None: zero)."""

    a: Value
    b: Value
    flags: int
    so: Value | None


def is_field(slot: Slot) -> bool:
    """Whether a register is one of the eight CR fields."""
    return FIELDS.offset <= slot.offset < FIELDS.offset + FIELDS.count


def comparison(v: Value) -> Comparison | None:
    """The comparison whose outcome `v` is (frontend/context.py `compare`), or None."""
    so = None
    if v.op is ops.or_:
        v, so = v.args
    if v.op is not ops.select or v.args[1].const != LT:
        return None
    less, _, other = v.args
    if other.op is not ops.select or other.args[1].const != GT or other.args[2].const != EQ:
        return None
    greater = other.args[0]
    if less.op not in (ops.slt, ops.ult) or greater.op is not less.op:
        return None
    a, b = less.args
    if greater.args[0] is not b or greater.args[1] is not a or a.ty.bits not in (32, 64):
        return None
    return Comparison(a, b, UNSIGNED * (less.op is ops.ult) | WORDS * (a.ty.bits == 32), so)


def declare(slot: Slot) -> str:
    """Text: the variables of a field, with its value in the record."""
    n = slot.offset
    return f"%cr{n}.a = alloca i64\n%cr{n}.b = alloca i64\n%cr{n}.x = alloca i8"


def fill(s: RegionLowering, slot: Slot, to: list[str]) -> None:
    """Take a field from the record."""
    p, v = s.field(slot.offset, to=to), s.temp()
    to.append(f"{v} = load i8, ptr {p}, {CPU}")
    literal(s, slot, v, to)


def literal(s: RegionLowering, slot: Slot, value: str, to: list[str]) -> None:
    """Set a field to any value."""
    n, low, x = slot.offset, s.temp(), s.temp()
    to.append(f"{low} = and i8 {value}, 15\n{x} = xor i8 {low}, {EQ}")
    to.append(f"store i64 0, ptr %cr{n}.a\nstore i64 0, ptr %cr{n}.b\nstore i8 {x}, ptr %cr{n}.x")


def set_field(s: RegionLowering, slot: Slot, v: Value, so_changes: bool) -> None:
    """Set a field to the value `v`. `so_changes`: something in the region writes XER[SO]."""
    found = comparison(v)
    if found is None:
        literal(s, slot, s.ref(v), s.out)
        return
    n, flags = slot.offset, str(found.flags)
    if found.so is not None and not so_changes and _is_summary(found.so):
        flags = str(found.flags | SUMMARY)
    elif found.so is not None:
        flags = s.temp()
        s.emit(f"{flags} = or i8 {s.ref(found.so)}, {found.flags}")
    for name, side in (("a", found.a), ("b", found.b)):
        s.emit(f"store i64 {_whole(s, side)}, ptr %cr{n}.{name}")
    s.emit(f"store i8 {flags}, ptr %cr{n}.x")


def _is_summary(v: Value) -> bool:
    """Whether this is XER[SO] as it is read."""
    return v.op is ops.zext and v.args[0].op is ops.trunc and v.args[0].args[0].op is ops.get and v.args[0].args[0].imm == SO


def _whole(s: RegionLowering, v: Value) -> str:
    """A value in 64 bits; what the high half of a word is does not matter."""
    if v.op is ops.trunc and v.args[0].ty.bits == 64:
        return s.ref(v.args[0])
    return s.widened(v)


def read(s: RegionLowering, slot: Slot, to: list[str]) -> tuple[str, str, str]:
    """The variables of a field: a and b as numbers that compare signed, and x."""
    n = slot.offset
    a, b, x, word, wide, unsigned, flag, flip = (s.temp() for _ in range(8))
    to.append(f"{a} = load i64, ptr %cr{n}.a\n{b} = load i64, ptr %cr{n}.b\n{x} = load i8, ptr %cr{n}.x")
    to.append(f"{word} = and i8 {x}, {WORDS}\n{wide} = zext i8 {word} to i64")
    to.append(f"{unsigned} = and i8 {x}, {UNSIGNED}\n{flag} = zext i8 {unsigned} to i64\n{flip} = shl i64 {flag}, 59")
    if (so := s.summary()) is not None:
        one, two, three, four, with_so = (s.temp() for _ in range(5))
        to.append(f"{one} = load i8, ptr {so}\n{two} = and i8 {one}, 1\n{three} = lshr i8 {x}, 6\n{four} = and i8 {two}, {three}")
        to.append(f"{with_so} = or i8 {x}, {four}")
        x = with_so
    out = []
    for v in (a, b):
        shifted, flipped = s.temp(), s.temp()
        to.append(f"{shifted} = shl i64 {v}, {wide}\n{flipped} = xor i64 {shifted}, {flip}")
        out.append(flipped)
    return out[0], out[1], x


def pack(s: RegionLowering, slot: Slot, to: list[str], result: str | None = None) -> str:
    """The field's value."""
    a, b, x = read(s, slot, to)
    less, greater, one, base, rest = (s.temp() for _ in range(5))
    result = result or s.temp()
    to.append(f"{less} = icmp slt i64 {a}, {b}\n{greater} = icmp sgt i64 {a}, {b}")
    to.append(f"{one} = select i1 {greater}, i8 {GT}, i8 {EQ}\n{base} = select i1 {less}, i8 {LT}, i8 {one}")
    to.append(f"{rest} = and i8 {x}, 15\n{result} = xor i8 {base}, {rest}")
    return result


def bit(s: RegionLowering, operands: tuple[str, str, str], n: int, result: str) -> None:
    """Bit n (0: SO, 3: LT) of a field that was read."""
    a, b, x = operands
    shifted, flip = s.temp(), s.temp()
    if n == 0:
        s.emit(f"{result} = trunc i8 {x} to i1")
        return
    holds = s.temp()
    s.emit(f"{holds} = icmp {('eq', 'sgt', 'slt')[n - 1]} i64 {a}, {b}")
    s.emit(f"{shifted} = lshr i8 {x}, {n}\n{flip} = trunc i8 {shifted} to i1\n{result} = xor i1 {holds}, {flip}")
