"""`ppcdbt bench`: measure this machine's numbers. bench/README.md describes the reports.

    ppcdbt bench                          workloads on every engine, QEMU and natively (about fifteen minutes)
    ppcdbt bench --quick --only vm,lz     a first look
    ppcdbt bench boot | start | programs | exits | compile | families | threads
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from guests.build import BuildError

from .guests import GUESTS
from .measure import BenchError, environment

SCHEMA = "ppcdbt-bench/1"
COMMANDS = {
    "loops": "guest workloads on every engine (the default)",
    "boot": "a Linux kernel to its power-off, ours and QEMU's",
    "start": "process start to the first guest instruction",
    "programs": "Debian's programs for ppc64el, ours and QEMU's",
    "exits": "exits of a boot, privileged instructions translated and trapped",
    "compile": "what compiling costs",
    "families": "families of instructions: quad, decimal, conversions, vector storage, packed and scalar floating point",
    "threads": "the same work by one thread and by several",
}


def names(text: str) -> list[str]:
    """Words separated by commas."""
    return [n for n in text.split(",") if n]


def engines(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Names of engines among those that are `known`."""

    def parse(text: str) -> list[str]:
        given = names(text)
        if not given or set(given) - set(known):
            raise argparse.ArgumentTypeError(f"{text!r}: some of {','.join(known)}")
        return given

    return parse


def positive(text: str) -> int:
    """A count, at least 1."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r}: a number from 1")
    return int(text)


def fraction(text: str) -> float:
    """A positive factor."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r}: a factor above 0")
    return value


def parser() -> argparse.ArgumentParser:
    """The command line."""
    from . import boot, families, loops, programs

    top = argparse.ArgumentParser(prog="ppcdbt bench", description=__doc__, allow_abbrev=False,
                                  formatter_class=argparse.RawDescriptionHelpFormatter)  # fmt: skip
    sub = top.add_subparsers(dest="what", metavar="WHAT")
    subs = {name: sub.add_parser(name, help=text, description=text, allow_abbrev=False) for name, text in COMMANDS.items()}
    for name, p in subs.items():
        p.add_argument("--json", type=Path, metavar="FILE", help="write the report for machines")
        p.add_argument("--chart", type=Path, metavar="FILE", help="write a bar chart (SVG)")
        p.add_argument("--quick", action="store_true", help="as little as gives every number once: it says nothing about speed")
        p.add_argument("--quiet", action="store_true", help="no progress")
        if name != "compile":
            p.add_argument("--rounds", type=positive, metavar="N", help="measurements of each (default 3; of starts 9)")
    for name, known in (("loops", loops.ENGINES), ("boot", boot.ENGINES), ("start", loops.OURS), ("programs", programs.ENGINES),
                        ("families", families.ENGINES)):  # fmt: skip
        subs[name].add_argument("--engines", type=engines(known), default=list(known), metavar="NAME,..", help=f"of {','.join(known)}")
    for name in ("loops", "compile"):
        subs[name].add_argument("--only", type=names, default=[], metavar="NAME,..", help="workloads of guests/bench")
    subs["programs"].add_argument("--timeout", type=positive, default=programs.TIMEOUT, metavar="S",
                                  help="end a run after so many seconds (default %(default)g)")  # fmt: skip
    subs["programs"].add_argument("--keep", type=Path, metavar="FILE", help="keep complete rows there, and do not measure again those that are")
    subs["programs"].add_argument("--only", type=names, default=[], metavar="NAME,..", help="programs whose names begin so")
    subs["families"].add_argument("--only", type=names, default=[], metavar="NAME,..", help="families whose names begin so")
    for name in ("loops", "families"):
        subs[name].add_argument("--scale", type=fraction, default=1.0, metavar="F", help="this fraction of the full number of rounds")
    for name, cpus in (("boot", ("power8", "power9")), ("exits", ("power7", "power8", "power9"))):
        subs[name].add_argument("--guest", choices=GUESTS, default=GUESTS[0], help=f"the kernel (default {GUESTS[0]})")
        subs[name].add_argument("--memory", type=positive, default=512, metavar="MB", help="RAM (default 512)")
        subs[name].add_argument("--max-instructions", type=positive, metavar="N", help="end our boots early")
        subs[name].add_argument("--cpu", choices=cpus, default="power8", help="processor model (default power8): hash MMU; power9: radix")
        subs[name].add_argument("--smp", type=positive, default=1, metavar="N", help="CPUs (default 1); `boot` with more: in parallel too")
    subs["boot"].add_argument("--warmups", type=positive, metavar="N",
                              help="boots of the jit before its cache counts as warm, at most (default 4; fewer if none compiles)")  # fmt: skip
    subs["boot"].add_argument("--empty", action="store_true", help="also one boot of each engine of ours from an empty cache, compiling all it needs")
    subs["exits"].add_argument("--load", action="store_true", help="after the boot, a load of processes, pipes, system calls and page faults")
    subs["exits"].add_argument("--release", metavar="NAME", help="of the guest debian, by its code name (default: the system's own)")
    subs["exits"].add_argument("--engine", choices=loops.OURS, default="interpreter", help="default interpreter")
    subs["threads"].add_argument("--threads", type=positive, default=2, metavar="N", help="threads, to be compared with one (default 2)")
    subs["compile"].add_argument("--boot", type=int, default=200_000_000, metavar="N",
                                 help="compile for so many instructions of a boot too (default 200000000; 0: none)")  # fmt: skip
    subs["compile"].add_argument("--limit", type=positive, default=60, metavar="N", help="regions to time (default 60)")
    subs["compile"].add_argument("--no-build", action="store_true", help="leave out the decoder and the machinery (some 20 seconds)")
    return top


def perform(o: argparse.Namespace, say: Callable[[str], object]) -> tuple[Any, dict[str, Any], bool]:
    """(module that shows it, report, whether everything was right)."""
    rounds = getattr(o, "rounds", None) or (1 if o.quick else 9 if o.what == "start" else 3)
    if o.what == "loops":
        from . import loops

        report = loops.run(o.engines, o.only, rounds, o.quick, o.scale, say)
        return loops, report, all(r["right"] for r in report["rows"])
    if o.what == "boot":
        from . import boot

        report = boot.run(o.guest, o.engines, rounds, o.warmups or (1 if o.quick else 4), o.memory << 20, say, o.max_instructions, o.cpu, o.smp, o.empty)
        return boot, report, report["identical"]
    if o.what == "families":
        from . import families

        report = families.run(o.engines, o.only, rounds, o.quick, o.scale, say)
        return families, report, all(r["right"] for r in report["rows"])
    if o.what == "start":
        from . import start

        return start, start.run(o.engines, rounds, say), True
    if o.what == "programs":
        from . import programs

        report = programs.run(o.engines, o.only, rounds, o.quick, say, o.timeout, o.keep, show)
        return programs, report, all(r["right"] for r in report["rows"])
    if o.what == "exits":
        from . import exits

        return exits, exits.run(o.guest, o.engine, rounds, o.memory << 20, say, o.max_instructions, o.load, o.cpu, o.smp, o.release), True
    if o.what == "threads":
        from . import threads

        report = threads.run(o.threads, rounds, o.quick, say)
        return threads, report, all(r["right"] for r in report["rows"])
    from . import compiling

    return compiling, compiling.run(o.only, 0 if o.quick else o.boot, o.limit, not (o.no_build or o.quick), o.quick, say), True


def show(text: str) -> None:
    """A line that stays."""
    print(("\r\x1b[K" if sys.stderr.isatty() else "") + text, file=sys.stderr, flush=True)


def progress(quiet: bool) -> Callable[[str], object]:
    """What is being measured, on one line of a terminal."""
    if quiet or not sys.stderr.isatty():
        return lambda text: None
    return lambda text: print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """The command; its exit status: 1 if a guest computed something wrong, 2 for what cannot be measured."""
    given = list(sys.argv[1:] if argv is None else argv)
    if not given or (given[0] not in COMMANDS and given[0] not in ("-h", "--help")):
        given.insert(0, "loops")
    o = parser().parse_args(given)
    say = progress(o.quiet)
    around = environment()
    try:
        module, report, right = perform(o, say)
    except (BenchError, BuildError) as e:
        say("")
        print(f"ppcdbt bench: {e}", file=sys.stderr)
        return 2
    say("")
    for n, table in enumerate(module.tables(report)):
        print() if n else None
        table.show()
    settings = {k: v for k, v in vars(o).items() if k not in ("json", "chart", "quiet", "what", "keep") and v is not None}
    if o.json is not None:
        whole = {"schema": SCHEMA, "what": o.what, "environment": around, "settings": settings} | report
        o.json.write_text(json.dumps(whole, indent=1) + "\n")
    if o.chart is not None:
        note = f"{around['cpu']}, load {around['load'][0]}, {around['time']}, commit {around['commit']}"
        o.chart.write_text(module.picture(report, note), encoding="utf-8")
    if not right:
        print("ppcdbt bench: wrong results (see above)", file=sys.stderr)
    return 0 if right else 1


if __name__ == "__main__":
    sys.exit(main())
