"""Calls that read, write or clean memory by real address (PAPR, "H_PAGE_INIT", "H_LOGICAL_...").

Translated code follows stores by itself, so the cache management calls have nothing left to do.
"""

from __future__ import annotations

from typing import Final

from runtime.hypercalls.interface import Machine, Processor
from runtime.hypercalls.registry import Result, hypercall
from runtime.hypercalls.table import H_PARAMETER, H_SUCCESS

# Flags of H_PAGE_INIT.
ICACHE_INVALIDATE: Final = 1 << 63 - 40
ICACHE_SYNCHRONIZE: Final = 1 << 63 - 41
ZERO_PAGE: Final = 1 << 63 - 48
COPY_PAGE: Final = 1 << 63 - 49
_PAGE_FLAGS: Final = ICACHE_INVALIDATE | ICACHE_SYNCHRONIZE | ZERO_PAGE | COPY_PAGE
_PAGE: Final = 4096
_SIZES: Final = (1, 2, 4, 8)


@hypercall("H_PAGE_INIT", 0x2C)
def h_page_init(vm: Machine, vcpu: Processor, flags: int, destination: int, source: int) -> Result:
    """Zero or copy one 4 KB page. Copying wins if both are asked for."""
    if flags & ~_PAGE_FLAGS or destination % _PAGE:
        return H_PARAMETER
    try:
        if flags & COPY_PAGE:
            if source % _PAGE:
                return H_PARAMETER
            vm.write(destination, vm.read(source, _PAGE))
        elif flags & ZERO_PAGE:
            vm.write(destination, bytes(_PAGE))
        else:
            vm.read(destination, 1)
    except ValueError:
        return H_PARAMETER
    return H_SUCCESS


def _load(vm: Machine, vcpu: Processor, size: int, address: int) -> Result:
    if size not in _SIZES or address % size:
        return H_PARAMETER
    try:
        return H_SUCCESS, int.from_bytes(vm.read(address, size), "big")
    except ValueError:
        return H_PARAMETER


def _store(vm: Machine, vcpu: Processor, size: int, address: int, value: int) -> Result:
    if size not in _SIZES or address % size:
        return H_PARAMETER
    try:
        vm.write(address, (value & (1 << 8 * size) - 1).to_bytes(size, "big"))
    except ValueError:
        return H_PARAMETER
    return H_SUCCESS


def _clean(vm: Machine, vcpu: Processor) -> Result:
    return H_SUCCESS


# Cache-inhibited or not is no difference here.
hypercall("H_LOGICAL_CI_LOAD", 0x3C)(_load)
hypercall("H_LOGICAL_CI_STORE", 0x40)(_store)
hypercall("H_LOGICAL_CACHE_LOAD", 0x44)(_load)
hypercall("H_LOGICAL_CACHE_STORE", 0x48)(_store)
hypercall("H_LOGICAL_ICBI", 0x4C)(_clean)
hypercall("H_LOGICAL_DCBF", 0x50)(_clean)
