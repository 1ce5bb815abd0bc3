"""A region of guest code to an object: find its blocks, lower them, compile. Imports LLVM; cold paths only."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING

from .compiler import compile_text
from .llvm import RUNTIME, declarations
from .metadata import METADATA
from .regions import RegionLowering
from .userops import link_user_ops

if TYPE_CHECKING:
    from ..frontend.regions import Region
    from ..mode import Mode

PASSES = ("sroa", "instruction_combine", "simplify_cfg")


def region_text(words: list[int], offset: int, mode: Mode, arrivals: Collection[int] | None, parallel: bool = False) -> tuple[Region, str, list[str]]:
    """(the region at `offset`, LLVM text of `@region`, modules to link)."""
    from ..frontend import isa as _declarations  # noqa: F401
    from ..frontend.regions import discover, displacement

    found = discover(words, offset, mode, arrivals)
    lowering = RegionLowering("region", found.blocks, found.lengths, found.entries, found.onward, mode, displacement, parallel)
    body = lowering.text()
    operations, modules = link_user_ops(lowering.user_ops)
    helpers = [f"declare i64 @{h}(ptr, i64, i64, i64)" for h in sorted(lowering.helpers)]
    return found, declarations(RUNTIME + helpers) + operations + body + METADATA, modules


def compile_region(words: list[int], offset: int, mode: Mode, arrivals: Collection[int] | None, parallel: bool = False) -> tuple[Region, bytes]:
    """(the region at `offset`, object that defines `region`)."""
    found, text, modules = region_text(words, offset, mode, arrivals, parallel)
    if modules:
        return found, compile_text(text, passes=2, opt=2, keep=("region",), link=modules)
    return found, compile_text(text, passes=PASSES, opt=2)
