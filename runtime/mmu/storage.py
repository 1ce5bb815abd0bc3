"""Loads and stores that level 1 did not serve: the miss path of translated code.

MMIO protocol: an access to a real address that is not RAM (or a store to a read-only page) sets mmio_address, mmio_size, mmio_write,
mmio_data, mmio_state = 1 and Exit.MMIO. The runtime performs it, sets mmio_data (for a load) and mmio_state = 2, and restarts the
instruction, whose access then finds the answer and succeeds. mmio_data is the bytes of the datum in ascending address order read as a
big-endian number, whatever the byte order of the guest: a little-endian store of 0x11223344 hands over 0x44332211.
"""

from __future__ import annotations

from dbt.backend.codecache import code_block_changed, code_written
from dbt.backend.machinery import (
    bswap64,
    compiled,
    exported,
    linked,
    machine_of,
    probe_load,
    probe_store,
    read8,
    read16,
    read32,
    read64,
    u64,
    write8,
    write16,
    write32,
    write64,
)
from dbt.exits import Exit
from runtime.devices.pages import answers, interrupt_access

from .faults import FAILED
from .shared_page import after_shared_store, before_shared_access, on_shared_page
from .tlb import EMPTY, HAS_CODE, MSR_SF, OFFSET, READ_ONLY, probe_read, probe_watched, probe_write
from .translate import read_at, write_at
from .window import close_pages

ALIGNMENT, MMIO, CODE_CHANGED = u64(Exit.ALIGNMENT), u64(Exit.MMIO), u64(Exit.CODE_CHANGED)
ASKED, ANSWERED = u64(1), u64(2)


@compiled
def misaligned(v, ea):  # type: ignore[no-untyped-def]
    """Report the alignment interrupt."""
    v.exit = ALIGNMENT
    v.exit_arg = ea
    return u64(0)


@compiled
def reverse(value, size):  # type: ignore[no-untyped-def]
    """The low `size` bytes of a number in the opposite order."""
    return bswap64(value) >> (u64(64) - (size << u64(3)))


@compiled
def following(v, ea, n):  # type: ignore[no-untyped-def]
    """ea + n in the mode's address space."""
    ea += n
    return ea if v.msr & MSR_SF else ea & u64(0xFFFF_FFFF)


@compiled
def host_read(at, size):  # type: ignore[no-untyped-def]
    """1, 2, 4 or 8 bytes of host memory as a little-endian number."""
    if size == u64(8):
        return read64(at)
    if size == u64(4):
        return read32(at)
    return read16(at) if size == u64(2) else read8(at)


@compiled
def host_write(at, size, value):  # type: ignore[no-untyped-def]
    """The inverse of host_read."""
    if size == u64(8):
        write64(at, value)
    elif size == u64(4):
        write32(at, value)
    elif size == u64(2):
        write16(at, value)
    else:
        write8(at, value)


@compiled
def page_flags(v, real):  # type: ignore[no-untyped-def]
    """The flags of the page of RAM at `real`."""
    return read8(machine_of(v).page_flags + (real >> u64(12)))


@compiled
def is_ram(v, real, storing):  # type: ignore[no-untyped-def]
    """Whether an access to `real` goes to memory: RAM, and not a store to a read-only page."""
    return real < machine_of(v).ram_size and not (storing and page_flags(v, real) & READ_ONLY)


@linked
def device(v, real, size, write, data):  # type: ignore[no-untyped-def]
    """A device access: ask the runtime, or consume its answer; the interrupt controller's pages answer at once. 1 if answered, and mmio_data is the datum of a load."""
    if answers(v, real):
        return interrupt_access(v, real, size, write, data)
    if v.mmio_state == ANSWERED and v.mmio_address == real and v.mmio_size == size and v.mmio_write == write:
        v.mmio_state = u64(0)
        return u64(1)
    v.mmio_address = real
    v.mmio_size = size
    v.mmio_write = write
    v.mmio_data = data
    v.mmio_state = ASKED
    v.exit = MMIO
    return u64(0)


@exported
def load_slow(v, ea, spec):  # type: ignore[no-untyped-def]
    """Load from `ea`, zero-extended. spec: size in bytes | little << 8 | aligned << 9."""
    size = spec & u64(0xFF)
    little = spec & u64(0x100)
    v.slow_loads += u64(1)
    if spec & u64(0x200) and ea & (size - u64(1)):
        return misaligned(v, ea)
    left = u64(0x1000) - (ea & OFFSET)  # bytes to the end of the page
    if on_shared_page(v, ea):
        if size > left:
            return misaligned(v, ea)
        value = host_read(before_shared_access(v, ea), size)
        return value if little else reverse(value, size)
    real = read_at(v, ea)
    if real == FAILED:
        return u64(0)
    ram = machine_of(v).ram
    if size <= left:
        if not is_ram(v, real, False):
            done = device(v, real, size, u64(0), u64(0))
            value = v.mmio_data << (u64(64) - (size << u64(3))) >> (u64(64) - (size << u64(3)))
            return u64(0) if done == u64(0) else reverse(value, size) if little else value
        value = host_read(ram + real, size)
        return value if little else reverse(value, size)
    real2 = read_at(v, following(v, ea, left))
    if real2 == FAILED:
        return u64(0)
    if not (is_ram(v, real, False) and is_ram(v, real2, False)):
        return misaligned(v, ea)
    value = u64(0)
    for i in range(size):  # little-endian number of the bytes
        n = u64(i)
        byte = read8(ram + real + n) if n < left else read8(ram + real2 + n - left)
        value |= byte << (n << u64(3))
    return value if little else reverse(value, size)


@exported
def store_slow(v, ea, spec, value):  # type: ignore[no-untyped-def]
    """Store to `ea`. spec as load_slow. Nothing is stored unless everything can be."""
    size = spec & u64(0xFF)
    v.slow_stores += u64(1)
    if spec & u64(0x200) and ea & (size - u64(1)):
        return misaligned(v, ea)
    left = u64(0x1000) - (ea & OFFSET)
    if on_shared_page(v, ea):
        if size > left:
            return misaligned(v, ea)
        host_write(before_shared_access(v, ea), size, value if spec & u64(0x100) else reverse(value, size))
        after_shared_store(v, ea)
        return u64(0)
    real = EMPTY if machine_of(v).window else probe_watched(v, ea)
    if real == EMPTY or page_flags(v, real) & HAS_CODE == u64(0):
        real = write_at(v, ea)
    if real == FAILED:
        return u64(0)
    ram = machine_of(v).ram
    bytes_ = value if spec & u64(0x100) else reverse(value, size)  # as a little-endian number
    if size <= left:
        if not is_ram(v, real, True):
            device(v, real, size, u64(1), reverse(bytes_, size))
            return u64(0)
        host_write(ram + real, size, bytes_)
        written(v, real, size)
        return settled(v)
    real2 = write_at(v, following(v, ea, left))
    if real2 == FAILED:
        return u64(0)
    if not (is_ram(v, real, True) and is_ram(v, real2, True)):
        return misaligned(v, ea)
    for i in range(size):
        n = u64(i)
        write8(ram + real + n if n < left else ram + real2 + n - left, bytes_ >> (n << u64(3)))
    written(v, real, left)
    written(v, real2, size - left)
    return settled(v)


@compiled
def written(v, real, size):  # type: ignore[no-untyped-def]
    """RAM was stored to, within a page: if translated code came from there, it is dropped and the caller leaves."""
    if page_flags(v, real) & HAS_CODE and drop_code(v, real, size):
        v.exit = CODE_CHANGED
    return u64(0)


@linked
def drop_code(v, real, size):  # type: ignore[no-untyped-def]
    """RAM with translated code was stored to. 1 if that code may be running."""
    return code_written(v, real, size)


@linked
def readable(v, ea):  # type: ignore[no-untyped-def]
    """Host address of the byte of RAM at `ea` for loads; 0 with an exit set if there is none (a device: alignment)."""
    m = machine_of(v)
    if m.window:  # what the host lets us read, the guest may read
        if ea < m.window and probe_load(m.ram + ea):
            return m.ram + ea
    else:
        host = probe_read(v, ea)
        if host:
            return host
    real = read_at(v, ea)
    if real == FAILED:
        return u64(0)
    return machine_of(v).ram + real if is_ram(v, real, False) else misaligned(v, ea)


@linked
def writable(v, ea):  # type: ignore[no-untyped-def]
    """Host address of the byte of RAM at `ea` for stores; 0 with an exit set if there is none. Call `stored` after storing."""
    m = machine_of(v)
    if m.window:
        if ea < m.window and probe_store(m.ram + ea):
            return m.ram + ea
    else:
        host = probe_write(v, ea)
        if host:
            return host
    real = write_at(v, ea)
    if real == FAILED:
        return u64(0)
    return machine_of(v).ram + real if is_ram(v, real, True) else misaligned(v, ea)


@exported
def icbi(v, ea):  # type: ignore[no-untyped-def]
    """icbi: a load of a byte. Where vCPUs run in parallel, a store that was under way when its page got translated code is found now.

    In a Linux process too: a file may have changed, or the page is loose (codecache.py)."""
    if machine_of(v).window:
        if readable(v, ea) and code_block_changed(v, ea):
            v.exit = CODE_CHANGED
        return u64(0)
    host = probe_read(v, ea)
    real = host - machine_of(v).ram if host else read_at(v, ea)
    if v.parallel and real < machine_of(v).ram_size and page_flags(v, real) & HAS_CODE and drop_code(v, real & ~u64(127), u64(128)):
        v.exit = CODE_CHANGED
    return u64(0)


@compiled
def stored(v, host, size):  # type: ignore[no-untyped-def]
    """RAM at a host address was stored to. Where that sets Exit.CODE_CHANGED, the instruction is run again, to the same effect."""
    written(v, host - machine_of(v).ram, size)
    return settled(v)


@compiled
def settled(v):  # type: ignore[no-untyped-def]
    """All stores of the instruction are done."""
    if v.open_page[0]:
        close_pages(v)
    return u64(0)
