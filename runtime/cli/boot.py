"""Boot a Linux kernel on the pseries machine, without firmware.

GUEST is `debian`, Debian's own kernel and busybox for ppc64el, downloaded by package name a first time, with a shell; or
`pseries64be` (the default), a small big-endian kernel that runs a self-check (guests/README.md); or files of your own with --kernel.

Interactively the terminal is the guest's console: Ctrl-A x leaves, Ctrl-A s prints statistics, Ctrl-A h helps; all other keys,
Ctrl-C among them, are the guest's. With --script the guest runs a script, and its exit status becomes ours. With --expect the
console is only watched: exit status 0 as soon as TEXT appeared, 1 if the guest ended without it (debian then runs the self-check,
which ends with BOOT-OK). A power-off is status 0, a panic 71, a request for a restart 75.

    ppcdbt boot debian
    ppcdbt boot debian --script check.sh
    ppcdbt boot debian --release forky --cpu power9
    ppcdbt boot --engine interpreter --expect BOOT-OK --stats
    ppcdbt boot --kernel vmlinux --initrd root.cpio.gz --append "console=hvc0 quiet"
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
from pathlib import Path
from typing import Any

from . import options as o
from .errors import LATE, UserError
from .run import ended

GUESTS = ("pseries64be", "debian")


def configure(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("guest", nargs="?", choices=GUESTS, default=GUESTS[0], metavar="GUEST", help=f"{' or '.join(GUESTS)}")
    configure_machine(parser)


def configure_machine(parser: argparse.ArgumentParser) -> None:
    """The options that make the machine."""
    parser.add_argument("--release", metavar="NAME", help="the release of Debian, by its code name (default: the system's own)")
    parser.add_argument("--kernel", metavar="FILE", help="vmlinux, plain or compressed (default: the guest's)")
    parser.add_argument("--initrd", metavar="FILE", help="initial RAM disk")
    parser.add_argument("--script", metavar="FILE", help="run this in the guest and end with its exit status")
    parser.add_argument("--append", metavar="TEXT", default="", help="the kernel's command line")
    parser.add_argument("--expect", metavar="TEXT", help="end well when this appears on the console")
    parser.add_argument("--clock", choices=("instructions", "host"), default="instructions",
                        help="guest time: from executed instructions (default, deterministic) or the host's")  # fmt: skip
    parser.add_argument("--pv", choices=("off", "on", "repair"), default="off",
                        help="offer the paravirtual framework of KVM, with --privileged trap; repair: and mend, in memory, the kernel's own "
                             "test of it, which fails since Linux 5.16 (runtime/machines/repairs.py)")  # fmt: skip
    parser.add_argument("--firmware", choices=("none", "of"), default="none",
                        help="enter the kernel directly with a flattened device tree (default), or through Open Firmware's client interface")  # fmt: skip
    parser.add_argument("--interrupts", choices=("xics", "xive", "dual"),
                        help="the interrupt controller: XICS, XIVE (power9), or as the guest asks Open Firmware for (default: dual where it can be, "
                             "else xics)")  # fmt: skip
    parser.add_argument("--hpt-log2", type=o.number, metavar="N", help="log2 of the hash table's bytes (default: from the memory)")
    parser.add_argument("--mmu", choices=("hash", "radix"), help="how the guest translates addresses (default: radix where the CPU has it)")
    o.add_machine(parser, "512M")


def guest_files(options: Any) -> tuple[Path, bytes | None]:
    """Path of the kernel and content of the initial RAM disk."""
    from runtime.loader import load_initrd

    if options.release is not None and (options.guest != "debian" or options.kernel is not None):
        raise UserError("--release: is for the guest `debian`, without --kernel")
    disk = None if options.initrd is None else load_initrd(options.initrd)
    if options.kernel is not None:
        return Path(options.kernel), disk
    try:
        from guests import debian, fetch, packages
    except ImportError:
        raise UserError("the project's guests are not part of this installation: give --kernel and --initrd") from None
    progress = packages.terminal_progress()
    if options.guest != "debian":
        kernel, initrd = fetch.fetch(options.guest, progress)
        disk = load_initrd(initrd) if disk is None else disk
        return kernel, disk if options.script is None else fetch.scripted(disk, Path(options.script).read_bytes())
    kernel, busybox = debian.fetch(progress, release=options.release)
    if disk is None:
        if options.script is not None:
            disk = debian.shell(busybox, Path(options.script).read_bytes())
        else:
            disk = debian.self_check(busybox) if options.expect is not None else debian.shell(busybox)
    return kernel, disk


def machine(options: Any, console: Any, files: tuple[Path, bytes | None], append: str = "", **more: Any) -> Any:
    """The machine, loaded. `append` comes before the user's own words for the kernel."""
    from runtime.loader import load_elf
    from runtime.machines.pseries import PseriesMachine

    if options.hpt_log2 is not None and not 18 <= options.hpt_log2 <= 46:
        raise UserError(f"--hpt-log2 {options.hpt_log2}: from 18 (256 KiB) to 46")
    if options.pv != "off" and options.privileged != "trap":
        raise UserError(f"--pv {options.pv}: the framework replaces privileged instructions that trap: give --privileged trap too")
    kernel, disk = files
    image = load_elf(kernel)
    if options.pv == "repair":
        from runtime.machines.repairs import repaired

        image = repaired(image)
        print("ppcdbt: repaired the kernel's test of the shared page in memory", file=sys.stderr)
    if options.memory < 0x40_0000 + image.highest - image.lowest:
        raise UserError(f"{options.memory >> 20} MiB of memory are too few for {kernel}: give more --memory")
    kwargs = o.machine_options(options)
    if options.kernel is None and options.guest == "debian":
        append = f"console=hvc0 {append}"  # without any words it has its own, with another console
    words = f"{append} {options.append}".strip()
    return PseriesMachine(console, image, disk, words, clock=options.clock, hpt_log2=options.hpt_log2,
                         pv=options.pv != "off", firmware=options.firmware, mmu=options.mmu, interrupts=options.interrupts, **more, **kwargs)  # fmt: skip


def run(options: Any) -> int:
    if options.expect is not None and not options.expect:
        raise UserError("--expect: give a text")
    if options.script is not None:
        if options.expect is not None or options.initrd is not None or options.kernel is not None:
            raise UserError("--script: is for the project's guests, without --expect, --kernel and --initrd")
        return script(options)
    return interactive(options) if options.expect is None else scripted(options)


def script(options: Any) -> int:
    """--script."""
    from runtime.console import OutputConsole

    from .session import drive

    sys.stdout.flush()
    return with_status(options, OutputConsole(), lambda m: drive(m, options), append="quiet")


def with_status(options: Any, console: Any, go: Any, **more: Any) -> int:
    """Run a machine with a second terminal that the guest may report an exit status to."""
    from runtime.console import Collector, Leave
    from runtime.events import Shutdown
    from runtime.hypercalls.console import SECOND_UNIT

    from .session import TimedOut, report

    second = Collector()
    m = machine(options, console, guest_files(options), terminals={SECOND_UNIT: second}, **more)
    try:
        try:
            event = go(m)
        except TimedOut as e:
            print(f"\nppcdbt: {e}", file=sys.stderr)
            return LATE
        except Leave:
            print("\nppcdbt: left (Ctrl-A x)", file=sys.stderr)
            return 0
        if isinstance(event, Shutdown) and second.status is not None:
            return second.status & 0xFF
        return ended(event, m)
    finally:
        report(m, options)
        m.close()


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
    m = machine(options, console, guest_files(options))
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
    from runtime.console import TerminalConsole

    from .session import drive, statistics, text

    running: list[Any] = []
    console = TerminalConsole(commands={"s": lambda: text(statistics(running[0]))})

    def go(m: Any) -> Any:
        running.append(m)
        with console:
            return drive(m, options, poll=console.waiting)

    words = ""
    if os.isatty(0):  # unknown words with = are the environment of /init
        columns, lines = shutil.get_terminal_size()
        words = f"COLUMNS={columns} LINES={lines} TERM={os.environ.get('TERM', 'vt100')}"
    return with_status(options, console, go, append=words, paced=True)
