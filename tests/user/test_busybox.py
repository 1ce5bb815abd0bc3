"""Debian's busybox, dash, bash and coreutils for ppc64el, compared with QEMU."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from ..limits import PATIENCE
from .rootfs import debian

ROOT = Path(__file__).parent.parent.parent
pytestmark = pytest.mark.slow

APPLETS = {
    "echo": ["echo", "hello", "there"],
    "cat": ["cat", "{text}"],
    "sort": ["sort", "-r", "{text}"],
    "md5sum": ["md5sum", "{text}"],
    "sha256sum": ["sha256sum", "{text}"],
    "awk": ["awk", '{ n += $1; s = s "," $2 } END { print n, s, length(s) }', "{text}"],
    "sed": ["sed", "-e", "s/[aeiou]/(&)/g", "{text}"],
    "grep": ["grep", "-n", "7", "{text}"],
    "wc": ["wc", "{text}"],
    "ls": ["ls", "-1", "{folder}"],
    "find": ["find", "{folder}", "-name", "*.txt"],
    "loop": ["sh", "-c", "i=0; while [ $i -lt 50 ]; do i=$((i+1)); done; echo $i"],
    "pipes": ["sh", "-c", "cat {text} | tr a-z A-Z | head -n 3; echo $?"],
    "here": ["sh", "-c", "cat <<E\n$((6*7))\nE\nexit 9"],
    "background": ["sh", "-c", "(exit 3) & wait $!; echo $?; kill -TERM $$"],
    "trap": ["sh", "-c", "trap 'echo caught' USR1; kill -USR1 $$; echo after"],
}


@pytest.fixture(scope="session")
def rootfs() -> Path:
    """Programs for ppc64el, below a folder."""
    return debian()


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Something to work on."""
    text = tmp_path / "text.txt"
    text.write_text("".join(f"{n * 7919 % 1000} word{n % 13} line {n}\n" for n in range(200)))
    return {"text": str(text), "folder": str(tmp_path)}


def both(command: list[str], root: Path) -> tuple[subprocess.CompletedProcess[bytes], subprocess.CompletedProcess[bytes]]:
    """A command under QEMU and here."""
    qemu = shutil.which("qemu-ppc64le")
    if qemu is None:
        pytest.skip("qemu-ppc64le is not installed")
    ours = [sys.executable, "-m", "runtime.cli", "run", "-L", str(root)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "LC_ALL": "C"}
    return tuple(subprocess.run([*start, *command], capture_output=True, timeout=PATIENCE, env=environment)
                 for start in ([qemu, "-L", str(root)], ours))  # type: ignore[return-value]  # fmt: skip


@pytest.mark.parametrize("applet", APPLETS)
def test_busybox(applet: str, rootfs: Path, files: dict[str, str]) -> None:
    def filled(text: str) -> str:
        return text.replace("{text}", files["text"]).replace("{folder}", files["folder"])

    command = [str(rootfs / "bin/busybox"), *map(filled, APPLETS[applet])]
    expected, got = both(command, rootfs)
    assert (got.stdout, got.returncode) == (expected.stdout, expected.returncode), got.stderr.decode()


def test_archives(rootfs: Path, files: dict[str, str], tmp_path: Path) -> None:
    """tar and gzip, which QEMU cannot check: it executes no programs."""
    (tmp_path / "out").mkdir()
    script = f"cd {tmp_path} && tar czf a.tgz text.txt && cd out && tar xzf ../a.tgz && cmp text.txt ../text.txt && gunzip -c ../a.tgz | wc -c"
    command = [sys.executable, "-m", "runtime.cli", "run", "-L", str(rootfs), str(rootfs / "bin/busybox"), "sh", "-c", script]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 0 and int(done.stdout) % 512 == 0, done.stderr.decode()


def test_shells(rootfs: Path) -> None:
    """Dynamic programs that fork and execute others."""
    script = "a=(3 1 2); for x in ${a[@]}; do echo $x; done | sort; /bin/ls /bin | wc -l; printf '%05d\\n' 42; [[ abc =~ b ]] && echo yes; exit 7"
    command = [sys.executable, "-m", "runtime.cli", "run", "-L", str(rootfs), str(rootfs / "bin/bash"), "-c", script]
    done = subprocess.run(command, capture_output=True, timeout=PATIENCE, env={**os.environ, "PYTHONPATH": str(ROOT)})
    count = len(os.listdir(rootfs / "bin"))
    assert (done.stdout.decode(), done.returncode) == (f"1\n2\n3\n{count}\n00042\nyes\n", 7), done.stderr.decode()
