"""The command line. One module per command, imported only when it is the one given.

A command module has `configure(parser)` and `run(options) -> exit status`. Status: 0 well, 1 the answer is no (or the
guest's own), 2 a bad option or file, 70 the guest or ppcdbt cannot go on, 71 the guest's kernel panicked, 75 it asked for a restart,
124 too late, 130 interrupted.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Sequence
from functools import lru_cache
from importlib import import_module

from .errors import BAD, BROKEN, INTERRUPTED, UserError

COMMANDS = {
    "boot": "boot a Linux kernel on the pseries machine",
    "run": "run a bare-metal program (ELF or flat binary)",
    "disasm": "disassemble a file or words",
    "asm": "assemble a source",
    "explain": "show all stages of one instruction: fields, IR, LLVM, host code",
    "explain-address": "show every step of an address translation",
    "isa": "what is declared: instructions by chapter",
    "bench": "run the benchmarks",
    "cache": "look at or clear the cache of compiled code",
    "doctor": "check this installation",
}


def version() -> str:
    """Of the installed distribution."""
    from importlib.metadata import PackageNotFoundError
    from importlib.metadata import version as of

    try:
        return of("ppcdbt")
    except PackageNotFoundError:
        return "(not installed)"


class _Version(argparse.Action):
    def __call__(self, parser: argparse.ArgumentParser, *rest: object) -> None:
        print(f"ppcdbt {version()}")
        parser.exit()


class _Formatter(argparse.RawDescriptionHelpFormatter):
    """Made for every option that is added. argparse's own imports shutil to ask for the terminal's width."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns())


@lru_cache(maxsize=1)
def _columns() -> int:
    try:
        return int(os.environ.get("COLUMNS") or os.get_terminal_size(1).columns) - 2
    except (OSError, ValueError):
        return 78


def parser(chosen: str | None) -> argparse.ArgumentParser:
    """The parser of a command; of all, without their own options, if none is chosen."""
    raw = _Formatter
    top = argparse.ArgumentParser(
        prog="ppcdbt", allow_abbrev=False, formatter_class=raw,
        description="A PowerPC dynamic binary translator and full-system emulator.",
        epilog="`ppcdbt COMMAND --help` says more.",
    )  # fmt: skip
    top.add_argument("--version", action=_Version, nargs=0, help="say the version")
    top.add_argument("--debug", action="store_true", help="tracebacks instead of one-line errors")
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, prog="ppcdbt")  # `prog`, or it formats a help text to find out
    for name in [chosen] if chosen in COMMANDS else COMMANDS:
        text = COMMANDS[name]
        if name != chosen:
            commands.add_parser(name, help=text)
            continue
        module = import_module(f".{name.replace('-', '_')}", __name__)
        sub = commands.add_parser(name, help=text, description=module.__doc__, formatter_class=raw, allow_abbrev=False)
        sub.add_argument("--debug", action="store_true", default=argparse.SUPPRESS, help=argparse.SUPPRESS)
        module.configure(sub)
        sub.set_defaults(run=module.run)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command; its exit status."""
    gc.set_threshold(50_000)  # a start makes almost as many objects, and they stay: looking through them again and again is a twentieth of it
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # NumPy would start threads that nothing here uses: 50 ms
    given = list(sys.argv[1:] if arguments is None else arguments)
    chosen = next((a for a in given if a != "--debug"), None)
    if chosen == "bench":  # has options of its own
        from .bench import pass_through

        debug = "--debug" in given
        rest = [a for a in given[given.index(chosen) + 1 :] if a != "--debug"]

        def command() -> int:
            return pass_through(rest)
    else:
        options = parser(chosen).parse_args(given)
        debug = options.debug

        def command() -> int:
            return int(options.run(options))

    if debug:
        return command()
    try:
        return command()
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:  # whoever read our output has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return 0
    except UserError as e:
        return fail(str(e), BAD)
    except Exception as e:
        return fail(*explained(e))
    finally:
        if (progress := sys.modules.get(f"{__name__}.progress")) is not None:
            progress.stop()


def fail(message: str, status: int) -> int:
    """One clear line (or a report that begins with one)."""
    if (progress := sys.modules.get(f"{__name__}.progress")) is not None:
        progress.stop()
    sys.stdout.flush()
    print(f"ppcdbt: {message}", file=sys.stderr)
    return status


def explained(e: Exception) -> tuple[str, int]:
    """(what to say about an exception, exit status)."""
    from runtime.events import NotEmulated
    from runtime.loader.errors import LoadError

    if isinstance(e, NotEmulated):
        return str(e), BROKEN
    if isinstance(e, OSError):
        return f"{e.filename}: {e.strerror}" if e.filename and e.strerror else str(e), BAD
    if isinstance(e, LoadError | ValueError | ImportError) or type(e).__name__ == "FetchError":
        return str(e), BAD
    return f"internal error: {type(e).__name__}: {e} (--debug shows where)", BROKEN


__all__ = ["COMMANDS", "UserError", "main"]
