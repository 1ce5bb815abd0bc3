"""Bare guests with several CPUs: assembled here, each a test of its own, and what runs them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dbt.frontend.isa  # noqa: F401
from dbt.frontend.assembler import assemble_program
from runtime.console import ScriptedConsole
from runtime.events import Event
from runtime.machines.bare import BareMachine

START = 0x1000
DATA = 0x10000  # zeros
EQUATES = """
        data = 0x10000
        console = 0
        off = 8
        start_cpu = 12
        start_at = 20
        stop_me = 24
"""
# r10: the ports. Every CPU comes to `cpu` with its number in r3 and their count in r31; CPU 0 starts the others.
HEAD = (
    EQUATES
    + """
        lis     r10,-4096
        clrldi  r10,r10,32
        li      r31,{cpus}
        li      r4,others
        stw     r4,start_at(r10)
        li      r3,1
1:      cmpd    r3,r31
        bge     2f
        stw     r3,start_cpu(r10)
        addi    r3,r3,1
        b       1b
2:      li      r3,0
        b       cpu
others: lis     r10,-4096
        clrldi  r10,r10,32
        li      r31,{cpus}
cpu:    lis     r30,1           # data
"""
)
# Every CPU is done: the last one to come here goes on, the others stop.
JOIN = """
        sync
        li      r4,0x7f0
        add     r4,r4,r30
1:      lwarx   r5,0,r4
        addi    r5,r5,1
        stwcx.  r5,0,r4
        bne-    1b
        cmpd    r5,r31
        beq     2f
        stw     r31,stop_me(r10)
2:      isync
"""


@dataclass
class Ran:
    """What a guest left behind."""

    event: Event
    console: bytes
    instructions: int
    counts: list[int]
    memory: bytes
    statistics: Any = None


def machine(text: str, cpus: int, memory: int = 2 << 20, **options: Any) -> BareMachine:
    """A bare machine with a program at START and `cpus` CPUs. {cpus} in the text is their number."""
    program = assemble_program((HEAD + text).replace("{cpus}", str(cpus)), START)
    m = BareMachine(ScriptedConsole(), cpus=cpus, memory=memory, **options)
    m.vm.write(START, bytes(program.data))
    for vcpu in m.vm.vcpus:
        vcpu.msr = 1 << 63 | 0x1000
        vcpu.mode_changed()
    m.vcpu.nia = START
    return m


def run(text: str, cpus: int, limit: int = 200_000_000, **options: Any) -> Ran:
    """Run a guest to its end (Shutdown) or for `limit` instructions."""
    m = machine(text, cpus, **options)
    try:
        event = m.run(limit)
        return Ran(event, bytes(m.console.output), m.instructions, [v.icount for v in m.vm.vcpus], m.vm.read(DATA, 0x1000))
    finally:
        m.close()


# A counter that everybody adds to {rounds} times, by larx and stcx.; the sum is the exit status.
COUNTER = """
        lis     r7,{rounds}@h
        ori     r7,r7,{rounds}@l
        mtctr   r7
again:  lwarx   r5,0,r30
        addi    r5,r5,1
        stwcx.  r5,0,r30
        bne-    again
        bdnz    again
""" + JOIN + """
        lwz     r5,0(r30)
        stw     r5,off(r10)
"""


def counter(rounds: int) -> str:
    """The counter guest."""
    return COUNTER.replace("{rounds}", str(rounds))
