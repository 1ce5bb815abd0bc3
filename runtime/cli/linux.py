"""`ppcdbt run` of a Linux program: what is recognised as one, and how it is started."""

from __future__ import annotations

import argparse
import os
import struct
import sys
from collections.abc import Callable
from mmap import mmap
from typing import Any, BinaryIO

from . import options as o
from .errors import UserError

PT_LOAD, PT_INTERP, PT_NOTE, PT_TLS, PT_GNU_EH_FRAME, PT_GNU_PROPERTY = 1, 3, 4, 7, 0x6474_E550, 0x6474_E553
OSABI_LINUX = 3
LINUX_TEXT = 0x1000_0000  # where GNU ld places programs for Linux; no bare-metal program has that much RAM by default


def configure(parser: argparse.ArgumentParser) -> None:
    """Options of Linux programs, spelled as qemu-ppc64's."""
    g = parser.add_argument_group("Linux programs")
    g.add_argument("-L", dest="root", default=os.environ.get("QEMU_LD_PREFIX", ""), metavar="ROOT",
                   help="where the program's files are looked up first: its dynamic linker and libraries")  # fmt: skip
    g.add_argument("-E", dest="set", action="append", default=[], metavar="VAR=VALUE", help="set an environment variable")
    g.add_argument("-U", dest="unset", action="append", default=[], metavar="VAR", help="remove one")
    g.add_argument("-0", dest="argv0", metavar="ARGV0", help="the program's own name")
    parser._has_negative_number_optionals.clear()  # -0 is an option's name; -1 is still a value
    g.add_argument("--strace", "-strace", action="store_true", help="write system calls to standard error")
    g.add_argument("--sandbox", action="store_true",
                   help="confine the program: it sees the root of -L, read-only, and a scratch folder at /tmp; no sockets, no host programs")  # fmt: skip
    g.add_argument("--scratch", metavar="FOLDER", help="the sandbox's /tmp (default: a new one, removed at the end)")
    g.add_argument("--linux", action="store_true", help="the program is for Linux, though nothing in it says so")
    g.add_argument("--bare", action="store_true", help="the program is for bare metal, whatever is in it")
    g.add_argument("--seed", type=o.number, metavar="N", help="random numbers from the kernel (AT_RANDOM, getrandom) are the same each time")


def recognise(path: str, data: bytes | mmap) -> str:
    """Why a file is a Linux program, or an empty string: an interpreter, position independence, a note or TLS of a Linux toolchain."""
    if data[:4] != b"\x7fELF" or len(data) < 52 or data[5] not in (1, 2):
        return ""
    mark = "<" if data[5] == 1 else ">"
    if data[4] == 2:
        (kind,), (offset,) = struct.unpack_from(mark + "H", data, 16), struct.unpack_from(mark + "Q", data, 32)
        size, count = struct.unpack_from(mark + "HH", data, 54)
        form, places = mark + "IIQQ", (2, 3)
    else:
        (kind,), (offset,) = struct.unpack_from(mark + "H", data, 16), struct.unpack_from(mark + "I", data, 28)
        size, count = struct.unpack_from(mark + "HH", data, 42)
        form, places = mark + "III", (1, 2)
    notes = b""
    kinds = set()
    lowest = 1 << 64
    for n in range(count):
        if offset + n * size + struct.calcsize(form) > len(data):
            return ""
        fields = struct.unpack_from(form, data, offset + n * size)
        kinds.add(fields[0])
        if fields[0] == PT_LOAD:
            lowest = min(lowest, fields[places[1]] & -65536)
        if fields[0] == PT_NOTE:
            at = fields[places[0]]
            notes += data[at : at + 512]
    if PT_INTERP in kinds:
        return "a dynamically linked program (it names an interpreter)"
    if kind == 3:
        return "a position-independent program"
    if b"\0\0\0\1GNU\0" in notes or b"\1\0\0\0GNU\0" in notes:
        return "a program with a note that it is for Linux"
    if PT_TLS in kinds or data[7] == OSABI_LINUX:
        return "a program linked for Linux"
    if kinds & {PT_GNU_EH_FRAME, PT_GNU_PROPERTY}:
        return "a program linked for Linux"
    if lowest == LINUX_TEXT:
        return f"a program linked where programs for Linux are ({LINUX_TEXT:#x})"
    return ""


def run(options: Any, path: str, file: BinaryIO, recognised: str) -> int:
    """Run it and close its file; does not return when it goes well: our process ends as the program does."""
    from runtime.loader.errors import LoadError
    from runtime.user.process import Options, Process

    environment = _environment(options)
    if options.root and not os.path.isdir(options.root):
        raise UserError(f"-L {options.root}: no such folder")
    if options.smp != 1:
        raise UserError("--smp is for machines: a Linux program starts threads itself (--parallel: they run at once)")
    kwargs = o.machine_options(options)
    vm: dict[str, Any] = {k: v for k, v in kwargs.items() if k in ("isa", "progress", "hot_threshold")}
    render: Callable[[dict[str, Any]], str] = str
    if options.stats:
        from .session import text

        render = text
    process = Process(Options(
        cpu=options.cpu or "power9", engine=kwargs["engine"], parallel=options.parallel, failed=_failed, root=options.root, strace=options.strace, stats=options.stats, render=render, seed=options.seed,
        stack=_stack(), warm=options.warm, timeout=options.timeout, max_instructions=options.max_instructions, trace=options.trace,
        stats_json=options.stats_json, vm=vm, **_sandbox(options),
    ))  # fmt: skip
    if process.sandbox is not None:
        found = process.sandbox.guest_name(os.path.realpath(os.fsencode(path)))
        path = os.fsdecode(found) if found is not None else "/" + os.path.basename(path)
        os.chdir(process.sandbox.scratch)
    argv = [os.fsencode(a) for a in (options.argv0 or (path if options.sandbox else options.program), *options.arguments)]
    try:
        process.start(path, argv, [k + b"=" + v for k, v in environment.items()], file)
        if process.sandbox is not None:
            process.sandbox.leave()
    except LoadError as e:
        raise UserError(f"{e} (taken for {recognised}: --bare if it is none)" if recognised else str(e)) from None
    file.close()  # its number is the program's
    sys.stdout.flush()
    process.run()
    return 0


def _failed(e: BaseException) -> int:
    """Say what is wrong with us."""
    from . import explained, fail

    return fail(*explained(e)) if isinstance(e, Exception) else 1


def _environment(options: Any) -> dict[bytes, bytes]:
    """The program's: ours as -U and -E change it; in a sandbox only what says nothing about the user."""
    kept = (b"TERM", b"LANG", b"LC_ALL", b"TZ", b"COLUMNS", b"LINES")
    environment = dict(os.environb)
    if options.sandbox:
        environment = {k: v for k, v in environment.items() if k in kept} | {b"PATH": b"/usr/bin:/bin", b"HOME": b"/tmp"}
    for name in options.unset:
        environment.pop(os.fsencode(name), None)
    for text in options.set:
        name, equals, value = text.partition("=")
        if not equals:
            raise UserError(f"-E {text}: VAR=VALUE")
        environment[os.fsencode(name)] = os.fsencode(value)
    return environment


def _sandbox(options: Any) -> dict[str, Any]:
    """Options of a Process for --sandbox."""
    if not options.sandbox:
        if options.scratch is not None:
            raise UserError("--scratch: the folder is the sandbox's: give --sandbox too")
        return {}
    if options.scratch is not None:
        if not os.path.isdir(options.scratch):
            raise UserError(f"--scratch {options.scratch}: no such folder")
        return {"scratch": options.scratch}
    import tempfile

    return {"scratch": tempfile.mkdtemp(prefix="ppcdbt-sandbox-"), "temporary": True}


def _stack() -> int:
    import resource

    soft = resource.getrlimit(resource.RLIMIT_STACK)[0]
    return 8 << 20 if soft < 0 else max(soft, 1 << 17)
