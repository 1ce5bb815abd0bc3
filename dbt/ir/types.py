"""The value types of the IR: a name and a width, nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Type(NamedTuple):
    """An integer type. Floating-point values travel as the integer of the same width."""

    name: str
    bits: int

    @property
    def mask(self) -> int:
        """All ones in this width."""
        return (1 << self.bits) - 1

    def __repr__(self) -> str:
        return self.name


i1, i8, i16, i32, i64, i128 = (Type(f"i{n}", n) for n in (1, 8, 16, 32, 64, 128))
void = Type("void", 0)

TYPES: dict[str, Type] = {t.name: t for t in (i1, i8, i16, i32, i64, i128, void)}
M64 = i64.mask


def signed(x: int, w: int) -> int:
    """The two's complement reading of the low `w` bits of `x`."""
    x &= (1 << w) - 1
    return x - (1 << w) if x >> (w - 1) else x
