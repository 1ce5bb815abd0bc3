"""Numbers in assembler source: expressions of symbols, with @l, @ha and relatives."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

TOKEN = re.compile(r"\s*(0[xX][0-9a-fA-F]+|0[bB][01]+|\d+[fb]\b|\d+|'\\?.'?|[A-Za-z_.$][\w.$]*|<<|>>|[-+*/%&|^~()!])")
LEVELS: tuple[dict[str, Callable[[int, int], int]], ...] = (
    {"|": lambda a, b: a | b, "^": lambda a, b: a ^ b, "&": lambda a, b: a & b},
    {"+": lambda a, b: a + b, "-": lambda a, b: a - b},
    {
        "*": lambda a, b: a * b,
        "/": lambda a, b: a // b,
        "%": lambda a, b: a % b,
        "<<": lambda a, b: a << b,
        ">>": lambda a, b: a >> b,
    },
)
ESCAPES = {"n": 10, "t": 9, "r": 13, "0": 0, "b": 8, "f": 12}


def _half(x: int) -> int:
    """The low 16 bits, as the signed number an instruction adds."""
    return ((x & 0xFFFF) ^ 0x8000) - 0x8000


PARTS: dict[str, Callable[[int], int]] = {
    "l": _half,
    "h": lambda x: _half(x >> 16),
    "ha": lambda x: _half((x + 0x8000) >> 16),
    "high": lambda x: _half(x >> 16),
    "higha": lambda x: _half((x + 0x8000) >> 16),
    "higher": lambda x: _half(x >> 32),
    "highera": lambda x: _half((x + 0x8000) >> 32),
    "highest": lambda x: _half(x >> 48),
    "highesta": lambda x: _half((x + 0x8000) >> 48),
}


class ExpressionError(ValueError):
    """Not an expression; says what was expected."""


def evaluate(text: str, symbols: Mapping[str, int]) -> int:
    """The number `text` stands for."""
    part: Callable[[int], int] | None = None
    for found in re.finditer(r"@(\w+)", text):
        if found[1] not in PARTS:
            raise ExpressionError(f"no part @{found[1]}: expected one of {', '.join('@' + p for p in PARTS)}")
        part = PARTS[found[1]]
    parser = _Parser(re.sub(r"@\w+", "", text), symbols)
    x = parser.binary(0)
    if parser.token is not None:
        raise ExpressionError(f"expected the end of {text.strip()!r}, found {parser.token!r}")
    return x if part is None else part(x)


class _Parser:
    def __init__(self, text: str, symbols: Mapping[str, int]) -> None:
        self.text, self.symbols, self.at = text, symbols, 0
        self.token: str | None = None
        self.next()

    def next(self) -> None:
        rest = self.text[self.at :]
        found = TOKEN.match(rest)
        if not found and rest.strip():
            raise ExpressionError(f"expected a number or symbol, found {rest.strip()!r}")
        self.token = found[1] if found else None
        self.at += found.end() if found else 0

    def binary(self, level: int) -> int:
        if level == len(LEVELS):
            return self.unary()
        x = self.binary(level + 1)
        while self.token in LEVELS[level]:
            assert self.token is not None
            do = LEVELS[level][self.token]
            self.next()
            x = do(x, self.binary(level + 1))
        return x

    def unary(self) -> int:
        token = self.token
        if token is None:
            raise ExpressionError("expected a number or symbol, found nothing")
        self.next()
        if token == "-":
            return -self.unary()
        if token == "+":
            return self.unary()
        if token == "~":
            return ~self.unary()
        if token == "(":
            x = self.binary(0)
            if self.token != ")":
                raise ExpressionError(f"expected ), found {self.token!r}")
            self.next()
            return x
        if token.startswith("'"):
            c = token.strip("'") or token[1]
            return ESCAPES.get(c[1], ord(c[1])) if c.startswith("\\") and len(c) > 1 else ord(c)
        if (token[0].isdigit() and token[-1:] not in ("f", "b")) or token[:2].lower() in ("0x", "0b"):
            return int(token, 8) if re.fullmatch(r"0[0-7]+", token) else int(token, 0)
        if token in self.symbols:
            return self.symbols[token]
        raise ExpressionError(f"undefined symbol {token!r}")
