"""How long compiling takes, stage by stage; run in a process of its own by `ppcdbt bench compile`."""

from __future__ import annotations

import time
from typing import Any

Options = dict[str, Any]


def build(options: Options) -> dict[str, Any]:
    """The decoder and all of the machinery, into the (empty) cache that the environment names: seconds by stage."""
    from dbt.backend.build import parts
    from dbt.backend.helpers import exports, helper
    from dbt.backend.image import load_image
    from runtime.vm import MACHINERY

    seconds: dict[str, float] = {}
    state: tuple[str, float] | None = None

    def progress(what: str, done: int, total: int) -> None:
        nonlocal state
        now = time.perf_counter()
        if state is not None:
            seconds[state[0]] = seconds.get(state[0], 0.0) + now - state[1]
        state = (what, now)

    start, cpu = time.perf_counter(), time.process_time()
    image = load_image(MACHINERY)
    made = parts(image, progress)
    names = exports(image)
    size = 0
    for n, name in enumerate(names):
        progress("machinery: compiling", n, len(names))
        size += len(helper(image, name))
    progress("machinery", len(names), len(names))
    whole, cpu = time.perf_counter() - start, time.process_time() - cpu
    start = time.perf_counter()
    parts(load_image(MACHINERY))
    return {
        "seconds": whole, "cpu": cpu, "warm_seconds": time.perf_counter() - start, "stages": seconds,
        "handlers": made.firsts[-1] + 1, "helpers": len(names), "machinery_bytes": size,
    }  # fmt: skip


def regions(options: Options) -> dict[str, Any]:
    """Regions as a run of some workloads asks for them, each compiled again with a clock at every stage.

    `found` are the requests (page words, byte offset, mode, arrivals) that the background compiler got."""
    from dbt.backend.regioncache import RegionCache

    asked: list[tuple[Any, int, Any, Any]] = []
    original = RegionCache.compile

    def record(self: Any, words: Any, offset: int, mode: Any, arrivals: Any) -> Any:
        asked.append((words, offset, mode, arrivals))
        return original(self, words, offset, mode, arrivals)

    RegionCache.compile = record  # type: ignore[method-assign]
    for name, reps in options["programs"]:
        _run(name, reps)
    if options.get("boot"):
        _boot(options["boot"])
    RegionCache.compile = original  # type: ignore[method-assign]
    covered = [(words.tobytes(), place) for words, offset, mode, arrivals in asked for place in _places(words, offset, mode, arrivals)]
    sample = asked[:: max(1, len(asked) // options["limit"])][: options["limit"]]
    rows = [_staged(*request) for request in sample]
    return {"asked": len(asked), "covered": len(covered), "distinct": len(set(covered)), "rows": rows}


def _places(words: Any, offset: int, mode: Any, arrivals: Any) -> list[int]:
    from dbt.frontend.regions import discover

    return list(discover(words.tolist(), offset, mode, arrivals).covered)


def _run(program: str, reps: int) -> None:
    from runtime.loader import load_elf
    from runtime.machines.bare import BareMachine

    from .child_run import Capture

    machine = BareMachine(Capture(), engine="jit")
    image = load_elf(program)
    machine.load(image)
    place = image.symbol("bench_reps") or 0
    machine.vm.write(image.real_address(place) or place, reps.to_bytes(8, "big"))
    machine.run()
    for _ in range(600):  # let it finish, and install what it hands over, as the guest's thread would
        begin = time.perf_counter()
        machine.vm.compiler.drain(0.1)
        machine.vm.compiler.install(machine.vcpu.address)
        if time.perf_counter() - begin < 0.05:
            break
    machine.close()


def _boot(instructions: int) -> None:
    from .child_run import boot

    boot({"guest": "pseries64be", "engine": "jit", "memory": 512 << 20, "privileged": "inline", "max_instructions": instructions})


def _staged(words: Any, offset: int, mode: Any, arrivals: Any) -> dict[str, Any]:
    """One region: seconds of finding and lowering, parsing, passes, code generation and loading. As dbt.backend.compiler does it."""
    from dbt.backend.compiler import emit, optimise, parse
    from dbt.backend.objects import Arena, load_object
    from dbt.backend.translator import PASSES, region_text
    from dbt.engine import shared_engine
    from runtime.vm import MACHINERY

    symbols = shared_engine(MACHINERY, (), None).code.symbols
    clock = [time.perf_counter()]

    def lap() -> None:
        clock.append(time.perf_counter())

    found, text, modules = region_text(words.tolist(), offset, mode, arrivals)
    lap()
    module = parse(text, modules)
    lap()
    optimise(module, 2 if modules else PASSES)
    lap()
    image = emit(module)
    lap()
    arena = Arena(max(1 << 20, 4 * len(image)))
    load_object(arena, image, symbols)
    lap()
    arena.close()
    stages = ("build", "parse", "passes", "codegen", "load")
    row: dict[str, Any] = {s: b - a for s, a, b in zip(stages, clock, clock[1:], strict=False)}
    return row | {
        "instructions": len(found.covered), "blocks": len(found.blocks), "entries": len(found.entries),
        "text_bytes": len(text), "object_bytes": len(image),
    }  # fmt: skip
