"""The address space: mmap and relatives, brk."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from ..errno import EACCES, EBADF, EEXIST, EFAULT, EINVAL, ENODEV, ENOMEM, SyscallError
from ..memory import PAGE, PROT_READ, PROT_WRITE, page_up
from ..native import NR, host
from . import Address, Int, Long, Size, Unsigned, syscall

if TYPE_CHECKING:
    from ..process import Process

MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE, MAP_TYPE, MAP_FIXED, MAP_ANONYMOUS, MAP_FIXED_NOREPLACE = 1, 2, 3, 15, 0x10, 0x20, 0x10_0000
MREMAP_MAYMOVE, MREMAP_FIXED, MREMAP_DONTUNMAP = 1, 2, 4
MADV_DONTNEED, MADV_FREE = 4, 8


def _map(p: Process, address: int, size: int, prot: int, flags: int, fd: int, offset: int) -> int:
    space = p.space
    kind = flags & MAP_TYPE
    if not size or kind not in (MAP_SHARED, MAP_PRIVATE, MAP_SHARED_VALIDATE) or offset % PAGE:
        return -EINVAL
    size = page_up(size)
    if size > space.limit:
        return -ENOMEM
    prot &= 7
    path = ""
    if not flags & MAP_ANONYMOUS:
        mode = host(NR["fcntl"], fd, 3)
        if mode < 0:
            return -EBADF
        if mode & 3 == os.O_WRONLY or (kind != MAP_PRIVATE and prot & PROT_WRITE and mode & 3 != os.O_RDWR):
            return -EACCES
        try:
            path = os.readlink(f"/proc/self/fd/{fd}")
            if os.path.isdir(path):
                return -ENODEV
        except OSError:
            path = ""
    if flags & (MAP_FIXED | MAP_FIXED_NOREPLACE):
        if address % PAGE:
            return -EINVAL
        if address + size > space.limit or address < 0x1000:
            return -ENOMEM if address + size > space.limit else -1
        if not space.is_free(address, address + size):
            if flags & MAP_FIXED_NOREPLACE:
                return -EEXIST
            space.unmap(address, address + size)
    else:
        hint = page_up(address)
        address = space.gap(size, hint if hint >= 0x1_0000 else 0)
    if flags & MAP_ANONYMOUS:
        space.map(address, size, prot, kind != MAP_PRIVATE)
        return address
    result = space.map_file(address, size, prot, fd, offset, kind != MAP_PRIVATE, path)
    return result if result < 0 else address


@syscall
def mmap(p: Process, address: Address, size: Size, prot: Int, flags: Int, fd: Int, offset: Long) -> int:
    return _map(p, address, size, prot, flags, fd, offset)


@syscall
def mmap2(p: Process, address: Address, size: Size, prot: Int, flags: Int, fd: Int, page: Size) -> int:
    return _map(p, address, size, prot, flags, fd, page << 12)


@syscall
def munmap(p: Process, address: Address, size: Size) -> int:
    if address % PAGE or not size or address + size > p.space.limit:
        return -EINVAL
    p.space.unmap(address, address + page_up(size))
    return 0


@syscall
def mprotect(p: Process, address: Address, size: Size, prot: Int) -> int:
    if address % PAGE:
        return -EINVAL
    if not size:
        return 0
    end = address + page_up(size)
    return 0 if end <= p.space.limit and p.space.protect(address, end, prot & 7) else -ENOMEM


@syscall
def mremap(p: Process, address: Address, old: Size, new: Size, flags: Int, wanted: Address) -> int:
    space = p.space
    if address % PAGE or not new or flags & ~3 or (flags & MREMAP_FIXED and not flags & MREMAP_MAYMOVE):
        return -EINVAL
    old, new = page_up(old), page_up(new)
    area = space.find(address)
    if area is None or address + old > area.end or not old:
        return -EFAULT if area is None or old else -EINVAL
    if flags & MREMAP_FIXED:
        if wanted % PAGE or (wanted < address + old and address < wanted + new):
            return -EINVAL
        space.unmap(wanted, wanted + new)
        space.move(address, old, wanted, new)
        return wanted
    if new <= old:
        if new < old:
            space.unmap(address + new, address + old)
        return address
    if area.end == address + old and address + new <= space.limit and space.is_free(address + old, address + new):
        return space.grow(area, new - old) or address
    if not flags & MREMAP_MAYMOVE:
        return -ENOMEM
    target = space.gap(new)
    space.move(address, old, target, new)
    return target


@syscall
def brk(p: Process, address: Address) -> int:
    space = p.space
    if address < space.brk_start:
        return space.brk
    old, new = page_up(space.brk), page_up(address)
    if new > old:
        if not space.is_free(old, new + PAGE):
            return space.brk
        try:
            space.map(old, new - old, PROT_READ | PROT_WRITE, name="[heap]")
        except SyscallError:
            return space.brk
    elif new < old:
        space.unmap(new, old)
    space.brk = address
    return address


@syscall
def madvise(p: Process, address: Address, size: Size, advice: Int) -> int:
    if address % PAGE:
        return -EINVAL
    end = address + page_up(size)
    if not p.space.is_mapped(address, end):
        return -ENOMEM
    if advice in (MADV_DONTNEED, MADV_FREE):
        result = host(NR["madvise"], p.space.ram + address, end - address, MADV_DONTNEED)
        p.vcpu.call("invalidate_code", address, end - address)
        return result
    return 0


@syscall
def msync(p: Process, address: Address, size: Size, flags: Int) -> int:
    if address % PAGE:
        return -EINVAL
    end = address + page_up(size)
    if not p.space.is_mapped(address, end):
        return -ENOMEM
    return host(NR["msync"], p.space.ram + address, end - address, flags) if size else 0


@syscall
def mincore(p: Process, address: Address, size: Size, out: Address) -> int:
    end = address + page_up(size)
    if not p.space.is_mapped(address, end):
        return -ENOMEM
    p.space.write(out, b"\1" * ((end - address) // PAGE))
    return 0


@syscall
def mlock(p: Process, address: Address, size: Size) -> int:
    return 0


@syscall
def mlock2(p: Process, address: Address, size: Size, flags: Int) -> int:
    return 0


@syscall
def munlock(p: Process, address: Address, size: Size) -> int:
    return 0


@syscall
def mlockall(p: Process, flags: Int) -> int:
    return 0


@syscall
def munlockall(p: Process) -> int:
    return 0


@syscall
def get_mempolicy(p: Process, mode: Address, mask: Address, count: Size, address: Address, flags: Unsigned) -> int:
    if mode:
        p.space.write(mode, p.abi.pack("i", 0))
    return 0
