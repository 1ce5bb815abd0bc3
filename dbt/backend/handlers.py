"""Interpreter handlers: one LLVM function per variant of an instruction, threaded directly.

A handler receives the vCPU record, the software TLB of the current data space, the fuel (instructions that may still
run) and `ip`, its entry in the code page; it does its work on the record and jumps (`musttail`) to the handler of the
next entry. Nothing returns until something leaves translated code; then the fuel that is left is the return value.
"""

from __future__ import annotations

from .. import state
from ..exits import Exit
from ..ir import ops
from ..ir.builder import Builder, Value
from ..ir.terminals import Branch, Jump, Stop
from ..state import Slot
from .layout import (
    CALLING_CONVENTION,
    CODE_PAGE_STRIDE,
    ENTRY_BYTES,
    ENTRY_HOT,
    ENTRY_WORD,
    HIGH_BITS,
    PAGE_ROOT,
    PARAMETERS,
    SENTINEL,
    UNBUILT,
)
from .llvm import Lowering, kept
from .metadata import CODE, CPU, LIKELY, UNLIKELY
from .quiet import quiet_functions

JUMP_CACHE_MASK = (state.JUMP_CACHE_ENTRIES - 1) * 16


class Handler(Lowering):
    """One instruction variant: registers live in the record."""

    def __init__(self, name: str, direct_mode: bool = False) -> None:
        super().__init__(direct_mode)
        self.name = name
        self._leaves: dict[bool, str] = {}
        self._paged = False

    def get_slot(self, result: str, slot: Slot) -> None:
        """A load from the record."""
        p = self.field(slot.offset)
        self.load_register(result, slot.type, p, f", align {kept(slot.type)[1]}, {CPU}")

    def put_slot(self, slot: Slot, value: str) -> None:
        """A store to the record."""
        p = self.field(slot.offset)
        self.store_register(slot.type, value, p, f", align {kept(slot.type)[1]}, {CPU}")

    def leave_label(self, at: int, after: bool, kind: int | None) -> str:
        """Both ways of leaving are shared by the whole handler."""
        if after not in self._leaves:
            label = self._leaves[after] = self.label("leave")
            self.cold.append(f"{label}:")
            self.tail("@x_leave_after" if after else "@x_leave_before", "%f" if after else "%fuel", to=self.cold)
        return self._leaves[after]

    def fence(self) -> None:
        """Asks the record: handlers serve vCPUs that run in parallel and those that take turns."""
        parallel, needed, go, on = self.load_field("parallel"), self.temp(), self.label("fence"), self.label("on")
        self.emit(f"{needed} = icmp ne i64 {parallel}, 0\nbr i1 {needed}, label %{go}, label %{on}, {UNLIKELY}")
        self.emit(f"{go}:\nfence seq_cst\nbr label %{on}\n{on}:")

    def special(self, v: Value, result: str) -> bool:
        """What a translation knows and a handler reads: its word, its place, the clock."""
        if v.op is ops.word:
            p = self.field(ENTRY_WORD, "%ip")
            self.emit(f"{result} = load i32, ptr {p}, {CODE}")
        elif v.op is ops.base:
            p = self.field(state.offset("page_ea"))
            self.emit(f"{result} = load i64, ptr {p}, {CPU}")
        elif v.op is ops.offset:
            self.place()
            self.emit(f"{result} = add i64 %off, 0")
        else:
            self.emit(f"{result} = sub i64 {self.load_field('fuel_end')}, %fuel")
        return True

    def place(self) -> None:
        """%page, the code page, and %off, the byte offset of this instruction in its guest page."""
        if not self._paged:
            self._paged = True
            self.out.insert(0, place("%ip"))

    def text(self, block: Builder) -> str:
        """The function."""
        self.body(block.body)
        match block.end:
            case None:
                self.next()
            case Jump(target):
                self.go(target)
            case Branch(condition, target):
                taken, on = self.label("taken"), self.label("on")
                self.emit(f"br i1 {self.ref(condition)}, label %{taken}, label %{on}\n{taken}:")
                self.go(target)
                self.emit(f"{on}:")
                self.next()
            case Stop(kind, payload, after):
                self.store_field("exit", kind)
                self.store_field("exit_arg", self.ref(payload))
                self.emit(f"br label %{self.leave_label(0, after, kind)}")
        head = f"""define {CALLING_CONVENTION} i64 @{self.name}({PARAMETERS}) {self.attributes()} {{
%f = sub i64 %fuel, 1
%spent = icmp slt i64 %f, 0
br i1 %spent, label %nofuel, label %start, {UNLIKELY}
start:"""
        self.cold.append("nofuel:")
        self.tail("@x_fuel", to=self.cold)
        return "\n".join([head, *self.out, *self.cold, "}\n"])

    def next(self) -> None:
        """On to the next entry."""
        self.enter(self.field(ENTRY_BYTES, "%ip"))

    def enter(self, ip: str) -> None:
        """Jump to an entry's handler."""
        h = self.temp()
        self.emit(f"{h} = load ptr, ptr {ip}, {CODE}")
        self.tail(h, "%f", ip)

    def go(self, target: Value) -> None:
        """Jump to an effective address: within the page directly, else through the jump cache."""
        displacement = relative(target)
        if displacement is not None:
            self.place()
            new, inside, scaled = self.temp(), self.temp(), self.temp()
            near, far = self.label("near"), self.label("far")
            self.emit(f"{new} = add i64 %off, {self.ref(displacement)}\n{inside} = icmp ult i64 {new}, 4096")
            self.emit(f"br i1 {inside}, label %{near}, label %{far}, {LIKELY}\n{near}:\n{scaled} = shl i64 {new}, 2")
            self.enter_counted(self.field(scaled, "%page"))
            self.emit(f"{far}:")
            self.store_field("nia", self.ref(target))
            self.tail("@x_goto", "%f")
        else:
            self.go_dynamic(self.ref(target))

    def go_dynamic(self, target: str) -> None:
        """Jump to a run-time address through the jump cache."""
        hit, miss = self.label("hit"), self.label("miss")
        ip = jump_cache_probe(self, target, hit, miss)
        self.cold.append(f"{miss}:")
        self.store_field("nia", target, to=self.cold)
        self.tail("@x_goto", "%f", to=self.cold)
        self.enter_counted(ip)

    def enter_counted(self, ip: str) -> None:
        """Jump to an entry, counting: it may deserve a translation."""
        hot, cool = self.label("hot"), self.label("cool")
        count_entry(self, ip, hot, cool)
        self.cold.append(f"{hot}:")
        self.tail("@x_hot", "%f", ip, to=self.cold)
        self.emit(f"{cool}:")
        self.enter(ip)


def place(ip: str) -> str:
    """Text that derives %page and %off from an entry's address."""
    return f"""%ipn = ptrtoint ptr {ip} to i64
%page = call ptr @llvm.ptrmask.p0.i64(ptr {ip}, i64 {-CODE_PAGE_STRIDE})
%of0 = and i64 %ipn, {SENTINEL - 1}
%off = lshr i64 %of0, 2"""


def count_entry(s: Lowering, ip: str, hot: str, cool: str) -> None:
    """Count an arrival at an entry and branch to `hot` when its hotness reaches zero."""
    at, old, new, zero = s.field(ENTRY_HOT, ip), s.temp(), s.temp(), s.temp()
    s.emit(f"{old} = load i32, ptr {at}, {CODE}\n{new} = add i32 {old}, 1\nstore i32 {new}, ptr {at}, {CODE}")
    s.emit(f"{zero} = icmp eq i32 {new}, 0\nbr i1 {zero}, label %{hot}, label %{cool}, {UNLIKELY}")


def jump_cache_probe(s: Lowering, target: str, hit: str, miss: str) -> str:
    """Look a run-time address up in the jump cache; in block `hit`, the entry's address is the returned value."""
    page, tag, index, masked, at, have, ok, code, low, scaled = (s.temp() for _ in range(10))
    context = s.load_field("context")
    s.emit(f"{page} = and i64 {target}, {HIGH_BITS}\n{tag} = or i64 {page}, {context}")
    s.emit(f"{index} = lshr i64 {target}, 8\n{masked} = and i64 {index}, {JUMP_CACHE_MASK}")
    s.emit(f"{at} = add i64 {masked}, {state.JUMP_CACHE}")
    entry = s.field(at)
    s.emit(f"{have} = load i64, ptr {entry}, {CPU}\n{ok} = icmp eq i64 {have}, {tag}")
    s.emit(f"br i1 {ok}, label %{hit}, label %{miss}, {LIKELY}\n{hit}:")
    s.emit(f"{code} = load ptr, ptr {s.field(8, entry)}, {CPU}")
    s.store_field("page_ea", page)
    s.emit(f"{low} = and i64 {target}, 4092\n{scaled} = shl i64 {low}, 2")
    return s.field(scaled, code)


def relative(target: Value) -> Value | None:
    """The displacement of a target that is this instruction's own address plus something, else None."""
    v = target
    if v.op is ops.and_ and v.args[1].const == 0xFFFF_FFFF:
        v = v.args[0]
    if v.op is ops.add and v.args[0].op is ops.add and v.args[0].args[0].op is ops.base and v.args[0].args[1].op is ops.offset:
        return v.args[1]
    return None


def runtime_functions() -> str:
    """What handlers and regions share: leaving, decoding, jumping between pages, entry from outside."""
    cc, out = CALLING_CONVENTION, []

    def function(name: str, lines: list[str], needs_place: bool = True) -> None:
        head = f'define {cc} i64 @{name}({PARAMETERS}) nounwind noinline "no-builtins" {{'
        out.append("\n".join([head, *([place("%ip")] if needs_place else []), *lines, "}"]))

    for name, kind, forward in (("leave_before", None, 0), ("leave_after", None, 4), ("fuel", Exit.FUEL, 0), ("hot", Exit.TRANSLATE, 0),
                                ("gone", Exit.LOOKUP, 0)):  # fmt: skip
        s = Lowering()
        pc, nia = s.temp(), s.temp()
        base = s.load_field("page_ea")
        s.emit(f"{pc} = add i64 {base}, %off\n{nia} = add i64 {pc}, {forward}")
        s.store_field("nia", nia)
        if kind is not None:
            s.store_field("exit", int(kind))
        if kind is Exit.TRANSLATE:
            s.store_field("exit_arg", "%ipn")
        s.emit("ret i64 %fuel")
        function(f"x_{name}", s.out)

    s = Lowering()
    target = s.load_field("nia")
    ip = jump_cache_probe(s, target, "hit", "miss")
    count_entry(s, ip, "hot", "cool")
    s.emit("cool:")
    h = s.temp()
    s.emit(f"{h} = load ptr, ptr {ip}, {CODE}")
    s.tail(h, ip=ip)
    s.emit("hot:")
    s.tail("@x_hot", ip=ip)
    s.emit("miss:")
    s.store_field("exit", int(Exit.LOOKUP))
    s.emit("ret i64 %fuel")
    function("x_goto", s.out, needs_place=False)

    for width, mask in ((64, -1), (32, 0xFFFF_FFFF)):  # running off the end of a page, in either mode
        s = Lowering()
        base = s.load_field("page_ea")
        end, cut = s.temp(), s.temp()
        s.emit(f"{end} = add i64 {base}, 4096\n{cut} = and i64 {end}, {mask}")
        s.store_field("nia", cut)
        s.tail("@x_goto")
        function(f"x_page_end{width}", s.out, needs_place=False)

    s = Lowering()  # no handler is built yet (build.py): out, so that it will be, and here again. As any handler, it counts its instruction first
    s.emit(f"%left = icmp sgt i64 %fuel, 0\nbr i1 %left, label %ask, label %spent\nask:\n%marked = xor i64 %n, {UNBUILT}\n%number = lshr i64 %marked, 2")
    s.store_field("exit", int(Exit.UNBUILT))
    s.store_field("exit_arg", "%number")
    s.tail("@x_leave_before")
    s.emit("spent:")
    s.tail("@x_fuel")
    unbuilt = "\n".join(s.out)
    for name, install in (("x_decode", True), ("x_step", False)):
        # Another vCPU's store may change the word meanwhile: it sets the word, then the handler; this sets the handler, then looks again.
        keep = f"""store ptr %h, ptr %ip, {CODE}
fence seq_cst
%again = load i32, ptr %wp, {CODE}
%same = icmp eq i32 %again, %w
br i1 %same, label %go, label %entry, {LIKELY}
go:""" if install else ""
        function(name, [f"""br label %entry
entry:
%wp = getelementptr i8, ptr %ip, i64 {ENTRY_WORD}
%w = load i32, ptr %wp, {CODE}
%w64 = zext i32 %w to i64
%rp = getelementptr i8, ptr %page, i64 {PAGE_ROOT}
%root = load i64, ptr %rp, {CODE}
br label %walk
walk:
%n = phi i64 [%root, %entry], [%nx, %node]
%tagbit = and i64 %n, 1
%leaf = icmp eq i64 %tagbit, 0
br i1 %leaf, label %done, label %node
node:
%na = add i64 %n, -1
%np = inttoptr i64 %na to ptr
%sm = load i64, ptr %np, {CODE}
%sh = and i64 %sm, 63
%mask = lshr i64 %sm, 8
%x = lshr i64 %w64, %sh
%k = and i64 %x, %mask
%k1 = add i64 %k, 1
%cp = getelementptr i64, ptr %np, i64 %k1
%nx = load i64, ptr %cp, {CODE}
br label %walk
done:
%mark = and i64 %n, {UNBUILT}
%built = icmp eq i64 %mark, 0
br i1 %built, label %found, label %unbuilt, {LIKELY}
unbuilt:
{unbuilt}
found:
%h = inttoptr i64 %n to ptr
{keep}
%r = musttail call {cc} i64 %h(ptr %st, ptr %tlb, i64 %fuel, ptr %ip)
ret i64 %r"""])  # fmt: skip

    out.append(f"""define i64 @enter(ptr %st, ptr %tlb, i64 %fuel, ptr %ip) nounwind {{
%h = load ptr, ptr %ip, {CODE}
%r = call {cc} i64 %h(ptr %st, ptr %tlb, i64 %fuel, ptr %ip)
ret i64 %r
}}
declare i64 @load_slow(ptr, i64, i64)
declare i64 @store_slow(ptr, i64, i64, i64)
define preserve_mostcc i64 @slow_load(ptr %st, i64 %ea, i64 %spec) nounwind noinline cold {{
%r = call i64 @load_slow(ptr %st, i64 %ea, i64 %spec)
ret i64 %r
}}
define preserve_mostcc i64 @slow_store(ptr %st, i64 %ea, i64 %spec, i64 %v) nounwind noinline cold {{
%r = call i64 @store_slow(ptr %st, i64 %ea, i64 %spec, i64 %v)
ret i64 %r
}}
""")
    return "\n".join([*out, quiet_functions()])
