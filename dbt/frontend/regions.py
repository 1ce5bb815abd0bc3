"""What to compile together: the instructions reachable from a hot entry without leaving its 4 KiB page."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import lru_cache

from ..ir import ops
from ..ir.builder import Builder, Value
from ..ir.sweep import sweep
from ..ir.terminals import Branch, Jump
from ..mode import Mode
from .context import Context
from .translate import build, decode

MAX_INSTRUCTIONS = 320  # LLVM's time grows faster than this
PAGE_BYTES = 4096


@dataclass(slots=True)
class Region:
    """Blocks by the byte offset of their first instruction; the entry comes first. Offsets are within the page."""

    entry: int
    mode: Mode
    blocks: dict[int, Builder]
    lengths: dict[int, int]  # instructions in each block
    covered: list[int]  # offsets of all words it was made from
    entries: list[int]  # blocks that control may come to from outside or by an indirect jump; the first is the hot one
    onward: dict[int, list[int]]  # of blocks that end in an indirect jump: the entries it may go to


@dataclass(frozen=True, slots=True)
class Flow:
    """Where one instruction leads: on to the next, to a displacement, or out of sight."""

    falls: bool
    displacement: int | None
    links: bool
    indirect: bool
    returns: bool  # to behind a call, if programs do what compilers make them do


@lru_cache(maxsize=1 << 14)
def flow_of(word: int, mode: Mode) -> Flow:
    """The flow of an instruction word, read off its IR."""
    c = Context(mode)
    build(c, word, 0)
    end = c.ir.end
    found = decode(word, mode.level)
    links = found is not None and bool(found.fields.get("LK"))
    if end is None:
        return Flow(True, None, False, False, False)
    if isinstance(end, Jump | Branch):
        d = displacement(end.target)
        return Flow(isinstance(end, Branch), d, links, d is None, found is not None and found.insn.name == "bclr" and not links)
    return Flow(False, None, False, False, False)


def displacement(target: Value, offset: int = 0) -> int | None:
    """How far a target lies from the instruction at `offset`, if that is known; None for a run-time address."""
    v = target
    if v.op is ops.and_ and v.args[1].const == 0xFFFF_FFFF:
        v = v.args[0]
    if v.op is ops.base:
        return -offset
    if v.op is ops.add and v.args[0].op is ops.base and v.args[1].const is not None:
        x = v.args[1].const
        return (x - (1 << 64) if x >> 63 else x) - offset
    return None


def discover(words: Sequence[int], entry: int, mode: Mode, arrivals: Collection[int] | None = None,
             limit: int = MAX_INSTRUCTIONS) -> Region:  # fmt: skip
    """The region at byte offset `entry` of a page of 1,024 instruction words.

    `arrivals`: offsets that control was seen to jump to often: the candidates for indirect jumps, and the only branch
    targets worth compiling. None: not known, so every branch target is followed and no indirect one."""
    seen: dict[int, Flow] = {}
    leaders = {entry}
    targets: set[int] = set()
    todo = [entry]
    has_indirect = False
    while todo and len(seen) < limit:
        at = todo.pop(0)
        while 0 <= at < PAGE_BYTES and at not in seen and len(seen) < limit:
            flow = seen[at] = flow_of(words[at >> 2], mode)
            if flow.displacement is not None and flow.displacement != 4:
                target = at + flow.displacement
                if 0 <= target < PAGE_BYTES and (arrivals is None or target in arrivals or target in seen):
                    leaders.add(target)
                    todo.append(target)
            if flow.links:
                if arrivals is None or at + 4 in arrivals:
                    targets.add(at + 4)  # where the callee returns to
                leaders.add(at + 4)
                todo.append(at + 4)
                break
            if flow.indirect and not has_indirect:
                has_indirect = True
                for a in sorted(arrivals or ()):
                    leaders.add(a)
                    targets.add(a)
                    todo.append(a)
            if not flow.falls:
                break
            if flow.displacement is not None or flow.indirect:
                leaders.add(at + 4)
            at += 4
    blocks: dict[int, Builder] = {}
    lengths: dict[int, int] = {}
    for start in [entry, *sorted(leaders - {entry})]:
        if start not in seen:
            continue
        c = Context(mode)
        at = start
        while True:
            c.ir.at = (at - start) >> 2
            build(c, words[at >> 2], at)
            at += 4
            if c.ir.end is not None:
                break
            if at in leaders or at not in seen:
                c.offset = at - 4
                c.jump(c.pc + 4)
                break
        sweep(c.ir)
        blocks[start] = c.ir
        lengths[start] = (at - start) >> 2
    entries = [entry, *sorted(t for t in targets | set(arrivals or ()) if t in blocks and t != entry)]
    onward = {}
    for start in blocks:
        last = seen[start + 4 * (lengths[start] - 1)]
        if last.indirect:
            onward[start] = [t for t in entries if last.returns == (t > 0 and flow_of(words[(t >> 2) - 1], mode).links)]
    return Region(entry, mode, blocks, lengths, sorted(seen), entries, onward)
