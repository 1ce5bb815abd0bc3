"""Building the interpreter and the machinery: from declarations and Numba functions to cached objects, and linking them.

This imports numba and llvmlite and compiles for some seconds; a warm start does not come here (image.py).
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pickle
import subprocess
import sys
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from . import cache
from .image import LATER, Image, Progress, Symbols, load_image, machinery_sources, pack_of, signature, version_of
from .layout import UNBUILT
from .linked import Placed
from .objects import Arena, load_object, load_objects
from .pack import Pack


@dataclass(slots=True)
class Parts:
    """What an image is linked from, besides the handlers."""

    runtime: bytes  # leaving, decoding, entering
    names: list[str]  # of instructions (_instructions), in the order of their handlers
    firsts: list[int]  # number of each one's first handler, and of the one for what is no instruction
    nodes: Any
    roots: Any
    machinery: bytes
    exports: list[str]


def parts(image: Image, progress: Progress | None = None) -> Parts:
    """The parts of an image. Cached ones are used as they are; `progress` hears about those that have to be compiled."""
    if image.parts is not None:
        known: Parts = image.parts
        return known
    handlers = cache.read("handlers", image.handlers_key)
    fixed = cache.read("machinery", image.machinery_key)
    # With nothing cached both are built, in two processes: numba and llvmlite keep a core each busy.
    child = _build_elsewhere(image.modules) if handlers is None and fixed is None else None
    if handlers is None:
        handlers = pickle.dumps(_build_decoder(image.isa, progress))
        cache.write("handlers", image.handlers_key, handlers)
    if child is not None:
        if progress is not None:
            progress("machinery: compiling", 0, 1)
        child.wait()
        fixed = cache.read("machinery", image.machinery_key)
    if fixed is None:
        fixed = pickle.dumps(_build_machinery(image.modules, progress))
        cache.write("machinery", image.machinery_key, fixed)
    made = image.parts = Parts(*pickle.loads(handlers), *pickle.loads(fixed))
    return made


def _build_elsewhere(machinery: Sequence[str]) -> subprocess.Popen[bytes] | None:
    """Build and cache the machinery in another process. If that fails, the caller finds nothing in the cache."""
    command = [sys.executable, "-m", "dbt.backend.build", *machinery]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    try:
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def _build_decoder(isa: Sequence[str], progress: Progress | None) -> tuple[bytes, list[str], list[int], Any, Any]:
    from .compiler import compile_text
    from .handlers import runtime_functions
    from .llvm import declarations
    from .metadata import METADATA
    from .recovery import recovery_functions
    from .trie import build_trie

    report = progress or (lambda what, done, total: None)
    runtime = compile_text(declarations() + runtime_functions() + recovery_functions() + METADATA)
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


def place_handler(image: Image, arena: Arena, symbols: dict[str, int], number: int, direct: bool) -> int:
    """The address of a handler, put into an arena if it is not there: built, and remembered, if no guest needed it before.

    `direct`: for Linux programs, whose storage is reached in another way (direct.py)."""
    prefix = "d_" if direct else "i_"
    found = _handlers(symbols, prefix).get(number)
    if found is None:
        pack = pack_of(image, direct)
        known = _known(pack)
        if number not in known:
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


def _build_machinery(modules: Sequence[str], progress: Progress | None, only: str = "") -> tuple[bytes, list[str]]:
    """(object, exports) of the modules' helpers but those that are built when needed, or of one of these."""
    for module in modules:
        importlib.import_module(module)
    import llvmlite.binding as llvm

    from .compiler import emit, hide, optimise, parse
    from .fingerprint import fingerprint
    from .machinery import EXPORTS, compile_helper

    # The records' layouts and the code that writes code; everything else a helper depends on, its fingerprint finds.
    common = cache.source_key(machinery_sources(), f"{signature()} {version_of('numba')}")

    report = progress or (lambda what, done, total: None)
    whole = parse("")
    linked: set[str] = set()
    exports = [only] if only else [name for name in EXPORTS if name not in LATER]
    for n, name in enumerate(exports):
        report("machinery: compiling", n, len(exports))
        key = fingerprint(EXPORTS[name], common)
        known = cache.read("helpers", key)
        texts = pickle.loads(known) if known else compile_helper(name)
        if known is None:
            cache.write("helpers", key, pickle.dumps(texts))
        for symbol, text in texts.items():
            if symbol not in linked:
                linked.add(symbol)
                whole.link_in(llvm.parse_assembly(text))
    hide(whole, set(exports))
    optimise(whole, 2)
    absent = [f.name for f in whole.functions if f.is_declaration and f.name.startswith(("NRT_", "_Z"))]
    if absent:
        raise TypeError(f"machinery needs {', '.join(absent)}, which is not there (Numba's run-time library is not: no arrays may be made in it)")
    report("machinery", len(exports), len(exports))
    return emit(whole), exports


def later(image: Image, name: str) -> bytes:
    """The object of a helper of LATER: image.Symbols asks for it."""
    key = f"{image.machinery_key}-{name}"
    made = cache.read("machinery", key)
    if made is None:
        made = _build_machinery([LATER[name]], None, name)[0]
        cache.write("machinery", key, made)
    return made




def link(image: Image, arena: Arena, progress: Progress | None) -> Placed:
    """Put an image into an arena, object by object."""
    made = parts(image, progress)
    trap = arena.allocate(16)
    arena.memory[trap - arena.base : trap - arena.base + 16] = b"\x0f\x0b" * 8  # ud2: Numba's error paths, which cannot be reached
    # The machinery calls `enter`, the runtime calls load_slow.
    known = load_objects(arena, [made.runtime, made.machinery], {}, trap) | {"trap": trap}
    symbols = Symbols(known, image, arena)
    for data in pack_of(image, False).read().values():
        symbols.update(load_object(arena, data, symbols))
    return Placed(dict(symbols), *_place_decoder(made, arena, _handlers(symbols, "i_")), len(known))


def link_direct(image: Image, symbols: dict[str, int], arena: Arena, progress: Progress | None) -> Placed:
    """Put what the mode `direct` has of its own behind an image that begins with these symbols."""
    made = parts(image, progress)
    known = Symbols(symbols, image, arena)
    for data in pack_of(image, True).read().values():
        known.update(load_object(arena, data, known))
    return Placed(dict(list(known.items())[len(symbols) :]), *_place_decoder(made, arena, _handlers(known, "d_")))


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


if __name__ == "__main__":
    _modules = tuple(sys.argv[1:])
    cache.write("machinery", load_image(_modules).machinery_key, pickle.dumps(_build_machinery(_modules, None)))
