"""The vCPU record: one flat layout that every engine, helper and tool takes its offsets from.

The first page holds the architected state, then the engine's own fields; the jump cache and the software TLBs follow.
`DTYPE` (made on request: it needs NumPy) is the same layout as a NumPy structured type; Numba-compiled functions
see it as a record, LLVM text as byte offsets from the vCPU pointer, IR as `Slot`s.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from .ir.types import Type, i8, i16, i32, i64, i128


class Slot(NamedTuple):
    """A field of the record, or a bank of `count` registers `stride` bytes apart."""

    name: str
    offset: int
    type: Type
    count: int = 1
    stride: int = 8

    def element(self, i: int) -> Slot:
        """Register `i` of a bank, as a slot of its own."""
        if not 0 <= i < self.count:
            raise IndexError(f"{self.name} has {self.count} registers, not {i}")
        return Slot(f"{self.name}{i}", self.offset + i * self.stride, self.type, 1, self.stride)

    @property
    def key(self) -> int:
        """Its offset, but unlike that of another slot: doubleword 1 of a VSR starts where the VSR does."""
        return self.offset | (self.stride == 16 and self.type.bits == 64 and self.offset % 16 == 0)

    @property
    def half(self) -> bool:
        """Whether this is a doubleword of a VSR."""
        return self.stride == 16 and self.type.bits == 64

    def __repr__(self) -> str:
        return self.name


# name, type, count: laid out in this order, each at its natural alignment. u64 unless said otherwise.
_ARCHITECTED = """
gpr*32  lr ctr msr nia
cr:i8*8  so:i8 ov:i8 ca:i8 ov32:i8 ca32:i8 xer_count:i8
reserve_ea reserve_value reserve_value_low reserve_size
vsr:i128*64
fpscr vscr vrsave
srr0 srr1 dar dsisr sprg*8 hsrr0 hsrr1 hdar hdsisr asdr usprg0
tb_offset dec_expiry hdec_expiry purr spurr vtb
pvr pir pid lpidr sdr1 ptcr lpcr hfscr fscr amr iamr uamor amor dscr ctrl ppr cfar tar pspb
dabr dabrx dawr0 dawrx0 ciabr accr asr iabr rmor hrmor hmer hmeer tir psscr wort tscr
hid*8 l2cr ictc thrm*3 buscsr msscr0
mmcr0 mmcr1 mmcr2 mmcra mmcrs pmc*8 siar sdar sier siar2 spmc1 spmc2
ebbhr ebbrr bescr tfhar tfiar texasr
trig*3 xer_reserved darn tidr acop tacr tcscr csigr pcr heir ic dpdes hsprg*2
fp_a fp_b fp_c fp_op:i32 fp_sticky:i32
slb_e*64 slb_v*64
sr*16 ibatu*8 ibatl*8 dbatu*8 dbatl*8
"""

_ENGINE = """
page_ea context fuel_end tlb icount mode trap_privileged tlb_base tlb_stride
exit exit_arg
fault_vector fault_dar fault_dsisr
mmio_address mmio_data mmio_size:i32 mmio_write:i32 mmio_state:i32
pending:i32 external:i32 halted:i32 attention:i32
machine decoder*16
parallel clock_exits inside
budget_end fp_live lookups hypercalls_light delivered*128
scratch*16
exit_count*64
"""

# Bookkeeping of the MMU model (runtime/mmu): shadow segments and the second-level shadow TLB.
_MMU = """
shadow_next shadow_limit shadow_generation shadow_wraps
shadow_tlb shadow_tlb_mask shadow_map shadow_map_mask shadow_wide
segment_epoch segment_loose fetch_loose
unprivileged*16 unprivileged_count flush_space
filled*256 filled_count
slow_loads slow_stores tlb_fills walk_misses segment_misses flush_all flush_page
mail_sent mail_read mail*96
filled_data filled_code shared_page shared_ea shared_real shared_little shared_accesses paravirtual
open_page*2
"""

# Waiting and waking, and what the interrupt controller keeps for each CPU (runtime/devices/xics.py, tima.py).
_INTERRUPTS = """
prodded yielded sharing doorbell:i32 sleeping:i32
light_calls*16
icp_cppr icp_mfrr icp_xisr icp_priority
os_nsr os_cppr os_ipb os_lsmfb os_ack os_inc os_age os_pipr os_word2
tima_loads tima_stores esb_loads esb_stores events_queued
low_at low_count yields naps
"""

JUMP_CACHE = 0x4000  # {effective page | context, code page address} x JUMP_CACHE_ENTRIES
JUMP_CACHE_ENTRIES = 1024
TLB = 0x8000  # TLB_SPACES software TLBs of {read tag, write tag, addend, real page} x TLB_ENTRIES
TLB_ENTRIES = 2048  # twice what fits in 4 MiB: a kernel that copies itself by that distance must not thrash
TLB_ENTRY_BYTES = 32
TLB_BYTES = TLB_ENTRIES * TLB_ENTRY_BYTES
TLB_SPACES = 4  # real mode, supervisor, user, and one spare
SHADOW_SEGMENTS = TLB + TLB_SPACES * TLB_BYTES  # {ESID key, shadow VSID, flags, 0} x SHADOW_SEGMENT_ENTRIES
SHADOW_SEGMENT_ENTRIES = 256
SIZE = SHADOW_SEGMENTS + SHADOW_SEGMENT_ENTRIES * 32
PAGE_BITS = 12  # granule of code maps and software TLBs, whatever the guest's page size

_WIDTHS = {"i8": i8, "i16": i16, "i32": i32, "i64": i64, "i128": i128}


def _layout() -> Iterator[Slot]:
    at = 0
    for section, start in ((_ARCHITECTED, 0), (_ENGINE, 0x1400), (_MMU, 0x1C00), (_INTERRUPTS, 0x3000)):
        if at > start:
            raise ValueError(f"state: the section at {start:#x} starts before the previous one ends ({at:#x})")
        at = start
        for word in section.split():
            name, _, count = word.partition("*")
            name, _, kind = name.partition(":")
            ty = _WIDTHS[kind or "i64"]
            size = ty.bits // 8
            at = (at + size - 1) & -size
            n = int(count or 1)
            yield Slot(name, at, ty, n, size)
            at += n * size
    if at > JUMP_CACHE:
        raise ValueError(f"state: the fields reach {at:#x}, past the jump cache")


SLOTS: dict[str, Slot] = {slot.name: slot for slot in _layout()}
# Views of the vector-scalar file, as the architecture overlays it (Book I 7.2): FPR i is doubleword 0 (the more significant
# half) of VSR i, VR i is VSR 32 + i. A VSR is a 128-bit number in host byte order, so its doubleword 0 lies at offset 8.
VECTORS = SLOTS["vsr"]
SLOTS["fpr"] = Slot("fpr", VECTORS.offset + 8, i64, 32, 16)
SLOTS["vr"] = Slot("vr", VECTORS.offset + 32 * 16, i128, 32, 16)
SLOTS["dw0"] = Slot("dw0", VECTORS.offset + 8, i64, 64, 16)  # of any VSR
SLOTS["dw1"] = Slot("dw1", VECTORS.offset, i64, 64, 16)
VIEWS = ("fpr", "vr", "dw0", "dw1")


def container(offset: int) -> int:
    """The offset of the register that the bytes at `offset` belong to: views of one VSR have one container."""
    if VECTORS.offset <= offset < VECTORS.offset + 64 * 16:
        return offset & ~15
    return offset


def slot(name: str) -> Slot:
    """The slot called `name`, or element n of a bank: "gpr3", "cr7"."""
    found = SLOTS.get(name)
    if found is None:
        stem = name.rstrip("0123456789")
        bank = SLOTS.get(stem)
        if bank is None or stem == name:
            raise KeyError(f"no register {name!r}")
        found = bank.element(int(name[len(stem) :]))
    return found


def offset(name: str) -> int:
    """Byte offset of a register."""
    return slot(name).offset


def dtype() -> Any:
    """The record as a NumPy structured dtype (views such as fpr are left out: fields must not overlap in Numba)."""
    import numpy as np

    names, formats, offsets = [], [], []
    for s in SLOTS.values():
        if s.name in VIEWS:
            continue
        names.append(s.name)
        base = np.dtype(f"<u{min(s.type.bits, 64) // 8}")
        shape = (() if s.count == 1 else (s.count,)) + ((2,) if s.type.bits == 128 else ())
        formats.append((base, shape) if shape else base)
        offsets.append(s.offset)
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": SIZE})
