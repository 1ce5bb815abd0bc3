"""What a program is told about its processor: AT_HWCAP and AT_HWCAP2, honest about the CPU model and about what is implemented.

Bits: the kernel's arch/powerpc/include/uapi/asm/cputable.h.
"""

from __future__ import annotations

from runtime.cpus import Cpu

from .abi import Abi

PPC_32, PPC_64, ALTIVEC, FPU, MMU = 1 << 31, 1 << 30, 1 << 28, 1 << 27, 1 << 26
POWER4, POWER5, POWER5_PLUS, SMT, ICACHE_SNOOP, ARCH_2_05 = 1 << 19, 1 << 18, 1 << 17, 1 << 14, 1 << 13, 1 << 12
ARCH_2_06, VSX, TRUE_LE = 1 << 8, 1 << 7, 2
ARCH_2_07, ISEL, TAR, VEC_CRYPTO, ARCH_3_00, SCV = 1 << 31, 1 << 27, 1 << 26, 1 << 25, 1 << 23, 1 << 20
CACHE_LINE = 128

AT_NULL, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY = 0, 3, 4, 5, 6, 7, 8, 9
AT_UID, AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_DCACHEBSIZE, AT_ICACHEBSIZE, AT_UCACHEBSIZE = range(11, 21)
AT_IGNOREPPC, AT_SECURE, AT_BASE_PLATFORM, AT_RANDOM, AT_HWCAP2, AT_EXECFN = 22, 23, 24, 25, 26, 31


def capabilities(cpu: Cpu, abi: Abi) -> tuple[int, int]:
    """(AT_HWCAP, AT_HWCAP2). Decimal floating point, transactions and event-based branches are not said to be there: they are not yet."""
    one = PPC_32 | PPC_64 | ALTIVEC | FPU | MMU | SMT | ICACHE_SNOOP | ARCH_2_05 | ARCH_2_06 | VSX
    two = ISEL
    if abi.little:
        one |= TRUE_LE
    if cpu.isa >= "2.07":
        two |= ARCH_2_07 | TAR | VEC_CRYPTO
    if cpu.isa >= "3.0":
        two |= ARCH_3_00
    return one, two


def platform(cpu: Cpu) -> bytes:
    """AT_PLATFORM: what glibc puts into library search paths."""
    return cpu.name.lower().encode()
