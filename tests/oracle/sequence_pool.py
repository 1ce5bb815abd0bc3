"""Random sequences: which instructions, with which operands, and the state they start from."""

from __future__ import annotations

import random
import re
import struct
from functools import cache

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.fields import Field
from dbt.frontend.insn import ISA, Insn
from dbt.mode import LEVELS

from ..engines.cases import double, number
from .fixed_sweep import ONLY_64
from .known_qemu import DIRECTED, DIVISION, HALF_UNDEFINED, HIGH_UNDEFINED, left_out
from .sequence_layout import (
    BASE,
    BUFFER_BYTES,
    CODE,
    CR,
    CTR,
    DOUBLEWORDS,
    FPR_TARGETS,
    FPSCR,
    HEAD,
    INDEX,
    INDEX2,
    LR,
    MIDDLE,
    STATE,
    VSCR,
    VSR,
    VSX_REGISTERS,
    XER,
    Sequence,
    Target,
)

REACH = 8
TARGETS = range(28)
# chapters: pattern of module names -> how often one of its instructions is taken
CHAPTERS = {
    r"cr|fixed_\w+|storage_fixed|move_spr": 9,
    r"float_(arithmetic|storage)": 4,
    r"vector_\w+": 4,
    r"vsx_\w+": 4,
    r"decimal_\w+": 1,
}
LEVEL = LEVELS.index("3.0")


@cache
def pools(bits: int, little: bool, directed: bool) -> tuple[list[list[Insn]], list[int]]:
    """The instructions to choose from, a list and its weight for each chapter."""
    lists, weights = [], []
    for pattern, weight in CHAPTERS.items():
        chosen = [i for i in ISA.insns if re.fullmatch(pattern, i.module.rpartition(".")[2]) and usable(i, bits, little, directed)]
        if chosen:
            lists.append(chosen)
            weights.append(weight)
    return lists, weights


def usable(i: Insn, bits: int, little: bool, directed: bool) -> bool:
    """Whether a sequence may have an instruction."""
    if i.privileged or LEVEL not in i.levels or left_out(i.name, bits, little) or (directed and DIRECTED.fullmatch(i.name)):
        return False
    newer = i.since[0] in "23" or i.needs.startswith("v")
    return not (bits == 32 and (ONLY_64.fullmatch(i.name) or newer or re.match(r"l[dw]a|ld|std|lwa|stdcx", i.name)))


def choose(r: random.Random, t: Target, directed: bool = False) -> Insn:
    """A random instruction. directed: FPSCR[RN] is 2 or 3."""
    lists, weights = pools(t.bits, t.mode.le, directed)
    return r.choice(r.choices(lists, weights)[0])


def forms(insn: Insn) -> set[str]:
    """The names of its fields."""
    return {f.name for f in insn.fields}


def register(r: random.Random, insn: Insn, f: Field, t: Target) -> int:
    """A random register: FP instructions write low FPRs and read any, VSX ones use the VSRs above those."""
    if f.kind == "gpr":
        return r.choice(TARGETS)
    if f.kind == "vr":
        return r.randrange(32)
    if f.kind == "vsr":
        return r.choice(FPR_TARGETS if f.name == "XT" and HALF_UNDEFINED.fullmatch(insn.name) else VSX_REGISTERS)
    pairs = -2 if f.name.endswith("p") else -1  # odd ones are an invalid form (I 4.6.4)
    return (r.choice(FPR_TARGETS) if f.name.startswith("FRT") and t.bits == 64 else r.randrange(32)) & pairs


def fields(r: random.Random, insn: Insn, t: Target, **fixed: int) -> int:
    """A word with random fields: GPR targets below 28, SPRs the user's, and `fixed` ones as given."""
    word = insn.bits
    element = re.match(r"(?:vextractu?|vinsert)([bhwd])", insn.name)
    for f in insn.fields:
        if f.name in fixed:
            word |= f.insert(fixed[f.name])
        elif f.kind in ("gpr", "fpr", "vr", "vsr") or f.name in ("FRTp", "FRSp"):
            word |= f.insert(register(r, insn, f, t))
        elif f.name == "SPR":
            word |= f.insert(r.choice((8, 9) if insn.name == "mtspr" else (1, 8, 9)))
        elif f.name == "FXM" and "o" in insn.name.removesuffix("crf"):
            word |= f.insert(1 << r.randrange(8))
        elif f.name == "UIM4" and element:  # an element that reaches past the register is undefined
            word |= f.insert(r.randint(0, 16 - {"b": 1, "h": 2, "w": 4, "d": 8}[element[1]]))
        elif f.name == "CY" or (f.name == "Rc" and re.search("float|decimal", insn.module)):
            pass  # other values are reserved; CR1 shows FEX, which QEMU 7.2 sets after vector comparisons of NaNs
        else:
            word |= r.getrandbits(32) & f.mask
    if insn.name.startswith("xsrqp") and not word >> 16 & 1:
        word &= ~(3 << 9)  # 1 and 2 are reserved; for 3 QEMU 7.2 mistakes the numbers of FPSCR[RN]
    if t.bits == 32 and insn.name in ("cmp", "cmpi", "cmpl", "cmpli"):
        word &= ~(1 << 21)
    return word


def storage(r: random.Random, insn: Insn, t: Target) -> tuple[int, ...]:
    """An access within the buffer; update forms and reservations get an address of their own."""
    has = forms(insn)
    data = r.choice(TARGETS)
    fixed = {n: data for n in ("RT", "RS") if n in has}
    if insn.name == "stmw":
        fixed["RS"] = r.randrange(20, 32)
    if insn.name == "stswi":
        return (fields(r, insn, t, RA=BASE, NB=r.randint(1, 31)),)
    if "arx" in insn.name or "cx." in insn.name:
        own = r.choice([n for n in range(1, 28) if n != data])
        make = 14 << 26 | own << 21 | BASE << 16 | (r.randrange(-32, 32) * 8 & 0xFFFF)
        return make, fields(r, insn, t, RA=0, RB=own, **fixed)
    if re.fullmatch("(l|st)xvll?", insn.name):  # RB is a length
        return (fields(r, insn, t, RA=BASE),)
    displacement = next((n for n in ("D", "DS", "DQ", "DQX") if n in has), "")
    if re.search("u$|ux$", insn.name):
        own = r.choice([n for n in range(1, 28) if n != data])
        make = 14 << 26 | own << 21 | BASE << 16 | (r.randrange(-200, 200) & 0xFFFF)
        other = {displacement: r.randrange(-50, 50) * 4} if displacement else {"RB": r.choice((INDEX, INDEX2))}
        return make, fields(r, insn, t, RA=own, **other, **fixed)
    if displacement:
        offset = r.randrange(-25, 24) * 16 if "Q" in displacement else r.randrange(-100, 96) * 4
        offset += (displacement == "D") * r.choice((0, 0, 1, 2, 3))
        return (fields(r, insn, t, RA=BASE, **{displacement: offset}, **fixed),)
    ra, rb = r.choice(((BASE, INDEX), (INDEX, BASE), (0, BASE), (BASE, INDEX2), (INDEX2, BASE)))
    return (fields(r, insn, t, RA=ra, RB=rb, **fixed),)


def accesses(insn: Insn) -> bool:
    """Whether it has an effective address."""
    return "storage" in insn.module and bool({"RA", "RB"} & forms(insn)) and not insn.name.startswith("lvs")


def group(r: random.Random, t: Target, directed: bool) -> tuple[int, ...]:
    """One random instruction and what it needs."""
    insn = choose(r, t, directed)
    if accesses(insn):
        return storage(r, insn, t)
    if insn.name == "mtspr" and r.random() < 0.3:  # XER: its reserved bits hold what was written, or 0 (I 1.3.3)
        own = r.choice(TARGETS)
        return (15 << 26 | own << 21 | 0xE000, 24 << 26 | own << 21 | own << 16 | 0x7F,
                31 << 26 | own << 21 | own << 16 | r.choice(TARGETS) << 11 | 28 << 1, fields(r, insn, t, SPR=1, RS=own))  # fmt: skip
    if DIVISION.fullmatch(insn.name):
        own, target, top = r.choice(TARGETS), r.choice(TARGETS), r.choice(TARGETS)
        small = 21 << 26 | r.choice(TARGETS) << 21 | own << 16 | r.randrange(17, 31) << 6 | 31 << 1
        odd = 24 << 26 | own << 21 | own << 16 | 1
        plain = {"Rc": 0} if HIGH_UNDEFINED.fullmatch(insn.name) else {}
        return small, odd, fields(r, insn, t, RT=target, RA=top, RB=own, **plain), *clear_high(target, insn, t)
    if HIGH_UNDEFINED.fullmatch(insn.name):
        target = r.choice(TARGETS)
        return fields(r, insn, t, RT=target, Rc=0), *clear_high(target, insn, t)
    if insn.name in ("vsl", "vsr"):  # every byte of VRB must say the same: vspltisb makes it
        amount = r.randrange(32)
        return 4 << 26 | amount << 21 | r.randrange(-8, 8) % 32 << 16 | 780, fields(r, insn, t, VRB=amount)
    if insn.name.startswith("vextu"):  # an element that reaches past the register is undefined: andi.
        own, size = r.choice(TARGETS), {"b": 0, "h": 1, "w": 3}[insn.name[5]]
        return 28 << 26 | r.choice(TARGETS) << 21 | own << 16 | (15 & ~size), fields(r, insn, t, RA=own)
    if insn.bits >> 26 == 59 and "float" in insn.module and t.bits == 32:  # single precision takes singles (I 4.3.5.1)
        word = fields(r, insn, t)
        used = {f.extract(word) for f in insn.fields if f.name in ("FRA", "FRB", "FRC")}
        return *(63 << 26 | n << 21 | n << 11 | 12 << 1 for n in sorted(used)), word
    return (fields(r, insn, t),)


def clear_high(target: int, insn: Insn, t: Target) -> tuple[int, ...]:
    """rldicl target,target,0,32 where the high half is undefined."""
    return (30 << 26 | target << 21 | target << 16 | 1 << 5,) if t.bits == 64 and HIGH_UNDEFINED.fullmatch(insn.name) else ()


def branch(r: random.Random) -> tuple[int, ...]:
    """A branch, taken or not; `generate` says where to."""
    if r.random() < 0.15:
        return (18 << 26 | r.randrange(2),)
    return (16 << 26 | r.choice((4, 12, 4, 12, 16, 18, 0, 2, 8, 10, 20)) << 21 | r.randrange(32) << 16 | r.randrange(2),)


def loop(r: random.Random, t: Target, directed: bool) -> tuple[int, ...]:
    """li, mtctr, some instructions, bdnz."""
    own = r.choice(TARGETS)
    body: list[int] = []
    while len(body) < 4:
        insn = choose(r, t, directed)
        if not accesses(insn) and insn.name != "mtspr" and not DIVISION.fullmatch(insn.name) and not insn.name.startswith(("vextu", "vs")):
            body += looped(r, insn, t)
    back = 16 << 26 | 16 << 21 | (-4 * len(body) & 0xFFFC)
    return 14 << 26 | own << 21 | r.randint(1, 6), 31 << 26 | own << 21 | 9 << 16 | 467 << 1, *body, back


def looped(r: random.Random, insn: Insn, t: Target) -> list[int]:
    """An instruction without undefined results."""
    if HIGH_UNDEFINED.fullmatch(insn.name):
        target = r.choice(TARGETS)
        return [fields(r, insn, t, RT=target, Rc=0), *clear_high(target, insn, t)]
    return [fields(r, insn, t)]


def quarters(r: random.Random) -> int:
    """A doubleword as vectors have them: small elements, singles, edges."""
    kind = r.random()
    if kind < 0.3:
        return double(r)
    if kind < 0.5:
        single = (0, 1 << 31, 0x3F80_0000, 0x7F80_0000, 0x7FC0_0000, 1, 0x4B00_0000, 0xBF00_0000, 0x7F7F_FFFF)
        return sum((r.choice(single) if r.random() < 0.5 else r.getrandbits(32)) << k for k in (0, 32))
    width = r.choice((8, 16, 32, 64))
    edges = (0, 1, (1 << width) - 1, 1 << width - 1, (1 << width - 1) - 1)
    return sum((r.choice(edges) if r.random() < 0.4 else r.getrandbits(width)) << k for k in range(0, 64, width))


def state(r: random.Random, t: Target) -> bytes:
    """The start of a record."""
    head = [0] * (HEAD // 8)
    head[:32] = [number(r) for _ in range(32)]
    head[BASE], head[31] = MIDDLE, STATE
    head[INDEX], head[INDEX2] = r.randrange(-60, 60) * 4 & 2**64 - 1, r.randrange(-100, 100) & 2**64 - 1
    head[CR], head[LR] = r.getrandbits(32), number(r)
    head[XER] = r.getrandbits(3) << 29 | r.randrange(128)
    head[CTR] = STATE + CODE  # as the harness leaves it
    if t.bits == 64:
        head[FPSCR] = r.choice((0, 0, 1, 2, 3)) | r.getrandbits(3) << 32
        head[VSCR] = r.choice((0, 0, 1, 1 << 16))
    for n in range(64):
        head[VSR + 2 * n] = double(r) if n < 32 and r.random() < 0.6 else quarters(r)
        head[VSR + 2 * n + 1] = quarters(r)
    return struct.pack(f">{DOUBLEWORDS}", *head) + r.randbytes(BUFFER_BYTES)


def generate(r: random.Random, t: Target) -> Sequence:
    """A random sequence and state."""
    length = r.randint(20, 200)
    start = state(r, t)
    directed = start[8 * FPSCR + 7] & 2 != 0
    groups: list[tuple[int, ...]] = []
    while sum(map(len, groups)) < length:
        kind = r.random()
        groups.append(branch(r) if kind < 0.08 else loop(r, t, directed) if kind < 0.1 else group(r, t, directed))
    for n, g in enumerate(groups):  # branches go to a group: what belongs together is run together
        if g[0] >> 26 in (16, 18):
            groups[n] = (g[0] | 4 * sum(map(len, groups[n : n + r.randint(1, REACH)])),)
    return Sequence(tuple(groups), start)
