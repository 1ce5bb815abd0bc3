"""Random sequences of user-mode instructions: our interpreter and compiled regions against qemu-ppc64, qemu-ppc64le and qemu-ppc.

    python -m tests.oracle.sequences [sequences] [seed] [target]

A sequence has 20 to 200 instructions: fixed point, CR, loads and stores over a buffer, floating point, decimal, VMX, VSX, branches
forward and counted loops (sequence_pool.py). Both sides start from the same registers and buffer at the same addresses;
registers and the buffer are compared (sequence_layout.py). What is left out is in known_qemu.py. A sequence that disagrees is
shrunk (sequence_shrink.py) and listed.
"""

from __future__ import annotations

import random
import shutil
import sys
import tempfile

from .sequence_layout import TARGETS_BY_NAME, Sequence, differences
from .sequence_pool import generate
from .sequence_shrink import listing, shrink
from .sequence_sides import Oracle, Ours


def report(s: Sequence, side: Ours, oracle: Oracle) -> str:
    """The differences of a sequence made short, and its listing."""
    bits = side.target.bits
    small = shrink(s, lambda t: bool(differences(side.run(t), oracle.run([t])[0], bits)))
    show = differences(side.run(small), oracle.run([small])[0], bits)
    return "\n".join(["  ours / QEMU", *(f"  {line}" for line in show), listing(small)])


def compare(name: str, count: int, seed: int, jit_every: int) -> tuple[int, int, int, list[str]]:
    """(sequences that agreed on the interpreter, on regions, instructions in them, reports of the others)."""
    target = TARGETS_BY_NAME[name]
    r = random.Random(f"{name} {seed}")
    sequences = [generate(r, target) for _ in range(count)]
    good, compiled, instructions = 0, 0, 0
    reports: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        oracle = Oracle(target, directory)
        answers = oracle.run(sequences)
        sides = [Ours(target, "interpreter"), Ours(target, "region")]
        for n, (s, theirs) in enumerate(zip(sequences, answers, strict=True)):
            for side in sides if jit_every and n % jit_every == 0 else sides[:1]:
                if differences(side.run(s), theirs, target.bits):
                    reports.append(f"{name} sequence {n} of seed {seed}, {side.kind}:\n{report(s, side, oracle)}")
                elif theirs is not None:
                    good += side.kind == "interpreter"
                    compiled += side.kind == "region"
                    instructions += len(s.words) if side.kind == "interpreter" else 0
            if len(reports) >= 5:
                break
        for side in sides:
            side.close()
    return good, compiled, instructions, reports


def available() -> bool:
    """Whether the oracle's programs are installed."""
    return all(
        map(shutil.which, ("powerpc64-linux-gnu-as", "powerpc64-linux-gnu-ld", "qemu-ppc64", "qemu-ppc64le", "qemu-ppc"))
    )


def main() -> int:
    count, seed = (int(x) for x in (sys.argv[1:3] + ["500", "1"][len(sys.argv[1:3]) :]))
    status = 0
    for name in sys.argv[3:] or TARGETS_BY_NAME:
        good, compiled, instructions, reports = compare(name, count, seed, 20)
        print(
            f"{name}: {good} sequences of {instructions} instructions agreed with QEMU ({compiled} of them compiled as well)"
        )
        print("\n".join(reports))
        status |= bool(reports)
    return status


if __name__ == "__main__":
    sys.exit(main())
