"""Where a node stands: in which function, method, class, and block."""

import ast
import itertools

from wolfsbane.audit.source.structure import Binding, Class, Function, Structure

MOST_BASES = 100
"""Classes of one lineage whose bases are asked for; only a generated program has more."""


class Scopes:
    """The functions and classes of a program, seen from what stands in them.

    Args:
        structure: what the program consists of.
    """

    def __init__(self, structure: Structure) -> None:
        self._structure = structure
        self._by_name = {one.name: one for one in structure.classes}
        self._lineages: dict[Class, list[Class]] = {}
        self.attributes = frozenset(name for one in structure.classes for name in one.attributes)
        """Names of attributes that some class of the program sets."""

    def function_of(self, node: ast.AST) -> Function:
        """Return the function in which a node stands."""
        parents, scopes = self._structure.parents, self._structure.scopes
        while (parent := parents.get(id(node))) is not None:
            node = parent
            scope = scopes.get(id(node))
            if isinstance(scope, Function):
                return scope
        return self._structure.body

    def class_of(self, function: Function) -> Class | None:
        """Return the class whose method a function is, or is nested in."""
        inner: Function | None = function
        while inner is not None and inner.owner is None:
            inner = inner.parent
        return None if inner is None else inner.owner

    def owner_of_self(self, name: str, function: Function) -> Class | None:
        """Return the class whose instance a name is because it is a method's first parameter."""
        inner: Function | None = function
        while inner is not None and inner.owner is None:
            if name in inner.bindings:
                return None
            inner = inner.parent
        if inner is None or inner.is_static or not inner.parameters:
            return None
        return inner.owner if inner.parameters[0].arg == name else None

    def block(self, node: ast.AST) -> ast.AST:
        """Return the node in whose block the statement stands that a node belongs to."""
        parents = self._structure.parents
        while not isinstance(node, ast.stmt) and id(node) in parents:
            node = parents[id(node)]
        return parents.get(id(node), node)

    def lineage(self, owner: Class) -> list[Class]:
        """Return a class and those of its bases, and theirs, that this file defines."""
        if owner not in self._lineages:
            self._lineages[owner] = self._find_lineage(owner)
        return self._lineages[owner]

    def _find_lineage(self, owner: Class) -> list[Class]:
        found, seen = [owner], {owner}
        for one in itertools.islice(found, MOST_BASES):
            for base in one.node.bases:
                known = self._by_name.get(getattr(base, "id", ""))
                if known is not None and known not in seen:
                    seen.add(known)
                    found.append(known)
        return found

    def method(self, owner: Class, name: str) -> Function | None:
        """Return a method of a class, perhaps inherited."""
        found = (one.methods[name] for one in self.lineage(owner) if name in one.methods)
        return next(found, None)

    def attribute(self, owner: Class, name: str) -> list[Binding]:
        """Return what is assigned to an attribute of a class's instances, perhaps by a base."""
        return [binding for one in self.lineage(owner) for binding in one.attributes.get(name, ())]
