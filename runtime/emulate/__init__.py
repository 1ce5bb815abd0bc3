"""Emulating privileged instructions that trapped (`--privileged trap`, the talk's PR=1 trick).

One function per mnemonic is registered here; all but the overridden ones carry out the instruction's own declaration,
so that trapping and translating cannot disagree. A user's callback may replace any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..vcpu import VCPU

Emulator = Callable[["VCPU", int], None]
_OVERRIDES: dict[str, Emulator] = {}


def emulates(mnemonic: str) -> Callable[[Emulator], Emulator]:
    """Register the decorated function for a mnemonic: it gets the vCPU (nia at the instruction) and the word."""

    def register(fn: Emulator) -> Emulator:
        _OVERRIDES[mnemonic] = fn
        return fn

    return register


def emulate(vcpu: VCPU, word: int) -> None:
    """Carry out the privileged instruction at nia and go past it, as supervisor code."""
    from dbt.frontend.translate import decode

    from .. import reference

    found = decode(word)
    name = found.insn.name if found else f"{word:#010x}"
    vcpu.emulated[name] += 1
    _OVERRIDES.get(name, reference.carry_out)(vcpu, word)
