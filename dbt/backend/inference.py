"""Numba's type inference for the machinery: what it remembers, what it leaves out, what it refuses.

The rules are Numba's. Ours are the order of work (a constraint is looked at again only if the types it reads have changed) and a memory of what
operations on which types were found to be; and numbers with and without sign that meet are an error: Numba would make a float64 of them, or a number
with sign.
"""

from __future__ import annotations

import inspect
import operator
from collections.abc import Callable
from functools import cached_property
from typing import Any

from numba import types
from numba.core import ir, typing
from numba.core.datamodel import models, register_default
from numba.core.errors import TypingError, UnsupportedError
from numba.core.typeinfer import CallConstraint, TypeInferer
from numba.core.typing.typeof import typeof_impl
from numba.core.utils import OPERATORS_TO_BUILTINS


class Function:
    """A Python function that Numba compiles for each mix of types it is called with. Cannot be called from Python."""

    _count: dict[str, int] = {}

    def __init__(self, body: Any, inline: bool, build: Callable[[Function, tuple[Any, ...]], Any]) -> None:
        self.py_func = body
        self.targetoptions = {"inline": inline}
        self.inline = inline
        self.count = body.__code__.co_argcount
        name = f"{body.__module__}.{body.__qualname__}"
        number = self._count[name] = self._count.get(name, 0) + 1
        self.symbol = name if number == 1 else f"{name}.{number}"  # a factory makes several of one name
        self.type = FunctionType(self)
        self._build = build
        self._made: dict[tuple[Any, ...], Any] = {}

    @cached_property
    def parameters(self) -> inspect.Signature:
        """Names and defaults of what it takes."""
        return inspect.signature(self.py_func)

    def compiled(self, arguments: tuple[Any, ...]) -> Any:
        """What `build` makes of it for these types."""
        if arguments not in self._made:
            self._made[arguments] = None
            try:
                self._made[arguments] = self._build(self, arguments)
            except BaseException:
                del self._made[arguments]
                raise
        if self._made[arguments] is None:
            raise TypingError(f"{self.symbol} calls itself, which functions of the machinery must not")
        return self._made[arguments]


class FunctionType(types.Callable, types.Dummy):  # type: ignore[misc]
    """Numba's type of a Function."""

    def __init__(self, function: Function) -> None:
        self.function = function
        super().__init__(f"function {function.symbol}")

    def get_call_type(self, context: Any, args: Any, kws: Any) -> Any:
        """The signature of a call; with Python's if arguments are given by name or by default."""
        python = None
        if kws or len(args) != self.function.count:
            python = self.function.parameters
            args = typing.fold_arguments(
                python, args, dict(kws), lambda index, parameter, ty: ty, lambda index, parameter, default: types.Omitted(default),
                lambda index, parameter, tys: types.Tuple(tys),
            )  # fmt: skip
        args = tuple([types.unliteral(a) for a in args])
        return typing.signature(self.function.compiled(args).result, *args).replace(pysig=python)

    def get_call_signatures(self) -> Any:
        """Any that can be compiled."""
        return (), True

    def get_impl_key(self, sig: Any) -> Any:
        """What stands for the code."""
        return self.function


register_default(FunctionType)(models.OpaqueModel)


@typeof_impl.register(Function)
def _type_of_function(value: Function, context: Any) -> Any:
    return value.type


class Typing(typing.Context):  # type: ignore[misc]
    """Numba's typing, which remembers what operations on which types were found to be."""

    def init(self) -> None:
        """Nothing is known yet."""
        self._calls: dict[Any, Any] = {}
        self._found: dict[Any, Any] = {}
        self._values: dict[Any, Any] = {}

    def resolve_function_type(self, func: Any, args: Any, kws: Any) -> Any:
        """The signature of a call."""
        if kws or not isinstance(func, types.Type):
            return super().resolve_function_type(func, args, kws)
        key = func, *args
        found = self._calls.get(key)
        if found is None:
            found = super().resolve_function_type(func, args, kws)
            if found is not None and _signs(args) == {True, False} and _unwanted(func, found.return_type):
                raise TypingError(f"{func} of {_names(args)} would be {found.return_type}: write constants as u64(...)")
            self._calls[key] = found
        return found

    def resolve_getattr(self, typ: Any, attr: Any) -> Any:
        """The type of an attribute."""
        key = typ, attr
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = super().resolve_getattr(typ, attr)
        return found

    def resolve_value_type(self, val: Any) -> Any:
        """The type of a constant."""
        try:
            key = type(val), val
            found = self._values.get(key)
        except TypeError:  # not hashable
            return super().resolve_value_type(val)
        if found is None:
            found = self._values[key] = super().resolve_value_type(val)
        return found

    def unify_pairs(self, first: Any, second: Any) -> Any:
        """The type of a variable that is given values of these two; None if there is none."""
        both = super().unify_pairs(first, second)
        return None if isinstance(both, types.Float) and _signs((first, second)) == {True, False} else both


def _unwanted(func: Any, result: Any) -> bool:
    """What Numba makes of numbers with and without sign: a float64, which cannot hold them, or of an operator a number with sign."""
    operator_ = isinstance(func, types.Function) and func.typing_key in OPERATORS_TO_BUILTINS
    return isinstance(result, types.Float) or (operator_ and isinstance(result, types.Integer) and result.signed)


def _signs(args: Any) -> set[bool]:
    return {a.signed for a in args if isinstance(a, types.Integer)}


def _names(args: Any) -> str:
    return ", ".join(str(types.unliteral(a)) for a in args)


class _Call(CallConstraint):  # type: ignore[misc]
    """A call, or an operator (`operation`, its type), on values whose types may not be known yet."""

    operation: Any = None
    seen: Any = None

    def __call__(self, typeinfer: Any) -> None:
        variables = typeinfer.typevars
        function = variables[self.func].type if self.operation is None else self.operation
        if self.kws or self.vararg or isinstance(function, types.BoundFunction | types.TypeRef):
            CallConstraint.__call__(self, typeinfer)
            return
        args = tuple([variables[a.name].type for a in self.args])
        if function is None or None in args:
            typeinfer.waiting = True
        elif (function, args) != self.seen:
            found = typeinfer.context.resolve_function_type(function, args, {})
            if found is None:
                raise TypingError(f"{function} does not take {_names(args)}\n{typeinfer.context.explain_function_type(function)}")
            self.signature = found
            self.seen = function, args
            typeinfer.add_type(self.target, found.return_type, self.loc)


class _Copy:
    """A variable is given the value of another."""

    def __init__(self, target: str, source: str, loc: Any) -> None:
        self.target, self.source, self.loc = target, source, loc

    def __call__(self, typeinfer: Any) -> None:
        found = typeinfer.typevars[self.source].type
        if found is None:
            typeinfer.waiting = True
        else:
            typeinfer.add_type(self.target, found, self.loc)


class _Attribute:
    """A variable is given an attribute of another."""

    def __init__(self, target: str, source: str, name: str, loc: Any) -> None:
        self.target, self.source, self.name, self.loc = target, source, name, loc

    def __call__(self, typeinfer: Any) -> None:
        of = typeinfer.typevars[self.source].type
        if of is None:
            typeinfer.waiting = True
            return
        found = typeinfer.context.resolve_getattr(of, self.name)
        if found is None:
            raise TypingError(f"{of} has no attribute {self.name}")
        typeinfer.add_type(self.target, found, self.loc)


class _Item:
    """A variable is given an element of a tuple by a constant index, or what an index of another kind gives."""

    def __init__(self, call: _Call) -> None:
        self.call, self.loc = call, call.loc

    def __call__(self, typeinfer: Any) -> None:
        of, index = (typeinfer.typevars[a.name].type for a in self.call.args)
        if isinstance(of, types.BaseTuple) and isinstance(index, types.IntegerLiteral):
            if not -len(of) <= index.literal_value < len(of):
                raise TypingError(f"{of} has no element {index.literal_value}")
            typeinfer.add_type(self.call.target, of[index.literal_value], self.loc)
        else:
            self.call(typeinfer)

    def get_call_signature(self) -> Any:
        """There is none for a constant index."""
        return self.call.signature


class Inferer(TypeInferer):  # type: ignore[misc]
    """Numba's inference. It ends as soon as no type has changed that was read before."""

    waiting = False  # a constraint has found no type yet
    grown = False  # a type was found
    changed = False  # a type that may have been read is another now

    def infer(self, names: Any, arguments: tuple[Any, ...]) -> tuple[dict[str, Any], Any, dict[Any, Any]]:
        """(types of variables, of the result, signatures of calls) for arguments of these names and types."""
        for index, (name, ty) in enumerate(zip(names, arguments, strict=True)):
            self.seed_argument(name, index, ty)
        self.build_constraint()
        self.propagate()
        for name, variable in self.typevars.items():
            if variable.type is None or not variable.type.is_precise():
                raise TypingError(f"the type of {name} cannot be determined", loc=variable.define_loc)
        found = {name: variable.type for name, variable in self.typevars.items()}
        result = self.get_return_type(found)
        found.update((variable.name, result) for variable in self._get_return_vars())
        return found, result, self.get_function_types(found)

    def propagate(self, raise_errors: bool = True) -> None:
        """Look at all constraints until nothing is left to find."""
        again = True
        while again:
            self.waiting = self.grown = self.changed = False
            error = None
            for constraint in self.constraints.constraints:
                try:
                    constraint(self)
                except TypingError as e:
                    error = error or TypingError(str(e), constraint.loc, highlighting=False)
            again = self.changed or (self.waiting and self.grown)
        if error is not None:
            raise error

    def add_type(self, var: str, tp: Any, loc: Any, unless_locked: bool = False) -> None:
        """A variable is given a value of this type."""
        variable = self.typevars[var]
        before = variable.type
        if before is not tp and not (unless_locked and variable.locked):
            after = variable.add_type(tp, loc)
            if before is None:
                self.grown = True
            elif after != before:
                self.changed = True

    def constrain_statement(self, inst: Any) -> None:
        """The constraint of a statement."""
        if isinstance(inst, ir.Raise):
            raise UnsupportedError("functions of the machinery cannot raise exceptions", loc=inst.loc)
        super().constrain_statement(inst)

    def typeof_assign(self, inst: Any) -> None:
        """The constraint of an assignment."""
        value, target = inst.value, inst.target.name
        if isinstance(value, ir.Var):
            self.constraints.append(_Copy(target, value.name, inst.loc))
        elif not isinstance(value, ir.Expr):
            super().typeof_assign(inst)
        elif value.op == "cast":
            self.constraints.append(_Copy(target, value.value.name, inst.loc))
        elif value.op == "getattr":
            self.constraints.append(_Attribute(target, value.value.name, value.attr, inst.loc))
        else:
            self.typeof_expr(inst, inst.target, value)

    def typeof_call(self, inst: Any, target: Any, call: Any) -> None:
        """The constraint of a call."""
        self._add(inst.value, _Call(target.name, call.func.name, call.args, call.kws, call.vararg, inst.loc))

    def typeof_intrinsic_call(self, inst: Any, target: Any, func: Any, *args: Any) -> None:
        """The constraint of an operator."""
        constraint = _Call(target.name, func, args, (), None, inst.loc)
        constraint.operation = func if isinstance(func, str) else self.context.resolve_value_type(func)
        self._add(inst.value, _Item(constraint) if func is operator.getitem else constraint)

    def _add(self, expression: Any, constraint: Any) -> None:
        self.constraints.append(constraint)
        self.calls.append((expression, constraint))
