"""The image: everything compiled that does not depend on the guest, found by what it is made from and put into memory.

A warm start maps two files (linked.py) and imports nothing of build.py, which makes them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from ..records import Record
from . import cache
from .linked import Placed, place, replace
from .pack import Pack

if TYPE_CHECKING:
    from .objects import Arena

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
FORMAT = 8
DIRECT = 32 << 20  # where in an arena is what `direct` has of its own
_FRONT = ("ir", "frontend", "state.py", "mode.py", "exits.py", "fpscr.py", "dfp.py")
_HANDLERS = ("llvm", "metadata", "cached", "direct", "recovery", "handlers", "quiet", "layout", "trie", "decoder", "userops", "binding", "compiler")
_REGIONS = ("regions", "translator")
_LINKING = ("build", "binding", "collecting", "helpers", "image", "linked", "objects", "pack")
_SHARED = ("state.py", "shared.py", "exits.py", "fpscr.py", "dfp.py", "backend/machinery.py", "backend/inference.py", "backend/lowering.py", "backend/compiler.py", "backend/layout.py")


Progress = Callable[[str, int, int], None]  # what, done, of how many


class Image(Record):
    """An image by its keys. `parts` (build.py's) are read when they are wanted."""

    modules: Sequence[str]  # that export machinery
    isa: Sequence[str]  # instruction modules besides our own
    handlers_key: str
    machinery_key: str
    key: str  # names what compiled regions depend on besides guest code
    linked_key: str
    parts: Any = None


def load_image(machinery: Sequence[str], isa: Sequence[str] = ()) -> Image:
    """The image for the modules that export `machinery` and the instruction modules `isa` (besides our own)."""
    front = [*(os.path.join(ROOT, n) for n in _FRONT), *map(source, isa), *_backend(_HANDLERS)]
    fixed = [*sorted({source(m) for m in machinery}), *machinery_sources()]
    host, numba = signature(), version_of("numba")

    def keys() -> str:
        handlers = cache.source_key(front, host)
        made = cache.source_key(fixed, f"{host} {numba} {machinery}")
        regions = cache.source_key(_backend(_REGIONS), handlers)
        return " ".join((handlers, made, regions, cache.source_key(_backend(_LINKING), handlers + made)))

    files = cache.sources([*front, *fixed, *_backend(_REGIONS), *_backend(_LINKING)])
    return Image(tuple(machinery), tuple(isa), *cache.remembered(files, f"{host} {numba} {machinery}", keys).split())


def _backend(names: Sequence[str]) -> list[str]:
    return [os.path.join(ROOT, "backend", f"{n}.py") for n in names]


def signature() -> str:
    """What everything compiled depends on besides our sources."""
    return f"{FORMAT} {sys.version_info[:2]} {version_of('llvmlite')} {_cpu()}"


def machinery_sources() -> list[str]:
    """What the machinery is made from besides its own modules; tests/test_dependencies.py knows whether one is missing."""
    return [os.path.join(ROOT, n) for n in _SHARED]


def version_of(package: str) -> str:
    """The version of an installed package, without importing it or the metadata machinery."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ImportError(f"{package} is not installed: pip install {package}")
    folder = os.path.dirname(os.path.dirname(spec.origin))
    return " ".join(sorted(n for n in os.listdir(folder) if n.startswith(f"{package}-") and n.endswith(".dist-info")))


def source(module: str) -> str:
    """The file or folder of a module, without importing anything."""
    top, _, rest = module.partition(".")
    spec = find_spec(top)
    if spec is not None:
        if not spec.submodule_search_locations and spec.origin is not None and not rest:
            return spec.origin
        for folder in spec.submodule_search_locations or ():
            path = os.path.join(folder, *rest.split(".")) if rest else folder
            for found in (path, f"{path}.py"):
                if os.path.exists(found):
                    return found
    raise ImportError(f"no module {module!r} (give a module that Python can import, e.g. with PYTHONPATH)")


def _cpu() -> str:
    """The host CPU's model and features: objects are compiled for them. One CPU speaks for all; the list of all takes long to read."""
    lines = []
    try:
        with open("/proc/cpuinfo") as f:
            for line in f:
                if not line.strip():
                    break
                lines.append(line.rstrip("\n"))
    except OSError:
        import platform

        return platform.processor()
    return " ".join(sorted({x for x in lines if x.startswith(("model name", "flags", "cpu family", "model\t"))}))


def place_image(image: Image, arena: Arena, progress: Progress | None = None) -> Placed:
    """Put an image into an arena: from a file in which it is linked, else by building what is not cached, and linking it."""

    def link() -> Placed:
        from . import build

        return build.link(image, arena, progress)

    return _named(place(arena, image.linked_key, link), "w")


def place_direct(image: Image, common: Placed, arena: Arena, progress: Progress | None = None) -> Placed:
    """Put what the mode `direct` has of its own behind an image."""

    def link() -> Placed:
        from . import build

        return build.link_direct(image, common.fixed, arena, progress)

    arena.position = max(arena.position, arena.base + DIRECT)
    return _named(place(arena, image.linked_key + "-direct", link), "a")


def keep(image: Image, common: Placed, size: int, kinds: Iterable[bool]) -> None:
    """Link anew, for later starts, what more handlers or helpers were built for: the image, or what `direct` has of its own (True)."""
    from . import build

    for direct in kinds:
        if direct:
            replace(image.linked_key + "-direct", DIRECT, size, lambda arena: build.link_direct(image, common.fixed, arena, None))
        else:
            replace(image.linked_key, 0, size, lambda arena: build.link(image, arena, None))


def pack_of(image: Image, direct: bool) -> Pack:
    """The handlers that were built so far."""
    return Pack(cache.path("handlers", f"{image.handlers_key}-{'direct' if direct else 'built'}"))


def pack_of_helpers(image: Image) -> Pack:
    """The helpers that were built so far, by their places in helpers.exports."""
    return Pack(cache.path("machinery", f"{image.machinery_key}-built"))


def _named(placed: Placed, mode: str) -> Placed:
    """With PPCDBT_PERF_MAP: names for `perf report`, where `perf` looks for the symbols of generated code."""
    if os.environ.get("PPCDBT_PERF_MAP"):
        order = sorted((address, name) for name, address in placed.symbols.items())
        with open(f"/tmp/perf-{os.getpid()}.map", mode) as f:
            for (address, name), (following, _) in zip(order, [*order[1:], (order[-1][0] + 256, "")], strict=True):
                f.write(f"{address:x} {min(following - address, 1 << 16):x} {name}\n")
    return placed
