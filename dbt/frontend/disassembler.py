"""Text of an instruction, from its declaration, as GNU objdump writes it."""

from __future__ import annotations

from functools import cache

from ..ir import ops
from ..mode import Mode
from . import aliases as aliases
from .context import Context
from .fields import FIELDS, Field
from .forms import Form, Item, forms_of
from .insn import OPTIONS, Insn
from .translate import _apply, decode

CR_BITS = ("lt", "gt", "eq", "so")
PREFIX = {"gpr": "r", "fpr": "f", "vr": "v", "vsr": "vs", "cr": "cr"}
M64 = (1 << 64) - 1


@cache
def zero_means_none(insn: Insn) -> bool:
    """Whether RA = 0 stands for the number 0 and not GPR 0: the body does not touch GPR 0 then."""
    if not any(f.name == "RA" for f in insn.fields):
        return False
    if _touches(insn, 0):
        return False
    return _touches(insn, 31) or any(f.name == "RB" for f in insn.fields)  # an address that nobody uses, as dcbt's


def _touches(insn: Insn, ra: int) -> bool:
    """Whether the body reads or writes the register in field RA."""
    c = Context(Mode(pr=False))
    fields = (
        {f.name: (6 + n) << f.scale for n, f in enumerate(insn.fields)} | dict.fromkeys(OPTIONS.values(), 0) | {"RA": ra}
    )
    try:
        _apply(c, insn, fields)
    except Exception:  # a body that refuses these fields says nothing
        return False
    return any(v.op in (ops.get, ops.put) and v.imm.name == f"gpr{ra}" for v in c.ir.body)


def operand(f: Field, value: int, pc: int = 0, absolute: bool = False) -> str:
    """An operand as written."""
    if f.kind == "crbit":
        return f"4*cr{value >> 2}+{CR_BITS[value & 3]}" if value >> 2 else CR_BITS[value]
    if f.kind == "target":
        return f"{(value if absolute else pc + value) & M64:#x}"
    if f.kind == "count":
        return str(value or 32)
    return f"{PREFIX.get(f.kind, '')}{value}"


def disassemble(word: int, pc: int = 0) -> str:
    """The instruction at `pc`, or `.long 0x...` for an undefined encoding."""
    found = decode(word)
    if found is None:
        return f".long {word:#x}"
    for form in forms_of(found.insn):
        written = form.operands(found.fields)
        if written is not None:
            return _write(form, found.fields, written, pc)
    return f".long {word:#x}"


def _write(form: Form, fields: dict[str, int], written: dict[str, int], pc: int) -> str:
    insn = form.insn
    mnemonic = form.mnemonic
    for mark, name in OPTIONS.items():
        mnemonic = mnemonic.replace(mark, mark[1] if fields.get(name) else "")
    bare_zero = zero_means_none(insn)

    def one(name: str) -> str:
        if name not in written:  # a constant of the declaration
            value = insn.constants[name]
            return operand(FIELDS[name], value) if name in FIELDS else str(value)
        if name == "RA" and bare_zero and written[name] == 0:
            return "0"
        return operand(form.field(name), written[name], pc, bool(fields.get("AA")))

    out = []
    for n, item in enumerate(form.items):
        later: list[Item] = [i for i in form.items[n:] if i.optional]
        if item.optional and not any(written[name] for i in later for name in i.names):
            continue
        out.append(f"{one(item.names[0])}({one(item.names[1])})" if item.paren else one(item.names[0]))
    return f"{mnemonic} {','.join(out)}".rstrip()
