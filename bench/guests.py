"""The Linux guests that are booted for a measurement."""

from __future__ import annotations

from pathlib import Path

GUESTS = ("pseries64be", "debian")
WORDS = "console=hvc0"  # without any, Debian's kernel has words of its own, with another console


def linux(name: str, load: bool = False, release: str | None = None) -> tuple[Path, bytes]:
    """Path of the kernel and the initial RAM disk of a guest, whose /init is guests/linux/init.sh; with `load` it then runs load.sh.

    `release`: the one of Debian, by its code name (default: the system's own)."""
    from guests import debian, fetch
    from runtime.loader import load_initrd

    if name == "debian":
        kernel, busybox = debian.fetch(release=release)
        disk = debian.self_check(busybox)
    else:
        kernel, initrd = fetch.fetch(name)
        disk = load_initrd(initrd)
    return kernel, fetch.loaded(disk) if load else disk
