"""Compiled regions: many blocks of guest code as one LLVM function, guest registers in SSA values.

A region has the handlers' calling convention and is installed by writing its address into the entry of its first
instruction, and of others it can be entered at. It knows no effective address: `page_ea` gives the page's. Registers live in local variables (`sroa` turns
them into SSA values) and are written back only on the way out, in cold blocks. Fuel is taken a block at a time; where
what is left might not last to the next check, the interpreter takes over (x_step), so it is exact all the same.
"""

from __future__ import annotations

from collections.abc import Callable

from .. import state
from ..ir import ops
from ..ir.builder import Builder, Value
from ..ir.terminals import Branch, Jump, Stop
from ..mode import Mode
from ..state import Slot
from . import condition
from .handlers import count_entry, jump_cache_probe, place
from .layout import CALLING_CONVENTION, HIGH_BITS, PARAMETERS
from .llvm import QUADWORD, Lowering, kept
from .metadata import CODE, CPU, UNLIKELY

Displacement = Callable[[Value, int], "int | None"]


class RegionLowering(Lowering):
    """Lowers the blocks of one region."""

    def __init__(self, name: str, blocks: dict[int, Builder], lengths: dict[int, int], entries: list[int], onward: dict[int, list[int]], mode: Mode,
                 displacement: Displacement, parallel: bool = False) -> None:  # fmt: skip
        super().__init__(mode.direct)
        self.parallel = parallel  # vCPUs run on host threads of their own
        self.volatile = "volatile " if parallel else ""
        self.name, self.blocks, self.lengths, self.entries, self.onward, self.mode = name, blocks, lengths, entries, onward, mode
        self._displacement = displacement
        self._used: dict[int, Slot] = {}
        self._dirty: dict[int, Slot] = {}
        self._here = 0  # offset of the block being lowered
        self._leaving: set[int] = set()  # registers to write back when leaving
        self._leaves = False  # whether anything leaves
        self._fields: dict[str, tuple[str, str, str]] = {}  # CR fields that were read: what their bits are made from
        self._note_slots()
        self._dirty_in = self._may_be_dirty()
        self._checked = self._headers()
        self._cost = self._longest_paths()

    # -- analysis
    def _note_slots(self) -> None:
        for block in self.blocks.values():
            for v in block.body:
                if v.op is ops.get or v.op is ops.put:
                    self._used[v.imm.key] = v.imm
        writes_so = any(v.op is ops.call or (v.op is ops.put and v.imm == condition.SO) for b in self.blocks.values() for v in b.body)
        self._summary = None if writes_so or condition.SO.key not in self._used else self._variable(condition.SO)

    def _successors(self, at: int) -> list[int]:
        """Blocks of the region that may follow."""
        block, n = self.blocks[at], self.lengths[at]
        last = at + 4 * (n - 1)
        out = []
        if isinstance(block.end, Jump | Branch):
            d = self._displacement(block.end.target, last)
            if d is None:
                out += self.onward[at]
            elif last + d in self.blocks and not self._leaves_to_next(block, d):
                out.append(last + d)
            if isinstance(block.end, Branch) and last + 4 in self.blocks:
                out.append(last + 4)
        return out

    def _leaves_to_next(self, block: Builder, d: int) -> bool:
        """isync: a jump to the next instruction that must look at its entry afresh."""
        return isinstance(block.end, Jump) and block.end.fresh

    def _may_be_dirty(self) -> dict[int, set[int]]:
        """Registers that may have been written when a block is entered."""
        written = {at: {v.imm.key for v in b.body if v.op is ops.put} for at, b in self.blocks.items()}
        incoming: dict[int, set[int]] = {at: set() for at in self.blocks}
        work = list(self.blocks)
        while work:
            at = work.pop()
            out = incoming[at] | written[at]
            for n in self._successors(at):
                if not out <= incoming[n]:
                    incoming[n] |= out
                    work.append(n)
        return incoming

    def _headers(self) -> set[int]:
        """Blocks that check the fuel: the entry and the targets of backward edges."""
        order = {at: n for n, at in enumerate(self.blocks)}
        return set(self.entries) | {n for at in self.blocks for n in self._successors(at) if order[n] <= order[at]}

    def _longest_paths(self) -> dict[int, int]:
        """The most instructions that run from a block before the next check."""
        cost: dict[int, int] = {}
        for at in reversed(list(self.blocks)):  # edges to later blocks, or to checked ones
            onward = [cost[n] for n in self._successors(at) if n not in self._checked]
            cost[at] = self.lengths[at] + max(onward, default=0)
        return cost

    # -- registers
    def get_slot(self, result: str, slot: Slot) -> None:
        """A local variable."""
        if condition.is_field(slot):
            self._fields[result] = condition.read(self, slot, self.out)
            condition.pack(self, slot, self.out, result)
        else:
            self.load_register(result, slot.type, self._variable(slot))

    def put_slot(self, slot: Slot, value: str) -> None:
        """A local variable."""
        self._dirty[slot.key] = slot
        self.store_register(slot.type, value, self._variable(slot))

    @staticmethod
    def _variable(slot: Slot) -> str:
        """A register's local variable: that of its VSR and a view into it, or its own."""
        return f"%w{slot.key}" if slot.half else f"%s{slot.offset}"

    def operation(self, v: Value) -> None:
        """CR fields are kept as what they were made from (condition.py)."""
        if v.op is ops.put and condition.is_field(v.imm):
            self._dirty[v.imm.key] = v.imm
            condition.set_field(self, v.imm, v.args[0], self.summary() is None)
        elif v.op is ops.trunc and v.ty.bits == 1 and (found := self._bit_of_field(v.args[0])):
            condition.bit(self, *found, f"%v{self.prefix}{v.id}")
        else:
            super().operation(v)

    def summary(self) -> str | None:
        """XER[SO]'s variable, if nothing in the region writes it."""
        return self._summary

    def _bit_of_field(self, v: Value) -> tuple[tuple[str, str, str], int] | None:
        """The CR field and the number of its bit that is the lowest bit of `v`."""
        n = 0
        if v.op is ops.shr and (by := v.args[1].const) is not None:
            v, n = v.args[0], by
        operands = self._fields.get(self.ref(v)) if v.op is ops.get else None
        return None if operands is None else (operands, n)

    def before_call(self) -> None:
        """Write what may be dirty back to the record."""
        self._spill(self.out)

    def after_call(self) -> None:
        """Read everything anew."""
        for slot in self._used.values():
            if condition.is_field(slot):
                condition.fill(self, slot, self.out)
                continue
            p, v = self.field(slot.offset), self.temp()
            ty, align = kept(slot.type)
            self.emit(f"{v} = load {ty}, ptr {p}, align {align}, {CPU}\nstore {ty} {v}, ptr {self._variable(slot)}")

    def indexed(self, v: Value, result: str) -> None:
        """A register chosen at run time: through the record."""
        self.before_call()
        super().indexed(v, result)
        if v.op is ops.putx:
            self.after_call()

    def _spill(self, to: list[str]) -> None:
        for _, slot in sorted(self._dirty.items()):
            ty, align = kept(slot.type)
            if condition.is_field(slot):
                v = condition.pack(self, slot, to)
            else:
                v = self.temp()
                to.append(f"{v} = load {ty}, ptr {self._variable(slot)}")
            p = self.field(slot.offset, to=to)
            to.append(f"store {ty} {v}, ptr {p}, align {align}, {CPU}")

    # -- leaving
    def _fuel_at(self, at: int, to: list[str]) -> str:
        """Fuel left before instruction `at` of this block."""
        loaded, left = self.temp(), self.temp()
        to.append(f"{loaded} = load i64, ptr %fuel_left\n{left} = add i64 {loaded}, {self.lengths[self._here] - at}")
        return left

    def leave_label(self, at: int, after: bool, kind: int | None) -> str:
        """A cold block for this place; they all meet in one that writes the registers back."""
        label = self.label("leave")
        self.cold.append(f"{label}:\nstore i64 {self._here + 4 * (at + after)}, ptr %left_at")
        self.cold.append(f"store i64 {self.lengths[self._here] - at - after}, ptr %unspent\nbr label %leave")
        self._leaving |= self._dirty.keys()
        self._leaves = True
        return label

    def _common_leave(self) -> None:
        """Where all ways of leaving meet: registers, nia, the fuel that is left."""
        if not self._leaves:
            return
        self._dirty = {o: self._used[o] for o in sorted(self._leaving)}
        self.cold.append("leave:")
        self._spill(self.cold)
        self.cold.append("""%left_offset = load i64, ptr %left_at
%left_nia = add i64 %base, %left_offset
%left_unspent = load i64, ptr %unspent
%left_after = load i64, ptr %fuel_left
%left_fuel = add i64 %left_after, %left_unspent""")
        self.store_field("nia", "%left_nia", to=self.cold)
        self.cold.append("ret i64 %left_fuel")

    def _entry_ip(self, offset: int, to: list[str]) -> str:
        return self.field(offset * 4, "%page", to=to)

    def _exit_to(self, offset: int) -> str:
        """A cold block that goes on at another entry of this page."""
        label = self.label("next")
        saved, self.out = self.out, []
        self.emit(f"{label}:")
        self._spill(self.out)
        fuel = self._fuel_at(self.lengths[self._here], self.out)
        ip = self._entry_ip(offset, self.out)
        self._enter_counted(ip, fuel)
        self.cold += self.out
        self.out = saved
        return label

    def _enter_counted(self, ip: str, fuel: str) -> None:
        hot, cool, h = self.label("hot"), self.label("cool"), self.temp()
        count_entry(self, ip, hot, cool)
        self.emit(f"{cool}:\n{h} = load ptr, ptr {ip}, {CODE}")
        self.tail(h, fuel, ip)
        self.emit(f"{hot}:")
        self.tail("@x_hot", fuel, ip)

    def _exit_far(self, target: str) -> str:
        """A cold block that goes on at an effective address in another page."""
        label = self.label("far")
        self.cold.append(f"{label}:")
        self._spill(self.cold)
        fuel = self._fuel_at(self.lengths[self._here], self.cold)
        self.store_field("nia", target, to=self.cold)
        self.tail("@x_goto", fuel, "%ip", to=self.cold)
        return label

    def _exit_dynamic(self, target: str) -> None:
        """Go to a run-time address: one of our own blocks if it is in this page, else through the jump cache."""
        out = self.label("out")
        if onward := self.onward[self._here]:
            page, same, here, low = self.temp(), self.temp(), self.label("here"), self.temp()
            self.emit(f"{page} = and i64 {target}, {HIGH_BITS}\n{same} = icmp eq i64 {page}, %base")
            self.emit(f"br i1 {same}, label %{here}, label %{out}\n{here}:\n{low} = and i64 {target}, 4095")
            cases = " ".join(f"i64 {t}, label %{self._edge(t)}" for t in onward)
            self.emit(f"switch i64 {low}, label %{out} [{cases}]")
            self.emit(f"{out}:")
        self._spill(self.out)
        fuel = self._fuel_at(self.lengths[self._here], self.out)
        hit, miss = self.label("hit"), self.label("miss")
        ip = jump_cache_probe(self, target, hit, miss)
        self.cold.append(f"{miss}:")
        self.store_field("nia", target, to=self.cold)
        self.tail("@x_goto", fuel, to=self.cold)
        self._enter_counted(ip, fuel)

    def _edge(self, to: int) -> str:
        return f"b{to}"

    def fence(self) -> None:
        """None while vCPUs take turns."""
        if self.parallel:
            self.emit("fence seq_cst")

    def special(self, v: Value, result: str) -> bool:
        """The page's effective address, and the clock."""
        if v.op is ops.base:
            self.emit(f"{result} = add i64 %base, 0")
        elif v.op is ops.icount:
            left = self._fuel_at(0, self.out)
            done, end = self.temp(), self.load_field("fuel_end")
            at = v.imm or 0
            self.emit(f"{done} = sub i64 {end}, {left}\n{result} = add i64 {done}, {at}")
        else:
            raise NotImplementedError(f"{v.op} in a translation")
        return True

    # -- the function
    def text(self) -> str:
        """The function's text."""
        for at, block in self.blocks.items():
            self._here = at
            self.prefix = f"{at}_"
            self._dirty = {o: self._used[o] for o in self._dirty_in[at]}
            self._start(at)
            self.body(block.body)
            self._finish(at, block)
        self._common_leave()
        head = [f'define {CALLING_CONVENTION} i64 @{self.name}({PARAMETERS}) {self.attributes()} {{', "start:"]
        head.append("%fuel_left = alloca i64\nstore i64 %fuel, ptr %fuel_left\n%left_at = alloca i64\n%unspent = alloca i64")
        head.append(place("%ip"))
        head.append(f"%base_at = getelementptr i8, ptr %st, i64 {state.offset('page_ea')}\n%base = load i64, ptr %base_at, {CPU}")
        for whole, slot in sorted((state.container(slot.offset), slot) for slot in self._used.values()):
            if condition.is_field(slot):
                head.append(condition.declare(slot))
                continue
            variable = f"%s{whole} = alloca {QUADWORD if slot.half else kept(slot.type)[0]}"
            if variable != head[-1]:  # it has one for all views of it
                head.append(variable)
        for key, slot in sorted(self._used.items()):
            if condition.is_field(slot):
                condition.fill(self, slot, head)
                continue
            if slot.half:
                head.append(f"%w{key} = getelementptr i8, ptr %s{state.container(slot.offset)}, i64 {slot.offset % 16}")
            ty, align = kept(slot.type)
            head.append(
                f"%p{key} = getelementptr i8, ptr %st, i64 {slot.offset}\n%i{key} = load {ty}, ptr %p{key}, align {align}, {CPU}\n"
                f"store {ty} %i{key}, ptr {self._variable(slot)}"
            )
        cases = " ".join(f"i64 {t}, label %b{t}" for t in self.entries[1:])
        head.append(f"switch i64 %off, label %b{self.entries[0]} [{cases}]")
        return "\n".join([*head, *self.out, *self.cold, "}\n"])

    def _start(self, at: int) -> None:
        left, rest = self.temp(), self.temp()
        self.emit(f"b{at}:\n{left} = load i64, ptr %fuel_left")
        if at in self._checked:
            low, go = self.temp(), self.label("go")
            stop = self.label("low")
            self.emit(f"{low} = icmp slt i64 {left}, {self._cost[at]}\nbr i1 {low}, label %{stop}, label %{go}, {UNLIKELY}\n{go}:")
            self.cold.append(f"{stop}:")
            self._spill(self.cold)
            self.tail("@x_step", left, self._entry_ip(at, self.cold), to=self.cold)
        self.emit(f"{rest} = sub i64 {left}, {self.lengths[at]}\nstore i64 {rest}, ptr %fuel_left")

    def _finish(self, at: int, block: Builder) -> None:
        last = at + 4 * (self.lengths[at] - 1)
        match block.end:
            case Jump(target):
                d = self._displacement(target, last)
                if d is None:
                    self._exit_dynamic(self.ref(target))
                else:
                    self.emit(f"br label %{self._target(block, last, d, target)}")
            case Branch(condition, target):
                d = self._displacement(target, last)
                on = self._target(block, last, 4, None)
                if d is None:
                    taken = self.label("taken")
                    self.emit(f"br i1 {self.ref(condition)}, label %{taken}, label %{on}\n{taken}:")
                    self._exit_dynamic(self.ref(target))
                else:
                    self.emit(f"br i1 {self.ref(condition)}, label %{self._target(block, last, d, target)}, label %{on}")
            case Stop(kind, payload, after):
                self.store_field("exit", kind)
                self.store_field("exit_arg", self.ref(payload))
                self.emit(f"br label %{self.leave_label(self.lengths[at] - 1, after, kind)}")
            case None:
                raise AssertionError(f"block {at:#x} has no end")

    def _target(self, block: Builder, last: int, d: int, target: Value | None) -> str:
        to = last + d
        if to in self.blocks and not self._leaves_to_next(block, d):
            return self._edge(to)
        if 0 <= to < 4096:
            return self._exit_to(to)
        if target is not None:
            return self._exit_far(self.ref(target))
        nia = self.temp()  # the fall-through of a branch at the end of the page
        self.emit(f"{nia} = add i64 %base, {to}")
        return self._exit_far(nia)
