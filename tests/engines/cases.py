"""Random uses of any declared instruction: fields, and a state in which it has something to do."""

from __future__ import annotations

import random
import struct
from functools import cache

from dbt.frontend.fields import Field
from dbt.frontend.insn import Insn
from dbt.frontend.isa.spr import SPRS
from dbt.mode import Mode
from dbt.state import SLOTS, slot

from .harness import DATA, DATA_BYTES, EE, FP, ME, SF, VEC, VSX, mode_msr, put

M64, M32 = 2**64 - 1, 2**32 - 1
EDGES = (0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 1 << 31, (1 << 31) - 1, M32, 1 << 32, (1 << 63) - 1, 1 << 63, M64, M64 - 1,
         0x8000_0000_8000_0000, 0xFFFF_FFFF_0000_0000, 0xFFFF_FFFF_8000_0000, 0xFFFF, 0x8000, 0x7FFF, 0x80, 0xFF)  # fmt: skip
DOUBLES = (0, 1 << 63, 0x7FF << 52, 0xFFF << 52, 0x7FF8 << 48, 0xFFF8_0000_0000_0123, 0x7FF0_0000_0000_0001, 0xFFF4_0000_1234_5678,
           1, (1 << 52) - 1, 0x3FF << 52, 0xBFF << 52, 0x381 << 52, 0x380F_FFFF_E000_0000, 0x36A << 52, 0x369 << 52,
           0x47EF_FFFF_E000_0000, 0x47EF_FFFF_FFFF_FFFF, 0x47EF_FFFF_F000_0000, 0x7FEF_FFFF_FFFF_FFFF, 0x41E << 52,
           0x41DF_FFFF_FFC0_0000, 0xC1E << 52, 0x43E << 52, 0xC3E << 52, 0x43F << 52, 0x3FE << 52, 0x4004 << 48)  # fmt: skip
MIDDLE = DATA + DATA_BYTES // 2
# Registers that say how the machine works; the others of the architected part of the record may hold anything.
KEPT = set(
    """gpr cr so ov ca ov32 ca32 xer_count nia msr lpcr dec_expiry hdec_expiry tb_offset reserve_ea reserve_size
reserve_value reserve_value_low vsr fpscr fp_a fp_b fp_c fp_op fp_sticky pvr pir sdr1 ptcr slb_e slb_v sr ibatu ibatl dbatu dbatl""".split()
)
WIDE_SCRATCH = [s for s in SLOTS.values() if s.offset < SLOTS["page_ea"].offset and s.name not in KEPT | {"fpr", "vr"}]

PLACES = [s.offset + n * s.stride for s in WIDE_SCRATCH for n in range(s.count)]
assert all(s.type.bits == 64 for s in WIDE_SCRATCH)


@cache
def stores(insn: Insn) -> bool:
    """Whether it computes an effective address from RA and RB."""
    return "storage" in insn.module or insn.name in ("dcbz", "icbi")


def random_word(r: random.Random, insn: Insn, low_registers: bool = False) -> int:
    """The instruction with random fields; SPR numbers mostly defined ones."""
    word = insn.bits
    for f in insn.fields:
        if f.name == "SPR" and r.random() < 0.85:
            word |= f.insert(r.choice(list(SPRS)))
        elif low_registers and f.kind == "gpr":
            word |= f.insert(r.randrange(32))
        else:
            word |= r.getrandbits(32) & f.mask
    if r.random() < 0.15:  # one register as every source
        n = r.randrange(32)
        for f in insn.fields:
            if f.name[-1] in "ABC" and f.kind in ("gpr", "fpr", "vr", "vsr"):
                word = word & ~f.mask | f.insert(n)
    if r.random() < 0.1:
        word |= r.getrandbits(32) & insn.reserved
    return word


def number(r: random.Random) -> int:
    """A 64-bit register value."""
    kind = r.random()
    if kind < 0.4:
        return EDGES[int(kind * 2.5 * len(EDGES))]
    return r.getrandbits(64) if kind < 0.8 else r.getrandbits(1 + int((kind - 0.8) * 315))


def double(r: random.Random) -> int:
    """A floating-point register's bits."""
    kind = r.random()
    if kind < 0.35:
        return DOUBLES[int(kind / 0.35 * len(DOUBLES))]
    if kind < 0.55:
        return r.getrandbits(64)
    exponent = 1023 + (int(r.random() * 281) - 140 if kind < 0.8 else int(r.random() * 75) - 4)
    return r.getrandbits(1) << 63 | exponent << 52 | (r.getrandbits(23) << 29 if kind < 0.7 else r.getrandbits(52))


def scratch(r: random.Random, record: bytearray) -> None:
    """Anything in the registers that may hold anything."""
    for at in PLACES:
        struct.pack_into("<Q", record, at, number(r))


def value(insn: Insn, word: int, name: str) -> int | None:
    """A field's value, or None if the instruction has no such field."""
    f: Field | None = next((x for x in insn.fields if x.name == name), None)
    return None if f is None else f.extract(word)


def random_state(
    r: random.Random, insn: Insn, word: int, mode: Mode, clean: bytes | bytearray, nia: int
) -> tuple[bytes, bytes]:
    """(record, data pages) to run one instruction from."""
    record = bytearray(clean)
    gprs = [number(r) for _ in range(32)]
    if stores(insn):
        aim_at_data(r, insn, word, mode, gprs)
    struct.pack_into("<32Q", record, SLOTS["gpr"].offset, *gprs)
    struct.pack_into("<128Q", record, SLOTS["vsr"].offset, *(double(r) for _ in range(128)))
    for n in range(8):
        record[SLOTS["cr"].offset + n] = r.getrandbits(4)
    for name in ("so", "ov", "ca", "ov32", "ca32"):
        put(record, name, r.getrandbits(1))
    put(record, "xer_count", r.choice((0, 1, 4, 7, 31, 127, r.randrange(128))))
    scratch(r, record)
    put(record, "ctr", r.choice((0, 1, 2, 1 << 32, (1 << 32) + 1, r.getrandbits(64))))
    if r.random() < 0.5:
        put(record, "lr", nia + r.randrange(-64, 64))
    put(record, "fpscr", random_fpscr(r))
    msr = mode_msr(mode)
    for bit, chance in ((FP, 0.9), (VEC, 0.9), (VSX, 0.9), (EE, 0.3)):
        msr |= bit * (r.random() < chance)
    msr |= r.getrandbits(64) & (1 << 11 | 1 << 8 | 2) * (r.random() < 0.2)  # FE0, FE1, RI
    put(record, "msr", msr)
    put(record, "nia", nia)
    put(record, "tb_offset", r.getrandbits(40))
    put(record, "dec_expiry", r.getrandbits(40) + (1 << 40))
    for n in range(1, 5):
        put(record, slot(f"slb_e{n}"), (r.getrandbits(36) << 28 | 1 << 27) if r.random() < 0.7 else 0)
        put(record, slot(f"slb_v{n}"), r.getrandbits(50) << 12)
    data = bytearray(r.randbytes(DATA_BYTES)) if r.random() < 0.7 else bytearray(DATA_BYTES)
    reserve(r, insn, word, gprs, record, data, mode)
    return bytes(record), bytes(data)


def aim_at_data(r: random.Random, insn: Insn, word: int, mode: Mode, gprs: list[int]) -> None:
    """Make the effective address one of the data pages, mostly."""
    if r.random() < 0.08:
        return
    displacement = next((v for n in ("D", "DS", "DQ") if (v := value(insn, word, n)) is not None), 0)
    target = MIDDLE + r.randrange(-0x900, 0x900)
    kind = r.random()
    if kind < 0.4:
        target &= -16
    elif kind < 0.5:  # across the end of a page
        target = (target & -4096) + 4096 - r.randrange(16)
    ra, rb = value(insn, word, "RA"), value(insn, word, "RB")
    junk = 0 if mode.sf else r.getrandbits(32) << 32
    if rb is None:
        if ra:
            gprs[ra] = target - displacement + junk & M64
    elif not ra:
        gprs[rb] = target + junk & M64
    elif ra == rb:
        gprs[ra] = (target >> 1) + junk & M64
    else:
        index = r.choice((0, 8, 16, r.randrange(-300, 300), r.getrandbits(64)))
        gprs[rb], gprs[ra] = index & M64, target - index + junk & M64


def reserve(
    r: random.Random, insn: Insn, word: int, gprs: list[int], record: bytearray, data: bytearray, mode: Mode
) -> None:
    """A reservation that a store conditional may find intact."""
    ra, rb = value(insn, word, "RA"), value(insn, word, "RB")
    if rb is None or ra is None or r.random() < 0.3:
        return
    ea = (gprs[ra] if ra else 0) + gprs[rb] & (M64 if mode.sf else M32)
    size = {"stbcx.": 1, "sthcx.": 2, "stwcx.": 4, "stdcx.": 8, "stqcx.": 16}.get(insn.name, r.choice((0, 1, 2, 4, 8, 16)))
    put(record, "reserve_ea", ea)
    put(record, "reserve_size", size)
    at = ea - DATA
    if 0 <= at < DATA_BYTES - 16 and r.random() < 0.8:
        held = int.from_bytes(data[at : at + size], "little" if mode.le else "big")
        put(record, "reserve_value", held >> 64 if size == 16 else held)
        put(record, "reserve_value_low", held)


def random_fpscr(r: random.Random) -> int:
    """An FPSCR: mostly a plain one."""
    if r.random() < 0.6:
        return r.getrandbits(32) & 0x1F000 | r.getrandbits(2)
    x = r.getrandbits(32) & 0x9FFF_F7FF
    return x | bool(x & 0x01F8_0700) << 29


__all__ = ["DATA", "ME", "SF", "random_state", "random_word", "stores", "value"]
