"""Debian's newer kernels, which nobody has fitted to this emulator: hashed page table and radix, the same on every engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from guests import debian
from guests.fetch import FetchError
from runtime.events import Shutdown

from .debian_rig import boot, check, lines, same, trouble

pytestmark = pytest.mark.slow
LIMIT = 6_000_000_000  # a boot takes about 2,600 million instructions
RELEASES = {"trixie": "6.12.", "forky": "7."}  # and their kernels


@pytest.fixture(scope="module", params=RELEASES)
def files(request: pytest.FixtureRequest) -> tuple[str, Path, Path]:
    """Version, kernel and busybox; skips where they cannot be downloaded."""
    try:
        return RELEASES[request.param], *debian.fetch(release=request.param)
    except FetchError as e:
        pytest.skip(str(e))


@pytest.mark.parametrize(("cpu", "mmu"), [("power8", "Hash"), ("power9", "Radix")])
def test_engines_agree(files: tuple[str, Path, Path], cpu: str, mmu: str) -> None:
    version, kernel, busybox = files
    one, two = (boot(kernel, debian.self_check(busybox), limit=LIMIT, engine=e, cpu=cpu)[0] for e in ("interpreter", "jit"))
    said = lines(one)
    check(one)
    assert f"MMU\t\t: {mmu}" in said and any(f"Linux version {version}" in line for line in said)
    assert same(one, two)


@pytest.mark.parametrize(("cpu", "firmware"), [("power8", "of"), ("power9", "none")])
def test_four_cpus_and_processes(files: tuple[str, Path, Path], cpu: str, firmware: str) -> None:
    _, kernel, busybox = files
    script = "n=0; while [ $n -lt 300 ]; do /bin/busybox true & n=$((n+1)); [ $((n % 50)) = 0 ] && wait; done; wait; echo forked $n\nnproc\nexit 7\n"
    found, status = boot(kernel, debian.shell(busybox, script.encode()), limit=LIMIT, cpu=cpu, cpus=4, firmware=firmware)
    assert (found.event, status) == (Shutdown(0), 7)
    said = lines(found)
    assert "forked 300" in said and "4" in said
    assert not trouble(found)
