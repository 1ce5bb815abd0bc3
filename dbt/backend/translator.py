"""A region of guest code to an object: find its blocks, lower them, compile. Imports LLVM; cold paths only."""

from __future__ import annotations

from collections.abc import Collection
from functools import lru_cache
from typing import TYPE_CHECKING

from .compiler import compile_text
from .llvm import RUNTIME, declarations
from .metadata import METADATA
from .regions import RegionLowering
from .userops import op_module

if TYPE_CHECKING:
    from ..frontend.regions import Region
    from ..ir.ops import Op
    from ..mode import Mode

PASSES = ("sroa", "instruction_combine", "simplify_cfg")
_op_module = lru_cache(maxsize=None)(op_module)


def region_text(words: list[int], offset: int, mode: Mode, arrivals: Collection[int] | None, parallel: bool = False) -> tuple[Region, str, set[Op]]:
    """(the region at `offset`, LLVM text of `@region`, operations to link)."""
    from ..frontend import isa as _declarations  # noqa: F401
    from ..frontend.regions import discover, displacement

    found = discover(words, offset, mode, arrivals)
    lowering = RegionLowering("region", found.blocks, found.lengths, found.entries, found.onward, mode, displacement, parallel)
    body = lowering.text()
    extra = [f"declare i64 @{h}(ptr, i64, i64, i64)" for h in sorted(lowering.helpers)]
    extra += [f"declare i64 @op_{o.name}({', '.join(['i64'] * (len(o.params) + o.takes_w + o.takes_m))})" for o in lowering.user_ops]
    return found, declarations(RUNTIME + extra) + body + METADATA, lowering.user_ops


def compile_region(words: list[int], offset: int, mode: Mode, arrivals: Collection[int] | None, parallel: bool = False) -> tuple[Region, bytes]:
    """(the region at `offset`, object that defines `region`)."""
    found, text, used = region_text(words, offset, mode, arrivals, parallel)
    if used:
        return found, compile_text(text, passes=2, opt=2, keep=("region",), link=[_op_module(o) for o in sorted(used, key=str)])
    return found, compile_text(text, passes=PASSES, opt=2)
