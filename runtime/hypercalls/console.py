"""The virtual terminal (PAPR, "Virtual Terminal (Vterm)")."""

from __future__ import annotations

from typing import Final

from runtime.hypercalls.interface import Console, Machine, Processor
from runtime.hypercalls.registry import Result, hypercall
from runtime.hypercalls.table import H_PARAMETER, H_SUCCESS

# The unit address of /vdevice/vty@71000000: what the guest names its terminal by.
CONSOLE_UNIT: Final = 0x71000000
# Further terminals of the partition (`Machine.terminals`) have the addresses after it.
SECOND_UNIT: Final = CONSOLE_UNIT + 1
_BYTES = 16  # Two registers full.


def _terminal(vm: Machine, unit: int) -> Console | None:
    # Linux's early debug console does not know the unit address and asks for terminal 0.
    unit &= 0xFFFFFFFF
    return vm.console if unit in (CONSOLE_UNIT, 0) else vm.terminals.get(unit)


@hypercall("H_PUT_TERM_CHAR", 0x58)
def h_put_term_char(vm: Machine, vcpu: Processor, unit: int, length: int, first: int, second: int) -> Result:
    """Write `length` bytes, packed from the most significant byte of `first` on."""
    terminal = _terminal(vm, unit)
    if terminal is None or length > _BYTES:
        return H_PARAMETER
    terminal.write((first << 64 | second).to_bytes(_BYTES, "big")[:length])
    return H_SUCCESS


@hypercall("H_GET_TERM_CHAR", 0x54)
def h_get_term_char(vm: Machine, vcpu: Processor, unit: int) -> Result:
    """Read what was typed: (status, number of bytes, and the bytes packed into two registers)."""
    terminal = _terminal(vm, unit)
    if terminal is None:
        return H_PARAMETER
    data = terminal.read(_BYTES)
    packed = int.from_bytes(data.ljust(_BYTES, b"\0"), "big")
    return H_SUCCESS, len(data), packed >> 64, packed & (1 << 64) - 1
