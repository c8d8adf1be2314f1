"""Which assignments may reach a use of a name, and under which conditions a statement runs.

A walk over one function's statements in their order. Branches are joined, loops are gone through
twice, and what runs in another function is that function's affair.
"""

import ast
from dataclasses import dataclass, field
from typing import TypeAlias

from wolfsbane.audit.source.structure import Binding, Function

Environment: TypeAlias = dict[str, tuple[Binding, ...]]
ENDS = (ast.Return, ast.Raise, ast.Continue, ast.Break)
BINDING = (
    ast.Assign,
    ast.AugAssign,
    ast.AnnAssign,
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
)
"""Statements without blocks of this function that give a name a value."""

MOST = 16
"""Definitions of one name that are kept apart; more are not worth telling from one another."""


@dataclass(frozen=True, eq=False)
class Condition:
    """A test, and whether it holds where something runs."""

    test: ast.expr
    holds: bool


@dataclass(frozen=True, eq=False)
class Flow:
    """What is known about one function.

    Args:
        before: by a statement's id, which definitions may reach it, by name.
        conditions: by a statement's id, the conditions under which it runs.
    """

    before: dict[int, Environment] = field(default_factory=dict)
    conditions: dict[int, tuple[Condition, ...]] = field(default_factory=dict)


def flow_of(function: Function) -> Flow:
    """Follow the values of a function's names through its statements."""
    walk = _Walk(function)
    environment: Environment = {
        name: tuple(binding for binding in bindings if binding.how == "parameter")
        for name, bindings in function.bindings.items()
    }
    environment = {name: bindings for name, bindings in environment.items() if bindings}
    walk.flow.before[id(function.node)] = environment
    walk.block(function.body, environment, ())
    return walk.flow


class _Walk:
    def __init__(self, function: Function) -> None:
        self.flow = Flow()
        self.bindings = {
            (id(binding.node), name, binding.path): binding
            for name, bindings in function.bindings.items()
            for binding in bindings
        }

    def block(
        self, statements: list[ast.stmt], before: Environment, under: tuple[Condition, ...]
    ) -> Environment | None:
        """Go through statements; return what holds behind them, or None where they never end."""
        environment: Environment | None = before
        for statement in statements:
            self.flow.conditions[id(statement)] = under
            if environment is None:  # Behind a return: nothing comes here.
                environment = {}
            known = self.flow.before.get(id(statement))
            self.flow.before[id(statement)] = _join([known, environment]) or environment
            environment = self.statement(statement, environment, under)
            if isinstance(statement, ast.If):
                under = (*under, *_left_over(statement))
            if isinstance(statement, ENDS):
                environment = None
        return environment

    def statement(
        self, node: ast.stmt, before: Environment, under: tuple[Condition, ...]
    ) -> Environment | None:
        if isinstance(node, ast.If):
            return self.branches(node, before, under)
        if isinstance(node, ast.For | ast.AsyncFor | ast.While):
            return self.loop(node, before, under)
        if isinstance(node, ast.Try | ast.TryStar):
            return self.attempt(node, before, under)
        if isinstance(node, ast.With | ast.AsyncWith):
            after = dict(before)
            for item in node.items:
                if item.optional_vars is not None:
                    self.bind(item.optional_vars, node, after)
            return self.block(node.body, after, under)
        if isinstance(node, ast.Match):
            ends = [self.block(case.body, before, under) for case in node.cases]
            return _join([before, *ends])
        return self.simple(node, before)

    def simple(self, node: ast.stmt, before: Environment) -> Environment:
        """A statement without blocks; a function's or a class's body is not gone into."""
        if not isinstance(node, BINDING):
            return before
        after = dict(before)
        if isinstance(node, ast.Assign):
            for target in node.targets:
                self.bind(target, node, after)
        elif isinstance(node, ast.AugAssign | ast.AnnAssign):
            if node.value is not None:
                self.bind(node.target, node, after)
        elif isinstance(node, ast.Import | ast.ImportFrom):
            for alias in node.names:
                name = alias.asname or alias.name.partition(".")[0]
                self.bind_name(name, node, (), after)
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            self.bind_name(node.name, node, (), after)
        return after

    def branches(
        self, node: ast.If, before: Environment, under: tuple[Condition, ...]
    ) -> Environment | None:
        yes = self.block(node.body, before, (*under, Condition(node.test, holds=True)))
        no = self.block(node.orelse, before, (*under, Condition(node.test, holds=False)))
        return _join([yes, no])

    def loop(
        self,
        node: ast.For | ast.AsyncFor | ast.While,
        before: Environment,
        under: tuple[Condition, ...],
    ) -> Environment | None:
        environment = dict(before)
        for _ in range(2):  # What one turn assigns reaches the next.
            if not isinstance(node, ast.While):
                self.bind(node.target, node, environment)
            after = self.block(node.body, environment, under)
            environment = dict(_join([environment, after]) or environment)
        return self.block(node.orelse, environment, under)

    def attempt(
        self, node: ast.Try | ast.TryStar, before: Environment, under: tuple[Condition, ...]
    ) -> Environment | None:
        body = self.block(node.body, before, under)
        broken = _join([before, body]) or before
        ends = [self.block(handler.body, broken, under) for handler in node.handlers]
        if body is not None and node.orelse:
            body = self.block(node.orelse, body, under)
        after = _join([body, *ends])
        if not node.finalbody:
            return after
        final = self.block(node.finalbody, after or broken, under)
        return None if after is None else final

    def bind(self, target: ast.expr, node: ast.stmt, environment: Environment) -> None:
        self._bind(target, node, (), environment)

    def _bind(
        self, target: ast.expr, node: ast.stmt, path: tuple[int, ...], environment: Environment
    ) -> None:
        if isinstance(target, ast.Name):
            self.bind_name(target.id, node, path, environment, target)
        elif isinstance(target, ast.Tuple | ast.List):
            for index, element in enumerate(target.elts):
                self._bind(element, node, (*path, index), environment)
        elif isinstance(target, ast.Starred):
            self._bind(target.value, node, path, environment)

    def bind_name(
        self,
        name: str,
        node: ast.AST,
        path: tuple[int, ...],
        environment: Environment,
        target: ast.AST | None = None,
    ) -> None:
        known = self.bindings.get((id(node), name, path))
        environment[name] = (known or Binding("other", target or node),)


def _join(environments: list[Environment | None]) -> Environment | None:
    """Return what holds behind branches; None where none of them comes to its end."""
    alive = [environment for environment in environments if environment is not None]
    if not alive or all(environment is alive[0] for environment in alive):
        return alive[0] if alive else None
    joined: Environment = {}
    for environment in alive:
        for name, bindings in environment.items():
            known = joined.get(name)
            if known is None:
                joined[name] = bindings
            elif known is not bindings:
                joined[name] = tuple(dict.fromkeys((*known, *bindings)))[:MOST]
    return joined


def _left_over(node: ast.If) -> list[Condition]:
    """Return what holds behind an `if` with a branch that leaves: `if not training: return x`."""
    if node.body and isinstance(node.body[-1], ENDS):
        return [Condition(node.test, holds=False)]
    if node.orelse and isinstance(node.orelse[-1], ENDS):
        return [Condition(node.test, holds=True)]
    return []
