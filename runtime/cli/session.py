"""Running a machine for a command: in slices, so that Ctrl-C, escapes and time limits are heard; then what is to be reported."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from typing import Any

from runtime.events import Budget, Event, NotEmulated
from runtime.report import crash_report, disassembly

FIRST_SLICE = 100_000  # instructions; then as many as take about a tenth of a second, up to the engine's SLICES
SLICES = {"reference": 20_000, "interpreter": 20_000_000, "jit": 50_000_000}


class TimedOut(Exception):
    """The time limit passed, or the budget of instructions is used up."""


def drive(machine: Any, options: Any, done: Callable[[], bool] = lambda: False, poll: Callable[[], object] = lambda: None) -> Event | None:
    """Run until the guest ends (its event), `done()` (None), or a limit (TimedOut). `poll` is called now and then."""
    most = SLICES[options.engine]
    slice_ = min(most, FIRST_SLICE)
    deadline = None if options.timeout is None else time.monotonic() + options.timeout
    end = None if options.max_instructions is None else machine.instructions + options.max_instructions
    with tracing(machine, options) as step:
        while True:
            poll()
            left = slice_ if end is None else min(slice_, end - machine.instructions)
            started = time.monotonic()
            try:
                event: Event = step(left)
            except NotEmulated as e:
                text = str(e)
                raise NotEmulated(text if "\nNIP:" in text else f"{text}\n{crash_report(machine.vcpu, machine.vm)}") from e
            if done():
                return None
            if not isinstance(event, Budget):
                return event
            took = time.monotonic() - started  # a guest that waits for input runs slowly: it exits to Python all the time
            slice_ = min(most, 2 * slice_) if took < 0.05 else max(1000, slice_ // 2) if took > 0.2 else slice_
            if end is not None and machine.instructions >= end:
                raise TimedOut(f"{options.max_instructions} instructions have run (--max-instructions); pc {machine.vcpu.nia:#x}")
            if deadline is not None and time.monotonic() > deadline:
                raise TimedOut(f"{options.timeout:g} seconds have passed (--timeout); pc {machine.vcpu.nia:#x}")


@contextlib.contextmanager
def tracing(machine: Any, options: Any) -> Any:
    """`machine.run`, or with --trace a `run` that writes down every instruction."""
    if options.trace is None:
        yield machine.run
        return
    with contextlib.ExitStack() as stack:
        out = sys.stderr if options.trace == "-" else stack.enter_context(open(options.trace, "w"))

        def line(vcpu: Any, word: int) -> None:
            pc = vcpu.nia
            out.write(f"{which(vcpu)}{vcpu.icount:12} {pc:016x} {word:08x} {disassembly(word, pc)}\n")

        def which(vcpu: Any) -> str:
            return f"{vcpu.number:2} " if len(machine.vm.vcpus) > 1 else ""

        if options.engine == "reference":
            machine.vm.trace = line
            yield machine.run
            return
        from runtime.report import word_at

        def steps(limit: int) -> Event:
            """One instruction at a time. An interrupt that is taken first shows as a jump to its vector."""
            for _ in range(min(limit, 20_000)):
                vcpu = machine.turns.upcoming()
                pc = vcpu.nia
                word = word_at(vcpu, pc)
                if word is None:
                    out.write(f"{which(vcpu)}{vcpu.icount:12} {pc:016x} -------- (no code here)\n")
                else:
                    line(vcpu, word)
                event: Event = machine.run(1)
                if not isinstance(event, Budget):
                    return event
            return Budget()

        yield steps


def statistics(machine: Any) -> dict[str, Any]:
    """What the machine counted."""
    method = getattr(machine, "statistics", None)
    if method is not None:
        found: dict[str, Any] = method()
        return found
    from runtime.stats import collect

    return collect(machine.vm, {})


def text(stats: dict[str, Any]) -> str:
    """Statistics for people: a section a group, largest first."""
    lines = []
    for name, value in stats.items():
        if not isinstance(value, dict):
            lines.append(f"{name:<28}{value:>16,}" if isinstance(value, int) else f"{name:<28}{value!s:>16}")
            continue
        shown = {k: v for k, v in value.items() if v}
        if shown:
            lines.append(f"{name}:")
            lines += [f"  {k:<26}{v:>16,}" if isinstance(v, int | float) else f"  {k:<26}{v!s:>16}"
                      for k, v in sorted(shown.items(), key=lambda i: (-i[1] if isinstance(i[1], int | float) else 0, i[0]))]  # fmt: skip
    return "\n".join(lines)


def report(machine: Any, options: Any) -> None:
    """--warm, --stats and --stats-json."""
    vm = getattr(machine, "vm", None)
    if options.warm > 0 and vm is not None and vm.compiler is not None:
        print("\nppcdbt: compiling what became hot, for the next start (Ctrl-C ends it)", file=sys.stderr)
        with contextlib.suppress(KeyboardInterrupt):
            vm.compiler.drain(options.warm)
    if not options.stats and options.stats_json is None:
        return
    stats = statistics(machine)
    if options.stats_json is not None:
        import json

        with open(options.stats_json, "w") as f:
            json.dump(stats, f, indent=1)
            f.write("\n")
    if options.stats:
        sys.stdout.flush()
        print("\n" + text(stats), file=sys.stderr)
