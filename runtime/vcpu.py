"""One virtual CPU: its registers and its run loop."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, Any

from dbt.exits import Exit
from dbt.mode import MODES, Mode
from dbt.state import SIZE, TLB, TLB_BYTES

from .emulate import emulator
from .events import Budget, Debug, Event, Fault, Halted, Hypercall, Mmio, NotEmulated, ProgramCheck, Syscall
from .halts import STOPPED
from .registers import Registers, cell

if TYPE_CHECKING:
    from .vm import VM

FP_ENABLED = 0x10_0000  # SRR1 of a program interrupt: an enabled floating-point exception
MSR_SF, MSR_EE, MSR_ME, MSR_LE = 1 << 63, 0x8000, 0x1000, 1
NEVER = (1 << 63) - 1
SHADOW_VSIDS = 65_535
PRIVILEGED = int(Exit.PRIVILEGED)
_EXITS = {int(kind): kind for kind in Exit}
_NAMES = {kind: kind.name for kind in Exit}
QUANTUM = 1 << 20  # instructions between looks at what the background compiler has finished


class VCPU(Registers):
    """A CPU of a machine. Every register is an attribute (`vcpu.lr`), a bank (`vcpu.gpr[3]`) and an item (`vcpu["gpr3"]`)."""

    def __init__(self, vm: VM, number: int, shadow_vsids: int = SHADOW_VSIDS) -> None:
        self.__dict__["_address"] = vm.map(SIZE)
        self.vm, self.number = vm, number
        self.emulated: Counter[str] = Counter()  # privileged instructions emulated in Python, by mnemonic and register
        self.heavy: Counter[str] = Counter()  # exits that reached Python, by kind
        self.machine = vm.record_address
        self.pir = number
        self.pvr = vm.cpu.pvr
        self.msr = MSR_SF | MSR_ME
        self.trap_privileged = vm.privileged == "trap"
        self.tlb_base, self.tlb_stride = (vm.ram_address, 0) if vm.direct else (self._address + TLB, TLB_BYTES)
        for mode in range(MODES):
            self.decoder[mode] = vm.roots[Mode.of_index(mode, vm.cpu.level).key]
        self.dec_expiry = 0x7FFF_FFFF
        self.parallel = self.clock_exits = vm.parallel
        self._icount, self._budget_end, self._attention = (cell(self._address, n) for n in ("icount", "budget_end", "attention"))
        self.enter = vm.engine.function("run", 0)  # native code, of the record's address; who lets others run meanwhile puts more around it
        vm.init_mmu(self, shadow_vsids)
        self.mode_changed()

    @cached_property
    def emulate(self) -> Callable[[], int]:
        """Carry out the privileged instruction that trapped: how many completed (runtime/emulate)."""
        return emulator(self)

    @property
    def address(self) -> int:
        """Host address of the record."""
        return int(self._address)

    def call(self, helper: str, *args: int) -> int:
        """Run a compiled helper on this vCPU."""
        return self.vm.engine.function(helper, len(args))(self._address, *args)

    def mode_changed(self) -> None:
        """Call after changing the MSR from outside."""
        self.call("mode_changed")

    def settle_fpscr(self) -> None:
        """FPSCR is about to be read or written from Python."""
        self.call("fp_settle", 0, 0, 0)

    @property
    def timebase(self) -> int:
        """The time base: ticks since the machine started."""
        return (self.icount + self.tb_offset) & (2**64 - 1)

    def run(self, max_instructions: int | None = None) -> Event:
        """Run until something needs the caller, or for `max_instructions`; exact to the instruction."""
        icount, budget_end, compiler = self._icount, self._budget_end, self.vm.compiler
        target = NEVER if max_instructions is None else icount.value + max_instructions
        while True:
            budget_end.value = target if compiler is None else min(target, icount.value + QUANTUM)
            kind = self.vm.execute(self) if self.vm.engine_kind == "reference" else self.enter(self._address)
            while kind == PRIVILEGED:
                self.emulate()
                kind = self.vm.execute(self) if self.vm.engine_kind == "reference" else self.enter(self._address)
            if compiler is not None:
                compiler.install(self._address)
            if kind == 0:
                self.vm.returns += 1
                if icount.value >= target or self._attention.value:
                    return Budget()
                continue
            event = self.left(_EXITS[kind])
            if event is not None:
                return event

    def left(self, kind: Exit) -> Event | None:
        """A heavy exit as an event for the caller; None if it was dealt with here."""
        if kind is Exit.UNBUILT:
            self.vm.engine.build_handler(self.exit_arg, self.vm.direct)
            return None
        if kind is Exit.PRIVILEGED:
            self.emulate()
            return None
        self.heavy[_NAMES[kind]] += 1
        if kind is Exit.SYSCALL:  # of a Linux process, or a paravirtual call: else these are interrupts
            return Syscall(bool(self.exit_arg & 0x100))
        if kind is Exit.MMIO:
            return Mmio(self.mmio_address, self.mmio_size, bool(self.mmio_write), self.mmio_data)
        if kind is Exit.HYPERCALL:
            return Hypercall(self.gpr[3])
        if kind is Exit.HALT:
            return Halted()
        if kind is Exit.DEBUG:
            return Debug(self.nia)
        if kind is Exit.FAULT:
            return Fault(self.fault_vector, self.fault_dar, self.fault_dsisr)
        if kind is Exit.ALIGNMENT:
            return Fault(0x600, self.exit_arg, 0)
        if kind is Exit.PROGRAM or (kind is Exit.FLOAT and self.exit_arg == FP_ENABLED):
            return ProgramCheck(self.exit_arg)
        if kind is Exit.FACILITY:
            return ProgramCheck(0, self.exit_arg & 0xFFFF)
        raise NotEmulated(self.describe_exit(kind))

    def complete_mmio(self, value: int = 0) -> None:
        """Answer the device access that `run` returned: `value` is the datum loaded, as Mmio.data gives it."""
        self.mmio_data, self.mmio_state = value, 2

    def describe_exit(self, kind: Exit) -> str:
        """A clear account of an exit nobody handles."""
        from .report import not_emulated

        return not_emulated(self, kind)

    # -- what hypercalls and firmware do to a CPU (runtime/hypercalls/interface.py)
    @property
    def stopped(self) -> bool:
        """Whether RTAS has it: not yet started, or stopped itself."""
        return bool(self.halted == STOPPED)

    def stop(self) -> None:
        """Stop until `start`."""
        self.halted = STOPPED

    def start(self, pc: int, r3: int, /) -> None:
        """Start at a real address, in 64-bit real mode."""
        self.msr, self.nia, self.gpr[3] = MSR_SF | MSR_ME, pc, r3
        self.mode_changed()
        self.halted = 0
        self.call("ring_doorbell")

    def registers(self) -> dict[str, Any]:
        """The user-visible registers, for reports and comparisons."""
        names = ["pc", "msr", "lr", "ctr", "cr", "xer", *(f"gpr{i}" for i in range(32))]
        return {n: self[n] for n in names}
