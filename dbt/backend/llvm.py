"""IR to LLVM text: the lowering that interpreter handlers and compiled regions share.

Text is built with f-strings: five to ten times faster than building llvmlite.ir objects (docs/decisions/0001).
Guest registers are memory behind %st in a handler and local variables in a region; a subclass says which, and where
control goes when an instruction cannot be carried out.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .. import state
from ..ir import ops
from ..ir.access import Access, Helper, Leave
from ..ir.builder import Value
from ..ir.types import Type, void
from ..state import Slot
from . import cached, direct
from .layout import ARGUMENTS, CALLING_CONVENTION
from .metadata import CPU, UNLIKELY
from .quiet import QUIET

RUNTIME = [
    "declare preserve_mostcc i64 @slow_load(ptr, i64, i64) cold",
    "declare preserve_mostcc i64 @slow_store(ptr, i64, i64, i64) cold",
    *(
        f"declare {CALLING_CONVENTION} i64 @x_{n}(ptr noalias, ptr, i64, ptr)"
        for n in ("leave_before", "leave_after", "fuel", "hot", "goto", "step")
    ),
    *QUIET,
]


def _vector_intrinsics() -> Iterator[str]:
    """Those of ir/ops_vector.py."""
    for n in (8, 16, 32, 64):
        t, v = f"<{128 // n} x i{n}>", f"v{128 // n}i{n}"
        yield from (f"declare {t} @llvm.{name}.sat.{v}({t}, {t})" for name in ("sadd", "uadd", "ssub", "usub"))
        yield from (f"declare {t} @llvm.ctlz.{v}({t}, i1)", f"declare {t} @llvm.ctpop.{v}({t})")
    t, f = "<4 x i32>", "<4 x float>"
    yield from (f"declare {f} @llvm.{name}.v4f32({f})" for name in ("sqrt", "rint"))
    yield f"declare {f} @llvm.fma.v4f32({f}, {f}, {f})"
    yield f"declare {f} @llvm.fabs.v4f32({f})\ndeclare <2 x double> @llvm.fabs.v2f64(<2 x double>)"
    yield from (f"declare {t} @llvm.fpto{s}i.sat.v4i32.v4f32({f})" for s in "su")


def _strict_intrinsics() -> Iterator[str]:
    """Floating-point operations whose flags count (ir/ops_float.py)."""
    stem = "@llvm.experimental.constrained"
    for name, count in (("fadd", 2), ("fsub", 2), ("fmul", 2), ("fdiv", 2), ("fma", 3), ("sqrt", 1), ("rint", 1)):
        for ty, suffix in (("double", "f64"), ("<2 x double>", "v2f64"), ("<4 x float>", "v4f32")):
            yield f"declare {ty} {stem}.{name}.{suffix}({f'{ty}, ' * count}metadata, metadata)"
    yield f"declare float {stem}.fptrunc.f32.f64(double, metadata, metadata)"
    yield f"declare i64 {stem}.fptosi.i64.f64(double, metadata)"
    yield from (f"declare {t} {stem}.sitofp.{f}.i64(i64, metadata, metadata)" for t, f in (("double", "f64"), ("float", "f32")))


VECTOR_INTRINSICS = list(_vector_intrinsics())


def declarations(extra: Iterable[str] = ()) -> str:
    """The head of every module: target and the intrinsics and runtime functions that templates name."""
    lines = ['target triple = "x86_64-unknown-linux-gnu"']
    for n in (8, 16, 32, 64, 128):
        lines.append(f"declare i{n} @llvm.fshl.i{n}(i{n}, i{n}, i{n})")
        for name in ("ctlz", "cttz"):
            lines.append(f"declare i{n} @llvm.{name}.i{n}(i{n}, i1)")
        lines.append(f"declare i{n} @llvm.ctpop.i{n}(i{n})")
        if n > 8:
            lines.append(f"declare i{n} @llvm.bswap.i{n}(i{n})")
    lines.append("declare ptr @llvm.ptrmask.p0.i64(ptr, i64)")
    for name, count in (("fma", 3), ("sqrt", 1), ("rint", 1), ("trunc", 1), ("floor", 1), ("ceil", 1), ("fabs", 1)):
        for ty in ("double", "float"):
            args = ", ".join([ty] * count)
            lines.append(f"declare {ty} @llvm.{name}.{'f64' if ty == 'double' else 'f32'}({args})")
    lines += VECTOR_INTRINSICS
    lines += _strict_intrinsics()
    lines += extra
    return "\n".join(lines) + "\n"


# Vector registers are numbers of 128 bits (state.py) but kept, and combined bit by bit, as this: LLVM then leaves them in
# the host's vector registers. What joins two doublewords is better left to general registers.
QUADWORD = "<2 x i64>"
VECTOR_LOGIC = {ops.and_: "and", ops.or_: "or", ops.xor: "xor"}
JOINING = (ops.zext, ops.sext, ops.shl, ops.shr)


def kept(ty: Type) -> tuple[str, int]:
    """How a register is kept in the record and in local variables, and its alignment there."""
    return (QUADWORD, 8) if ty.bits == 128 else (str(ty), max(ty.bits // 8, 1))


class Lowering:
    """Emits one LLVM function. `out` is the hot path; `cold` blocks come after it."""

    volatile = ""  # "volatile ": others see this vCPU's storage accesses, each once and in their order

    def __init__(self, direct_mode: bool = False) -> None:
        self.out: list[str] = []
        self.cold: list[str] = []
        self.helpers: set[str] = set()
        self.user_ops: set[ops.Op] = set()
        self._vectors: dict[str, str] = {}  # an i128 value -> the vector, with its type, that it was made from
        self.prefix = ""
        self._count = 0
        self.direct = direct_mode
        self.inside: set[str] = set()  # values that were found to lie in the window (direct.py)

    # -- text
    def temp(self) -> str:
        """A new value name."""
        self._count += 1
        return f"%t{self._count}"

    def label(self, stem: str) -> str:
        """A new block name."""
        self._count += 1
        return f"{stem}{self._count}"

    def emit(self, line: str) -> None:
        """Append to the hot path."""
        self.out.append(line)

    def ref(self, v: Value) -> str:
        """How a value is written as an operand."""
        return str(v.imm) if v.op is None else f"%v{self.prefix}{v.id}"

    def field(self, offset: int | str, base: str = "%st", to: list[str] | None = None) -> str:
        """The address `offset` bytes past `base`."""
        p = self.temp()
        (self.out if to is None else to).append(f"{p} = getelementptr i8, ptr {base}, i64 {offset}")
        return p

    def load_field(self, name: str, to: list[str] | None = None) -> str:
        """A 64-bit field of the vCPU record, as a value."""
        p, v = self.field(state.offset(name), to=to), self.temp()
        (self.out if to is None else to).append(f"{v} = load i64, ptr {p}, {CPU}")
        return v

    def store_field(self, name: str, value: str | int, to: list[str] | None = None) -> None:
        """Set a 64-bit field of the vCPU record."""
        p = self.field(state.offset(name), to=to)
        (self.out if to is None else to).append(f"store i64 {value}, ptr {p}, {CPU}")

    def tail(self, function: str, fuel: str = "%fuel", ip: str = "%ip", to: list[str] | None = None) -> None:
        """Continue in another handler or runtime function."""
        r = self.temp()
        arguments = ARGUMENTS.format(fuel=fuel, ip=ip)
        (self.out if to is None else to).append(
            f"{r} = musttail call {CALLING_CONVENTION} i64 {function}({arguments})\nret i64 {r}"
        )

    # -- what subclasses decide
    def get_slot(self, result: str, slot: Slot) -> None:
        """Read a register."""
        raise NotImplementedError

    def put_slot(self, slot: Slot, value: str) -> None:
        """Write a register."""
        raise NotImplementedError

    def before_call(self) -> None:
        """Registers must be in the vCPU record: a helper is about to see them."""

    def after_call(self) -> None:
        """A helper may have changed any register."""

    def leave_label(self, at: int, after: bool, kind: int | None) -> str:
        """A cold block that leaves translated code at instruction `at`; kind None: `exit` is already set."""
        raise NotImplementedError

    def fence(self) -> None:
        """Order storage accesses, if vCPUs run in parallel."""
        raise NotImplementedError

    def special(self, v: Value, result: str) -> bool:
        """Lower word, base, offset, icount."""
        raise NotImplementedError

    def load_register(self, result: str, ty: Type, p: str, tail: str = "") -> None:
        """A register's value, from where it is kept."""
        if ty.bits == 128:
            self.emit(f"{result}.q = load {QUADWORD}, ptr {p}{tail}\n{result} = bitcast {QUADWORD} {result}.q to i128")
            self._vectors[result] = f"{QUADWORD} {result}.q"
        else:
            self.emit(f"{result} = load {ty}, ptr {p}{tail}")

    def store_register(self, ty: Type, value: str, p: str, tail: str = "") -> None:
        """Set a register, where it is kept."""
        if ty.bits == 128:
            t = self.temp()
            self.emit(f"{t} = bitcast {self.vector(value)} to {QUADWORD}\nstore {QUADWORD} {t}, ptr {p}{tail}")
        else:
            self.emit(f"store {ty} {value}, ptr {p}{tail}")

    def vector_logic(self, v: Value, result: str) -> None:
        """Bitwise operations on quadwords, in the host's vector registers."""
        assert v.op is not None
        for name, a in zip("ab", v.args, strict=True):
            self.emit(f"{result}.{name} = bitcast {self.vector(self.ref(a))} to {QUADWORD}")
        self.emit(f"{result}.v = {VECTOR_LOGIC[v.op]} {QUADWORD} {result}.a, {result}.b")
        self.emit(f"{result} = bitcast {QUADWORD} {result}.v to i128")
        self._vectors[result] = f"{QUADWORD} {result}.v"

    def vector(self, value: str) -> str:
        """An i128 value to be cast, with its type: as what it was made from. Where LLVM saw i128 on the way from one
        round of a loop to the next it would keep the value in general registers."""
        return self._vectors.get(value, f"i128 {value}")

    # -- operations
    def body(self, values: Iterable[Value]) -> None:
        """Lower a block's values in order."""
        self.inside.clear()
        for v in values:
            self.operation(v)

    def operation(self, v: Value) -> None:
        """Lower one value."""
        op, result = v.op, f"%v{self.prefix}{v.id}"
        assert op is not None
        if op is ops.get:
            self.get_slot(result, v.imm)
        elif op is ops.put:
            self.put_slot(v.imm, self.ref(v.args[0]))
        elif op is ops.getx or op is ops.putx:
            self.indexed(v, result)
        elif op is ops.load or op is ops.store:
            self.memory(v, result)
        elif op is ops.call:
            self.helper_call(v, result)
        elif op is ops.exit_if:
            self.exit_if(v)
        elif op is ops.fence:
            self.fence()
        elif op in (ops.word, ops.base, ops.offset, ops.icount):
            self.special(v, result)
        elif op in VECTOR_LOGIC and v.ty.bits == 128 and not any(a.op in JOINING for a in v.args):
            self.vector_logic(v, result)
        elif op is ops.zext and self.direct and v.ty.bits == 64 and v.args[0].op is ops.load:
            self.emit(f"{result} = add i64 {self.ref(v.args[0])}.w, 0")
        elif op.llvm:
            self.template(v, result)
        elif op.pure:
            self.user_ops.add(op)
            args = ", ".join(f"i64 {self.widened(a)}" for a in v.args)
            self.user_call(v, result, args)
        else:
            raise NotImplementedError(f"no lowering for the operation {op}")

    def template(self, v: Value, result: str) -> None:
        """An operation with an LLVM template. One with {r} is the whole text, else it is the right-hand side."""
        assert v.op is not None and v.op.llvm
        types = self.types_of(v)
        template = v.op.template(v.imm)
        text = template.format(*map(self.ref, v.args), r=result, **types)
        for a in v.args:
            if a.ty.bits == 128:
                text = text.replace(f"bitcast i128 {self.ref(a)} to", f"bitcast {self.vector(self.ref(a))} to")
        self.emit(text if "{r}" in template else f"{result} = {text}")
        made, _, last = text.rpartition("\n")[2].partition(f"{result} = bitcast <")
        if last.endswith(" to i128") and not made:
            self._vectors[result] = "<" + last.removesuffix(" to i128")

    def attributes(self) -> str:
        """Of the function: `strictfp` if floating-point flags matter in it."""
        strict = any("constrained" in line for line in self.out)
        return f'nounwind {"strictfp " if strict else ""}"no-builtins"'

    @staticmethod
    def types_of(v: Value) -> dict[str, Type]:
        """What N and M stand for in this use."""
        assert v.op is not None
        types = dict(zip(v.op.params, (a.ty for a in v.args), strict=True))
        types[v.op.result] = v.ty
        return {k: t for k, t in types.items() if k in "NM" and t is not void}

    def widened(self, v: Value) -> str:
        """A value as i64."""
        if v.op is None or v.ty.bits == 64:
            return self.ref(v)
        t = self.temp()
        self.emit(f"{t} = zext {v.ty} {self.ref(v)} to i64")
        return t

    def user_call(self, v: Value, result: str, args: str) -> None:
        """A pure operation whose meaning was compiled by Numba: an inlinable function over i64."""
        assert v.op is not None
        types = self.types_of(v)
        if v.op.takes_w:
            args += f", i64 {types['N'].bits}"
        if v.op.takes_m:
            args += f", i64 {types['M'].bits}"
        r = result if v.ty.bits == 64 else self.temp()
        self.emit(f"{r} = call i64 @op_{v.op.name}({args})")
        if v.ty.bits != 64:
            self.emit(f"{result} = trunc i64 {r} to {v.ty}")

    def indexed(self, v: Value, result: str) -> None:
        """A register of a bank, chosen at run time."""
        bank: Slot = v.imm
        scaled = self.temp()
        self.emit(f"{scaled} = mul i64 {self.ref(v.args[0])}, {bank.stride}")
        p = self.field(scaled, self.field(bank.offset))
        if v.op is ops.getx:
            self.load_register(result, v.ty, p, f", align {kept(v.ty)[1]}, {CPU}")
        else:
            ty = v.args[1].ty
            self.store_register(ty, self.ref(v.args[1]), p, f", align {kept(ty)[1]}, {CPU}")

    def memory(self, v: Value, result: str) -> None:
        """Guest storage through the inline software TLB, or where it is (direct.py); else the slow path does the whole access."""
        access: Access = v.imm
        loading = v.op is ops.load
        ty = v.ty if loading else v.args[1].ty
        ea, size = self.ref(v.args[0]), ty.bits // 8
        spec = size | access.little << 8 | access.aligned << 9
        k = self.label("m")
        hot = (direct if self.direct else cached).access(self, v, ty, k)
        self.emit(f"br label %{k}d\n{k}s:")
        slow = self.temp()
        if loading:
            self.emit(f"{slow} = call preserve_mostcc i64 @slow_load(ptr %st, i64 {ea}, i64 {spec})")
        else:
            wide = self.widened(v.args[1])
            self.emit(f"{slow} = call preserve_mostcc i64 @slow_store(ptr %st, i64 {ea}, i64 {spec}, i64 {wide})")
        failed = self.failed()
        self.emit(f"br i1 {failed}, label %{self.leave_label(access.at, False, None)}, label %{k}c, {UNLIKELY}\n{k}c:")
        if loading and self.direct:
            self.emit(f"br label %{k}d\n{k}d:\n{result}.w = phi i64 [{hot}, %{k}h], [{slow}, %{k}c]")
            self.emit(f"{result} = {f'trunc i64 {result}.w to {ty}' if ty.bits < 64 else f'add i64 {result}.w, 0'}")
            return
        cut = slow
        if loading and ty.bits < 64:
            cut = self.temp()
            self.emit(f"{cut} = trunc i64 {slow} to {ty}")
        self.emit(f"br label %{k}d\n{k}d:")
        if loading:
            self.emit(f"{result} = phi {ty} [{hot}, %{k}h], [{cut}, %{k}c]")

    def failed(self) -> str:
        """An i1: whether the runtime asked to leave."""
        exit_kind, failed = self.load_field("exit"), self.temp()
        self.emit(f"{failed} = icmp ne i64 {exit_kind}, 0")
        return failed

    def helper_call(self, v: Value, result: str) -> None:
        """A compiled helper: it sees and may change all registers."""
        helper: Helper = v.imm
        self.helpers.add(helper.name)
        a, b, c = (self.widened(x) for x in v.args)
        self.before_call()
        self.emit(f"{result} = call i64 @{helper.name}(ptr %st, i64 {a}, i64 {b}, i64 {c})")
        self.after_call()
        if helper.exits:
            ok = self.label("c")
            self.emit(f"br i1 {self.failed()}, label %{self.leave_label(helper.at, helper.after, None)}, label %{ok}, {UNLIKELY}\n{ok}:")

    def exit_if(self, v: Value) -> None:
        """Leave if a condition holds."""
        leave: Leave = v.imm
        go, ok = self.label("x"), self.label("k")
        self.emit(f"br i1 {self.ref(v.args[0])}, label %{go}, label %{ok}, {UNLIKELY}\n{go}:")
        self.store_field("exit", leave.kind)
        self.store_field("exit_arg", self.ref(v.args[1]))
        self.emit(f"br label %{self.leave_label(leave.at, leave.after, leave.kind)}\n{ok}:")
