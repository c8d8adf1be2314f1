"""What a program consists of: functions, classes, calls, and what each name is bound to.

One walk over the tree collects it. Values and their flow are `flow`'s and `values`' affair.
"""

import ast
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

Body: TypeAlias = ast.Module | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


@dataclass(eq=False, slots=True)
class Binding:
    """One way in which a name gets a value.

    It is not frozen, because there are hundreds in a file, and a frozen one takes thrice the time.

    Args:
        how: "assign", "augment", "parameter", "import", "function", "class", or "other" (a loop's
            target, an exception, a context manager: what cannot be followed).
        node: the statement, or the parameter.
        value: the expression assigned, or a parameter's default.
        path: the indices that unpack it: `a, (b, c) = value` binds c with (1, 1).
        size: of how many targets the last of them is one; None where one is starred.
        target: an import's full name.
    """

    how: str
    node: ast.AST
    value: ast.expr | None = None
    path: tuple[int, ...] = ()
    size: int | None = None
    target: str | None = None


@dataclass(frozen=True, eq=False)
class Function:
    """A function, a method, a lambda, or the module's own body (named "<module>").

    Args:
        node: where it is defined.
        name: its name.
        owner: the class whose method it is.
        parent: the function around it; None for the module's body.
        bindings: what its names are bound to anywhere in it.
        returns: the expressions it returns.
        yields: whether it is a generator.
    """

    node: Body
    name: str
    owner: "Class | None" = None
    parent: "Function | None" = None
    bindings: dict[str, list[Binding]] = field(default_factory=dict)
    returns: list[ast.expr] = field(default_factory=list)

    @property
    def body(self) -> list[ast.stmt]:
        """Its statements; none for a lambda."""
        return [] if isinstance(self.node, ast.Lambda) else self.node.body

    @property
    def parameters(self) -> list[ast.arg]:
        """Its parameters that take one value, positional ones first, `self` among them."""
        if isinstance(self.node, ast.Module):
            return []
        arguments = self.node.args
        return [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]

    @property
    def is_static(self) -> bool:
        """Whether it is a method that gets no instance."""
        decorators = getattr(self.node, "decorator_list", [])
        return any(isinstance(one, ast.Name) and one.id == "staticmethod" for one in decorators)


@dataclass(frozen=True, eq=False)
class Class:
    """A class.

    Args:
        node: where it is defined.
        name: its name.
        scope: the function in which it is defined.
        methods: its methods, by name.
        attributes: what is assigned to `self.NAME` in its methods, or in its body, by name.
    """

    node: ast.ClassDef
    name: str
    scope: Function
    methods: dict[str, Function] = field(default_factory=dict)
    attributes: dict[str, list[Binding]] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Structure:
    """What one walk over a program collects.

    Args:
        body: the module's own body, as a function.
        functions, classes: all of them, in the order of the text.
        calls: all calls, each with the function in which it stands.
        parents: by a node's id, the node around it.
        scopes: by the id of a function's node, the function; by a class's, the class.
        stars: modules of which everything is imported.
        updates: `x += ...` and `x[i] = ...`, which change what is there already.
    """

    body: Function
    functions: list[Function]
    classes: list[Class]
    calls: list[tuple[ast.Call, Function]]
    parents: Mapping[int, ast.AST]
    scopes: Mapping[int, Function | Class]
    stars: list[str]
    updates: list[ast.Assign | ast.AugAssign]
