"""What a program is told about its processor: AT_HWCAP and AT_HWCAP2, honest about the CPU model and about what is implemented.

Bits: the kernel's arch/powerpc/include/uapi/asm/cputable.h.
"""

from __future__ import annotations

from runtime.cpus import Cpu

from .abi import Abi

PPC_32, PPC_64, ALTIVEC, FPU, MMU, SMT, TRUE_LE = 1 << 31, 1 << 30, 1 << 28, 1 << 27, 1 << 26, 1 << 14, 2
ARCH_2_05, ARCH_2_06, DFP, VSX = 1 << 12, 1 << 8, 1 << 10, 1 << 7
ARCH_2_07, HTM, DSCR, EBB, ISEL, TAR, VEC_CRYPTO = 1 << 31, 1 << 30, 1 << 29, 1 << 28, 1 << 27, 1 << 26, 1 << 25
ARCH_3_00, IEEE128, DARN, SCV = 1 << 23, 1 << 22, 1 << 21, 1 << 20
# Facilities by the architecture that brought them: bits of AT_HWCAP, bits of AT_HWCAP2. Transactions always fail and event-based branches are
# not there: HTM and EBB are not announced. Nor is ICACHE_SNOOP: one icbi does not do for all code that was changed (codecache.py).
LEVELS = {
    "2.06": (PPC_32 | PPC_64 | ALTIVEC | FPU | MMU | SMT | ARCH_2_05 | ARCH_2_06 | VSX | DFP, ISEL),
    "2.07": (0, ARCH_2_07 | DSCR | TAR | VEC_CRYPTO),
    "3.0": (0, ARCH_3_00 | IEEE128 | DARN | SCV),
}
FSCR_DSCR, FSCR_TAR, FSCR_SCV = 1 << 2, 1 << 8, 1 << 12
CACHE_LINE = 128

AT_NULL, AT_PHDR, AT_PHENT, AT_PHNUM, AT_PAGESZ, AT_BASE, AT_FLAGS, AT_ENTRY = 0, 3, 4, 5, 6, 7, 8, 9
AT_UID, AT_EUID, AT_GID, AT_EGID, AT_PLATFORM, AT_HWCAP, AT_CLKTCK, AT_DCACHEBSIZE, AT_ICACHEBSIZE, AT_UCACHEBSIZE = range(11, 21)
AT_IGNOREPPC, AT_SECURE, AT_BASE_PLATFORM, AT_RANDOM, AT_HWCAP2, AT_EXECFN = 22, 23, 24, 25, 26, 31


def capabilities(cpu: Cpu, abi: Abi) -> tuple[int, int]:
    """(AT_HWCAP, AT_HWCAP2)."""
    one, two = TRUE_LE if abi.little else 0, 0
    for level, (first, second) in LEVELS.items():
        if cpu.isa >= level:
            one, two = one | first, two | second
    return one, two


def facilities(cpu: Cpu) -> int:
    """FSCR: what problem state may use of what the CPU has."""
    return FSCR_DSCR | (FSCR_TAR if cpu.isa >= "2.07" else 0) | (FSCR_SCV if cpu.isa >= "3.0" else 0)


def platform(cpu: Cpu) -> bytes:
    """AT_PLATFORM: what glibc puts into library search paths."""
    return cpu.name.lower().encode()
