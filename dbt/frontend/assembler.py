"""A small two-pass assembler on the declarations: for tests, examples and `ppcdbt asm`. Its syntax is GNU as's.

Labels (`name:`, and `1:` with `1f`, `1b`), `name = expression`, comments (`#`, `//`, `/* */`; `;` separates
statements), and the directives below. Registers are r3, 3 or %r3.
"""

from __future__ import annotations

import ast
import re
from collections import ChainMap
from collections.abc import Mapping
from difflib import get_close_matches

from . import aliases as aliases
from .expressions import ExpressionError, evaluate
from .fields import FIELDS, Field
from .forms import Form, Item, forms_named, known_mnemonics, spellings

SIZES = {
    ".byte": 1,
    ".short": 2,
    ".hword": 2,
    ".2byte": 2,
    ".long": 4,
    ".int": 4,
    ".4byte": 4,
    ".quad": 8,
    ".llong": 8,
    ".8byte": 8,
}
IGNORED = {
    ".text",
    ".data",
    ".globl",
    ".global",
    ".type",
    ".size",
    ".machine",
    ".file",
    ".section",
    ".abiversion",
    ".ident",
    ".local",
}
NOP = 0x6000_0000
PREFIXES = {"gpr": "r", "fpr": "f", "vr": "v", "vsr": "vs", "cr": "cr"}
CR = {f"cr{n}": n for n in range(8)} | {"lt": 0, "gt": 1, "eq": 2, "so": 3, "un": 3}
NAMES = {"gpr": {"sp": 1, "rtoc": 2}, "cr": CR, "crbit": CR}


class AssemblyError(ValueError):
    """Source that cannot be assembled; says the line and what was expected."""


class Program:
    """Assembled source: `data` from address `start`, and the labels."""

    def __init__(self, start: int, little: bool) -> None:
        self.start, self.order = start, "little" if little else "big"
        self.data = bytearray()
        self.symbols: dict[str, int] = {}

    @property
    def words(self) -> list[int]:
        """The data as instruction words, filled up with zeros."""
        padded = bytes(self.data) + bytes(-len(self.data) % 4)
        return [int.from_bytes(padded[i : i + 4], self.order) for i in range(0, len(padded), 4)]  # type: ignore[arg-type]


def assemble(text: str, pc: int = 0, symbols: Mapping[str, int] | None = None, *, little: bool = False) -> list[int]:
    """The words of a source. AssemblyError names the line and what was expected there."""
    return assemble_program(text, pc, symbols, little=little).words


def assemble_program(text: str, pc: int = 0, symbols: Mapping[str, int] | None = None, *, little: bool = False) -> Program:
    """Assemble a source to bytes and symbols."""
    statements = list(_statements(text))
    known: dict[str, int] = {}
    for final in (False, True):
        run = _Pass(Program(pc, little), ChainMap(known, dict(symbols or {})), final)
        for number, statement in statements:
            try:
                run.statement(statement)
            except (ExpressionError, AssemblyError, ValueError) as e:
                raise AssemblyError(f"line {number}: {statement!r}: {e}") from None
        known.update(run.program.symbols)
    return run.program


def _statements(text: str) -> list[tuple[int, str]]:
    text = re.sub(r"/\*.*?\*/", lambda m: "\n" * m[0].count("\n"), text, flags=re.DOTALL)
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        for part in re.findall(r'(?:"(?:\\.|[^"\\])*"|\'\\?.\'?|[^;#"/\']|/(?!/))+|[#].*|//.*', line):
            if part.startswith(("#", "//")):
                break
            if part.strip():
                out.append((number, part.strip()))
    return out


class _Pass:
    """One pass: the first finds where labels are, the second knows them all."""

    def __init__(self, program: Program, known: ChainMap[str, int], final: bool) -> None:
        self.program, self.known, self.final = program, known, final
        self.locals: dict[str, int] = {}  # how many times `1:` has been seen

    @property
    def here(self) -> int:
        return self.program.start + len(self.program.data)

    def number(self, text: str, *, needed: bool = False, names: Mapping[str, int] | None = None) -> int:
        """An expression. In the first pass an unknown symbol counts as `.`, unless a size depends on it."""
        scope = ChainMap({".": self.here}, dict(names or {}), self.known)  # type: ignore[arg-type]
        text = re.sub(r"(?<![\w.$])(\d+)([fb])\b", self._local, text)
        try:
            return evaluate(text, scope)
        except ExpressionError as e:
            if self.final or needed or "undefined" not in str(e):
                raise
            return self.here

    def _local(self, m: re.Match[str]) -> str:
        n = self.locals.get(m[1], 0)
        if m[1] == "0" and n == 0 and m[2] == "b":  # 0b without digits
            raise ExpressionError("no label 0 before this")
        return f"$local.{m[1]}.{n + (m[2] == 'f')}"

    def define(self, name: str, value: int) -> None:
        if name.isdigit():
            self.locals[name] = self.locals.get(name, 0) + 1
            name = f"$local.{name}.{self.locals[name]}"
        elif not self.final and name in self.program.symbols:
            raise AssemblyError(f"{name} is defined twice")
        self.program.symbols[name] = value
        self.known[name] = value

    def statement(self, text: str) -> None:
        while found := re.match(r"([A-Za-z_.$][\w.$]*|\d+)\s*:\s*", text):
            self.define(found[1], self.here)
            text = text[found.end() :]
        if not text:
            return
        if found := re.match(r"([A-Za-z_$][\w.$]*)\s*=\s*(.*)", text):
            self.program.symbols[found[1]] = self.known[found[1]] = self.number(found[2])
            return
        head, _, rest = text.replace("\t", " ").partition(" ")
        if head.startswith("."):
            self.directive(head, rest.strip())
        else:
            self.program.data += self.instruction(head, rest.strip()).to_bytes(4, self.program.order)  # type: ignore[arg-type]

    # -- directives
    def directive(self, name: str, rest: str) -> None:
        data, order = self.program.data, self.program.order
        args = _split(rest)
        if name in SIZES:
            for a in args:
                data += (self.number(a) & ((1 << 8 * SIZES[name]) - 1)).to_bytes(SIZES[name], order)  # type: ignore[arg-type]
        elif name in (".ascii", ".asciz", ".string"):
            for a in args:
                if not re.fullmatch(r'".*"', a):
                    raise AssemblyError(f"expected a quoted string, found {a!r}")
                data += ast.literal_eval("b" + a) + (b"" if name == ".ascii" else b"\0")
        elif name in (".space", ".skip", ".zero"):
            data += bytes([self.number(args[1], needed=True) if len(args) > 1 else 0]) * self.number(args[0], needed=True)
        elif name in (".align", ".p2align", ".balign"):
            n = self.number(args[0], needed=True)
            n = n if name == ".balign" else 1 << n
            while self.here % n:
                data += NOP.to_bytes(4, order) if self.here % 4 == 0 and self.here % n <= n - 4 else b"\0"  # type: ignore[arg-type]
        elif name == ".org":
            to = self.number(args[0], needed=True)
            if to < self.here:
                raise AssemblyError(f"expected an address from {self.here:#x} on: .org cannot go back")
            data += bytes(to - self.here)
        elif name in (".set", ".equ"):
            self.program.symbols[args[0]] = self.known[args[0]] = self.number(args[1])
        elif name not in IGNORED:
            raise AssemblyError(f"expected a directive, found {name!r}")

    # -- instructions
    def instruction(self, mnemonic: str, rest: str) -> int:
        forms = forms_named(mnemonic)
        if not forms:
            close = get_close_matches(mnemonic, known_mnemonics(), 3)
            raise AssemblyError(f"expected an instruction{', perhaps ' + ' or '.join(close) if close else ''}")
        args = _split(rest)
        error: Exception | None = None
        for form in sorted(forms, key=lambda f: f.fixed == {} and not f.printed):
            pairs = _assign(form.items, args)
            if pairs is None:
                continue
            try:
                return self.encode(form, mnemonic, pairs)
            except (ValueError, ExpressionError) as e:
                error = error or e
        if error is not None:
            raise error
        wanted = " or ".join(dict.fromkeys(_spell(f) for f in forms))
        raise AssemblyError(f"expected {wanted}, found {len(args)} operands")

    def encode(self, form: Form, mnemonic: str, pairs: list[tuple[Item, str]]) -> int:
        options = next(o for s, o in spellings(form.mnemonic) if s == mnemonic)
        given: dict[str, int] = {name: 0 for i in form.items for name in i.names if name not in form.insn.constants}
        for item, text in pairs:
            texts = [text]
            if item.paren:
                found = re.fullmatch(r"(.*)\(([^()]*)\)", text)
                if not found:
                    raise AssemblyError(f"expected {item.names[0]}({item.names[1]}), found {text!r}")
                texts = [found[1] or "0", found[2]]
            for name, t in zip(item.names, texts, strict=True):
                if name in form.insn.constants:
                    if self.number(t) != form.insn.constants[name]:
                        raise AssemblyError(f"{name}: expected {form.insn.constants[name]}, found {t}")
                else:
                    given[name] = self.operand(form.field(name), t, bool((form.fixed | options).get("AA")))
        word = form.insn.bits
        for name, v in form.fields(given, options).items():
            f = FIELDS[name]
            word |= f.insert(self.fit(f, v))
        return word

    def operand(self, f: Field, text: str, absolute: bool) -> int:
        text = text.strip().removeprefix("%")
        prefix = PREFIXES.get(f.kind)
        if prefix and (found := re.fullmatch(rf"{prefix}(\d+)", text)):
            return int(found[1])
        if f.kind in PREFIXES and re.fullmatch(r"(r|f|v|vs|cr)\d+", text):
            raise AssemblyError(f"{f.name}: expected {prefix}0.., found {text!r}")
        v = self.number(text, names=NAMES.get(f.kind))
        if f.kind == "target" and not absolute:
            v = ((v - self.here) ^ 1 << 63) & (1 << 64) - 1
            v -= 1 << 63
        elif f.kind == "target" and v >> 63:
            v -= 1 << 64
        if f.kind == "count" and v == 32:
            return 0
        return v if self.final or f.kind != "target" else 0

    def fit(self, f: Field, v: int) -> int:
        """GNU as takes 0..65535 for signed halfwords of shifted immediates and -32768.. for unsigned ones (@l, @h)."""
        if f.kind == "number" and f.bits == 16 and not f.scale:
            if f.signed and 0x8000 <= v <= 0xFFFF and f.name == "SI":
                return v - 0x10000
            if not f.signed and -0x8000 <= v < 0:
                return v & 0xFFFF
        if not self.final and f.kind == "number" and f.bits == 16:
            return 0
        if not self.final and f.name in ("DS", "DQ"):
            return 0
        return v


def _split(text: str) -> list[str]:
    """Operands between commas, outside of quotes and parentheses."""
    out = [t.strip() for t in re.findall(r'(?:"(?:\\.|[^"\\])*"|\([^()]*\)|\'\\?.\'?|[^,])+', text)]
    return [t for t in out if t]


def _assign(wanted: tuple[Item, ...], given: list[str]) -> list[tuple[Item, str]] | None:
    """Which operand each text is: missing ones are optional ones, the last or the only. None if the count is wrong."""
    missing = len(wanted) - len(given)
    optional = [n for n, i in enumerate(wanted) if i.optional]
    if missing < 0 or missing > len(optional):
        return None
    left_out = optional[len(optional) - missing :]
    return list(zip((i for n, i in enumerate(wanted) if n not in left_out), given, strict=True))


def _spell(form: Form) -> str:
    text = [
        f"{i.names[0]}({i.names[1]})" if i.paren else f"[{i.names[0]}]" if i.optional else i.names[0] for i in form.items
    ]
    return f"{form.mnemonic} {','.join(text)}".rstrip()
