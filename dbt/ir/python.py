"""A block as one Python function, for blocks that Python carries out often: what evaluate says of them, decided once.

The function consists of the operations' own bodies (ops.py), so that nothing is said twice about what they mean: those that are one
expression in their place, calls of the others. Registers it reads and writes in place; for all else it asks a Machine, as the evaluator
does.
"""

from __future__ import annotations

import ast
import builtins
import copy
import inspect
import textwrap
from collections.abc import Callable
from functools import lru_cache
from typing import Any

from . import ops
from .builder import Builder, Value
from .evaluate import Left, Machine
from .ops import Op
from .terminals import Branch, Jump
from .types import M64

# How a block was left: None, it fell through; a number, the address it jumps to; else an exit: kind, payload, whether its instruction is
# complete, index of that instruction in the block.
Way = int | tuple[int, int, bool, int] | None
# Of the vCPU record as doublewords, as words and as bytes (in the host's order, little-endian), a machine for the rest, and the effective
# address of the block, whose `base` and `offset` it knows thereby.
Function = Callable[[Any, Any, Any, Machine, int], Way]
_WITHIN = (ops.and_, ops.or_, ops.xor, ops.shr, ops.select, ops.zext)  # operands within their types give a result within its type
_VIEWS = {64: ("q", 8), 32: ("w", 4), 8: ("b", 1)}  # width of a register: the argument that has it, and its bytes


def function(ir: Builder) -> Function:
    """The function of a block."""
    names: dict[str, Any] = {"Left": Left}
    exec(compile(source(ir, names), "<block>", "exec"), names)
    made: Function = names["block"]
    return made


def source(ir: Builder, names: dict[str, Any]) -> str:
    """The text of the function; what it refers to is added to `names`."""
    lines = ["def block(q, w, b, m, pc):"]

    def number(v: Value) -> str:
        return hex(v.imm) if v.op is None else f"v{v.id}"

    def known(name: str, what: Any) -> str:
        names[name] = what
        return name

    def result(v: Value, expression: str) -> str:
        return f" v{v.id} = {expression} & {v.ty.mask:#x}" if v.ty.bits else f" {expression}"

    for v in ir.body:
        op, args = v.op, [number(a) for a in v.args]
        assert op is not None
        imm = "" if v.imm is None else known(f"i{v.id}", v.imm)
        if op is ops.get:
            lines.append(f" v{v.id} = {_read(v.imm)}  # {v.imm}")
        elif op is ops.put:
            lines += [f" {line}  # {v.imm}" for line in _write(v.imm, args[0])]
        elif op is ops.exit_if:
            lines.append(f" if {args[0]}: return {v.imm.kind:d}, {args[1]}, {bool(v.imm.after)}, {v.imm.at}")
        elif op in (ops.load, ops.store, ops.compare_and_store):
            ty = known(f"t{v.id}", v.ty if op is ops.load else v.args[1].ty)
            lines += [" try:", " " + result(v, f"m.{op}({', '.join((*args, ty, imm))})"),
                      f" except Left as left: return left.kind, left.payload, False, {v.imm.at}"]  # fmt: skip
        elif op is ops.call:
            lines.append(result(v, f"m.call({', '.join((imm, *args))})"))
            if v.imm.exits:
                lines += [" left = m.exited()", f" if left is not None: return *left, {bool(v.imm.after)}, {v.imm.at}"]
        elif op in (ops.getx, ops.putx):
            lines.append(result(v, f"m.{op}({', '.join((imm, *args))})"))
        elif op is ops.icount:
            lines.append(result(v, f"(m.icount() + {v.imm or 0})"))
        elif op is ops.base:
            lines.append(f" v{v.id} = pc & {M64 - 4095:#x}")
        elif op is ops.offset:
            lines.append(f" v{v.id} = pc & 4095")
        elif op is ops.word:
            lines.append(result(v, "m.word()"))
        elif op is not ops.fence:  # one vCPU sees its own accesses in order
            if op.raises is not None:
                raises = known(f"raises_{op}", op.raises)
                lines.append(f" m.raised({raises}({', '.join((*args, *([f'imm={imm}'] if op.takes_imm else [])))}))")
            meaning = _meaning(op, args, _widths(v, imm), names)
            lines.append(f" v{v.id} = {meaning}" if op in _WITHIN else result(v, meaning))
    match ir.end:
        case None:
            lines.append(" return None")
        case Jump(target):
            lines.append(f" return {number(target)}")
        case Branch(condition, target):
            lines.append(f" return {number(target)} if {number(condition)} else None")
        case stop:
            lines.append(f" return {stop.kind:d}, {number(stop.payload)}, {bool(stop.after)}, {ir.at}")
    return "\n".join(lines) + "\n"


def _read(slot: Any) -> str:
    if slot.type.bits == 128:
        return f"q[{slot.offset // 8}] | q[{slot.offset // 8 + 1}] << 64"
    view, size = _VIEWS[slot.type.bits]
    return f"{view}[{slot.offset // size}]"


def _write(slot: Any, value: str) -> list[str]:
    if slot.type.bits == 128:
        return [f"q[{slot.offset // 8}] = {value} & {M64:#x}", f"q[{slot.offset // 8 + 1}] = {value} >> 64"]
    return [f"{_read(slot)} = {value}"]


def _widths(v: Value, imm: str) -> dict[str, str]:
    """The widths and the immediate that an operation's body wants."""
    op = v.op
    assert op is not None
    n, m = op.widths(v)
    return {name: str(given) for name, given, wanted in (("w", n, op.takes_w), ("m", m, op.takes_m), ("imm", imm, op.takes_imm)) if wanted}


def _meaning(op: Op, args: list[str], widths: dict[str, str], names: dict[str, Any]) -> str:
    """An expression for the result of an operation, not cut to its type."""
    body = _expression(op)
    if body is None:
        names[f"op_{op}"] = op.eval
        return f"op_{op}({', '.join((*args, *(f'{name}={given}' for name, given in widths.items())))})"
    given = dict(zip(inspect.signature(op.eval).parameters, args, strict=False)) | widths

    class Place(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.Name:
            if node.id in given:
                return ast.Name(given[node.id], ast.Load())
            if hasattr(builtins, node.id):
                return node
            names[f"{op}_{node.id}"] = op.eval.__globals__[node.id]
            return ast.Name(f"{op}_{node.id}", ast.Load())

    return f"({ast.unparse(Place().visit(copy.deepcopy(body)))})"


@lru_cache(maxsize=None)
def _expression(op: Op) -> ast.expr | None:
    """An operation's body, if it is one expression whose names are its parameters and its module's."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(op.eval))).body[0]
    except OSError:  # of a module without its source
        return None
    body = tree.body[bool(ast.get_docstring(tree)) :] if isinstance(tree, ast.FunctionDef) else []
    if len(body) != 1 or not isinstance(body[0], ast.Return) or op.eval.__closure__:
        return None
    return None if any(isinstance(n, ast.comprehension | ast.Lambda) for n in ast.walk(body[0])) else body[0].value
