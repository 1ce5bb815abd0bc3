"""Every step of an address translation, in plain Python: what `vm.translate(ea)` and `ppcdbt explain-address` show.

This is an independent reading of guest memory and registers (Power ISA 2.07 Book III 5.7), written for the eye. It changes nothing: no R and C
updates, no shadow state. The tests use it as the oracle for the compiled walk.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from . import explain_radix

Access = Literal["load", "store", "fetch"]

MSR_PR, MSR_IR, MSR_DR = 1 << 14, 1 << 5, 1 << 4
RADIX = 20  # bit of LPCR: HR
# base page sizes by L||LP of the SLB entry; actual sizes of each by the PTE's LP (value, bits that count)
BASE_SIZE = {0b000: 12, 0b101: 16, 0b100: 24, 0b110: 34}
LARGE_SIZES = {
    12: ((16, 0x07, 0x0F), (24, 0x38, 0xFF)),
    16: ((16, 0x01, 0x0F), (24, 0x08, 0xFF)),
    24: ((24, 0x00, 0xFF),),
    34: ((34, 0x03, 0xFF),),
}
NO_PTE, NO_EXECUTE, PROTECTED, STORE, KEY = 1 << 30, 1 << 28, 1 << 27, 1 << 25, 1 << 21


@dataclass(frozen=True, slots=True)
class Registers:
    """What translation depends on. `slb` holds (ESID doubleword, VSID doubleword); `table` is the HTAB's bytes (None: SDR1's, in `ram`)."""

    msr: int
    slb: Sequence[tuple[int, int]]
    table: Any = None
    ram: Any = b""
    ram_size: int = 0
    sdr1: int = 0
    amr: int = 0
    iamr: int = 0
    vrma: int = 0  # the VSID doubleword of the virtual real mode area, 0: none
    lpcr: int = 0
    pid: int = 0
    process_table: int = 0  # of radix translation: address | log2 of its 4 KiB pages

    @classmethod
    def of(cls, vcpu: Any) -> Registers:
        """Those of a vCPU of a machine (runtime.vm)."""
        vm = vcpu.vm
        shared = {name: vm.record[name] for name in ("htab", "htab_groups", "htab_vrma", "ram", "ram_size", "process_table")}
        table = _bytes_at(shared["htab"], shared["htab_groups"] * 128) if shared["htab"] else None
        return cls(
            vcpu.msr, list(zip(vcpu.slb_e, vcpu.slb_v, strict=True)), table, _bytes_at(shared["ram"], shared["ram_size"]),
            shared["ram_size"], vcpu.sdr1, vcpu.amr, vcpu.iamr, shared["htab_vrma"], vcpu.lpcr, vcpu.pid, shared["process_table"],
        )  # fmt: skip


def _bytes_at(address: int, size: int) -> Any:
    return memoryview((ctypes.c_uint8 * size).from_address(address)).cast("B")


@dataclass(slots=True)
class Tested:
    """One PTE looked at: its number, its doublewords, and what was found."""

    index: int
    high: int
    low: int
    verdict: str


@dataclass(slots=True)
class Translation:
    """The outcome and every step. Either `real` is set, or `vector` and `bits` (DSISR, or SRR1 for a fetch) say what interrupt it is."""

    ea: int
    access: Access
    problem: bool
    real: int | None = None
    vector: int | None = None
    bits: int = 0
    slb_index: int | None = None
    esid: int | None = None
    vsid: int | None = None
    segment_shift: int = 28
    base_shift: int = 12
    page_index: int | None = None
    va: int | None = None
    hash: int | None = None
    groups: tuple[int, ...] = ()  # byte offsets in the table of the groups searched
    tested: list[Tested] = field(default_factory=list)
    pte_index: int | None = None
    pte_real: int | None = None  # radix: real address of the entry
    actual_shift: int | None = None
    steps: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether the address translates and the access is allowed."""
        return self.real is not None

    def __str__(self) -> str:
        return "\n".join(
            [f"{self.access} at EA {self.ea:016x}, {'problem' if self.problem else 'supervisor'} state", *self.steps]
        )


def translate(registers: Registers, ea: int, access: Access = "load") -> Translation:
    """Translate `ea` for an access, noting each step."""
    t = Translation(ea, access, bool(registers.msr & MSR_PR))
    if registers.msr & (MSR_IR if access == "fetch" else MSR_DR):
        if registers.lpcr >> RADIX & 1:
            explain_radix.walk(t, registers)
        else:
            _virtual(t, registers)
    else:
        _real_mode(t, registers)
    return t


def _real_mode(t: Translation, r: Registers) -> None:
    offset = t.ea & (1 << 60) - 1
    if not r.vrma:
        t.real = offset
        t.steps.append(f"translation is off: RA {offset:x}")
        return
    t.steps.append(f"translation is off: through the virtual real mode area, VSID word {r.vrma:016x}")
    t.problem = False
    if offset >> 40:
        _fail(t, NO_PTE, "beyond the area's one segment")
        return
    _segment(t, r.vrma, offset)
    _walk(t, r, r.vrma, offset)


def _virtual(t: Translation, r: Registers) -> None:
    for i, (esid_word, vsid_word) in enumerate(r.slb):
        shift = 40 if vsid_word >> 62 & 1 else 28
        if esid_word >> 27 & 1 and esid_word >> shift == t.ea >> shift:
            break
    else:
        t.vector = 0x480 if t.access == "fetch" else 0x380
        t.steps.append(
            f"SLB    no entry for ESID {t.ea >> 28:09x}: {'instruction' if t.access == 'fetch' else 'data'} segment interrupt"
        )
        return
    t.slb_index, t.esid = i, t.ea >> shift
    offset = t.ea % (1 << shift)
    _segment(t, vsid_word, offset)
    if t.access == "fetch" and vsid_word >> 9 & 1:
        _fail(t, NO_EXECUTE, "the segment is no-execute (N)")
        return
    _walk(t, r, vsid_word, offset)


def _segment(t: Translation, vsid_word: int, offset: int) -> None:
    terabyte = vsid_word >> 62 & 1
    t.segment_shift = 40 if terabyte else 28
    t.vsid = (vsid_word % (1 << 62)) >> (24 if terabyte else 12)
    t.base_shift = BASE_SIZE.get((vsid_word >> 8 & 1) << 2 | vsid_word >> 4 & 3, 0)
    t.va = t.vsid << t.segment_shift | offset
    where = f"SLB[{t.slb_index}] ESID {t.esid:x}" if t.slb_index is not None else "VRMA"
    flags = "".join(name for name, bit in (("Ks ", 11), ("Kp ", 10), ("N ", 9), ("C ", 7)) if vsid_word >> bit & 1)
    t.steps.append(
        f"SLB    {where} -> VSID {t.vsid:x}  ({'1T' if terabyte else '256M'} segment, {_size(t.base_shift)} base pages) {flags}".rstrip()
    )


def _walk(t: Translation, r: Registers, vsid_word: int, offset: int) -> None:
    if not t.base_shift:
        _fail(t, NO_PTE, "L||LP of the SLB entry is reserved")
        return
    assert t.vsid is not None
    t.page_index = offset >> t.base_shift
    t.steps.append(f"VA     {t.vsid:x} {t.page_index:x} {offset % (1 << t.base_shift):x}   (VSID, page, offset)")
    base, table, count = _table(r)
    folded = t.vsid ^ t.vsid << 25 if t.segment_shift == 40 else t.vsid
    t.hash = (folded ^ t.page_index) % (1 << 39)
    t.steps.append(f"hash   {folded % (1 << 39):x} ^ {t.page_index:x} = {t.hash:x}")
    if not count:
        _fail(t, NO_PTE, f"SDR1 {r.sdr1:x} names no table in RAM")
        return
    for h, value in enumerate((t.hash, ~t.hash)):
        group = value % count
        t.groups += (group * 128,)
        t.steps.append(f"PTEG   {'secondary' if h else 'primary'} group {group:x} at HTAB + {group * 128:x}")
        for index in range(group * 8, group * 8 + 8):
            at = base + index * 16
            raw = bytes(table[at : at + 16])
            high, low = int.from_bytes(raw[:8], "big"), int.from_bytes(raw[8:], "big")
            verdict, actual = _test(t, high, low, h)
            t.tested.append(Tested(index, high, low, verdict))
            if high & 1:
                t.steps.append(f"       PTE {index:x}: {high:016x} {low:016x}  {verdict}")
            if actual:
                t.pte_index, t.actual_shift = index, actual
                _decide(t, r, vsid_word, low)
                return
    _fail(t, NO_PTE, "no PTE matches")


def _table(r: Registers) -> tuple[int, Any, int]:
    """(offset of the first byte, buffer, groups)."""
    if r.table is not None:
        return 0, r.table, len(r.table) // 128
    size = r.sdr1 % 32
    bytes_ = 1 << (size + 18)
    origin = r.sdr1 % (1 << 60) // bytes_ * bytes_
    if size > 28 or origin + bytes_ > r.ram_size:
        return 0, r.ram, 0
    return origin, r.ram, bytes_ // 128


def _test(t: Translation, high: int, low: int, h: int) -> tuple[str, int]:
    """(what is said about a PTE, log2 actual page size if it translates the address, else 0)."""
    assert t.va is not None
    if not high & 1:
        return "not valid", 0
    if high >> 1 & 1 != h:
        return f"H is not {h}", 0
    if high >> 62 != (1 if t.segment_shift == 40 else 0):
        return "another segment size", 0
    va = t.va >> t.base_shift << t.base_shift
    if (high >> 7) % (1 << 55) != (va >> 23) % (1 << 55):
        return "another AVPN", 0
    if not high >> 2 & 1:
        return ("match", 12) if t.base_shift == 12 else ("a 4K page in a segment of larger pages", 0)
    for actual, value, mask in LARGE_SIZES[t.base_shift]:
        if (low >> 12) & mask == value:
            return f"match, {_size(actual)} page", actual
    return "a page size that the segment cannot have", 0


def _decide(t: Translation, r: Registers, vsid_word: int, low: int) -> None:
    """Key, PP, N, G and storage keys (5.7.9), then the real address."""
    assert t.actual_shift is not None
    key = vsid_word >> (10 if t.problem else 11) & 1
    pp = (low >> 63) << 2 | low & 3
    rights = ("rw", "rw", "rw", "r", "", "", "r", "") if key == 0 else ("", "r", "rw", "r", "", "", "", "")
    storage_key = (low >> 60 & 3) << 3 | low >> 9 & 7
    t.steps.append(
        f"PP     key {key} ({'Kp' if t.problem else 'Ks'}), PP {pp:03b}: {rights[pp] or 'no access'}; storage key {storage_key}"
    )
    bits = 0
    if t.access == "fetch":
        if low >> 2 & 1 or low >> 3 & 1:
            bits |= NO_EXECUTE
        elif "r" not in rights[pp]:
            bits |= PROTECTED
        forbidden = r.iamr >> (62 - 2 * storage_key) & 1
    else:
        if ("w" if t.access == "store" else "r") not in rights[pp]:
            bits |= PROTECTED
        forbidden = r.amr >> (62 - 2 * storage_key) & (2 if t.access == "store" else 1)
    if forbidden:
        bits |= KEY
    if bits:
        _fail(t, bits, "not allowed")
        return
    size = 1 << t.actual_shift
    t.real = low % (1 << 60) // size * size | t.ea % size
    t.steps.append(f"RA     {t.real:x}   (real page {t.real >> 12:x}, WIMG {low >> 3 & 15:04b})")


def _fail(t: Translation, bits: int, why: str) -> None:
    t.vector = 0x400 if t.access == "fetch" else 0x300
    t.bits = bits | (STORE if t.access == "store" else 0)
    name = "SRR1" if t.access == "fetch" else "DSISR"
    t.steps.append(f"{'ISI' if t.access == 'fetch' else 'DSI'}    {why}: {name} {t.bits:08x}")


def _size(shift: int) -> str:
    return f"{1 << shift % 10}{'BKMGT'[shift // 10]}"
