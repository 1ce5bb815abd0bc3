"""The reference engine: one instruction at a time, its IR evaluated in plain Python. Slow and obvious.

Storage accesses, helpers and exits go through the same compiled machinery as in the other engines.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from dbt.exits import STUCK_AFTER, Exit
from dbt.frontend import isa as _declarations  # noqa: F401  (declares every instruction)
from dbt.frontend.translate import block
from dbt.ir.access import Access, Helper
from dbt.ir.builder import Builder
from dbt.ir.evaluate import Left, evaluate
from dbt.ir.types import Type
from dbt.mode import Mode
from dbt.state import Slot, slot

from .registers import cell, read, write

if TYPE_CHECKING:
    from .vcpu import VCPU

FAILED = (1 << 64) - 1


@lru_cache(maxsize=1 << 15)
def _built(word: int, mode: Mode, offset: int) -> Builder:
    return block([word], mode, offset).ir


class Surroundings:
    """The evaluator's machine: a vCPU record and the compiled storage paths (ir.evaluate.Machine)."""

    def __init__(self, vcpu: VCPU) -> None:
        self.vcpu, self.address = vcpu, vcpu.address
        function = vcpu.vm.engine.function
        self._load, self._store = function("load_slow", 2), function("store_slow", 3)
        self._function = function
        self._helpers: dict[str, Callable[..., int]] = {}
        self._exit, self._exit_arg, self._icount = (cell(vcpu.address, n) for n in ("exit", "exit_arg", "icount"))

    def get(self, s: Slot) -> int:
        """A register."""
        return read(self.address, s)

    def put(self, s: Slot, v: int) -> None:
        """Set a register."""
        write(self.address, s, v)

    def getx(self, bank: Slot, i: int) -> int:
        """A register of a bank."""
        return read(self.address, bank.element(i))

    def putx(self, bank: Slot, i: int, v: int) -> None:
        """Set a register of a bank."""
        write(self.address, bank.element(i), v)

    def _check(self) -> None:
        if self._exit.value:
            raise Left(self._exit.value, self._exit_arg.value)

    def load(self, ea: int, ty: Type, access: Access) -> int:
        """Guest storage."""
        value = self._load(self.address, ea, ty.bits // 8 | access.little << 8 | access.aligned << 9)
        self._check()
        return value

    def store(self, ea: int, v: int, ty: Type, access: Access) -> None:
        """Set guest storage."""
        self._store(self.address, ea, ty.bits // 8 | access.little << 8 | access.aligned << 9, v)
        if self._exit.value == Exit.CODE_CHANGED:  # nothing is translated here
            self._exit.value = 0
        self._check()

    def compare_and_store(self, ea: int, old: int, new: int, ty: Type, access: Access) -> bool:
        """Set guest storage if it holds `old`."""
        if self.load(ea, ty, access) != old:
            return False
        self.store(ea, new, ty, access)
        return True

    def call(self, helper: Helper, a: int, b: int, c: int) -> int:
        """A compiled helper."""
        found = self._helpers.get(helper.name)
        if found is None:
            found = self._helpers[helper.name] = self._function(helper.name, 3)
        return found(self.address, a, b, c)

    def exited(self) -> tuple[int, int] | None:
        """What the last helper asked for."""
        return (self._exit.value, self._exit_arg.value) if self._exit.value else None

    def raised(self, flags: int) -> None:
        """Add to the sticky floating-point flags."""
        self.vcpu.fp_sticky |= flags

    def word(self) -> int:
        """Known when the block was built."""
        raise AssertionError("a translation knows its word")

    offset = word

    def base(self) -> int:
        """Effective address of the page."""
        return self.vcpu.page_ea

    def icount(self) -> int:
        """Instructions completed."""
        return int(self._icount.value)


def step(vcpu: VCPU, surroundings: Surroundings, word: int, mode: Mode) -> int:
    """Carry out one instruction at nia; the kind of exit it made (Exit.NONE: it did not)."""
    pc = vcpu.nia
    vcpu.page_ea = pc & ~4095
    outcome = evaluate(_built(word, mode, pc & 4095), surroundings)
    if outcome.kind == "exit":
        vcpu.nia = pc + 4 if outcome.after else pc
        vcpu.icount += outcome.after
        vcpu.exit, vcpu.exit_arg = outcome.exit, outcome.payload
        return outcome.exit
    vcpu.icount += 1
    vcpu.nia = outcome.target if outcome.kind == "jump" else pc + 4
    return 0


def execute(vcpu: VCPU) -> int:
    """Run to the end of the budget (0) or to a heavy exit (its kind)."""
    vm, address = vcpu.vm, vcpu.address
    level = vm.cpu.level
    settle, locate, handle = (vm.engine.function(n, k) for n, k in (("settle", 0), ("locate", 0), ("handle", 1)))
    surroundings = Surroundings(vcpu)
    trace = vm.trace
    counts = slot("exit_count")
    vcpu.exit = 0
    stalled, progress = 0, vcpu.icount
    while True:
        settle(address)
        if vcpu.icount >= vcpu.budget_end or vcpu.attention:
            return 0
        real = locate(address)
        if real == FAILED:
            kind = vcpu.exit
        else:
            mode = Mode.of_index(vcpu.mode, level)
            word = int.from_bytes(vm.read(real, 4), "little" if mode.le else "big")
            if trace is not None:
                trace(vcpu, word)
            kind = step(vcpu, surroundings, word, mode)
        if kind:
            count = counts.element(kind & 63)
            write(address, count, read(address, count) + 1)
            if not handle(address, kind):
                vcpu.exit = 0
                return kind
            stalled = stalled + 1 if vcpu.icount == progress else 0
            progress = vcpu.icount
            if stalled == STUCK_AFTER:
                vcpu.exit_arg = progress
                write(address, counts.element(Exit.STUCK), read(address, counts.element(Exit.STUCK)) + 1)
                return Exit.STUCK


def carry_out(vcpu: VCPU, word: int) -> None:
    """Carry out a trapped privileged instruction at nia as its declaration says, by the evaluator (runtime/emulate has the fast way)."""
    mode = Mode.of_index(vcpu.mode, vcpu.vm.cpu.level)._replace(trap=False)
    kind = step(vcpu, Surroundings(vcpu), word, mode)
    if kind and not vcpu.call("handle", kind):
        raise AssertionError(f"privileged instruction {word:#010x} left with {Exit(kind).name}")
    vcpu.exit = 0
