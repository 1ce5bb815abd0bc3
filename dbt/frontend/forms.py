"""Ways to write an instruction: its declared syntax, and its extended mnemonics. One class serves both directions.

An extended mnemonic is one line, `alias("slwi[.] RA,RS,n", "rlwinm[.] RA,RS,n,0,31-n")`. The right side says what the
declared operands are, as linear expressions of the ones written; reading it backwards solves for them. `[n]` is an
operand left out where it is 0.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from .fields import FIELDS, Field
from .insn import ISA, OPTIONS, Insn


class Linear(NamedTuple):
    """constant + sum of factor * operand."""

    constant: int
    terms: tuple[tuple[str, int], ...]

    def value(self, operands: dict[str, int]) -> int:
        """Its number for given operands."""
        return self.constant + sum(operands[name] * factor for name, factor in self.terms)

    @property
    def bare(self) -> str | None:
        """The operand it is, if it is just that."""
        return self.terms[0][0] if len(self.terms) == 1 and self.terms[0][1] == 1 and not self.constant else None


def linear(text: str) -> Linear:
    """`4*c+2`, `31-n`, `b+n`, `RA`, `0`."""
    constant, terms = 0, []
    for sign, part in re.findall(r"([+-]?)([^+-]+)", text.replace(" ", "")):
        factor, _, name = part.rpartition("*")
        scale = int(factor or 1) * (-1 if sign == "-" else 1)
        if name.isdigit():
            constant += int(name) * scale
        else:
            terms.append((name, scale))
    return Linear(constant, tuple(terms))


class Item(NamedTuple):
    """One written operand, between commas: `RT`, `D(RA)`, `[BH]`."""

    names: tuple[str, ...]
    optional: bool
    paren: bool


def items(operands: str) -> tuple[Item, ...]:
    """The operand list of a syntax."""
    return tuple(
        Item(tuple(re.findall(r"[A-Za-z]\w*", t)), t.startswith("["), t.endswith(")"))
        for t in operands.replace(" ", "").split(",") if t
    )  # fmt: skip


@dataclass(frozen=True, eq=False, slots=True)
class Form:
    """One way to write one instruction."""

    mnemonic: str  # with [o], [.], [l], [a] where they vary
    items: tuple[Item, ...]
    insn: Insn
    fixed: dict[str, int]  # option fields this spelling fixes
    values: dict[str, Linear]  # operand fields of the instruction, from written operands
    printed: bool
    guard: Callable[..., bool] | None

    def field(self, name: str) -> Field:
        """How a written operand is written: as its field; `c` is a CR field, another small letter a plain number."""
        if name in FIELDS:
            return FIELDS[name]
        into = next(f for f, e in self.values.items() if name in dict(e.terms))
        return FIELDS["BF"] if name == "c" else FIELDS[into]._replace(name=name, kind="number")

    def operands(self, fields: dict[str, int]) -> dict[str, int] | None:
        """The written operands of an instruction with these fields, or None if it cannot be written so."""
        if any(fields[name] != v for name, v in self.fixed.items()):
            return None
        known: dict[str, int] = {}
        todo = list(self.values.items())
        while todo:
            rest = []
            for name, e in todo:
                unknown = [t for t in e.terms if t[0] not in known]
                if not unknown:
                    if (e.value(known) - fields[name]) & self._wrap(name):
                        return None
                elif len(unknown) == 1:
                    left = fields[name] - e.constant - sum(known[n] * k for n, k in e.terms if n in known)
                    if left % unknown[0][1]:
                        return None
                    known[unknown[0][0]] = left // unknown[0][1]
                else:
                    rest.append((name, e))
            if len(rest) == len(todo):
                return None
            todo = rest
        fits = all(v >= self.field(n).base or self.field(n).signed for n, v in known.items())
        return known if fits and (self.guard is None or self.guard(**known)) else None

    def _wrap(self, field: str) -> int:
        return -1 if FIELDS[field].signed else (1 << FIELDS[field].bits) - 1

    def fields(self, operands: dict[str, int], options: dict[str, int]) -> dict[str, int]:
        """The instruction's operand fields for written operands. ValueError if they cannot be."""
        if self.guard is not None and not self.guard(**operands):
            raise ValueError(f"{self.mnemonic}: no such operands {operands}")
        out = self.fixed | options
        for name, e in self.values.items():
            v = e.value(operands)
            if e.bare is None and len(e.terms) and FIELDS[name].kind == "number":
                v = v & self._wrap(name)  # srwi by 0: SH is 32-0, that is 0
            out[name] = v
        return out


ALIASES: list[tuple[str, str, bool, Callable[..., bool] | None]] = []
_FORMS: dict[str, list[Form]] = {}  # concrete mnemonic -> forms
_BY_INSN: dict[int, list[Form]] = {}  # index of declaration -> aliases, then itself
_made_for = (-1, -1)


def alias(syntax: str, means: str, *, printed: bool = True, guard: Callable[..., bool] | None = None) -> None:
    """Declare an extended mnemonic. Not `printed`: the assembler knows it, the disassembler does not use it (objdump
    does not either). guard: operands it applies to. Earlier declarations are preferred."""
    ALIASES.append((syntax, means, printed, guard))


def spellings(mnemonic: str) -> list[tuple[str, dict[str, int]]]:
    """Every concrete spelling of `add[o][.]`, with the option fields each stands for."""
    found = re.search(r"\[([ol.a])\]", mnemonic)
    if not found:
        return [(mnemonic, {})]
    name = OPTIONS[found[0]]
    return [
        (s, {name: v} | rest)
        for v, put in ((0, ""), (1, found[1]))
        for s, rest in spellings(mnemonic[: found.start()] + put + mnemonic[found.end() :])
    ]


def _declared(insn: Insn) -> Form:
    shown = items(insn.operands)
    names = [n for i in shown for n in i.names if any(f.name == n for f in insn.fields)]
    hidden = {f.name: 0 for f in insn.fields if f.name not in names and f.name not in OPTIONS.values()}
    return Form(insn.template, shown, insn, hidden, {n: linear(n) for n in names}, True, None)


def _tables() -> None:
    """Rebuild after new declarations (a user's module may add its own at any time)."""
    global _made_for
    if _made_for == (len(ISA), len(ALIASES)):
        return
    _FORMS.clear()
    _BY_INSN.clear()
    base: dict[str, list[tuple[Form, dict[str, int]]]] = {}
    declared = [_declared(i) for i in ISA.insns]
    for form in declared:
        for s, options in spellings(form.mnemonic):
            base.setdefault(s, []).append((form, options))
            _FORMS.setdefault(s, []).append(form)
    for syntax, means, printed, guard in ALIASES:
        mnemonic, _, written = syntax.partition(" ")
        target, _, given = means.partition(" ")
        values = [linear(t) for t in re.split(r"[,()]", given) if t]
        for form, options in base.get(re.sub(r"\[.\]", "", target), ()):
            names = [n for i in form.items for n in i.names if n in form.values]
            if len(names) != len(values):
                continue
            varies = {OPTIONS[m] for m in re.findall(r"\[[ol.a]\]", target)}
            fixed = form.fixed | {k: v for k, v in options.items() if k not in varies}
            made = Form(mnemonic, items(written), form.insn, fixed, dict(zip(names, values, strict=True)), printed, guard)
            for s, _ in spellings(mnemonic):
                _FORMS.setdefault(s, []).append(made)
            if printed:
                _BY_INSN.setdefault(form.insn.index, []).append(made)
    for form in declared:
        _BY_INSN.setdefault(form.insn.index, []).append(form)
    _made_for = (len(ISA), len(ALIASES))


def forms_of(insn: Insn) -> list[Form]:
    """How the disassembler may write an instruction, in order of preference; the declared syntax is the last."""
    _tables()
    return _BY_INSN[insn.index]


def forms_named(mnemonic: str) -> list[Form]:
    """What a mnemonic may mean to the assembler."""
    _tables()
    return _FORMS.get(mnemonic, [])


def known_mnemonics() -> list[str]:
    """Every spelling the assembler takes."""
    _tables()
    return sorted(_FORMS)
