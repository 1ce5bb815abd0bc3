"""Building the machinery's helpers, each when it is called for the first time: from Numba functions to objects.

This imports numba and llvmlite; a warm start does not come here.
"""

from __future__ import annotations

import importlib
import pickle
from collections.abc import Sequence
from functools import lru_cache

from . import cache
from .collecting import uncollected
from .image import Image, machinery_sources, pack_of_helpers, signature, version_of

_SHORT = "drop_code"  # a helper that is compiled fast


def exports(image: Image) -> list[str]:
    """The names of all helpers, in an order that does not change."""
    known = cache.read("machinery", image.machinery_key)
    if known is None:
        known = pickle.dumps(_exported(image.modules))
        cache.write("machinery", image.machinery_key, known)
    return list(pickle.loads(known))


def _exported(modules: Sequence[str]) -> list[str]:
    """As `exports`, by importing the modules."""
    for module in modules:
        importlib.import_module(module)
    from .machinery import EXPORTS

    return sorted(EXPORTS)


def built(image: Image) -> dict[str, bytes]:
    """The objects of those that were built so far."""
    names = exports(image)
    return {names[number]: data for number, data in pack_of_helpers(image).read().items()}


def helper(image: Image, name: str) -> bytes:
    """The object of a helper, which is remembered."""
    with uncollected():
        data = _helper(image, name)
    pack_of_helpers(image).add(exports(image).index(name), data)
    return data


def _helper(image: Image, name: str) -> bytes:
    """The object, from the cache if one was made from the same functions."""
    _exported(image.modules)
    from .fingerprint import fingerprint
    from .machinery import EXPORTS

    key = fingerprint(EXPORTS[name], _common())
    data = cache.read("helpers", key)
    if data is None:
        data = _compile(name)
        cache.write("helpers", key, data)
    return data


def preload_helpers(image: Image) -> None:
    """Read all that building helpers reads. Numba imports much of itself when it compiles: so it does, once."""
    from .fingerprint import fingerprint
    from .machinery import EXPORTS

    for name in _exported(image.modules):
        fingerprint(EXPORTS[name], _common())
    _compile(_SHORT)


@lru_cache(maxsize=1)
def _common() -> str:
    """The records' layouts and the code that writes code; everything else a helper depends on, its fingerprint finds."""
    return cache.source_key(machinery_sources(), f"{signature()} {version_of('numba')}")


def _compile(name: str) -> bytes:
    from .compiler import compile_functions
    from .machinery import compile_helper

    return compile_functions(list(compile_helper(name).values()), name)
