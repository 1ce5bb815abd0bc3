"""Disassembler and assembler against GNU binutils, for random words of every declaration."""

from __future__ import annotations

import random
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import dbt.frontend.isa  # noqa: F401  (declares the instructions)
from dbt.frontend.assembler import assemble
from dbt.frontend.disassembler import disassemble
from dbt.frontend.fields import FIELDS
from dbt.frontend.insn import ISA, Insn
from dbt.mode import LEVELS

OBJDUMP, AS = "powerpc64-linux-gnu-objdump", "powerpc64-linux-gnu-as"
WORDS = 24

# Where we write something else on purpose: (our text, objdump's text, why). Patterns over whole lines.
DELIBERATE = [
    (r"(bc|bcl|bca|bcla|bclrl?|bcctrl?|bctarl?) \d+,.*", r".*", "reserved BO: objdump drops z bits or gives up"),
    (r"b\w+[-+]? .*|b\w+[-+]?", r"\.long .*", "BO encodings with reserved z bits set execute"),
    (r"(mfspr|mtspr) .*", r"(mfrtc[ul]|mtrtc[ul]) .*", "the 601's real-time clock is not POWER8's"),
    (r"(mftb|mftbu) .*", r"\.long .*|mftb.*", "objdump for POWER8 knows mftb only as mfspr 268"),
    (r"(l|st)\w+ux? .*|(lmw|lsw[ix]|lq|stq|lqarx|stqcx\.|(l|st)fdpx?) .*", r"\.long .*", "invalid: RA a target, odd pairs"),
    (r"d\w+q\.? .*f\d*[13579]\b.*", r"\.long .*|d\w+q\.? .*", "odd pairs: objdump refuses targets and writes sources even"),
    (r"m[ft]ocrf .*", r"\.long .*", "more than one field named"),
    (r"(dcbf|sync|wait)\b.*", r"\.long .*", "reserved L or WC"),
    (r"tlbiel (r\d+),r(\d+)", r"tlbiel \S+", "objdump writes the register field RS as the number L"),
    (r"tabort.* .*", r"tabort.*", "outside of a transaction RA is not even read: we write 0"),
    (r"dst(st)?t? 0,.*", r"dst(st)?t? r0,.*", "RA = 0 is no register, and nobody reads it: objdump writes r0"),
    (r"icswx\.? r\d+,0,.*", r"icswx\.? r\d+,r0,.*", "likewise"),
    (r"b\w*a[-+]? (.*,)?0xffffffff\w{8}", r"b\w*a[-+]? (.*,)?0x\w{8}", "objdump cuts absolute targets to 32 bits"),
]  # fmt: skip

needs_binutils = pytest.mark.skipif(
    not (shutil.which(OBJDUMP) and shutil.which(AS)), reason="needs binutils-powerpc64-linux-gnu"
)


def random_words(insn: Insn, n: int = WORDS, seed: int = 0) -> list[int]:
    """Words that decode to this declaration, reserved bits zero; corners first."""
    r = random.Random(f"{insn.syntax}{seed}")
    out = []
    for k in range(50 * n):
        fill = 0xFFFF_FFFF if k == 1 else 0 if k == 0 else r.getrandbits(32)
        if k % 3 == 2:  # equal registers, zero fields: extended mnemonics
            for f in insn.fields:
                if r.random() < 0.4:
                    fill &= ~f.mask
            if len(insn.fields) > 1 and r.random() < 0.5:
                a, b = r.sample(insn.fields, 2)
                if a.bits == b.bits:
                    raw = (b.extract(fill) >> b.scale & (1 << a.bits) - 1) << a.scale
                    fill = fill & ~a.mask | (a.insert(raw) if not a.signed else 0)
        if FIELDS["FXM"] in insn.fields and k % 2:
            fill = fill & ~FIELDS["FXM"].mask | FIELDS["FXM"].insert(1 << r.randrange(8))
        word = insn.bits | fill & ~insn.mask & ~insn.reserved
        if ISA.decode(word) is insn:
            out.append(word)
        if len(out) == n:
            break
    assert out, f"{insn} is shadowed: no word decodes to it"
    return out


def objdump(words: list[int], path: Path, cpu: str = "power8") -> list[str]:
    """objdump's text of each word."""
    path.write_bytes(b"".join(w.to_bytes(4, "big") for w in words))
    command = [OBJDUMP, "-z", "-D", "-b", "binary", "-m", "powerpc:common64", "-M", cpu, "-EB", str(path)]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    lines = re.findall(r"^ *[0-9a-f]+:\t(?:[0-9a-f]{2} ){4}\t(.*)$", text, re.MULTILINE)
    assert len(lines) == len(words)
    return [re.sub(r"\s+", " ", line).strip() for line in lines]


def excused(ours: str, theirs: str) -> bool:
    return any(re.fullmatch(a, ours) and re.fullmatch(b, theirs) for a, b, _ in DELIBERATE)


@needs_binutils
def test_disassembly_is_objdumps(tmp_path: Path) -> None:
    """As for POWER8; what POWER8 has not, as for POWER9 or for whatever machine has it."""
    insns = [(insn, w) for insn in ISA.insns for w in random_words(insn)]
    words = [w for _, w in insns]
    texts = [objdump(words, tmp_path / "words.bin", cpu) for cpu in ("power8", "power9", "any")]
    wrong, same = [], 0
    for n, ((insn, w), *theirs) in enumerate(zip(insns, *texts, strict=True)):
        ours = disassemble(w, 4 * n)
        if insn.levels.start == LEVELS.index("3.0"):
            theirs = theirs[1:]
        his = theirs[0] if not theirs[0].startswith(".long") else next((t for t in theirs if t == ours), theirs[0])
        same += ours == his
        if ours != his and not excused(ours, his):
            wrong.append((f"{w:08x}", ours, *theirs))
    assert not wrong, "\n".join(map(str, wrong[:60]))
    assert same > 0.9 * len(words)  # the excuses stay exceptions


@pytest.mark.parametrize("insn", ISA.insns, ids=lambda i: i.syntax.replace(" ", "_"))
def test_assembling_the_disassembly_gives_the_word(insn: Insn) -> None:
    for word in random_words(insn, seed=1):
        text = disassemble(word, 0x1_0000)
        made = assemble(text, 0x1_0000)
        # two encodings of `wait`, of different times: the assembler takes the older
        assert made == [word] or (insn.name == "wait" and disassemble(made[0]) == text), text


@needs_binutils
def test_as_agrees(tmp_path: Path) -> None:
    """What we write, GNU as reads as the same word."""
    pairs = [(w, disassemble(w, 0)) for insn in ISA.insns for w in random_words(insn, 8, seed=2)]
    pairs = [
        (w, t) for w, t in pairs if not t.startswith((".long", "wait", "mtcrf", "lxvx", "stxvx"))
    ]  # as makes them ISA 3.0 wait and mtocrf, and for POWER8 lxvd2x and stxvd2x
    left = list(range(len(pairs)))
    words: dict[int, int] = {}
    refused: set[int] = set()
    source, obj, raw = tmp_path / "a.s", tmp_path / "a.o", tmp_path / "a.bin"
    while left:
        lines = []
        for n in left:  # a branch is relative to 0, not to where it stands
            head, _, rest = pairs[n][1].partition(" ")
            target = re.fullmatch(r"(.*,)?(0x[0-9a-f]+)", rest)
            if target and pairs[n][0] >> 26 in (16, 18) and not pairs[n][0] & 2:
                offset = int(target[2], 16)
                offset -= (offset >> 63) << 64
                rest = f"{target[1] or ''}.{offset:+d}"
            lines.append(f"{head} {rest}\n")
        source.write_text("".join(lines))
        command = [AS, "-mregnames", "-mpower8", "-many", "-o", str(obj), str(source)]
        said = subprocess.run(command, capture_output=True, text=True, check=False).stderr
        bad = {left[int(m) - 1] for m in re.findall(r"a\.s:(\d+): Error", said)}
        if not bad:
            subprocess.run(["powerpc64-linux-gnu-objcopy", "-O", "binary", "-j", ".text", str(obj), str(raw)], check=True)
            data = raw.read_bytes()
            words = {n: int.from_bytes(data[4 * k : 4 * k + 4], "big") for k, n in enumerate(left)}
            break
        refused |= bad
        left = [n for n in left if n not in bad]
    wrong = [(f"{pairs[n][0]:08x}", pairs[n][1], f"{w:08x}") for n, w in words.items() if w != pairs[n][0]]
    assert not wrong, "\n".join(map(str, wrong[:40]))
    assert len(refused) <= len(pairs) // 10, [pairs[n] for n in sorted(refused)[:60]]
