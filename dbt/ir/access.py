"""What an effectful operation needs to know beyond its operands: small closed types, kept as `Value.imm`."""

from __future__ import annotations

from typing import NamedTuple


class Access(NamedTuple):
    """How a storage access behaves. Its size is the type of the value."""

    little: bool = False  # byte order of the value in storage
    aligned: bool = False  # an unaligned address raises the alignment interrupt (larx, stcx., lq ...)
    at: int = 0  # index in its block of the instruction that makes it

    def __repr__(self) -> str:
        return ("le" if self.little else "be") + (".aligned" if self.aligned else "") + f"@{self.at}"


class Helper(NamedTuple):
    """A compiled function `uint64 name(vcpu, a, b, c)`.

    A helper with `exits` reports through the vCPU's `exit` field: where that is not Exit.NONE after the call, the
    instruction is abandoned and translated code leaves. `after`: the instruction counts as completed when it does."""

    name: str
    exits: bool = False
    after: bool = False
    at: int = 0

    def __repr__(self) -> str:
        return f"{self.name}{'!' if self.exits else ''}{'+' if self.after else ''}@{self.at}"


class Leave(NamedTuple):
    """An exit: its kind, and whether the instruction that makes it is complete (SRR0 will hold the next address)."""

    kind: int
    after: bool = False
    at: int = 0

    def __repr__(self) -> str:
        return f"{self.kind}{'+' if self.after else ''}@{self.at}"
