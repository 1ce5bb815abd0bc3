"""Variants of a body, discovered and not declared.

`bool()` of an operand field, `c.choose()` and `if c.sf:` fork the body: it is run once per outcome, each path becomes
one interpreter handler, and the questions asked on the way are the decoder's table.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Any

from ..ir import ops
from ..ir.builder import Builder, Value
from .fields import Field

MAX_PATHS = 600


_ANSWERS: dict[tuple[Any, ...], dict[tuple[int, ...], Hashable]] = {}  # by question: many instructions ask the same ones


@dataclass(slots=True)
class Question:
    """What a path asked: a value made of fields and mode bits, and the answers that lead on."""

    value: Value
    choices: tuple[Hashable, ...]
    next: dict[Hashable, Question | int] = field(default_factory=dict)  # int: index of a finished path
    mask: int = 0  # of the fields that the value is made of
    _modes: tuple[str, ...] = ()
    _answers: dict[tuple[int, ...], Hashable] = field(default_factory=dict)  # by what the value is made of; of all that ask the same

    def __post_init__(self) -> None:
        for f in self.value.weak:
            self.mask |= f.mask if isinstance(f, Field) else 0
        self._modes = tuple(sorted(m for m in self.value.weak if not isinstance(m, Field)))
        self._answers = _ANSWERS.setdefault((self.choices, *_shape(self.value)), {})

    def answer(self, word: int, mode: Any) -> Hashable:
        """The choice of a concrete word in a concrete mode; None if it is none of them."""
        key = (word & self.mask, *(getattr(mode, m) for m in self._modes))
        if key not in self._answers:
            x = value_of(self.value, word, mode)
            self._answers[key] = bool(x) if self.choices == (True, False) else x if x in self.choices else None
        return self._answers[key]


class Tracer:
    """Answers the questions of one run of a body: first those given, then always the first choice."""

    def __init__(self, decisions: tuple[Hashable, ...]) -> None:
        self.decisions = decisions
        self.trace: list[tuple[Value, tuple[Hashable, ...], Hashable]] = []
        self._memo: dict[int, Hashable] = {}

    def __call__(self, v: Value, choices: tuple[Hashable, ...] = (True, False)) -> Hashable:
        if id(v) not in self._memo:
            n = len(self.trace)
            answer = self.decisions[n] if n < len(self.decisions) else choices[0]
            self.trace.append((v, choices, answer))
            self._memo[id(v)] = answer
        return self._memo[id(v)]


def explore(run: Callable[[Tracer], Builder], name: str) -> tuple[Question | int, list[Builder]]:
    """Run a body along every path: the tree of its questions, and one block per path. TypeError past MAX_PATHS."""
    todo: list[tuple[Hashable, ...]] = [()]
    root: Question | int | None = None
    blocks: list[Builder] = []
    while todo:
        decisions = todo.pop()
        tracer = Tracer(decisions)
        ir = run(tracer)
        for k in range(len(decisions), len(tracer.trace)):
            before = tuple(t[2] for t in tracer.trace[:k])
            todo.extend((*before, other) for other in tracer.trace[k][1] if other != tracer.trace[k][2])
        leaf = len(blocks)
        blocks.append(ir)
        if len(blocks) > MAX_PATHS:
            raise TypeError(f"{name}: the body forks into more than {MAX_PATHS} paths: use select() for some of them")
        if not tracer.trace:
            return leaf, blocks
        if root is None:
            root = Question(tracer.trace[0][0], tracer.trace[0][1])
        node = root
        assert isinstance(node, Question)
        for n, (_, _, answer) in enumerate(tracer.trace):
            if n + 1 == len(tracer.trace):
                node.next[answer] = leaf
                break
            following = node.next.get(answer)
            if following is None:
                following = node.next[answer] = Question(tracer.trace[n + 1][0], tracer.trace[n + 1][1])
            assert isinstance(following, Question)
            node = following
    assert root is not None
    return root, blocks


def questions(node: Question | int) -> Iterator[Question]:
    """Every question of a tree."""
    if isinstance(node, Question):
        yield node
        for n in node.next.values():
            yield from questions(n)


def support(node: Question | int) -> tuple[list[Field], list[str]]:
    """The fields (most significant first) and mode bits that decide which path is taken."""
    fields: set[Field] = set()
    modes: set[str] = set()
    for q in questions(node):
        for f in q.value.weak:
            if isinstance(f, Field):
                fields.add(f)
            else:
                modes.add(f)
    return sorted(fields, key=lambda f: f.pieces[-1]), sorted(modes)


def resolve(node: Question | int, word: int, mode: Any) -> int:
    """The path a concrete word takes in a concrete mode."""
    while isinstance(node, Question):
        node = node.next[node.answer(word, mode)]
    return node


def _shape(v: Value) -> tuple[Any, ...]:
    """Equal for expressions that are the same."""
    return v.op, v.ty.bits, v.imm, *map(_shape, v.args)


def value_of(v: Value, word: int, mode: Any) -> int:
    """What an expression of fields and mode bits is for a concrete word and mode."""
    if v.op is None:
        return int(v.imm)
    if v.op is ops.word:
        return word
    if v.op is ops.mode_bit:
        return int(getattr(mode, v.imm))
    args = [value_of(a, word, mode) for a in v.args]
    widths = dict(zip(v.op.params, (a.ty.bits for a in v.args), strict=True))
    n = v.ty.bits if v.op.result == "N" else widths.get("N", 64)
    return v.op.evaluate(args, n, widths.get("M", 0), v.imm) & v.ty.mask
