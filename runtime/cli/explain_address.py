"""Run a guest for a while, then show every step of translating effective addresses in the state it has reached.

    ppcdbt explain-address c000000000000000 --max-instructions 5M
    ppcdbt explain-address 10000100 --access fetch --expect INIT-START
    ppcdbt explain-address 0x10000 --program guests/built/hello.elf --max-instructions 100
"""

from __future__ import annotations

import argparse
import sys
from typing import Any

from . import boot
from . import options as o

DEFAULT = 5_000_000


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("address", nargs="+", type=o.hexadecimal, metavar="EA", help="effective addresses, hexadecimal")
    parser.add_argument("--access", choices=("load", "store", "fetch"), default="load", help="what is to be done there (default load)")
    parser.add_argument("--program", metavar="FILE", help="a bare-metal program instead of a kernel")
    parser.add_argument("--guest", choices=boot.GUESTS, default=boot.GUESTS[0], help=f"(default {boot.GUESTS[0]})")
    boot.configure_machine(parser)


def run(options: Any) -> int:
    from runtime.console import ScriptedConsole

    from .session import TimedOut, drive

    if options.max_instructions is None:
        options.max_instructions = DEFAULT if options.expect is None else 10**12
    m: Any = None

    def echo(data: bytes) -> None:
        if console.found and hasattr(m, "request_shutdown"):
            m.request_shutdown(0)

    console = ScriptedConsole(options.expect or "", echo=echo)
    m = machine(options, console)
    try:
        try:
            if options.max_instructions:
                drive(m, options, done=lambda: console.found)
        except TimedOut:
            pass
        state = m.vcpu
        print(f"after {state.icount} instructions, pc {state.nia:#x}, MSR {state.msr:#x}", file=sys.stderr)
        bad = 0
        for n, ea in enumerate(options.address):
            found = m.vm.translate(ea, options.access)
            print("\n" * bool(n) + str(found))
            bad += not found.ok
        return 1 if bad else 0
    finally:
        m.close()


def machine(options: Any, console: Any) -> Any:
    """The pseries machine, or a bare one with --program."""
    if options.program is None:
        return boot.machine(options, console, boot.guest_files(options))
    from runtime.machines.bare import BareMachine

    from .run import load

    options.flat, options.bits, options.little = None, None, False
    image = load(options)
    m = BareMachine(console, **o.machine_options(options))
    m.load(image)
    return m
