"""`ppcdbt bench families`: instruction by instruction of the families that ordinary programs hold few of: quad precision, decimal,
vector conversions, vector storage, packed and scalar floating point; beside QEMU's user mode.

A family is a few instructions, repeated in chains that depend on themselves, in a loop of a Linux program for POWER9 that writes its
registers at its end: what the engines wrote must be the same. Seconds are user CPU seconds less those of a program of one round.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from guests import build

from .chart import chart
from .measure import BenchError, execute, geomean, interleave, median, python_environment, region_cache
from .qemu import LITTLE as QEMU
from .table import Table

ENGINES = ("jit", "interpreter", QEMU)
CHAINS = 8  # registers that an instruction is repeated over: what does not depend on each other may overlap
Say = Callable[[str], object]


class Family(NamedTuple):
    """Instructions over {t}, one of CHAINS vector-scalar registers ({v}: its number as a VR), and how many rounds take QEMU a second or so."""

    name: str
    rounds: int
    body: str
    values: str = "double"
    scalar: bool = False  # doubleword 1 of the results is undefined


# VSRs 32 to 39 (VRs 0 to 7), FPRs 0 to 7 and VSRs 0 to 7 are chains; VSRs 20 and 52 hold an operand, VSRs 21 and 53 another. r4: a buffer.
FAMILIES = [
    Family("quad add", 4_000_000, "xsaddqp {v},{v},20", "quad"),
    Family("quad multiply", 3_200_000, "xsmulqp {v},{v},20", "quad"),
    Family("quad divide", 1_600_000, "xsdivqp {v},{v},20", "quad"),
    Family("quad multiply-add", 2_400_000, "xsmaddqp {v},20,21", "quad"),
    Family("quad convert", 4_000_000, "xscvqpdp {v},{v}\nxscvdpqp {v},{v}", "quad"),
    Family("decimal add", 2_000_000, "dadd {t},{t},20", "decimal", True),
    Family("decimal multiply", 1_500_000, "dmul {t},21,20", "decimal", True),
    Family("decimal divide", 600_000, "ddiv {t},21,20", "decimal", True),
    Family("decimal quantize", 2_000_000, "dqua {t},20,21,0", "decimal", True),
    Family("words to doubles and back", 4_000_000, "xvcvsxwdp {t},{t}\nxvcvdpsxws {t},{t}", "word"),
    Family("doublewords to doubles and back", 4_000_000, "xvcvsxddp {t},{t}\nxvcvdpsxds {t},{t}", "word"),
    Family("singles to doubles and back", 4_000_000, "xvcvspdp {t},{t}\nxvcvdpsp {t},{t}", "single"),
    Family("words to singles and back", 4_000_000, "xvcvsxwsp {t},{t}\nxvcvspsxws {t},{t}", "word"),
    Family("lxvd2x stxvd2x", 36_000_000, "lxvd2x {t},0,4\nstxvd2x {t},0,5"),
    Family("lxvw4x stxvw4x", 36_000_000, "lxvw4x {t},0,4\nstxvw4x {t},0,5"),
    Family("lxvx stxvx", 36_000_000, "lxvx {t},0,4\nstxvx {t},0,5"),
    Family("packed double", 2_400_000, "xvadddp {t},{t},20\nxvmuldp {t},{t},21"),
    Family("packed double multiply-add", 2_400_000, "xvmaddadp {t},20,21"),
    Family("packed single", 1_600_000, "xvaddsp {t},{t},20\nxvmulsp {t},{t},21", "single"),
    Family("scalar double", 4_800_000, "fadd {t},{t},20\nfmul {t},{t},21", scalar=True),
    Family("scalar multiply-add", 4_800_000, "fmadd {t},{t},21,20", scalar=True),
    Family("scalar single", 4_800_000, "fadds {t},{t},20\nfmuls {t},{t},21", scalar=True),
    Family("scalar compare", 8_000_000, "fcmpu 0,{t},20\nxsmaxdp {t},{t},20", scalar=True),
]
# what a chain starts with, and the two operands: 16 bytes each, as doublewords of a VSR, the more significant first
VALUES = {
    "double": ("0x3ff8000000000000,0x4004000000000000", "0x3fb999999999999a,0x3fb999999999999a", "0x3fefffffffff0000,0x3fefffffffff0000"),
    "single": ("0x3fc0000040200000,0x3fa0000040600000", "0x3dcccccd3dcccccd,0x3dcccccd3dcccccd", "0x3f7fff003f7fff00,0x3f7fff003f7fff00"),
    "quad": ("0x3fff800000000000,0x0000000000001234", "0x3fff000012345678,0x9abcdef012345678", "0x3ffe400000000000,0x0000000000000777"),
    "decimal": ("0x2238000000000123,0", "0x2234000000004567,0", "0x223800000a395bcf,0"),
    "word": ("0x0000003900000123,0x0000567800000042", "0,0", "0,0"),
}


def source(family: Family, rounds: int) -> str:
    """The program, in GNU's syntax."""
    chain, one, two = VALUES[family.values]
    body = "\n".join(family.body.format(t=n, v=n) for n in range(CHAINS))
    loads = "".join(f"lxvd2x {n},0,6\nlxvd2x {n + 32},0,6\n" for n in range(CHAINS))
    low = "stxsdx" if family.scalar else "stxvd2x"
    stores = "".join(f"{low} {n},0,3\naddi 3,3,16\nstxvd2x {n + 32},0,3\naddi 3,3,16\n" for n in range(CHAINS))
    return f"""
.abiversion 2
.machine power9
.text
.globl _start
_start:
lis 6,values@h
ori 6,6,values@l
lis 4,buffer@h
ori 4,4,buffer@l
addi 5,4,64
{loads}addi 7,6,16
lxvd2x 20,0,7
lxvd2x 52,0,7
addi 7,6,32
lxvd2x 21,0,7
lxvd2x 53,0,7
lis 7,{rounds}@h
ori 7,7,{rounds}@l
mtctr 7
1:
{body}
bdnz 1b
mr 3,4
{stores}li 0,4
mr 5,3
subf 5,4,5
li 3,1
sc
li 0,1
li 3,0
sc
.data
.balign 16
values: .quad {chain},{one},{two}
.balign 64
buffer: .fill 1024,1,1
"""


def compiled(family: Family, rounds: int, out: Path) -> Path:
    """A static program."""
    text = out.with_suffix(".s")
    text.write_text(source(family, rounds))
    build.run([build.tool(build.LITTLE + "gcc"), "-nostdlib", "-static", "-no-pie", "-mcpu=power9", text, "-o", out])
    return out


def chosen(only: Sequence[str]) -> list[Family]:
    """The families whose names begin with one of `only`. BenchError if there is none."""
    found = [f for f in FAMILIES if not only or f.name.startswith(tuple(only))]
    if not found:
        raise BenchError(f"no family {', '.join(only)}: there are {', '.join(f.name for f in FAMILIES)}")
    return found


def run(engines: Sequence[str], only: Sequence[str], rounds: int, quick: bool, scale: float, say: Say) -> dict[str, Any]:
    """The whole measurement, as a report."""
    todo = chosen(only)
    reason = build.missing(QEMU) if QEMU in engines else None
    left_out = {QEMU: reason} if reason else {}
    engines = [e for e in ENGINES if e in engines and e not in left_out]
    rows: list[dict[str, Any]] = []
    with TemporaryDirectory(prefix="ppcdbt-bench-") as name, region_cache() as cache:
        env = python_environment() | {"PPCDBT_CACHE": str(cache)}

        def command(engine: str, program: Path, *options: str) -> list[str]:
            if engine == QEMU:
                return [QEMU, "-cpu", "power9", str(program)]
            return [sys.executable, "-m", "runtime.cli", "run", "--engine", engine, "-cpu", "power9", *options, str(program)]

        for family in todo:
            count = max(2, round(family.rounds * (0.0005 if quick else scale)))
            whole, start = (compiled(family, n, Path(name, f"{len(rows)}-{n}")) for n in (count, 1))
            if "jit" in engines:
                say(f"{family.name}: jit, warming")
                execute(command("jit", whole, "--warm", "60"), env)
            jobs = {}
            for engine in engines:
                jobs[engine] = lambda e=engine, p=whole: execute(command(e, p), env)  # type: ignore[misc]
                jobs[f"{engine}, start-up"] = lambda e=engine, p=start: execute(command(e, p), env)  # type: ignore[misc]
            done = interleave(rounds, jobs, lambda text, name=family.name: say(f"{name}: {text}"))  # type: ignore[misc]
            instructions = (count - 1) * CHAINS * (family.body.count("\n") + 1)
            row: dict[str, Any] = {"name": family.name, "instructions": instructions, "engines": {}}
            for engine in engines:
                seconds = median(u.user for u in done[engine]) - median(u.user for u in done[f"{engine}, start-up"])
                row["engines"][engine] = {"user": [u.user for u in done[engine]], "ns": max(seconds, 0) / instructions * 1e9 or None}
            outputs = {sha256(u.output.encode(errors="surrogateescape")).hexdigest() for engine in engines for u in done[engine]}
            row["right"] = len(outputs) == 1
            rows.append(row)
    return {"rows": rows, "left_out": left_out, "engines": engines, "summary": summarise(rows, engines)}


def ratio(row: Mapping[str, Any], engine: str) -> float | None:
    """How many times as fast as QEMU."""
    ours, theirs = (row["engines"].get(e, {}).get("ns") for e in (engine, QEMU))
    return theirs / ours if ours and theirs else None


def summarise(rows: Sequence[Mapping[str, Any]], engines: Sequence[str]) -> dict[str, float | None]:
    """Geometric means of the ratios to QEMU."""
    return {f"{e}/{QEMU}": geomean(ratio(r, e) or 0 for r in rows) for e in engines if e != QEMU and QEMU in engines}


def tables(report: Mapping[str, Any]) -> list[Table]:
    """The report for people."""
    engines = report["engines"]
    ours = [e for e in engines if e != QEMU and QEMU in engines]
    table = Table("Nanoseconds an instruction (user CPU seconds without start-up; medians)", ["family", *engines, *(f"{e} times QEMU" for e in ours)])
    for row in report["rows"]:
        name = row["name"] + ("" if row["right"] else " WRONG")
        table.add(name, *(row["engines"][e]["ns"] for e in engines), *(ratio(row, e) for e in ours))
    table.rule()
    table.add("geomean", *(None for _ in engines), *(report["summary"][f"{e}/{QEMU}"] for e in ours))
    table.notes = [f"left out: {e}: {why}" for e, why in report["left_out"].items()]
    return [table]


def picture(report: Mapping[str, Any], note: str) -> str:
    """The chart."""
    groups = [(r["name"], {e: r["engines"][e]["ns"] for e in report["engines"]}) for r in report["rows"]]
    return chart("ppcdbt: families of instructions", "ns an instruction", report["engines"], groups, note)
