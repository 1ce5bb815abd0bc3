"""Blocks as text, and back. What is printed parses to an equal block, so tests and bug reports can hold IR.

    block at=0 {
      %0:i64 = get gpr3
      %1:i64 = add %0, 0x10
      put gpr4, %1
      %3:i32 = load.be@0 %1
      %4:i1 = eq %3, 0x0
      exit_if TRAP+@0 %4, 0x0
      branch %4, %1
    }

A constant's type follows from its operation; where it does not, it is written: `0x1:i16`. `;` starts a comment.
"""

from __future__ import annotations

import re
from typing import Any

from ..exits import Exit
from ..state import SLOTS, Slot, slot
from . import ops
from .access import Access, Helper, Leave
from .builder import Builder, Value
from .ops import OPS, Op
from .terminals import Branch, Jump, Stop, Terminal
from .types import TYPES, Type, i1, i64, void

ONE_REGISTER, BANK = (ops.get, ops.put), (ops.getx, ops.putx)
TERMINALS = ("jump", "branch", "stop")


class ParseError(ValueError):
    """Text that is no block; says the line."""


def print_block(ir: Builder) -> str:
    """The block as text."""
    lines = [f"  {print_value(v)}" for v in ir.body]
    if ir.end is not None:
        lines.append(f"  {_print_end(ir.end)}")
    return "\n".join((f"block at={ir.at} {{", *lines, "}", ""))


def print_value(v: Value) -> str:
    """The line that defines a value."""
    op, imm = v.op, v.imm
    assert op is not None
    implied = _implied(op, v.ty, imm, [None if a.op is None else a.ty for a in v.args])
    args = [_print_operand(a, t) for a, t in zip(v.args, implied, strict=True)]
    name = op.name
    if op in ONE_REGISTER:
        args.insert(0, imm.name)
    elif op in BANK:
        args[0] = f"{imm.name}[{args[0]}]"
    elif isinstance(imm, Leave):
        args[0] = f"{_kind(imm.kind)}{'+' if imm.after else ''}@{imm.at} {args[0]}"
    elif isinstance(imm, Access):
        name += f".{imm!r}"
    elif op.takes_imm:
        name += f".{imm}" if imm < 256 else f".{imm:#x}"
    elif isinstance(imm, Helper):
        args[0] = f"{imm!r} {args[0]}"
    elif imm is not None:
        name += f"@{imm}" if op is ops.icount else f" {imm}"
    left = "" if v.ty == void else f"%{v.id}:{v.ty} = "
    return f"{left}{name} {', '.join(args)}".rstrip()


def _print_operand(a: Value, implied: Type | None) -> str:
    if a.op is not None:
        return f"%{a.id}"
    return f"{a.imm:#x}" if a.ty == implied else f"{a.imm:#x}:{a.ty}"


def _print_end(end: Terminal) -> str:
    if isinstance(end, Stop):
        return f"stop {_kind(end.kind)}{'+' if end.after else ''} {_print_operand(end.payload, i64)}"
    if isinstance(end, Jump):
        return f"jump {_print_operand(end.target, i64)}"
    return f"branch {_print_operand(end.condition, i1)}, {_print_operand(end.target, i64)}"


def _kind(kind: int) -> str:
    return Exit(kind).name if kind in set(Exit) else str(kind)


def _implied(op: Op, ty: Type, imm: Any, types: list[Type | None]) -> list[Type | None]:
    """The type each operand must have, as far as the rest of the line says (`types`: of operands that are not bare)."""
    n = ty if op.result == "N" else imm.type if isinstance(imm, Slot) else None
    n = n or next((t for want, t in zip(op.params, types, strict=True) if want == "N" and t), None)
    return [n if want == "N" else None if want == "M" else TYPES[want] for want in op.params]


class _Parser:
    def __init__(self, number: int) -> None:
        self.ir = Builder()
        self.number = number  # line
        self.names: dict[str, Value] = {}

    def fail(self, why: str) -> ParseError:
        return ParseError(f"line {self.number}: {why}")

    def operand(self, text: str) -> Value | tuple[int, Type | None]:
        """A value, or a constant and its type if it is written."""
        if text.startswith("%"):
            found = self.names.get(text[1:])
            if found is None:
                raise self.fail(f"{text} is not defined")
            return found
        number, _, ty = text.partition(":")
        if ty and ty not in TYPES:
            raise self.fail(f"no type {ty!r}")
        try:
            return int(number, 0), TYPES.get(ty)
        except ValueError:
            raise self.fail(f"expected an operand, found {text!r}") from None

    def typed(self, given: Value | tuple[int, Type | None], implied: Type | None) -> Value:
        if isinstance(given, Value):
            return given
        ty = given[1] or implied
        if ty is None:
            raise self.fail(f"say the type of {given[0]:#x}, as {given[0]:#x}:i64")
        return self.ir.const(given[0], ty)

    def register(self, name: str) -> Slot:
        try:
            return slot(name)
        except (KeyError, IndexError) as e:
            raise self.fail(str(e.args[0])) from None

    def kind(self, text: str) -> tuple[int, bool]:
        name = text.removesuffix("+")
        if name not in Exit.__members__ and not name.isdigit():
            raise self.fail(f"no kind of exit {name!r}")
        return int(name) if name.isdigit() else int(Exit[name]), text.endswith("+")

    def line(self, text: str) -> None:
        if self.ir.end is not None:
            raise self.fail("nothing may follow the terminal")
        left = re.match(r"%(\w+):(\w+)\s*=\s*", text)
        if left and left[2] not in TYPES:
            raise self.fail(f"no type {left[2]!r}")
        if left and left[1] in self.names:
            raise self.fail(f"%{left[1]} is defined twice")
        head, _, rest = text[left.end() if left else 0 :].partition(" ")
        args = [a.strip() for a in rest.split(",")] if rest.strip() else []
        if head in TERMINALS:
            self.ir.end = self.terminal(head, args)
            return
        name = re.split(r"[.@]", head)[0]
        op = OPS.get(name)
        if op is None:
            raise self.fail(f"no operation {name!r}")
        if bool(left) != (op.result != "void"):
            raise self.fail(f"{name} has {'no' if left else 'a'} result: {'do not ' if left else ''}write `%name:type = `")
        ty = TYPES[left[2]] if left else void
        imm = self.immediate(op, head[len(name) :], args)
        given = [self.operand(a) for a in args]
        if len(given) != len(op.params):
            raise self.fail(f"{name} takes {len(op.params)} operands, not {len(given)}")
        known = [g.ty if isinstance(g, Value) else g[1] for g in given]
        implied = _implied(op, ty, imm, known)
        v = self.ir._append(op, tuple(map(self.typed, given, implied)), ty, imm)
        if left:
            self.names[left[1]] = v

    def terminal(self, head: str, args: list[str]) -> Terminal:
        if len(args) != (2 if head == "branch" else 1):
            raise self.fail(f"{head} takes {2 if head == 'branch' else 1} operands")
        if head == "jump":
            return Jump(self.typed(self.operand(args[0]), i64))
        if head == "branch":
            return Branch(self.typed(self.operand(args[0]), i1), self.typed(self.operand(args[1]), i64))
        kind, after = self.kind(args[0].partition(" ")[0])
        return Stop(kind, self.typed(self.operand(args[0].partition(" ")[2].strip()), i64), after)

    def immediate(self, op: Op, suffix: str, args: list[str]) -> Any:
        """What the operation needs besides operands; taken off `args`."""
        if op in ONE_REGISTER:
            return self.register(args.pop(0) if args else "")
        if op in BANK:
            found = re.fullmatch(r"(\w+)\[(.*)\]", args[0] if args else "")
            if not found or found[1] not in SLOTS:
                raise self.fail(f"{op.name}: expected bank[index], found {args[0] if args else 'nothing'!r}")
            args[0] = found[2]
            return SLOTS[found[1]]
        if op in (ops.load, ops.store, ops.compare_and_store):
            found = re.fullmatch(r"\.(be|le)(\.aligned)?(?:@(\d+))?", suffix)
            if not found:
                raise self.fail(f"{op.name}: expected .be or .le, .aligned, @instruction, found {suffix!r}")
            return Access(found[1] == "le", bool(found[2]), int(found[3] or 0))
        if op is ops.icount:
            return int(suffix[1:]) if suffix else None
        if op.takes_imm:
            if not re.fullmatch(r"\.(\d+|0x[0-9a-f]+)", suffix):
                raise self.fail(f"{op.name}: expected its immediate, as {op.name}.8, found {suffix!r}")
            return int(suffix[1:], 0)
        if op is ops.mode_bit:
            return args.pop(0) if args else ""
        if op in (ops.call, ops.exit_if):
            first, _, args[0] = args[0].partition(" ") if args else ("", "", "")
            found = re.fullmatch(r"(\w+)(!?)(\+?)(?:@(\d+))?", first)
            if not found:
                raise self.fail(f"{op.name}: expected {'a helper' if op is ops.call else 'a kind of exit'}, found {first!r}")
            args[0] = args[0].strip()
            at = int(found[4] or 0)
            return (
                Helper(found[1], bool(found[2]), bool(found[3]), at)
                if op is ops.call
                else Leave(*self.kind(found[1] + found[3]), at)
            )
        if suffix:
            raise self.fail(f"{op.name} takes no {suffix!r}")
        return None


def parse_block(text: str) -> Builder:
    """The block a text describes. ParseError says the line."""
    parser = _Parser(0)
    opened = closed = False
    for number, raw in enumerate(text.splitlines(), 1):
        parser.number = number
        line = raw.partition(";")[0].strip()
        if not line:
            continue
        if closed:
            raise parser.fail("text after the block")
        if not opened:
            found = re.fullmatch(r"block(?:\s+at=(\d+))?\s*\{", line)
            if not found:
                raise parser.fail(f"expected `block at=0 {{`, found {line!r}")
            parser.ir.at, opened = int(found[1] or 0), True
        elif line == "}":
            closed = True
        else:
            parser.line(line)
    if not closed:
        raise parser.fail("the block is not closed with }" if opened else "no block here")
    return parser.ir
