"""LLVM: text in, relocatable object out. The only module that talks to llvmlite."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm

Passes = Sequence[str] | int  # an optimisation level, or the names of the passes to run in order
FUNCTION_PASSES = ("sroa", "instruction_combine", "simplify_cfg")
SHORT = 60  # lines of LLVM text
_CALL = re.compile(r'call [^@\n]*@"([^"]+)"\(')
_lock = threading.Lock()


@lru_cache(maxsize=None)
def _initialize() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    llvm.initialize_native_asmparser()


@lru_cache(maxsize=None)
def target_machine(opt: int) -> Any:
    """Code generation for this host, position-dependent (our loader places it below 2 GiB or patches 64-bit fields)."""
    _initialize()
    target = llvm.Target.from_triple(llvm.get_process_triple())
    return target.create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=llvm.get_host_cpu_features().flatten(), opt=opt, reloc="static"
    )


def host_signature() -> str:
    """What compiled objects depend on besides our sources: LLVM's version and the host CPU."""
    import llvmlite

    return f"{llvmlite.__version__}-{llvm.get_host_cpu_name()}"


def parse(text: str, link: Sequence[str] = ()) -> Any:
    """A module of LLVM text, with others linked in."""
    _initialize()
    module = llvm.parse_assembly(text)
    for other in link:
        module.link_in(llvm.parse_assembly(other))
    return module


def hide(module: Any, keep: Collection[str]) -> None:
    """Every definition but these becomes internal: LLVM may change or drop it."""
    for f in [*module.functions, *module.global_variables]:
        if not f.is_declaration and f.name not in keep:
            f.linkage = "internal"


def optimise(module: Any, passes: Passes, opt: int = 2) -> None:
    """Run passes over a module."""
    level = passes if isinstance(passes, int) else 1
    builder = llvm.create_pass_builder(target_machine(opt), llvm.create_pipeline_tuning_options(speed_level=level))
    if isinstance(passes, int):
        manager = builder.getModulePassManager()
    else:
        manager = llvm.create_new_module_pass_manager()
        for name in passes:
            getattr(manager, f"add_{name}_pass")()
    manager.run(module, builder)


def emit(module: Any, opt: int = 2) -> bytes:
    """The object of a module."""
    return bytes(target_machine(opt).emit_object(module))


def compile_text(text: str, *, passes: Passes = 2, opt: int = 2, keep: Sequence[str] = (), link: Sequence[str] = (), verify: bool = False) -> bytes:
    """An object from LLVM text. `link`: more modules to link in. `keep`: if given, every other definition becomes internal."""
    with _lock:
        module = parse(text, link)
        if keep:
            hide(module, keep)
        if verify:
            module.verify()
        optimise(module, passes, opt)
        return emit(module, opt)


def compile_functions(texts: Sequence[str], name: str) -> bytes:
    """The object of a function that Numba made, which alone can be called from outside, and of those it calls.

    In place of level 2, which takes four times as long: what is called once or is short is inlined, between the same passes before and after; code is smaller.
    TypeError if it needs what is not there."""
    with _lock:
        module = parse(texts[0], texts[1:])
        hide(module, [name])
        optimise(module, FUNCTION_PASSES)
        calls = Counter(_CALL.findall(str(module)))
        for f in module.functions:
            if not f.is_declaration and f.name != name and (calls[f.name] == 1 or str(f).count("\n") < SHORT):
                f.add_function_attribute("alwaysinline")
        optimise(module, ("always_inliner", "global_dead_code_eliminate", *FUNCTION_PASSES))
        absent = [f.name for f in module.functions if f.is_declaration and f.name.startswith(("NRT_", "_Z"))]
        if absent:
            raise TypeError(f"{name} needs {', '.join(absent)}, which is not there (Numba's run-time library is not: no arrays may be made in it)")
        return emit(module)


def assembly(text: str, *, passes: Passes = 2, link: Sequence[str] = ()) -> str:
    """The host assembly a text compiles to, for `ppcdbt explain`."""
    with _lock:
        module = parse(text, link)
        optimise(module, passes)
        return str(target_machine(2).emit_assembly(module))
