"""Every step of a translation by radix tree, in plain Python: the part of mmu.explain that reads process table and tree (ISA 3.0B Book III 5.7.10).

Independent of the compiled walk, and its oracle in the tests. It changes nothing: R and C are not set.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .explain import Registers, Translation

NO_PTE, NO_EXECUTE, PROTECTED, BAD_TREE = 1 << 30, 1 << 28, 1 << 27, 1 << 19
LEAVES = {12: "4K", 16: "64K", 21: "2M", 30: "1G"}


def field(word: int, first: int, last: int) -> int:
    """Bits first..last of a doubleword, as the manual numbers them."""
    return word >> 63 - last & (1 << last - first + 1) - 1


def walk(t: Translation, r: Registers) -> None:
    """Translate t.ea, noting the outcome and every step in the mmu.explain.Translation `t`."""
    quadrant, offset = t.ea >> 62, t.ea % (1 << 62)
    if quadrant in (1, 2) or offset >> 52:
        return _segment(t, f"quadrant {quadrant} is the hypervisor's" if quadrant in (1, 2) else "more than 52 bits of address")
    pid = r.pid if quadrant == 0 else 0
    t.steps.append(f"space  quadrant {quadrant}: PID {pid:x}")
    pages = field(r.process_table, 59, 63)
    base = field(r.process_table, 4, 51) << 12
    if pages > 24 or base % (4096 << pages):
        return _storage(t, BAD_TREE, "the process table is not aligned to its size")
    if 16 * pid >= 4096 << pages:
        return _storage(t, NO_PTE, f"the process table has no entry {pid:x}")
    root = _doubleword(r, base + 16 * pid)
    reach = 31 + (field(root, 1, 2) * 8 + field(root, 56, 58))
    t.steps.append(f"PRTE   at RA {base + 16 * pid:x}: {root:016x}  (a tree of {reach} bits)")
    if offset >> reach:
        return _segment(t, f"more than {reach} bits of address")
    entry, left, level = root, reach, 1
    while True:
        width = field(entry, 59, 63)
        if not 5 <= width <= 16 or left - width < 12 or reach > 52:
            return _storage(t, BAD_TREE, f"level {level} has {width} bits of {left}")
        left -= width
        index = offset >> left & (1 << width) - 1
        at = (field(entry, 4, 55) << 8) // (8 << width) * (8 << width) + 8 * index
        entry = _doubleword(r, at)
        t.steps.append(f"level {level} [{index:x}] of {1 << width:x} at RA {at:x}: {entry:016x}")
        if not field(entry, 0, 0):
            return _storage(t, NO_PTE, "not valid")
        if field(entry, 1, 1):
            break
        level += 1
    if left not in LEAVES:
        return _storage(t, BAD_TREE, f"a page of 1 << {left} bytes")
    t.pte_real, t.actual_shift = at, left
    _decide(t, r, entry, left)


def _decide(t: Translation, r: Registers, pte: int, shift: int) -> None:
    privileged, read, write, execute = (field(pte, n, n) for n in (60, 61, 62, 63))
    attribute = field(pte, 58, 59)
    t.steps.append(
        f"PTE    {LEAVES[shift]} page, {'privileged ' if privileged else ''}{'r' if read or write else '-'}{'w' if write else '-'}{'x' if execute else '-'}, ATT {attribute:02b}"
    )
    # key 0 of AMR and IAMR is for what the operating system does to the pages of its processes
    key_data, key_fetch = (r.amr >> 62, r.iamr >> 62) if not (t.problem or privileged) else (0, 0)
    rights = {"load": read | write, "store": write, "fetch": execute & (attribute != 2)}
    keys = {"load": key_data & 1, "store": key_data & 2, "fetch": key_fetch & 1}
    if not rights[t.access] or keys[t.access] or (t.problem and privileged):
        return _storage(t, NO_EXECUTE if t.access == "fetch" else PROTECTED, "not allowed")
    page = field(pte, 7, 51) << 12
    t.real = page // (1 << shift) * (1 << shift) + t.ea % (1 << shift)
    t.steps.append(f"RA     {t.real:x}")


def _doubleword(r: Registers, at: int) -> int:
    return int.from_bytes(bytes(r.ram[at : at + 8]), "big") if at + 8 <= r.ram_size else 0


def _segment(t: Translation, why: str) -> None:
    t.vector = 0x480 if t.access == "fetch" else 0x380
    t.steps.append(f"{'instruction' if t.access == 'fetch' else 'data'} segment interrupt: {why}")


def _storage(t: Translation, bits: int, why: str) -> None:
    t.vector = 0x400 if t.access == "fetch" else 0x300
    t.bits = bits | (1 << 25 if t.access == "store" else 0)
    name = "SRR1" if t.access == "fetch" else "DSISR"
    t.steps.append(f"{'ISI' if t.access == 'fetch' else 'DSI'}    {why}: {name} {t.bits:08x}")
