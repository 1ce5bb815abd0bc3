"""Run a program: for Linux in user mode, or for bare metal with RAM from 0, a console and a power-off register.

PROGRAM is an ELF file of 32 or 64 bits and either byte order. A program for Linux (ppc64le, ppc64, ppc32; static or, with -L ROOT,
dynamic) uses the host's kernel with your rights. A bare-metal one has the machine of runtime/machines/bare.py; with --flat ADDRESS
it is any file of code, placed and started there. The exit status is the guest's.

    ppcdbt run -L /usr/powerpc64le-linux-gnu ./program argument
    ppcdbt run guests/built/hello.elf
    ppcdbt run --flat 0x1000 --bits 32 code.bin
"""

from __future__ import annotations

import argparse
import mmap
import sys
from typing import TYPE_CHECKING, Any

from . import linux
from . import options as o
from .errors import BROKEN, LATE, PANICKED, RESTARTED, UserError

if TYPE_CHECKING:
    from runtime.loader.elf import Image


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("program", metavar="PROGRAM")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, metavar="ARGUMENT", help="of a Linux program")
    parser.add_argument("--flat", type=o.number, metavar="ADDRESS", help="the file is code without a format: load and start it here")
    parser.add_argument("--bits", type=int, choices=(32, 64), help="of a flat file (default 64)")
    parser.add_argument("--little", action="store_true", help="a flat file is little-endian")
    o.add_machine(parser, "64M")
    linux.configure(parser)


def load(options: Any) -> Image:
    """The program. UserError or LoadError if it is none that the bare machine can run."""
    from runtime.loader import load_elf, load_flat

    path = options.program
    if options.flat is not None:
        return load_flat(path, options.flat, bits=options.bits or 64, little=options.little)
    if options.bits or options.little:
        raise UserError("--bits and --little describe a flat file: give its address with --flat")
    image = load_elf(path)
    if image.highest > options.memory:
        raise UserError(f"{path}: reaches {image.highest:#x}, past the {options.memory >> 20} MiB of RAM: give more --memory"
                        + (", or is it a kernel? (ppcdbt boot)" if image.lowest >> 60 else ""))  # fmt: skip
    return image


def run(options: Any) -> int:
    if options.flat is None and not options.bare:
        from runtime.loader.files import open_file

        with open_file(options.program) as file:
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
                recognised = linux.recognise(options.program, data)
            if options.linux or recognised:
                return linux.run(options, options.program, file, recognised)
    if options.arguments:
        raise UserError(f"a bare-metal program takes no arguments: {' '.join(options.arguments)!r}")
    image = load(options)
    from runtime.console import Leave, TerminalConsole
    from runtime.machines.bare import BareMachine

    from .session import TimedOut, drive, report

    kwargs = o.machine_options(options)
    console = TerminalConsole()
    machine = BareMachine(console, **kwargs)
    try:
        machine.load(image)
        try:
            event = drive(machine, options)
        except TimedOut as e:
            print(f"\nppcdbt: {e}", file=sys.stderr)
            return LATE
        except Leave:
            return 0
        return ended(event, machine)
    finally:
        report(machine, options)
        machine.close()


def ended(event: Any, machine: Any) -> int:
    """The exit status that an end of the guest means; says so unless it is a plain shutdown."""
    from runtime.events import Halted, Panicked, Reset, Shutdown
    from runtime.report import crash_report

    if isinstance(event, Shutdown):
        return event.status & 0xFF
    if isinstance(event, Reset):
        print("ppcdbt: the guest asked for a restart", file=sys.stderr)
        return RESTARTED
    if isinstance(event, Panicked):
        print(f"ppcdbt: the guest panicked: {event.message}", file=sys.stderr)
        return PANICKED
    what = "the guest waits for an interrupt that cannot come" if isinstance(event, Halted) else f"the guest stopped: {event}"
    print(f"ppcdbt: {what}\n{crash_report(machine.vcpu, machine.vm)}", file=sys.stderr)
    return BROKEN
