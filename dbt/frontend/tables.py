"""The tables of the documentation, written from the declarations: instructions and IR operations.

`python -m dbt.frontend.tables` rewrites docs/generated; a test checks that the committed files are current.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..ir.ops import OPS, Effect
from . import isa as isa
from .coverage import coverage_markdown
from .insn import ISA, Insn
from .translate import handlers

NOTE = "<!-- Written by `python -m dbt.frontend.tables` from the declarations. Do not edit. -->"


class Row(NamedTuple):
    """What the tables say of an instruction."""

    mnemonic: str
    operands: str
    box: str
    section: str
    since: str
    privileged: bool
    needs: str
    handlers: int


def row(insn: Insn, *, count: bool = True) -> Row:
    """One instruction. Counting its interpreter handlers explores its body: `count` says whether to."""
    variants = len(handlers(insn)[1]) if count else 0
    return Row(insn.template, insn.operands, insn.box, insn.section, insn.since, insn.privileged, insn.needs, variants)


def rows(*, count: bool = True) -> Iterator[Row]:
    """Every instruction, by mnemonic."""
    return (row(i, count=count) for i in sorted(ISA.insns, key=lambda i: (i.name, i.bits)))


def chapters() -> dict[str, list[Insn]]:
    """The instructions by the module that declares them, with the first line of its docstring as the title."""
    out: dict[str, list[Insn]] = {}
    for i in ISA.insns:
        out.setdefault(i.module, []).append(i)
    return out


def isa_markdown() -> str:
    """docs/generated/isa.md."""
    import sys

    total = 0
    parts = []
    for module, insns in sorted(chapters().items()):
        title = (sys.modules[module].__doc__ or module).strip().splitlines()[0].rstrip(".")
        lines = [
            f"## {title}",
            "",
            "| instruction | operands | encoding | section | since | | handlers |",
            "|---|---|---|---|---|---|---|",
        ]
        for r in map(row, sorted(insns, key=lambda i: (i.name, i.bits))):
            remarks = " ".join((["privileged"] if r.privileged else []) + ([r.needs] if r.needs else []))
            lines.append(
                f"| `{r.mnemonic}` | {r.operands} | `{r.box}` | {r.section} | {r.since} | {remarks} | {r.handlers} |"
            )
            total += r.handlers
        parts.append("\n".join(lines))
    head = f"# Instructions\n\n{NOTE}\n\n{len(ISA)} declarations make {total} interpreter handlers. "
    head += "An encoding is read left to right; `/` marks bits that hardware ignores, `n:w` a number of w bits."
    return "\n\n".join((head, *parts)) + "\n"


def ops_markdown() -> str:
    """docs/generated/ops.md."""
    lines = ["| operation | signature | effect | LLVM | meaning |", "|---|---|---|---|---|"]
    for o in OPS.values():
        effect = "pure" if o.pure else ", ".join(e.name.lower().replace("_", " ") for e in Effect if o.effect & e and e.name)
        lowered = "template" if o.llvm else "backend" if not o.pure or o.llvm == "" else "Numba"
        immediate = f".{'/'.join(map(str, o.imms)) or 'n'}" if o.takes_imm else ""
        signature = f"{immediate}({', '.join(o.params)}) -> {o.result}"
        doc = " ".join(o.doc.split()).replace("|", "\\|")
        lines.append(f"| `{o.name}` | `{signature}` | {effect} | {lowered} | {doc} |")
    head = f"# IR operations\n\n{NOTE}\n\n{len(OPS)} operations. "
    head += "`N` is any integer type, the same one throughout; `M` a second one."
    return head + "\n\n" + "\n".join(lines) + "\n"


def documents() -> dict[str, str]:
    """Every generated document: path below docs/generated -> text."""
    return {"isa.md": isa_markdown(), "ops.md": ops_markdown(), "coverage.md": coverage_markdown(NOTE)}


def write(directory: Path) -> list[Path]:
    """Write the documents; the paths of those that changed."""
    directory.mkdir(parents=True, exist_ok=True)
    changed = []
    for name, text in documents().items():
        path = directory / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
            changed.append(path)
    return changed


if __name__ == "__main__":
    for path in write(Path(__file__).parents[2] / "docs" / "generated"):
        print(path)
