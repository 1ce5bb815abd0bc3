"""Classes that are data, for modules that every start imports.

`dataclasses` would do, but it imports `inspect`, and what it makes costs a fifth of a warm start. Type checkers know these as well (PEP 681).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any, TypeVar, dataclass_transform

R = TypeVar("R", bound="Record")
T = TypeVar("T")


class _Factory:
    def __init__(self, make: Callable[[], Any]) -> None:
        self.make = make


def field(*, default_factory: Callable[[], T]) -> T:
    """A default that is made anew each time."""
    return _Factory(default_factory)  # type: ignore[return-value]


@dataclass_transform(field_specifiers=(field,))
class _Fields(type):
    """Annotations of a class become slots and, in order, the parameters of `__init__`; what the class gives them is the default.

    `frozen`: fields cannot be set afterwards, and it has a hash. `eq=False`: equal to itself alone."""

    names: tuple[str, ...]

    def __new__(cls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], frozen: bool = False, eq: bool = True) -> Any:
        fields = tuple(namespace.get("__annotations__", ()))
        defaults = {f"_{field}": namespace.pop(field) for field in fields if field in namespace}
        parameters = ", ".join(["self", *(f"{f}=_{f}" if f"_{f}" in defaults else f for f in fields)])
        values = {f: f"_{f}.make() if {f} is _{f} else {f}" if isinstance(defaults.get(f"_{f}"), _Factory) else f for f in fields}
        put = "put(self, {0!r}, {1})" if frozen else "self.{0} = {1}"
        scope: dict[str, Any] = {"put": object.__setattr__, **defaults}
        exec(f"def __init__({parameters}): {'; '.join(put.format(*i) for i in values.items()) or 'pass'}", scope)
        keeps = any(isinstance(x, cached_property) for x in namespace.values())
        made = {"__slots__": (*fields, "__dict__") if keeps else fields, "__match_args__": fields, "__init__": scope["__init__"]}
        if not eq:
            made |= {"__eq__": object.__eq__, "__hash__": object.__hash__}
        elif frozen:
            made["__hash__"] = _hash
        if frozen:
            made |= {"__setattr__": _refuse, "__delattr__": _refuse}
        record = super().__new__(cls, name, bases, namespace | made)
        record.names = fields
        return record


def _refuse(record: Record, name: str, *value: Any) -> None:
    raise AttributeError(f"{type(record).__name__}.{name} cannot be changed")


def _hash(record: Record) -> int:
    return hash(_values(record))


def _values(record: Record) -> tuple[Any, ...]:
    return tuple(getattr(record, name) for name in type(record).names)


class Record(metaclass=_Fields):
    """The base of all: equal if of one class with equal fields, printed with them."""

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and _values(self) == _values(other)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{n}={getattr(self, n)!r}' for n in type(self).names)})"


def replace(record: R, **changes: Any) -> R:
    """A copy with some fields changed."""
    return type(record)(**{n: getattr(record, n) for n in type(record).names} | changes)
