"""The device tree of the pseries machine (a logical partition, POWER8 or POWER9, with a hashed page table or radix trees).

Sources: PAPR, appendix "LoPAPR Binding" ( `ibm,segment-page-sizes`, `ibm,pft-size`, `ibm,pa-features`,
`ibm,processor-segment-sizes`, /rtas, /vdevice), Linux 6.1 arch/powerpc/kernel/prom.c and
mm/book3s64/hash_utils.c for what is read of it, and QEMU's pseries machine for the page size encodings. The
same configuration always gives the same bytes: nothing here depends on time, host or hash order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from runtime.devices.sources import PAGE_SHIFT, RESERVED, TIMA_OS, TIMA_USER
from runtime.hypercalls.console import CONSOLE_UNIT
from runtime.hypercalls.rtas import tokens
from runtime.hypercalls.xive import SIZES
from runtime.machines.fdt import Node, Tree, cells64

TIMEBASE_HZ: Final = 512_000_000
CONSOLE_INTERRUPT: Final = 0x1100
PVR_POWER8: Final = 0x004D0200

# Only what runtime.hypercalls and the compiled HPT family implement: the guest believes this list.
HYPERTAS_FUNCTIONS: Final = (
    "hcall-pft",
    "hcall-term",
    "hcall-dabr",
    "hcall-interrupt",
    "hcall-splpar",
    "hcall-bulk",
    "hcall-set-mode",
    "hcall-copy",
    "hcall-debug",
)


@dataclass(frozen=True, slots=True)
class BasePageSize:
    """One base page size of a segment.

    `shift` is log2 of its bytes, `slb` the L||LP bits of an SLB entry (as in slbmte's RS: L is 0x100, LP
    0x30), and `actual` the (log2 size, HPTE LP encoding) of every actual page size it may be mixed with,
    itself included.
    """

    shift: int
    slb: int
    actual: tuple[tuple[int, int], ...]

    def cells(self) -> list[int]:
        return [self.shift, self.slb, len(self.actual), *(cell for pair in self.actual for cell in pair)]


# What QEMU's pseries gives POWER8 with cap-hpt-max-page-size=16M: 16 MB pages in 4K- and 64K-based segments.
PAGE_SIZES: Final = (
    BasePageSize(12, 0x000, ((12, 0x00), (24, 0x38))),
    BasePageSize(16, 0x110, ((16, 0x01), (24, 0x08))),
    BasePageSize(24, 0x100, ((24, 0x00),)),
)
# What it gives by default: no 16 MB pages (as in the proven pseries-power8-hpt.dts).
PAGE_SIZES_64K: Final = (
    BasePageSize(12, 0x000, ((12, 0x00),)),
    BasePageSize(16, 0x110, ((16, 0x01),)),
)


RADIX_PAGE_SIZES: Final = ((0, 12), (5, 16), (1, 21), (2, 30))
DECREMENTER_BITS: Final = 56
INTERRUPTS: Final = ("xics", "xive", "dual")
# ibm,architecture-vec-5: bytes of option vector 5, and their bits (LoPAPR; Linux 6.1 arch/powerpc/include/asm/prom.h)
VECTOR_5: Final = "ibm,architecture-vec-5"
OV5_XIVE, OV5_MMU, OV5_HASH, OV5_RADIX = 23, 24, 25, 26
EXPLOIT, EITHER, RADIX, GTSE = 0x40, 0x80, 0x40, 0x40


@dataclass(frozen=True, slots=True)
class PseriesConfig:
    """What the tree describes. Sizes in bytes, frequencies in Hz, `initrd` is (first, one past the last)
    byte.

    `vmx` is 0 (none), 1 (VMX) or 2 (VMX and VSX). `console_interrupt` None makes the guest poll the console.
    `hpt_log2` must be log2 of the real size of the hashed page table. Raises ValueError when inconsistent.
    """

    memory: int
    hpt_log2: int
    cpus: int = 1
    cpu_name: str = "PowerPC,POWER8"
    pvr: int = PVR_POWER8
    timebase: int = TIMEBASE_HZ
    clock: int = 1_000_000_000
    bootargs: str = "console=hvc0"
    initrd: tuple[int, int] | None = None
    rtas_base: int | None = None
    rtas_entry: int | None = None
    rtas_size: int = 0x1000
    instantiate_rtas: bool = False  # the guest has RTAS placed by Open Firmware
    rtas_tokens: Mapping[str, int] = field(default_factory=tokens)
    hypertas: tuple[str, ...] = HYPERTAS_FUNCTIONS
    page_sizes: tuple[BasePageSize, ...] = PAGE_SIZES
    slb_entries: int = 32
    segment_1t: bool = True
    radix: bool = False  # radix trees instead of the hashed page table: a POWER9 only
    isa: str = "2.07"
    vmx: int = 0
    dfp: bool = False
    cache_line: int = 128
    l1_size: int = 32 << 10
    console_interrupt: int | None = CONSOLE_INTERRUPT
    interrupts: str = "xics"  # or "xive"; "dual": XICS, and the guest may ask Open Firmware for XIVE
    paravirtual: tuple[int, ...] = ()  # the instructions of a call to the paravirtual framework; none: there is no such framework
    terminals: tuple[int, ...] = ()  # unit addresses of further virtual terminals, which the guest polls
    reserved: tuple[tuple[int, int], ...] = ()

    def __post_init__(self) -> None:
        if self.memory <= 0 or self.memory % 4096:
            raise ValueError(f"memory of {self.memory:#x} bytes is not a whole number of pages")
        if not 1 <= self.cpus <= 2048:
            raise ValueError(f"{self.cpus} CPUs")
        if not 18 <= self.hpt_log2 <= 46:  # SDR1[HTABSIZE] is 0..28 over a minimum of 256 KB.
            raise ValueError(f"a hashed page table of 2**{self.hpt_log2} bytes: from 18 to 46 are possible")
        if self.radix and self.isa == "2.07":
            raise ValueError(f"radix translation came with ISA 3.0, not {self.isa}")
        if self.interrupts not in INTERRUPTS or (self.interrupts != "xics" and self.isa == "2.07"):
            raise ValueError(f"interrupts {self.interrupts} of ISA {self.isa}: {', '.join(INTERRUPTS)}; XIVE came with 3.0")
        if self.vmx not in (0, 1, 2):
            raise ValueError(f"vmx {self.vmx}: 0, 1 or 2")
        if self.initrd is not None and not 0 <= self.initrd[0] < self.initrd[1] <= self.memory:
            raise ValueError(f"the initrd {self.initrd[0]:#x}-{self.initrd[1]:#x} is not inside the memory")
        # RTAS runs in 32-bit real mode.
        if self.rtas_base is not None and self.rtas_base + self.rtas_size > min(self.memory, 1 << 32):
            raise ValueError(f"RTAS at {self.rtas_base:#x} is not inside the memory below 4 GB")


def build_pseries_tree(config: PseriesConfig) -> Tree:
    """The tree a kernel gets in r3 (as `build_pseries_tree(config).to_dtb()`)."""
    tree = Tree(reservations=list(config.reserved))
    root = tree.root
    root.set("#address-cells", 2)
    root.set("#size-cells", 2)
    root.set("device_type", "chrp")
    root.set("model", "ppcdbt pseries")
    root.set("compatible", "ppcdbt,pseries")
    _chosen(root, config)
    _rtas(tree, config)
    _cpus(root, config)
    # LE-agnostic 64-bit address and size: one block of memory from 0, of which all can be used in real mode.
    root.add("memory@0", device_type="memory").set("reg", cells64(0, config.memory))
    _vdevice(root, config)
    _interrupt_controller(root, config)
    if config.paravirtual:
        hypervisor = root.add("hypervisor", compatible="linux,kvm")
        hypervisor.set("hcall-instructions", list(config.paravirtual))
    return tree


def _chosen(root: Node, config: PseriesConfig) -> None:
    chosen = root.add("chosen", bootargs=config.bootargs)
    if config.initrd is not None:
        # Linux reads these by their length; one cell is what every kernel understands, so use two only if
        # needed.
        wide = config.initrd[1] > 0xFFFFFFFF
        for name, address in zip(("linux,initrd-start", "linux,initrd-end"), config.initrd, strict=True):
            chosen.set(name, cells64(address) if wide else address)
    console = f"/vdevice/vty@{CONSOLE_UNIT:x}"
    chosen.set("linux,stdout-path", console)
    chosen.set("stdout-path", console)
    if config.isa >= "3.0":
        # what ibm,client-architecture-support would settle: interrupts, the MMU, that the guest may use tlbie
        chosen.set(VECTOR_5, vector_5(config.interrupts == "xive", config.radix))
    if config.interrupts != "xics":
        wanted = EXPLOIT if config.interrupts == "xive" else EITHER
        options = (OV5_XIVE, wanted, OV5_MMU, RADIX * config.radix, OV5_HASH, 0, OV5_RADIX, GTSE * config.radix)
        chosen.set("ibm,arch-vec-5-platform-support", bytes(options))


def vector_5(xive: bool, radix: bool) -> bytes:
    """What the partition has, of option vector 5."""
    return bytes(OV5_XIVE) + bytes((EXPLOIT * xive, RADIX * radix, 0, GTSE * radix))


def _rtas(tree: Tree, config: PseriesConfig) -> None:
    """/rtas exists even without an RTAS to call: its hypertas list is what makes Linux a logical
    partition."""
    rtas = tree.root.add("rtas")
    rtas.set("ibm,hypertas-functions", config.hypertas)
    if config.rtas_base is None and not config.instantiate_rtas:
        return
    for name, token in config.rtas_tokens.items():
        rtas.set(name, token)
    rtas.set("ibm,extended-os-term")  # Says that ibm,os-term returns: without it Linux does not call it.
    rtas.set("rtas-size", config.rtas_size)
    if config.rtas_base is None:
        return
    entry = config.rtas_base if config.rtas_entry is None else config.rtas_entry
    rtas.set("linux,rtas-base", config.rtas_base)
    rtas.set("linux,rtas-entry", entry)
    # Linux 6.1 does not keep its allocator away from RTAS by itself.
    tree.reservations.append((config.rtas_base, config.rtas_size))


def _cpus(root: Node, config: PseriesConfig) -> None:
    cpus = root.add("cpus")
    cpus.set("#address-cells", 1)
    cpus.set("#size-cells", 0)
    for index in range(config.cpus):
        cpu = cpus.add(f"{config.cpu_name}@{index:x}", device_type="cpu", reg=index, status="okay")
        cpu.set("cpu-version", config.pvr)
        cpu.set("timebase-frequency", config.timebase)
        cpu.set("clock-frequency", config.clock)
        cpu.set("64-bit")
        for kind in "di":
            cpu.set(f"{kind}-cache-size", config.l1_size)
            cpu.set(f"{kind}-cache-line-size", config.cache_line)
            cpu.set(f"{kind}-cache-block-size", config.cache_line)
        cpu.set("ibm,ppc-interrupt-server#s", index)
        if config.radix:
            # AP of tlbie << 29 | log2 of the page size
            cpu.set("ibm,processor-radix-AP-encodings", [ap << 29 | shift for ap, shift in RADIX_PAGE_SIZES])
        else:
            cpu.set("ibm,pft-size", [0, config.hpt_log2])
            cpu.set("slb-size", config.slb_entries)
            cpu.set("ibm,segment-page-sizes", [cell for size in config.page_sizes for cell in size.cells()])
            if config.segment_1t:
                # log2 sizes of segments: 256 MB and 1 TB; the other two slots are not used.
                cpu.set("ibm,processor-segment-sizes", [28, 40, 0xFFFFFFFF, 0xFFFFFFFF])
        cpu.set("ibm,slb-size", config.slb_entries)
        if config.isa >= "3.0":
            cpu.set("ibm,dec-bits", DECREMENTER_BITS)
        cpu.set("ibm,pa-features", _pa_features(config))
        if config.vmx:
            cpu.set("ibm,vmx", config.vmx)
        if config.dfp:
            cpu.set("ibm,dfp", 1)


def _pa_features(config: PseriesConfig) -> bytes:
    """`ibm,pa-features`: one descriptor {length, type 0, attribute bytes} with what a partition of this processor has.

    Transactional memory (byte 22) stays clear, and so do the vector facilities unless asked for: with the
    property present Linux switches off what it does not list.
    """
    attributes = bytearray(24 if config.isa < "3.0" else 66)
    attributes[0] = 0xF6  # MMU, FPU, SLB, CTRL[RUN], DABR, no-execute
    # 64 KB cache-inhibited pages (bit 2), frin/friz/frip/frim, SPRG3, SLB entry 0 invalidation
    attributes[1] = 0x3F
    attributes[2] = 0xC7  # virtual page class keys, PPR
    attributes[3] = 0xC0
    attributes[4] = 0x80
    attributes[5] = 0xF0  # little-endian (bit 0), CFAR, lq/stq
    attributes[6] = 0x80  # ISA 2.07
    if config.vmx >= 1:
        attributes[16] = 0x80
    if config.vmx == 2:
        attributes[18] = 0x80
        attributes[20] = 0x80
    if config.isa >= "3.0":
        # large decrementer, 64-bit features, performance monitor, ... as QEMU's POWER9 has them
        for byte in range(24, 64, 2):
            attributes[byte] = 0x80
        attributes[34] = 0xC0  # event-based branches, extended
        attributes[40] = 0x80 if config.radix else 0  # 46 is scv, 62 darn
        attributes[54] = 0x80 if config.dfp else 0
    return bytes((len(attributes), 0)) + bytes(attributes)


def _vdevice(root: Node, config: PseriesConfig) -> None:
    vdevice = root.add("vdevice", device_type="vdevice", compatible="IBM,vdevice")
    vdevice.set("#address-cells", 1)
    vdevice.set("#size-cells", 0)
    vdevice.set("#interrupt-cells", 2)
    vdevice.set("interrupt-controller")
    vty = vdevice.add(f"vty@{CONSOLE_UNIT:x}", device_type="serial", compatible="hvterm1", reg=CONSOLE_UNIT)
    if config.console_interrupt is not None:
        # Second cell 0: message (edge), as XICS sources are.
        vty.set("interrupts", [config.console_interrupt, 0])
    for unit in config.terminals:
        vdevice.add(f"vty@{unit:x}", device_type="serial", compatible="hvterm1", reg=unit)


def _interrupt_controller(root: Node, config: PseriesConfig) -> None:
    node = root.add("interrupt-controller")
    if config.interrupts == "xive":
        describe_xive(root, node, config.cpus)
        return
    node.set("device_type", "PowerPC-External-Interrupt-Presentation")
    node.set("compatible", "IBM,ppc-xicp")
    node.set("interrupt-controller")
    node.set("#interrupt-cells", 2)
    node.set("ibm,interrupt-server-ranges", [0, config.cpus])


def describe_xive(root: Node, node: Node, cpus: int) -> None:
    """Make the interrupt controller's node that of XIVE (PAPR; what Linux 6.1 arch/powerpc/sysdev/xive/spapr.c reads of it)."""
    size = 1 << PAGE_SHIFT
    node.name = f"interrupt-controller@{TIMA_USER:x}"
    node.properties.clear()
    node.set("device_type", "power-ivpe")
    node.set("compatible", "ibm,power-ivpe")
    node.set("reg", cells64(TIMA_USER, size, TIMA_OS, size))  # the guest's own view, and its kernel's
    node.set("ibm,xive-eq-sizes", list(SIZES))
    node.set("ibm,xive-lisn-ranges", [0, cpus])  # sources for inter-processor interrupts
    node.set("interrupt-controller")
    node.set("#interrupt-cells", 2)
    root.set("ibm,plat-res-int-priorities", [RESERVED, 0xFF - RESERVED])  # from which on, how many


def wants_xive(options: bytes) -> bool:
    """Whether option vector 5 of a client asks for XIVE in exploitation mode."""
    return len(options) > OV5_XIVE and options[OV5_XIVE] & (EXPLOIT | EITHER) == EXPLOIT


def choose_xive(root: Node, cpus: int) -> None:
    """A tree that offered both controllers says that it is XIVE."""
    node = next(child for child in root.children if child.name.split("@")[0] == "interrupt-controller")
    describe_xive(root, node, cpus)
    options = bytearray(root["chosen"].properties[VECTOR_5])
    options[OV5_XIVE] = EXPLOIT
    root["chosen"].properties[VECTOR_5] = bytes(options)
