"""Emulating privileged instructions that trapped (`--privileged trap`, the talk's PR=1 trick).

All but the overridden ones carry out the instruction's own declaration, so that trapping and translating cannot disagree: its IR, as
one Python function for each word (dbt/ir/python.py); for the reference engine, by the evaluator. A user's callback may replace any
mnemonic.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

from dbt.exits import Exit
from dbt.mode import MODES, Mode
from dbt.state import offset

from ..registers import views

if TYPE_CHECKING:
    from dbt.ir.python import Function

    from ..vcpu import VCPU

Emulator = Callable[["VCPU", int], None]
_OVERRIDES: dict[str, Emulator] = {}
_NIA, _ICOUNT, _EXIT, _EXIT_ARG, _MODE, _PAGE_EA = (offset(n) // 8 for n in ("nia", "icount", "exit", "exit_arg", "mode", "page_ea"))
MOST = 4096  # words that are remembered: a kernel has some hundred, a guest that wants our memory has a million
_ADDRESS, _PAGE = (1 << 64) - 1, (1 << 64) - 4096


def emulates(mnemonic: str) -> Callable[[Emulator], Emulator]:
    """Register the decorated function for a mnemonic: it gets the vCPU (nia at the instruction) and the word.

    For vCPUs that have not yet emulated it."""

    def register(fn: Emulator) -> Emulator:
        _OVERRIDES[mnemonic] = fn
        return fn

    return register


def emulator(vcpu: VCPU) -> Callable[[], int]:
    """What carries out the privileged instruction at nia that a vCPU left for (Exit.PRIVILEGED), as supervisor code, and goes past it.

    It returns how many instructions completed by that: one, or none if it made an interrupt."""
    from ..reference import Surroundings, carry_out

    q, w, b = views(vcpu.address)
    surroundings, address, level = Surroundings(vcpu), vcpu.address, vcpu.vm.cpu.level
    handle = vcpu.vm.engine.function("handle", 1)
    evaluated = vcpu.vm.engine_kind == "reference"
    emulated, heavy = vcpu.emulated, vcpu.heavy
    clock = vcpu.vm.parallel
    plans: list[dict[int, tuple[str, Function | None]]] = [{} for _ in range(MODES)]

    def emulate() -> int:
        heavy["PRIVILEGED"] = heavy.get("PRIVILEGED", 0) + 1  # += would take twice as long
        plan = plans[q[_MODE]].get(q[_EXIT_ARG])
        if plan is None:
            word = q[_EXIT_ARG] & 0xFFFF_FFFF
            mnemonic, name = names(word)
            mine = evaluated or mnemonic in _OVERRIDES
            if len(plans[q[_MODE]]) >= MOST:
                plans[q[_MODE]].clear()
            plan = plans[q[_MODE]][q[_EXIT_ARG]] = name, None if mine else carried_out(word, q[_MODE], level)
        name, function = plan
        emulated[name] = emulated.get(name, 0) + 1
        before = q[_ICOUNT]
        if function is None:
            word = q[_EXIT_ARG] & 0xFFFF_FFFF
            _OVERRIDES.get(names(word)[0], carry_out)(vcpu, word)
            return int(q[_ICOUNT]) - before
        pc = q[_NIA]
        q[_PAGE_EA] = pc & _PAGE
        way = function(q, w, b, surroundings, pc)
        if clock and isinstance(way, tuple) and way[0] == Exit.CLOCK:  # not for the next attempt: leaving native code makes the time old again
            handle(address, Exit.CLOCK)
            way = function(q, w, b, surroundings, pc)
        if way is None:
            q[_NIA], q[_ICOUNT] = pc + 4 & _ADDRESS, before + 1
            return 1
        if isinstance(way, int):
            q[_NIA], q[_ICOUNT] = way, before + 1
            return 1
        kind, payload, after, _ = way
        q[_NIA] = pc + 4 & _ADDRESS if after else pc
        q[_ICOUNT], q[_EXIT], q[_EXIT_ARG] = before + after, kind, payload
        if not handle(address, kind):
            raise AssertionError(f"privileged instruction {name} left with {Exit(kind).name}")
        q[_EXIT] = 0
        return int(q[_ICOUNT]) - before

    return emulate


@lru_cache(maxsize=MOST)
def carried_out(word: int, mode: int, level: int) -> Function:
    """What a privileged instruction does in a mode (its index) once it has trapped, wherever it is."""
    from dbt.frontend.translate import anywhere
    from dbt.ir.python import function
    from dbt.ir.sweep import sweep

    return function(sweep(anywhere(word, Mode.of_index(mode, level)._replace(trap=False)).ir))


@lru_cache(maxsize=MOST)
def names(word: int) -> tuple[str, str]:
    """(mnemonic, what it is counted as) of an instruction: moves from and to special-purpose registers by register."""
    from dbt.frontend.isa.spr import SPRS
    from dbt.frontend.translate import decode

    found = decode(word)
    if found is None:
        return f"{word:#010x}", f"{word:#010x}"
    mnemonic = found.insn.name
    if mnemonic not in ("mfspr", "mtspr"):
        return mnemonic, mnemonic
    number = (word >> 16 & 31) | (word >> 6 & 0x3E0)
    return mnemonic, f"{mnemonic} {SPRS[number].name if number in SPRS else number}"
