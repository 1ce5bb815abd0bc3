"""dbt/records.py: what it makes behaves as what `dataclasses` makes."""

from __future__ import annotations

import dataclasses
import pickle
from functools import cached_property
from typing import Any

import pytest

from dbt.records import Record, field, replace


class Plain(Record):
    a: int
    b: str = "b"

    @property
    def twice(self) -> int:
        return 2 * self.a


@dataclasses.dataclass(slots=True)
class PlainToo:
    a: int
    b: str = "b"


class Frozen(Record, frozen=True):
    a: int
    b: tuple[int, ...] = ()

    @cached_property
    def kept(self) -> list[int]:
        return [self.a]


@dataclasses.dataclass(frozen=True)
class FrozenToo:
    a: int
    b: tuple[int, ...] = ()


class Empty(Record, frozen=True):
    pass


class Own(Record, eq=False):
    a: int
    b: list[int] = field(default_factory=list)


CALLS: list[tuple[tuple[Any, ...], dict[str, Any]]] = [((), {}), ((1,), {}), ((1, "x"), {}), ((), {"b": "x", "a": 2}), ((1, "x", 2), {}), ((1,), {"c": 3}), ((1,), {"a": 2})]


@pytest.mark.parametrize("arguments, names", CALLS)
@pytest.mark.parametrize("ours, theirs", [(Plain, PlainToo), (Frozen, FrozenToo)])
def test_construction(ours: Any, theirs: Any, arguments: tuple[Any, ...], names: dict[str, Any]) -> None:
    try:
        expected = repr(theirs(*arguments, **names)).replace("Too", "")
    except TypeError:
        with pytest.raises(TypeError):
            ours(*arguments, **names)
    else:
        assert repr(ours(*arguments, **names)) == expected


def test_equality() -> None:
    assert Plain(1) == Plain(1, "b") != Plain(2) and Plain(1) != PlainToo(1) and Plain(1) != (1, "b")
    assert Frozen(1) == Frozen(1) and len({Frozen(1), Frozen(1), Frozen(2)}) == 2
    assert Empty() == Empty() and Empty() and repr(Empty()) == "Empty()"
    own = Own(1)
    assert own == own != Own(1) and {own: 1}[own]
    own.b.append(2)
    assert own.b == [2] and Own(1).b == [] and Own(1, [3]).b == [3]
    with pytest.raises(TypeError):
        hash(Plain(1))


def test_fields() -> None:
    p = Plain(3)
    p.a += 1
    assert p.twice == 8
    with pytest.raises(AttributeError):
        p.c = 1  # type: ignore[attr-defined]
    f = Frozen(3)
    for name in ("a", "c"):
        with pytest.raises(AttributeError):
            setattr(f, name, 1)
    with pytest.raises(AttributeError):
        del f.a
    assert f.kept is f.kept
    assert replace(f, b=(1,)) == Frozen(3, (1,)) and replace(p, a=0) == Plain(0) and p.a == 4
    match f:
        case Frozen(a, b):
            assert (a, b) == (3, ())


def test_pickle() -> None:
    assert pickle.loads(pickle.dumps(Plain(1, "x"))) == Plain(1, "x")
