"""Numba as a compiler of text: from a Python function and its types to LLVM text, and no further.

Numba's own way to compile makes each function callable from Python: wrappers, a module of its own into which all that it calls is linked, machine
code. Ours ends with the text of each function by itself; build.py links all of them once. Left out as well is what
the machinery has no use for: closures, generators, parallel loops, rewriting of array expressions. Typing an operation on the
same types as before costs a look-up.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import _dynfunc, njit
from numba.core import types
from numba.core.codegen import CodeLibrary
from numba.core.compiler import CompilerBase, _LowerResult
from numba.core.funcdesc import PythonFunctionDescriptor
from numba.core.ir_utils import build_definitions
from numba.core.lowering import Lower
from numba.core.rewrites import rewrite_registry
from numba.core.ssa import reconstruct_ssa
from numba.core.transforms import canonicalize_cfg
from numba.core.typed_passes import NoPythonBackend, NopythonTypeInference, PreLowerStripPhis
from numba.core.untyped_passes import FixupArgs, TranslateByteCode


class Text(CodeLibrary):  # type: ignore[misc]
    """The LLVM text of one function, and the libraries of those it calls."""

    def __init__(self, codegen: Any, symbol: str) -> None:
        super().__init__(codegen, symbol)
        self.text = ""
        self.uses: dict[Any, None] = {}

    def add_ir_module(self, ir_module: Any) -> None:
        """What lowering made."""
        self.text += str(ir_module)

    def add_linking_library(self, library: Any) -> None:
        """Another function is called, or may be."""
        self.uses[library] = None

    def finalize(self) -> None:
        """Nothing is left to do."""
        self._finalized = True

    def get_function(self, name: str) -> Any:
        """Of no use here."""
        raise NotImplementedError

    def get_llvm_str(self) -> str:
        """The text."""
        return self.text

    get_asm_str = get_llvm_str


class _Typing:
    """Numba's typing, which remembers what operations on which types were found to be."""

    known: dict[tuple[Any, ...], Any] = {}

    def __init__(self, context: Any) -> None:
        self._context = context

    def __getattr__(self, name: str) -> Any:
        return getattr(self._context, name)

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        """The signature of a call."""
        if kws or not isinstance(func, types.Function):
            return self._context.resolve_function_type(func, args, kws)
        key = (func, *args)
        found = self.known.get(key)
        if found is None:
            found = self.known[key] = self._context.resolve_function_type(func, args, kws)
        return found


class _Lower(Lower):  # type: ignore[misc]
    """Numba's lowering, less what counts references and looks for operands known at this stage (LLVM will)."""

    def lower_binop(self, resty: Any, expr: Any, op: Any) -> Any:
        """A binary operation."""
        signature = self.fndesc.calltypes[expr]
        values = [self.context.cast(self.builder, self.loadvar(v.name), self.typeof(v.name), ty)
                  for v, ty in zip((expr.lhs, expr.rhs), signature.args, strict=True)]  # fmt: skip
        kind = self.context.typing_context.resolve_value_type(op)
        if signature.args not in kind._impl_keys:  # what was typed was the operation in place
            kind.get_call_type(self.context.typing_context, signature.args, {})
        function = self.context.get_function(kind, signature)
        return self.context.cast(self.builder, function(self.builder, values), signature.return_type, resty)


def _interpret(state: Any) -> None:
    TranslateByteCode().run_pass(state)
    FixupArgs().run_pass(state)
    function = state.func_ir
    function.blocks = canonicalize_cfg(function.blocks)
    function.generator_info = None
    rewrite_registry.apply("before-inference", state)
    state.func_ir = reconstruct_ssa(function)
    state.func_ir._definitions = build_definitions(state.func_ir.blocks)


def _infer(state: Any) -> None:
    context = state.typingctx
    state.typingctx = _Typing(context)
    NopythonTypeInference().run_pass(state)
    state.typingctx = context
    state.func_ir = PreLowerStripPhis()._strip_phi_nodes(state.func_ir)


def _lower(state: Any) -> None:
    context, flags = state.targetctx, state.flags
    function = PythonFunctionDescriptor.from_specialized_function(
        state.func_ir, state.typemap, state.return_type, state.calltypes, mangler=context.mangler, inline=flags.forceinline,
        noalias=flags.noalias, abi_tags=[flags.get_mangle_string()],
    )  # fmt: skip
    library = state.library = Text(context.codegen(), function.llvm_func_name)
    with context.push_code_library(library):
        lower = _Lower(context, library, function, state.func_ir, metadata=state.metadata)
        lower.lower()
    entry = _dynfunc.make_function(function.lookup_module(), function.qualname, "", 0, lower.env, (library,))  # to know it by; cannot be called
    context.insert_user_function(entry, function, [library])
    state["cr"] = _LowerResult(function, lower.call_helper, cfunc=entry, env=lower.env)
    NoPythonBackend().run_pass(state)


class _Steps:
    """What stands for Numba's pass manager."""

    pipeline_name, exec_times = "machinery", None

    def run(self, state: Any) -> None:
        """From bytecode to text."""
        for step in (_interpret, _infer, _lower):
            step(state)


class Pipeline(CompilerBase):  # type: ignore[misc]
    """The compiler of `compiled` functions."""

    def define_pipelines(self) -> list[Any]:
        """There is one."""
        return [_Steps()]


def function_of(fn: Any, **options: Any) -> Any:
    """A Python function as one that Numba compiles in this way."""
    return njit(fn, pipeline_class=Pipeline, error_model="numpy", nogil=True, _nrt=False, **options)


def texts(function: Any, arguments: tuple[Any, ...]) -> tuple[Any, str, dict[str, str]]:
    """(result type, symbol, text by symbol of it and all it calls) of a function compiled with Pipeline, for these types."""
    function.compile(arguments)
    made = function.overloads[arguments]
    found: dict[str, str] = {}
    todo = [made.library]
    while todo:
        library = todo.pop()
        if isinstance(library, Text):
            if library.name not in found:
                found[library.name] = library.text
                todo.extend(library.uses)
        elif library.name != "nrt":  # a function of Numba's own, complete in itself; its name is that of others too
            found[library.get_llvm_str()] = library.get_llvm_str()
    return made.signature.return_type, made.fndesc.llvm_func_name, found


def entry(name: str, symbol: str, parameters: Sequence[str], bits: int) -> str:
    """LLVM text of `i64 name(...)`, which calls a function that `texts` found: Numba passes a result of so many bits through memory, and
    returns a status."""
    kept = f"i{max(bits, 8)}"
    arguments = "".join(f", {ty} %a{i}" for i, ty in enumerate(parameters))
    return f"""declare i32 @"{symbol}"(ptr, ptr{"".join(f", {ty}" for ty in parameters)})
define i64 @{name}({arguments[2:]}) nounwind {{
%result = alloca {kept}
%error = alloca ptr
%status = call i32 @"{symbol}"(ptr %result, ptr %error{arguments})
%short = load {kept}, ptr %result
{f"%long = zext {kept} %short to i64" if kept != "i64" else "%long = add i64 %short, 0"}
ret i64 %long
}}
"""
