"""Making a sequence that disagrees short: fewer instructions, then plainer inputs and immediates; and showing it."""

from __future__ import annotations

from collections.abc import Callable

from dbt.frontend.disassembler import disassemble
from dbt.frontend.fields import Field
from dbt.frontend.insn import ISA

from .sequence_layout import BASE, BUFFER, BUFFER_BYTES, CODE, CTR, FPSCR, HEAD, NOP, STATE, VSR, Sequence, register_name

Fails = Callable[[Sequence], bool]
KEPT = {31, BASE, CTR}  # doublewords that the harness needs
BC, RLDICL = 16, 30  # primary opcodes
LISTED = 24  # inputs that a listing shows


def shrink(s: Sequence, fails: Fails) -> Sequence:
    """The same disagreement, or another, with as little as possible."""
    return plainer_words(plainer_inputs(shorter(s, fails), fails), fails)


def shorter(s: Sequence, fails: Fails) -> Sequence:
    """Leave out groups while it still fails. nops take their place, so that branches go where they went."""
    groups = list(s.groups)
    size = len(groups) // 2
    while size:
        for at in range(0, len(groups), size):
            trial = groups[:at] + [(NOP,) * len(g) for g in groups[at : at + size]] + groups[at + size :]
            if trial != groups and fails(s._replace(groups=tuple(trial))):
                groups = trial
        size //= 2
    for n, g in enumerate(groups):  # a loop that must stay may have a shorter body; rldicl hides what is undefined
        for k in range(2, len(g) - 1) if is_loop(g) else ():
            plain = (*groups[n][:k], NOP, *groups[n][k + 1 :])
            if g[k] >> 26 != RLDICL and fails(s._replace(groups=(*groups[:n], plain, *groups[n + 1 :]))):
                groups[n] = plain
    return s._replace(groups=tuple(groups))


def is_loop(group: tuple[int, ...]) -> bool:
    """Whether it is li, mtctr, a body, bdnz."""
    return len(group) > 1 and group[-1] >> 26 == BC


def plainer_inputs(s: Sequence, fails: Fails) -> Sequence:
    """Zero what can be zero: the buffer, then registers, many at once and one by one."""
    for start in range(BUFFER, BUFFER + BUFFER_BYTES, 128):
        trial = s._replace(record=s.record[:start] + bytes(128) + s.record[start + 128 :])
        if trial != s and fails(trial):
            s = trial
    places = [n for n in range(HEAD // 8) if n not in KEPT]
    for size in (len(places), 64, 16, 4, 1):
        for at in range(0, len(places), size):
            trial = s
            for n in places[at : at + size]:
                trial = trial.with_doubleword(n, 0)
            if trial != s and fails(trial):
                s = trial
    for n in places:  # what is left: fewer bits
        for value in (1, 0x3FF << 52, s.doublewords[n] >> 32 << 32, s.doublewords[n] & 0xFFFF_FFFF):
            trial = s.with_doubleword(n, value)
            if 0 < value < s.doublewords[n] and fails(trial):
                s = trial
                break
    return s


def immediates(word: int) -> list[Field]:
    """Fields of an instruction that are plain numbers. Where it branches to is none."""
    found = ISA.decode(word)
    return [f for f in found.fields if f.kind == "number"] if found and word >> 26 not in (16, 18, 19) else []


def plainer_words(s: Sequence, fails: Fails) -> Sequence:
    """Zero the immediates, and leave the record form out."""
    for n, g in enumerate(s.groups):
        if is_loop(g):  # a count of zero is 2**64
            continue
        for k, word in enumerate(g):
            for f in immediates(word):
                plain = g[:k] + (word & ~f.mask,) + g[k + 1 :]
                trial = s._replace(groups=(*s.groups[:n], plain, *s.groups[n + 1 :]))
                same = ISA.decode(word & ~f.mask) is ISA.decode(word)
                if word & f.mask and same and fails(trial):
                    s, g, word = trial, plain, word & ~f.mask
    return s


def listing(s: Sequence) -> str:
    """The sequence without its nops, and the inputs that are not zero."""
    out = []
    for n, w in enumerate(s.words):
        if w != NOP:
            pc = STATE + CODE + 4 * n
            out.append(f"  {pc:#x} {w:08x} {disassemble(w, pc)}")
    given = s.doublewords
    inputs = [f"{register_name(n)}={given[n]:#x}" for n in (*range(FPSCR + 2), *range(VSR, VSR + 128)) if given[n] and n not in KEPT]
    if any(s.record[BUFFER:]):
        inputs.append("and what is in the buffer")
    more = [f"and {len(inputs) - LISTED} more"] if len(inputs) > LISTED else []
    return "\n".join([f"  with {' '.join(inputs[:LISTED] + more)}", *out])
