"""The Linux guests that are booted for a measurement."""

from __future__ import annotations

from pathlib import Path

GUESTS = ("pseries64be", "debian")
WORDS = "console=hvc0"  # without any, Debian's kernel has words of its own, with another console


def linux(name: str) -> tuple[Path, bytes]:
    """Path of the kernel and the initial RAM disk of a guest, whose /init is guests/linux/init.sh."""
    from guests import debian, fetch
    from runtime.loader import load_initrd

    if name == "debian":
        kernel, busybox = debian.fetch()
        return kernel, debian.self_check(busybox)
    kernel, initrd = fetch.fetch(name)
    return kernel, load_initrd(initrd)
