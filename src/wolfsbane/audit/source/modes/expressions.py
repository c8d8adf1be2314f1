"""What expressions are worth to a walk over a program."""

import ast
from collections.abc import Callable, Mapping
from typing import ClassVar

from wolfsbane.audit.source.modes.program import Frame, Loop, Program, stored_in
from wolfsbane.audit.source.modes.record import Record
from wolfsbane.audit.source.modes.values import (
    Constant,
    Mode,
    Optimizer,
    Parameters,
    Reference,
    SavedMode,
    Settings,
    Several,
    State,
    Value,
)

SAME_BEHIND = frozenset({"module", "_orig_mod", "data"})
"""Attributes of a wrapped model that are that model."""


class TooMuch(Exception):  # noqa: N818  # it ends a walk, and is no error
    """A program is longer than a walk may be."""


class Expressions:
    """The part of a walk that reads expressions.

    Args:
        program: what is walked over.
        most: statements and expressions that may be visited.
    """

    def __init__(self, program: Program, most: int) -> None:
        self.program = program
        self.record = Record()
        self.frames: list[Frame] = []
        self.entered: set[int] = set()
        self.state: State | None = State()
        self.grad: bool | None = True
        self.left = most

    @property
    def frame(self) -> Frame:
        """The function that is being gone through."""
        return self.frames[-1]

    def call(self, node: ast.Call) -> Value:
        """Do what a call does."""
        raise NotImplementedError

    def value(self, node: ast.expr | None) -> Value:
        """Evaluate an expression, with the calls in it."""
        self.left -= 1
        if self.left < 0:
            raise TooMuch
        if node is None or self.state is None:
            return None
        method = self.HANDLERS.get(node.__class__)
        if method is not None:
            return method(self, node)
        return self.parts(node)

    def parts(self, node: ast.AST) -> Value:
        """Evaluate what an expression consists of; parameters stay parameters."""
        owners: frozenset[str] = frozenset()
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr | ast.keyword):
                found = self.value(child if isinstance(child, ast.expr) else child.value)
                owners |= owners_in(found)
        return Parameters(owners) if owners else None

    def path_of(self, name: str) -> str:
        """Return the path of a name, as seen from where the walk stands."""
        function = self.frame.function
        while function.parent is not None and name not in function.bindings:
            function = function.parent
        key = next((one.key for one in reversed(self.frames) if one.function is function), "")
        return f"{key}.{name}"

    def on_name(self, node: ast.Name) -> Value:
        assert self.state is not None
        return self.state.read(self.path_of(node.id))

    def on_attribute(self, node: ast.Attribute) -> Value:
        held = self.value(node.value)
        if not isinstance(held, Reference) or self.state is None:
            return None
        if node.attr == "training":
            return SavedMode(self.state.settings_of(held.path))
        if node.attr in SAME_BEHIND:
            return held
        return self.state.read(f"{held.path}.{node.attr}")

    def on_subscript(self, node: ast.Subscript) -> Value:
        held = self.value(node.value)
        index = self.value(node.slice)
        if isinstance(held, Several) and isinstance(index, Constant):
            return _element(held, index.value)
        if isinstance(held, Reference) and self.state is not None:
            shown = index.value if isinstance(index, Constant) else ""
            return self.state.read(f"{held.path}.[{shown}]")
        return None

    def on_constant(self, node: ast.Constant) -> Value:
        return Constant(node.value)

    def on_tuple(self, node: ast.Tuple | ast.List) -> Value:
        return Several(tuple(self.value(element) for element in node.elts))

    def on_choice(self, node: ast.IfExp) -> Value:
        held = self.truth(node.test)
        if held is not None:
            return self.value(node.body if held else node.orelse)
        first, second = self.value(node.body), self.value(node.orelse)
        return first if first == second else None

    def on_compare(self, node: ast.Compare) -> Value:
        left, *rest = [self.value(part) for part in (node.left, *node.comparators)]
        if len(rest) == 1 and isinstance(left, Constant) and isinstance(rest[0], Constant):
            same = left.value == rest[0].value
            if isinstance(node.ops[0], ast.Eq | ast.Is):
                return Constant(same)
            if isinstance(node.ops[0], ast.NotEq | ast.IsNot):
                return Constant(not same)
        return None

    def on_not(self, node: ast.UnaryOp) -> Value:
        if not isinstance(node.op, ast.Not):
            return self.parts(node)
        held = self.truth(node.operand)
        return None if held is None else Constant(not held)

    def on_logic(self, node: ast.BoolOp) -> Value:
        held = [self.truth(part) for part in node.values]
        decisive = isinstance(node.op, ast.Or)
        if decisive in held:
            return Constant(decisive)
        return None if None in held else Constant(not decisive)

    def on_walrus(self, node: ast.NamedExpr) -> Value:
        value = self.value(node.value)
        if self.state is not None:
            self.state.write(self.path_of(node.target.id), value)
        return self.value(node.target)

    def on_comprehension(
        self, node: ast.ListComp | ast.SetComp | ast.GeneratorExp | ast.DictComp
    ) -> Value:
        owners: frozenset[str] = frozenset()
        for generator in node.generators:
            owners |= owners_in(self.value(generator.iter))
            varying = stored_in([generator.target])
            self.frame.loops.append(Loop(generator, varying))
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        tests = [test for generator in node.generators for test in generator.ifs]
        for part in (*tests, *elements):
            owners |= owners_in(self.value(part))
        del self.frame.loops[len(self.frame.loops) - len(node.generators) :]
        return Parameters(owners) if owners else None

    def on_yield(self, node: ast.Yield | ast.YieldFrom) -> Value:
        self.value(node.value)
        if self.frame.on_yield is not None:
            self.frame.on_yield()
        return None

    def on_lambda(self, _node: ast.Lambda) -> Value:
        return None

    def truth(self, test: ast.expr) -> bool | None:
        """Return whether a test holds, where that is known."""
        if _is_main(test):
            return True
        value = self.value(test)
        if isinstance(value, Constant):
            return bool(value.value)
        if isinstance(value, SavedMode):
            return _was_training(value.settings)
        return None

    HANDLERS: ClassVar[Mapping[type[ast.AST], Callable[..., Value]]] = {
        ast.Name: on_name,
        ast.Attribute: on_attribute,
        ast.Subscript: on_subscript,
        ast.Constant: on_constant,
        ast.Tuple: on_tuple,
        ast.List: on_tuple,
        ast.IfExp: on_choice,
        ast.Compare: on_compare,
        ast.UnaryOp: on_not,
        ast.BoolOp: on_logic,
        ast.NamedExpr: on_walrus,
        ast.ListComp: on_comprehension,
        ast.SetComp: on_comprehension,
        ast.GeneratorExp: on_comprehension,
        ast.DictComp: on_comprehension,
        ast.Yield: on_yield,
        ast.YieldFrom: on_yield,
        ast.Lambda: on_lambda,
        ast.Call: lambda self, node: self.call(node),
    }


def owners_in(value: Value) -> frozenset[str]:
    """Return the objects whose parameters a value holds."""
    if isinstance(value, Parameters | Optimizer):
        return value.owners
    if isinstance(value, Several):
        return frozenset().union(*(owners_in(element) for element in value.elements))
    return frozenset()


def _element(several: Several, index: object) -> Value:
    size = len(several.elements)
    return several.elements[index] if isinstance(index, int) and -size <= index < size else None


def _was_training(settings: Settings) -> bool:
    """A mode that is not known counts as training: whoever saves it means to go on training."""
    return {setting.mode for setting in settings} != {Mode.EVALUATION}


def _is_main(test: ast.expr) -> bool:
    """Whether a test is `__name__ == "__main__"`."""
    return (
        isinstance(test, ast.Compare)
        and isinstance(test.left, ast.Name)
        and test.left.id == "__name__"
    )
