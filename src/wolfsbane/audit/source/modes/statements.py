"""A walk over a program's statements, in the order in which they run."""

import ast
from collections.abc import Callable, Mapping, Sequence
from typing import ClassVar

from wolfsbane.audit.source.modes import vocabulary as words
from wolfsbane.audit.source.modes.blocks import Blocks
from wolfsbane.audit.source.modes.expressions import owners_in
from wolfsbane.audit.source.modes.program import Loop, names_in, stored_in
from wolfsbane.audit.source.modes.values import (
    Constant,
    New,
    Parameters,
    Reference,
    Setting,
    Several,
    State,
    Value,
    is_part,
    join,
    moved,
)
from wolfsbane.audit.source.structure import Function

UNROLLED = 4
"""Literals in a loop's list up to which it is gone through literal by literal."""


class Walk(Blocks):
    """A walk over a program: branches are joined, loops are gone through twice."""

    def run(self, function: Function) -> None:
        """Go through a function's body."""
        if isinstance(function.node, ast.Lambda):
            self.value(function.node.body)
        else:
            self.block(function.body)
        frame = self.frame
        if self.state is not None:
            frame.returns.append((self.state, None))
        self.state = join([state for state, _ in frame.returns])

    def block(self, statements: Sequence[ast.stmt]) -> None:
        """Go through statements; those behind an early exit depend on its test."""
        depth = len(self.frame.tests)
        for statement in statements:
            if self.state is None:
                break
            handler = self.STATEMENTS.get(statement.__class__)
            if handler is not None:
                handler(self, statement)
        del self.frame.tests[depth:]

    def on_expression(self, node: ast.Expr | ast.Assert) -> None:
        value = node.test if isinstance(node, ast.Assert) else node.value
        if isinstance(value, ast.Attribute) and value.attr in ("eval", "train"):
            # Parentheses were forgotten, which WB204 tells: what follows is taken as it was meant.
            value = ast.copy_location(ast.Call(value, [], []), value)
            ast.fix_missing_locations(value)
        self.value(value)

    def on_assign(self, node: ast.Assign | ast.AnnAssign) -> None:
        if node.value is None:
            return
        value = self.value(node.value)
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            self.assign(target, value)
            value = Reference(self._path_of(target)) if isinstance(value, New) else value

    def on_augmented(self, node: ast.AugAssign) -> None:
        owners = owners_in(self.value(node.value)) | owners_in(self.value(node.target))
        self.assign(node.target, Parameters(owners) if owners else None)

    def assign(self, target: ast.expr, value: Value) -> None:
        """Give a name, an attribute, or several of them a value."""
        if self.state is None:
            return
        if isinstance(target, ast.Tuple | ast.List):
            size = len(target.elts)
            fits = isinstance(value, Several) and len(value.elements) == size
            elements = value.elements if fits and isinstance(value, Several) else [None] * size
            for one, element in zip(target.elts, elements, strict=True):
                self.assign(one, element)
            return
        path = self._path_of(target)
        if path:
            if isinstance(value, New):
                self._rename_makers(value.path, path)
            self.state.write(path, value)

    def _path_of(self, target: ast.expr) -> str:
        if isinstance(target, ast.Name):
            return self.path_of(target.id)
        if isinstance(target, ast.Attribute | ast.Subscript):
            held = self.value(target.value)
            if isinstance(held, Reference):
                if isinstance(target, ast.Attribute):
                    return f"{held.path}.{target.attr}"
                index = self.value(target.slice)
                shown = index.value if isinstance(index, Constant) else ""
                return f"{held.path}.[{shown}]"
        return ""

    def _rename_makers(self, old: str, new: str) -> None:
        for path in [path for path in self.record.made if is_part(path, old)]:
            known = self.record.made.setdefault(moved(path, old, new), [])
            known += [maker for maker in self.record.made[path] if maker not in known]

    def on_if(self, node: ast.If) -> None:
        held = self.truth(node.test)
        if held is not None or self.state is None:
            self.block(node.body if held else node.orelse)
            return
        names, before, ends = names_in(node.test), self.state, []
        for branch in (node.body, node.orelse):
            self.state = before.copy()
            self.frame.tests.append(names)
            self.block(branch)
            self.frame.tests.pop()
            if self.state is not None:
                _depend(self.state, before, names)
                ends.append(self.state)
        self.state = join(ends)
        if len(ends) == 1:
            self.frame.tests.append(names)

    def on_loop(self, node: ast.For | ast.AsyncFor | ast.While) -> None:
        if isinstance(node, ast.While):
            self.truth(node.test)
            passes: list[Value] = [None, None]
            varying = stored_in(list(node.body))
        else:
            passes = self._passes(node)
            varying = stored_in([node.target, *node.body])
        loop = Loop(node, varying)
        ends: list[State] = []
        self.frame.loops.append(loop)
        for element in passes:
            if self.state is None:
                break
            if not isinstance(node, ast.While):
                self.assign(node.target, element)
            self.block(node.body)
            self.state = join([*([self.state] if self.state else []), *loop.continues])
            loop.continues.clear()
            ends += [self.state.copy()] if self.state else []
        self.frame.loops.pop()
        last = ends[-2:] if len(passes) == 2 else ends[-1:]  # noqa: PLR2004  # both passes
        self.state = join([*last, *loop.breaks])
        if self.state is not None:
            self.block(node.orelse)

    def _passes(self, node: ast.For | ast.AsyncFor) -> list[Value]:
        """Return what a loop's target is in each pass: each literal, or twice the unknown."""
        over = self.value(node.iter)
        elements = over.elements if isinstance(over, Several) else ()
        is_known = all(isinstance(element, Constant | Reference) for element in elements)
        if is_known and 0 < len(elements) <= UNROLLED:
            return list(elements)
        called = node.iter.func if isinstance(node.iter, ast.Call) else None
        if isinstance(called, ast.Attribute) and called.attr in words.PARTS:
            held = self.value(called.value)
            if isinstance(held, Reference):
                part = Reference(f"{held.path}.<part>")
                is_named = called.attr.startswith("named_")
                return [Several((None, part)) if is_named else part] * 2
        return [None, None]

    def on_return(self, node: ast.Return) -> None:
        value = self.value(node.value)
        if self.state is not None:
            self.frame.returns.append((self.state, value))
        self.state = None

    def on_raise(self, node: ast.Raise) -> None:
        self.value(node.exc)
        self.state = None

    def on_break(self, _node: ast.Break) -> None:
        if self.frame.loops and self.state is not None:
            self.frame.loops[-1].breaks.append(self.state)
        self.state = None

    def on_continue(self, _node: ast.Continue) -> None:
        if self.frame.loops and self.state is not None:
            self.frame.loops[-1].continues.append(self.state)
        self.state = None

    def on_match(self, node: ast.Match) -> None:
        self.value(node.subject)
        if self.state is None:
            return
        names, before, ends = names_in(node.subject), self.state, [self.state.copy()]
        for case in node.cases:
            self.state = before.copy()
            self.block(case.body)
            if self.state is not None:
                _depend(self.state, before, names)
                ends.append(self.state)
        self.state = join(ends)

    STATEMENTS: ClassVar[Mapping[type[ast.AST], Callable[..., None]]] = {
        ast.Expr: on_expression,
        ast.Assert: on_expression,
        ast.Assign: on_assign,
        ast.AnnAssign: on_assign,
        ast.AugAssign: on_augmented,
        ast.If: on_if,
        ast.For: on_loop,
        ast.AsyncFor: on_loop,
        ast.While: on_loop,
        ast.With: Blocks.on_with,
        ast.AsyncWith: Blocks.on_with,
        ast.Try: Blocks.on_try,
        ast.Return: on_return,
        ast.Raise: on_raise,
        ast.Break: on_break,
        ast.Continue: on_continue,
        ast.Match: on_match,
    }


def _depend(state: State, before: State, names: frozenset[str]) -> None:
    """Let the modes that a branch has set depend on its test."""
    for path, settings in state.modes.items():
        if before.modes.get(path) != settings:
            old = before.settings_of(path)
            state.modes[path] = frozenset(
                one if one in old else Setting(one.mode, one.node, one.names | names)
                for one in settings
            )
