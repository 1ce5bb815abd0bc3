"""VSX arithmetic by hand: every mnemonic at least once, on numbers simple enough for the head, and how the banks overlap."""

from __future__ import annotations

import struct

import pytest

from dbt.exits import Exit
from dbt.frontend.assembler import assemble
from dbt.frontend.insn import ISA

from ..support import execute

MSR = 1 << 13 | 1 << 25 | 1 << 23
TRUE, FALSE = "true", "false"
Number = float | str
# XA = 3, XB = 0.25, XT = 10 before; and XA = -6, XB = 4, XT = 2
FIRST, SECOND = (3.0, 0.25, 10.0), (-6.0, 4.0, 2.0)
RESULTS: dict[str, tuple[Number, Number]] = {
    "add": (3.25, -2.0), "sub": (2.75, -10.0), "mul": (0.75, -24.0), "div": (12.0, -1.5),
    "madda": (10.75, -22.0), "maddm": (30.25, -8.0), "msuba": (-9.25, -26.0), "msubm": (29.75, -16.0),
    "nmadda": (-10.75, 22.0), "nmaddm": (-30.25, 8.0), "nmsuba": (9.25, 26.0), "nmsubm": (-29.75, 16.0),
    "sqrt": (0.5, 2.0), "re": (4.0, 0.25), "rsqrte": (2.0, 0.5), "rsp": (0.25, 4.0),
    "max": (3.0, 4.0), "min": (0.25, -6.0), "maxc": (3.0, 4.0), "minc": (0.25, -6.0), "maxj": (3.0, 4.0), "minj": (0.25, -6.0),
    "cmpeq": (FALSE, FALSE), "cmpgt": (TRUE, FALSE), "cmpge": (TRUE, FALSE),
}  # fmt: skip
UNARY = ("sqrt", "re", "rsqrte", "rsp")


def lane(x: Number, single: bool) -> int:
    """A number, or a truth value, as an element."""
    if isinstance(x, str):
        return (1 << (32 if single else 64)) - 1 if x is TRUE else 0
    return int.from_bytes(struct.pack(">f" if single else ">d", x), "big")


def register(first: Number, second: Number, single: bool) -> int:
    """Elements in turn."""
    width, out = 32 if single else 64, 0
    for n in range(128 // width):
        out = out << width | lane(second if n & 1 else first, single)
    return out


def scalars() -> list[tuple[str, str]]:
    sizes = {"rsp": [""]} | {k: ["dp"] for k in ("max", "min", "maxc", "minc", "maxj", "minj", "cmpeq", "cmpgt", "cmpge")}
    return [(name, size) for name in RESULTS for size in sizes.get(name, ["dp", "sp"])]


def packed() -> list[tuple[str, str]]:
    names = [n for n in RESULTS if n not in ("rsp", "maxc", "minc", "maxj", "minj")]
    return [(n, size + dot) for n in names for size in ("dp", "sp") for dot in (("", ".") if n.startswith("cmp") else ("",))]


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("name,size", scalars())
def test_scalars(name: str, size: str, generic: bool) -> None:
    """Doubleword 1 of the target becomes 0; registers of both halves of the file."""
    for (a, b, t), want, (xa, xb, xt) in zip((FIRST, SECOND), RESULTS[name], ((1, 34, 3), (33, 2, 35)), strict=True):
        operands = f"vs{xt},vs{xb}" if name in UNARY else f"vs{xt},vs{xa},vs{xb}"
        registers = {f"vsr{n}": lane(x, False) << 64 | 0x1234 for n, x in ((xa, a), (xb, b), (xt, t))} | {"msr": MSR}
        after, outcome = execute(assemble(f"xs{name}{size} {operands}")[0], registers, generic=generic)
        assert outcome.kind == "next"
        assert after[f"vsr{xt}"] == lane(want, False) << 64


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("name,size", packed())
def test_vectors(name: str, size: str, generic: bool) -> None:
    single = size.startswith("s")
    held = [register(x, y, single) for x, y in zip(FIRST, SECOND, strict=True)]
    operands = "vs35,vs2" if name in UNARY else "vs35,vs33,vs2"
    registers = {"vsr33": held[0], "vsr2": held[1], "vsr35": held[2], "msr": MSR, "cr6": 15}
    after, outcome = execute(assemble(f"xv{name}{size} {operands}")[0], registers, generic=generic)
    assert outcome.kind == "next"
    assert after["vsr35"] == register(*RESULTS[name], single)
    if size.endswith("."):
        assert after["cr6"] == (2 if name == "cmpeq" else 0)


@pytest.mark.parametrize("generic", [False, True])
@pytest.mark.parametrize("mnemonic,a,b,cc", [
    ("xscmpudp", 1.0, 2.0, 8), ("xscmpudp", -0.0, 0.0, 2), ("xscmpodp", 2.0, 1.0, 4), ("xscmpodp", 1.0, 1.0, 2),
    ("xstdivdp", 1.0, 3.0, 8), ("xstdivdp", 1.0, 0.0, 14), ("xstdivdp", 1e300, 1e-300, 10),
    ("xstsqrtdp", 0.0, 2.0, 8), ("xstsqrtdp", 0.0, -2.0, 10), ("xstsqrtdp", 0.0, 0.0, 14),
    ("xvtdivdp", 1.0, 0.0, 14), ("xvtdivdp", 1.0, 3.0, 8), ("xvtsqrtdp", 0.0, -2.0, 10), ("xvtsqrtdp", 0.0, 5e-324, 14),
])  # fmt: skip
def test_answers_in_a_cr_field(mnemonic: str, a: float, b: float, cc: int, generic: bool) -> None:
    """Of vectors only the second element is special."""
    one = lane(1.0, False) << 64
    high = 0 if mnemonic.startswith("xv") else 64
    registers = {"vsr1": lane(a, False) << high | (0 if high else one), "vsr34": lane(b, False) << high | (0 if high else one), "msr": MSR}
    operands = "cr3,vs34" if "sqrt" in mnemonic else "cr3,vs1,vs34"
    after, _ = execute(assemble(f"{mnemonic} {operands}")[0], registers, generic=generic)
    assert after["cr3"] == cc


@pytest.mark.parametrize("mnemonic,a,b,cc", [
    ("xvtdivsp", 0x3F80_0000, 0x3F80_0000, 8), ("xvtdivsp", 0x3F80_0000, 0x0040_0000, 14),  # a denormal divisor
    ("xvtdivsp", 0x0C00_0000, 0x3F80_0000, 10),  # 2**-103: rounding could lose bits
    ("xvtdivsp", 0x0C80_0000, 0x3F80_0000, 8), ("xvtdivsp", 0x3F80_0000, 0x7E00_0000, 10), ("xvtdivsp", 0x3F80_0000, 0x7D80_0000, 8),
    ("xvtdivsp", 0x7E80_0000, 0x3F00_0000, 10), ("xvtdivsp", 0x7E80_0000, 0x3F80_0000, 8),  # a quotient of 2**127, of 2**126
    ("xvtsqrtsp", 0, 0x0C00_0000, 10), ("xvtsqrtsp", 0, 0x0C80_0000, 8), ("xvtsqrtsp", 0, 0x7F80_0000, 14),
])  # fmt: skip
def test_care_of_singles(mnemonic: str, a: int, b: int, cc: int) -> None:
    """Only the third element is special."""
    ones = 0x3F80_0000_3F80_0000_0000_0000_3F80_0000
    operands = "cr7,vs34" if "sqrt" in mnemonic else "cr7,vs1,vs34"
    registers = {"vsr1": ones | a << 32, "vsr34": ones | b << 32, "msr": MSR}
    after, _ = execute(assemble(f"{mnemonic} {operands}")[0], registers)
    assert after["cr7"] == cc


def test_every_mnemonic_is_here() -> None:
    declared = {i.name for i in ISA.insns if i.module.rpartition(".")[2] in ("vsx_arithmetic", "vsx_compare")}
    tested = {f"xs{n}{s}" for n, s in scalars()} | {f"xv{n}{s}" for n, s in packed()}
    tested |= {"xscmpudp", "xscmpodp", "xstdivdp", "xstsqrtdp", "xvtdivdp", "xvtsqrtdp", "xvtdivsp", "xvtsqrtsp"}
    assert declared == tested


@pytest.mark.parametrize("generic", [False, True])
def test_banks_overlap(generic: bool) -> None:
    """FPR n is doubleword 0 of VSR n, VR n is VSR 32 + n."""
    one, two = lane(1.0, False), lane(2.0, False)
    after, _ = execute(assemble("xsadddp vs3,vs1,vs34")[0], {"fpr1": one, "vr2": two << 64, "msr": MSR}, generic=generic)
    assert (after["fpr3"], after["vsr3"]) == (lane(3.0, False), lane(3.0, False) << 64)
    after, _ = execute(assemble("xvadddp vs35,vs1,vs34")[0], {"vsr1": one << 64 | two, "vr2": two << 64 | two, "msr": MSR}, generic=generic)
    assert after["vr3"] == lane(3.0, False) << 64 | lane(4.0, False)


@pytest.mark.parametrize("source", ["xsadddp vs3,vs1,vs34", "xvmaddasp vs3,vs1,vs34", "xsmaxdp vs35,vs33,vs34", "xvcmpeqsp. vs3,vs4,vs5"])
def test_facility(source: str) -> None:
    """VSX unavailable, whichever half of the file."""
    _, outcome = execute(assemble(source)[0], {"msr": MSR & ~(1 << 23)})
    assert (outcome.kind, outcome.exit, outcome.payload) == ("exit", Exit.FACILITY, 0xF40)


@pytest.mark.parametrize("source,register,bits", [
    ("xsmuldp vs3,vs1,vs2", 1, 0x7FF0_0000_0000_0001), ("xvaddsp vs3,vs1,vs2", 2, 0x7FC0_0000), ("xvmaddadp vs3,vs1,vs2", 3, 0x7FF8 << 48),
    ("xscmpudp cr1,vs1,vs2", 2, 0x7FF8 << 48), ("xvcmpgtdp vs3,vs1,vs2", 1, 0x7FF8 << 48), ("xvcmpeqdp vs3,vs1,vs2", 1, 0x7FF4 << 48),
])  # fmt: skip
def test_nans_leave_for_the_exact_path(source: str, register: int, bits: int) -> None:
    shift = 64 if source.startswith("xs") else 0
    _, outcome = execute(assemble(source)[0], {f"vsr{register}": bits << shift, "msr": MSR})
    assert (outcome.kind, outcome.exit) == ("exit", Exit.FLOAT)
    assert outcome.payload & 0xFFFF_FFFF == assemble(source)[0]
