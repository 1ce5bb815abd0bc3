"""Obtains Debian's own kernel and busybox for ppc64el, by package name.

    python guests/debian.py             print the paths of vmlinux and busybox, downloaded first if need be
    python guests/debian.py --update    download again: the archive may have newer ones
    python guests/debian.py --release trixie    of another release than the one this system is

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
from guests.fetch import LINUX, executable
from guests.packages import Apt, FetchError, Progress, cache_dir, locked, print_paths, write_whole

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


def fetch(progress: Progress = lambda stage, detail: None, *, update: bool = False, release: str | None = None) -> tuple[Path, Path]:
    """The paths of Debian's vmlinux and busybox for ppc64el, obtained first if need be. FetchError says what is missing.

    `release`: its code name; without one it is that of the system's own package sources."""
    if release is not None and not re.fullmatch(r"[a-z]+", release):
        raise FetchError(f"{release!r} is no code name of a Debian release, as trixie is one")
    folder = cache_dir() / "-".join(("debian", ARCHITECTURE, *((release,) if release else ())))
    folder.mkdir(exist_ok=True)
    record = folder / "guest.json"
    with locked(folder / "lock"):
        found = None if update else recorded(record)
        if found is None:
            found = _download(folder, release, progress)
            write_whole(record, (json.dumps(asdict(found), indent=1) + "\n").encode())
    return folder / found.kernel, folder / found.busybox


def recorded(record: Path) -> Guest | None:
    """What an earlier call obtained, if it is still there."""
    try:
        guest = Guest(**json.loads(record.read_text()))
    except (OSError, ValueError, TypeError):
        return None
    there = all((record.parent / name).is_file() for name in (guest.kernel, guest.busybox))
    return guest if there else None


def _download(folder: Path, release: str | None, progress: Progress) -> Guest:
    if shutil.which("apt-get") is None or shutil.which("apt-cache") is None:
        raise FetchError(f"Debian's kernel comes through apt-get, which is not here: {OTHERWISE}")
    with TemporaryDirectory(prefix="packages-", dir=folder) as work:
        apt = Apt(Path(work), progress, ARCHITECTURE, release)
        image = KERNEL_PACKAGE
        try:
            image = apt.dependency(KERNEL_PACKAGE, r"linux-image-\d\S*-powerpc64le") or image
            holder = apt.dependency(image, r"linux-binary-\S+") or image  # since Debian 14 the kernel is in a package apart
            busybox, kernel = (apt.package(name, Path(work)) for name in (BUSYBOX_PACKAGE, holder))
        except FetchError as e:
            of = f"Debian {release}" if release else "this system"
            reason = f"{e}; {apt.refused}" if apt.refused else str(e)
            raise FetchError(f"the package sources of {of} have no {image} for {ARCHITECTURE}, or there is no network ({reason}). Else {OTHERWISE}") from None
        guest = Guest(f"vmlinux-{version(kernel)}", f"busybox-{version(busybox)}", f"{image} {version(kernel)}", version(busybox))
        progress(f"unpacking {image}", "")
        write_whole(folder / guest.kernel, member(kernel, lambda name: re.fullmatch(r"boot/vmlinu[xz]-\S+|usr/lib/modules/[^/]+/vmlinu[xz]", name) is not None))
        write_whole(folder / guest.busybox, member(busybox, lambda name: name in ("bin/busybox", "usr/bin/busybox")))
    return guest


def version(package: Path) -> str:
    """Of a package file, from its name, without the epoch."""
    return package.name.split("_")[1].rpartition("%3a")[2]


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
    files = {} if script is None else {"script": (executable(script), 0o755)}
    return ramdisk(busybox.read_bytes(), (LINUX / "shell.sh").read_bytes(), files)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--update", action="store_true", help="download even what is there")
    parser.add_argument("--release", metavar="NAME", help="of this release of Debian, by its code name (default: of the system's)")
    options = parser.parse_args()
    return print_paths(lambda show: fetch(show, update=options.update, release=options.release))


if __name__ == "__main__":
    sys.exit(main())
