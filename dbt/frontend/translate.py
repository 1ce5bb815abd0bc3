"""From a declaration to IR: run a body with known fields (a translation) or unknown ones (interpreter handlers)."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

from ..exits import Exit
from ..ir import ops
from ..ir.builder import Builder
from ..ir.types import i1
from ..mode import ANY, Mode
from .context import FACILITY, Context
from .fork import Question, Tracer, explore
from .insn import ISA, Insn


class Decoded(NamedTuple):
    """A word taken apart."""

    insn: Insn
    fields: dict[str, int]


@lru_cache(maxsize=1 << 16)
def decode(word: int, level: int = ANY) -> Decoded | None:
    """The instruction and its field values, or None for an encoding that a processor of this level does not have."""
    found = ISA.decode(word, level)
    return None if found is None else Decoded(found, {f.name: f.extract(word) for f in found.fields})


def _apply(c: Context, insn: Insn, fields: dict[str, Any]) -> None:
    if insn.privileged and c.privileged():
        return
    if insn.needs:
        low, _, high = insn.needs.partition("|")
        # "vsx|vec": which facility depends on the first operand, VSR 0-31 or 32-63
        shift, vector = FACILITY[high if high and fields[insn.fields[0].name] >> 5 else low]
        c.exit_if(~((c.msr >> shift).to(i1)), Exit.FACILITY, vector)
    wanted = insn.semantics.__code__.co_varnames[1 : insn.semantics.__code__.co_argcount]
    c.insn = insn
    insn.semantics(c, **{k: v for k, v in (fields | insn.constants).items() if k in wanted})


def build(c: Context, word: int, offset: Any) -> bool:
    """Append one known instruction to the block of `c`; False (and an illegal exit) if the word is undefined."""
    c.offset, c.word = offset, word
    found = decode(word, c.level)
    if found is None:
        c.illegal()
        return False
    _apply(c, found.insn, found.fields)
    return True


def handlers(insn: Insn) -> tuple[Question | int, list[Builder]]:
    """The interpreter's variants of an instruction: the tree of questions that choose one, and their blocks."""

    def run(tracer: Tracer) -> Builder:
        c = Context(None, tracer)
        word = c.ir.emit(ops.word, ())
        c.word = word
        c.offset = c.ir.emit(ops.offset, ())
        fields: dict[str, Any] = {}
        for f in insn.fields:
            x = f.extract(word)
            x.weak = frozenset((f,))
            fields[f.name] = x
        _apply(c, insn, fields)
        return c.ir

    return explore(run, insn.syntax)


def anywhere(word: int, mode: Mode) -> Context:
    """A block of one known instruction that may be at any address."""
    c = Context(mode)
    build(c, word, c.ir.emit(ops.offset, ()))
    return c


def block(words: list[int], mode: Mode, offset: int = 0) -> Context:
    """A block of known instructions, as one straight line, up to the first that ends it."""
    c = Context(mode)
    for n, word in enumerate(words):
        c.ir.at = n
        build(c, word, offset + 4 * n)
        if c.ir.end is not None:
            break
    return c
