"""How a block ends: a small closed set. A block without a terminal goes on to the next instruction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(slots=True)
class Jump:
    """Go to the effective address `target`; `fresh`: what is there may have just changed, so look it up anew (isync)."""

    target: Any
    fresh: bool = False

    @property
    def operands(self) -> tuple[Any, ...]:
        """The values it uses."""
        return (self.target,)


@dataclass(slots=True)
class Branch:
    """Go to `target` if `condition`, else to the next instruction."""

    condition: Any
    target: Any

    @property
    def operands(self) -> tuple[Any, ...]:
        """The values it uses."""
        return self.condition, self.target


@dataclass(slots=True)
class Stop:
    """Leave translated code: exit kind, payload; `after`: the block's last instruction is complete."""

    kind: int
    payload: Any
    after: bool

    @property
    def operands(self) -> tuple[Any, ...]:
        """The values it uses."""
        return (self.payload,)


Terminal = Jump | Branch | Stop
