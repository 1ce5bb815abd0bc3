"""The kernel's functions, one registered Python function each.

    @syscall
    def lseek(p: Process, fd: Int, offset: Long, whence: Int) -> int:
        return wait(NR["lseek"], fd, offset, whence)

Annotations say how an argument register is read: Int and Unsigned are 32 bits; Long, Size and Address a word of the ABI; Path a C string
looked up below -L (from an argument `directory` or `old_directory` before it), Name one whose last part is not followed if it is a link; Wide a 64-bit number, in two registers (an odd one first) of 32-bit programs. The result is a number, negative for an error
(-EINVAL), or None for 0; SyscallError is an error too. The function's name is the call's, without a trailing underscore.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated, Any

from .numbers import PPC32, PPC64

if TYPE_CHECKING:
    from ..abi import Abi

Int = Annotated[int, "i"]
Unsigned = Annotated[int, "u"]
Long = Annotated[int, "l"]
Size = Annotated[int, "s"]
Address = Annotated[int, "a"]
Wide = Annotated[int, "w"]
Path = Annotated[bytes, "p"]
Name = Annotated[bytes, "n"]
_KINDS = {"Int": "i", "Unsigned": "u", "Long": "l", "Size": "s", "Address": "a", "Wide": "w", "Path": "p", "Name": "n"}


class Call:
    """A registered call: the function and how its arguments are read."""

    __slots__ = ("function", "kinds", "name")

    def __init__(self, name: str, function: Callable[..., Any], kinds: str) -> None:
        self.name, self.function, self.kinds = name, function, kinds


CALLS: dict[str, Call] = {}


def syscall(function: Callable[..., Any]) -> Callable[..., Any]:
    """Register a call under the function's name. TypeError for an annotation that is none of ours."""
    name = function.__name__.rstrip("_")
    kinds = ""
    annotations = function.__annotations__
    code = function.__code__
    for parameter in code.co_varnames[1 : code.co_argcount]:
        kind = _KINDS.get(str(annotations.get(parameter)))
        if kind is None:
            raise TypeError(f"syscall {name}: the argument {parameter!r} needs an annotation: one of {', '.join(_KINDS)}")
        kinds += "d" if parameter.endswith("directory") else kind
    CALLS[name] = Call(name, function, kinds)
    return function


def alias(name: str, other: str) -> None:
    """`name` is the same call as `other`."""
    known = CALLS[other]
    CALLS[name] = Call(name, known.function, known.kinds)


def table(abi: Abi) -> dict[int, tuple[str, Call | None]]:
    """Calls by number: name, and the call if there is one."""
    from . import (  # noqa: F401
        directories,
        events,
        files,
        futex,
        ipc,
        memory,
        misc,
        paths,
        process,
        scheduling,
        signals,
        sockets,
        status,
        terminal,
        time,
        timers,
    )

    numbers = PPC64 if abi.bits == 64 else PPC32
    return {n: (name, CALLS.get(name)) for name, n in numbers.items()}


def arguments(p: Any, kinds: str) -> list[Any]:
    """The arguments of the call being made, from r3 on."""
    gpr, bits = p.vcpu.gpr, p.abi.bits
    out: list[Any] = []
    r, directory = 3, -100  # AT_FDCWD
    for kind in kinds:
        if kind == "w" and bits == 32:
            r += (r & 1) ^ 1
            first, second = gpr[r] & 0xFFFF_FFFF, gpr[r + 1] & 0xFFFF_FFFF
            value = second << 32 | first if p.abi.little else first << 32 | second
            out.append(value - (1 << 64) if value >> 63 else value)
            r += 2
            continue
        value = gpr[r]
        r += 1
        if kind == "i" or kind == "d":
            value &= 0xFFFF_FFFF
            value = value - (1 << 32) if value >> 31 else value
            if kind == "d":
                directory = value
        elif kind == "u":
            value &= 0xFFFF_FFFF
        elif kind == "l" or kind == "w":
            value &= p.abi.mask
            value = value - (1 << bits) if value >> (bits - 1) else value
        else:
            value &= p.abi.mask
            if kind == "p" or kind == "n":
                value = p.path(p.space.string(value), kind == "p", directory)
        out.append(value)
    return out


__all__ = ["CALLS", "Address", "Call", "Int", "Long", "Name", "Path", "Size", "Unsigned", "Wide", "alias", "arguments", "syscall", "table"]
