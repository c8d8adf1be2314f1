"""Where values come from: followed through names, branches, attributes, and calls in one file."""

import ast
import itertools
from collections.abc import Callable, Hashable, Iterator
from functools import cached_property
from typing import Final

from wolfsbane.audit.source.calls import Call
from wolfsbane.audit.source.flow import Environment, Flow, flow_of
from wolfsbane.audit.source.memory import Memory
from wolfsbane.audit.source.names import Names
from wolfsbane.audit.source.objects import Objects
from wolfsbane.audit.source.scopes import Scopes
from wolfsbane.audit.source.structure import Binding, Function, Structure

COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
UNKNOWN: Final = object()
"""What `constant` returns where a value is not one literal."""

DEEPEST = 14
"""Steps from a name to what it was given that are followed."""

MOST_VISITED = 250
"""Expressions that are looked at for one value: functions that call one another have many ways."""

LEVELS = 3
"""Callers are asked for twice: at first nothing is known of what they give to parameters."""

MOST = 24
"""Origins of one value beyond which the rest is left alone."""


class Values:
    """The flow of values through a program.

    Args:
        structure: what the program consists of.
        names: what its names mean.
        find_call: gives the Call of a node.
    """

    def __init__(
        self, structure: Structure, names: Names, find_call: Callable[[ast.Call], Call]
    ) -> None:
        self.structure = structure
        self.names = names
        self.find_call = find_call
        self.scopes = Scopes(structure)
        self.memory = Memory(LEVELS)
        self.objects = Objects(self)
        self._left = 0
        self._flows: dict[int, Flow] = {}

    @cached_property
    def growing(self) -> dict[tuple[Function, str], list[ast.Call]]:
        """By a function and a name in it, the calls of `append` and `extend` that give more."""
        found: dict[tuple[Function, str], list[ast.Call]] = {}
        for call, function in self.structure.calls:
            called = call.func
            if not isinstance(called, ast.Attribute) or called.attr not in ("append", "extend"):
                continue
            if isinstance(called.value, ast.Name) and call.args:
                found.setdefault((function, called.value.id), []).append(call)
        return found

    def flow(self, function: Function) -> Flow:
        """Return the flow of a function, worked out when first asked for."""
        known = self._flows.get(id(function))
        if known is None:
            known = self._flows[id(function)] = flow_of(function)
        return known

    def origins(self, node: ast.expr) -> list[ast.expr]:
        """Return the expressions that a value may come from; itself, where it goes no further."""
        plain = ("origins", id(node))
        key = plain if self.memory.has(plain) else ("origins", self.key(node))
        return self.memory.recall(key, lambda: self._find_origins(node))

    def _find_origins(self, node: ast.expr) -> list[ast.expr]:
        before, self._left = self._left, MOST_VISITED
        found = itertools.islice(self._follow(node, frozenset(), 0), MOST)
        origins = list({id(one): one for one in found}.values())
        self._left = before
        return origins

    def key(self, node: ast.expr) -> Hashable:
        """Return what a value's origins are remembered under: `self.x` is one value in a class."""
        if not isinstance(node, ast.Attribute) or node.attr not in self.scopes.attributes:
            return id(node)
        if isinstance(node.value, ast.Name):
            owner = self.scopes.owner_of_self(node.value.id, self.scopes.function_of(node))
            if owner is not None and self.scopes.attribute(owner, node.attr):
                return id(owner), node.attr
        return id(node)

    def _follow(self, node: ast.expr, seen: frozenset[int], depth: int) -> Iterator[ast.expr]:
        if id(node) in seen:
            return
        self._left -= 1
        if depth > DEEPEST or self._left < 0:
            yield node
            return
        seen |= {id(node)}
        bindings: list[Binding] | None = None
        if isinstance(node, ast.Name):
            bindings = self.definitions(node)
        elif isinstance(node, ast.Attribute) and node.attr in self.scopes.attributes:
            bindings = [
                one
                for owner in self.objects.owners(node.value)
                for one in self.scopes.attribute(owner, node.attr)
            ]
        inner = _branches(node)
        if inner is not None:
            for branch in inner:
                yield from self._follow(branch, seen, depth + 1)
        elif bindings:
            for binding in bindings:
                yield from self._through(node, binding, seen, depth + 1)
        else:
            yield node

    def definitions(self, node: ast.Name) -> list[Binding]:
        """Return the bindings that may reach the reading of a name."""
        function, environment = self._environment(node)
        if environment is None:
            return []
        bindings, scope = self.names.bindings(node.id, function)
        # A name that an expression binds, `(n := f())`, is not followed through statements.
        is_inline = any(isinstance(one.node, ast.NamedExpr) for one in bindings)
        if node.id in environment and not is_inline:
            return list(environment[node.id])
        # In its own function only what reaches counts; from around it, whatever was bound.
        is_own = scope is function and scope is not self.structure.body
        return [] if is_own and not is_inline else bindings

    def _environment(self, node: ast.Name) -> tuple[Function, Environment | None]:
        """Return where a name is read, and what reaches there; None where it is hidden."""
        parents, scopes = self.structure.parents, self.structure.scopes
        statement: ast.AST | None = None
        inner: ast.AST = node
        while (around := parents.get(id(inner))) is not None:
            if statement is None and isinstance(inner, ast.stmt):
                statement = inner
            if isinstance(around, COMPREHENSIONS) and node.id in _targets(around):
                return self.structure.body, None
            scope = scopes.get(id(around))
            if isinstance(scope, Function):
                before = self.flow(scope).before
                return scope, before.get(id(statement or around), {})
            inner = around
        return self.structure.body, {}

    def _through(
        self, node: ast.expr, binding: Binding, seen: frozenset[int], depth: int
    ) -> Iterator[ast.expr]:
        if binding.how == "assign" and binding.value is not None:
            for value in self._unpacked(binding, seen, depth):
                yield from self._follow(value, seen, depth) if value is not node else (node,)
        elif binding.how == "parameter":
            yield from self._given(node, binding, seen, depth)
        else:
            yield node

    def _unpacked(self, binding: Binding, seen: frozenset[int], depth: int) -> Iterator[ast.expr]:
        """Yield what `a, b = value` gives one of its names; the value where it is no tuple."""
        value, path = binding.value, binding.path
        assert value is not None
        if not path:
            yield value
            return
        for origin in [value] if isinstance(value, ast.Tuple) else self._follow(value, seen, depth):
            is_tuple = isinstance(origin, ast.Tuple | ast.List)
            tuples = [origin] if is_tuple else self._returned(origin)
            elements = [element for one in tuples if (element := _element(one, binding))]
            yield from elements or [value if is_tuple else origin]

    def _returned(self, node: ast.expr) -> list[ast.expr]:
        """Return the tuples that a call of a function of this file returns."""
        if not isinstance(node, ast.Call):
            return []
        returns = [
            value for one in self.objects.callees(self.find_call(node)) for value in one.returns
        ]
        return [value for value in returns if isinstance(value, ast.Tuple | ast.List)]

    def _given(
        self, node: ast.expr, binding: Binding, seen: frozenset[int], depth: int
    ) -> Iterator[ast.expr]:
        """Yield what callers in this file give a parameter, and its default; else the parameter."""
        given = self.given(binding)
        if not given:
            yield node
        for value in given:
            if value is None:
                yield node
            else:
                yield from self._follow(value, seen, depth)

    def given(self, binding: Binding) -> list[ast.expr | None]:
        """Return what each caller in this file gives a parameter; None where that is not known."""
        assert isinstance(binding.node, ast.arg)
        function = self.scopes.function_of(binding.node)
        name = binding.node.arg
        names = [parameter.arg for parameter in function.parameters]
        if name not in names:  # *args, **kwargs
            return []
        position = names.index(name)
        if function.owner is not None and not function.is_static:
            position -= 1
        found = []
        for call in self.objects.callers(function):
            value = call.argument(name, position) if position >= 0 else None
            if value is None and not call.has_unknown_arguments:
                value = binding.value
            found.append(value)
        return found

    def constant(self, node: ast.expr) -> object:
        """Return the literal that a value is, where all it may come from agree; else UNKNOWN."""
        found = [_literal(origin) for origin in self.origins(node)]
        if not found or any(one is UNKNOWN for one in found):
            return UNKNOWN
        same = all(type(one) is type(found[0]) and one == found[0] for one in found)
        return found[0] if same else UNKNOWN


def _element(value: ast.expr, binding: Binding) -> ast.expr | None:
    """Return what a binding's target gets of a tuple; None where it cannot come from it."""
    if not isinstance(value, ast.Tuple | ast.List) or len(binding.path) != 1:
        return None
    is_fitting = binding.size in (None, len(value.elts)) and binding.path[0] < len(value.elts)
    return value.elts[binding.path[0]] if is_fitting else None


def _targets(node: ast.AST) -> set[str]:
    """Return the names that a comprehension binds."""
    return {
        target.id
        for generator in getattr(node, "generators", ())
        for target in ast.walk(generator.target)
        if isinstance(target, ast.Name)
    }


def _branches(node: ast.expr) -> list[ast.expr] | None:
    """Return the expressions one of which an expression is; None where it stands for itself."""
    if isinstance(node, ast.IfExp):
        return [node.body, node.orelse]
    if isinstance(node, ast.BoolOp):
        return node.values
    if isinstance(node, ast.NamedExpr | ast.Await | ast.Starred):
        return [node.value]
    return None


def _literal(node: ast.expr) -> object:
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return UNKNOWN
