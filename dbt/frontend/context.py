"""What an instruction's body sees: registers, storage, branches and exits of one guest CPU.

The same context serves both stages. In a translation, fields are ints and the mode is known; while interpreter
handlers are made, fields are weak values and asking about the mode (`if c.sf:`) forks the body.
"""

from __future__ import annotations

from typing import Any

from ..exits import Exit
from ..ir import ops
from ..ir.access import Access, Helper, Leave
from ..ir.builder import Builder, Value
from ..ir.terminals import Branch, Jump, Stop
from ..ir.types import Type, i1, i8, i32, i64
from ..mode import ANY, Mode
from ..state import SLOTS, slot

# SRR1 bits of the program interrupt (Book III 6.5.9)
FP_ENABLED, ILLEGAL, PRIVILEGED, TRAP = 0x0010_0000, 0x0008_0000, 0x0004_0000, 0x0002_0000
MSR_FP, MSR_VEC, MSR_VSX = 13, 25, 23  # shifts of the facility bits
FACILITY = {"fp": (MSR_FP, 0x800), "vec": (MSR_VEC, 0xF20), "vsx": (MSR_VSX, 0xF40)}


class Bank:
    """A register bank indexed by a field: `c.gpr[RA]`."""

    def __init__(self, ir: Builder, name: str) -> None:
        self._ir, self._slot = ir, SLOTS[name]

    def __getitem__(self, i: int | Value) -> Value:
        return self._ir.get_at(self._slot, i)

    def __setitem__(self, i: int | Value, v: int | Value) -> None:
        self._ir.put_at(self._slot, i, v)


def _register(name: str, ty: Type) -> Any:
    held = SLOTS[name]
    return property(lambda c: c.ir.get(held).to(ty), lambda c, v: c.ir.put(held, v), doc=f"register {name}")


class Context:
    """One instruction at a time is built into `ir`; `pc` is its effective address."""

    so, ov, ca, ov32, ca32 = (_register(n, i1) for n in ("so", "ov", "ca", "ov32", "ca32"))
    xer_count = _register("xer_count", i8)
    lr, ctr, msr = (_register(n, i64) for n in ("lr", "ctr", "msr"))

    def __init__(self, mode: Mode | None, fork: Any = None) -> None:
        self.ir = Builder(fork)
        self._mode = mode
        self.level = ANY if mode is None else mode.level
        self.word: Any = 0  # the instruction word: an int in translations
        self.insn: Any = None  # its declaration
        self.offset: Any = 0  # byte offset of the instruction in its page: an int in translations
        self.gpr, self.cr = Bank(self.ir, "gpr"), Bank(self.ir, "cr")
        self.fpr, self.vr, self.vsr = Bank(self.ir, "fpr"), Bank(self.ir, "vr"), Bank(self.ir, "vsr")
        self.dw0, self.dw1 = Bank(self.ir, "dw0"), Bank(self.ir, "dw1")  # the doublewords of a VSR

    # -- mode: `if c.sf:` is plain Python in a translation and a fork in a handler
    def _mode_bit(self, name: str) -> Any:
        if self._mode is not None:
            return getattr(self._mode, name)
        v = self.ir.emit(ops.mode_bit, (), imm=name)
        v.weak = frozenset((name,))
        return v

    @property
    def sf(self) -> Any:
        """64-bit mode."""
        return self._mode_bit("sf")

    @property
    def le(self) -> Any:
        """Little-endian mode."""
        return self._mode_bit("le")

    @property
    def pr(self) -> Any:
        """Problem state."""
        return self._mode_bit("pr")

    @property
    def trap_privileged(self) -> Any:
        """Privileged instructions exit to be emulated."""
        return self._mode_bit("trap")

    def at_least(self, version: str) -> Any:
        """Whether the processor implements an architecture version ("2.07", "3.0") or a later one."""
        return self._mode_bit({"2.07": "isa207", "3.0": "isa300"}[version])

    def choose(self, field: Any, known: Any) -> Any:
        """`field` as a plain int if it is one of `known`, else None; in a handler, one path for each."""
        if isinstance(field, int):
            return field if field in known else None
        if field.op is None:
            return field.imm if field.imm in known else None
        return self.ir.fork(field, (*sorted(known), None))

    # -- addresses
    @property
    def pc(self) -> Value:
        """Effective address of this instruction (CIA)."""
        base = self.ir.emit(ops.base, ())
        return base + self.offset

    @property
    def next_pc(self) -> Value:
        """Effective address of the following instruction (NIA without a branch)."""
        return self.address(self.pc + 4)

    def address(self, x: Value) -> Value:
        """`x` as an effective address: in 32-bit mode its high half is zero (Book I 1.10.3)."""
        return x if self.sf else x & 0xFFFF_FFFF

    # -- registers
    def const(self, x: int | Value, ty: Type = i64) -> Value:
        """A constant; a Value is passed through."""
        return self.ir.const(x, ty)

    def reg(self, name: str) -> Value:
        """Any register of the vCPU record by name."""
        return self.ir.get(slot(name))

    def set_reg(self, name: str, v: int | Value) -> None:
        """Set any register of the vCPU record by name."""
        self.ir.put(slot(name), v)

    def gpr_or_zero(self, i: Any) -> Value:
        """(RA|0): the register, or zero where the field is 0."""
        return self.gpr[i] if i else self.const(0)

    def cr_bit(self, i: Any) -> Value:
        """CR bit i (0..31) as i1."""
        return (self.cr[i >> 2] >> (ops.sub(3, i & 3) if isinstance(i, Value) else 3 - (i & 3))).to(i1)

    def set_cr_bit(self, i: Any, bit: Value) -> None:
        """Set CR bit i (0..31) to an i1."""
        shift = ops.sub(3, i & 3) if isinstance(i, Value) else 3 - (i & 3)
        one = ops.shl(self.const(1, i8), shift)
        self.cr[i >> 2] = (self.cr[i >> 2] & ~one) | ops.shl(bit.to(i8), shift)

    def compare(self, field: Any, less: Value, greater: Value) -> None:
        """Set a CR field from two i1: LT, GT, EQ, then a copy of XER[SO]."""
        eight, four, two = (self.const(n, i8) for n in (8, 4, 2))
        self.cr[field] = ops.select(less, eight, ops.select(greater, four, two)) | self.so.to(i8)

    def record(self, Rc: Any, result: Value) -> None:
        """CR0 from a result compared with zero, if Rc; in 32-bit mode from its low word (Book I 2.3.1)."""
        if Rc:
            v = result if self.sf else result.to(i32)
            self.compare(0, ops.slt(v, 0), ops.slt(self.const(0, v.ty), v))

    def overflow(self, OE: Any, overflowed: Value, low: Value | None = None) -> None:
        """XER[OV] and the sticky XER[SO], if OE. From ISA 3.0 on XER[OV32] too: `low`, or the same as OV (Book I 3.2.2)."""
        if OE:
            self.ov = overflowed
            self.so = self.so | overflowed
            if self.at_least("3.0"):
                self.ov32 = overflowed if low is None else low

    def carry(self, carried: Value, low: Value | None = None) -> None:
        """XER[CA]. From ISA 3.0 on XER[CA32] too: `low`, or the same as CA."""
        self.ca = carried
        if self.at_least("3.0"):
            self.ca32 = carried if low is None else low

    # -- storage
    def load(self, ty: Type, ea: Value, *, reverse: bool = False, aligned: bool = False) -> Value:
        """Guest storage at `ea`; `reverse` for the byte-reversed forms; `aligned` where an unaligned address traps."""
        return self.ir.load(ty, self.address(ea), Access(bool(self.le) != reverse, aligned))

    def store(self, ea: Value, v: Value, *, reverse: bool = False, aligned: bool = False) -> None:
        """Set guest storage at `ea`; the type of `v` is the size."""
        self.ir.store(self.address(ea), v, Access(bool(self.le) != reverse, aligned))

    def compare_and_store(self, ea: Value, old: Value, new: Value) -> Value:
        """Atomically set aligned guest storage to `new` if it holds `old`: an i1, whether it did."""
        return self.ir.compare_and_store(self.address(ea), old, new, Access(bool(self.le), True))

    def fence(self) -> None:
        """Storage accesses before are performed with respect to all vCPUs before those after."""
        self.ir.fence()

    def call(self, helper: str, a: Any = 0, b: Any = 0, c: Any = 0, *, exits: bool = False, after: bool = False) -> Value:
        """Call a compiled helper `helper(vcpu, a, b, c)`, which may read and change any register; its i64 result."""
        return self.ir.call(Helper(helper, exits, after), a, b, c)

    # -- control
    def jump(self, target: Any, fresh: bool = False) -> None:
        """Go to `target`; `fresh`: code there may have just been changed."""
        self.ir.end = Jump(self.address(self.const(target)), fresh)

    def jump_if(self, condition: Value | None, target: Any) -> None:
        """Go to `target` if the i1 `condition` (None: always), else on to the next instruction."""
        if condition is None:
            self.jump(target)
        else:
            self.ir.end = Branch(condition, self.address(self.const(target)))

    def leave(self, kind: Exit, payload: Any = 0, *, after: bool = False) -> None:
        """Stop translated code here. `after`: this instruction is complete and nia is the next one."""
        self.ir.end = Stop(int(kind), self.const(payload), after)

    def exit_if(self, condition: Value, kind: Exit, payload: Any = 0, *, after: bool = False) -> None:
        """Stop here if `condition`: before any effect of this instruction, or `after` all of them."""
        self.ir.exit_if(condition, Leave(int(kind), after), payload)

    def privileged(self) -> bool:
        """Deal with privilege: True if this is problem state, or privileged instructions exit; the body then returns."""
        if self.pr:
            self.leave(Exit.PROGRAM, PRIVILEGED)
            return True
        if self.trap_privileged:
            self.leave(Exit.PRIVILEGED, self.word if isinstance(self.word, int) else self.word.to(i64))
            return True
        return False

    def illegal(self) -> None:
        """The illegal-instruction program interrupt."""
        self.leave(Exit.PROGRAM, ILLEGAL)
