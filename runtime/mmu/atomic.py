"""Atomic memory operations: lwat, ldat, stwat, stdat (Book II 4.5), the helper behind them.

Those on one datum are one compare and swap of the host. Those that look at a neighbour too are atomic among the vCPUs of a
machine, which take turns, and towards host threads only for the datum itself.
"""

from __future__ import annotations

from dbt.backend.machinery import compare_and_swap32, compare_and_swap64, compiled, exported, machine_of, u64

from .faults import fault
from .storage import host_read, host_write, misaligned, readable, reverse, settled, stored, writable, written

DSI = u64(0x300)
IS_STORE, BAD_FUNCTION, BAD_PASTE = u64(0x0200_0000), u64(4), u64(8)  # DSISR (Book III 6.5.3)
SIGN = u64(1 << 63)
SWAP, COMPARE_AND_SWAP = u64(8), u64(16)
INCREMENT_BOUNDED, INCREMENT_EQUAL, DECREMENT_BOUNDED, TWIN = u64(24), u64(25), u64(28), u64(24)


@compiled
def datum(at, size, little):  # type: ignore[no-untyped-def]
    """A guest number at a host address."""
    value = host_read(at, size)
    return value if little else reverse(value, size)


@compiled
def set_datum(at, size, little, value):  # type: ignore[no-untyped-def]
    """The inverse."""
    host_write(at, size, value if little else reverse(value, size))


@compiled
def replaced(at, size, little, old, new):  # type: ignore[no-untyped-def]
    """Put `new` in the place of `old` in one step; whether it was done."""
    if not little:
        old, new = reverse(old, size), reverse(new, size)
    return compare_and_swap64(at, old, new) if size == u64(8) else compare_and_swap32(at, old, new)


@compiled
def combined(function, t, x, size):  # type: ignore[no-untyped-def]
    """What functions 0 to 8 store: of the old value t and the operand x."""
    if function == u64(0):
        return t + x
    if function == u64(1):
        return t ^ x
    if function == u64(2):
        return t | x
    if function == u64(3):
        return t & x
    if function == SWAP:
        return x
    unused = u64(64) - (size << u64(3))
    a, b = t << unused, x << unused  # comparisons want the sign on top
    if function & u64(1):
        a, b = a ^ SIGN, b ^ SIGN
    greatest = function < u64(6)
    return t if (a > b) == greatest else x


@compiled
def defined(function, storing):  # type: ignore[no-untyped-def]
    """Whether a function code is."""
    if function < u64(8):
        return True
    if storing:
        return function == TWIN
    return function == SWAP or function == COMPARE_AND_SWAP or function == DECREMENT_BOUNDED or (
        function == INCREMENT_BOUNDED or function == INCREMENT_EQUAL)  # fmt: skip


@compiled
def finish(v, host, size, little, old):  # type: ignore[no-untyped-def]
    """It was stored. If that changed translated code the instruction will run again: as if it had not yet."""
    written(v, host - machine_of(v).ram, size)
    if v.exit:
        set_datum(host, size, little, old)
    settled(v)
    return v.exit == u64(0)


@compiled
def with_neighbour(v, ea, host, size, little, function, storing, r):  # type: ignore[no-untyped-def]
    """Functions that compare the datum with the one after it (or before it: decrement)."""
    other = host - size if function == DECREMENT_BOUNDED and not storing else host + size
    t, t2 = datum(host, size, little), datum(other, size, little)
    if storing:  # store twin
        if t == t2:
            x = v.gpr[r]
            set_datum(host, size, little, x)
            set_datum(other, size, little, x)
            stored(v, host, size)  # running again it stores the same
            stored(v, other, size)
        return u64(0)
    done = (t == t2) == (function == INCREMENT_EQUAL)
    result = t
    if done:
        set_datum(host, size, little, t - u64(1) if function == DECREMENT_BOUNDED else t + u64(1))
        if not finish(v, host, size, little, t):
            return u64(0)
    else:
        result = u64(1) << ((size << u64(3)) - u64(1))
    v.gpr[r] = result
    return u64(0)


@exported
def atomic_memory(v, ea, spec, r):  # type: ignore[no-untyped-def]
    """One operation. spec: size | little << 8 | store << 9 | function << 16."""
    size = spec & u64(0xFF)
    little, storing = spec & u64(0x100) != u64(0), spec & u64(0x200) != u64(0)
    function = spec >> u64(16)
    if ea & (size - u64(1)):
        return misaligned(v, ea)
    if not defined(function, storing):
        fault(v, DSI, ea, BAD_FUNCTION | IS_STORE)
        return u64(0)
    two = function >= INCREMENT_BOUNDED
    if two:
        last = ea - size if function == DECREMENT_BOUNDED else ea + size
        if (last ^ ea) >> u64(5):
            return misaligned(v, ea)
    if readable(v, ea) == u64(0):
        return u64(0)
    host = writable(v, ea)
    if host == u64(0):
        return u64(0)
    if two:
        return with_neighbour(v, ea, host, size, little, function, storing, r)
    mask = ~u64(0) >> (u64(64) - (size << u64(3)))
    x = v.gpr[r if storing else (r + u64(1)) & u64(31)] & mask
    while True:
        t = datum(host, size, little)
        if function == COMPARE_AND_SWAP:
            new = v.gpr[(r + u64(2)) & u64(31)] & mask if t != x else t
        else:
            new = combined(function, t, x, size) & mask
        if replaced(host, size, little, t, new):
            break
    if finish(v, host, size, little, t) and not storing:
        v.gpr[r] = t
    return u64(0)


@exported
def paste_to_storage(v, ea):  # type: ignore[no-untyped-def]
    """paste. to what is no accelerator."""
    fault(v, DSI, ea, BAD_PASTE | IS_STORE)
    return u64(0)
