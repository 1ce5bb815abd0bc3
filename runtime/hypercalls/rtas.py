"""Run-time abstraction services (PAPR, chapter "Run-Time Abstraction Services"): the calls firmware offers
outside of hypercalls.

The guest calls the entry point in 32-bit real mode, big-endian, with r3 = real address of an argument block
of 32-bit words:

    token, nargs, nret, nargs arguments, nret results (the first is the status)

Our entry point is five instructions that pass the block on to the private hypercall H_RTAS. A service is one
function:

    @rtas("power-off", 0x2003, nret=1)
    def power_off(vm, vcpu, mask_high, mask_low): ...

that takes its arguments as unsigned 32-bit integers and returns its results (the status alone as an int, or a
tuple). Token numbers are ours to choose; they are QEMU's, so that device trees proven there can be used
unchanged.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

from runtime.hypercalls.interface import Machine, Processor, find_cpu
from runtime.hypercalls.registry import UNKNOWN, Result, arity, hypercall, note
from runtime.hypercalls.table import H_PARAMETER, H_SUCCESS

H_RTAS: Final = 0xF000

# mr r4,r3; lis r3,0; ori r3,r3,0xf000; sc 1; blr
ENTRY_STUB: Final = struct.pack(">5I", 0x7C641B78, 0x3C600000, 0x6063F000, 0x44000022, 0x4E800020)

# Status values.
SUCCESS: Final = 0
HARDWARE_ERROR: Final = -1
PARAMETER_ERROR: Final = -3
SYSPARM_NOT_SUPPORTED: Final = -3
SYSPARM_PARAMETER_ERROR: Final = -9999

# Linux's largest block is 16 words; anything much longer is not a call but a wild pointer.
_MAX_WORDS: Final = 64
_U32: Final = (1 << 32) - 1


@dataclass(frozen=True, slots=True)
class Service:
    """A registered service; a call with other numbers of arguments or results is a parameter error."""

    name: str
    token: int
    function: Callable[..., Result]
    nargs: int
    nret: int


SERVICES: Final[dict[int, Service]] = {}
_Function = TypeVar("_Function", bound=Callable[..., Result])


def rtas(name: str, token: int, nret: int = 1) -> Callable[[_Function], _Function]:
    """Register the decorated function as a service. Raises ValueError for a taken name or token."""

    def register(function: _Function) -> _Function:
        if token in SERVICES or any(service.name == name for service in SERVICES.values()):
            raise ValueError(f"RTAS service {name} or token {token:#x} is already registered")
        SERVICES[token] = Service(name, token, function, arity(function, name, _MAX_WORDS), nret)
        return function

    return register


def tokens() -> dict[str, int]:
    """Name to token of all services, in order of token: the properties of the device tree's /rtas."""
    return {service.name: token for token, service in sorted(SERVICES.items())}


@hypercall("H_RTAS", H_RTAS)
def h_rtas(vm: Machine, vcpu: Processor, block: int) -> Result:
    """What the entry stub calls. The status goes to the block; r3 only says whether there was a block."""
    # In 32-bit mode the upper half of a register is nobody's: a block is below 4 GB.
    return call(vm, vcpu, block & _U32, getattr(vm, "stats", None))


def call(vm: Machine, vcpu: Processor, block: int, stats: MutableMapping[str, int] | None = None) -> int:
    """Run the service that the argument block at real address `block` asks for.

    Returns H_SUCCESS, or H_PARAMETER if the block cannot be (not in RAM, absurdly long): then nothing is
    done. Counts under the service's name in `stats`, unknown tokens as "unknown rtas 0x...".
    """
    try:
        token, nargs, nret = struct.unpack(">3I", vm.read(block, 12))
        if block % 4 or nargs + nret > _MAX_WORDS:
            return H_PARAMETER
        arguments = struct.unpack(f">{nargs}I", vm.read(block + 12, 4 * nargs)) if nargs else ()
        results = block + 12 + 4 * nargs
        if nret:
            vm.read(results, 4 * nret)  # Before the service does something that cannot be reported.
    except ValueError:
        return H_PARAMETER
    service = SERVICES.get(token)
    if stats is not None:
        note(stats, f"rtas {service.name}" if service is not None else f"{UNKNOWN}rtas {token:#x}")
    if service is None or (service.nargs, service.nret) != (nargs, nret):
        values: tuple[int, ...] = (PARAMETER_ERROR,)
    else:
        result = service.function(vm, vcpu, *arguments)
        values = (result,) if isinstance(result, int) else result
    if nret:
        written = values[:nret]
        vm.write(results, struct.pack(f">{len(written)}I", *(value & _U32 for value in written)))
    return H_SUCCESS


@rtas("display-character", 0x2000)
def display_character(vm: Machine, vcpu: Processor, character: int) -> Result:
    """Write one character to the console."""
    vm.console.write(bytes((character & 0xFF,)))
    return SUCCESS


@rtas("get-time-of-day", 0x2001, nret=8)
def get_time_of_day(vm: Machine, vcpu: Processor) -> Result:
    """(status, year, month 1-12, day, hour, minute, second, nanosecond), UTC."""
    seconds, nanoseconds = divmod(vm.time_ns() + vm.papr.time_offset_ns, 10**9)
    try:
        now = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=seconds)
    except OverflowError:  # Outside the years 1 to 9999.
        return HARDWARE_ERROR
    return SUCCESS, now.year, now.month, now.day, now.hour, now.minute, now.second, nanoseconds


@rtas("set-time-of-day", 0x2002)
def set_time_of_day(
    vm: Machine,
    vcpu: Processor,
    year: int,
    month: int,
    day: int,
    hour: int,
    minute: int,
    second: int,
    ns: int,
) -> Result:
    """Change the partition's clock: the host's stays as it is, the difference is kept."""
    try:
        wanted = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
    except (ValueError, OverflowError):
        return PARAMETER_ERROR
    if ns >= 10**9:
        return PARAMETER_ERROR
    since = wanted - datetime(1970, 1, 1, tzinfo=UTC)
    vm.papr.time_offset_ns = (since.days * 86400 + since.seconds) * 10**9 + ns - vm.time_ns()
    return SUCCESS


@rtas("power-off", 0x2003)
def power_off(vm: Machine, vcpu: Processor, mask_high: int, mask_low: int) -> Result:
    """Switch the partition off. The masks say what may switch it on again: nothing here."""
    vm.request_shutdown(0)
    return SUCCESS


@rtas("system-reboot", 0x2004)
def system_reboot(vm: Machine, vcpu: Processor) -> Result:
    """Restart the partition."""
    vm.request_reset()
    return SUCCESS


@rtas("query-cpu-stopped-state", 0x2005, nret=2)
def query_cpu_stopped_state(vm: Machine, vcpu: Processor, cpu: int) -> Result:
    """(status, 0 stopped or 2 running)."""
    target = find_cpu(vm, cpu)
    if target is None:
        return PARAMETER_ERROR
    return SUCCESS, 0 if target.stopped else 2


@rtas("start-cpu", 0x2006)
def start_cpu(vm: Machine, vcpu: Processor, cpu: int, start: int, r3: int) -> Result:
    """Start a stopped CPU at a real address, with r3."""
    target = find_cpu(vm, cpu)
    if target is None:
        return PARAMETER_ERROR
    if not target.stopped:
        return HARDWARE_ERROR
    # H_SET_MODE applies to the partition: a CPU that was off has the modes of the others.
    target.lpcr = vcpu.lpcr
    target.start(start, r3)
    return SUCCESS


@rtas("stop-self", 0x2007)
def stop_self(vm: Machine, vcpu: Processor) -> Result:
    """Stop this CPU until start-cpu."""
    vcpu.stop()
    return SUCCESS


@rtas("ibm,get-system-parameter", 0x2008)
def get_system_parameter(vm: Machine, vcpu: Processor, parameter: int, buffer: int, length: int) -> Result:
    """Put a parameter into a buffer: a 16-bit length, then the value, as much as there is room for."""
    if parameter == 20:  # Shared processor LPAR characteristics.
        count = len(vm.vcpus)
        text = f"MaxEntCap={count},DesMem={vm.memory_size >> 20},DesProcs={count},MaxPlatProcs={count}"
        value = text.encode("ascii") + b"\0"
    elif parameter == 42:  # Diagnostics run mode: disabled.
        value = b"\0"
    else:
        return SYSPARM_NOT_SUPPORTED
    if length < 2:
        return SYSPARM_PARAMETER_ERROR
    try:
        vm.write(buffer, (len(value).to_bytes(2, "big") + value)[:length])
    except ValueError:
        return SYSPARM_PARAMETER_ERROR
    return SUCCESS


@rtas("ibm,set-xive", 0x200A)
def set_xive(vm: Machine, vcpu: Processor, number: int, server: int, priority: int) -> Result:
    """Set where an interrupt source goes, and its priority."""
    if priority > 0xFF:
        return PARAMETER_ERROR
    try:
        vm.interrupts.set_xive(number, server, priority)
    except KeyError:
        return PARAMETER_ERROR
    return SUCCESS


@rtas("ibm,get-xive", 0x200B, nret=3)
def get_xive(vm: Machine, vcpu: Processor, number: int) -> Result:
    """(status, server, priority) of an interrupt source."""
    try:
        server, priority = vm.interrupts.get_xive(number)
    except KeyError:
        return PARAMETER_ERROR
    return SUCCESS, server, priority


@rtas("ibm,int-off", 0x200C)
def int_off(vm: Machine, vcpu: Processor, number: int) -> Result:
    """Mask an interrupt source."""
    try:
        vm.interrupts.int_off(number)
    except KeyError:
        return PARAMETER_ERROR
    return SUCCESS


@rtas("ibm,int-on", 0x200D)
def int_on(vm: Machine, vcpu: Processor, number: int) -> Result:
    """Unmask an interrupt source."""
    try:
        vm.interrupts.int_on(number)
    except KeyError:
        return PARAMETER_ERROR
    return SUCCESS


@rtas("ibm,os-term", 0x201F)
def os_term(vm: Machine, vcpu: Processor, message: int) -> Result:
    """The guest's operating system gives up; `message` is the real address of a NUL-terminated string."""
    text = bytearray()
    try:
        while len(text) < 1024 and (byte := vm.read(message + len(text), 1)) != b"\0":
            text += byte
    except ValueError:
        pass  # As much of it as there is.
    vm.guest_panic(text.decode("latin-1"))
    return SUCCESS
