"""A program, as rules see it."""

import ast
import functools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from wolfsbane.audit.finding import Edit, Place, Span

# PLAN OF THE INTERFACE; bodies follow.


@dataclass(frozen=True, eq=False)
class Function:
    """A function, a method, a lambda, or the module's own body."""

    node: ast.AST  # FunctionDef | AsyncFunctionDef | Lambda | Module
    name: str  # "<module>" for the body
    owner: "Class | None"  # the class it is a method of
    parent: "Function | None"


@dataclass(frozen=True, eq=False)
class Class:
    node: ast.ClassDef
    name: str
    methods: dict[str, Function]
    is_module: bool  # derives from torch.nn.Module (also through classes of this file, LightningModule, ...)


@dataclass(frozen=True, eq=False)
class Call:
    """Any call."""

    node: ast.Call
    name: (
        str | None
    )  # full dotted name of what is called: "torch.nn.functional.dropout", "Net" for a local
    function: Function  # in which it stands

    def argument(self, keyword: str, position: int | None = None) -> ast.expr | None: ...

    has_unknown_arguments: bool  # *args or **kwargs


@dataclass(frozen=True, eq=False)
class Creation:
    """A call that makes a layer or loss: nn.Dropout(0.5)."""

    kind: str
    call: Call


@dataclass(frozen=True, eq=False)
class Step:
    """An operation applied to a value: F.dropout(x), self.drop(x), x.softmax(1), a layer of a Sequential.

    kind "input": a parameter of a function with no known callers; "unknown": anything else that cannot be followed.
    """

    kind: str
    node: ast.AST  # the call; for a layer of a Sequential its creation
    function: Function | None
    call: Call | None
    creation: Creation | None  # how its layer was made, where it is one
