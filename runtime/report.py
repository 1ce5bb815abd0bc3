"""What is said about a guest that cannot go on: where it is, what is there, its registers, what happened before.

Nothing here may raise: a report that fails hides the failure it is about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from dbt.exits import Exit
from dbt.mode import Mode
from dbt.state import slot

from .registers import read

if TYPE_CHECKING:
    from .vcpu import VCPU
    from .vm import VM

AROUND = 4  # instructions shown before and after the one at pc
FAILED = (1 << 64) - 1
MSR_BITS = (
    (63, "SF"), (60, "HV"), (25, "VEC"), (23, "VSX"), (15, "EE"), (14, "PR"), (13, "FP"), (12, "ME"), (10, "SE"), (9, "BE"),
    (5, "IR"), (4, "DR"), (1, "RI"), (0, "LE"),
)  # fmt: skip
REASONS = {
    Exit.EMULATE: "an instruction that only Python could carry out, and nothing does",
    Exit.CRASH: "translated code came to a state that should not exist: this is a bug in ppcdbt",
    Exit.STUCK: "interrupts without end: what is at the interrupt vector cannot be run either",
    Exit.DEBUG: "a debug event nobody asked for",
    Exit.CODE_CHANGED: "a change of the running code that was not dealt with: this is a bug in ppcdbt",
}


def not_emulated(vcpu: VCPU, kind: Any) -> str:
    """An exit that nobody handles, in one line and the facts below it."""
    name = getattr(kind, "name", str(kind))
    reason = REASONS.get(kind, f"{name} is not handled")
    pc = _try(lambda: int(vcpu.nia), 0)
    word = word_at(vcpu, pc)
    what = f"{word:#010x} {disassembly(word, pc)}" if word is not None else "no code"
    payload = _try(lambda: int(vcpu.exit_arg), 0)
    return f"not emulated: pc {pc:#x}: {what}: {reason} ({name}, {payload:#x})\n{crash_report(vcpu)}"


def crash_report(vcpu: VCPU, vm: VM | None = None) -> str:
    """pc, word, disassembly, registers as the kernel prints them, and what left translated code so far."""
    parts: tuple[Callable[[], list[str]], ...] = (
        lambda: registers(vcpu), lambda: code_around(vcpu), lambda: exits(vcpu),
    )  # fmt: skip
    lines: list[str] = []
    for part in parts:
        lines += _try(part, ["(this part of the report failed)"])
    return "\n".join(lines)


def registers(vcpu: VCPU) -> list[str]:
    """As Linux's show_regs."""
    msr = int(vcpu.msr)
    names = ",".join(name for bit, name in MSR_BITS if msr >> bit & 1)
    lines = [
        f"NIP:  {vcpu.nia:016x} LR: {vcpu.lr:016x} CTR: {vcpu.ctr:016x}",
        f"MSR:  {msr:016x} <{names}>  CR: {vcpu['cr']:08x}  XER: {vcpu['xer']:08x}",
        f"DAR: {vcpu.dar:016x} DSISR: {vcpu.dsisr:08x} SRR0: {vcpu.srr0:016x} SRR1: {vcpu.srr1:016x}",
    ]
    for first in range(0, 32, 4):
        values = " ".join(f"{vcpu.gpr[i]:016x}" for i in range(first, first + 4))
        lines.append(f"GPR{first:02}: {values}")
    return lines


def code_around(vcpu: VCPU) -> list[str]:
    """The instructions around pc, as far as they are on its page and can be read."""
    pc = int(vcpu.nia) & ~3
    lines = []
    for at in range(pc - 4 * AROUND, pc + 4 * AROUND + 4, 4):
        if at >> 12 != pc >> 12:
            continue
        word = word_at(vcpu, at)
        if word is None:
            if at == pc:
                return [f"no code can be read at pc {pc:#x}"]
            continue
        lines.append(f"{'>' if at == pc else ' '} {at:16x}:  {word:08x}  {disassembly(word, at)}")
    return lines


def exits(vcpu: VCPU) -> list[str]:
    """How often translated code was left, by kind, and the last one."""
    counts = ((k.name, read(vcpu.address, slot("exit_count").element(int(k)))) for k in Exit)
    listed = ", ".join(f"{name} {n}" for name, n in counts if n)
    last = int(vcpu.exit)
    name = Exit(last).name if last in set(Exit) else str(last)
    return [f"after {vcpu.icount} instructions; exits: {listed or 'none'}; last {name} ({vcpu.exit_arg:#x})"]


def word_at(vcpu: VCPU, ea: int) -> int | None:
    """The instruction word at an effective address on pc's page, or None. Changes nothing the guest can see."""
    real = _try(lambda: real_address(vcpu, ea), None)
    if real is None:
        return None
    order: Any = "little" if _try(lambda: Mode.of_index(vcpu.mode).le, False) else "big"
    return _try(lambda: int.from_bytes(vcpu.vm.read(real, 4), order), None)


def real_address(vcpu: VCPU, ea: int) -> int | None:
    """Where an instruction address leads, as the guest's tables say (runtime/mmu/explain)."""
    if not vcpu.msr & 0x20:  # MSR[IR]
        return ea & ((1 << 60) - 1)
    from .mmu.explain import Registers, translate

    return translate(Registers.of(vcpu), ea, "fetch").real


def disassembly(word: int, pc: int) -> str:
    """Text of an instruction, or what is known of the word."""

    def text() -> str:
        from dbt.frontend import isa as _declarations  # noqa: F401
        from dbt.frontend.disassembler import disassemble

        return disassemble(word, pc)

    return _try(text, "(no disassembly)")


def _try(fn: Callable[[], Any], otherwise: Any) -> Any:
    try:
        return fn()
    except Exception:
        return otherwise
