"""The interpreter's decoder: a trie over instruction words whose leaves are handlers, one root per mode and CPU level.

Built once from the declarations and cached as numbers: nodes are {shift | mask << 8, children ...}; a child is the
index of a node, or the number of a handler.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..frontend.fork import Question, resolve, support
from ..frontend.insn import Insn
from ..mode import ANY, LEVELS, MODES, Mode
from .decoder import LEAF


class TrieBuilder:
    """Collects nodes; equal nodes are made once."""

    def __init__(self, illegal: int) -> None:
        self.words: list[int] = []
        self._illegal = illegal | LEAF
        self._known: dict[tuple[int, ...], int] = {}
        self._leaves: dict[tuple[object, ...], int] = {}  # by instruction and the mode bits it asked about

    def node(self, shift: int, width: int, children: Iterable[int]) -> int:
        """The index of a node, or the child if all are the same."""
        kids = tuple(children)
        if len(set(kids)) == 1:
            return kids[0]
        key = (shift, width, *kids)
        if key not in self._known:
            self._known[key] = len(self.words)
            self.words += [shift | ((1 << width) - 1) << 8, *kids]
        return self._known[key]

    def root(self, plan: list[tuple[Insn, Question | int, int]], mode: Mode) -> int:
        """The trie of one mode and level. `plan`: instruction, its questions, the number of its first handler."""
        leaves = {}
        for insn, tree, first in plan:
            fields, asked = support(tree)
            key = (insn.index, *(getattr(mode, name) for name in asked))
            if key not in self._leaves:
                pieces = sorted({(31 - last, last - start + 1) for f in fields for start, last in f.pieces}, reverse=True)
                self._leaves[key] = self._variants(tree, first, pieces, insn.bits, mode)
            leaves[insn.index] = self._leaves[key]
        primaries = []
        for primary in range(64):
            rows = sorted(
                (p[0] for p in plan if p[0].bits >> 26 == primary and _has(p[0], mode.level)),
                key=lambda i: -i.mask.bit_count(),
            )
            primaries.append(self._split(rows, leaves, 0xFC00_0000))
        return self.node(26, 6, primaries)

    def _variants(self, tree: Question | int, first: int, pieces: list[tuple[int, int]], word: int, mode: Mode) -> int:
        if not pieces:
            return first + resolve(tree, word, mode) | LEAF
        (shift, width), rest = pieces[0], pieces[1:]
        return self.node(
            shift, width, [self._variants(tree, first, rest, word | x << shift, mode) for x in range(1 << width)]
        )

    def _split(self, rows: list[Insn], leaves: dict[int, int], tested: int) -> int:
        """A subtree that tells `rows` (most specific first) apart by bits not yet tested."""
        if not rows:
            return self._illegal
        if not rows[0].mask & ~tested:
            return leaves[rows[0].index]
        common = rows[0].mask
        for i in rows[1:]:
            if i.mask & ~tested:
                common &= i.mask
        shift, width = _longest_run((common & ~tested) or (rows[0].mask & ~tested))
        run = ((1 << width) - 1) << shift
        children = []
        for x in range(1 << width):
            fit = [i for i in rows if not (i.bits ^ x << shift) & i.mask & run]
            children.append(self._split(fit, leaves, tested | run))
        return self.node(shift, width, children)

    def finish(self, roots: list[int]) -> tuple[Any, Any]:
        """(nodes, roots) as arrays, for `place`."""
        return np.array(self.words, np.uint64), np.array(roots, np.uint64)


def build_trie(plan: list[tuple[Insn, Question | int, int]], illegal: int) -> tuple[Any, Any]:
    """The tries of all modes over a plan of handlers, by Mode.key."""
    builder = TrieBuilder(illegal)
    return builder.finish(
        [builder.root(plan, Mode.of_index(m, level)) for level in range(len(LEVELS)) for m in range(MODES)]
    )


def _has(insn: Insn, level: int) -> bool:
    return level == ANY or level in insn.levels


def _longest_run(mask: int) -> tuple[int, int]:
    """(shift, width) of the longest run of ones, at most 11 bits wide, the lowest of equals."""
    best = (0, 0)
    bit = 0
    while bit < 32:
        width = 0
        while bit + width < 32 and mask >> (bit + width) & 1 and width < 11:
            width += 1
        if width > best[1]:
            best = bit, width
        bit += max(width, 1)
    return best
