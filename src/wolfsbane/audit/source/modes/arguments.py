"""What a call is given, evaluated."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wolfsbane.audit.source.modes.expressions import owners_in
from wolfsbane.audit.source.modes.program import Program
from wolfsbane.audit.source.modes.values import Constant, Value
from wolfsbane.audit.source.structure import Function

if TYPE_CHECKING:
    from wolfsbane.audit.source.modes.expressions import Expressions


@dataclass(frozen=True, eq=False)
class Arguments:
    """The arguments of a call.

    Args:
        node: the call.
        positional: values given by position, up to the first `*args`.
        keywords: values given by name.
    """

    node: ast.Call
    positional: tuple[Value, ...]
    keywords: Mapping[str, Value]

    @classmethod
    def of(cls, walk: "Expressions", node: ast.Call) -> "Arguments":
        """Evaluate a call's arguments."""
        positional: list[Value] = []
        is_known = True
        for argument in node.args:
            is_known = is_known and not isinstance(argument, ast.Starred)
            value = walk.value(argument)
            if is_known:
                positional.append(value)
        keywords = {one.arg or "**": walk.value(one.value) for one in node.keywords}
        return cls(node, tuple(positional), keywords)

    @property
    def first(self) -> Value:
        """The first argument by position."""
        return self.positional[0] if self.positional else None

    @property
    def has_any(self) -> bool:
        """Whether there are arguments at all."""
        return bool(self.node.args or self.node.keywords)

    def all_values(self) -> Iterator[Value]:
        """Yield all values."""
        yield from self.positional
        yield from self.keywords.values()

    def owners(self) -> frozenset[str]:
        """Return the objects whose parameters are given."""
        return frozenset().union(*(owners_in(value) for value in self.all_values()))

    def is_mode(self, name: str) -> bool:
        """Whether these may be the arguments of a module's `train` or `eval`."""
        if name == "eval":
            return not self.has_any
        keywords = [one.arg for one in self.node.keywords]
        return len(self.node.args) + len(keywords) <= 1 and keywords in ([], ["mode"])

    def bound_to(self, function: Function, instance: Value) -> dict[str, Value]:
        """Return the value of each parameter of a function; defaults that are literals too."""
        node = function.node
        if isinstance(node, ast.Module):
            return {}
        names = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
        bound = {
            parameter.arg: self._default(function, parameter.arg)
            for parameter in function.parameters
        }
        given = self.positional if instance is None else (instance, *self.positional)
        bound.update(zip(names, given, strict=False))
        bound.update((name, value) for name, value in self.keywords.items() if name in bound)
        return bound

    @staticmethod
    def _default(function: Function, name: str) -> Value:
        for binding in function.bindings.get(name, []):
            if binding.how == "parameter" and isinstance(binding.value, ast.Constant):
                return Constant(binding.value.value)
        return None

    def closures(self, program: Program) -> Iterator[Function]:
        """Yield the functions of this file that are given: `optimizer.step(closure)`."""
        for argument in self.node.args:
            if isinstance(argument, ast.Name) and argument.id in program.functions:
                yield program.functions[argument.id]
