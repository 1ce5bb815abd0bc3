"""Every classic floating-point instruction and VSX scalar, value bits and FPSCR bits, against the exact reference."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

gmpy2 = pytest.importorskip("gmpy2")

from runtime.vm import VM  # noqa: E402

from ..limits import many  # noqa: E402
from .check import ENABLES, MODES, differences, thorough  # noqa: E402
from .guest import FP, ME, SF, Guest  # noqa: E402
from .operands import INSTRUCTIONS, VSX, Instruction, randoms, specials  # noqa: E402

CONTROL = (0, 0, 0, *MODES, *ENABLES)
SNAN, TWO_1023, LEAST = 0x7FF4 << 48, 0x7FE << 52, 1
BY_NAME = {i.mnemonic: i for i in INSTRUCTIONS}


@pytest.fixture(scope="module", params=["interpreter", "jit"])
def guest(request: Any) -> Iterator[Guest]:
    made = Guest(request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def both() -> Iterator[tuple[Guest, Guest]]:
    """Interpreted and compiled."""
    made = Guest("interpreter"), Guest("jit")
    yield made
    for guest in made:
        guest.close()


def engines(instructions: list[Instruction]) -> Any:
    """All of them interpreted, some compiled (which takes LLVM a third of a second each); the slow tests compile all."""
    pairs = [("interpreter", i) for i in instructions] + [("jit", i) for i in instructions[::6]]
    return pytest.mark.parametrize("guest,i", pairs, indirect=["guest"], ids=lambda x: getattr(x, "mnemonic", x))


def agree(guest: Guest, i: Instruction, cases: Any, *others: Guest) -> None:
    count, wrong = differences(guest, i, cases, *others)
    assert count and not wrong, "\n".join(wrong[:5])


@engines(INSTRUCTIONS)
def test_random_operands(guest: Guest, i: Instruction) -> None:
    agree(guest, i, randoms(i, 1000, 11, CONTROL))


@engines(INSTRUCTIONS)
def test_special_operands(guest: Guest, i: Instruction) -> None:
    agree(guest, i, specials(i, (0,) if len(i.operands) > 1 else MODES))


@engines(VSX)
def test_scalars_of_vsx(guest: Guest, i: Instruction) -> None:
    agree(guest, i, randoms(i, 400, 12, CONTROL))


@pytest.mark.slow
@pytest.mark.parametrize("i", [*INSTRUCTIONS, *VSX], ids=lambda i: i.mnemonic)
def test_special_operands_in_all_modes_with_all_enables(both: tuple[Guest, Guest], i: Instruction) -> None:
    agree(both[0], i, thorough(specials, i), both[1])


@pytest.mark.slow
@pytest.mark.parametrize("i", [*INSTRUCTIONS, *VSX], ids=lambda i: i.mnemonic)
def test_many_random_operands(both: tuple[Guest, Guest], i: Instruction) -> None:
    for seed in range(2):
        agree(both[0], i, randoms(i, many(30_000), 100 + seed, CONTROL), both[1])


def test_reference_engine() -> None:
    """Its flags come from rationals, not from the host: a few cases are enough to see that they arrive."""
    guest = Guest("reference")
    for i in INSTRUCTIONS:
        agree(guest, i, randoms(i, 12, 5, (0, 0, 2)))
    guest.close()


def test_sticky_bits_accumulate(guest: Guest) -> None:
    """XX, then OX, then ZX without a look in between; FX; and FPRF FR FI are the last one's."""
    fadd, fmul, fdiv = (BY_NAME[n].word for n in ("fadd", "fmul", "fdiv"))
    one, tiny, big = 0x3FF << 52, 1 << 52, 0x7FE << 52
    (got,) = guest.run([fadd], [(0, one, tiny, 0)])
    assert got[:2] == (one, 0x8202_4000)  # FX XX FI, FPRF +normal
    (got,) = guest.run([fadd, fmul], [(0, big, one, big)])
    assert got[:2] == (0x7FF << 52, 0x9206_5000)  # OX with FR FI
    (got,) = guest.run([fmul, fdiv], [(0, big, 0, big)])
    assert got[:2] == (0x7FF << 52, 0x9600_5000)  # and ZX; FR FI of the division


def test_a_scaled_single_that_is_a_denormal_double(guest: Guest) -> None:
    """2**-1074 times 2**-149, UE: 2**-1223 is delivered as 2**-1031. Undefined (Book I 4.3.5.1), as one operand is no single, but not arbitrary."""
    (got,) = guest.run([BY_NAME["fmuls"].word], [(0x20, LEAST, 0, 0x36A << 52)])
    assert got[0] == 1 << 43
    (got,) = guest.run([BY_NAME["fmuls"].word], [(0x20, LEAST, 0, LEAST)])  # 2**-1956: no double
    assert got[0] == 0


def test_record_form_shows_fx_fex_vx_ox(guest: Guest) -> None:
    fadd = BY_NAME["fadd"].word | 1
    results = guest.run([fadd], [(0, SNAN, 0, 0), (0, TWO_1023, TWO_1023, 0), (0, 1, 1, 0), (0x80, SNAN, 0, 0)])
    assert [cr >> 24 & 15 for _, _, cr in results] == [0b1010, 0b1001, 0, 0b1110]


@pytest.mark.parametrize("engine", ["reference", "interpreter"])
@pytest.mark.parametrize(
    ("name", "fpscr", "a", "b", "delivered"),
    [("fadd", 0x80, SNAN, 0, True), ("fadd", 0x40, TWO_1023, TWO_1023, True), ("fdiv", 0x10, 1 << 62, 0, True),
     ("fadd", 0x08, 0x3FF << 52, 1, True), ("fadd", 0x20, LEAST, LEAST, True), ("fadd", 0x40, SNAN, 0, False),
     ("cmpo", 0x80, 0x7FF8 << 48, 0, True)],
)  # fmt: skip
def test_enabled_exceptions_interrupt(engine: Any, name: str, fpscr: int, a: int, b: int, delivered: bool) -> None:
    """A program interrupt with SRR1[43], SRR0 at the instruction; none while MSR[FE0,FE1] is 0."""
    vm = VM(memory=1 << 20, engine=engine)
    v = vm.vcpus[0]
    vm.write(0x700, (0x4800_0000).to_bytes(4, "big"))
    vm.write(0x1000, b"".join(w.to_bytes(4, "big") for w in (BY_NAME[name].word, 0x4800_0000)))
    for fe in (0x800, 0x100, 0):
        v.fpr[1], v.fpr[2], v.fpscr = a, b, fpscr
        v.msr, v.nia, v.srr0, v.srr1 = SF | FP | ME | fe, 0x1000, 0, 0
        v.mode_changed()
        v.run(max_instructions=2)
        if delivered and fe:
            assert (v.nia, v.srr0, v.srr1) == (0x700, 0x1000, SF | FP | ME | fe | 0x0010_0000)
        else:
            assert (v.nia, v.srr0) == (0x1004, 0)
        assert bool(v.fpscr >> 30 & 1) == delivered
    vm.close()
