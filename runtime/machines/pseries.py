"""The pseries machine: a logical partition of a POWER8 or POWER9 as PAPR defines it, without any firmware file.

A generated device tree, direct entry into the kernel, the hypervisor's calls (the hash table family compiled, the rest
in runtime/hypercalls), a hashed page table or (POWER9) radix translation, RTAS through a five-instruction stub, XICS and a virtual terminal.

Memory: the kernel at its physical address (0x400000 for Linux); RTAS, the device tree and the initial RAM disk lie in
this order below the first 256 MiB or the end of memory, whichever comes first.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping
from typing import Any, Literal

from ..devices.controllers import Xics, Xive
from ..devices.sources import ESB_BASE, TIMA_END
from ..events import Budget, Event, Halted, Hypercall, Mmio, NotEmulated, Panicked, Reset, Shutdown, Syscall
from ..halts import CEDED
from ..hypercalls import PaprState, dispatch
from ..hypercalls.openfirmware import ENTRY_STUB as OF_STUB
from ..hypercalls.openfirmware import OpenFirmware
from ..hypercalls.paravirt import CALL, paravirtual_call
from ..hypercalls.rtas import ENTRY_STUB, tokens
from ..loader.elf import Image
from ..parallel import Parallel
from ..stats import collect
from ..vcpu import MSR_EE, MSR_ME, MSR_SF, VCPU
from ..vm import VM
from .machine import Machine
from .pseries_tree import CONSOLE_INTERRUPT, TIMEBASE_HZ, PseriesConfig, build_pseries_tree, choose_xive, wants_xive

LPCR_LD, LPCR_GTSE = 1 << 17, 1 << 10  # a decrementer of more than 32 bits; the guest may use tlbie
IDLE_SECONDS = 0.25  # an idle machine looks up this often, so that limits and signals are heard
BOOT_EPOCH_NS = 1_700_000_000 * 10**9  # the deterministic clock starts here: 2023-11-14
CONSOLE_POLL = 1 << 22  # instructions between looks at the keyboard
ALIGN = 0x1_0000


class PseriesMachine(Machine):
    """A partition with one kernel. `console` has write(bytes) and read(limit) -> bytes, neither of which waits.

    `mmu`: what the guest is told to translate by; radix if the CPU has it. `paced`: an idle guest sleeps as long as its clock says,
    instead of having the time pass at once. `terminals`: more of them, by unit address. `pv`: offer the paravirtual framework
    (runtime/hypercalls/paravirt.py); only where privileged instructions trap. `firmware`: "of" enters the kernel through Open Firmware's
    client interface, "none" with a flattened tree. `interrupts`: the controller, "xics", "xive", or "dual" for the guest to choose through Open
    Firmware; without one, "dual" where it can be."""

    def __init__(self, console: Any, kernel: Image, initrd: bytes | None = None, append: str = "", *, memory: int = 512 << 20,
                 clock: Literal["instructions", "host"] = "instructions", hpt_log2: int | None = None, paced: bool = False, pv: bool = False,
                 mmu: Literal["hash", "radix"] | None = None, firmware: Literal["none", "of"] = "none",
                 terminals: Mapping[int, Any] | None = None, interrupts: Literal["xics", "xive", "dual"] | None = None,
                 **options: Any) -> None:  # fmt: skip
        if clock not in ("instructions", "host"):
            raise ValueError(f"clock={clock!r}: instructions or host")
        if firmware not in ("none", "of"):
            raise ValueError(f"firmware={firmware!r}: none or of")
        if pv and options.get("privileged") != "trap":
            raise ValueError("pv: the paravirtual framework replaces privileged instructions that trap (privileged='trap')")
        self.pv = pv
        super().__init__(VM(memory=memory, **options), self._handle, self._tick)
        self.radix = self.vm.cpu.radix if mmu is None else mmu == "radix"
        if self.radix and not self.vm.cpu.radix:
            raise ValueError(f"a {self.vm.cpu.name} has no radix translation")
        self.console, self.clock, self.paced = console, clock, paced
        self.terminals: Mapping[int, Any] = terminals or {}
        self.vcpus = list(self.vm.vcpus)
        for vcpu in self.vcpus:
            vcpu.paravirtual = pv
        if self.vm.parallel:
            self.clock = "host"
        self.papr = PaprState()
        self.stats_calls: Counter[str] = Counter()
        self.before_paravirtual: dict[str, Any] = {}  # statistics when the guest first called the paravirtual framework
        self._request: Event | None = None
        self._started = time.monotonic_ns()
        modern = self.vm.cpu.isa >= "3.0"
        self.mode: str = interrupts or ("dual" if modern and firmware == "of" else "xics")
        if self.mode != "xics" and not modern:
            raise ValueError(f"a {self.vm.cpu.name} has no XIVE")
        if self.mode == "dual" and firmware != "of":
            raise ValueError("interrupts='dual': without firmware a guest cannot choose: xics or xive")
        self.interrupts: Xics | Xive = (Xive if self.mode == "xive" else Xics)(self.vm, {CONSOLE_INTERRUPT: False})
        log2 = hpt_log2 or max(18, (memory // 128 - 1).bit_length())
        self.vm.set_record(htab=self.vm.map((1 << log2) + (1 << log2 if log2 < 20 else 0)), htab_groups=1 << (log2 - 7))
        self.firmware: OpenFirmware | None = None
        if firmware == "of":
            self._load_through_firmware(kernel, initrd, append, log2)
        else:
            self._load(kernel, initrd, append, log2)

    # -- the machine as hypercalls see it (runtime/hypercalls/interface.py)
    @property
    def memory_size(self) -> int:
        """Bytes of RAM."""
        return self.vm.memory_size

    def read(self, real: int, size: int, /) -> bytes:
        """RAM."""
        return self.vm.read(real, size)

    def write(self, real: int, data: bytes, /) -> None:
        """RAM."""
        self.vm.write(real, data)

    @property
    def stats(self) -> Counter[str]:
        """Hypercalls and RTAS calls by name."""
        return self.stats_calls

    def timebase(self) -> int:
        """The time base, which all vCPUs share."""
        return self.turns.timebase

    def time_ns(self) -> int:
        """The date: the host's, or one that starts at a fixed day and follows the time base."""
        if self.clock == "host":
            return time.time_ns()
        return BOOT_EPOCH_NS + self.timebase() * 10**9 // TIMEBASE_HZ

    def negotiate(self, options: bytes, /) -> bool:
        """A client of Open Firmware wants these options (vector 5); whether it can have them. Only interrupts are a choice; the tree says what it got."""
        if self.mode == "xics":
            return True
        xive = wants_xive(options)
        if self.mode == "dual" and self.firmware is not None:
            self.interrupts = (Xive if xive else Xics)(self.vm, {CONSOLE_INTERRUPT: False})
            if xive:
                choose_xive(self.firmware.tree.root, len(self.vcpus))
        return isinstance(self.interrupts, Xive) == xive

    def request_shutdown(self, status: int, /) -> None:
        """End the run."""
        self._request = Shutdown(status)

    def request_reset(self) -> None:
        """The guest wants a restart."""
        self._request = Reset()

    def guest_panic(self, message: str, /) -> None:
        """The guest cannot go on."""
        self._request = Panicked(message)

    def set_process_table(self, table: int, lpcr: int, mask: int, /) -> None:
        """Translation by the process table `table` (its address, and log2 of its 4 KiB pages in the low bits) and these bits of LPCR."""
        self.vm.set_record(process_table=table)
        for vcpu in self.vcpus:
            vcpu.lpcr = vcpu.lpcr & ~mask | lpcr
            vcpu.call("flush_mmu")

    # -- start
    def _load(self, kernel: Image, initrd: bytes | None, append: str, hpt_log2: int) -> None:
        start = self._load_kernel(kernel)
        top = min(self.memory_size, 256 << 20)
        rtas = top - ALIGN
        below = rtas
        span = None
        if initrd:
            below = (rtas - len(initrd)) & -ALIGN
            span = (below, below + len(initrd))
        config = self._config(append, hpt_log2, rtas, span, ())
        size = len(build_pseries_tree(config).to_dtb())
        dtb = (below - size - 256) & -ALIGN
        if dtb < start + kernel.highest - kernel.lowest + (1 << 20):
            raise ValueError(f"{self.memory_size >> 20} MiB of memory are too few for this kernel and initial RAM disk")
        blob = build_pseries_tree(self._config(append, hpt_log2, rtas, span, ((dtb, size + 256),))).to_dtb()
        self.vm.write(dtb, blob)
        if initrd:
            self.vm.write(below, initrd)
        self.vm.write(rtas, ENTRY_STUB)
        self._enter(start, dtb, start, 0)

    def _load_kernel(self, kernel: Image) -> int:
        """Put the kernel where it is entered; that address."""
        if 0x40_0000 + kernel.highest - kernel.lowest + (2 << 20) > self.memory_size:
            raise ValueError(f"{self.memory_size >> 20} MiB of memory are too few for this kernel")
        for segment in kernel.segments:
            place = 0x40_0000 + segment.paddr - kernel.lowest if kernel.lowest < 0x40_0000 else segment.paddr
            self.vm.write(place, bytes(segment.data) + bytes(segment.memsz - len(segment.data)))
        return 0x40_0000 if kernel.lowest < 0x40_0000 else kernel.lowest

    def _load_through_firmware(self, kernel: Image, initrd: bytes | None, append: str, hpt_log2: int) -> None:
        """The kernel gets the initial RAM disk in r3 and r4, Open Firmware's entry in r5 and a stack in r1; it finds the rest by calling."""
        start = self._load_kernel(kernel)
        end = start + kernel.highest - kernel.lowest
        disk = (end + 2 * ALIGN) & -ALIGN  # after the kernel, which then claims from there on
        top = min(self.memory_size, 256 << 20)
        entry, stack = top - ALIGN, top - 2 * ALIGN
        if disk + len(initrd or b"") > stack:
            raise ValueError(f"{self.memory_size >> 20} MiB of memory are too few for this kernel and initial RAM disk")
        tree = build_pseries_tree(self._config(append, hpt_log2, None, None, ()))
        self.firmware = OpenFirmware(self, tree, self.vm.cpu.pvr, [(0, end), (disk, disk + len(initrd or b"")), (stack, top)])
        chosen = tree.root["chosen"]
        chosen.set("stdout", self.firmware.open(chosen.strings("stdout-path")[0]))
        chosen.set("stdin", chosen.cells("stdout")[0])
        chosen.set("cpu", self.firmware.open(self.firmware.path(tree.root["cpus"].children[0])))
        if initrd:
            self.vm.write(disk, initrd)
        self.vm.write(entry, OF_STUB)
        self.vcpu.gpr[1] = entry - 0x100
        self._enter(start, disk if initrd else 0, len(initrd or b""), entry)

    def _enter(self, start: int, *arguments: int) -> None:
        """Ready to run the kernel at `start` with r3, r4 and r5; the other CPUs wait to be started."""
        for vcpu in self.vcpus:
            if self.vm.cpu.radix:
                vcpu.lpcr |= LPCR_LD | LPCR_GTSE
        vcpu = self.vcpu
        vcpu.nia = start
        for n, value in enumerate(arguments):
            vcpu.gpr[3 + n] = value
        vcpu.msr = MSR_SF | MSR_ME
        vcpu.mode_changed()
        for other in self.vcpus[1:]:
            other.stop()

    def _config(self, append: str, hpt_log2: int, rtas: int | None, initrd: tuple[int, int] | None, reserved: Any) -> PseriesConfig:
        cpu = self.vm.cpu
        return PseriesConfig(
            memory=self.memory_size, hpt_log2=hpt_log2, cpus=len(self.vcpus), cpu_name=f"PowerPC,{cpu.name}", pvr=cpu.pvr,
            bootargs=append, initrd=initrd, rtas_base=rtas, rtas_entry=rtas, rtas_tokens=tokens(), reserved=reserved,
            isa=cpu.isa, radix=self.radix, vmx=2, terminals=tuple(self.terminals), paravirtual=CALL if self.pv else (),
            instantiate_rtas=rtas is None, interrupts=self.mode,
        )  # fmt: skip

    # -- running
    def run(self, max_instructions: int | None = None) -> Event:
        """Run until the guest ends (Shutdown, Reset, Panicked) or all vCPUs have run `max_instructions` together (Budget)."""
        if isinstance(self.turns, Parallel):
            return self.turns.run(max_instructions)
        end = None if max_instructions is None else self.instructions + max_instructions
        while True:
            if self.clock == "instructions" and not self.paced:
                self.vm.set_record(idle_left=int(IDLE_SECONDS * TIMEBASE_HZ))
            event = self.turns.run(CONSOLE_POLL if end is None else min(CONSOLE_POLL, end - self.instructions))
            vcpu = self.vcpu
            match event:
                case Budget():
                    if vcpu.attention or (end is not None and self.instructions >= end):
                        vcpu.attention = 0
                        return event
                    self._tick()
                case Halted():
                    if (idle := self._idle()) is not None:
                        return idle
                case _:
                    if (ends := self._handle(vcpu, event)) is not None:
                        return ends

    def _handle(self, vcpu: VCPU, event: Event) -> Event | None:
        """Deal with a vCPU's event; what ends the run."""
        match event:
            case Hypercall(number):
                dispatch(self, vcpu, number, self.stats_calls)
                vcpu.mode_changed()
                request, self._request = self._request, None
                return request
            case Syscall():
                self.before_paravirtual = self.before_paravirtual or self.statistics()
                paravirtual_call(vcpu, self.stats_calls)
                return None
            case Mmio():
                raise NotEmulated(self._no_device(vcpu, event))
            case _:
                return event

    def _tick(self) -> None:
        if self.clock == "host" and not self.vm.parallel:
            now = (time.monotonic_ns() - self._started) * TIMEBASE_HZ // 10**9
            if now > self.vcpu.timebase:
                self.vcpu.tb_offset += now - self.vcpu.timebase
        if getattr(self.console, "waiting", None) is not None and self.console.waiting():
            self.interrupts.pulse(CONSOLE_INTERRUPT)

    def _idle(self) -> Event | None:
        """Pass the time until an interrupt for one of the vCPUs, which all wait: at once or (`paced`, or the host's clock) asleep.

        None: one can go on. Else Halted, if no interrupt can come, or Budget, if only a part of the time has passed."""
        clock = self.vcpu  # whose turn it is: its time base is everyone's
        while waiting := [v for v in self.vcpus if v.halted == CEDED]:
            now = clock.timebase
            due, first = min(((_ticks(v.dec_expiry - now), v) for v in waiting), key=lambda found: found[0])
            if due <= 0 or any(v.external for v in waiting):
                return None
            if self.clock == "host" or self.paced:
                before = time.monotonic_ns()
                typed = self._wait(min(IDLE_SECONDS, due / TIMEBASE_HZ))
                if self.clock != "host":
                    passed = (time.monotonic_ns() - before) * TIMEBASE_HZ // 10**9
                    clock.tb_offset += min(due, passed)
                self._tick()
                if not typed and due > IDLE_SECONDS * TIMEBASE_HZ:
                    return Budget()  # the caller may have other plans
            elif due > 1 << 40 and not first.msr & MSR_EE:
                break
            else:
                clock.tb_offset += due
                self._tick()
        return Halted()

    def _wait(self, seconds: float) -> bool:
        """Sleep, until something is typed at most; whether something was."""
        wait = getattr(self.console, "wait", None)
        if wait is not None:
            return bool(wait(seconds))
        time.sleep(seconds)
        return False

    def _no_device(self, vcpu: VCPU, event: Mmio) -> str:
        kind = "store to" if event.write else "load from"
        if isinstance(self.interrupts, Xive) and ESB_BASE <= event.address < TIMA_END:
            return f"{kind} {event.address:#x} ({event.size} bytes) at pc {vcpu.nia:#x}: XIVE has no such source, queue or register"
        return (
            f"{kind} real address {event.address:#x} ({event.size} bytes) at pc {vcpu.nia:#x}: there is no memory and no device. "
            f"The guest is lost, or needs more --memory than {self.memory_size >> 20}M."
        )

    def statistics(self) -> dict[str, Any]:
        """Exits by kind, light and heavy, hypercalls, MMU and translator counters."""
        return collect(self.vm, dict(self.stats_calls))


def _ticks(difference: int) -> int:
    """The difference of two times as a signed number."""
    return (difference & (1 << 64) - 1 ^ 1 << 63) - (1 << 63)
