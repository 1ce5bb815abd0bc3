"""A virtual machine: memory, CPUs, and the machine record that compiled code shares.

    vm = VM(memory=64 << 20)
    vm.write(0x10000, program)
    vcpu = vm.vcpus[0]
    vcpu.nia = 0x10000
    event = vcpu.run(max_instructions=1_000_000)
"""

from __future__ import annotations

import ctypes
import os
import time
from array import array
from collections.abc import Callable, Sequence
from typing import Any, Literal

from dbt import shared
from dbt.engine import (
    KINDS,
    Engine,
    faults,
    host_function,
    map_memory,
    release_window,
    reserve_window,
    shared_engine,
    unmap_memory,
    view_memory,
)

from .cpus import CPUS
from .registers import MachineRecord
from .vcpu import VCPU

# Modules with compiled functions and with their constants; tests/test_dependencies.py knows whether one is missing.
MACHINERY = (
    "runtime.mmu", *(f"runtime.mmu.{n}" for n in ("multiple", "atomic", "segments", "invalidate", "radix_tlbie", "hcalls", "shared_page")),
    *(f"runtime.{n}" for n in ("interrupts", "messages", "dispatch", "scheduler", "clock", "halts", "waiting", "hypercalls.table", "hypercalls.light")),
    *(f"runtime.devices.{n}" for n in ("sources", "xics", "xive", "tima", "pages")),
    *(f"dbt.backend.{n}" for n in ("locks", "codecache", "softfloat", "half", "float_compute", "float_exact", "float_instruction")),
    *(f"dbt.backend.{n}" for n in ("quad", "quad_compute", "quad_exact")),
    *(f"dbt.backend.decimal_{n}" for n in ("wide", "format", "round", "compute", "bits", "exact")),
)  # fmt: skip
EngineKind = Literal["reference", "interpreter", "jit"]
CODE_TABLE_ENTRIES = 1 << 16
CODE_POOL = 1 << 30  # address space for code pages; only what is used is resident
HOT_THRESHOLD = 2000
HOT_QUEUE = 1024
NEVER_HOT = 0x8000_0000
MAX_CPUS = 64
MAX_THREADS = 1 << 15  # vCPUs of a Linux program


class VM:
    """A machine without devices: `machines` adds them. ValueError for options that cannot be right."""

    def __init__(self, memory: int = 64 << 20, cpu: str = "power8", cpus: int = 1, engine: EngineKind = "jit",
                 privileged: Literal["inline", "trap"] = "inline", isa: Sequence[str] = (), shadow_vsids: int = 65_535,
                 hot_threshold: int = HOT_THRESHOLD, progress: Any = None, parallel: bool = False,
                 direct: bool = False) -> None:  # fmt: skip
        """`direct`: for a Linux program, whose addresses are found in a window of the host's (`memory` does not count then)."""
        if engine not in KINDS:
            raise ValueError(f"no engine {engine!r}: one of {', '.join(KINDS)}")
        if cpu not in CPUS:
            raise ValueError(f"no CPU {cpu!r}: one of {', '.join(CPUS)}")
        if privileged not in ("inline", "trap"):
            raise ValueError(f"privileged={privileged!r}: inline or trap")
        if direct:
            memory = reserve_window()
        elif memory < 1 << 20 or memory % 65536 or memory > 1 << 40:
            raise ValueError(f"{memory} bytes of memory: a multiple of 64 KiB from 1 MiB to 1 TiB")
        if not 1 <= cpus <= MAX_CPUS:
            raise ValueError(f"{cpus} CPUs: 1 to {MAX_CPUS}")
        if parallel and engine == "reference":
            raise ValueError("the reference engine runs one vCPU at a time: no parallel")
        self.engine_kind, self.privileged, self.cpu = engine, privileged, CPUS[cpu]
        self.engine: Engine = shared_engine(MACHINERY, tuple(isa), progress)
        self.memory_size, self.parallel, self.direct = memory, parallel, direct
        self.roots = self.engine.roots(direct, progress)
        self.trace: Callable[[VCPU, int], None] | None = None
        self._mapped: list[tuple[int, int]] = []
        self._closed = False
        self.returns = 0  # times the run loop came back with nothing to do but to look around
        self._fd = -1
        if direct:
            self.ram_address = memory
            faults.set_window(memory, memory)
        else:
            self._fd = os.memfd_create("ppcdbt-ram")
            os.ftruncate(self._fd, memory)
            self.ram_address = self.map(memory, fd=self._fd)
        self.ram = view_memory(self.ram_address, memory)
        page_flags = self.map(memory >> 12)
        self.page_flags = view_memory(page_flags, memory >> 12)
        code_table = self.map(CODE_TABLE_ENTRIES * 16)
        self._code_table = view_memory(code_table, CODE_TABLE_ENTRIES * 16).cast("Q")
        self.record_address = self.map(shared.SIZE)
        self.record = MachineRecord(self.record_address)
        pool = self.map(CODE_POOL)
        pool = (pool + 0x7FFF) & ~0x7FFF
        code = self.engine.code.symbols
        self.set_record(
            ram=self.ram_address, ram_size=memory, page_flags=page_flags, window=memory if direct else 0, code_table=code_table,
            code_table_size=CODE_TABLE_ENTRIES, code_pool=pool, code_pool_start=pool, code_pool_end=pool + CODE_POOL - 0x8000,
            decode_handler=code["x_decode"], page_end_handler=code["x_page_end64"], page_end_handler_32=code["x_page_end32"], gone_handler=code["x_gone"],
            hot_queue=self.map(HOT_QUEUE * 8), hot_threshold=hot_threshold if engine == "jit" else NEVER_HOT,
        )  # fmt: skip
        if parallel:
            self.set_record(
                parallel=1, clock_start=time.monotonic_ns(),
                **{name: host_function(name) for name in ("clock_gettime", "sched_yield", "syscall")},
            )  # fmt: skip
        self.compiler: Any = None
        if engine == "jit":
            from .tiering import BackgroundCompiler

            self.compiler = BackgroundCompiler(self)
        self.vcpus = [VCPU(self, n, shadow_vsids) for n in range(cpus)]
        for vcpu in self.vcpus:
            vcpu.sharing = cpus > 1
        room = MAX_THREADS if direct else cpus
        table = self.map(8 * room)
        self._vcpu_table = view_memory(table, 8 * room).cast("Q")
        self._vcpu_table[:cpus] = array("Q", [vcpu.address for vcpu in self.vcpus])
        self.set_record(vcpus=table, vcpu_count=cpus)  # tlbie reaches them all

    def set_record(self, **fields: int) -> None:
        """Set fields of the machine record."""
        for name, value in fields.items():
            self.record[name] = value

    def add_vcpu(self) -> VCPU:
        """One more, for a thread of a Linux program. ValueError if there are MAX_THREADS."""
        number = len(self.vcpus)
        if number == len(self._vcpu_table):
            raise ValueError(f"{number} threads: no more than that")
        vcpu = VCPU(self, number)
        self.vcpus.append(vcpu)
        self._vcpu_table[number] = vcpu.address
        self.set_record(vcpu_count=number + 1)  # last: others may be looking
        return vcpu

    def init_mmu(self, vcpu: VCPU, shadow_vsids: int) -> None:
        """Give a new vCPU its MMU tables; a Linux program needs none."""
        if self.direct:
            return
        from .mmu.tables import init_vcpu

        init_vcpu(self, vcpu, shadow_vsids)

    # -- memory, by real address
    def read(self, real: int, size: int) -> bytes:
        """`size` bytes of RAM. ValueError outside RAM."""
        self._check(real, size)
        return ctypes.string_at(self.ram_address + real, size)

    def write(self, real: int, data: bytes) -> None:
        """Store to RAM, as a device would: translated code made from it is dropped. ValueError outside RAM."""
        self._check(real, len(data))
        ctypes.memmove(self.ram_address + real, bytes(data), len(data))
        if getattr(self, "vcpus", None):
            self.vcpus[0].call("invalidate_code", real, len(data))

    def _check(self, real: int, size: int) -> None:
        if real < 0 or size < 0 or real + size > self.memory_size:
            raise ValueError(f"real addresses {real:#x}..{real + size:#x} are not in the {self.memory_size >> 20} MiB of RAM")

    def translate(self, ea: int, access: Literal["load", "store", "fetch"] = "load", vcpu: int = 0) -> Any:
        """Every step from an effective address to a real one, as a vCPU sees it now (mmu.explain.Translation).

        access: load, store or fetch. `str()` of the result draws the walk; nothing changes in the machine."""
        from .mmu.explain import Registers, translate

        return translate(Registers.of(self.vcpus[vcpu]), ea, access)

    # -- running
    def execute(self, vcpu: VCPU) -> int:
        """One stretch of the reference engine."""
        from .reference import execute

        return execute(vcpu)

    def code_pages(self) -> list[int]:
        """Numbers of the pages that translated code was made from."""
        return [key - 1 for key in self._code_table[::2].tolist() if key]

    def mended(self) -> int:
        """Host address of an access of this thread to guest memory that had to be mended since its last call: it was not there. Else 0."""
        return faults.mended() if self.direct else 0

    def map(self, size: int, fd: int = -1) -> int:
        """Host memory that lives as long as the machine."""
        address = map_memory(size, fd=fd)
        self._mapped.append((address, size))
        return address

    def close(self) -> None:
        """Stop background work and release memory. The machine cannot be used after."""
        if self._closed:
            return
        self._closed = True
        if self.compiler is not None:
            self.compiler.close()
        if self._fd >= 0:
            os.close(self._fd)
        self.vcpus.clear()
        del self.ram, self.record, self.page_flags
        if self.direct:
            faults.set_window(0, 0)
            release_window(self.memory_size)
        for address, size in self._mapped:
            unmap_memory(address, size)
        self._mapped.clear()

    def __enter__(self) -> VM:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
