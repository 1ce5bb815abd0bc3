"""Instruction fields as drawn in Power ISA Book I 1.6: their bits, sign and scale.

`extract` is written once: on an int it gives an int, on the word of an instruction not yet known it gives the
operations that extract it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from ..ir.types import i64


class Field(NamedTuple):
    """A field made of one or more pieces (first bit, last bit), most significant piece first; bit 0 is the leftmost."""

    name: str
    pieces: tuple[tuple[int, int], ...]
    signed: bool = False
    scale: int = 0  # the value is the field shifted left by this
    kind: str = "number"  # how an operand is written: number, gpr, fpr, vr, vsr, cr, crbit, target, spr,
    #   count (0 is written 32)
    base: int = 0  # added to the scaled field

    @property
    def bits(self) -> int:
        """Width in bits."""
        return sum(last - first + 1 for first, last in self.pieces)

    @property
    def mask(self) -> int:
        """Its bits in the instruction word."""
        return sum(((1 << (last - first + 1)) - 1) << (31 - last) for first, last in self.pieces)

    def extract(self, word: Any) -> Any:
        """The field's value: of an int word an int, of a symbolic word an i64 value."""
        x: Any = 0
        for first, last in self.pieces:
            width = last - first + 1
            piece = (word >> (31 - last)) & ((1 << width) - 1)
            if not isinstance(piece, int):
                piece = piece.to(i64)
            x = piece if type(x) is int and x == 0 else (x << width) | piece
        if self.signed:
            sign = 1 << (self.bits - 1)
            x = (x ^ sign) - sign
        x = x << self.scale if self.scale else x
        return x + self.base if self.base else x

    def insert(self, value: int) -> int:
        """The instruction bits that hold `value`. ValueError if it does not fit or is not a multiple of the scale."""
        if value & ((1 << self.scale) - 1):
            raise ValueError(f"{self.name}: {value} is not a multiple of {1 << self.scale}")
        raw = (value - self.base) >> self.scale
        low, high = (-(1 << (self.bits - 1)), 1 << (self.bits - 1)) if self.signed else (0, 1 << self.bits)
        if not low <= raw < high:
            least, most = ((x << self.scale) + self.base for x in (low, high - 1))
            raise ValueError(f"{self.name}: {value} is not in {least}..{most}")
        raw &= (1 << self.bits) - 1
        word = 0
        for first, last in reversed(self.pieces):
            width = last - first + 1
            word |= (raw & ((1 << width) - 1)) << (31 - last)
            raw >>= width
        return word


def _field(name: str, first: int, last: int, kind: str = "number", *, signed: bool = False, scale: int = 0) -> Field:
    return Field(name, ((first, last),), signed, scale, kind)


def _split(name: str, *pieces: tuple[int, int], kind: str = "number", signed: bool = False, scale: int = 0) -> Field:
    return Field(name, pieces, signed, scale, kind)


FIELDS: dict[str, Field] = {
    f.name: f
    for f in (
        *(_field(n, 6, 10, "gpr") for n in ("RT", "RS", "RTp", "RSp")),
        _field("RA", 11, 15, "gpr"),
        _field("RB", 16, 20, "gpr"),
        _field("RC", 21, 25, "gpr"),
        *(_field(n, 6, 10, "fpr") for n in ("FRT", "FRS", "FRTp", "FRSp")),
        _field("FRA", 11, 15, "fpr"),
        _field("FRB", 16, 20, "fpr"),
        _field("FRC", 21, 25, "fpr"),
        _field("FRAp", 11, 15, "fpr"),
        _field("FRBp", 16, 20, "fpr"),
        *(_field(n, 6, 10, "vr") for n in ("VRT", "VRS")),
        _field("VRA", 11, 15, "vr"),
        _field("VRB", 16, 20, "vr"),
        _field("VRC", 21, 25, "vr"),
        *(_split(n, (31, 31), (6, 10), kind="vsr") for n in ("XT", "XS")),
        _split("XA", (29, 29), (11, 15), kind="vsr"),
        _split("XB", (30, 30), (16, 20), kind="vsr"),
        _split("XC", (28, 28), (21, 25), kind="vsr"),
        _field("SI", 16, 31, signed=True),
        _field("UI", 16, 31),
        _field("D", 16, 31, signed=True),
        _field("DS", 16, 29, signed=True, scale=2),
        Field("DH", ((31, 31), (6, 10)), scale=3, base=-512),  # hashst and relatives
        _field("DQ", 16, 27, signed=True, scale=4),
        _field("BHRBE", 11, 20),
        _field("BTF", 6, 10),
        _field("BFF", 6, 8),
        _field("SI5", 16, 20, signed=True),
        _field("BF", 6, 8, "cr"),
        _field("BFA", 11, 13, "cr"),
        _field("L", 10, 10),
        _field("L2", 9, 10),
        _field("L15", 15, 15),
        _field("L11", 11, 11),
        _field("BO", 6, 10),
        _field("BI", 11, 15, "crbit"),
        _field("BH", 19, 20),
        _field("BT", 6, 10, "crbit"),
        _field("BA", 11, 15, "crbit"),
        _field("BB", 16, 20, "crbit"),
        _field("BC", 21, 25, "crbit"),
        _field("BD", 16, 29, "target", signed=True, scale=2),
        _field("LI", 6, 29, "target", signed=True, scale=2),
        _field("AA", 30, 30),
        _field("LK", 31, 31),
        *(_split(n, (28, 28), (6, 10), kind="vsr") for n in ("XTQ", "XSQ")),  # lxv, stxv
        _field("DQX", 16, 27, signed=True, scale=4),
        _field("DM", 22, 23),
        _field("SHW", 22, 23),
        _field("UIMW", 14, 15),
        _field("UIMB", 12, 15),
        _field("IMM8", 13, 20),
        _field("DCMX", 9, 15),
        _split("DCMXV", (25, 25), (29, 29), (11, 15)),
        _field("CY", 21, 22),
        _field("RMC", 21, 22),
        _field("STRM", 9, 10),
        _field("S", 20, 20),
        _split("DX", (16, 25), (11, 15), (31, 31), signed=True),
        _field("LR", 14, 15),
        _field("FC", 16, 20),
        _field("SH", 16, 20),
        _field("MB", 21, 25),
        _field("ME", 26, 30),
        _split("sh", (30, 30), (16, 20)),
        _split("mb", (26, 26), (21, 25)),
        _split("me", (26, 26), (21, 25)),
        _field("OE", 21, 21),
        _field("Rc", 31, 31),
        _field("EH", 31, 31),
        _split("SPR", (16, 20), (11, 15), kind="spr"),
        _split("TBR", (16, 20), (11, 15), kind="spr"),
        _field("FXM", 12, 19),
        _field("TO", 6, 10),
        _field("NB", 16, 20, "count"),
        _field("CT", 7, 10),
        _field("TH", 6, 10),
        _field("LEV", 20, 26),
        _field("SR", 12, 15),
        _field("E", 16, 16),
        _field("IH", 8, 10),
        _field("RIC", 12, 13),
        _field("PRS", 14, 14),
        _field("R", 15, 15),
        _field("WC", 9, 10),
        _field("FLM", 7, 14),
        _field("W", 15, 15),
        _field("U", 16, 19),
        _field("FL", 6, 6),
        _field("FW", 15, 15),
        _field("DRM", 18, 20),
        _field("RM", 19, 20),
        _field("RMC", 21, 22),
        _field("TE", 11, 15, signed=True),
        _field("SP", 11, 12),
        _field("DCM", 16, 21),
        _field("DGM", 16, 21),
        _field("SHD", 16, 21),
        _field("UIM6", 10, 15),
        _field("A25", 6, 6),
        _field("SIM", 11, 15, signed=True),
        _field("UIM", 11, 15),
        _field("UIM4", 12, 15),
        _field("UIM3", 13, 15),
        _field("UIM2", 14, 15),
        _field("SHB", 22, 25),
        _field("PS", 22, 22),
        _field("ST", 16, 16),
        _field("SIX", 17, 20),
    )
}
