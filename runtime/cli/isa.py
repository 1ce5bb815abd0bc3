"""The instructions that are declared: how many in each chapter, and how many of objdump's mnemonics that covers; or those
whose mnemonic matches.

    ppcdbt isa
    ppcdbt isa 'l*arx' --handlers
"""

from __future__ import annotations

import argparse
import sys
from fnmatch import fnmatch
from typing import Any

from . import options as o


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("pattern", nargs="*", metavar="PATTERN", help="mnemonics to list (* and ? match)")
    parser.add_argument("--handlers", action="store_true", help="count the interpreter handlers too (seconds)")
    o.add_isa(parser)


def run(options: Any) -> int:
    o.load_isa(options)
    from dbt.frontend.insn import ISA
    from dbt.frontend.tables import chapters, row

    if options.pattern:
        chosen = [i for i in ISA.insns if any(fnmatch(i.name, p) or fnmatch(i.template, p) for p in options.pattern)]
        for i in sorted(chosen, key=lambda i: (i.name, i.bits)):
            r = row(i, count=options.handlers)
            remarks = ", ".join(x for x in ("privileged" if r.privileged else "", r.needs, f"{r.handlers} handlers" if r.handlers else "") if x)
            print(f"{r.mnemonic + ' ' + r.operands:<28} {r.box:<36} {r.section:<10} {r.since:<5} {remarks}".rstrip())
        if not chosen:
            print(f"nothing declared matches {' '.join(options.pattern)}", file=sys.stderr)
            return 1
        return 0
    total = handlers = 0
    for module, insns in sorted(chapters().items()):
        title = (sys.modules[module].__doc__ or module).strip().splitlines()[0].rstrip(".")
        made = sum(row(i).handlers for i in insns) if options.handlers else 0
        total, handlers = total + len(insns), handlers + made
        print(f"{len(insns):5}  {f'{made:6}  ' if options.handlers else ''}{title}")
    print(f"{total:5}  {f'{handlers:6}  ' if options.handlers else ''}declarations{' and interpreter handlers' if options.handlers else ''}")
    print()
    print_coverage()
    return 0


def print_coverage() -> None:
    """Of the mnemonics that GNU objdump knows for POWER9: those that decode here, in each chapter of the manual."""
    from dbt.frontend.coverage import chapters

    rows = chapters()
    for r in rows:
        notes = [f"missing: {' '.join(r.missing)}"] if r.missing else []
        notes += [f"not of our processors: {' '.join(r.absent)}"] if r.absent else []
        print(f"{r.covered:5} of {r.total:4}  {r.name}{'; ' if notes else ''}{'; '.join(notes)}")
    print(f"{sum(r.covered for r in rows):5} of {sum(r.total for r in rows):4}  mnemonics of GNU objdump for POWER9")
