"""Random uses of decimal instructions: words, operands at the borders of their formats, FPSCR."""

from __future__ import annotations

import random
from decimal import Decimal
from typing import NamedTuple

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.insn import ISA, Insn

from ..float.fpscr_reference import raised
from . import reference as ref
from .encodings import LONG, QUAD, SHORT, Format, read, write

INSTRUCTIONS = [i for i in ISA.insns if i.module.rpartition(".")[2].startswith("decimal_")]
A, B, T, FIELD = 2, 4, 6, 5  # registers of the operands (and those behind them), a CR field
ENABLES = (0, 0, 0, 0x80, 0x40, 0x20, 0x10, 8, 0xF8, 0x60)


class Case(NamedTuple):
    """A word, FPSCR, and the 128 bits of three register pairs; a single register is the upper half of its pair."""

    insn: Insn
    word: int
    fpscr: int
    a: int
    b: int
    t: int

    @property
    def mnemonic(self) -> str:
        """Without the point of the record form."""
        return self.insn.name

    def pairs(self) -> dict[str, bool]:
        """Whether FRA, FRB, FRT are pairs."""
        names = {f.name for f in self.insn.fields}
        return {n: f"FR{n}p" in names for n in "ABT"}


def finite(r: random.Random, f: Format) -> int:
    """A finite number: few or all digits, an exponent in the middle or near a border."""
    digits = r.choice((1, 1, 2, 3, r.randint(1, f.digits), f.digits, f.digits))
    n = r.choice((r.randrange(10**digits), 10**digits - 1, 10 ** (digits - 1), 5 * 10 ** (digits - 1), 0, int("49" * 17) % 10**digits))
    if r.random() < 0.3:
        n = n // 10 ** r.randint(0, digits) * 10 ** r.randint(0, digits) % 10**f.digits
    top = (3 << f.combination - 5) - 1
    spread = r.choice((3, f.digits + 3, 2 * f.digits + 8, 200))
    biased = r.choice((0, top, f.bias, f.bias, f.bias, r.randint(0, top))) + r.randint(-spread, spread)
    return write(Decimal((r.getrandbits(1), tuple(map(int, str(n))), min(max(biased, 0), top) - f.bias)), f)


def datum(r: random.Random, f: Format) -> int:
    """Any datum, also in encodings that are not canonical."""
    kind = r.random()
    if kind < 0.75:
        return finite(r, f)
    if kind < 0.85:
        return r.getrandbits(f.width)
    five = r.choice((30, 31, 31))
    trailing = f.width - 1 - f.combination
    g = five << f.combination - 5 | (r.getrandbits(1) << f.combination - 6 if five == 31 else 0)
    if r.random() < 0.2:
        g |= r.getrandbits(f.combination - 6)
    payload = write(Decimal(r.choice((0, 1, r.randrange(10 ** (f.digits - 1))))), f) & (1 << trailing) - 1
    return r.getrandbits(1) << f.width - 1 | g << trailing | (payload if r.random() < 0.8 else r.getrandbits(trailing))


def near(r: random.Random, x: int, f: Format) -> int:
    """Something that nearly cancels, or is just out of reach, or completes a product to a border."""
    number = read(x, f)
    sign, figures, e = number.as_tuple()
    if not isinstance(e, int):
        return datum(r, f)
    n, top = int("".join(map(str, figures))), (3 << f.combination - 5) - 1
    kind = r.random()
    if kind < 0.4:
        n = max(n + r.choice((-1, 0, 0, 1, 10)), 0) % 10**f.digits
        e += r.choice((0, 0, 1, -1))
    elif kind < 0.7:
        e += r.choice((-1, 1)) * r.randint(f.digits - 2, f.digits + 3)
        n = r.choice((5 * 10 ** (f.digits - 1), 10 ** (f.digits - 1), 1, 5, n))
    else:
        want = r.choice((-f.bias, top - f.bias, 1 - f.top, f.top)) + r.randint(-f.digits, 3)
        e = want - e
        n = r.randrange(10 ** r.randint(1, f.digits))
    e = min(max(e, -f.bias), top - f.bias)
    return write(Decimal((sign ^ r.getrandbits(1), tuple(map(int, str(n))), e)), f)


def bcd(r: random.Random, width: int) -> int:
    """Decimal digits, now and then a wrong one, and a sign code."""
    text = "".join(r.choices("0123456789", k=width // 4 - 1)) + r.choice("0123456789abcdef")
    if r.random() < 0.2:
        n = r.randrange(len(text))
        text = text[:n] + r.choice("abcdef") + text[n + 1 :]
    return int(text, 16)


def case(r: random.Random, insn: Insn) -> Case:
    """A random use of an instruction."""
    word = insn.bits
    for f in insn.fields:
        if f.kind == "fpr":
            word |= f.insert({"A": A, "B": B, "T": T}[f.name[2]])
        elif f.kind == "cr":
            word |= f.insert(FIELD)
        else:
            word |= r.getrandbits(32) & f.mask
    name = insn.name
    form = QUAD if name.endswith("q") else LONG
    source = {"drdpq": QUAD, "dctqpq": LONG, "dctdp": SHORT, "drsp": LONG}.get(name, form)
    if name.startswith("dquai"):
        b = near(r, write(Decimal(1), form), form) if r.random() < 0.5 else datum(r, form)
        a = datum(r, form)
    else:
        a = datum(r, form)
        b = near(r, a, form) if r.random() < 0.5 and source is form else datum(r, source)
    if name.startswith("denbcd"):
        b = bcd(r, form.width)
    elif name.startswith("dcffix"):
        b = r.choice((r.getrandbits(64), r.getrandbits(r.randint(1, 64)), 1 << 63, (1 << 63) - 1, (1 << 64) - 1))
    elif name.startswith("dctfix") and r.random() < 0.6:
        figures = tuple(map(int, str(r.choice(((1 << 63) + r.randint(-3, 3), r.getrandbits(64), r.getrandbits(70), 5)))))[: form.digits]
        b = write(Decimal((r.getrandbits(1), figures, r.choice((0, 3, -1, -3, -19)))), form)
    elif name == "dctdp":
        b |= r.getrandbits(32) << 32
    elif name.startswith("diex"):
        limit = 3 << form.combination - 5
        a = r.choice((-1, -2, -3, -4, limit, limit - 1, r.randrange(limit), r.getrandbits(64))) & ref.M64
    elif name.startswith(("drrnd", "dtstsf")):
        a = r.getrandbits(64) & ~63 | r.choice((0, 1, r.randint(0, 35), 15, 16, 33, 34, r.getrandbits(6)))
    fpscr = r.getrandbits(3) << 32 | r.choice(ENABLES)
    if r.random() < 0.5:
        fpscr |= r.getrandbits(32) & 0x9FFF_F700
    c = Case(insn, word, fpscr, 0, 0, r.getrandbits(128))
    wide = c.pairs()
    return c._replace(a=a if wide["A"] else (a & ref.M64) << 64, b=b if wide["B"] else (b & ref.M64) << 64)


def expected(c: Case) -> tuple[int, int, int]:
    """(pair of the target, FPSCR, CR) by the reference. A single register is compared with what lies behind it unchanged."""
    wide = c.pairs()
    fields = {f.name: f.extract(c.word) for f in c.insn.fields}
    a, b = (x if wide[n] else x >> 64 for n, x in (("A", c.a), ("B", c.b)))
    if c.mnemonic in ("drrndq", "dtstsfq", "diexq"):
        a <<= 64  # the reference takes it from the upper half
    fpscr = raised(c.fpscr & 0x7_FFFF_F7FF, 0)
    out = ref.carry_out(c.mnemonic, fields, a, b, fpscr)
    t = c.t
    if out.result is not None:
        t = out.result if wide["T"] else out.result << 64 | t & ref.M64
    cr = 0 if out.field is None else out.field << 28 - 4 * FIELD
    if fields.get("Rc"):
        cr |= (out.fpscr >> 28 & 15) << 24
    return t, out.fpscr, cr
