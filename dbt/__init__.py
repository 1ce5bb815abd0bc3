"""The translator: PowerPC, IR and LLVM. Its plain uses are here; machines are in `runtime`."""

from __future__ import annotations

from collections.abc import Mapping


def assemble(text: str, pc: int = 0, symbols: Mapping[str, int] | None = None, *, little: bool = False) -> list[int]:
    """The instruction words of a source in GNU's syntax. ValueError names the line and what was expected there."""
    from .frontend import isa as _declarations  # noqa: F401
    from .frontend.assembler import assemble as words_of

    return words_of(text, pc, symbols, little=little)


def disassemble(word: int, pc: int = 0) -> str:
    """The instruction at `pc` as text, or `.long 0x...` for an undefined encoding."""
    from .frontend import isa as _declarations  # noqa: F401
    from .frontend.disassembler import disassemble as text_of

    return text_of(word, pc)


__all__ = ["assemble", "disassemble"]
