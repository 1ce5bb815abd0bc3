"""Helpers that are built when they are called for the first time (dbt/backend/binding.py), from wherever that is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from dbt.backend import cache

START = """
import json, os, signal, sys, threading, time
from dbt.backend import build
from runtime.vm import VM
vm = VM(memory=1 << 20, cpus=2, engine="interpreter")
a, b = vm.vcpus
built = []
place = build.place_helper
def slow(image, arena, symbols, stub, name):
    if name == "xics_accept":
        built.append(build.bound(stub) == symbols["x_bind"])
        time.sleep(0.3)
    return place(image, arena, symbols, stub, name)
build.place_helper = slow
a.icp_xisr, b.icp_xisr, a.icp_cppr, b.icp_cppr = 0, 0, 1, 2
"""


@pytest.fixture
def emptied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cache with the decoder and compiled helpers, in which nothing is linked."""
    there = Path(cache.directory())
    subprocess.run([sys.executable, "-c", START + "a.call('xics_accept')"], check=True, capture_output=True)  # it is all there
    for kind in ("handlers", "helpers", "keys"):
        (tmp_path / kind).symlink_to(there / kind)
    (tmp_path / "machinery").mkdir()
    for file in (there / "machinery").iterdir():
        if not file.name.endswith("-built"):
            (tmp_path / "machinery" / file.name).symlink_to(file)
    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path))


def run(code: str) -> Any:
    done = subprocess.run([sys.executable, "-c", START + code], capture_output=True, text=True, check=True)
    assert not done.stderr
    return json.loads(done.stdout)


@pytest.mark.usefixtures("emptied")
def test_threads_call_it_for_the_first_time_together() -> None:
    code = """
found = {}
threads = [threading.Thread(target=lambda v=v: found.update({v.number: v.call("xics_accept")})) for v in vm.vcpus]
for t in threads: t.start()
for t in threads: t.join()
print(json.dumps([found, built]))
"""
    assert run(code) == [{"0": 1 << 24, "1": 2 << 24}, [True, False]]


@pytest.mark.usefixtures("emptied")
def test_a_signal_meanwhile_is_late_but_not_lost() -> None:
    code = """
threading.Timer(0.1, os.kill, (os.getpid(), signal.SIGINT)).start()
found = a.call("xics_accept")
try:
    time.sleep(60)
except KeyboardInterrupt:
    print(json.dumps([found, a.call("xics_accept")]))
"""
    assert run(code) == [1 << 24, 1 << 24]


@pytest.mark.usefixtures("emptied")
def test_a_copy_of_the_process_builds_its_own() -> None:
    code = """
r, w = os.pipe()
if os.fork():
    child = os.read(r, 100).decode()
    os.wait()
    print(json.dumps([a.call("xics_accept"), int(child), built]))
else:
    os.write(w, str(b.call("xics_accept")).encode())
    vm.engine.keep()
    os._exit(0)
"""
    assert run(code) == [1 << 24, 2 << 24, [True]]
    assert run("print(json.dumps([a.call('xics_accept'), built]))") == [1 << 24, []]  # the child kept it, or the parent


@pytest.mark.slow
def test_every_helper_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """None waits for a guest that needs it to be found wrong."""
    from dbt.backend import helpers, image
    from runtime.vm import MACHINERY

    monkeypatch.setenv(cache.ENVIRONMENT, str(tmp_path))
    made = image.load_image(MACHINERY)
    for name in helpers.exports(made):
        assert helpers.helper(made, name), name
    assert len(helpers.built(made)) == len(helpers.exports(made)) > 100
