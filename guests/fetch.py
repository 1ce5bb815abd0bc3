"""Obtains the Linux guests: a kernel and an initramfs by name.

    python guests/fetch.py pseries64be      print the paths of vmlinux and the initramfs

Images beside the checkout (../shared/guests/images/NAME) are used where they exist. Otherwise the guest is
built from Debian 12's packages by name, `linux-source-6.1` and the source of `busybox`, with the cross
compilers, into the user's cache: a first time takes some minutes, afterwards it is found again.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import lzma
import os
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

if not __package__:  # run as a script
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from guests import cpio
from guests.packages import Apt, FetchError, Progress, cache_dir, locked, print_paths, run, write_whole

HERE = Path(__file__).resolve().parent
LINUX = HERE / "linux"
IMAGES = HERE.parent.parent / "shared" / "guests" / "images"


@dataclass(frozen=True)
class Guest:
    """How a guest is built."""

    fragments: tuple[str, ...]      # Kconfig fragments below linux/, merged onto tinyconfig in this order
    kernel_cross: str               # prefix of the cross tools
    make: tuple[str, ...] = ()      # make's extra variables


GUESTS = {
    "pseries64be": Guest(
        fragments=("common.config", "pseries64be.config"),
        kernel_cross="powerpc64-linux-gnu-",
        # 64K pages make a stack frame of slice.c larger than the limit that -Werror enforces.
        make=("KCFLAGS=-Wno-frame-larger-than",),
    ),
}

RECIPE = 1                          # count up when the steps below change what they make
KERNEL_PACKAGE = "linux-source-6.1"
BUSYBOX_SOURCE = "busybox"
BUSYBOX_CROSS = "powerpc-linux-gnu-"
#: The same bytes from the same packages, whoever builds and whenever.
IDENTITY = {
    "KBUILD_BUILD_TIMESTAMP": "2026-01-01",
    "KBUILD_BUILD_USER": "ppcdbt",
    "KBUILD_BUILD_HOST": "ppcdbt",
    "KBUILD_BUILD_VERSION": "1",
    "SOURCE_DATE_EPOCH": "1767225600",
    "LC_ALL": "C",
}
BUSYBOX_OPTIONS = {
    "CONFIG_STATIC": "y",
    "CONFIG_EXTRA_CFLAGS": '"-Wno-error"',
    # Applets that need headers or kernel interfaces a cross toolchain may lack.
    "CONFIG_TC": "n",
    "CONFIG_FEATURE_UTMP": "n",
    "CONFIG_FEATURE_WTMP": "n",
}
LIBC_CROSS = "libc6-dev-powerpc-cross"  # no tool of its own tells whether it is there
TOOLS = {
    "apt-get": "apt",
    "dpkg-deb": "dpkg",
    "make": "make",
    "gcc": "gcc libc6-dev",
    "flex": "flex",
    "bison": "bison",
    "bc": "bc",
    "perl": "perl",
    "powerpc64-linux-gnu-gcc": "gcc-powerpc64-linux-gnu",
    "powerpc-linux-gnu-gcc": "gcc-powerpc-linux-gnu",
}


def fetch(name: str, progress: Progress = lambda stage, detail: None) -> tuple[Path, Path]:
    """The paths of a guest's vmlinux and initramfs, obtained first if need be."""
    if name not in GUESTS:
        raise FetchError(f"no guest named {name!r}; there are: {', '.join(GUESTS)}")
    images = IMAGES / name
    kernel, initrd = images / "vmlinux.xz", images / "initramfs.cpio.gz"
    if kernel.exists() and initrd.exists():
        return unpack_kernel(kernel, progress), initrd
    return build(name, progress)


def unpack_kernel(packed: Path, progress: Progress) -> Path:
    """The decompressed kernel in the cache, under the hash of what it came from."""
    data = packed.read_bytes()
    folder = cache_dir() / hashlib.sha256(data).hexdigest()[:16]
    vmlinux = folder / "vmlinux"
    if not vmlinux.exists():
        progress(f"decompressing {packed}", "")
        try:
            content = lzma.decompress(data)
        except lzma.LZMAError as error:
            raise FetchError(f"{packed} is damaged: {error}") from None
        folder.mkdir(exist_ok=True)
        write_whole(vmlinux, content)
    return vmlinux


# Building from Debian's packages.


def build(name: str, progress: Progress) -> tuple[Path, Path]:
    """Builds a guest in the cache; each finished step is kept, so that an interrupted build goes on."""
    guest = GUESTS[name]
    folder = cache_dir() / f"{name}-{recipe(guest)}"
    vmlinux, initrd = folder / "vmlinux", folder / "initramfs.cpio.gz"
    if vmlinux.exists() and initrd.exists():
        return vmlinux, initrd
    require_tools()
    folder.mkdir(exist_ok=True)
    with locked(folder / "lock"):
        work = folder / "work"
        apt = Apt(work / "apt", progress)
        if not initrd.exists():
            busybox = build_busybox(work / "busybox", apt, progress)
            write_whole(initrd, initramfs(busybox.read_bytes(), (LINUX / "init.sh").read_bytes()))
        if not vmlinux.exists():
            write_whole(vmlinux, build_linux(work / "linux", guest, apt, progress).read_bytes())
        progress("removing the build tree", "")
        shutil.rmtree(work)
    return vmlinux, initrd


def recipe(guest: Guest) -> str:
    """A hash of everything of ours that decides what is built."""
    settings = (RECIPE, guest, KERNEL_PACKAGE, BUSYBOX_SOURCE, BUSYBOX_CROSS, IDENTITY, BUSYBOX_OPTIONS)
    digest = hashlib.sha256(repr(settings).encode())
    for name in (*guest.fragments, "init.sh"):
        digest.update((LINUX / name).read_bytes())
    return digest.hexdigest()[:16]


def require_tools() -> None:
    missing = [packages for tool, packages in TOOLS.items() if shutil.which(tool) is None]
    if not missing:
        # gcc answers with a path where it has the file, else with the bare name.
        ask = [BUSYBOX_CROSS + "gcc", "-print-file-name=libc.a"]
        if "/" not in subprocess.run(ask, capture_output=True, text=True).stdout:
            missing = [LIBC_CROSS]
    if missing:
        raise FetchError(f"building a guest needs more tools: apt-get install {' '.join(missing)}")


def unpack_source(archive: Path, to: Path, progress: Progress) -> Path:
    """Unpacks a source archive; its one top folder."""
    done = to / "unpacked"
    if not done.exists():
        progress(f"unpacking {archive.name}", "")
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir(parents=True)
        with tarfile.open(archive) as tar:
            tar.extractall(to, filter="fully_trusted")
        done.touch()
    return next(path for path in to.iterdir() if path.is_dir())


def jobs() -> str:
    return f"-j{len(os.sched_getaffinity(0))}"


def build_linux(work: Path, guest: Guest, apt: Apt, progress: Progress) -> Path:
    """The kernel: tinyconfig, our fragments merged onto it, vmlinux without debugging symbols."""
    deb = apt.package(KERNEL_PACKAGE, work)
    archive = work / "deb" / "usr" / "src" / f"{KERNEL_PACKAGE}.tar.xz"
    log = work / "log"
    if not archive.exists():
        run(["dpkg-deb", "-x", deb, work / "deb"], work, log, f"unpacking {deb.name}", progress)
    source = unpack_source(archive, work / "source", progress)
    make = ["make", "ARCH=powerpc", f"CROSS_COMPILE={guest.kernel_cross}", *guest.make]
    fragments = [LINUX / name for name in guest.fragments]
    merge: list[str | Path] = ["scripts/kconfig/merge_config.sh", "-m", ".config", *fragments]
    steps: list[Sequence[str | Path]] = [[*make, "tinyconfig"], merge, [*make, "olddefconfig"]]
    for step in steps:
        run(step, source, log, "configuring Linux", progress, IDENTITY)
    run([*make, jobs(), "vmlinux"], source, log, "building Linux", progress, IDENTITY)
    vmlinux = work / "vmlinux"
    strip = f"{guest.kernel_cross}strip"
    run([strip, "--strip-debug", "-o", vmlinux, source / "vmlinux"], work, log, "stripping Linux", progress)
    return vmlinux


def build_busybox(work: Path, apt: Apt, progress: Progress) -> Path:
    """busybox, 32-bit and static: its default configuration with our few options."""
    archive = apt.download(["source", "--download-only", BUSYBOX_SOURCE], work, "busybox_*.orig.tar.bz2")
    source = unpack_source(archive, work / "source", progress)
    log = work / "log"
    make = ["make", "ARCH=powerpc", f"CROSS_COMPILE={BUSYBOX_CROSS}"]
    run([*make, "defconfig"], source, log, "configuring busybox", progress, IDENTITY)
    config = source / ".config"
    text = config.read_text()
    for option, value in BUSYBOX_OPTIONS.items():
        setting = f"# {option} is not set" if value == "n" else f"{option}={value}"
        text, count = re.subn(rf"(?m)^(# {option} is not set|{option}=.*)$", setting, text)
        if not count:
            raise FetchError(f"busybox has no option {option}: building needs Debian 12's busybox source")
    config.write_text(text)
    # `oldconfig` asks about options that became visible; end of input answers with the defaults.
    run([*make, "oldconfig"], source, log, "configuring busybox", progress, IDENTITY)
    run([*make, jobs(), "busybox"], source, log, "building busybox", progress, IDENTITY)
    return source / "busybox"


def initramfs(busybox: bytes, init: bytes) -> bytes:
    """A compressed cpio archive (newc): busybox, /init, the folders and devices that init expects."""
    return gzip.compress(cpio.archive((
        *(cpio.folder(name) for name in ("bin", "dev", "proc", "root", "sbin", "sys", "tmp")),
        cpio.file("bin/busybox", busybox, 0o755),
        cpio.link("bin/sh", "busybox"),
        cpio.character_device("dev/console", 5, 1),
        cpio.character_device("dev/null", 1, 3, 0o666),
        cpio.file("init", init, 0o755),
    )), mtime=0)


def scripted(initrd: bytes, script: bytes) -> bytes:
    """An initramfs that runs a script and reports its exit status (shell.sh). Linux unpacks archives one after another."""
    more = cpio.archive((cpio.file("init", (LINUX / "shell.sh").read_bytes(), 0o755), cpio.file("script", executable(script), 0o755)))
    return initrd + bytes(-len(initrd) % 4) + more


def executable(script: bytes) -> bytes:
    """The script, with a line that says who runs it."""
    return script if script.startswith(b"#!") else b"#!/bin/sh\n" + script


def loaded(initrd: bytes) -> bytes:
    """An initramfs that runs load.sh after init.sh has come to its end."""
    init = (LINUX / "init.sh").read_bytes()
    before, end = init.split(b"sync\n")
    more = cpio.archive((cpio.file("init", before + b"/load\nsync\n" + end, 0o755), cpio.file("load", (LINUX / "load.sh").read_bytes(), 0o755)))
    return initrd + bytes(-len(initrd) % 4) + more


# The command.


def main() -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("name", choices=sorted(GUESTS), nargs="?", default="pseries64be", help="which guest")
    parser.add_argument("--packages", action="store_true", help="only print the Debian packages that building one needs")
    parser.add_argument("--build", action="store_true", help="build even where images exist")
    options = parser.parse_args()
    if options.packages:
        print(" ".join((*TOOLS.values(), LIBC_CROSS, "xz-utils")))
        return 0
    return print_paths(lambda show: (build if options.build else fetch)(options.name, show))


if __name__ == "__main__":
    sys.exit(main())
