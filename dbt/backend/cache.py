"""The user cache: compiled code, keyed by content. Losing it costs time, never correctness.

Every start comes through here before anything else is known, so it works with plain path names: pathlib, hashlib (which loads OpenSSL)
and tempfile together take as long to import as all of ours."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterable, Sequence

try:
    from _blake2 import blake2b  # what hashlib.blake2b is
except ImportError:
    from hashlib import blake2b

ENVIRONMENT = "PPCDBT_CACHE"
RACY = 2_000_000_000  # ns: a file that was changed so lately may change again without a new time

lost = False  # the process sees other files than it did when it started: what lies where the cache was is not ours


def lose() -> None:
    """From now on nothing is found in the cache or written to it."""
    global lost
    lost = True


def directory() -> str:
    """Where it lives: $PPCDBT_CACHE, else the platform's cache directory for ppcdbt."""
    if chosen := os.environ.get(ENVIRONMENT):
        return chosen
    if sys.platform == "linux":  # what platformdirs would say, without importing it
        return os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "ppcdbt")
    from platformdirs import user_cache_dir

    return user_cache_dir("ppcdbt", appauthor=False)


def sources(roots: Iterable[str]) -> list[str]:
    """The Python sources below `roots`, folders or files."""
    found = []
    for root in roots:
        if not os.path.isdir(root):
            found.append(root)
            continue
        for folder, below, names in os.walk(root):
            below[:] = sorted(x for x in below if x != "__pycache__")
            found += [os.path.join(folder, name) for name in sorted(names) if name.endswith(".py")]
    return found


def source_key(roots: Iterable[str], extra: str) -> str:
    """A key over the contents of Python sources below `roots` and whatever else matters."""
    digest = blake2b(extra.encode(), digest_size=16)
    for name in sources(roots):
        digest.update(os.path.basename(name).encode())
        with open(name, "rb") as f:
            digest.update(f.read())
    return digest.hexdigest()


def text_key(texts: Iterable[str], extra: str) -> str:
    """A key over texts to be compiled."""
    digest = blake2b(extra.encode(), digest_size=16)
    for text in texts:
        digest.update(text.encode())
    return digest.hexdigest()


def remembered(files: Sequence[str], extra: str, make: Callable[[], str]) -> str:
    """What `make` says about the contents of files and `extra`: asked again when a file was changed, by its inode and times."""
    digest = blake2b(extra.encode(), digest_size=16)
    newest = 0
    for name in files:
        s = os.stat(name)
        newest = max(newest, s.st_mtime_ns, s.st_ctime_ns)
        digest.update(f"{name}\0{s.st_ino} {s.st_size} {s.st_mtime_ns} {s.st_ctime_ns}\n".encode())
    key = digest.hexdigest()
    known = read("keys", key)
    if known is not None:
        return known.decode()
    made = make()
    if time.time_ns() - newest > RACY:
        write("keys", key, made.encode())
    return made


def path(kind: str, key: str) -> str:
    """The file of a cached object, whether it is there or not."""
    return os.path.join(directory(), kind, key)


def read(kind: str, key: str) -> bytes | None:
    """A cached object, or None."""
    if lost:
        return None
    try:
        with open(path(kind, key), "rb") as f:
            return f.read()
    except OSError:
        return None


def write(kind: str, key: str, data: bytes) -> None:
    """Cache an object, atomically. An unwritable cache is no error: the next start compiles again."""
    if lost:
        return
    import tempfile

    folder = os.path.join(directory(), kind)
    with contextlib.suppress(OSError):
        os.makedirs(folder, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, delete=False) as f:
            f.write(data)
        os.replace(f.name, os.path.join(folder, key))


def entries() -> list[tuple[str, str, int]]:
    """(kind, key, bytes) of everything cached."""
    found = []
    with contextlib.suppress(OSError):
        for kind in os.scandir(directory()):
            if kind.is_dir():
                found += [(kind.name, f.name, f.stat().st_size) for f in os.scandir(kind.path) if f.is_file()]
    return sorted(found)
