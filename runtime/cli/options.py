"""Options that several commands share: numbers, and how a machine is made."""

from __future__ import annotations

import argparse
import importlib
import os
import re
import sys
from typing import Any

from .errors import UserError

ENGINES = ("reference", "interpreter", "jit")
_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def size(text: str) -> int:
    """Bytes: 512M, 1G, 65536, 0x100000."""
    found = re.fullmatch(r"(0x[0-9a-f]+|\d+)([kmg]?)(i?b)?", text.strip().lower())
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no size: bytes, or with K, M or G, as 512M")
    return int(found[1], 0) * _UNITS[found[2]]


def number(text: str) -> int:
    """A number: decimal, or with 0x, 0o, 0b."""
    try:
        return int(text.replace("_", ""), 0)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no number: decimal, or hexadecimal with 0x") from None


def hexadecimal(text: str) -> int:
    """An address or instruction word, always hexadecimal; 0x is optional."""
    try:
        return int(text.replace("_", ""), 16)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no hexadecimal number") from None


def count(text: str) -> int:
    """How many: also 10k, 5M, 2G (thousands, millions, thousand millions)."""
    found = re.fullmatch(r"([\d_]+)([kKmMgG]?)", text)
    if not found:
        raise argparse.ArgumentTypeError(f"{text!r} is no count: digits, or with k, M or G")
    return int(found[1]) * {"": 1, "k": 10**3, "m": 10**6, "g": 10**9}[found[2].lower()]


def seconds(text: str) -> float:
    """A duration."""
    try:
        value = float(text.removesuffix("s"))
    except ValueError:
        value = -1.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return value


def add_isa(parser: argparse.ArgumentParser) -> None:
    """--isa, for commands that need the declarations only."""
    parser.add_argument("--isa", action="append", default=[], metavar="MODULE",
                        help="a Python module that declares more instructions (docs/adding-an-instruction.md)")  # fmt: skip


def load_isa(options: Any) -> None:
    """Declare our instructions and those of the --isa modules, which may be in the current folder."""
    from dbt.frontend import isa as _declarations  # noqa: F401

    here = os.getcwd()
    if options.isa and here not in sys.path:
        sys.path.insert(0, here)
    for name in options.isa:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as e:
            if e.name is None or not (name + ".").startswith(e.name + "."):
                raise  # it is there, and imports something that is not
            raise UserError(f"--isa {name}: no such Python module (give its name, not its file; its folder belongs in PYTHONPATH)") from None


def add_machine(parser: argparse.ArgumentParser, memory: str) -> None:
    """What every machine takes."""
    g = parser.add_argument_group("machine")
    g.add_argument("--memory", type=size, default=size(memory), metavar="SIZE", help=f"RAM, as 512M or 1G (default {memory})")
    g.add_argument("--smp", type=number, default=1, metavar="N", help="how many CPUs (default 1)")
    g.add_argument("--parallel", action="store_true",
                   help="a host thread for each CPU (of a Linux program: for each of its threads), in the host's time: faster, but runs do not repeat exactly")  # fmt: skip
    g.add_argument("--cpu", "-cpu", help="processor model: power7, power8 or power9 (default power8, for Linux programs power9)")
    g.add_argument("--engine", choices=ENGINES, default="jit", help="how code runs (default jit)")
    g.add_argument("--privileged", choices=("inline", "trap"), default="inline",
                   help="translate privileged instructions (default), or let each exit and be emulated")  # fmt: skip
    g.add_argument("--shadow-vsids", type=number, default=65_535, metavar="N", help="how many shadow address spaces there are")
    g.add_argument("--warm", type=float, default=0.0, metavar="SECONDS", help="before leaving, compile what became hot for the next start")
    g.add_argument("--hot-threshold", type=number, metavar="N", help="arrivals before code is compiled (jit)")
    add_isa(g)  # type: ignore[arg-type]
    g = parser.add_argument_group("limits and reports")
    g.add_argument("--max-instructions", type=count, metavar="N", help="stop after so many instructions (exit status 124)")
    g.add_argument("--timeout", type=seconds, metavar="S", help="stop after so many seconds (exit status 124)")
    g.add_argument("--stats", action="store_true", help="print exit statistics at the end")
    g.add_argument("--stats-json", metavar="FILE", help="write them to a file")
    g.add_argument("--trace", metavar="FILE", help="write every instruction executed (slow; - is standard error)")


def machine_options(options: Any) -> dict[str, Any]:
    """Those options as a VM takes them. UserError for what cannot be right."""
    from .progress import compiling

    if options.isa:
        load_isa(options)
    if options.shadow_vsids < 1:
        raise UserError("--shadow-vsids: at least 1")
    out = {n: getattr(options, n) for n in ("memory", "cpu", "engine", "privileged", "shadow_vsids")}
    out["cpus"], out["parallel"] = options.smp, options.parallel
    if options.parallel and (options.engine == "reference" or options.trace is not None):
        raise UserError("--parallel: not with --trace or the reference engine, which follow one CPU at a time")
    if options.hot_threshold is not None:
        if not 1 <= options.hot_threshold < 1 << 31:
            raise UserError("--hot-threshold: from 1 to 2147483647")
        out["hot_threshold"] = options.hot_threshold
    out["cpu"] = out["cpu"] or "power8"
    return out | {"isa": tuple(options.isa), "progress": compiling}
