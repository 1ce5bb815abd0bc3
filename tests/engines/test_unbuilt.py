"""Handlers that are built when they are needed (docs/decisions/0006): a run does not depend on which were there before."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from dbt.backend import cache, image
from dbt.backend.pack import Pack
from runtime.vm import MACHINERY

PROGRAM = """
import json, sys
from runtime.vm import VM
from dbt import assemble
source = '''
    li r3,0
    li r4,40
    mtctr r4
1:  addi r3,r3,7
    mullw r5,r3,r3
    xor r6,r5,r3
    cntlzd r7,r6
    bdnz 1b
    li r4,9
    dadd f1,f2,f3
    mtvsrd vs1,r4
    fcfid f2,f1
    mtvsrd vs3,r6
    fcfid f4,f3
    mtfsfi 7,1
    fdiv f5,f2,f4
    mffs f6
    fdiv f7,f2,f4
    fadd f8,f7,f4
    mffs f9
'''
vm = VM(memory=16 << 20, engine=sys.argv[1])
vm.write(0x1000, b''.join(w.to_bytes(4, 'big') for w in assemble(source, 0x1000)))
v = vm.vcpus[0]
v.msr, v.nia = 1 << 63 | 0x2000 | 0x1000, 0x1000
v.mode_changed()
events = [str(v.run(n)) for n in (0, 1, 2, 50, 3, 158)]
found = [v.icount, v.nia, *(v.gpr[i] for i in range(3, 8)), *(v.fpr[i] for i in range(10)), v.fpscr, events, list(v.exit_count), dict(v.heavy)]
print(json.dumps([found, 'dbt.backend.build' in sys.modules], default=str))
vm.close()
"""


@pytest.fixture
def emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache with decoder and machinery, but without handlers and what is linked."""
    there = Path(cache.directory())
    subprocess.run([sys.executable, "-c", PROGRAM, "interpreter"], check=True, capture_output=True)  # it is all there
    for kind in ("machinery", "handlers", "helpers", "keys"):
        (tmp_path / kind).mkdir()
        for file in (there / kind).iterdir():
            if not file.name.endswith(("-built", "-direct")):
                (tmp_path / kind / file.name).symlink_to(file)
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("engine", ["interpreter", "jit"])
def test_cold_and_warm_runs_are_the_same(engine: str, emptied: Path) -> None:
    def run() -> list[object]:
        done = subprocess.run([sys.executable, "-c", PROGRAM, engine], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    (cold, built), (warm, again) = run(), run()
    assert cold == warm
    assert built and not again, "the second run builds and links nothing"
    made = image.pack_of(image.load_image(MACHINERY), False).read()
    assert 8 <= len(made) < 30


def test_a_pack_survives_torn_writes(tmp_path: Path) -> None:
    pack = Pack(str(tmp_path / "pack"))
    assert pack.read() == {}
    pack.add(3, b"three")
    pack.add(5, b"five" * 100)
    with open(pack.path, "r+b") as f:
        f.truncate(f.seek(0, 2) - 7)
    pack.add(7, b"seven")
    pack.add(3, b"another")
    assert pack.read() == {3: b"three", 7: b"seven"}
