"""The interpreter's decoder: a trie over instruction words whose leaves are handlers, one root per mode and CPU level.

Built once from the declarations and cached as numbers: nodes are {shift | mask << 8, children ...}; a child is the
index of a node, or the number of a handler.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..frontend.fork import Question, questions, resolve, support
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
        self._asked: dict[int, tuple[list[tuple[int, int]], list[str], list[Question]]] = {}  # by instruction: what decides its handler
        # by level and primary opcode: {shift, width, parts}, an instruction, or None; and the instructions in it
        self._splits: dict[int, list[tuple[Any, list[int]]]] = {}
        self._placed: dict[tuple[int, ...], int] = {}  # by level, primary opcode and the leaves of its instructions

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
            if insn.index not in self._asked:
                fields, asked = support(tree)
                pieces = sorted({(31 - last, last - start + 1) for f in fields for start, last in f.pieces}, reverse=True)
                self._asked[insn.index] = pieces, asked, list(questions(tree))
            pieces, asked, about = self._asked[insn.index]
            key = (insn.index, *(getattr(mode, name) for name in asked))
            if key not in self._leaves:
                alike = [(shift, _alike(shift, width, about, insn.bits, mode)) for shift, width in pieces]
                self._leaves[key] = self._variants(tree, first, alike, insn.bits, mode)
            leaves[insn.index] = self._leaves[key]
        if mode.level not in self._splits:
            by_primary: list[list[Insn]] = [[] for _ in range(64)]
            for insn, _, _ in plan:
                if mode.level == ANY or mode.level in insn.levels:
                    by_primary[insn.bits >> 26].append(insn)
            self._splits[mode.level] = [
                (_split(sorted(rows, key=lambda i: -i.mask.bit_count()), 0xFC00_0000), [i.index for i in rows]) for rows in by_primary
            ]
        children = []
        for primary, (split, within) in enumerate(self._splits[mode.level]):
            key = (mode.level, primary, *(leaves[i] for i in within))
            if key not in self._placed:
                self._placed[key] = self._place(split, leaves)
            children.append(self._placed[key])
        return self.node(26, 6, children)

    def _variants(self, tree: Question | int, first: int, pieces: list[tuple[int, list[int]]], word: int, mode: Mode) -> int:
        if not pieces:
            return first + resolve(tree, word, mode) | LEAF
        (shift, alike), rest = pieces[0], pieces[1:]
        made = {x: self._variants(tree, first, rest, word | x << shift, mode) for x in dict.fromkeys(alike)}
        return self.node(shift, len(alike).bit_length() - 1, [made[x] for x in alike])

    def _place(self, split: Any, leaves: dict[int, int]) -> int:
        if split is None:
            return self._illegal
        if isinstance(split, int):
            return leaves[split]
        shift, width, parts = split
        return self.node(shift, width, [self._place(part, leaves) for part in parts])

    def finish(self, roots: list[int]) -> tuple[Any, Any]:
        """(nodes, roots) as arrays, for `place`."""
        return np.array(self.words, np.uint64), np.array(roots, np.uint64)


def build_trie(plan: list[tuple[Insn, Question | int, int]], illegal: int) -> tuple[Any, Any]:
    """The tries of all modes over a plan of handlers, by Mode.key."""
    builder = TrieBuilder(illegal)
    return builder.finish(
        [builder.root(plan, Mode.of_index(m, level)) for level in range(len(LEVELS)) for m in range(MODES)]
    )


def _alike(shift: int, width: int, about: list[Question], word: int, mode: Mode) -> list[int]:
    """For each value of a piece of a word the first that no question tells from it."""
    piece = (1 << width) - 1 << shift
    if any(q.mask & piece and q.mask & ~piece for q in about):  # one about this piece and another
        return list(range(1 << width))
    about = [q for q in about if q.mask & piece]
    first: dict[tuple[Any, ...], int] = {}
    return [first.setdefault(tuple(q.answer(word | x << shift, mode) for q in about), x) for x in range(1 << width)]


def _split(rows: list[Insn], tested: int) -> Any:
    """{shift, width, parts} that tells `rows` (most specific first) apart by bits not yet tested; an instruction's index; None."""
    if not rows:
        return None
    if not rows[0].mask & ~tested:
        return rows[0].index
    common = rows[0].mask
    for i in rows[1:]:
        if i.mask & ~tested:
            common &= i.mask
    shift, width = _longest_run((common & ~tested) or (rows[0].mask & ~tested))
    run = ((1 << width) - 1) << shift
    return shift, width, [_split([i for i in rows if not (i.bits ^ x << shift) & i.mask & run], tested | run) for x in range(1 << width)]


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
