"""Storage accesses of more than one unit, and conditional stores (Book I 3.3.4-3.3.7; Book II 4.3.2, 4.6.2): helpers of instruction bodies.

Each finds all its pages first, so that it happens whole or not at all. Storage that is not RAM is an alignment interrupt (Book III 6.5.8).
A store that changes translated code is done, and then done again, because Exit.CODE_CHANGED restarts the instruction.
"""

from __future__ import annotations

from dbt.backend.machinery import (
    bswap64,
    compare_and_swap8,
    compare_and_swap16,
    compare_and_swap32,
    compare_and_swap64,
    compare_and_swap128,
    compiled,
    exported,
    read8,
    read32,
    read64,
    u64,
    write8,
    write32,
    write64,
)

from .storage import following, misaligned, readable, reverse, stored, writable
from .tlb import OFFSET

_WORD = u64(0xFFFF_FFFF)


@compiled
def spans(v, ea, size, storing):  # type: ignore[no-untyped-def]
    """(host address of the first byte, bytes in its page, host address of the rest in the next page) for up to 4,096 bytes.

    A host address of 0 for the first means failure, with an exit set."""
    left = u64(0x1000) - (ea & OFFSET)
    here = min(left, size)
    first = writable(v, ea) if storing else readable(v, ea)
    if first == u64(0) or size <= left:
        return first, here, u64(0)
    rest_ea = following(v, ea, left)
    rest = writable(v, rest_ea) if storing else readable(v, rest_ea)
    return (first if rest else u64(0)), here, rest


@compiled
def place(first, here, rest, at):  # type: ignore[no-untyped-def]
    """Host address of byte `at` of a span."""
    return first + at if at < here else rest + (at - here)


@compiled
def stored_span(v, first, here, rest, size):  # type: ignore[no-untyped-def]
    """`size` bytes of a span were stored."""
    stored(v, first, here)
    if rest:
        stored(v, rest, size - here)
    return u64(0)


@exported
def load_multiple(v, ea, first):  # type: ignore[no-untyped-def]
    """lmw: GPRs first..31 from consecutive words."""
    count = u64(32) - first
    host, here, rest = spans(v, ea, count << u64(2), False)
    if host == u64(0):
        return u64(0)
    if rest == u64(0):
        for i in range(count):
            v.gpr[first + u64(i)] = bswap64(read32(host + (u64(i) << u64(2)))) >> u64(32)
    else:
        for i in range(count):
            v.gpr[first + u64(i)] = load_word(host, here, rest, u64(i) << u64(2), u64(4))
    return u64(0)


@exported
def store_multiple(v, ea, first):  # type: ignore[no-untyped-def]
    """stmw: GPRs first..31 to consecutive words."""
    count = u64(32) - first
    host, here, rest = spans(v, ea, count << u64(2), True)
    if host == u64(0):
        return u64(0)
    if rest == u64(0):
        for i in range(count):
            write32(host + (u64(i) << u64(2)), bswap64(v.gpr[first + u64(i)]) >> u64(32))
    else:
        for i in range(count):
            store_word(host, here, rest, u64(i) << u64(2), u64(4), v.gpr[first + u64(i)])
    return stored_span(v, host, here, rest, count << u64(2))


@compiled
def load_word(host, here, rest, at, n):  # type: ignore[no-untyped-def]
    """A big-endian word whose first n (1..4) bytes are at `at` of a span, the others zero."""
    word = u64(0)
    for i in range(n):
        word |= read8(place(host, here, rest, at + u64(i))) << (u64(24) - (u64(i) << u64(3)))
    return word


@compiled
def store_word(host, here, rest, at, n, word):  # type: ignore[no-untyped-def]
    """The inverse of load_word."""
    for i in range(n):
        write8(place(host, here, rest, at + u64(i)), word >> (u64(24) - (u64(i) << u64(3))))


@exported
def load_string(v, ea, first, count):  # type: ignore[no-untyped-def]
    """lswi, lswx: `count` bytes into the low words of GPRs first, first + 1 ..., wrapping to 0."""
    if count == u64(0):
        return u64(0)
    host, here, rest = spans(v, ea, count, False)
    if host == u64(0):
        return u64(0)
    at, r = u64(0), first
    while at < count:
        n = count - at
        v.gpr[r] = load_word(host, here, rest, at, min(u64(4), n))
        r = (r + u64(1)) & u64(31)
        at += u64(4)
    return u64(0)


@exported
def store_string(v, ea, first, count):  # type: ignore[no-untyped-def]
    """stswi, stswx: the inverse of load_string."""
    if count == u64(0):
        return u64(0)
    host, here, rest = spans(v, ea, count, True)
    if host == u64(0):
        return u64(0)
    at, r = u64(0), first
    while at < count:
        n = count - at
        store_word(host, here, rest, at, min(u64(4), n), v.gpr[r])
        r = (r + u64(1)) & u64(31)
        at += u64(4)
    return stored_span(v, host, here, rest, count)


@exported
def zero_block(v, ea):  # type: ignore[no-untyped-def]
    """dcbz: 128 bytes of zeros. A fault's DAR is `ea` as given: the block lies in one page."""
    host = writable(v, ea)
    if host == u64(0):
        return u64(0)
    host -= ea & u64(127)
    for i in range(16):
        write64(host + (u64(i) << u64(3)), u64(0))
    return stored(v, host, u64(128))


@compiled
def _swapped(little, high, low):  # type: ignore[no-untyped-def]
    """A 16-byte number as the two doublewords in storage, the first one first; and the inverse."""
    return (low, high) if little else (bswap64(high), bswap64(low))


@compiled
def _exchange_quad(host, little, old_high, old_low, high, low):  # type: ignore[no-untyped-def]
    """Set the 16-byte number at a host address in one step if it is the old one: (done, high before, low before)."""
    old_first, old_second = _swapped(little, old_high, old_low)
    first, second = _swapped(little, high, low)
    done, first, second = compare_and_swap128(host, old_first, old_second, first, second)
    if little:
        return done, second, first
    return done, bswap64(first), bswap64(second)


@compiled
def _quad(v, host, little):  # type: ignore[no-untyped-def]
    """The 16-byte number at a host address, in one step as other vCPUs see it: (high, low)."""
    if v.parallel == u64(0):
        first, second = read64(host), read64(host + u64(8))
        return (second, first) if little else (bswap64(first), bswap64(second))
    _, high, low = _exchange_quad(host, little, u64(0), u64(0), u64(0), u64(0))
    return high, low


@compiled
def _set_quad(v, host, little, high, low):  # type: ignore[no-untyped-def]
    """Set it, in one step."""
    old_high, old_low = _quad(v, host, little)
    while True:
        done, old_high, old_low = _exchange_quad(host, little, old_high, old_low, high, low)
        if done:
            return


@exported
def load_quad(v, ea, rt, little):  # type: ignore[no-untyped-def]
    """lq."""
    if ea & u64(15):
        return misaligned(v, ea)
    host = readable(v, ea)
    if host:
        high, low = _quad(v, host, little)
        v.gpr[rt] = high
        v.gpr[rt + u64(1)] = low
    return u64(0)


@exported
def store_quad(v, ea, rs, little):  # type: ignore[no-untyped-def]
    """stq."""
    if ea & u64(15):
        return misaligned(v, ea)
    host = writable(v, ea)
    if host:
        _set_quad(v, host, little, v.gpr[rs], v.gpr[rs + u64(1)])
        stored(v, host, u64(16))
    return u64(0)


@exported
def load_quad_reserve(v, ea, rt, little):  # type: ignore[no-untyped-def]
    """lqarx."""
    if ea & u64(15):
        return misaligned(v, ea)
    host = readable(v, ea)
    if host:
        high, low = _quad(v, host, little)
        v.gpr[rt] = high
        v.gpr[rt + u64(1)] = low
        v.reserve_ea = ea
        v.reserve_size = u64(16)
        v.reserve_value = high
        v.reserve_value_low = low
    return u64(0)


@compiled
def _holds_reservation(v, ea, size):  # type: ignore[no-untyped-def]
    return v.reserve_ea == ea and v.reserve_size == size


@compiled
def conditionally_stored(v, host, size, high, low):  # type: ignore[no-untyped-def]
    """A conditional store was done. The result is 1.

    If it changed code, the instruction runs again: it gets a reservation on what it has just stored, and so succeeds again."""
    stored(v, host, size)
    if v.exit:
        v.reserve_size = size
        v.reserve_value = high
        v.reserve_value_low = low
    return u64(1)


@exported
def store_conditional(v, ea, value, spec):  # type: ignore[no-untyped-def]
    """stbcx. to stdcx.: one atomic step. spec: size | little << 8. 1 if it stored."""
    size = spec & u64(0xFF)
    if ea & (size - u64(1)):
        return misaligned(v, ea)
    if not _holds_reservation(v, ea, size):
        v.reserve_size = u64(0)
        return u64(0)
    host = writable(v, ea)
    if host == u64(0):
        return u64(0)
    v.reserve_size = u64(0)
    old, new = v.reserve_value, value
    if spec & u64(0x100) == u64(0):
        old, new = reverse(old, size), reverse(new, size)
    if size == u64(8):
        done = compare_and_swap64(host, old, new)
    elif size == u64(4):
        done = compare_and_swap32(host, old, new)
    elif size == u64(2):
        done = compare_and_swap16(host, old, new)
    else:
        done = compare_and_swap8(host, old, new)
    if done:
        unused = u64(64) - (size << u64(3))
        return conditionally_stored(v, host, size, (value << unused) >> unused, u64(0))
    return u64(0)


@exported
def store_quad_conditional(v, ea, rs, little):  # type: ignore[no-untyped-def]
    """stqcx."""
    if ea & u64(15):
        return misaligned(v, ea)
    if not _holds_reservation(v, ea, u64(16)):
        v.reserve_size = u64(0)
        return u64(0)
    host = writable(v, ea)
    if host == u64(0):
        return u64(0)
    v.reserve_size = u64(0)
    high, low = v.gpr[rs], v.gpr[rs + u64(1)]
    if _exchange_quad(host, little, v.reserve_value, v.reserve_value_low, high, low)[0] == u64(0):
        return u64(0)
    return conditionally_stored(v, host, u64(16), high, low)


@exported
def load_vector_part(v, ea, x, count):  # type: ignore[no-untyped-def]
    """lxvl, lxvll: the first `count` (at most 16) bytes at ea into VSR x & 63, zeros after them; x & 64: little-endian."""
    count = min(count, u64(16))
    high, low = u64(0), u64(0)
    if count != u64(0):
        host, here, rest = spans(v, ea, count, False)
        if host == u64(0):
            return u64(0)
        for i in range(count):
            n = u64(i)
            byte = read8(place(host, here, rest, n))
            n = n if x & u64(64) else u64(15) - n  # place in the number, from the right
            if n < u64(8):
                low |= byte << (n << u64(3))
            else:
                high |= byte << ((n - u64(8)) << u64(3))
    v.vsr[x & u64(63), 0] = low
    v.vsr[x & u64(63), 1] = high
    return u64(0)


@exported
def store_vector_part(v, ea, x, count):  # type: ignore[no-untyped-def]
    """stxvl, stxvll: the inverse of load_vector_part."""
    count = min(count, u64(16))
    if count == u64(0):
        return u64(0)
    host, here, rest = spans(v, ea, count, True)
    if host == u64(0):
        return u64(0)
    low, high = v.vsr[x & u64(63), 0], v.vsr[x & u64(63), 1]
    for i in range(count):
        n = u64(i) if x & u64(64) else u64(15) - u64(i)
        byte = low >> (n << u64(3)) if n < u64(8) else high >> ((n - u64(8)) << u64(3))
        write8(place(host, here, rest, u64(i)), byte)
    return stored_span(v, host, here, rest, count)
