"""Initial RAM disks: read, and recognised before the guest panics over them."""

from __future__ import annotations

import os

from runtime.loader.errors import LoadError
from runtime.loader.files import GZIP_MAGIC, XZ_MAGIC, expand, read_file

# What Linux's init/initramfs.c and lib/decompress.c recognise.
_CPIO_NEWC = (b"070701", b"070702")
_OTHER_COMPRESSIONS = {
    b"BZh": "bzip2",
    b"\x5d\x00\x00": "lzma",
    b"\x89LZO": "lzo",
    b"\x02\x21\x4c\x18": "lz4",
    b"\x28\xb5\x2f\xfd": "zstd",
}
_LIMIT = 1 << 30


def load_initrd(path: str | os.PathLike[str], limit: int = _LIMIT) -> bytes:
    """The file's bytes as they are to be put into guest memory (still compressed: the guest expands them).

    Raises LoadError when the file is not a cpio archive (newc), possibly gzip- or xz-compressed and then
    whole, or compressed in another way Linux knows (which is not looked into).
    """
    data = read_file(path, limit)
    for magic in _OTHER_COMPRESSIONS:
        if data.startswith(magic):
            return data
    # The first archive may be uncompressed and padded (early microcode): its beginning is what counts.
    compressed = data.startswith((GZIP_MAGIC, XZ_MAGIC))
    inside = expand(path, data) if compressed else data
    if not inside.startswith(_CPIO_NEWC):
        found = inside[:6].hex(" ") or "nothing"
        where = " inside the compressed data" if compressed else ""
        raise LoadError(path, f"not an initial RAM disk: no cpio archive{where} (found {found})")
    return data
