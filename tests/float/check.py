"""Compares the engines with the reference.

    python -m tests.float.check [random cases per instruction] [seed] [engine] [mnemonic pattern]
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from ..limits import part
from . import reference
from .guest import BEFORE, CASES, Case, Guest
from .operands import INSTRUCTIONS, VSX, Instruction, randoms, specials

MODES = (0, 1, 2, 3)
ENABLES = tuple(sorted({*(e | m for e in (0x80, 0x40, 0x20, 0x10, 8, 0xF8) for m in MODES)}))


def thorough(specials: Callable[[Any, tuple[int, ...]], Iterable[Any]], i: Any) -> Iterator[Any]:
    """Every combination of special operands in each rounding mode, and with exceptions enabled a fifth of them: another one each time."""
    yield from part(specials(i, MODES), 1)
    yield from part(specials(i, ENABLES if len(i.operands) < 3 else (0xF8, 0x40, 0x21)), 5)


def expected(i: Instruction, case: Case) -> tuple[int, int, int]:
    """(FRT, FPSCR, CR) by the reference. Undefined where the manual is open."""
    fpscr = reference.raised(case[0] & 0xFFFF_F7FF, 0)  # as mtfsf leaves it
    held = (*case, BEFORE)[i.before]
    if i.name in ("eq", "gt", "ge", *(f"{m}{k}" for m in ("max", "min") for k in ("", "c", "j"))):
        f = (reference.truth(i.name, case[1], case[2], fpscr) if len(i.name) == 2 else reference.extreme(i.name, case[1], case[2]))
        suppressed = reference.enabled(f[1], fpscr)
        return (held if suppressed else f[0]), reference.raised(fpscr, f[1]), 0
    if i.name.startswith("cmp"):
        cc, after = reference.comparison(i.name == "cmpo", case[1], case[2], fpscr)
        return BEFORE, after, cc << 28
    result, after = reference.arithmetic(i.name, i.single, case[1], case[2], case[3], fpscr)
    return (held if result is None else result), after, 0


def differences(guest: Guest, i: Instruction, cases: Iterable[Case], *others: Guest) -> tuple[int, list[str]]:
    """(how many cases, those that differ). `others` must come to the same as `guest`: the reference is what takes time."""
    todo, wrong, count = list(cases), [], 0
    for start in range(0, len(todo), CASES):
        some = todo[start : start + CASES]
        for case, got, *more in zip(some, *(g.run(i.words or [i.word], some) for g in (guest, *others)), strict=True):
            if any(other != got for other in more):
                wrong.append(f"{i.mnemonic} fpscr a b c {[f'{x:#x}' for x in case]}: the engines differ: {got}, {more}")
            try:
                want = expected(i, case)
            except reference.Undefined:
                continue
            count += 1
            if got != want:
                show = [f"{x:#x}" for x in (*case, *got, *want)]
                wrong.append(f"{i.mnemonic} fpscr a b c {show[:4]}: got {show[4:7]}, expected {show[7:]}")
    return count, wrong


def command(instructions: Iterable[Any], tried: Callable[[Guest, Any, int, int], Iterator[tuple[int, list[str]]]]) -> int:
    """The command line of a check: `tried` gives, for a guest, an instruction, a number of random cases and a seed, what
    `differences` says of each of its sets of cases. The exit status."""
    n, seed, engine, pattern = (sys.argv[1:] + ["2000", "1", "interpreter", ".*"][len(sys.argv) - 1 :])[:4]
    guest, total, bad, start = Guest(engine), 0, 0, time.time()
    for i in instructions:
        if not re.fullmatch(pattern, i.mnemonic):
            continue
        for count, wrong in tried(guest, i, int(n), int(seed)):
            total += count
            bad += len(wrong)
            for line in wrong[:3]:
                print(line, flush=True)
            if len(wrong) > 3:
                print(f"  ... {len(wrong)} of {count}")
    print(f"{total} cases, {bad} differ, {time.time() - start:.0f} s")
    guest.close()
    return bool(bad)


def tried(guest: Guest, i: Instruction, count: int, seed: int) -> Iterator[tuple[int, list[str]]]:
    """Special operands, then random ones."""
    for cases in (specials(i, MODES), randoms(i, count, seed, (0, 0, 0, *MODES, *ENABLES))):
        yield differences(guest, i, cases)


if __name__ == "__main__":
    sys.exit(command((*INSTRUCTIONS, *VSX), tried))
