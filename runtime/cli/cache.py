"""The cache of compiled code: losing it costs time, never correctness.

    ppcdbt cache info
    ppcdbt cache clear
"""

from __future__ import annotations

import argparse
import contextlib
import os
from collections import Counter
from typing import Any

KINDS = ("linked", "handlers", "machinery", "chunks", "helpers", "keys", "regions")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("action", choices=("info", "clear"))


def run(options: Any) -> int:
    from dbt.backend import cache

    found = [e for e in cache.entries() if e[0] in KINDS]
    total = sum(size for _, _, size in found)
    if options.action == "clear":
        for kind, key, _ in found:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(cache.path(kind, key))
        print(f"removed {len(found)} files, {total / 1e6:.1f} MB")
        return 0
    print(f"{cache.directory()}  (${cache.ENVIRONMENT} chooses another)")
    count, sizes = Counter(kind for kind, _, _ in found), Counter[str]()
    for kind, _, size in found:
        sizes[kind] += size
    for kind in KINDS:
        print(f"  {kind:<10} {count[kind]:4} files {sizes[kind] / 1e6:8.1f} MB")
    return 0
