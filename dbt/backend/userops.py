"""IR operations without an LLVM template: Numba compiles the function that is their meaning, LLVM inlines it."""

from __future__ import annotations

import types
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from ..ir.ops import Op


@lru_cache(maxsize=None)
def op_module(op: Op) -> str:
    """LLVM text that defines `op_NAME` over i64 values (and the widths w, m where the operation takes them).

    TypeError if Numba cannot type the function, or types it as anything but an unsigned integer."""
    import numpy as np
    from numba import types as nb
    from numba.core.errors import NumbaError

    from .compiler import hide, parse
    from .lowering import entry, function_of, texts

    count = len(op.params) + op.takes_w + op.takes_m
    names = [f"a{i}" for i in range(len(op.params))]
    widths = [w for w, taken in (("w", op.takes_w), ("m", op.takes_m)) if taken]
    scope = {**op.eval.__globals__, "u64": np.uint64}
    body = function_of(types.FunctionType(op.eval.__code__, scope, op.name, op.eval.__defaults__, op.eval.__closure__))
    call = ", ".join(names + [f"{w}={w}" for w in widths])
    local: dict[str, Any] = {"body": body}
    exec(f"def {op.name}({', '.join(names + widths)}):\n    return body({call})", local)  # Numba wants a fixed arity
    try:
        result, symbol, found = texts(function_of(local[op.name]), (nb.uint64,) * count)
    except NumbaError as e:
        raise TypeError(f"operation {op.name}: Numba cannot compile its meaning: {str(e).splitlines()[0]}") from e
    if not isinstance(result, nb.Integer | nb.Boolean):
        raise TypeError(f"operation {op.name}: its meaning compiles to {result}, not an integer: write constants as u64(...)")
    whole = parse(entry(f"op_{op.name}", symbol, ["i64"] * count, result), list(found.values()))
    hide(whole, [f"op_{op.name}"])
    return str(whole)


def link_user_ops(used: Iterable[Op]) -> tuple[str, list[str]]:
    """(declarations, modules to link) for the operations that a module uses."""
    chosen = sorted(used, key=lambda o: o.name)
    lines = [f"declare i64 @op_{o.name}({', '.join(['i64'] * (len(o.params) + o.takes_w + o.takes_m))})" for o in chosen]
    return "\n".join(lines) + "\n", [op_module(o) for o in chosen]
