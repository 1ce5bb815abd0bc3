"""One machine on every engine: set it up, run exactly N instructions, compare everything the guest could see.

A `Rig` is a bare VM of one kind:
    reference, interpreter   the engines of that name
    single                   every instruction is a compiled region of its own
    region                   regions as the background compiler makes them, made and installed before the run
    auto                     the jit engine as it is, with everything hot at its first arrival
But for `auto` nothing is compiled in the background: `Rig.compile_singles` and `Rig.compile_regions` do it on the spot, so
a run is the same every time.
"""

from __future__ import annotations

import ctypes
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from dbt.backend import layout
from dbt.backend.compiler import compile_text
from dbt.backend.llvm import RUNTIME, declarations
from dbt.backend.metadata import METADATA
from dbt.backend.objects import load_object
from dbt.backend.regions import RegionLowering
from dbt.backend.translator import PASSES
from dbt.backend.userops import link_user_ops
from dbt.frontend.regions import discover, displacement
from dbt.mode import Mode
from dbt.state import SLOTS, VIEWS, Slot, slot
from runtime.events import Event
from runtime.mmu.hpt import HashTable, Page, Segment
from runtime.vm import VM

KINDS = ("reference", "interpreter", "single", "region")
MEMORY = 1 << 20
VECTORS = 0x2000  # bytes of real memory that interrupt vectors may use
CODE = 0x3_4000  # where random sums of round numbers rarely point
DATA, DATA_BYTES = 0x4_0000, 0x3000  # three pages; accesses are aimed at the middle one
ILE = 0x0200_0000  # LPCR
SF, EE, PR, FP, ME, VEC, VSX, LE = 1 << 63, 0x8000, 0x4000, 0x2000, 0x1000, 1 << 25, 1 << 23, 1
BRANCH_SELF, NOP = 0x4800_0000, 0x6000_0000
IR, DR = 0x20, 0x10
SDR1 = 25
NEVER = 0x7FFF_FFFF
ARCHITECTED = SLOTS["page_ea"].offset  # the architected state comes first in the record
# what else of the record the guest could see sooner or later
VISIBLE = ("icount", "pending", "halted", "delivered", "exit_count")
HOW_IT_WENT = {0, 1, 2, 3, 17}  # kinds of exit whose number is the engine's own affair
# Return to the instruction after the one that was interrupted (sc: skips one), so that random code goes on.
SKIP = (0x7FF3_43A6, 0x7FFA_02A6, 0x3BFF_0004, 0x7FFA_03A6, 0x7FF3_42A6, 0x4C00_0024)


class State(NamedTuple):
    """Everything compared: architected registers as the record holds them, the rest by name, memory, and the event."""

    record: bytes
    visible: tuple[Any, ...]
    memory: bytes
    event: str

    def differences(self, other: State) -> list[str]:
        """What differs, a line each."""
        out = []
        if self.event != other.event:
            out.append(f"event: {self.event} / {other.event}")
        if self.record != other.record:
            out += [f"{s}: {a:#x} / {b:#x}" for s, a, b in _registers(self.record, other.record) if a != b]
        for name, a, b in zip(VISIBLE, self.visible, other.visible, strict=True):
            if a != b:
                out.append(f"{name}: {a} / {b}")
        for at in [n for n, (a, b) in enumerate(zip(self.memory, other.memory, strict=True)) if a != b][:4]:
            out.append(f"memory {at:#x}: {self.memory[at]:#04x} / {other.memory[at]:#04x}")
        return out


def _registers(a: bytes, b: bytes) -> Iterable[tuple[str, int, int]]:
    for s in SLOTS.values():
        if s.offset < ARCHITECTED and s.name not in VIEWS:
            for i in range(s.count):
                e = s.element(i) if s.count > 1 else s
                size = e.type.bits // 8
                x, y = (int.from_bytes(r[e.offset : e.offset + size], "little") for r in (a, b))
                yield e.name, x, y


def put(record: bytearray, s: Slot | str, value: int) -> None:
    """Set a register in a copy of the record."""
    if isinstance(s, str):
        s = slot(s)
    record[s.offset : s.offset + s.type.bits // 8] = (value & s.type.mask).to_bytes(s.type.bits // 8, "little")


class Single(NamedTuple):
    """A word to compile alone, where it lies."""

    real: int
    word: int
    mode: Mode


class Rig:
    """A VM of one kind in one byte order, used for many cases one after the other."""

    def __init__(self, kind: str, little: bool = False, vectors: Sequence[int] = (BRANCH_SELF,), memory: int = MEMORY,
                 cpu: str = "power9") -> None:  # fmt: skip
        engine: Any = {"single": "jit", "region": "jit", "auto": "jit"}.get(kind, kind)
        self.kind, self.little = kind, little
        self.order: Any = "little" if little else "big"
        self.vm = VM(memory=memory, cpu=cpu, engine=engine, hot_threshold=1 if kind == "auto" else NEVER)
        self.vcpu = self.vm.vcpus[0]
        self._record = (ctypes.c_uint8 * ARCHITECTED).from_address(self.vcpu.address)
        self._data = (ctypes.c_uint8 * DATA_BYTES).from_address(self.vm.ram_address + DATA)
        self._slots = [(slot(n), SLOTS[n].count) for n in VISIBLE]
        self.vm.write(0, self.words([BRANCH_SELF] * (VECTORS // 4)))
        for vector in (*range(0x100, 0xF00, 0x80), 0xF00, 0xF20, 0xF40, 0xF60, 0xF80):
            self.vm.write(vector, self.words(vectors))
        table = HashTable.attach(self.vm, 18)  # with translation on, memory is where it is without
        segment = Segment(vsid=0x3_2100)
        for page in range(MEMORY >> 12):
            table.enter(segment, page << 12, Page(real=page << 12))
        self.vcpu.call("slbmte", segment.word, segment.esid_word(0))
        self.clean = bytearray(self._record)
        put(self.clean, "lpcr", ILE if little else 0)
        put(self.clean, "dec_expiry", 1 << 40)

    def words(self, words: Iterable[int]) -> bytes:
        """Instruction words as they lie in memory."""
        return b"".join(w.to_bytes(4, self.order) for w in words)

    def start(self, record: bytes | bytearray, data: bytes | None = None, trap: bool = False, icount: int = 1000) -> None:
        """Begin a case: registers, the data pages, a quiet machine."""
        v = self.vcpu
        ctypes.memmove(self._record, bytes(record), ARCHITECTED)
        v.call("translation_changed", SDR1)
        v.icount, v.pending, v.halted, v.attention, v.mmio_state, v.exit = icount, 0, 0, 0, 0, 0
        v.trap_privileged = trap
        ctypes.memset(v.address + SLOTS["delivered"].offset, 0, 8 * 128)
        ctypes.memset(v.address + SLOTS["exit_count"].offset, 0, 8 * 64)
        if data is not None:
            ctypes.memmove(self._data, data, len(data))
        v.mode_changed()

    def run(self, count: int) -> str:
        """Run `count` instructions (Budget) or up to what needs the caller; the event, as text."""
        try:
            event: Event | str = self.vcpu.run(max_instructions=count)
        except Exception as e:  # what no machine emulates
            self.vcpu.exit = 0
            event = f"{type(e).__name__}"
        return str(event)

    def state(self, event: str = "", memory: bool = False) -> State:
        """What the guest could see now. `memory`: all of it, else the data pages."""
        v = self.vcpu
        visible = []
        for s, count in self._slots:
            raw = ctypes.string_at(v.address + s.offset, count * s.stride)
            values = np.frombuffer(raw, f"<u{s.type.bits // 8}").tolist()
            if s.name == "exit_count":
                values = [0 if n in HOW_IT_WENT else x for n, x in enumerate(values)]
            visible.append(tuple(values))
        if event.startswith("Mmio"):  # the access is repeated: how often is the caller's business
            v.mmio_state = 0
        return State(
            bytes(self._record), tuple(visible), self.vm.read(0, self.vm.memory_size) if memory else bytes(self._data), event
        )

    # -- compiling
    def page(self, real: int, mode: Mode) -> int:
        """Host address of the code page of a real page in a mode; made if need be, by running a nop at its end."""
        found = self._find(real >> 12, mode)
        if not found:
            last = (real & -4096) + 4092
            kept = self.vm.read(last, 4)
            self.vm.write(last, self.words([NOP]))
            record = bytearray(self.clean)
            put(record, "nia", last)
            put(record, "msr", ME | SF * mode.sf | LE * mode.le | PR * mode.pr)
            self.start(record, trap=mode.trap)
            self.run(1)
            self.vm.write(last, kept)
            found = self._find(real >> 12, mode)
        assert found, f"no code page for {real:#x} {mode}"
        return found

    def _find(self, real_page: int, mode: Mode) -> int:
        table = np.frombuffer(self.vm._code_table, np.uint64)
        rows = np.flatnonzero(table[::2] == real_page + 1)
        page = int(table[2 * rows[0] + 1]) if len(rows) else 0
        while page and _field(page, layout.PAGE_MODE) != mode.index:
            page = _field(page, layout.PAGE_NEXT)
        return page

    def install(self, page: int, entry: int, handler: int, covered: Iterable[int]) -> None:
        """Put compiled code at word number `entry` of a code page; it depends on the words `covered`."""
        self.vcpu.call("install_region", page + entry * layout.ENTRY_BYTES, handler)
        for n in covered:
            at = ctypes.c_uint8.from_address(page + layout.PAGE_COVERED + n // 8)
            at.value |= 1 << n % 8

    def compile_singles(self, items: Sequence[Single]) -> None:
        """Compile words, each as a region of one instruction, in one module, and install them."""
        done: dict[Single, str] = {}
        texts: dict[str, str] = {}  # what was lowered -> name: most instructions are the same in several modes
        helpers, used = set(), set()
        for item in items:
            offset = item.real & 4095
            words = defaultdict(int, {offset >> 2: item.word})
            mode = item.mode._replace(level=self.vm.cpu.level)
            found = discover(words, offset, mode, limit=1)  # type: ignore[arg-type]
            lowering = RegionLowering("@name@", found.blocks, found.lengths, found.entries, found.onward, item.mode, displacement)
            done[item] = texts.setdefault(lowering.text(), f"r{len(texts)}")
            helpers |= lowering.helpers
            used |= lowering.user_ops
        operations, link = link_user_ops(used)
        extra = [f"declare i64 @{h}(ptr, i64, i64, i64)" for h in sorted(helpers)]
        text = declarations(RUNTIME + extra) + operations + "\n".join(t.replace("@name@", n) for t, n in texts.items()) + METADATA
        image = compile_text(text, passes=2 if link else PASSES, opt=1, keep=list(texts.values()), link=link)
        symbols = load_object(self.vm.compiler._arena, image, self.vm.engine.code.symbols)
        for item, name in done.items():
            self.install(self.page(item.real, item.mode), (item.real & 4095) >> 2, symbols[name], [(item.real & 4095) >> 2])

    def compile_regions(self, reals: Iterable[int], mode: Mode) -> None:
        """Make and install the regions that start at real addresses, by the compiler's own way."""
        for real in reals:
            page = self.page(real, mode)
            self.vm.compiler._translate(page + ((real & 4095) >> 2) * layout.ENTRY_BYTES)
            assert not self.vm.compiler.errors, self.vm.compiler.errors
            self.vm.compiler.install(self.vcpu.address)

    def close(self) -> None:
        """Release the machine."""
        self.vm.close()


def _field(page: int, offset: int) -> int:
    return int(ctypes.c_uint64.from_address(page + offset).value)


def mode_msr(mode: Mode) -> int:
    """The MSR of a mode, translation off."""
    return ME | SF * mode.sf | LE * mode.le | PR * mode.pr
