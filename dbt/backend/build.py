"""Building the interpreter: from declarations to cached objects, and linking it with the machinery (helpers.py).

This imports llvmlite and compiles for some seconds; a warm start does not come here (image.py).
"""

from __future__ import annotations

import ctypes
import importlib
import pickle
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import cache
from .binding import bind, binding_functions, bound, reserve_stubs, write_stubs
from .collecting import uncollected
from .helpers import built, exports, helper, preload_helpers
from .image import Image, Progress, pack_of, signature
from .layout import UNBUILT
from .linked import Placed
from .objects import Arena, load_object, load_objects
from .pack import Pack


@dataclass(slots=True)
class Parts:
    """What an image is linked from, besides handlers and helpers."""

    runtime: bytes  # leaving, decoding, entering
    names: list[str]  # of instructions (_instructions), in the order of their handlers
    firsts: list[int]  # number of each one's first handler, and of the one for what is no instruction
    nodes: Any
    roots: Any


def parts(image: Image, progress: Progress | None = None) -> Parts:
    """The parts of an image. Cached ones are used as they are; `progress` hears about those that have to be compiled."""
    if image.parts is not None:
        known: Parts = image.parts
        return known
    handlers = cache.read("handlers", image.handlers_key)
    if handlers is None:
        with uncollected():
            handlers = pickle.dumps(_build_decoder(image.isa, progress))
        cache.write("handlers", image.handlers_key, handlers)
    made = image.parts = Parts(*pickle.loads(handlers))
    return made


def _build_decoder(isa: Sequence[str], progress: Progress | None) -> tuple[bytes, list[str], list[int], Any, Any]:
    from .compiler import compile_text
    from .handlers import runtime_functions
    from .llvm import declarations
    from .metadata import METADATA
    from .recovery import recovery_functions
    from .trie import build_trie

    report = progress or (lambda what, done, total: None)
    runtime = compile_text(declarations() + runtime_functions() + recovery_functions() + binding_functions() + METADATA)
    insns = _instructions(isa)
    plan: list[Any] = []
    firsts = [0]
    for n, insn in enumerate(insns.values()):
        report("interpreter: reading declarations", n, len(insns))
        tree, blocks = _variants(insn)
        plan.append((insn, tree, firsts[-1]))
        firsts.append(firsts[-1] + len(blocks))
    report("interpreter: decoder", 0, 1)
    nodes, roots = build_trie(plan, firsts[-1])
    report("interpreter", 1, 1)
    return runtime, list(insns), firsts, nodes, roots


@lru_cache(maxsize=8)
def _instructions(isa: Sequence[str]) -> dict[str, Any]:
    """All that are declared, by names that do not depend on which module was imported first."""
    from ..frontend import isa as _declarations  # noqa: F401  (declares every instruction)
    from ..frontend.insn import ISA

    for module in isa:
        importlib.import_module(module)
    return {f"{insn.module} {insn.syntax} {insn.bits:x} {insn.mask:x}": insn for insn in ISA.insns}


def preload(image: Image) -> None:
    """Read all that building reads."""
    parts(image)
    _instructions(image.isa)
    _host()
    for direct in (False, True):
        _known(pack_of(image, direct))
    preload_helpers(image)


def place_handler(image: Image, arena: Arena, symbols: dict[str, int], number: int, direct: bool) -> int:
    """The address of a handler, put into an arena if it is not there: built, and remembered, if no guest needed it before.

    `direct`: for Linux programs, whose storage is reached in another way (direct.py)."""
    prefix = "d_" if direct else "i_"
    found = _handlers(symbols, prefix).get(number)
    if found is None:
        pack = pack_of(image, direct)
        known = _known(pack)
        if number not in known:
            with uncollected():
                known[number] = _compile_handler(image, number, direct, prefix)
            pack.add(number, known[number])
        own = load_object(arena, known[number], symbols)
        symbols.update(own)
        (found,) = own.values()
    return found


@lru_cache(maxsize=8)
def _known(pack: Pack) -> dict[int, bytes]:
    return pack.read()


@lru_cache(maxsize=None)
def _variants(insn: Any) -> tuple[Any, list[Any]]:
    """An instruction's handlers, and the questions that choose one. Remembered: who builds the decoder will need some of them."""
    from ..frontend.translate import handlers

    return handlers(insn)


def _compile_handler(image: Image, number: int, direct: bool, prefix: str) -> bytes:
    """A handler's object, from the cache if one was made from the same text."""
    from ..ir.sweep import sweep
    from .compiler import compile_text
    from .handlers import Handler
    from .llvm import RUNTIME, declarations
    from .metadata import METADATA
    from .translator import PASSES
    from .userops import link_user_ops

    made = parts(image)
    if number == made.firsts[-1]:
        block, name = _illegal(), "illegal"
    else:
        place = bisect_right(made.firsts, number) - 1
        insn = _instructions(image.isa)[made.names[place]]
        block = _variants(insn)[1][number - made.firsts[place]]
        name = f"{insn.module.rpartition('.')[2]}_{insn.name.replace('.', '_')}"
    sweep(block)
    symbol = f"{prefix}{number}_{name}"
    handler = Handler(symbol, direct)
    body = handler.text(block)
    op_declarations, op_modules = link_user_ops(handler.user_ops)
    head = declarations(RUNTIME + [f"declare i64 @{h}(ptr, i64, i64, i64)" for h in sorted(handler.helpers)])
    text = head + op_declarations + body + METADATA
    key = cache.text_key([text, *op_modules], _host())
    data = cache.read("chunks", key)
    if data is None:
        data = compile_text(text, passes=2 if op_modules else PASSES, keep=[symbol] if op_modules else (), link=op_modules)
        cache.write("chunks", key, data)
    return data


@lru_cache(maxsize=1)
def _host() -> str:
    return signature()


def _illegal() -> Any:
    """The block for words that are no instruction."""
    from ..exits import Exit
    from ..frontend.context import ILLEGAL
    from ..ir.builder import Builder
    from ..ir.terminals import Stop

    block = Builder()
    block.end = Stop(int(Exit.PROGRAM), block.const(ILLEGAL), False)
    return block


def link(image: Image, arena: Arena, progress: Progress | None) -> Placed:
    """Put an image into an arena, object by object."""
    made = parts(image, progress)
    trap = arena.allocate(16)
    arena.memory[trap - arena.base : trap - arena.base + 16] = b"\x0f\x0b" * 8  # ud2: Numba's error paths, which cannot be reached
    helpers = built(image)
    stubs = reserve_stubs(arena, exports(image))
    # They refer to one another: helpers to `enter`, the runtime to load_slow.
    known = load_objects(arena, [made.runtime, *helpers.values()], stubs, trap)
    write_stubs(arena, stubs, known)
    symbols = {**stubs, **known, "trap": trap}
    fixed = {name: at for name, at in symbols.items() if name not in helpers} | stubs
    for data in pack_of(image, False).read().values():
        symbols.update(load_object(arena, data, symbols))
    return Placed(symbols, *_place_decoder(made, arena, _handlers(symbols, "i_")), fixed)


def link_direct(image: Image, symbols: dict[str, int], arena: Arena, progress: Progress | None) -> Placed:
    """Put what the mode `direct` has of its own behind an image that begins with these symbols."""
    made = parts(image, progress)
    known: dict[str, int] = {}
    for data in pack_of(image, True).read().values():
        known.update(load_object(arena, data, symbols))
    return Placed(known, *_place_decoder(made, arena, _handlers(known, "d_")))


def _handlers(symbols: dict[str, int], prefix: str) -> dict[int, int]:
    """Addresses of handlers by number."""
    return {int(name.split("_")[1]): at for name, at in symbols.items() if name.startswith(prefix)}


def _place_decoder(made: Parts, arena: Arena, handlers: dict[int, int]) -> tuple[list[int], tuple[int, int]]:
    """The interpreter's decoder with the addresses of handlers, or marks where there are none; its roots and its place."""
    import numpy as np

    from .decoder import place_trie

    leaves = np.arange(made.firsts[-1] + 1, dtype=np.uint64) << np.uint64(2) | np.uint64(UNBUILT)
    leaves[list(handlers)] = list(handlers.values())
    base = arena.allocate(made.nodes.size * 8, 64)
    nodes, roots = place_trie(made.nodes, made.roots, base, leaves)
    arena.memory[base - arena.base : base - arena.base + nodes.nbytes] = nodes.tobytes()
    return [int(root) for root in roots], (base, made.nodes.size)


def build_handler(image: Image, arena: Arena, symbols: dict[str, int], placed: Placed, number: int, direct: bool) -> None:
    """Build a handler that a decoder asks for, and let it find it. Others may be decoding."""
    import numpy as np

    at = place_handler(image, arena, symbols, number, direct)
    address, count = placed.trie
    words = np.frombuffer((ctypes.c_uint64 * count).from_address(address), np.uint64)
    words[words == np.uint64(number << 2 | UNBUILT)] = at



def place_helper(image: Image, arena: Arena, symbols: dict[str, int], stub: int, name: str) -> int:
    """The address of a helper that is called by its stub for the first time: built, if no guest needed it before."""
    at = bound(stub)
    if at == symbols["x_bind"]:  # else another thread had it built meanwhile
        symbols.update(load_object(arena, helper(image, name), symbols, symbols["trap"]))
        at = symbols[name]
        bind(stub, at)
    return at
