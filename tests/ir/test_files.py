"""IR files: one small block each, with what goes in and what must come out, run on every engine.

    ; in:  gpr3=5 [0x1000]=11223344
    ; out: gpr4=6 [0x1000]=55667788
    ; end: next | jump ADDRESS | exit KIND[+]@AT PAYLOAD     (default: next)

A file may hold several in/out/end groups: the block is run once for each. An engine is a function (block, registers
by name, storage by byte address) -> (registers, storage, outcome); add one to ENGINES and every file runs on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from dbt.exits import Exit
from dbt.ir.builder import Builder
from dbt.ir.evaluate import Outcome
from dbt.ir.sweep import sweep
from dbt.ir.text import parse_block, print_block
from dbt.ir.verify import verify

from . import native
from .machine import run

Engine = Callable[[Builder, dict[str, int], dict[int, int]], tuple[Mapping[str, int], Mapping[int, int], Outcome]]
ENGINES: dict[str, Engine] = {
    "evaluate": run,
    "evaluate-swept": lambda ir, registers, memory: run(verify(sweep(ir)), registers, memory),
    "interpreter": native.interpreter,
    "jit": native.jit,
}
FILES = sorted((Path(__file__).parent / "files").glob("*.ir"))


def state(text: str) -> tuple[dict[str, int], dict[int, int]]:
    """`gpr3=5 [0x1000]=0011` as registers and storage bytes."""
    registers: dict[str, int] = {}
    memory: dict[int, int] = {}
    for word in text.split():
        where, _, what = word.partition("=")
        if where.startswith("["):
            memory |= {int(where[1:-1], 0) + k: b for k, b in enumerate(bytes.fromhex(what))}
        else:
            registers[where] = int(what, 0)
    return registers, memory


def ending(text: str) -> Outcome:
    """The outcome an `end:` comment asks for."""
    words = text.split() or ["next"]
    if words[0] == "exit":
        found = re.fullmatch(r"(\w+)(\+?)@(\d+)", words[1])
        assert found, text
        return Outcome("exit", exit=int(Exit[found[1]]), payload=int(words[2], 0), after=bool(found[2]), at=int(found[3]))
    return Outcome(words[0], int(words[1], 0) if words[0] == "jump" else 0)


def cases(text: str) -> list[dict[str, str]]:
    """The groups of in, out and end comments."""
    groups: list[dict[str, str]] = []
    for key, rest in re.findall(r"^; *(in|out|end):(.*)$", text, re.MULTILINE):
        if key == "in":
            groups.append({"in": "", "out": "", "end": ""})
        groups[-1][key] += " " + rest
    return groups


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> Engine:
    """Every engine in turn."""
    return ENGINES[request.param]


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.stem)
def test_file(path: Path, engine: Engine) -> None:
    text = path.read_text()
    groups = cases(text)
    assert groups, "no `; in:` comment"
    assert print_block(parse_block(print_block(parse_block(text)))) == print_block(parse_block(text))
    for case in groups:
        registers, memory = state(case["in"])
        want_registers, want_memory = state(case["out"])
        got_registers, got_memory, outcome = engine(verify(parse_block(text)), registers, memory)
        assert outcome == ending(case["end"]), case
        assert {k: got_registers[k] for k in want_registers} == want_registers, case
        assert {k: got_memory[k] for k in want_memory} == want_memory, case


def test_there_are_files() -> None:
    assert len(FILES) >= 12
