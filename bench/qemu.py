"""QEMU beside our engines: its commands, and a kernel booted under it without firmware, with our own device tree.

QEMU enters a raw image with the registers its own firmware wants; so it starts stopped, gets the kernel's registers
through its gdb stub, and runs: the same kernel, initial RAM disk, tree and RTAS stub as on our machine.
"""

from __future__ import annotations

import contextlib
import socket
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from .measure import BenchError, Usage, execute

USER, LITTLE, SYSTEM = "qemu-ppc64", "qemu-ppc64le", "qemu-system-ppc64"
MACHINE = "pseries,x-vof=on,cap-hpt-max-page-size=16M,cap-htm=off,cap-cfpc=broken,cap-sbbc=broken,cap-ibs=broken"
PC, MSR, MSR_SF = 64, 65, 1 << 63  # register numbers of gdb's PowerPC


def with_reps(program: Path, reps: int, out: Path) -> Path:
    """A copy of a benchmark whose `bench_reps` is `reps`."""
    from elftools.elf.elffile import ELFFile
    from elftools.elf.sections import SymbolTableSection

    with program.open("rb") as f:
        elf = ELFFile(f)
        table = elf.get_section_by_name(".symtab")
        found = table.get_symbol_by_name("bench_reps") if isinstance(table, SymbolTableSection) else None
        if not found:
            raise BenchError(f"{program}: no symbol bench_reps")
        offset = next(iter(elf.address_offsets(found[0]["st_value"])))
    data = bytearray(program.read_bytes())
    data[offset : offset + 8] = reps.to_bytes(8, "big")
    out.write_bytes(data)
    return out


def gdb(stub: socket.socket, command: str) -> bytes:
    """One command of gdb's remote protocol, and its answer."""
    stub.sendall(f"${command}#{sum(command.encode()) & 255:02x}".encode())
    answer = b""
    while b"#" not in answer[:-2]:
        got = stub.recv(4096)
        if not got:
            raise BenchError(f"{SYSTEM}: ended early")
        answer += got
    stub.sendall(b"+")
    return answer


@contextlib.contextmanager
def stopped(path: str) -> Iterator[socket.socket]:
    """The gdb stub, at a path, of a QEMU that was just started, and waits."""
    with socket.socket(socket.AF_UNIX) as stub:
        deadline = time.monotonic() + 60  # a busy machine takes its time to load a kernel of 45 MB
        while True:
            with contextlib.suppress(OSError):
                stub.connect(path)
                break
            if time.monotonic() > deadline:
                raise BenchError(f"{SYSTEM}: did not open its gdb stub")
            time.sleep(0.02)
        stub.settimeout(60)
        gdb(stub, "qSupported:xmlRegisters=powerpc")
        gdb(stub, "qXfer:features:read:target.xml:0,ffb")  # lets QEMU accept single registers
        yield stub


def set_registers(stub: socket.socket, registers: Mapping[int, int]) -> None:
    """By gdb's numbers; of these, MSR last."""
    for register, value in registers.items():
        if b"OK" not in gdb(stub, f"P{register:x}={value:016x}"):
            raise BenchError(f"{SYSTEM}: register {register} cannot be set")


def _start(path: str, registers: Mapping[int, int]) -> None:
    """Set registers of a stopped QEMU and let it run."""
    with stopped(path) as stub:
        set_registers(stub, registers)
        stub.sendall(b"$D#44")  # detach: it goes on


def boot(guest: str, memory: int, cpu: str = "power8", smp: int = 1, parallel: bool = False) -> Usage:
    """A kernel under QEMU to its power-off; `parallel`: a host thread for each of the `smp` CPUs. BenchError if it does not get there."""
    from runtime.cpus import CPUS
    from runtime.hypercalls.rtas import ENTRY_STUB
    from runtime.loader import load_elf
    from runtime.machines.pseries_tree import PseriesConfig, build_pseries_tree

    from .guests import WORDS, linux

    path, initrd = linux(guest)
    kernel = load_elf(path)
    base, disk = 0x40_0000, 0xA00_0000
    stub, tree = memory - 0x2_0000, memory - 0x1_0000
    model = CPUS[cpu]
    config = PseriesConfig(
        memory=memory, hpt_log2=max(18, (memory // 128 - 1).bit_length()), cpu_name=f"PowerPC,{model.name}", pvr=model.pvr,
        cpus=smp, isa=model.isa, radix=model.radix, bootargs=WORDS, initrd=(disk, disk + len(initrd)), rtas_base=stub, reserved=((tree, 0x1_0000),), vmx=2,
    )  # fmt: skip
    pieces = [(base + s.paddr - kernel.lowest, bytes(s.data)) for s in kernel.segments]
    pieces += [(disk, initrd), (stub, ENTRY_STUB), (tree, build_pseries_tree(config).to_dtb())]
    with TemporaryDirectory(prefix="ppcdbt-qemu-") as name:
        folder = Path(name)
        command = [SYSTEM, "-M", MACHINE, "-cpu", model.name, "-m", str(memory >> 20), "-smp", str(smp),
                   "-accel", f"tcg,thread={'multi' if parallel else 'single'}", "-nodefaults", "-display", "none",
                   "-no-reboot", "-serial", "stdio", "-S", "-gdb", f"unix:{folder}/gdb,server=on,wait=off"]  # fmt: skip
        for index, (address, data) in enumerate(pieces):
            (folder / str(index)).write_bytes(data)
            command += ["-device", f"loader,file={folder / str(index)},addr={address:#x},force-raw=on"]
        registers = {3: tree, 4: base, 5: 0, PC: base, MSR: MSR_SF}
        usage = execute(command, before=lambda: _start(f"{folder}/gdb", registers), timeout=120)
    if "BOOT-OK" not in usage.output:
        raise BenchError(f"{SYSTEM}: the kernel did not get to BOOT-OK: {usage.output[-200:]!r}")
    return usage
