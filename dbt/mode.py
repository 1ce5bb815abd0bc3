"""The part of the machine's state that a translation depends on."""

from __future__ import annotations

from typing import NamedTuple


class Mode(NamedTuple):
    """MSR bits (and one engine option) fixed while a piece of translated code runs."""

    sf: bool = True  # MSR[SF]: 64-bit mode
    le: bool = False  # MSR[LE]: little-endian
    pr: bool = False  # MSR[PR]: problem state
    trap: bool = False  # privileged instructions exit instead of being translated (the talk's PR=1 trick)

    @property
    def index(self) -> int:
        """A small number for tables: 0..15."""
        return self.sf | self.le << 1 | self.pr << 2 | self.trap << 3

    @classmethod
    def of_index(cls, index: int) -> Mode:
        """The inverse of `index`."""
        return cls(bool(index & 1), bool(index & 2), bool(index & 4), bool(index & 8))

    def __str__(self) -> str:
        return f"{64 if self.sf else 32}{'le' if self.le else 'be'}{'-user' if self.pr else ''}{'-trap' if self.trap else ''}"


MODES = 16
