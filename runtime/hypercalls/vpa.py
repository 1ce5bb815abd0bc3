"""H_REGISTER_VPA: areas a guest shares with the hypervisor (PAPR, "H_REGISTER_VPA")."""

from __future__ import annotations

from typing import Final

from runtime.hypercalls.interface import Machine, Processor, find_cpu
from runtime.hypercalls.registry import Result, hypercall
from runtime.hypercalls.state import CpuState
from runtime.hypercalls.table import H_HARDWARE, H_PARAMETER, H_RESOURCE, H_SUCCESS

_FUNCTION_SHIFT: Final = 63 - 18
_VPA_MIN: Final = 640
_SLB_SHADOW_MIN: Final = 8
_DTL_MIN: Final = 48
_LINE: Final = 128
_PAGE: Final = 4096
_SIZE_OFFSET: Final = 4


@hypercall("H_REGISTER_VPA", 0xDC)
def h_register_vpa(vm: Machine, vcpu: Processor, flags: int, cpu: int, address: int) -> Result:
    """Register or deregister CPU `cpu`'s virtual processor area (functions 1, 5), dispatch trace log (2, 6)
    or SLB shadow buffer (3, 7) at real `address`.

    The partition's CPUs are dedicated, so the area's "shared processor" flag stays clear: Linux then spins on
    locks instead of conferring, which is right where no other guest competes.
    """
    if find_cpu(vm, cpu) is None:
        return H_PARAMETER
    state = vm.papr.cpu(cpu)
    function = flags >> _FUNCTION_SHIFT
    if flags != function << _FUNCTION_SHIFT:
        return H_PARAMETER
    if function == 5:
        if state.slb_shadow or state.dtl:  # They must go first: they depend on the VPA.
            return H_RESOURCE
        state.vpa = 0
    elif function == 6:
        state.dtl = state.dtl_size = 0
    elif function == 7:
        state.slb_shadow = state.slb_shadow_size = 0
    elif function in (1, 2, 3):
        if address == 0:
            return H_HARDWARE
        try:
            return (_register_vpa, _register_dtl, _register_slb_shadow)[function - 1](vm, state, address)
        except ValueError:  # Not in RAM.
            return H_PARAMETER
    else:
        return H_PARAMETER
    return H_SUCCESS


def _size(vm: Machine, address: int, width: int) -> int:
    """The area's own length field; also checks that all of the area is RAM."""
    size = int.from_bytes(vm.read(address + _SIZE_OFFSET, width), "big")
    if size:
        vm.read(address + size - 1, 1)
    return size


def _one_page(address: int, size: int) -> bool:
    return address // _PAGE == (address + size - 1) // _PAGE


def _register_vpa(vm: Machine, state: CpuState, address: int) -> int:
    size = _size(vm, address, 2)
    if address % _LINE or size < _VPA_MIN or not _one_page(address, size):
        return H_PARAMETER
    state.vpa = address
    return H_SUCCESS


def _register_dtl(vm: Machine, state: CpuState, address: int) -> int:
    size = _size(vm, address, 4)
    if size < _DTL_MIN:
        return H_PARAMETER
    if not state.vpa:
        return H_RESOURCE
    state.dtl, state.dtl_size = address, size
    return H_SUCCESS


def _register_slb_shadow(vm: Machine, state: CpuState, address: int) -> int:
    size = _size(vm, address, 4)
    if size < _SLB_SHADOW_MIN or not _one_page(address, size):
        return H_PARAMETER
    if not state.vpa:
        return H_RESOURCE
    state.slb_shadow, state.slb_shadow_size = address, size
    return H_SUCCESS
