"""The part of the machine's state that a translation depends on, and the architecture level of the CPU model."""

from __future__ import annotations

from typing import NamedTuple

# Levels that CPU models implement, oldest first; the decoder has roots for each. The last, of no processor, has every
# instruction that is declared: the level of tools and tests.
LEVELS = ("2.06", "2.07", "3.0", "any")
ANY = LEVELS.index("any")
_OLDER = ("P1", "P2", "PPC", "2.00", "2.01", "2.02", "2.03", "2.04", "2.05")


def level_of(version: str) -> int:
    """The first level that is not older than an architecture version ("2.05", "3.0B"). ValueError for an unknown one."""
    stem = version.rstrip("BC") if version[0].isdigit() else version
    if stem in _OLDER:
        return 0
    if stem in LEVELS[:ANY]:
        return LEVELS.index(stem)
    raise ValueError(f"no architecture version {version!r}: one of {', '.join(_OLDER + LEVELS[:ANY])}")


class Mode(NamedTuple):
    """MSR bits (and one engine option) fixed while a piece of translated code runs; and what the machine's CPU knows."""

    sf: bool = True  # MSR[SF]: 64-bit mode
    le: bool = False  # MSR[LE]: little-endian
    pr: bool = False  # MSR[PR]: problem state
    trap: bool = False  # privileged instructions exit instead of being translated (the talk's PR=1 trick)
    level: int = ANY  # place in LEVELS; the same for all code of a machine
    direct: bool = False  # storage is where its address says, in the host's own (docs/decisions/0005); likewise

    @property
    def index(self) -> int:
        """A small number for the tables of one machine: 0..15."""
        return self.sf | self.le << 1 | self.pr << 2 | self.trap << 3

    @property
    def key(self) -> int:
        """A number for tables that machines share: `index`, the level, and how storage is reached."""
        return self.index | self.level << 4 | self.direct << 6

    @classmethod
    def of_index(cls, index: int, level: int = ANY, direct: bool = False) -> Mode:
        """The inverse of `index`."""
        return cls(bool(index & 1), bool(index & 2), bool(index & 4), bool(index & 8), level, direct)

    # what bodies ask of the level (Context.at_least): one name per version that changes what an older instruction does
    @property
    def isa207(self) -> bool:
        """ISA 2.07 or later."""
        return self.level >= LEVELS.index("2.07")

    @property
    def isa300(self) -> bool:
        """ISA 3.0 or later."""
        return self.level >= LEVELS.index("3.0")

    def __str__(self) -> str:
        what = (
            f"{64 if self.sf else 32}{'le' if self.le else 'be'}{'-user' if self.pr else ''}{'-trap' if self.trap else ''}{'-direct' if self.direct else ''}"
        )
        return what if self.level == ANY else f"{what}-{LEVELS[self.level]}"


MODES = 16
