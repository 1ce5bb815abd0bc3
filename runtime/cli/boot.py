"""Boot a Linux kernel on the pseries machine, without firmware.

Interactively the terminal is the guest's console: Ctrl-A x leaves, Ctrl-A s prints statistics, Ctrl-A h helps. With
--expect the console is only watched: exit status 0 as soon as TEXT appeared, 1 if the guest ended without it.
Without --kernel the project's own guest is used; a first time obtains or builds it (guests/README.md).

    ppcdbt boot
    ppcdbt boot --engine interpreter --expect BOOT-OK --stats
    ppcdbt boot --kernel vmlinux --initrd root.cpio.gz --append "console=hvc0 quiet"
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from . import options as o
from .errors import LATE, UserError
from .run import ended

GUEST = "pseries64be"


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--kernel", metavar="FILE", help="vmlinux, plain or compressed (default: the project's guest)")
    parser.add_argument("--initrd", metavar="FILE", help="initial RAM disk")
    parser.add_argument("--append", metavar="TEXT", default="", help="the kernel's command line")
    parser.add_argument("--expect", metavar="TEXT", help="end well when this appears on the console")
    parser.add_argument("--clock", choices=("instructions", "host"), default="instructions",
                        help="guest time: from executed instructions (default, deterministic) or the host's")  # fmt: skip
    parser.add_argument("--hpt-log2", type=o.number, metavar="N", help="log2 of the hash table's bytes (default: from the memory)")
    o.add_machine(parser, "512M")


def guest_files(options: Any) -> tuple[Path, Path | None]:
    """Kernel and initial RAM disk."""
    if options.kernel is not None:
        return Path(options.kernel), Path(options.initrd) if options.initrd is not None else None
    try:
        from guests.fetch import fetch, terminal_progress
    except ImportError:
        raise UserError("the project's own guest is not part of this installation: give --kernel and --initrd") from None
    kernel, initrd = fetch(GUEST, terminal_progress())
    return kernel, Path(options.initrd) if options.initrd is not None else initrd


def machine(options: Any, console: Any) -> Any:
    """The machine, loaded."""
    from runtime.loader import load_elf, load_initrd
    from runtime.machines.pseries import PseriesMachine

    if options.hpt_log2 is not None and not 18 <= options.hpt_log2 <= 46:
        raise UserError(f"--hpt-log2 {options.hpt_log2}: from 18 (256 KiB) to 46")
    kernel, initrd = guest_files(options)
    image = load_elf(kernel)
    disk = None if initrd is None else load_initrd(initrd)
    if options.memory < 0x40_0000 + image.highest - image.lowest:
        raise UserError(f"{options.memory >> 20} MiB of memory are too few for {kernel}: give more --memory")
    kwargs = o.machine_options(options)
    return PseriesMachine(console, image, disk, options.append, clock=options.clock, hpt_log2=options.hpt_log2, **kwargs)


def run(options: Any) -> int:
    if options.expect is not None and not options.expect:
        raise UserError("--expect: give a text")
    return interactive(options) if options.expect is None else scripted(options)


def scripted(options: Any) -> int:
    """--expect."""
    from runtime.console import ScriptedConsole

    from .session import TimedOut, drive, report

    out = sys.stdout.buffer
    m: Any = None

    def echo(data: bytes) -> None:
        out.write(data)
        out.flush()
        if m is not None and console.found:
            m.request_shutdown(0)  # end the run after this hypercall

    console = ScriptedConsole(options.expect, echo=echo)
    m = machine(options, console)
    try:
        try:
            event = drive(m, options, done=lambda: console.found)
        except TimedOut as e:
            print(f"\nppcdbt: {options.expect!r} has not appeared: {e}", file=sys.stderr)
            return LATE
        if console.found:
            return 0
        status = ended(event, m)
        print(f"\nppcdbt: the guest ended (status {status}) and {options.expect!r} has not appeared", file=sys.stderr)
        return 1
    finally:
        report(m, options)
        m.close()


def interactive(options: Any) -> int:
    """The terminal is the guest's."""
    from runtime.console import Leave, TerminalConsole

    from .session import TimedOut, drive, report, statistics, text

    m: Any = None
    console = TerminalConsole(commands={"s": lambda: text(statistics(m))})
    m = machine(options, console)
    try:
        try:
            with console:
                event = drive(m, options, poll=console.waiting)
        except TimedOut as e:
            print(f"\nppcdbt: {e}", file=sys.stderr)
            return LATE
        except Leave:
            print("\nppcdbt: left (Ctrl-A x)", file=sys.stderr)
            return 0
        return ended(event, m)
    finally:
        report(m, options)
        m.close()
