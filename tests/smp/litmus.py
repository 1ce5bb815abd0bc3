"""Litmus tests: small programs of several CPUs, outcomes of which the architecture allows or forbids (Book II 1.7; Maranget, Sarkar and
Sewell, "A tutorial introduction to the ARM and POWER relaxed memory models").

Each CPU walks over CELLS pairs of locations {x, y}, a cache line each, doing its part of the test at each of them and keeping what it
read; they start every walk together. Registers a, b hold what is read; every location is 0 at first and 1 when it was written.
"""

from __future__ import annotations

import ctypes
from collections import Counter
from dataclasses import dataclass
from typing import Any

from runtime.events import Budget

from .guests import machine

CELLS = 2000
X, READ = 0x20_0000, 0x40_0000  # {x, y} 256 bytes apart in the order of cells; then what each CPU read: two words a cell
STEP = 0x100
MEMORY = 8 << 20

BODIES = {
    "Wx": "stw r15,0(r16)",
    "Wy": "stw r15,128(r16)",
    "Rx=a": "lwz r17,0(r16)",
    "Ry=a": "lwz r17,128(r16)",
    "Rx=b": "lwz r18,0(r16)",
    "Ry=b": "lwz r18,128(r16)",
    "sync": "sync",
    "lwsync": "lwsync",
    "dep": "xor r19,r17,r17\n add r16,r16,r19",  # the next address depends on a
}


@dataclass(frozen=True)
class Test:
    """What each CPU does, and the outcome in question: (CPU, register) -> value."""

    cpus: tuple[str, ...]
    outcome: dict[tuple[int, str], int]
    forbidden: bool = True


TESTS = {
    "message passing": Test(("Wx lwsync Wy", "Ry=a lwsync Rx=b"), {(1, "a"): 1, (1, "b"): 0}),
    "message passing, dependency": Test(("Wx lwsync Wy", "Ry=a dep Rx=b"), {(1, "a"): 1, (1, "b"): 0}),
    "message passing, sync": Test(("Wx sync Wy", "Ry=a sync Rx=b"), {(1, "a"): 1, (1, "b"): 0}),
    "store buffering, sync": Test(("Wx sync Ry=a", "Wy sync Rx=a"), {(0, "a"): 0, (1, "a"): 0}),
    "store buffering": Test(("Wx Ry=a", "Wy Rx=a"), {(0, "a"): 0, (1, "a"): 0}, forbidden=False),
    "store buffering, lwsync": Test(("Wx lwsync Ry=a", "Wy lwsync Rx=a"), {(0, "a"): 0, (1, "a"): 0}, forbidden=False),
    "load buffering, lwsync": Test(("Rx=a lwsync Wy", "Ry=a lwsync Wx"), {(0, "a"): 1, (1, "a"): 1}),
    "coherence": Test(("Wx", "Rx=a Rx=b"), {(1, "a"): 1, (1, "b"): 0}),
    "write to read": Test(("Wx", "Rx=a sync Wy", "Ry=a sync Rx=b"), {(1, "a"): 1, (2, "a"): 1, (2, "b"): 0}),
    "independent reads, sync": Test(("Wx", "Wy", "Rx=a sync Ry=b", "Ry=a sync Rx=b"), {(2, "a"): 1, (2, "b"): 0, (3, "a"): 1, (3, "b"): 0}),
    "independent reads": Test(("Wx", "Wy", "Rx=a Ry=b", "Ry=a Rx=b"), {(2, "a"): 1, (2, "b"): 0, (3, "a"): 1, (3, "b"): 0}, forbidden=False),
    "independent reads, lwsync": Test(("Wx", "Wy", "Rx=a lwsync Ry=b", "Ry=a lwsync Rx=b"),
                                      {(2, "a"): 1, (2, "b"): 0, (3, "a"): 1, (3, "b"): 0}, forbidden=False),
}  # fmt: skip


def program(test: Test) -> str:
    """All CPUs' code: each round of the outer loop is one walk."""
    parts = []
    for n, body in enumerate(test.cpus):
        steps = "\n ".join(BODIES[word] for word in body.split())
        parts.append(f"""
part{n}: {steps}
        b       next""")
    choose = "\n".join(f" cmpdi r3,{n}\n beq part{n}" for n in range(len(test.cpus)))
    return f"""
        li      r15,1
        li      r26,0           # the number of the walk
walk:   addi    r26,r26,1
        sync
        addi    r4,r30,0x100    # everybody is here
1:      lwarx   r5,0,r4
        addi    r5,r5,1
        stwcx.  r5,0,r4
        bne-    1b
        mulld   r6,r26,r31
2:      lwz     r5,0(r4)
        cmpw    r5,r6
        blt     2b
        isync
        lis     r16,{X >> 16}
        lis     r20,{READ >> 16}
        slwi    r5,r3,16
        add     r20,r20,r5
        li      r21,{CELLS}
        mtctr   r21
cell:   li      r17,0
        li      r18,0
        mr      r22,r16
        {choose}
{"".join(parts)}
next:   stw     r17,0(r20)
        stw     r18,4(r20)
        addi    r20,r20,8
        addi    r16,r22,{STEP}
        bdnz    cell
        sync
        addi    r4,r30,0x200    # done: the last one tells the host, which looks and clears
3:      lwarx   r5,0,r4
        addi    r5,r5,1
        stwcx.  r5,0,r4
        bne-    3b
        mulld   r6,r26,r31
        cmpw    r5,r6
        bne     5f
        stb     r26,console(r10)
        stw     r26,0x300(r30)
        sync
5:      lwz     r5,0x300(r30)
        cmpw    r5,r26
        bne     5b
        isync
        b       walk
"""


class Observer:
    """The console of a litmus program: looks at the outcomes of each walk, then sets all locations to 0 again."""

    def __init__(self, test: Test, walks: int) -> None:
        self.test, self.left = test, walks
        self.seen: Counter[bool] = Counter()
        self.machine: Any = None

    def read(self, limit: int) -> bytes:
        return b""

    def write(self, data: bytes) -> None:
        import numpy as np

        vm = self.machine.vm
        found = {}
        hit = np.ones(CELLS, bool)
        for n in range(len(self.test.cpus)):
            raw = np.frombuffer(vm.read(READ + (n << 16), 8 * CELLS), ">u4").reshape(CELLS, 2)
            found[n, "a"], found[n, "b"] = raw[:, 0], raw[:, 1]
        for place, value in self.test.outcome.items():
            hit &= found[place] == value
        self.seen[True] += int(hit.sum())
        self.seen[False] += CELLS - int(hit.sum())
        ctypes.memset(vm.ram_address + X, 0, CELLS * STEP)
        self.left -= 1


def observe(name: str, walks: int, **options: Any) -> Counter[bool]:
    """How often the outcome of a test was seen (True) and not (False)."""
    test = TESTS[name]
    m = machine(program(test), len(test.cpus), memory=MEMORY, **options)
    observer = Observer(test, walks)
    observer.machine, m.console = m, observer
    try:
        while observer.left > 0:
            event = m.run(2_000_000)
            assert isinstance(event, Budget), event
        return observer.seen
    finally:
        m.close()
