"""Every IR operation, declared once.

The body of each function *is* the operation's meaning, over unsigned Python integers already masked to their type
(its result is masked for it). The decorator's optional string is an LLVM template, an optimisation: an operation
without one is compiled by Numba from the same function and linked into handlers and regions (dbt/backend/userops.py).
Everything else (builder, verifier, printer, evaluator, docs, generated tests) reads OPS.

A signature is written with concrete types (``i1``) or with ``N`` ("any integer type, the same one throughout") and
``M`` (a second one, for width changes). A keyword-only ``w`` receives the width of N in bits, ``m`` that of M.
A keyword-only ``imm`` receives the operation's immediate, a number fixed when it is built (the lane width of a vector
operation); the template is then a function that writes the text for it.
"""

from __future__ import annotations

import enum
import inspect
from collections.abc import Callable
from typing import Any

from .types import M64, signed

N = M = i1 = i8 = i16 = i32 = i64 = void = int  # the vocabulary of signatures; read back as strings


class Effect(enum.Flag):
    """What an operation may touch besides its operands."""

    PURE = 0
    READS = enum.auto()  # guest state or memory
    WRITES = enum.auto()
    MAY_EXIT = enum.auto()  # guest state must be exact here
    RAISES = enum.auto()  # adds to the floating-point flags, and touches nothing else


def u64(x: int) -> int:
    """`x` as an unsigned 64-bit number: how to write constants in operations that Numba will compile."""
    return x & M64


Template = str | Callable[[int], str] | None


class Op:
    """One operation. Calling it appends to the block of its first non-constant operand."""

    __slots__ = ("commutes", "doc", "effect", "eval", "imms", "llvm", "may_exit", "name", "params", "pure", "raises",
                 "result", "takes_imm", "takes_m", "takes_w")  # fmt: skip

    def __init__(
        self, fn: Callable[..., Any], llvm: Template, effect: Effect, commutes: bool, imms: tuple[int, ...],
        raises: Callable[..., int] | None,
    ) -> None:  # fmt: skip
        signature = inspect.signature(fn)
        positional = [p for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]
        self.name = fn.__name__.rstrip("_")
        self.eval = fn
        self.llvm = llvm
        self.params: tuple[str, ...] = tuple(p.annotation for p in positional)
        self.result: str = signature.return_annotation
        self.effect = effect
        self.commutes = commutes
        self.raises = raises
        self.takes_w = "w" in signature.parameters
        self.takes_m = "m" in signature.parameters
        self.takes_imm = "imm" in signature.parameters
        self.imms = imms
        self.doc = inspect.getdoc(fn) or ""
        self.pure = effect is Effect.PURE
        self.may_exit = bool(effect & Effect.MAY_EXIT)
        known = {"N", "M", "i1", "i8", "i16", "i32", "i64", "i128", "void"}
        if bad := [t for t in (*self.params, self.result) if t not in known]:
            raise TypeError(f"operation {self.name}: unknown type {bad[0]!r} in its signature (one of {sorted(known)})")
        if self.takes_imm != callable(llvm):
            raise TypeError(f"operation {self.name}: an immediate and a template that is a function go together")
        if self.name in OPS:
            raise ValueError(f"operation {self.name} is declared twice")
        OPS[self.name] = self

    def template(self, imm: Any) -> str:
        """The LLVM template for an immediate (None where the operation takes none)."""
        return self.llvm(imm) if callable(self.llvm) else self.llvm or ""

    def evaluate(self, args: list[int], w: int, m: int, imm: Any = None) -> int:
        """The meaning, unmasked: `w` is the width of N, `m` that of M (0 where the signature has none)."""
        widths = {}
        if self.takes_w:
            widths["w"] = w
        if self.takes_m:
            widths["m"] = m
        if self.takes_imm:
            widths["imm"] = imm
        return int(self.eval(*args, **widths))

    def widths(self, v: Any) -> tuple[int, int]:
        """The widths of N and M in a value of this operation (0 where the signature has none)."""
        found = {want: a.ty.bits for want, a in zip(self.params, v.args, strict=True)}
        return v.ty.bits if self.result == "N" else found.get("N", 0), found.get("M", 0)

    def __call__(self, *args: Any, ty: Any = None, imm: Any = None) -> Any:
        for a in args:
            if type(a) is not int:
                return a.ir.emit(self, args, ty, imm)
        if self.result == "i1":  # plain ints: operand fields in a translation
            return bool(self.evaluate([x & M64 for x in args], 64, 64))
        return self.evaluate([x & M64 for x in args], 64, 64) & M64

    def __repr__(self) -> str:
        return self.name


OPS: dict[str, Op] = {}


def op(
    llvm: Template = None, *, effect: Effect = Effect.PURE, commutes: bool = False, imms: tuple[int, ...] = (),
    raises: Callable[..., int] | None = None,
) -> Callable[[Callable[..., Any]], Op]:  # fmt: skip
    """Declare the decorated function as an IR operation. imms: the immediates it takes, if not any number. raises: the
    host's floating-point flags that an operation with Effect.RAISES adds."""
    return lambda fn: Op(fn, llvm, effect, commutes, imms, raises)


# -- arithmetic -------------------------------------------------------------------------------------------------------


@op("add {N} {0}, {1}", commutes=True)
def add(a: N, b: N) -> N:
    """Sum, modulo 2**w."""
    return a + b


@op("sub {N} {0}, {1}")
def sub(a: N, b: N) -> N:
    """Difference, modulo 2**w."""
    return a - b


@op("mul {N} {0}, {1}", commutes=True)
def mul(a: N, b: N) -> N:
    """Low half of the product."""
    return a * b


@op("udiv {N} {0}, {1}")
def udiv(a: N, b: N) -> N:
    """Unsigned quotient; the caller makes sure that b != 0."""
    return a // b if b else 0


@op("sdiv {N} {0}, {1}")
def sdiv(a: N, b: N, *, w: int) -> N:
    """Signed quotient rounded towards zero; the caller makes sure that b != 0 and the quotient fits."""
    x, y = signed(a, w), signed(b, w)
    q = abs(x) // abs(y) if y else 0
    return -q if (x < 0) != (y < 0) else q


@op("urem {N} {0}, {1}")
def urem(a: N, b: N) -> N:
    """Unsigned remainder; the caller makes sure that b != 0."""
    return a % b if b else 0


@op("srem {N} {0}, {1}")
def srem(a: N, b: N, *, w: int) -> N:
    """Signed remainder with the dividend's sign; the caller makes sure that b != 0 and the quotient fits."""
    x, y = signed(a, w), signed(b, w)
    r = abs(x) % abs(y) if y else 0
    return -r if x < 0 else r


# -- logic ------------------------------------------------------------------------------------------------------------


@op("and {N} {0}, {1}", commutes=True)
def and_(a: N, b: N) -> N:
    """Bitwise and."""
    return a & b


@op("or {N} {0}, {1}", commutes=True)
def or_(a: N, b: N) -> N:
    """Bitwise or."""
    return a | b


@op("xor {N} {0}, {1}", commutes=True)
def xor(a: N, b: N) -> N:
    """Bitwise exclusive or."""
    return a ^ b


@op("shl {N} {0}, {1}")
def shl(a: N, n: N) -> N:
    """Left shift; n < w."""
    return a << n


@op("lshr {N} {0}, {1}")
def shr(a: N, n: N) -> N:
    """Logical right shift; n < w."""
    return a >> n


@op("ashr {N} {0}, {1}")
def sar(a: N, n: N, *, w: int) -> N:
    """Arithmetic right shift; n < w."""
    return signed(a, w) >> n


@op("call {N} @llvm.fshl.{N}({N} {0}, {N} {0}, {N} {1})")
def rotl(a: N, n: N, *, w: int) -> N:
    """Rotate left by n modulo w."""
    n = n % w
    return (a << n) | (a >> (w - n))


@op("call {N} @llvm.ctlz.{N}({N} {0}, i1 false)")
def clz(a: N, *, w: int) -> N:
    """Leading zero bits; w if a == 0."""
    return w - a.bit_length()


@op("call {N} @llvm.cttz.{N}({N} {0}, i1 false)")
def ctz(a: N, *, w: int) -> N:
    """Trailing zero bits; w if a == 0."""
    return (a & -a).bit_length() - 1 if a else w


@op("call {N} @llvm.ctpop.{N}({N} {0})")
def popcount(a: N) -> N:
    """One bits."""
    return a.bit_count()


@op("call {N} @llvm.bswap.{N}({N} {0})")
def bswap(a: N, *, w: int) -> N:
    """Bytes in the opposite order; w is 16 or more."""
    return int.from_bytes(a.to_bytes(w // 8, "little"), "big")


# -- comparison and choice --------------------------------------------------------------------------------------------


@op("icmp eq {N} {0}, {1}", commutes=True)
def eq(a: N, b: N) -> i1:
    """a == b."""
    return a == b


@op("icmp ult {N} {0}, {1}")
def ult(a: N, b: N) -> i1:
    """a < b, unsigned."""
    return a < b


@op("icmp slt {N} {0}, {1}")
def slt(a: N, b: N, *, w: int) -> i1:
    """a < b, signed."""
    return signed(a, w) < signed(b, w)


@op("icmp ule {N} {0}, {1}")
def ule(a: N, b: N) -> i1:
    """a <= b, unsigned."""
    return a <= b


@op("select i1 {0}, {N} {1}, {N} {2}")
def select(c: i1, a: N, b: N) -> N:
    """a if c else b."""
    return a if c else b


# -- width changes (`ty` names the result) ----------------------------------------------------------------------------


@op("zext {M} {0} to {N}")
def zext(a: M) -> N:
    """The same number in a wider type."""
    return a


@op("sext {M} {0} to {N}")
def sext(a: M, *, m: int) -> N:
    """The same signed number in a wider type."""
    return signed(a, m)


@op("trunc {M} {0} to {N}")
def trunc(a: M) -> N:
    """The low bits, in a narrower type."""
    return a


# -- guest state, memory, exits: effects, lowered by the backends and not by template ---------------------------------


@op(effect=Effect.READS)
def get() -> N:
    """A register of the guest (`imm`: state.Slot)."""
    raise NotImplementedError


@op(effect=Effect.WRITES)
def put(v: N) -> void:
    """Set a register of the guest (`imm`: state.Slot)."""
    raise NotImplementedError


@op(effect=Effect.READS)
def getx(i: i64) -> N:
    """Element i of a register bank (`imm`: state.Slot of the bank)."""
    raise NotImplementedError


@op(effect=Effect.WRITES)
def putx(i: i64, v: N) -> void:
    """Set element i of a register bank (`imm`: state.Slot of the bank)."""
    raise NotImplementedError


@op(effect=Effect.READS | Effect.MAY_EXIT)
def load(ea: i64) -> N:
    """Guest storage at effective address ea (`imm`: access.Access)."""
    raise NotImplementedError


@op(effect=Effect.WRITES | Effect.MAY_EXIT)
def store(ea: i64, v: N) -> void:
    """Set guest storage at effective address ea (`imm`: access.Access)."""
    raise NotImplementedError


@op(effect=Effect.READS | Effect.WRITES | Effect.MAY_EXIT)
def compare_and_store(ea: i64, old: N, new: N) -> i1:
    """Set guest storage to `new` if it holds `old`, as one atomic step; whether it did (`imm`: access.Access)."""
    raise NotImplementedError


@op(effect=Effect.READS | Effect.WRITES | Effect.MAY_EXIT)
def call(a: i64, b: i64, c: i64) -> i64:
    """Call the compiled helper named by `imm` (access.Helper); it sees and may change all guest state."""
    raise NotImplementedError


@op(effect=Effect.READS | Effect.MAY_EXIT)
def exit_if(c: i1, payload: i64) -> void:
    """Leave translated code if c (`imm`: access.Leave: kind, before or after this instruction)."""
    raise NotImplementedError


@op(effect=Effect.READS | Effect.WRITES)
def fence() -> void:
    """Storage accesses before are performed, for all vCPUs, before those after: where vCPUs run in parallel."""
    raise NotImplementedError


@op(effect=Effect.READS)
def icount() -> i64:
    """Instructions completed before this one since the vCPU was made: the base of every guest clock."""
    raise NotImplementedError


# -- what an interpreter handler does not know until it runs ----------------------------------------------------------


@op("")
def word() -> i32:
    """The instruction word being executed."""
    raise NotImplementedError


@op("")
def base() -> i64:
    """Effective address of the first byte of the 4 KiB page that is being executed."""
    raise NotImplementedError


@op("")
def offset() -> i64:
    """Byte offset of this instruction in its page."""
    raise NotImplementedError


@op("")
def mode_bit() -> i1:
    """A bit of the mode (`imm`: its name). It exists only while handlers are explored: bodies fork on it."""
    raise NotImplementedError
