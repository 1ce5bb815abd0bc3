"""Placing the interpreter's decoder in memory: the warm half of trie.py, which needs no declarations."""

from __future__ import annotations

from typing import Any

import numpy as np

LEAF = 1 << 62  # in a child: the low bits number a handler, not a node


def place_trie(nodes: Any, roots: Any, base: int, handlers: Any) -> tuple[Any, Any]:
    """Nodes and roots with real addresses, for a trie that will lie at `base`. `handlers`: address of each by number."""

    def real(x: Any) -> Any:
        leaf = (x & np.uint64(LEAF)) != 0
        number = np.where(leaf, x & np.uint64(LEAF - 1), 0).astype(np.int64)
        return np.where(leaf, handlers[number], np.uint64(base) + x * np.uint64(8) + np.uint64(1))

    out = real(nodes)
    at = 0
    heads = []
    words = nodes.tolist()
    while at < len(words):
        heads.append(at)
        at += 2 + (words[at] >> 8)
    out[heads] = nodes[heads]
    return out, real(roots)
