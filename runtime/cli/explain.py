"""Show one instruction at every stage: declaration and fields, IR as the body says it, folded and swept, the Python function that carries
it out where it traps (of privileged instructions, or if asked for), LLVM text and host assembly of its interpreter handler and of a
region that holds only this instruction.

    ppcdbt explain 7c632214
    ppcdbt explain add. --stage ir
    ppcdbt explain 'lwz r3,8(r4)' --mode 64le --stage asm
"""

from __future__ import annotations

import argparse
import re
from typing import TYPE_CHECKING, Any

from . import options as o
from .errors import UserError

if TYPE_CHECKING:
    from dbt.ir.builder import Builder
    from dbt.mode import Mode

STAGES = ("fields", "ir", "python", "llvm", "asm")
# what example operands a mnemonic alone stands for
EXAMPLES = {"RT": 3, "RS": 3, "RA": 4, "RB": 5, "RC": 6, "FRT": 1, "FRS": 1, "FRA": 2, "FRB": 3, "FRC": 4, "RTp": 4, "RSp": 4,
            "SI": 8, "UI": 8, "D": 8, "DS": 8, "SH": 3, "ME": 31, "BO": 20, "BD": 8, "LI": 8, "FXM": 1, "TO": 31}  # fmt: skip


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("what", nargs="+", metavar="WORD|MNEMONIC", help="eight hexadecimal digits, a mnemonic, or a whole instruction")
    parser.add_argument("--mode", default="64be", metavar="MODE", help="64be (default), 32be, 64le or 32le; -user for problem state")
    parser.add_argument("--stage", choices=(*STAGES, "all"), action="append", help="only this stage (may be given again)")
    o.add_isa(parser)


def run(options: Any) -> int:
    o.load_isa(options)
    mode = mode_named(options.mode)
    stages = set(STAGES) if not options.stage or "all" in options.stage else set(options.stage)
    for word in words(options.what):
        explain(word, mode, stages)
    return 0


def mode_named(text: str) -> Mode:
    """A Mode from `64be-user`."""
    from dbt.mode import Mode

    found = re.fullmatch(r"(32|64)(be|le)(-user)?(-trap)?", text)
    if not found:
        raise UserError(f"--mode {text}: 64be, 32be, 64le or 32le, with -user for problem state")
    return Mode(found[1] == "64", found[2] == "le", bool(found[3]), bool(found[4]))


def words(given: list[str]) -> list[int]:
    """The words meant. A whole instruction may come as one argument or as several."""
    joined = " ".join(given)
    if all(re.fullmatch(r"0x[0-9a-fA-F]{1,8}|[0-9a-fA-F]{8}", g) for g in given):
        return [int(g, 16) for g in given]
    if " " not in joined.strip():
        return [example(joined)]
    from dbt.frontend.assembler import AssemblyError, assemble

    try:
        return assemble(joined)
    except AssemblyError as e:
        raise UserError(f"{joined!r}: {e}") from None


def example(mnemonic: str) -> int:
    """A word of the declaration with this mnemonic, with example operands."""
    from dbt.frontend.fields import FIELDS
    from dbt.frontend.forms import forms_named, known_mnemonics, spellings
    from dbt.frontend.insn import ISA, OPTIONS

    for insn in ISA.insns:
        for spelling, chosen in spellings(insn.template):
            if spelling == mnemonic:
                word = insn.bits
                for f in insn.fields:
                    if f.name not in OPTIONS.values() and f.name in EXAMPLES:
                        word |= f.insert(EXAMPLES[f.name])
                for name, on in dict(chosen).items():
                    word |= FIELDS[name].insert(int(on))
                return word
    from difflib import get_close_matches

    if forms_named(mnemonic):
        raise UserError(f"{mnemonic!r} is an extended mnemonic: give its operands too, as 'li r3,1'")
    near = get_close_matches(mnemonic, known_mnemonics(), 3)
    raise UserError(f"no instruction {mnemonic!r}{': perhaps ' + ' or '.join(near) if near else ''} (words have eight hexadecimal digits)")


def heading(text: str) -> None:
    print(f"\n-- {text} {'-' * max(3, 116 - len(text))}")


def explain(word: int, mode: Mode, stages: set[str]) -> None:
    """Print the stages of one word."""
    from dbt.frontend.disassembler import disassemble
    from dbt.frontend.translate import decode

    found = decode(word)
    print(f"{word:#010x}  {disassemble(word)}  [{mode}]")
    if found is None:
        print("no declaration matches this word: it raises the illegal-instruction program interrupt")
        return
    insn = found.insn
    if "fields" in stages:
        heading("declaration and fields")
        remarks = [f"since {insn.since}"] + ["privileged"] * insn.privileged + [f"needs {insn.needs}"] * bool(insn.needs)
        print(f'@insn("{insn.syntax}", "{insn.box}")   {insn.module}.{insn.semantics.__name__}')
        print(f"section {insn.section or '?'}; {', '.join(remarks)}; mask {insn.mask:#010x}, bits {insn.bits:#010x}, ignored {insn.reserved:#010x}")
        print("  ".join(f"{name}={value}" for name, value in (found.fields | insn.constants).items()))
    from dbt.frontend.fork import resolve
    from dbt.frontend.translate import block, handlers
    from dbt.ir.sweep import sweep
    from dbt.ir.text import print_block

    if "ir" in stages:
        heading("IR as the body says it, nothing folded")
        print(print_block(unfolded(word, mode)), end="")
        known = block([word], mode).ir
        heading("IR folded while it was built")
        print(print_block(known), end="")
        heading("... and swept: this is what a region is made from")
        print(print_block(sweep(known)), end="")
    if "python" in stages and (insn.privileged or len(stages) == 1):
        from dbt.frontend.translate import anywhere
        from dbt.ir.python import source

        heading("Python function: what an exit of it does (--privileged trap)")
        print(source(sweep(anywhere(word, mode._replace(trap=False)).ir), {}), end="")
    if not stages & {"ir", "llvm", "asm"}:
        return
    tree, variants = handlers(insn)
    number = resolve(tree, word, mode)
    generic = sweep(variants[number])
    if "ir" in stages:
        heading(f"IR of interpreter handler {number + 1} of {len(variants)}: fields unknown")
        print(print_block(generic), end="")
    if stages & {"llvm", "asm"}:
        host_code(word, mode, generic, stages)


def unfolded(word: int, mode: Mode) -> Builder:
    """The block of one instruction from a builder that only writes down."""
    from dbt.frontend.context import Bank, Context
    from dbt.frontend.translate import build
    from dbt.ir import ops
    from dbt.ir.builder import Builder, Value

    class Plain(Builder):
        def emit(self, op: Any, operands: Any, ty: Any = None, imm: Any = None) -> Value:
            args, _, ty = self._typed(op, operands, ty)
            return self._append(op, args, ty, imm)

        def get(self, slot: Any) -> Value:
            return self._append(ops.get, (), slot.type, slot)

    c = Context(mode)
    c.ir = Plain()
    for name, bank in list(vars(c).items()):
        if isinstance(bank, Bank):
            setattr(c, name, Bank(c.ir, bank._slot.name))
    build(c, word, 0)
    return c.ir


def host_code(word: int, mode: Mode, generic: Builder, stages: set[str]) -> None:
    """LLVM and assembly of the handler and of a region."""
    from dbt.backend.compiler import assembly
    from dbt.backend.handlers import Handler
    from dbt.backend.llvm import RUNTIME, declarations
    from dbt.backend.metadata import METADATA
    from dbt.backend.translator import PASSES, region_text
    from dbt.backend.userops import link_user_ops

    handler = Handler("handler")
    body = handler.text(generic)
    operations, modules = link_user_ops(handler.user_ops)
    helpers = [f"declare i64 @{h}(ptr, i64, i64, i64)" for h in sorted(handler.helpers)]
    whole = declarations([*RUNTIME, *helpers]) + operations + body + METADATA
    if "llvm" in stages:
        heading("LLVM of the interpreter handler")
        print(body, end="")
    if "asm" in stages:
        heading("host assembly of the interpreter handler")
        print(clean(assembly(whole, link=modules)))
    # The word after it is undefined, so that the region ends there.
    _, text, linked = region_text([word] + [0] * 1023, 0, mode, [])
    if "llvm" in stages:
        heading("LLVM of the region (the next word is undefined)")
        print(only_function(text), end="")
    if "asm" in stages:
        heading("host assembly of the region")
        print(clean(assembly(text, passes=2 if linked else PASSES, link=linked)))


def only_function(text: str) -> str:
    """A module's text from its first definition on, without metadata."""
    at = text.find("\ndefine")
    end = text.find("\n!", at)
    return text[at + 1 : end if end > 0 else None] + "\n"


def clean(text: str) -> str:
    """Assembly without the directives that say nothing about the code."""
    keep = [line for line in text.splitlines() if not re.match(r"\s+\.(?!byte|long|quad|zero)\w+|\s*#|\.Lfunc_", line)]
    return "\n".join(line for line in keep if line.strip())
