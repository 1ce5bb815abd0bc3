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
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from . import cache
from .image import Image, Progress, load_image, machinery_sources, signature, version_of
from .linked import Placed
from .objects import Arena, load_object, load_objects

CHUNK = 250  # handlers compiled together


@dataclass(slots=True)
class Parts:
    """What an image is linked from."""

    runtime: bytes  # leaving, decoding, entering
    handlers: list[bytes]
    handler_names: list[str]
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
        handlers = pickle.dumps(_build_handlers(image.isa, progress))
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


def load_direct(image: Image, progress: Progress | None = None) -> tuple[list[int], list[str], list[bytes]]:
    """The handlers of instructions that touch storage, for the mode `direct`: (their numbers, symbols, objects). Built when first wanted."""
    made = cache.read("direct", image.handlers_key)
    if made is None:
        made = pickle.dumps(_build_direct(image.isa, progress))
        cache.write("direct", image.handlers_key, made)
    found: tuple[list[int], list[str], list[bytes]] = pickle.loads(made)
    return found


def _build_elsewhere(machinery: Sequence[str]) -> subprocess.Popen[bytes] | None:
    """Build and cache the machinery in another process. If that fails, the caller finds nothing in the cache."""
    command = [sys.executable, "-m", "dbt.backend.build", *machinery]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(p for p in sys.path if p)}
    try:
        return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def _build_handlers(isa: Sequence[str], progress: Progress | None) -> tuple[bytes, list[bytes], list[str], Any, Any]:
    from ..frontend import isa as _declarations  # noqa: F401  (declares every instruction)
    from ..frontend.insn import ISA
    from ..frontend.translate import handlers
    from ..ir.sweep import sweep
    from ..ir.terminals import Stop
    from .compiler import compile_text
    from .handlers import runtime_functions
    from .llvm import declarations
    from .metadata import METADATA
    from .recovery import recovery_functions
    from .trie import build_trie

    for module in isa:
        importlib.import_module(module)
    report = progress or (lambda what, done, total: None)
    runtime = compile_text(declarations() + runtime_functions() + recovery_functions() + METADATA)
    plan: list[Any] = []
    names: list[str] = []
    chunks = _Chunks()
    insns = ISA.insns

    def lower(block: Any, mnemonic: str, module: str) -> None:
        sweep(block)
        names.append(chunks.add(block, mnemonic, module))

    for n, insn in enumerate(insns):
        report("interpreter handlers: reading declarations", n, len(insns))
        tree, blocks = handlers(insn)
        plan.append((insn, tree, len(names)))
        for block in blocks:
            lower(block, insn.name, insn.module)
    from ..exits import Exit
    from ..frontend.context import ILLEGAL
    from ..ir.builder import Builder

    illegal = Builder()
    illegal.end = Stop(int(Exit.PROGRAM), illegal.const(ILLEGAL), False)
    lower(illegal, "illegal", "")
    objects = chunks.compile(report)
    report("interpreter handlers: decoder", 0, 1)
    nodes, roots = build_trie(plan, len(names) - 1)
    report("interpreter handlers", 1, 1)
    return runtime, objects, names, nodes, roots


def _build_direct(isa: Sequence[str], progress: Progress | None) -> tuple[list[int], list[str], list[bytes]]:
    from ..frontend import isa as _declarations  # noqa: F401
    from ..frontend.insn import ISA
    from ..frontend.translate import handlers
    from ..ir import ops
    from ..ir.sweep import sweep

    for module in isa:
        importlib.import_module(module)
    report = progress or (lambda what, done, total: None)
    chunks = _Chunks(direct=True)
    numbers: list[int] = []
    names: list[str] = []
    count = 0
    for n, insn in enumerate(ISA.insns):
        report("handlers for Linux programs: reading declarations", n, len(ISA.insns))
        for block in handlers(insn)[1]:
            if any(v.op is ops.load or v.op is ops.store for v in block.body):
                sweep(block)
                numbers.append(count)
                names.append(chunks.add(block, insn.name, insn.module))
            count += 1
    objects = chunks.compile(report)
    report("handlers for Linux programs", 1, 1)
    return numbers, names, objects


class _Chunks:
    """Handlers in chunks, in the order they are added."""

    def __init__(self, direct: bool = False) -> None:
        self._direct = direct
        self._chunks: list[_Chunk] = []

    def add(self, block: Any, mnemonic: str, module: str) -> str:
        """Lower one handler; its symbol."""
        last = self._chunks[-1] if self._chunks else None
        if last is None or last.module != module or len(last.names) == CHUNK:
            last = _Chunk(module, sum(c.module == module for c in self._chunks), self._direct)
            self._chunks.append(last)
        return last.add(block, mnemonic)

    def compile(self, report: Progress) -> list[bytes]:
        """Their objects."""
        objects = []
        for n, chunk in enumerate(self._chunks):
            report("interpreter handlers: compiling", n, len(self._chunks))
            objects.append(chunk.compile())
        return objects


class _Chunk:
    """Handlers that are compiled together: at most CHUNK of one chapter. Cached by their text, so that a change of one
    declaration compiles one chunk."""

    def __init__(self, module: str, number: int, direct: bool) -> None:
        self.module, self.number, self._direct = module, number, direct
        self.names: list[str] = []
        self._texts: list[str] = []
        self._helpers: set[str] = set()
        self._user_ops: set[Any] = set()

    def add(self, block: Any, mnemonic: str) -> str:
        """Lower one handler; its symbol."""
        from .handlers import Handler

        chapter = self.module.rpartition(".")[2]
        kind = "d" if self._direct else "h"
        handler = Handler(f"{kind}_{chapter}_{self.number}_{len(self.names)}_{mnemonic.replace('.', '_')}", self._direct)
        self._texts.append(handler.text(block))
        self.names.append(handler.name)
        self._helpers.update(handler.helpers)
        self._user_ops.update(handler.user_ops)
        return handler.name

    def compile(self) -> bytes:
        """The object, from the cache if it is there."""
        from .compiler import compile_text
        from .llvm import RUNTIME, declarations
        from .metadata import METADATA
        from .userops import link_user_ops

        op_declarations, op_modules = link_user_ops(self._user_ops)
        head = declarations(RUNTIME + [f"declare i64 @{h}(ptr, i64, i64, i64)" for h in sorted(self._helpers)])
        text = head + op_declarations + "\n".join(self._texts) + METADATA
        key = cache.text_key([text, *op_modules], signature())
        made = cache.read("chunks", key)
        if made is None:
            made = compile_text(text, keep=self.names, link=op_modules)
            cache.write("chunks", key, made)
        return made


def _build_machinery(modules: Sequence[str], progress: Progress | None) -> tuple[bytes, list[str]]:
    for module in modules:
        importlib.import_module(module)
    import llvmlite.binding as llvm

    from .compiler import target_machine
    from .fingerprint import fingerprint
    from .machinery import EXPORTS, compile_helper

    # The records' layouts and the code that writes code; everything else a helper depends on, its fingerprint finds.
    common = cache.source_key(machinery_sources(), f"{signature()} {version_of('numba')}")

    report = progress or (lambda what, done, total: None)
    target_machine(2)
    whole = llvm.parse_assembly("")
    linked: set[str] = set()
    for n, name in enumerate(EXPORTS):
        report("machinery: compiling", n, len(EXPORTS))
        key = fingerprint(EXPORTS[name], common)
        known = cache.read("helpers", key)
        texts = pickle.loads(known) if known else compile_helper(name)
        if known is None:
            cache.write("helpers", key, pickle.dumps(texts))
        for symbol, text in texts.items():
            if symbol not in linked:
                linked.add(symbol)
                whole.link_in(llvm.parse_assembly(text))
    wanted = set(EXPORTS)
    for f in list(whole.functions) + list(whole.global_variables):
        if not f.is_declaration and f.name not in wanted:
            f.linkage = "internal"
    tm = target_machine(2)
    builder = llvm.create_pass_builder(tm, llvm.create_pipeline_tuning_options(speed_level=2))
    builder.getModulePassManager().run(whole, builder)
    absent = [f.name for f in whole.functions if f.is_declaration and f.name.startswith("NRT_") and f.name != "NRT_Free"]
    if absent:  # NRT_Free stands on error paths that are never taken
        raise TypeError(f"machinery needs {', '.join(absent)}, Numba's run-time library, which is not there: no arrays may be made in it")
    if missing := [f.name for f in whole.functions if f.is_declaration and f.name.startswith("_ZN")]:
        raise TypeError(f"machinery calls what was not linked: {', '.join(missing)}")
    report("machinery", len(EXPORTS), len(EXPORTS))
    return bytes(tm.emit_object(whole)), list(EXPORTS)


def link(image: Image, arena: Arena, progress: Progress | None) -> Placed:
    """Put an image into an arena, object by object."""
    made = parts(image, progress)
    trap = arena.allocate(16)
    ctypes.memmove(trap, b"\x0f\x0b" * 8, 16)  # ud2: Numba's error paths, which cannot be reached
    # The machinery calls `enter`, the runtime calls load_slow.
    symbols = load_objects(arena, [made.runtime, made.machinery], {}, trap)
    for part in made.handlers:
        symbols |= load_object(arena, part, symbols)
    return Placed(symbols, _place_decoder(made, arena, [symbols[n] for n in made.handler_names]))


def link_direct(image: Image, symbols: dict[str, int], arena: Arena, progress: Progress | None) -> Placed:
    """Put what the mode `direct` has of its own behind it."""
    made = parts(image, progress)
    numbers, names, objects = load_direct(image, progress)
    own: dict[str, int] = {}
    for part in objects:
        own |= load_object(arena, part, symbols)
    handlers = [symbols[n] for n in made.handler_names]
    for number, name in zip(numbers, names, strict=True):
        handlers[number] = own[name]
    return Placed(own, _place_decoder(made, arena, handlers))


def _place_decoder(made: Parts, arena: Arena, handlers: list[int]) -> list[int]:
    """The interpreter's decoder with the addresses of handlers; its roots."""
    import numpy as np

    from .decoder import place_trie

    base = arena.allocate(made.nodes.size * 8, 64)
    nodes, roots = place_trie(made.nodes, made.roots, base, np.array(handlers, np.uint64))
    ctypes.memmove(base, nodes.ctypes.data, nodes.nbytes)
    return [int(root) for root in roots]


if __name__ == "__main__":
    _modules = tuple(sys.argv[1:])
    cache.write("machinery", load_image(_modules).machinery_key, pickle.dumps(_build_machinery(_modules, None)))
