"""A machine of two dictionaries, for tests of blocks."""

from __future__ import annotations

from typing import Any

from dbt.exits import Exit
from dbt.ir.access import Access, Helper
from dbt.ir.builder import Builder
from dbt.ir.evaluate import Left, Outcome, evaluate
from dbt.ir.types import Type
from dbt.state import slot


class DictMachine:
    """Registers are bytes by offset, so that views overlap as they do in the vCPU record; storage is bytes by address."""

    def __init__(self, registers: dict[str, int], memory: dict[int, int]) -> None:
        self.bytes: dict[int, int] = {}
        self.memory = dict(memory)
        self.left: tuple[int, int] | None = None
        self.calls: list[tuple[str, int, int, int]] = []
        for name, v in registers.items():
            self.put(slot(name), v)

    def get(self, s: Any) -> int:
        return sum(self.bytes.get(s.offset + k, 0) << 8 * k for k in range(s.type.bits // 8))

    def put(self, s: Any, v: int) -> None:
        for k in range(s.type.bits // 8):
            self.bytes[s.offset + k] = v >> 8 * k & 255

    def getx(self, bank: Any, i: int) -> int:
        return self.get(bank.element(i))

    def putx(self, bank: Any, i: int, v: int) -> None:
        self.put(bank.element(i), v)

    def load(self, ea: int, ty: Type, access: Access) -> int:
        size = ty.bits // 8
        if access.aligned and ea % size:
            raise Left(Exit.ALIGNMENT, ea)
        if any(ea + k not in self.memory for k in range(size)):
            raise Left(Exit.FAULT, 0)
        return int.from_bytes(bytes(self.memory[ea + k] for k in range(size)), "little" if access.little else "big")

    def store(self, ea: int, v: int, ty: Type, access: Access) -> None:
        self.load(ea, ty, access)
        for k, b in enumerate(v.to_bytes(ty.bits // 8, "little" if access.little else "big")):
            self.memory[ea + k] = b

    def compare_and_store(self, ea: int, old: int, new: int, ty: Type, access: Access) -> bool:
        same = self.load(ea, ty, access) == old
        if same:
            self.store(ea, new, ty, access)
        return same

    def call(self, helper: Helper, a: int, b: int, c: int) -> int:
        """`sum3` adds; `leave_if` exits with payload b where a is not 0; `bump` adds a to gpr31."""
        self.calls.append((helper.name, a, b, c))
        self.left = None
        if helper.name == "leave_if" and a:
            self.left = int(Exit.EMULATE), b
        if helper.name == "bump":
            self.put(slot("gpr31"), self.get(slot("gpr31")) + a)
        return a + b + c

    def exited(self) -> tuple[int, int] | None:
        return self.left

    def raised(self, flags: int) -> None:
        self.put(slot("fp_sticky"), self.get(slot("fp_sticky")) | flags)

    def word(self) -> int:
        return 0x6000_0000

    def base(self) -> int:
        return 0x1000_0000

    def offset(self) -> int:
        return 0x100

    def icount(self) -> int:
        return 1000


def run(ir: Builder, registers: dict[str, int], memory: dict[int, int]) -> tuple[dict[str, int], dict[int, int], Outcome]:
    """The `evaluate` engine of the IR file tests: registers asked for by name come back by name."""
    m = DictMachine(registers, memory)
    outcome = evaluate(ir, m)
    return Registers(m), m.memory, outcome


class Registers(dict[str, int]):
    """Reads any register of a DictMachine by name."""

    def __init__(self, machine: DictMachine) -> None:
        super().__init__()
        self.machine = machine

    def __missing__(self, name: str) -> int:
        return self.machine.get(slot(name))
