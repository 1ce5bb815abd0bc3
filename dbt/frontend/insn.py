"""How an instruction is declared: syntax, encoding box and meaning in one place.

    @insn("addi RT,RA,SI", "14 RT RA SI")
    def addi(c, RT, RA, SI):
        c.gpr[RT] = c.gpr_or_zero(RA) + SI

The box is the instruction's row in the manual, left to right. A token is a field name (fields.py); a number, which
fills the bits up to the next field or, as `266:10`, that many bits; or `/`, reserved bits that hardware ignores
(`/:5` says how many). Optional parts of the mnemonic belong to fields: [o] OE, [.] Rc, [l] LK, [a] AA.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from ..mode import ANY, LEVELS, level_of
from .fields import FIELDS, Field

OPTIONS = {"[o]": "OE", "[.]": "Rc", "[l]": "LK", "[a]": "AA"}


@dataclass(eq=False, slots=True)
class Insn:
    """One declaration. `mask` and `bits`: a word w is this instruction if w & mask == bits."""

    syntax: str
    box: str
    mask: int
    bits: int
    fields: tuple[Field, ...]
    semantics: Callable[..., None]
    constants: dict[str, Any]
    privileged: bool
    since: str
    needs: str
    section: str
    module: str
    levels: range  # places in mode.LEVELS of those that have it
    index: int = field(default=-1)

    @property
    def template(self) -> str:
        """The mnemonic with its optional parts: `add[o][.]`."""
        return self.syntax.split()[0]

    @property
    def name(self) -> str:
        """The mnemonic without its optional parts: `add`."""
        return re.sub(r"\[.\]", "", self.template)

    @property
    def operands(self) -> str:
        """The operand list as written: `RT,D(RA)`."""
        return self.syntax.partition(" ")[2]

    @property
    def reserved(self) -> int:
        """Bits that neither select the instruction nor belong to a field: hardware ignores them."""
        used = self.mask
        for f in self.fields:
            used |= f.mask
        return ~used & 0xFFFF_FFFF

    def mnemonic(self, word: int) -> str:
        """The mnemonic of this particular word: `addo.`."""
        out = self.template
        for mark, name in OPTIONS.items():
            if mark in out:
                out = out.replace(mark, mark[1] if FIELDS[name].extract(word) else "")
        return out

    def __repr__(self) -> str:
        return f"<{self.syntax}>"


class DeclarationError(ValueError):
    """A malformed or overlapping declaration; says which and at which bit."""


class InsnSet:
    """All declarations, in order. `decode` finds the one a word belongs to."""

    def __init__(self) -> None:
        self.insns: list[Insn] = []
        self._by_primary: dict[int, list[Insn]] = {}

    def add(self, new: Insn) -> None:
        """Register a declaration; DeclarationError if some word would belong to two of them."""
        row = self._by_primary.setdefault(new.bits >> 26, [])
        for old in row:
            both = old.mask & new.mask
            apart = old.levels.stop <= new.levels.start or new.levels.stop <= old.levels.start
            nested = old.mask != new.mask and both in (old.mask, new.mask)  # one is a special case of the other: it wins
            if not (old.bits ^ new.bits) & both and not nested and not apart:
                word, only = old.bits | new.bits, old.mask ^ new.mask
                where = f"bit {31 - (only.bit_length() - 1)} is fixed in one of them only" if only else "they fix the same bits alike"
                raise DeclarationError(f"{new.syntax!r} overlaps {old.syntax!r}: word {word:#010x} is both; {where}")
        new.index = len(self.insns)
        self.insns.append(new)
        row.append(new)
        row.sort(key=lambda i: -i.mask.bit_count())

    def decode(self, word: int, level: int = ANY) -> Insn | None:
        """The instruction `word` encodes (the most specific declaration) on a processor of a level, or None."""
        for i in self._by_primary.get(word >> 26, ()):
            if word & i.mask == i.bits and (level == ANY or level in i.levels):
                return i
        return None

    def __iter__(self) -> Iterable[Insn]:  # type: ignore[override]
        return iter(self.insns)

    def __len__(self) -> int:
        return len(self.insns)


ISA = InsnSet()


def insn(syntax: str, box: str, *, privileged: bool = False, since: str = "PPC", until: str = "", needs: str = "", section: str = "",
         **constants: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:  # fmt: skip
    """Declare the decorated body as the meaning of an instruction.

    privileged: only allowed with MSR[PR] = 0. since: first architecture level ("P1", "PPC", "2.00", "2.03" ... "3.0B").
    until: the first one without it again; a word that a CPU model's level does not have is an illegal instruction.
    needs: facility that must be enabled ("fp", "vec", "vsx"; "vsx|vec": the second where the first field of the box is a VSR
    from 32 on). section: where the manual defines it, as "I 3.3.9".
    Other keywords are passed to the body, so that several declarations can share one.
    """

    def register(body: Callable[..., None]) -> Callable[..., None]:
        mask, bits, fields = parse_box(box)
        wants = set(inspect.signature(body).parameters) - {"c"}
        gives = {f.name for f in fields} | set(constants)
        if missing := wants - gives:
            raise DeclarationError(f"{syntax!r}: the body takes {sorted(missing)}, which {box!r} does not give")
        shown = set(re.findall(r"[A-Za-z]\w*", syntax.partition(" ")[2]))
        if unknown := shown - gives:
            raise DeclarationError(f"{syntax!r}: operand {sorted(unknown)[0]} is no field of {box!r}")
        if unused := {k for k in constants if k not in wants}:
            raise DeclarationError(f"{syntax!r}: {sorted(unused)[0]}= is no parameter of the body")
        levels = range(level_of(since), level_of(until) if until else len(LEVELS) - 1)
        ISA.add(Insn(syntax, box, mask, bits, fields, body, constants, privileged, since, needs, section, body.__module__, levels))
        return body

    return register


def parse_box(box: str) -> tuple[int, int, tuple[Field, ...]]:
    """(mask, bits, fields) of an encoding box. DeclarationError names the bit where it goes wrong."""
    tokens = box.split()
    at = mask = bits = 0
    fields: list[Field] = []
    for n, token in enumerate(tokens):
        if token in FIELDS:
            f = FIELDS[token]
            start = at
            while (piece := next((p for p in f.pieces if p[0] == at), None)) is not None:
                at = piece[1] + 1
            if at == start:
                raise DeclarationError(f"{box!r}: {token} belongs at bit {f.pieces[0][0]}, found at bit {at}")
            if f not in fields:
                fields.append(f)
            continue
        literal, _, width = token.partition(":")
        if width:
            end = at + int(width)
        elif at == 0:
            end = 6
        elif n + 1 == len(tokens):
            end = 32
        elif tokens[n + 1] in FIELDS:
            end = min((p[0] for p in FIELDS[tokens[n + 1]].pieces if p[0] > at), default=at)
        else:
            end = at + 1 if literal == "/" else at
        if end <= at or end > 32:
            raise DeclarationError(f"{box!r}: give {token} at bit {at} a width, as {literal}:n")
        if literal != "/":
            if int(literal) >> (end - at):
                raise DeclarationError(f"{box!r}: {literal} does not fit in the {end - at} bits from bit {at}")
            mask |= ((1 << (end - at)) - 1) << (32 - end)
            bits |= int(literal) << (32 - end)
        at = end
    if at != 32:
        raise DeclarationError(f"{box!r}: covers {at} bits, not 32")
    for f in fields:
        if f.mask & mask:
            raise DeclarationError(f"{box!r}: a piece of {f.name} is covered by a fixed bit: name the field at each of its places")
    return mask, bits, tuple(fields)
