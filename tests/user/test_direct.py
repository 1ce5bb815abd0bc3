"""Random accesses through random pointers in a window of guest memory: every engine stops at the same fault with the same state."""

from __future__ import annotations

import random
import sys
from typing import Any

import pytest

from dbt import assemble
from runtime.events import Fault
from runtime.user.memory import PAGE, PROT_EXEC, PROT_READ, PROT_WRITE, AddressSpace
from runtime.vm import VM

from ..limits import PATIENCE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux programs need a Linux host")
CODE, TABLE, DATA, READ_ONLY, NONE = 0x10000, 0x20000, 0x40000, 0x50000, 0x60000
DATA_PAGES, GOOD = 4, 48
SLICE = 64  # instructions between looks at what has become hot
MSR = 1 << 63 | 0x4000 | 0x2000 | 0x1000 | 0x30 | 1 << 25 | 1 << 23
LOADS = ["lbz 4,{d}(3)", "lhz 5,{d}(3)", "lha 5,{d}(3)", "lwz 6,{d}(3)", "lwa 6,{w}(3)", "ld 7,{w}(3)", "lwbrx 8,3,10", "ldx 9,3,10", "lhzx 4,3,10",
         "lfd 1,{d}(3)", "lfs 2,{d}(3)", "lvx 3,3,10", "lbzu 4,{d}(3)", "ldux 7,3,10", "lwarx 6,0,11", "ldarx 6,0,11", "lq 14,{q}(3)"]  # fmt: skip
STORES = ["stb 4,{d}(3)", "sth 5,{d}(3)", "stw 6,{d}(3)", "std 7,{w}(3)", "stwbrx 8,3,10", "stdx 9,3,10", "stfd 1,{d}(3)", "stfs 2,{d}(3)",
          "stvx 3,3,10", "stwu 6,{d}(3)", "stdux 7,3,10", "dcbz 3,10", "stwcx. 6,0,11", "stdcx. 6,0,11", "stq 14,{q}(3)"]  # fmt: skip


def pointer(rng: random.Random) -> int:
    """Somewhere that matters."""
    near = rng.choice([0, CODE, TABLE, DATA, DATA + DATA_PAGES * PAGE, READ_ONLY, READ_ONLY + PAGE, NONE, NONE + PAGE, 1 << 32, 1 << 44, 1 << 45, 1 << 46,
                       1 << 47, 1 << 63, (1 << 64) - (1 << 47), rng.getrandbits(64), rng.getrandbits(48)])  # fmt: skip
    return (near + rng.choice([rng.randrange(-40, 40), rng.randrange(-40000, 40000)])) & (1 << 64) - 1


def program(rng: random.Random) -> tuple[str, list[int]]:
    """A loop that takes its pointer from a table, and the table: good pointers, then one that may be anything, then good ones."""
    body = []
    for _ in range(rng.randrange(1, 10)):
        text = rng.choice(LOADS + STORES)
        body.append(text.format(d=rng.randrange(-64, 64), w=rng.randrange(-16, 16) * 4, q=rng.randrange(-4, 4) * 16))
        if rng.random() < 0.3:
            body.append(rng.choice(["add 5,4,6", "addi 6,6,3", "xor 7,7,4", "mullw 8,5,6", "rldicl 9,7,7,3"]))
    text = "loop: ldu 3,8(30); add 11,3,10; clrrdi 11,11,3; " + "; ".join(body) + "; addi 12,12,1; b loop"
    good = [DATA + PAGE + rng.randrange(0, (DATA_PAGES - 2) * PAGE, 16) for _ in range(GOOD)]
    return text, [*good, pointer(rng), *good[:4], pointer(rng), 8]


def outcome(text: str, table: list[int], engine: Any, seed: int) -> tuple[Any, ...]:
    """The fault that ends the program, the registers and the memory."""
    rng = random.Random(seed)
    with VM(cpu="power9", engine=engine, direct=True, hot_threshold=3) as vm:
        space = AddressSpace(vm, 1 << 44)
        for start, pages, prot in ((CODE, 1, PROT_READ | PROT_EXEC), (TABLE, 1, PROT_READ), (DATA, DATA_PAGES, PROT_READ | PROT_WRITE),
                                   (READ_ONLY, 1, PROT_READ), (NONE, 1, PROT_READ)):  # fmt: skip
            space.map(start, pages * PAGE, prot)
            space.write(start, rng.randbytes(pages * PAGE), force=True)
        space.protect(NONE, NONE + PAGE, 0)
        space.write(CODE, b"".join(w.to_bytes(4, "big") for w in assemble(text)), force=True)
        space.write(TABLE, b"".join(x.to_bytes(8, "big") for x in table), force=True)
        v: Any = vm.vcpus[0]
        v.msr, v.nia, v.dec_expiry = MSR, CODE, 1 << 62
        v.mode_changed()
        for i in range(4, 30):
            v.gpr[i] = rng.getrandbits(64)
        v.gpr[10], v.gpr[30] = rng.randrange(-32, 32) & (1 << 64) - 1, TABLE - 8
        while True:
            event = v.run(SLICE)
            if isinstance(event, Fault):
                break
            assert v.icount < 100_000
            if vm.compiler is not None:
                vm.compiler.drain()
        assert not vm.mended()
        state = [v.nia, v.icount, v.reserve_ea if v.reserve_size else None, *v.gpr[:], *(int(x) for x in v.fpr[:]), v["cr"], str(v.vsr[35])]
        return (event, state, space.read(DATA, DATA_PAGES * PAGE), space.read(READ_ONLY, PAGE),
                vm.compiler.stats["installed"] > 0 if vm.compiler is not None else None)  # fmt: skip


def compare(seed: int) -> None:
    text, table = program(random.Random(seed))
    expected = outcome(text, table, "reference", seed)
    for engine in ("interpreter", "jit"):
        found = outcome(text, table, engine, seed)
        assert found[:-1] == expected[:-1], (seed, engine, text, expected[0], found[0])
    assert found[-1] or found[1][1] < 2 * SLICE, "nothing was compiled"  # one that faults at once has nothing to compile


@pytest.mark.parametrize("seed", range(6))
def test_wild_accesses(seed: int) -> None:
    compare(seed)


@pytest.mark.slow
def test_many_wild_accesses() -> None:
    for seed in range(1000, 1400):
        compare(seed)


def test_a_fault_of_ours_is_not_the_guests() -> None:
    """A host access outside of the window ends the process as it would without us."""
    import signal
    import subprocess

    script = ("import ctypes; from runtime.vm import VM; vm = VM(engine='interpreter', direct=True); "
              "import faulthandler; print('there', flush=True); ctypes.string_at(vm.ram_address // 2)")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=PATIENCE)
    assert (done.stdout, done.returncode) == (b"there\n", -signal.SIGSEGV)
