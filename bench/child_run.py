"""Runs that are measured, in a process of their own (child.py): a workload, or a kernel."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

Options = dict[str, Any]


class Capture:
    """A console that only listens; `heard` is called once, when `text` has appeared."""

    def __init__(self, text: bytes = b"", heard: Callable[[], object] = lambda: None) -> None:
        self.output, self.text, self.heard = bytearray(), text, heard

    def write(self, data: bytes) -> None:
        self.output += data
        if self.text and self.text in self.output:
            self.text = b""
            self.heard()

    def read(self, limit: int) -> bytes:
        return b""


def loop(options: Options) -> dict[str, Any]:
    """A workload of guests/bench on the bare machine."""
    from runtime.events import Shutdown
    from runtime.loader import load_elf
    from runtime.machines.bare import BareMachine
    from runtime.stats import collect

    console = Capture()
    machine = BareMachine(console, engine=options["engine"])
    image = load_elf(options["program"])
    machine.load(image)
    place = image.symbol("bench_reps")
    if place is None:
        raise SystemExit(f"{options['program']}: no symbol bench_reps")
    machine.vm.write(image.real_address(place) or place, int(options["reps"]).to_bytes(8, "big"))
    cpu, wall = time.process_time(), time.perf_counter()
    event = machine.run()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    if event != Shutdown(0):
        raise SystemExit(f"{options['program']}: ended with {event}")
    stats = collect(machine.vm, {})
    machine.close()
    words = console.output.decode("latin1").split()
    return {"instructions": stats["instructions"], "result": words[-1], "cpu": cpu, "wall": wall, "compiler": stats["compiler"]}


def boot(options: Options) -> dict[str, Any]:
    """A kernel to its power-off."""
    from runtime.events import Budget, Shutdown
    from runtime.loader import load_elf
    from runtime.machines.pseries import PseriesMachine

    from .guests import WORDS, linux

    kernel, initrd = linux(options["guest"], options.get("load", False), options.get("release"))
    loaded: dict[str, Any] = {}
    console = Capture(b"LOAD-START", lambda: loaded.update(machine.statistics()))
    if not options.get("page", True):
        withhold_page()
    begin = time.process_time()
    image = load_elf(kernel)
    if options.get("repair"):
        from runtime.machines.repairs import repaired

        image = repaired(image)
    machine = PseriesMachine(console, image, initrd, WORDS, pv=options.get("pv", False),
                             memory=options["memory"], engine=options["engine"], privileged=options["privileged"],
                             cpu=options.get("cpu", "power8"), cpus=options.get("smp", 1), parallel=options.get("parallel", False))  # fmt: skip
    made = time.process_time()
    wall = time.perf_counter()
    limit: int | None = options.get("max_instructions")
    whole = limit is None
    event = machine.run(limit)
    while machine.vm.parallel and isinstance(event, Budget) and (limit is None or machine.instructions < limit):  # they look up when they are idle
        event = machine.run(None if limit is None else limit - machine.instructions)
    ran, wall = time.process_time(), time.perf_counter() - wall
    if whole and (event != Shutdown(0) or b"BOOT-OK" not in console.output):
        raise SystemExit(f"the boot ended with {event} after {console.output[-200:].decode('latin1')!r}")
    stats = machine.statistics()
    touched = _touched("ppcdbt-ram")
    peak = _peak()
    machine.close()
    return {"statistics": stats, "setup_cpu": made - begin, "run_cpu": ran - made, "run_wall": wall, "console_sha256": sha256(console.output).hexdigest(),
            "guest_ram_touched": touched, "peak_rss": peak,
            "before_page": machine.before_paravirtual.get("emulated", {}), "before_load": loaded.get("emulated", {})}  # fmt: skip


def withhold_page() -> None:
    """The guest asks what the paravirtual framework has, and hears: nothing."""
    from runtime.hypercalls import paravirt

    name, _ = paravirt.CALLS[paravirt.FEATURES]
    paravirt.CALLS[paravirt.FEATURES] = name, lambda vcpu: (paravirt.EV_SUCCESS, 0)


def _touched(name: str) -> int:
    """Bytes of a memfd that exist."""
    total = 0
    for entry in os.scandir("/proc/self/fd"):
        try:
            if name in os.readlink(entry.path):
                total += os.stat(entry.path).st_blocks * 512
        except OSError:
            continue
    return total


def _peak() -> int:
    """Peak resident bytes of this process. (What wait4 says includes the parent's at the fork.)"""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    return 0
