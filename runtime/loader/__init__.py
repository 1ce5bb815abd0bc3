"""Loaders of guest images: ELF files, flat binaries and initial RAM disks."""

from __future__ import annotations

from runtime.loader.elf import Image, Segment, load_elf, load_flat
from runtime.loader.errors import LoadError
from runtime.loader.initrd import load_initrd

__all__ = ["Image", "LoadError", "Segment", "load_elf", "load_flat", "load_initrd"]
