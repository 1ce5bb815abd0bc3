"""AES, SHA-2, carry-less products, and permute-and-exclusive-or (Book I 6.11)."""

from __future__ import annotations

from typing import Any

from ...ir.builder import Value
from ...ir.ops import Op
from ...ir.ops_vector import clmul, sbox, sbox_inverse, v_perm, v_sar, v_shl, v_shr
from ...ir.types import i64, i128
from ..context import Context
from .vector_lanes import choose, copies, even, joined, odd, rotated_by, shuffle, vec207

AES, SHA, POLYNOMIAL = "I 6.11.1", "I 6.11.2", "I 6.11.3"
ROWS = [(5 * k) % 16 for k in range(16)]  # ShiftRows: byte 4 * column + row comes from `row` columns on
ROWS_BACK = [(-3 * k) % 16 for k in range(16)]


def substituted(a: Value, f: Op) -> Value:
    """Each byte through the S-box."""
    return joined(f((a >> 64).to(i64)), f(a.to(i64)))


def doubled(a: Value) -> Value:
    """Each byte times x in the field of AES."""
    overflow = v_sar(a, copies(7, 8), imm=8)
    return v_shl(a, copies(1, 8), imm=8) ^ (overflow & copies(0x1B, 8))


def mixed(a: Value) -> Value:
    """MixColumns: each word is a column."""
    one = rotated_by(a, 8, 32)
    return doubled(a ^ one) ^ one ^ rotated_by(a ^ one, 16, 32)


def unmixed(a: Value) -> Value:
    """InvMixColumns, as a correction before MixColumns."""
    return mixed(a ^ doubled(doubled(a ^ rotated_by(a, 16, 32))))


@vec207("vcipher VRT,VRA,VRB", "4 VRT VRA VRB 1288:11", section=AES, last=False)
@vec207("vcipherlast VRT,VRA,VRB", "4 VRT VRA VRB 1289:11", section=AES, last=True)
def cipher(c: Context, VRT: Any, VRA: Any, VRB: Any, last: bool) -> None:
    state = substituted(c.vr[VRA], sbox)
    state = shuffle(state, state, ROWS)
    c.vr[VRT] = (state if last else mixed(state)) ^ c.vr[VRB]


@vec207("vncipher VRT,VRA,VRB", "4 VRT VRA VRB 1352:11", section=AES, last=False)
@vec207("vncipherlast VRT,VRA,VRB", "4 VRT VRA VRB 1353:11", section=AES, last=True)
def inverse_cipher(c: Context, VRT: Any, VRA: Any, VRB: Any, last: bool) -> None:
    state = substituted(c.vr[VRA], sbox_inverse)
    state = shuffle(state, state, ROWS_BACK) ^ c.vr[VRB]
    c.vr[VRT] = state if last else unmixed(state)


@vec207("vsbox VRT,VRA", "4 VRT VRA /:5 1480:11", section=AES)
def vsbox(c: Context, VRT: Any, VRA: Any) -> None:
    c.vr[VRT] = substituted(c.vr[VRA], sbox)


# sigma functions of FIPS 180: two rotations right and, third, a shift (small sigmas) or a rotation
SMALL = {32: ((7, 18, 3), (17, 19, 10)), 64: ((1, 8, 7), (19, 61, 6))}
BIG = {32: ((2, 13, 22), (6, 11, 25)), 64: ((28, 34, 39), (14, 18, 41))}


def sigma(a: Value, n: tuple[int, int, int], width: int, big: bool) -> Value:
    third = rotated_by(a, width - n[2], width) if big else v_shr(a, copies(n[2], width), imm=width)
    return rotated_by(a, width - n[0], width) ^ rotated_by(a, width - n[1], width) ^ third


@vec207("vshasigmaw VRT,VRA,ST,SIX", "4 VRT VRA ST SIX 1666:11", section=SHA, width=32)
@vec207("vshasigmad VRT,VRA,ST,SIX", "4 VRT VRA ST SIX 1730:11", section=SHA, width=64)
def sha_sigma(c: Context, VRT: Any, VRA: Any, ST: Any, SIX: Any, width: int) -> None:
    """Bit k of SIX chooses for word k; for doubleword k it is bit 2 * k."""
    a = c.vr[VRA]
    big = bool(ST)
    zero, one = (sigma(a, n, width, big) for n in (BIG if big else SMALL)[width])
    mask = c.const(0, i128)
    for k in range(128 // width):
        bit = (c.const(SIX) >> (3 - k * width // 32)) & 1
        mask = mask | ((bit.to(i128) * ((1 << width) - 1)) << (128 - width - k * width))
    c.vr[VRT] = choose(mask, one, zero)


@vec207("vpmsumb VRT,VRA,VRB", "4 VRT VRA VRB 1032:11", section=POLYNOMIAL, width=8)
@vec207("vpmsumh VRT,VRA,VRB", "4 VRT VRA VRB 1096:11", section=POLYNOMIAL, width=16)
def polynomial_sum(c: Context, VRT: Any, VRA: Any, VRB: Any, width: int) -> None:
    """Carry-less products of even and of odd elements, added: one bit of VRB at a time."""
    wide = 2 * width
    total = c.const(0, i128)
    for part in (even, odd):
        a, b = part(c.vr[VRA], width, False), part(c.vr[VRB], width, False)
        for k in range(width):
            chosen = v_sar(v_shl(b, copies(wide - 1 - k, wide), imm=wide), copies(wide - 1, wide), imm=wide)
            total = total ^ (v_shl(a, copies(k, wide), imm=wide) & chosen)
    c.vr[VRT] = total


def words(a: Value) -> list[Value]:
    """The four words."""
    return [(a >> 32 * k).to(i64) for k in (3, 2, 1, 0)]


@vec207("vpmsumw VRT,VRA,VRB", "4 VRT VRA VRB 1160:11", section=POLYNOMIAL)
def vpmsumw(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    p = [clmul(x, y) for x, y in zip(words(c.vr[VRA]), words(c.vr[VRB]), strict=True)]
    c.vr[VRT] = joined(p[0] ^ p[1], p[2] ^ p[3])


@vec207("vpmsumd VRT,VRA,VRB", "4 VRT VRA VRB 1224:11", section=POLYNOMIAL)
def vpmsumd(c: Context, VRT: Any, VRA: Any, VRB: Any) -> None:
    a, b = words(c.vr[VRA]), words(c.vr[VRB])
    high, low = (clmul(a[k], b[k]) ^ clmul(a[k + 2], b[k + 2]) for k in (0, 1))
    middle = clmul(a[0], b[1]) ^ clmul(a[1], b[0]) ^ clmul(a[2], b[3]) ^ clmul(a[3], b[2])
    c.vr[VRT] = joined(high, low) ^ (middle.to(i128) << 32)


@vec207("vpermxor VRT,VRA,VRB,VRC", "4 VRT VRA VRB VRC 45", section="I 6.11.4")
def vpermxor(c: Context, VRT: Any, VRA: Any, VRB: Any, VRC: Any) -> None:
    """Each byte of VRC has two indexes of four bits: into VRA and into VRB."""
    a, b, control = c.vr[VRA], c.vr[VRB], c.vr[VRC]
    first, second = v_shr(control, copies(4, 8), imm=8), control & copies(15, 8)
    c.vr[VRT] = v_perm(a, a, first) ^ v_perm(b, b, second)
