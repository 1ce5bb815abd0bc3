"""Emulating privileged instructions that trapped (`--privileged trap`, the talk's PR=1 trick).

One function per mnemonic is registered here; all but the overridden ones carry out the instruction's own declaration,
so that trapping and translating cannot disagree. A user's callback may replace any of them.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
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
    mnemonic, name = names(word)
    vcpu.emulated[name] += 1
    from ..reference import carry_out

    _OVERRIDES.get(mnemonic, carry_out)(vcpu, word)


@lru_cache(maxsize=None)
def names(word: int) -> tuple[str, str]:
    """(mnemonic, what it is counted as) of an instruction: moves from and to special-purpose registers by register."""
    from dbt.frontend.isa.spr import SPRS
    from dbt.frontend.translate import decode

    found = decode(word)
    if found is None:
        return f"{word:#010x}", f"{word:#010x}"
    mnemonic = found.insn.name
    if mnemonic not in ("mfspr", "mtspr"):
        return mnemonic, mnemonic
    number = (word >> 16 & 31) | (word >> 6 & 0x3E0)
    return mnemonic, f"{mnemonic} {SPRS[number].name if number in SPRS else number}"
