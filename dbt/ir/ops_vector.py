"""Operations on vectors: a 128-bit number read as lanes. The immediate is the width of a lane in bits.

Element 0 of the Power ISA is the most significant lane. LLVM's element 0 is the least significant one here (the host is
little-endian), which only permutations have to know. Operations are few: bodies build the rest from them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from .ops import op, u64
from .rules import rule
from .types import signed

if TYPE_CHECKING:
    from .builder import Value

i64 = int  # as in ops.py: the vocabulary of signatures
i128 = int
Template = Callable[[int], str]

INTEGER = (8, 16, 32, 64)


def lanes(a: int, width: int) -> list[int]:
    """The lanes of a number, least significant first."""
    return [a >> k & (1 << width) - 1 for k in range(0, 128, width)]


def number(values: list[int], width: int) -> int:
    """The number with these lanes, least significant first; each is cut to its width."""
    return sum((v & (1 << width) - 1) << k for k, v in zip(range(0, 128, width), values, strict=True))


def each(f: Callable[..., int], width: int, *operands: int) -> int:
    """The number whose lanes are `f` of the operands' lanes."""
    return number([int(f(*row)) for row in zip(*(lanes(a, width) for a in operands), strict=True)], width)


# -- templates


def constant(value: int, width: int) -> str:
    """LLVM's literal of a vector of equal lanes."""
    return "<" + ", ".join([f"i{width} {value}"] * (128 // width)) + ">"


def lanewise(*steps: str) -> Template:
    """A template of vector steps: [V] is the vector type, [T] its name in intrinsics, [B] that of truth values, [n] a
    constant in every lane; {r}.a, {r}.b the operands, {r}.v the result (the last step's, if it has no name)."""

    def text(width: int) -> str:
        count = 128 // width
        vector, body = f"<{count} x i{width}>", "\n".join(steps)
        lines = [f"{{r}}.{x} = bitcast i128 {{{k}}} to {vector}" for k, x in enumerate("ab") if f"{{r}}.{x}" in body]
        lines += [s if " = " in s else "{r}.v = " + s for s in steps]
        out = "\n".join([*lines, f"{{r}} = bitcast {vector} {{r}}.v to i128"])
        names = {"[V]": vector, "[T]": f"v{count}i{width}", "[B]": f"<{count} x i1>", "[low]": constant(width - 1, width)}
        for mark, name in names.items():
            out = out.replace(mark, name)
        return out

    return text


def _saturating(which: str) -> Template:
    return lanewise(f"call [V] @llvm.{which}.sat.[T]([V] {{r}}.a, [V] {{r}}.b)")


def _comparison(which: str) -> Template:
    return lanewise(f"{{r}}.t = icmp {which} [V] {{r}}.a, {{r}}.b", "sext [B] {r}.t to [V]")


def _shift(which: str) -> Template:
    return lanewise("{r}.n = and [V] {r}.b, [low]", f"{which} [V] {{r}}.a, {{r}}.n")


# -- integers


@op(lanewise("add [V] {r}.a, {r}.b"), commutes=True, imms=INTEGER)
def v_add(a: i128, b: i128, *, imm: int) -> i128:
    """Sum of each lane, modulo."""
    return each(lambda x, y: x + y, imm, a, b)


@op(lanewise("sub [V] {r}.a, {r}.b"), imms=INTEGER)
def v_sub(a: i128, b: i128, *, imm: int) -> i128:
    """Difference of each lane, modulo."""
    return each(lambda x, y: x - y, imm, a, b)


@op(lanewise("mul [V] {r}.a, {r}.b"), commutes=True, imms=INTEGER)
def v_mul(a: i128, b: i128, *, imm: int) -> i128:
    """Low half of the product of each lane."""
    return each(lambda x, y: x * y, imm, a, b)


@op(_saturating("sadd"), commutes=True, imms=INTEGER)
def v_adds(a: i128, b: i128, *, imm: int) -> i128:
    """Sum of each signed lane, saturating."""
    return each(lambda x, y: clamped(signed(x, imm) + signed(y, imm), -1 << imm - 1, (1 << imm - 1) - 1), imm, a, b)


@op(_saturating("uadd"), commutes=True, imms=INTEGER)
def v_addu(a: i128, b: i128, *, imm: int) -> i128:
    """Sum of each unsigned lane, saturating."""
    return each(lambda x, y: min(x + y, (1 << imm) - 1), imm, a, b)


@op(_saturating("ssub"), imms=INTEGER)
def v_subs(a: i128, b: i128, *, imm: int) -> i128:
    """Difference of each signed lane, saturating."""
    return each(lambda x, y: clamped(signed(x, imm) - signed(y, imm), -1 << imm - 1, (1 << imm - 1) - 1), imm, a, b)


@op(_saturating("usub"), imms=INTEGER)
def v_subu(a: i128, b: i128, *, imm: int) -> i128:
    """Difference of each unsigned lane, not below 0."""
    return each(lambda x, y: max(x - y, 0), imm, a, b)


def clamped(x: int, low: int, high: int) -> int:
    """x, or the nearer end of a range."""
    return max(low, min(x, high))


@op(_comparison("eq"), commutes=True, imms=INTEGER)
def v_eq(a: i128, b: i128, *, imm: int) -> i128:
    """All ones in each lane where a == b."""
    return each(lambda x, y: -(x == y), imm, a, b)


@op(_comparison("sgt"), imms=INTEGER)
def v_gts(a: i128, b: i128, *, imm: int) -> i128:
    """All ones in each lane where a > b, signed."""
    return each(lambda x, y: -(signed(x, imm) > signed(y, imm)), imm, a, b)


@op(_comparison("ugt"), imms=INTEGER)
def v_gtu(a: i128, b: i128, *, imm: int) -> i128:
    """All ones in each lane where a > b, unsigned."""
    return each(lambda x, y: -(x > y), imm, a, b)


@rule(v_sub, v_gts, v_gtu)
def nothing_of_itself(x: Value, y: Value) -> Value | None:
    """x - x = 0, and x > x nowhere"""
    return x.ir.const(0, x.ty) if x is y else None


@rule(v_eq)
def equal_everywhere(x: Value, y: Value) -> Value | None:
    """x == x"""
    return x.ir.const(x.ty.mask, x.ty) if x is y else None


@op(_shift("shl"), imms=INTEGER)
def v_shl(a: i128, n: i128, *, imm: int) -> i128:
    """Left shift of each lane by the same lane of n, modulo its width."""
    return each(lambda x, k: x << k % imm, imm, a, n)


@op(_shift("lshr"), imms=INTEGER)
def v_shr(a: i128, n: i128, *, imm: int) -> i128:
    """Logical right shift of each lane by the same lane of n, modulo its width."""
    return each(lambda x, k: x >> k % imm, imm, a, n)


@op(_shift("ashr"), imms=INTEGER)
def v_sar(a: i128, n: i128, *, imm: int) -> i128:
    """Arithmetic right shift of each lane by the same lane of n, modulo its width."""
    return each(lambda x, k: signed(x, imm) >> k % imm, imm, a, n)


@op(lanewise("call [V] @llvm.ctlz.[T]([V] {r}.a, i1 false)"), imms=INTEGER)
def v_clz(a: i128, *, imm: int) -> i128:
    """Leading zero bits of each lane."""
    return each(lambda x: imm - x.bit_length(), imm, a)


@op(lanewise("call [V] @llvm.ctpop.[T]([V] {r}.a)"), imms=INTEGER)
def v_popcount(a: i128, *, imm: int) -> i128:
    """One bits of each lane."""
    return each(lambda x: x.bit_count(), imm, a)


# -- permutations of bytes. Byte 0 is the most significant, as in the Power ISA


def _permute() -> str:
    """LLVM recognises variable extracts as the host's byte shuffle, if it has one."""
    out = [f"{{r}}.{x} = bitcast i128 {{{k}}} to <16 x i8>" for k, x in enumerate("abc")]
    out.append(f"{{r}}.x = xor <16 x i8> {{r}}.c, {constant(15, 8)}\n{{r}}.m = and <16 x i8> {{r}}.x, {constant(15, 8)}")
    for x in "ab":
        before = "undef"
        for k in range(16):
            if x == "a":
                out.append(f"{{r}}.i{k} = extractelement <16 x i8> {{r}}.m, i32 {k}")
            out.append(f"{{r}}.{x}e{k} = extractelement <16 x i8> {{r}}.{x}, i8 {{r}}.i{k}")
            out.append(f"{{r}}.{x}v{k} = insertelement <16 x i8> {before}, i8 {{r}}.{x}e{k}, i32 {k}")
            before = f"{{r}}.{x}v{k}"
    out.append(f"{{r}}.s = and <16 x i8> {{r}}.c, {constant(16, 8)}\n{{r}}.f = icmp eq <16 x i8> {{r}}.s, zeroinitializer")
    out.append("{r}.o = select <16 x i1> {r}.f, <16 x i8> {r}.av15, <16 x i8> {r}.bv15")
    return "\n".join([*out, "{r} = bitcast <16 x i8> {r}.o to i128"])


@op(_permute())
def v_perm(a: i128, b: i128, c: i128) -> i128:
    """Each byte of c chooses, by its low five bits, one of the 32 bytes of a and b."""
    both = (a << 128 | b).to_bytes(32, "big")
    return int.from_bytes(bytes(both[k & 31] for k in c.to_bytes(16, "big")), "big")


def _shuffle(imm: int) -> str:
    chosen = [k & 31 for k in imm.to_bytes(16, "little")]
    places = ", ".join(f"i32 {15 - k if k < 16 else 47 - k}" for k in chosen)
    return (
        "{r}.a = bitcast i128 {0} to <16 x i8>\n{r}.b = bitcast i128 {1} to <16 x i8>\n"
        f"{{r}}.v = shufflevector <16 x i8> {{r}}.a, <16 x i8> {{r}}.b, <16 x i32> <{places}>\n"
        "{r} = bitcast <16 x i8> {r}.v to i128"
    )


@op(_shuffle)
def v_shuffle(a: i128, b: i128, *, imm: int) -> i128:
    """v_perm by a known control."""
    return int(v_perm.eval(a, b, imm))


STRAIGHT = int.from_bytes(bytes(range(16)), "big")  # the control that gives a


@rule(v_perm)
def known_control(a: Value, b: Value, c: Value) -> Value | None:
    """v_perm by a constant: a shuffle"""
    if c.const is None:
        return None
    control = c.const & 0x0F0F_0F0F_0F0F_0F0F_0F0F_0F0F_0F0F_0F0F if a is b else c.const & int("1f" * 16, 16)
    return a if control == STRAIGHT else v_shuffle(a, b, imm=control)


# -- what has no vector form: compiled by Numba, over doublewords


def _sbox() -> bytes:
    """The substitution of AES (FIPS 197 5.1.1): the inverse in GF(2**8), then an affine map."""
    power, log = [1], {1: 0}
    for n in range(1, 255):
        x = power[-1] ^ power[-1] << 1
        power.append(x ^ 0x11B if x > 255 else x)
        log[power[-1]] = n
    out = []
    for x in range(256):
        y = power[-log[x] % 255] if x else 0
        out.append(0x63 ^ y ^ _turned(y, 1) ^ _turned(y, 2) ^ _turned(y, 3) ^ _turned(y, 4))
    return bytes(out)


def _turned(x: int, n: int) -> int:
    return (x << n | x >> 8 - n) & 255


SBOX = _sbox()
SBOX_INVERSE = bytes(SBOX.index(x) for x in range(256))


@op()
def sbox(a: i64) -> i64:
    """The AES substitution of each byte."""
    out = u64(0)
    for k in range(0, 64, 8):
        out = out | u64(u64(SBOX[(a >> u64(k)) & u64(255)]) << u64(k))
    return out


@op()
def sbox_inverse(a: i64) -> i64:
    """The inverse AES substitution of each byte."""
    out = u64(0)
    for k in range(0, 64, 8):
        out = out | u64(u64(SBOX_INVERSE[(a >> u64(k)) & u64(255)]) << u64(k))
    return out


@op()
def clmul(a: i64, b: i64) -> i64:
    """Carry-less product of the low words."""
    a = a & u64(0xFFFF_FFFF)
    out = u64(0)
    for k in range(32):
        out = out ^ u64(u64(a << u64(k)) & u64(u64(0) - ((b >> u64(k)) & u64(1))))
    return out


@op()
def decimal(high: i64, low: i64, upper: i64) -> i64:
    """Sixteen decimal digits of the number high * 2**64 + low: the last ones, or with `upper` those before them."""
    first, second = u64(0), u64(0)
    for _ in range(128):  # double, then add a bit: digits of 5 and more carry into the next
        fives = second + u64(0x3333_3333_3333_3333)
        second = second + u64(((fives >> u64(3)) & u64(0x1111_1111_1111_1111)) * u64(3))
        more = first + u64(0x3333_3333_3333_3333)
        first = first + u64(((more >> u64(3)) & u64(0x1111_1111_1111_1111)) * u64(3))
        bit = high >> u64(63)
        first = u64(first << u64(1)) | (second >> u64(63))
        second = u64(second << u64(1)) | bit
        high = u64(high << u64(1)) | (low >> u64(63))
        low = u64(low << u64(1))
    return first if upper != u64(0) else second
