"""Obtains Debian's own kernel and busybox for ppc64el, by package name.

    python guests/debian.py             print the paths of vmlinux and busybox, downloaded first if need be
    python guests/debian.py --update    download again: the archive may have newer ones

The system's package client does it, with lists and state of its own for the architecture ppc64el: that needs neither root nor
ppc64el packages on the system, and leaves its configuration alone. Only the two files are kept, in the user's cache.
"""

from __future__ import annotations

import argparse
import io
import json
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from guests import cpio
from guests.fetch import LINUX
from guests.packages import FetchError, Progress, cache_dir, locked, run, terminal_progress, write_whole

ARCHITECTURE = "ppc64el"
KERNEL_PACKAGE = "linux-image-powerpc64le"  # depends on the current version's package
BUSYBOX_PACKAGE = "busybox-static"
AR_MAGIC, AR_HEADER = b"!<arch>\n", 60
OTHERWISE = "give files of your own: --kernel vmlinux --initrd root.cpio.gz (ppcdbt boot without `debian` has another guest)"


@dataclass(frozen=True)
class Guest:
    """What is in the cache. Versions are the packages'."""

    kernel: str
    busybox: str
    kernel_version: str
    busybox_version: str


def fetch(progress: Progress = lambda stage, detail: None, *, update: bool = False) -> tuple[Path, Path]:
    """The paths of Debian's vmlinux and busybox for ppc64el, obtained first if need be. FetchError says what is missing."""
    folder = cache_dir() / f"debian-{ARCHITECTURE}"
    folder.mkdir(exist_ok=True)
    record = folder / "guest.json"
    with locked(folder / "lock"):
        found = None if update else _recorded(record)
        if found is None:
            found = _download(folder, progress)
            write_whole(record, (json.dumps(asdict(found), indent=1) + "\n").encode())
    return folder / found.kernel, folder / found.busybox


def _recorded(record: Path) -> Guest | None:
    """What an earlier call obtained, if it is still there."""
    try:
        guest = Guest(**json.loads(record.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    there = all((record.parent / name).is_file() for name in (guest.kernel, guest.busybox))
    return guest if there else None


def _download(folder: Path, progress: Progress) -> Guest:
    if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
        raise FetchError(f"Debian's kernel comes through apt-get, which is not here: {OTHERWISE}")
    with TemporaryDirectory(prefix="packages-", dir=folder) as work:
        client = PackageClient(Path(work), ARCHITECTURE, progress)
        image = client.dependency(KERNEL_PACKAGE, re.compile(r"linux-image-\d\S*-powerpc64le"))
        busybox, kernel = client.download(BUSYBOX_PACKAGE), client.download(image)
        guest = Guest(f"vmlinux-{version(kernel)}", f"busybox-{version(busybox)}", f"{image} {version(kernel)}", version(busybox))
        progress(f"unpacking {image}", "")
        write_whole(folder / guest.kernel, member(kernel, lambda name: re.fullmatch(r"boot/vmlinu[xz]-\S+", name) is not None))
        write_whole(folder / guest.busybox, member(busybox, lambda name: name in ("bin/busybox", "usr/bin/busybox")))
    return guest


def version(package: Path) -> str:
    """Of a package file, from its name, without the epoch."""
    return package.name.split("_")[1].rpartition("%3a")[2]


class PackageClient:
    """apt for another architecture: the system's sources and keys, everything else in a folder of its own."""

    def __init__(self, folder: Path, architecture: str, progress: Progress) -> None:
        self.folder, self.progress = folder, progress
        for name in ("lists/partial", "cache/archives/partial", "packages"):
            (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / "status").touch()
        settings = {
            "APT::Architecture": architecture, "APT::Architectures": architecture, "Dir::State::Lists": folder / "lists",
            "Dir::State::status": folder / "status", "Dir::Cache": folder / "cache", "APT::Sandbox::User": "root",
            "Acquire::Languages": "none", "Acquire::Retries": 2,
        }  # fmt: skip
        self._options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]
        self._refused = ""  # why the lists could not all be read: one source of several may be down and not matter
        try:
            self._run("apt-get", "update", "reading package lists", folder)
        except FetchError as e:
            self._refused = str(e)

    def dependency(self, package: str, wanted: re.Pattern[str]) -> str:
        """The package that another one depends on and whose name is `wanted`."""
        command = ["apt-cache", *self._options, "depends", package]
        text = subprocess.run(command, capture_output=True, text=True).stdout
        found = re.search(rf"Depends: ({wanted.pattern})\s", text)
        if found is None:
            raise FetchError(self._absent(package))
        return found[1]

    def download(self, package: str) -> Path:
        """A package's file, checked by apt."""
        into = self.folder / "packages" / package
        into.mkdir()
        try:
            self._run("apt-get", f"download {package}", f"downloading {package}", into)
        except FetchError as e:
            raise FetchError(f"{self._absent(package)} ({e})") from None
        return next(into.glob("*.deb"))

    def _run(self, tool: str, action: str, stage: str, cwd: Path) -> None:
        run([tool, *self._options, *action.split()], cwd, self.folder / "log", stage, self.progress)

    def _absent(self, package: str) -> str:
        reason = f": {self._refused}" if self._refused else ""
        return f"the package sources of this system have no {package} for {ARCHITECTURE}, or there is no network{reason}. Else {OTHERWISE}"


def member(package: Path, wanted: Callable[[str], bool]) -> bytes:
    """The content of one file of a Debian package (deb(5): an ar archive with the files in data.tar). FetchError if it is damaged."""
    try:
        with package.open("rb") as f, tarfile.open(fileobj=_data(f, package), mode="r|") as tar:
            for info in tar:
                if info.isfile() and wanted(info.name.removeprefix("./")):
                    content = tar.extractfile(info)
                    assert content is not None
                    return content.read()
    except (lzma.LZMAError, tarfile.TarError, EOFError, ValueError) as e:
        raise FetchError(f"{package.name} is damaged: {e}") from None
    raise FetchError(f"{package.name} does not have the file that was looked for")


def _data(f: IO[bytes], package: Path) -> IO[bytes]:
    """data.tar of a package, decompressed as it is read."""
    if f.read(len(AR_MAGIC)) != AR_MAGIC:
        raise ValueError("not a Debian package")
    while len(header := f.read(AR_HEADER)) == AR_HEADER:
        name, size = header[:16].decode("ascii", "replace").strip().rstrip("/"), int(header[48:58])
        if name == "data.tar":
            return f
        if name == "data.tar.xz":
            return lzma.open(f)
        if name == "data.tar.zst":
            tool = shutil.which("dpkg-deb")
            if tool is None:
                raise ValueError("data.tar.zst needs dpkg-deb")
            return io.BytesIO(subprocess.run([tool, "--fsys-tarfile", package], capture_output=True, check=True).stdout)
        f.seek(size + size % 2, 1)
    raise ValueError("no data.tar")


def ramdisk(busybox: bytes, init: bytes, files: Mapping[str, tuple[bytes, int]] | None = None) -> bytes:
    """An initial RAM disk, not compressed: busybox, /init, and further files: path -> (content, mode)."""
    folders = ("bin", "dev", "etc", "proc", "root", "sbin", "sys", "tmp", "usr", "usr/bin", "usr/sbin")
    return cpio.archive((
        *(cpio.folder(name) for name in folders),
        cpio.file("bin/busybox", busybox, 0o755),
        cpio.link("bin/sh", "busybox"),
        cpio.character_device("dev/console", 5, 1),
        cpio.character_device("dev/null", 1, 3, 0o666),
        cpio.file("init", init, 0o755),
        *(cpio.file(name, content, mode) for name, (content, mode) in (files or {}).items()),
    ))  # fmt: skip


def self_check(busybox: Path) -> bytes:
    """The RAM disk that computes what `init.sh` computes on every guest, says BOOT-OK and powers off."""
    return ramdisk(busybox.read_bytes(), (LINUX / "init.sh").read_bytes())


def shell(busybox: Path, script: bytes | None = None) -> bytes:
    """The RAM disk with a shell on the console; or with a script in its place. The exit status goes to /dev/hvc1."""
    files = {} if script is None else {"script": (script if script.startswith(b"#!") else b"#!/bin/sh\n" + script, 0o755)}
    return ramdisk(busybox.read_bytes(), (LINUX / "shell.sh").read_bytes(), files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="download even what is there")
    options = parser.parse_args()
    try:
        paths = fetch(terminal_progress(), update=options.update)
    except FetchError as error:
        print(f"{chr(10) if sys.stderr.isatty() else ''}debian.py: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if sys.stderr.isatty():
        sys.stderr.write("\n")
    print(*paths, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
