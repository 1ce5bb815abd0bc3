"""The user cache: compiled code, keyed by content. Losing it costs time, never correctness."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

ENVIRONMENT = "PPCDBT_CACHE"


def directory() -> Path:
    """Where it lives: $PPCDBT_CACHE, else the platform's cache directory for ppcdbt."""
    if chosen := os.environ.get(ENVIRONMENT):
        return Path(chosen)
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("ppcdbt", appauthor=False))


def source_key(roots: Iterable[Path], extra: str) -> str:
    """A key over the contents of Python sources below `roots` and whatever else matters."""
    digest = hashlib.blake2b(extra.encode(), digest_size=16)
    for root in roots:
        for path in sorted(root.rglob("*.py")) if root.is_dir() else [root]:
            digest.update(path.name.encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()


def text_key(texts: Iterable[str], extra: str) -> str:
    """A key over texts to be compiled."""
    digest = hashlib.blake2b(extra.encode(), digest_size=16)
    for text in texts:
        digest.update(text.encode())
    return digest.hexdigest()


def path(kind: str, key: str) -> Path:
    """The file of a cached object, whether it is there or not."""
    return directory() / kind / key


def read(kind: str, key: str) -> bytes | None:
    """A cached object, or None."""
    try:
        return path(kind, key).read_bytes()
    except OSError:
        return None


def write(kind: str, key: str, data: bytes) -> None:
    """Cache an object, atomically. An unwritable cache is no error: the next start compiles again."""
    folder = directory() / kind
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as f:
            f.write(data)
        os.replace(f.name, folder / key)


def entries() -> list[tuple[str, str, int]]:
    """(kind, key, bytes) of everything cached."""
    root = directory()
    found = [p for p in root.glob("*/*") if p.is_file()] if root.is_dir() else []
    return sorted((p.parent.name, p.name, p.stat().st_size) for p in found)
