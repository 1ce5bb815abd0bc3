"""`ppcdbt run hello.elf` with stamps, for `ppcdbt bench start`: python -m bench.child_start ENGINE PROGRAM."""

import time

FIRST_LINE = time.monotonic_ns()

import os  # noqa: E402
import sys  # noqa: E402
from typing import Any  # noqa: E402


def main(engine: str, program: str) -> int:
    """Run it; the last line printed is a JSON report in milliseconds."""
    begin = int(os.environ["PPCDBT_BENCH_STARTED"])
    spent: dict[str, int] = {}
    first: list[int] = []
    imports = time.monotonic_ns()
    import runtime.cli.run
    import runtime.console
    import runtime.loader
    import runtime.machines.bare
    from dbt import engine as engines
    from runtime import vm
    from runtime.turns import Turns

    imports = time.monotonic_ns() - imports

    def timed(owner: Any, name: str, label: str) -> None:
        function = getattr(owner, name)

        def wrapper(*args: Any, **kwargs: Any) -> Any:
            start = time.monotonic_ns()
            try:
                return function(*args, **kwargs)
            finally:
                spent[label] = spent.get(label, 0) + time.monotonic_ns() - start

        setattr(owner, name, wrapper)

    timed(engines, "load_image", "read the image")
    timed(engines, "place_image", "place the image")
    timed(vm.VM, "__init__", "vm")
    timed(runtime.cli.run, "load", "load the program")
    original = Turns.run

    def run(self: Any, *args: Any, **kwargs: Any) -> Any:
        if not first:
            first.append(time.monotonic_ns())
        return original(self, *args, **kwargs)

    Turns.run = run  # type: ignore[method-assign]
    status = runtime.cli.main(["run", "--engine", engine, program])
    end = time.monotonic_ns()
    heavy = [name for name in ("numba", "llvmlite") if name in sys.modules]
    split = {
        "python": FIRST_LINE - begin, "imports": imports, "read the image": spent["read the image"],
        "place the image": spent["place the image"], "rest of the VM": spent["vm"] - spent["read the image"] - spent["place the image"],
        "load the program": spent["load the program"], "run": end - first[0],
    }  # fmt: skip
    split["other"] = end - begin - sum(split.values())
    report = {"first_instruction": first[0] - begin, "end": end - begin} | split

    import json

    sys.stdout.flush()
    print("\n" + json.dumps({"status": status, "imported": heavy, "ms": {k: v / 1e6 for k, v in report.items()}}))
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
