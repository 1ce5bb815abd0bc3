"""What runs inside a measured process: python -m bench.child FUNCTION JSON. The last line printed is the report, in JSON."""

from __future__ import annotations

import json
import sys

from . import child_compile, child_run

FUNCTIONS = {"loop": child_run.loop, "boot": child_run.boot, "build": child_compile.build, "regions": child_compile.regions}


def main(arguments: list[str]) -> int:
    report = FUNCTIONS[arguments[0]](json.loads(arguments[1]))
    sys.stdout.flush()
    print("\n" + json.dumps(report))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
