"""The paravirtual framework: what an unmodified Linux guest of KVM expects of its hypervisor besides PAPR.

The guest finds /hypervisor in the device tree, calls through the instructions given there, and asks for a page that it shares with us
(runtime/mmu/shared_page.py). It then rewrites its own privileged instructions into loads and stores of that page.

ABI: Linux, Documentation/virt/kvm/ppc-pv.rst and asm/epapr_hcalls.h. A call has r0 = "KVM!" and a token in r11 (vendor 42 << 16 |
number), arguments from r3 on; the answer is a status in r3 and values from r4 on.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from typing import Any, Final

from runtime.hypercalls.registry import note

# lis r0,0x4b56; ori r0,r0,0x4d21; sc; nop
CALL: Final = (0x3C004B56, 0x60004D21, 0x44000002, 0x60000000)
VENDOR: Final = 42 << 16
FEATURES: Final = VENDOR | 3  # the token of KVM_HC_FEATURES
EV_SUCCESS, EV_UNIMPLEMENTED, EV_INVALID = 0, 12, 22  # ePAPR's status values; Linux takes any but 0 as failure
MAP_MAGIC_PAGE: Final = "KVM_HC_PPC_MAP_MAGIC_PAGE"
MAGIC_PAGE: Final = 1  # feature number
SEGMENTS, HIGH_SPRGS = 1, 2  # features of the page: the segment registers are in it; PIR and SPRG4-7 are
_PAGE: Final = 4096

Answer = tuple[int, ...]
CALLS: Final[dict[int, tuple[str, Callable[[Any], Answer]]]] = {}


def call(name: str, number: int) -> Callable[[Callable[[Any], Answer]], Callable[[Any], Answer]]:
    """Register the decorated function: it gets the vCPU and answers (status, values for r4 ...)."""

    def register(fn: Callable[[Any], Answer]) -> Callable[[Any], Answer]:
        CALLS[VENDOR | number] = name, fn
        return fn

    return register


def paravirtual_call(vcpu: Any, stats: MutableMapping[str, int]) -> str:
    """Answer the call that a vCPU has just made, and count it by name; the name."""
    token = vcpu.gpr[11] & 0xFFFF_FFFF
    name, fn = CALLS.get(token, (f"unknown paravirtual {token:#x}", lambda vcpu: (EV_UNIMPLEMENTED,)))
    note(stats, name)
    for n, value in enumerate(fn(vcpu)):
        vcpu.gpr[3 + n] = value
    return name


@call("KVM_HC_FEATURES", 3)
def features(vcpu: Any) -> Answer:
    """Bit n of r4: feature n is there."""
    return EV_SUCCESS, 1 << MAGIC_PAGE


@call(MAP_MAGIC_PAGE, 4)
def map_magic_page(vcpu: Any) -> Answer:
    """Put the shared page of this vCPU at real address r3 and effective address r4 (flags in its low bits); r4: what is in it."""
    real, ea = vcpu.gpr[3], vcpu.gpr[4] & -_PAGE & (1 << 64) - 1
    if real % _PAGE:
        return (EV_INVALID,)
    if not vcpu.shared_page:
        vcpu.shared_page = vcpu.vm.map(_PAGE)
    vcpu.call("map_shared_page", real, ea)
    vcpu.call("empty_tlbs")
    return EV_SUCCESS, SEGMENTS | HIGH_SPRGS
