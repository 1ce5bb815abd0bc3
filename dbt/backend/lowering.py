"""Numba as a compiler of text: from a Python function and its types to LLVM text, and no further.

Numba's own way to compile makes each function callable from Python: wrappers, a module of its own into which all that it calls is linked, machine
code. Ours ends with the text of each function by itself; helpers.py links what a helper calls. Numba's are the interpreter of bytecode, the
typing (inference.py) and the lowering of every operation. Left out is what the machinery has no use for: closures, generators, exceptions, parallel
loops, the rewriting of array expressions, counting references, and SSA form, which LLVM makes anyway: a variable has one type.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache, cached_property
from typing import Any, NamedTuple

from llvmlite import ir as llvm
from numba.core import cgutils, ir, types
from numba.core.bytecode import ByteCode, FunctionIdentity
from numba.core.callconv import BaseCallConv, CPUCallConv, create_error_model
from numba.core.compiler import Flags
from numba.core.compiler_lock import global_compiler_lock
from numba.core.cpu import CPUContext
from numba.core.errors import LoweringError, NumbaError
from numba.core.funcdesc import PythonFunctionDescriptor
from numba.core.interpreter import Interpreter
from numba.core.lowering import Lower
from numba.core.registry import cpu_target
from numba.core.targetconfig import ConfigStack

from .inference import Function, FunctionType, Inferer, Typing


class Text:
    """The LLVM text of one function, and the libraries of those it calls: what Numba calls a code library."""

    def __init__(self, context: Any, symbol: str) -> None:
        self.name = symbol
        self.text = ""
        self.uses: dict[Any, None] = {}
        self._context = context

    def create_ir_module(self, name: str) -> Any:
        """What lowering fills."""
        return self._context.create_module(name)

    def add_ir_module(self, ir_module: Any) -> None:
        """What lowering made."""
        self.text += str(ir_module)

    def add_linking_library(self, library: Any) -> None:
        """Another function is called, or may be."""
        self.uses[library] = None


class Compiled(NamedTuple):
    """A function for some types."""

    result: Any  # its type
    library: Text
    descriptor: Any


class _Convention(BaseCallConv):  # type: ignore[misc]
    """Arguments and result as they are: there are no exceptions, so no status and nothing that needs memory."""

    def _make_call_helper(self, builder: Any) -> None:
        return None

    def get_return_type(self, ty: Any) -> Any:
        """How a result is returned."""
        return self.context.data_model_manager[ty].get_return_type()

    def get_function_type(self, restype: Any, argtypes: Any) -> Any:
        """The LLVM type of a function."""
        return llvm.FunctionType(self.get_return_type(restype), self._get_arg_packer(argtypes).argument_types)

    def decorate_function(self, fn: Any, args: Any, fe_argtypes: Any, noalias: bool = False) -> None:
        """Names are of no use."""

    def get_arguments(self, func: Any) -> Any:
        """All are arguments."""
        return func.args

    def return_value(self, builder: Any, retval: Any) -> None:
        """Return."""
        builder.ret(retval)

    def return_user_exc(self, builder: Any, exc: Any, exc_args: Any = None, loc: Any = None, func_name: Any = None) -> None:
        """What Numba's implementation of an operation refuses, such as a range with a step of zero, ends the function with zero."""
        builder.ret(llvm.Constant(builder.function.function_type.return_type, None))

    def call_function(self, builder: Any, callee: Any, resty: Any, argtys: Any, args: Any) -> Any:
        """The result of a call."""
        value = builder.call(callee, self._get_arg_packer(argtys).as_arguments(builder, args))
        return self.context.get_returned_value(builder, resty, value)


class _Target(CPUContext):  # type: ignore[misc]
    """Numba's knowledge of how operations are lowered, which remembers what it has looked up."""

    def __init__(self, typing: Any) -> None:
        super().__init__(typing)
        self.error_model = create_error_model("numpy", self)
        self._remembered: dict[Any, Any] = {}
        self._packers: dict[Any, Any] = {}
        self._straight: dict[Any, bool] = {}

    @cached_property
    def call_conv(self) -> Any:
        """Ours."""
        return _Convention(self)

    def subtarget(self, **options: Any) -> Any:
        """There is one for all functions: none has an environment of Python's objects."""
        return self

    def get_arg_packer(self, fe_args: Any) -> Any:
        """How arguments are passed."""
        found = self._packers.get(fe_args)
        if found is None:
            found = self._packers[fe_args] = super().get_arg_packer(fe_args)
        return found

    def get_function(self, fn: Any, sig: Any, _firstcall: bool = True) -> Any:
        """What writes the code of an operation."""
        key = fn, sig.args, sig.return_type
        found = self._remembered.get(key)
        if found is None:
            try:
                found = super().get_function(fn, sig, _firstcall)
            except NotImplementedError:
                if not _firstcall:
                    raise
                found = self._foreign.get_function(fn, sig)
            self._remembered[key] = found
        return found

    @cached_property
    def _foreign(self) -> _Foreign:
        return _Foreign(self)

    def takes_as_given(self, kind: Any, signature: Any) -> bool:
        """Whether a function takes arguments one by one, not any number of them as a tuple."""
        found = self._straight.get(kind)
        if found is None:
            python = signature.pysig
            found = self._straight[kind] = python is None or all(p.kind is not p.VAR_POSITIONAL for p in python.parameters.values())
        return found

    def get_getattr(self, typ: Any, attr: Any) -> Any:
        """What writes the code that gets an attribute; of a record, any of them."""
        key = (typ,) if isinstance(typ, types.Record) else (typ, attr)
        found = self._remembered.get(key)
        if found is None:
            found = self._remembered[key] = super().get_getattr(typ, attr)
        return found

    def get_setattr(self, attr: Any, sig: Any) -> Any:
        """What writes the code that sets an attribute."""
        typ = sig.args[0]
        if not isinstance(typ, types.Record):
            return super().get_setattr(attr, sig)
        found = self._remembered.get(typ)
        if found is None:
            found = self._remembered[typ] = self._setattrs[None].find((typ, types.Any))
        return lambda builder, args: found(self, builder, sig, args, attr)

    def _compile_subroutine_no_cache(self, builder: Any, impl: Any, sig: Any, locals: Any = None, flags: Any = None) -> Any:
        own = cpu_target.target_context
        with own.push_code_library(self.active_code_library):
            return own._compile_subroutine_no_cache(builder, impl, sig, locals, flags)

    def call_internal(self, builder: Any, fndesc: Any, sig: Any, args: Any) -> Any:
        """Call what _compile_subroutine_no_cache made."""
        return self._foreign.call_internal(builder, fndesc, sig, args)

    def post_lowering(self, mod: Any, library: Any) -> None:
        """Numba's run-time library is not used."""


class _ForeignConvention(CPUCallConv):  # type: ignore[misc]
    """How functions are called that Numba writes in Python and compiles in its own way."""

    def return_status_propagate(self, builder: Any, status: Any) -> None:
        """What they raise, the caller ends with."""
        builder.ret(llvm.Constant(builder.function.function_type.return_type, None))


class _Foreign(CPUContext):  # type: ignore[misc]
    """Numba's knowledge of its own functions, to call them from ours."""

    def __init__(self, target: _Target) -> None:
        self.__dict__.update(cpu_target.target_context.__dict__)
        self._codelib_stack = target._codelib_stack

    @property
    def call_conv(self) -> Any:
        """Theirs."""
        return _ForeignConvention(self)


class _Lower(Lower):  # type: ignore[misc]
    """Numba's lowering, less what counts references and looks for operands known at this stage (LLVM will)."""

    def init(self) -> None:
        """Which variables are values: what is assigned once, before any use. The stack's are, but those in which branches meet."""
        assigned = [(block, inst.target.name) for block, body in self.blocks.items() for inst in body.body if isinstance(inst, ir.Assign)]
        count = Counter(name for _, name in assigned)
        self._values = {name for block, name in assigned if count[name] == 1 and (
            block == self.firstblk or (name.startswith("$") and not name.startswith("$phi")))}  # fmt: skip
        self._known: dict[str, Any] = {}

    def lower_block(self, block: Any) -> None:
        """A basic block."""
        for inst in block.body:
            self.loc = inst.loc
            try:
                self.lower_inst(inst)
            except (NumbaError, NotImplementedError) as e:
                raise LoweringError(str(e), self.loc) from e

    def lower_inst(self, inst: Any) -> None:
        """A statement."""
        kind = type(inst)
        if kind is ir.Assign:
            name = inst.target.name
            self.storevar(self.lower_assign(self.typeof(name), inst), name)
        elif kind is ir.Jump:
            self.builder.branch(self.blkmap[inst.target])
        else:
            super().lower_inst(inst)

    def lower_assign(self, ty: Any, inst: Any) -> Any:
        """The value of an assignment."""
        value = inst.value
        kind = type(value)
        if kind is ir.Expr:
            return self.lower_expr(ty, value)
        if kind is ir.Var:
            return self._cast_var(value, ty)
        if isinstance(ty, types.Callable):
            return self.context.get_dummy_value()
        return super().lower_assign(ty, inst)

    def lower_binop(self, resty: Any, expr: Any, op: Any) -> Any:
        """A binary operation."""
        signature = self.fndesc.calltypes[expr]
        values = [self._cast_var(v, ty) for v, ty in zip((expr.lhs, expr.rhs), signature.args, strict=True)]
        kind = self.context.typing_context.resolve_value_type(op)
        if signature.args not in kind._impl_keys:  # what was typed was the operation in place
            kind.get_call_type(self.context.typing_context, signature.args, {})
        function = self.context.get_function(kind, signature)
        return self.context.cast(self.builder, function(self.builder, values), signature.return_type, resty)

    def lower_call(self, resty: Any, expr: Any) -> Any:
        """A call."""
        signature = self.fndesc.calltypes[expr]
        kind = self.typeof(expr.func.name)
        if expr.vararg or isinstance(kind, types.BoundFunction):
            return super().lower_call(resty, expr)
        if self.context.takes_as_given(kind, signature) and len(expr.args) == len(signature.args):
            values = [self._cast_var(v, ty) for v, ty in zip(expr.args, signature.args, strict=True)]
        else:
            values = self.fold_call_args(kind, signature, expr.args, None, expr.kws)
        if isinstance(kind, FunctionType):
            made = kind.function.compiled(signature.args)
            self.library.add_linking_library(made.library)
            function = self.context.declare_function(self.module, made.descriptor)
            result = self.call_conv.call_function(self.builder, function, signature.return_type, signature.args, values)
        else:
            result = self.context.get_function(kind, signature)(self.builder, values, self.loc)
        if result is None:
            result = self.context.get_dummy_value()
        return self.context.cast(self.builder, result, signature.return_type, resty)

    def lower_getitem(self, resty: Any, expr: Any, value: Any, index: Any, signature: Any) -> Any:
        """An element."""
        of, number = self.typeof(value.name), self.typeof(index.name)
        if signature is not None:
            return super().lower_getitem(resty, expr, value, index, signature)
        place = number.literal_value % len(of)
        return self.context.cast(self.builder, self.builder.extract_value(self.loadvar(value.name), place), of[place], resty)

    def emit_environment_object(self) -> None:
        """There is none."""

    def pre_lower(self) -> None:
        """Nothing is needed."""
        self.pyapi = None

    def loadvar(self, name: str) -> Any:
        """The value of a variable."""
        value = self._known.get(name)
        return self.builder.load(self.getvar(name)) if value is None else value

    def getvar(self, name: str) -> Any:
        """The memory of a variable."""
        found = self.varmap.get(name)
        if found is None:
            found = self.varmap[name] = cgutils.alloca_once(self.builder, self.context.get_value_type(self.typeof(name)), name=name)
        return found

    def storevar(self, value: Any, name: str, argidx: Any = None) -> None:
        """A variable is given a value."""
        if name in self._values:
            self._known[name] = value
        else:
            self.builder.store(value, self.getvar(name))


class _Interpreter(Interpreter):  # type: ignore[misc]
    """Numba's interpreter of bytecode, less what makes `with` blocks, dictionaries and *arguments of it."""

    def post_process(self, peepholes: Any, func_ir: Any) -> Any:
        """As it is."""
        return func_ir


@cache
def _target() -> _Target:
    return _Target(Typing())


def _compile(function: Function, arguments: tuple[Any, ...]) -> Compiled:
    """From bytecode to text."""
    target = _target()
    identity = FunctionIdentity.from_function(function.py_func)
    code = _Interpreter(identity).interpret(ByteCode(identity))
    variables, result, calls = Inferer(target.typing_context, code, None).infer(code.arg_names, arguments)
    descriptor = PythonFunctionDescriptor.from_specialized_function(
        code, variables, result, calls, inline=function.inline, noalias=False, abi_tags=(),
        mangler=lambda name, tys, abi_tags, uid: f"{function.symbol}({', '.join(map(_short, tys))})",
    )  # fmt: skip
    library = Text(target, descriptor.mangled_name)
    with target.push_code_library(library):
        _Lower(target, library, descriptor, code).lower()
    return Compiled(result, library, descriptor)


@cache
def _short(ty: Any) -> str:
    """A type in a symbol."""
    return f"record of {ty.size}" if isinstance(ty, types.Record) else str(ty)
def function_of(fn: Any, forceinline: bool = False) -> Function:
    """A Python function as one that Numba compiles in this way."""
    return Function(fn, forceinline, _compile)


def texts(function: Function, arguments: tuple[Any, ...]) -> tuple[Any, str, dict[str, str]]:
    """(result type, symbol, text by symbol of it and all it calls) of a function for these types."""
    with global_compiler_lock, ConfigStack().enter(Flags()):
        _target().refresh()  # an intrinsic may have been defined since
        made = function.compiled(arguments)
    found: dict[str, str] = {}
    todo: list[Any] = [made.library]
    while todo:
        library = todo.pop()
        if isinstance(library, Text):
            if library.name not in found:
                found[library.name] = library.text
                todo.extend(library.uses)
        elif library.name != "nrt":  # a function of Numba's own, complete in itself; its name is that of others too
            found[library.get_llvm_str()] = library.get_llvm_str()
    return made.result, made.library.name, found


def entry(name: str, symbol: str, parameters: Sequence[str], result: Any) -> str:
    """LLVM text of `i64 name(...)`, which calls a function that `texts` found and whose result is an integer or a bool."""
    kept = f"i{getattr(result, 'bitwidth', 8)}"
    arguments = ", ".join(f"{ty} %a{i}" for i, ty in enumerate(parameters))
    return f"""declare {kept} @"{symbol}"({", ".join(parameters)})
define i64 @{name}({arguments}) nounwind {{
%result = call {kept} @"{symbol}"({arguments})
{f"%long = zext {kept} %result to i64" if kept != "i64" else "%long = add i64 %result, 0"}
ret i64 %long
}}
"""
