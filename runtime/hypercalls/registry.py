"""The registry of hypervisor calls: one Python function per call.

    @hypercall("H_CPPR", 0x68)
    def h_cppr(vm, vcpu, cppr): ...

A call arrives with its number in r3 and its arguments in r4, r5, ...; the function takes as many as it names,
as unsigned 64-bit integers, and returns its status (for r3) or a tuple of the status and results (for r4, r5,
...). Source: PAPR (LoPAPR 1.1), "Hypervisor Call Functions".
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from runtime.hypercalls.interface import Machine, Processor
from runtime.hypercalls.table import H_FUNCTION, NUMBERS, name_of

Result = int | tuple[int, ...]
_Function = TypeVar("_Function", bound=Callable[..., Result])
_U64: Final = (1 << 64) - 1
_MAX_ARGUMENTS: Final = 9  # r4 to r12

UNKNOWN: Final = "unknown "
_MAX_NAMES: Final = 500


@dataclass(frozen=True, slots=True)
class Hypercall:
    """A registered call; `arity` is the number of arguments it takes from r4 on."""

    name: str
    number: int
    function: Callable[..., Result]
    arity: int


HYPERCALLS: Final[dict[int, Hypercall]] = {}


def hypercall(name: str, number: int) -> Callable[[_Function], _Function]:
    """Register the decorated function. Raises ValueError when name, number or signature cannot be right."""

    def register(function: _Function) -> _Function:
        known = NUMBERS.get(name)
        if known is not None and known != number:
            raise ValueError(f"{name} is hypercall {known:#x}, not {number:#x}")
        if number in HYPERCALLS:
            raise ValueError(f"hypercall {number:#x} is already {HYPERCALLS[number].name}")
        HYPERCALLS[number] = Hypercall(name, number, function, arity(function, name, _MAX_ARGUMENTS))
        return function

    return register


def arity(function: Callable[..., Any], name: str, most: int) -> int:
    """Number of arguments after (vm, vcpu). Raises ValueError unless all are plain positional, at most
    `most`."""
    parameters = inspect.signature(function).parameters.values()
    plain = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    if any(parameter.kind not in plain for parameter in parameters):
        raise ValueError(f"{name}: arguments must be plain positional ones")
    if not 2 <= len(parameters) <= 2 + most:
        raise ValueError(f"{name}: must take (vm, vcpu) and at most {most} arguments")
    return len(parameters) - 2


def note(stats: MutableMapping[str, int], name: str) -> None:
    """Count a call under its name. A guest can call any number: from some hundred names on, unknown ones are counted together."""
    if name not in stats and len(stats) >= _MAX_NAMES and name.startswith(UNKNOWN):
        name = UNKNOWN + "others"
    stats[name] = stats.get(name, 0) + 1


def dispatch(vm: Machine, vcpu: Processor, number: int, stats: MutableMapping[str, int] | None = None) -> int:
    """Answer call `number`: set r3 (and results from r4 on) of `vcpu`, and return the status as a signed
    integer.

    `stats` counts each call under its name. An unknown number answers H_FUNCTION and is counted as "unknown
    NAME".
    """
    call = HYPERCALLS.get(number)
    if stats is not None:
        note(stats, call.name if call is not None else UNKNOWN + name_of(number))
    if call is None:
        vcpu.gpr[3] = H_FUNCTION & _U64
        return H_FUNCTION
    result = call.function(vm, vcpu, *(int(vcpu.gpr[4 + i]) for i in range(call.arity)))
    status, values = (result, ()) if isinstance(result, int) else (result[0], result[1:])
    vcpu.gpr[3] = status & _U64
    for index, value in enumerate(values):
        vcpu.gpr[4 + index] = value & _U64
    return status
