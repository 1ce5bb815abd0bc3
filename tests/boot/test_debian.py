"""Debian's own kernel and busybox for ppc64el boot, the same on every engine; scripts run in them."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import pytest

from guests import debian
from guests.fetch import FetchError
from guests.packages import sources
from runtime.events import Panicked, Reset, Shutdown
from runtime.loader.elf import load_elf
from runtime.machines.pseries import PseriesMachine
from runtime.machines.repairs import repaired

from .debian_rig import LIMIT, boot, check
from .test_boot import TROUBLE, Recorder


def test_it_boots(files: tuple[Path, Path]) -> None:
    """On the jit: the self-check's answers, no trouble in the kernel's log, a clean power-off."""
    found, _ = boot(files[0], debian.self_check(files[1]), engine="jit")
    check(found)
    exits = found.statistics
    assert sum(exits["heavy"].values()) < 20_000
    assert sum(exits["light"].values()) > 0.95 * sum(exits["exits"].values())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("script", "event", "status"),
    [
        ("exit 3", Shutdown(0), 3),
        ("#!/bin/busybox sh\nfalse", Shutdown(0), 1),
        ("poweroff -f", Shutdown(0), None),
        ("reboot -f", Reset(), None),
        ("echo c >/proc/sysrq-trigger", Panicked("OS panic: sysrq triggered crash"), None),
    ],
)
def test_ends(files: tuple[Path, Path], script: str, event: object, status: int | None) -> None:
    found, said = boot(files[0], debian.shell(files[1], script.encode()))
    assert (found.event, said) == (event, status)


@pytest.mark.slow
def test_the_kernel_patches_itself(files: tuple[Path, Path]) -> None:
    """The paravirtual framework, with the kernel's own test of it repaired: the instructions the page is for hardly exit any more."""
    from bench.exits import COVERED

    disk = debian.self_check(files[1])
    counts = []
    for kernel in (load_elf(files[0]), repaired(load_elf(files[0]))):
        console = Recorder()
        machine = PseriesMachine(console, kernel, disk, "console=hvc0", engine="interpreter", privileged="trap", pv=True)
        assert machine.run(LIMIT) == Shutdown(0)
        before, all_ = machine.before_paravirtual["emulated"], machine.statistics()["emulated"]
        machine.close()
        counts.append(sum(n - before.get(k, 0) for k, n in all_.items() if k in COVERED))
        said = console.text.decode().replace("\r", "").splitlines()
        assert "BOOT-OK" in said and not [line for line in said if any(t in line for t in TROUBLE)]
    assert any("KVM: Live patching for a fast VM worked" in line for line in said)
    assert counts[1] < counts[0] / 5


# What needs no network.


def package(name: str, content: bytes, member: str = "data.tar.xz") -> bytes:
    """A Debian package with one file."""
    tar = io.BytesIO()
    with tarfile.open(fileobj=tar, mode="w:xz" if member.endswith("xz") else "w") as t:
        info = tarfile.TarInfo(f"./{name}")
        info.size = len(content)
        t.addfile(info, io.BytesIO(content))
    out = b"!<arch>\n"
    for part, data in (("debian-binary", b"2.0\n"), ("control.tar", b"odd"), (member, tar.getvalue())):
        out += f"{part:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
    return out


@pytest.mark.parametrize("member", ["data.tar.xz", "data.tar"])
def test_a_file_of_a_package(tmp_path: Path, member: str) -> None:
    path = tmp_path / "thing_1_ppc64el.deb"
    path.write_bytes(package("boot/vmlinux-1", b"kernel", member))
    assert debian.member(path, lambda name: name == "boot/vmlinux-1") == b"kernel"
    with pytest.raises(FetchError, match="does not have"):
        debian.member(path, lambda name: False)


@pytest.mark.parametrize("cut", [4, 100, 250])
def test_damaged_packages(tmp_path: Path, cut: int) -> None:
    path = tmp_path / "thing_1_ppc64el.deb"
    path.write_bytes(package("boot/vmlinux-1", bytes(1000))[:cut])
    with pytest.raises(FetchError, match="is damaged"):
        debian.member(path, lambda name: True)


def test_sources_of_another_release() -> None:
    """Both forms of sources.list(5), as Debian and its users write them."""
    new = "Types: deb\nURIs: http://mirror/debian\nSuites: bookworm bookworm-updates\nComponents: main\nSigned-By: /keys\n"
    assert sources(new, True, ["deb"], "trixie") == new.replace("bookworm", "trixie")
    assert sources(new, True, ["deb", "deb-src"], None) == new.replace("Types: deb", "Types: deb deb-src")
    old = "# of ours\ndeb [signed-by=/keys] http://mirror/security stable-security main contrib\ndeb-src http://mirror/x bookworm main\n"
    assert sources(old, False, ["deb"], "forky") == "deb [signed-by=/keys] http://mirror/security forky-security main contrib\n"
    assert sources(old, False, ["deb", "deb-src"], None).splitlines() == [
        f"{kind} [signed-by=/keys] http://mirror/security stable-security main contrib" for kind in ("deb", "deb-src")
    ]


def test_no_such_release() -> None:
    with pytest.raises(FetchError, match="no code name"):
        debian.fetch(release="../x")


def test_no_package_client(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(debian, "cache_dir", lambda: tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match=r"apt-get, which is not here.*--kernel"):
        debian.fetch()
