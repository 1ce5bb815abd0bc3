"""What the compiled code of a Numba function depends on: its own bytecode and that of everything it calls."""

from __future__ import annotations

import hashlib
import types
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np


def fingerprint(root: Any, extra: str) -> str:
    """A key for a compiled function: equal keys compile to the same code. `extra`: what else its code depends on.

    Something it does not know makes the key different each time (a repr with an address in it): compiled anew, never wrong."""
    digest = hashlib.blake2b(extra.encode(), digest_size=16)
    _add(digest, root, set())
    return digest.hexdigest()


def _add(digest: Any, thing: Any, seen: set[int]) -> None:
    if id(thing) in seen:
        return
    if hasattr(thing, "py_func"):  # compiled by Numba
        seen.add(id(thing))
        digest.update(repr(sorted(thing.targetoptions.items())).encode())
        thing = thing.py_func
    if isinstance(thing, types.FunctionType):
        seen.add(id(thing))
        digest.update(thing.__name__.encode())
        _add_code(digest, thing.__code__)
        digest.update(repr(thing.__defaults__).encode())
        for name in sorted(_names(thing.__code__)):
            if name in thing.__globals__:
                digest.update(name.encode())
                _add(digest, thing.__globals__[name], seen)
        for cell in thing.__closure__ or ():
            _add(digest, cell.cell_contents, seen)
    elif hasattr(thing, "_defn"):  # an intrinsic: code that writes code
        seen.add(id(thing))
        digest.update(thing._name.encode())
        _add_code(digest, thing._defn.__code__)
    elif isinstance(thing, types.ModuleType):
        digest.update(thing.__name__.encode())
        if thing.__name__.startswith(("dbt", "runtime")) and thing.__file__:
            digest.update(_content(thing.__file__))
    elif isinstance(thing, np.ndarray):
        digest.update(f"{thing.dtype} {thing.shape}".encode() + thing.tobytes())
    elif isinstance(thing, tuple | list):
        for item in thing:
            _add(digest, item, seen)
    else:
        digest.update(f"{type(thing)} {thing!r}".encode())


@lru_cache(maxsize=None)
def _content(file: str) -> bytes:
    return Path(file).read_bytes()


def _add_code(digest: Any, code: types.CodeType) -> None:
    digest.update(code.co_code)
    digest.update(repr(code.co_names).encode())
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            _add_code(digest, constant)
        else:
            digest.update(repr(constant).encode())


def _names(code: types.CodeType) -> set[str]:
    """Names a function may look up in its module, nested functions included."""
    return set(code.co_names).union(*(_names(c) for c in code.co_consts if isinstance(c, types.CodeType)))
