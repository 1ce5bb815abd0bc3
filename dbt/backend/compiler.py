"""LLVM: text in, relocatable object out. The only module that talks to llvmlite."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm

REGION_PASSES = ("sroa", "instruction_combine", "simplify_cfg")
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


def compile_text(text: str, *, passes: Sequence[str] | int = 2, opt: int = 2, keep: Sequence[str] = (), link: Sequence[str] = (),
                 verify: bool = False) -> bytes:  # fmt: skip
    """An object from LLVM text. `passes`: an optimisation level, or the names of the passes to run in order.

    `link`: more modules to link in. `keep`: if given, every other definition becomes internal."""
    with _lock:
        _initialize()
        module = llvm.parse_assembly(text)
        for other in link:
            module.link_in(llvm.parse_assembly(other))
        if keep:
            wanted = set(keep)
            for f in list(module.functions) + list(module.global_variables):
                if not f.is_declaration and f.name not in wanted:
                    f.linkage = "internal"
        if verify:
            module.verify()
        tm = target_machine(opt)
        level = passes if isinstance(passes, int) else 1
        builder = llvm.create_pass_builder(tm, llvm.create_pipeline_tuning_options(speed_level=level))
        if isinstance(passes, int):
            manager = builder.getModulePassManager()
        else:
            manager = llvm.create_new_module_pass_manager()
            for name in passes:
                getattr(manager, f"add_{name}_pass")()
        manager.run(module, builder)
        return bytes(tm.emit_object(module))


def assembly(text: str, *, passes: Sequence[str] | int = 2, opt: int = 2) -> str:
    """The host assembly a text compiles to, for `ppcdbt explain`."""
    with _lock:
        _initialize()
        module = llvm.parse_assembly(text)
        tm = target_machine(opt)
        builder = llvm.create_pass_builder(tm, llvm.create_pipeline_tuning_options(speed_level=2))
        if isinstance(passes, int):
            manager = builder.getModulePassManager()
        else:
            manager = llvm.create_new_module_pass_manager()
            for name in passes:
                getattr(manager, f"add_{name}_pass")()
        manager.run(module, builder)
        return str(tm.emit_assembly(module))
