"""What a dotted name means, after imports and aliases: `F.dropout` is torch's function."""

import ast

from wolfsbane.audit.source.structure import Binding, Class, Function, Structure
from wolfsbane.audit.spellings import kind_of_class, kind_of_function

FEW = 8
"""Aliases of aliases that are followed."""


class Names:
    """The names of a program.

    Args:
        structure: what the program consists of.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure

    def of(self, node: ast.expr, function: Function, depth: int = 0) -> str | None:
        """Return the full name of what an expression names, or None where it names a value.

        Things of this file have their own names, "Net"; imports the names they have at home.
        """
        if isinstance(node, ast.Name):
            return self._of_name(node.id, function, depth)
        if isinstance(node, ast.Attribute):
            holder = self.of(node.value, function, depth)
            return None if holder is None else f"{holder}.{node.attr}"
        return None

    def bindings(self, name: str, function: Function) -> tuple[list[Binding], Function | None]:
        """Return what a name is bound to, seen from a function, and in which function."""
        scope: Function | None = function
        while scope is not None:
            if name in scope.bindings:
                return scope.bindings[name], scope
            scope = scope.parent
        return [], None

    def local(self, node: ast.expr, function: Function, depth: int = 0) -> Function | Class | None:
        """Return the function or class of this file that an expression names."""
        if isinstance(node, ast.Name):
            for binding in reversed(self.bindings(node.id, function)[0]):
                if binding.how in ("function", "class"):
                    return self._structure.scopes.get(id(binding.node))
                if binding.how == "assign" and isinstance(binding.value, ast.Name):
                    if binding.value.id == node.id or depth >= FEW:
                        return None
                    return self.local(binding.value, function, depth + 1)
        return None

    def _of_name(self, name: str, function: Function, depth: int) -> str | None:
        bindings, scope = self.bindings(name, function)
        if scope is None:
            return self._of_star(name)
        for binding in bindings:
            if binding.target is not None:
                return binding.target
            if binding.how in ("function", "class"):
                return name
        return self._of_alias(bindings, scope, depth)

    def _of_alias(self, bindings: list[Binding], scope: Function, depth: int) -> str | None:
        """`Drop = nn.Dropout` is an alias; what is assigned more than once is a variable."""
        if len(bindings) != 1 or depth > FEW:
            return None
        value = bindings[0].value
        is_name = bindings[0].how == "assign" and isinstance(value, ast.Name | ast.Attribute)
        if not is_name or bindings[0].path:
            return None
        assert value is not None
        return self.of(value, scope, depth + 1)

    def _of_star(self, name: str) -> str:
        """A name that nothing binds is a builtin's, or comes from an `import *`."""
        for package in self._structure.stars:
            full = f"{package}.{name}"
            if kind_of_class(full) or kind_of_function(full):
                return full
        return name
