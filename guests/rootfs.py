"""Obtains a Debian 12 root file system for ppc64el: programs that `ppcdbt run -L ROOT` and QEMU run alike.

    python guests/rootfs.py                 print its path
    python guests/rootfs.py --packages      the packages it is made from

The packages below, and what they depend on, come by name through the system's package client (apt, which needs no root here) and are
unpacked into the user's cache, once. Nothing in them is run: there is no configuration, no user, no /proc. Links that
lead to an absolute path are made relative, so that they lead into the root and not out of it.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
from pathlib import Path

if not __package__:  # run as a file
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from guests.packages import Apt, FetchError, Progress, cache_dir, locked, print_paths, run

ARCHITECTURE = "ppc64el"
PACKAGES = (
    "busybox-static", "bash", "dash", "coreutils", "sed", "grep", "findutils", "diffutils", "tar", "gawk", "file", "jq", "bc",
    "python3", "perl", "lua5.4", "sqlite3", "openssl", "zstd", "xz-utils", "bzip2", "gzip", "cpp-12",
)  # fmt: skip
RECIPE = 1  # count up when the steps below change what they make
TOOLS = {"apt-get": "apt", "dpkg-deb": "dpkg"}


def rootfs(progress: Progress = lambda stage, detail: None) -> Path:
    """The root, obtained first if need be. FetchError says what is missing: tools, Debian's package sources, the network."""
    root = place()
    if root.exists():
        return root
    missing = [package for tool, package in TOOLS.items() if shutil.which(tool) is None]
    if missing:
        raise FetchError(f"Debian's packages need its package client: apt-get install {' '.join(missing)}")
    with locked(root.with_name(f".{root.name}.lock")):
        if not root.exists():
            work = root.with_name(f".{root.name}")
            build(work, progress)
            shutil.rmtree(work / "apt")
            (work / "root").rename(root)
            shutil.rmtree(work)
    return root


def place() -> Path:
    """Where the root is, or will be."""
    key = hashlib.sha256(repr((RECIPE, ARCHITECTURE, PACKAGES)).encode()).hexdigest()[:16]
    return cache_dir() / f"debian-{ARCHITECTURE}-{key}"


def build(work: Path, progress: Progress) -> None:
    """Makes `work`/root; downloads that are complete are kept, so that an interrupted one goes on."""
    work.mkdir(exist_ok=True)
    packages = Apt(work / "apt", progress, ARCHITECTURE).download_all(PACKAGES)
    root = work / "root"
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir()
    for n, package in enumerate(packages, 1):
        progress("unpacking packages", f"{n} of {len(packages)}")
        run(["dpkg-deb", "-x", package, root], work, work / "log", f"unpacking {package.name}", lambda stage, detail: None)
    relative_links(root)
    for name in ("dev", "etc", "proc", "tmp"):
        (root / name).mkdir(exist_ok=True)


def relative_links(root: Path) -> None:
    """Links below `root` that begin with / are made to lead to the same place below it."""
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            if os.path.islink(path) and (target := os.readlink(path)).startswith("/"):
                os.unlink(path)
                os.symlink(os.path.relpath(os.path.join(root, target.lstrip("/")), folder), path)


def main() -> int:
    raw = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=raw)
    parser.add_argument("--packages", action="store_true", help="only print the packages")
    options = parser.parse_args()
    if options.packages:
        print(" ".join(PACKAGES))
        return 0
    return print_paths(lambda show: [rootfs(show)])


if __name__ == "__main__":
    sys.exit(main())
