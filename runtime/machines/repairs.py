"""Repairs of a guest kernel in memory, each asked for by name and said aloud: the file stays as it is.

`magic-page-test`: Linux tests the page it shares with KVM by `fault_in_readable(-4096)` before it patches itself. Since 5.16 that
function refuses every address that is not a user's, so the test fails whatever the hypervisor does and the kernel goes on without the
page, silently. The repair replaces this one call by `li r3,0`, the answer of a page that can be read.
"""

from __future__ import annotations

from typing import Final

from dbt.records import replace
from runtime.loader.elf import Image
from runtime.loader.symbols import Symbol

LI_R3_MINUS_4096: Final = 0x3860F000
LI_R3_0: Final = 0x38600000
LOCAL_ENTRY: Final = 8  # bytes from an ELFv2 function's start to where a call within the kernel goes
_NEAR = 8 * 4  # the argument is set this many bytes before the call at most


def repaired(image: Image) -> Image:
    """The image with the test of the shared page repaired. ValueError if it has no such test."""
    changes = magic_page_test(image)
    if not changes:
        raise ValueError(f"{image.path}: has no test of the shared page that could be repaired (it needs its symbol table)")
    segments = []
    for s in image.segments:
        data = bytearray(s.data)
        for ea, word in changes.items():
            if 0 <= ea - s.vaddr < len(data):
                data[ea - s.vaddr : ea - s.vaddr + 4] = word.to_bytes(4, "little" if image.little else "big")
        segments.append(replace(s, data=bytes(data)))
    return replace(image, segments=tuple(segments))


def magic_page_test(image: Image) -> dict[int, int]:
    """Effective address -> new instruction word; empty if the kernel has no such test."""
    symbols = {s.name: s for s in image.symbols}

    def function_named(name: str) -> Symbol | None:  # ELFv1: the code has a dot before its name, the name alone is the descriptor's
        return symbols.get(f".{name}") or symbols.get(name)

    target = function_named("fault_in_readable")
    if target is None:
        return {}
    for name in ("kvm_use_magic_page", "kvm_guest_init"):
        if (function := function_named(name)) is None:
            continue
        segment = next(s for s in image.segments if 0 <= function.address - s.vaddr < len(s.data))
        start = function.address - segment.vaddr
        code = segment.data[start : start + function.size]
        words = [int.from_bytes(code[n : n + 4], "little" if image.little else "big") for n in range(0, len(code) & -4, 4)]
        for n, word in enumerate(words):
            at = function.address + 4 * n
            if _calls(word, at) in (target.address, target.address + LOCAL_ENTRY) and LI_R3_MINUS_4096 in words[max(0, n - _NEAR // 4) : n]:
                return {at: LI_R3_0}
    return {}


def _calls(word: int, at: int) -> int | None:
    """Where a `bl` at effective address `at` goes; None for another instruction."""
    if word & 0xFC00_0003 != 0x4800_0001:
        return None
    offset = word & 0x03FF_FFFC
    return at + (offset - (1 << 26) if offset >> 25 else offset)
