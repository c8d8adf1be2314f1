"""The calls of a program, each with the full name of what it calls."""

import ast
from dataclasses import dataclass
from functools import cached_property

from wolfsbane.audit.source.structure import Function


@dataclass(frozen=True, eq=False)
class Call:
    """A call.

    Args:
        node: where it stands.
        name: the full name of what is called, such as "torch.nn.functional.dropout"; a function or
            class of this file has its own name; None for what is no name, such as `self.drop`.
        function: the function in which it stands.
    """

    node: ast.Call
    name: str | None
    function: Function

    def argument(self, keyword: str, position: int | None = None) -> ast.expr | None:
        """Return what an argument is given, by its keyword or its position (without self)."""
        for given in self.node.keywords:
            if given.arg == keyword:
                return given.value
        arguments = self.node.args
        if position is None or position >= len(arguments):
            return None
        if any(isinstance(one, ast.Starred) for one in arguments[: position + 1]):
            return None
        return arguments[position]

    @cached_property
    def has_unknown_arguments(self) -> bool:
        """Whether it is given *args or **kwargs: what it is called with cannot be told."""
        starred = any(isinstance(one, ast.Starred) for one in self.node.args)
        return starred or any(one.arg is None for one in self.node.keywords)

    @property
    def attribute(self) -> str | None:
        """The last name of what is called: "eval" in `net.head.eval()`."""
        called = self.node.func
        return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", None)

    @property
    def receiver(self) -> ast.expr | None:
        """What a method is called on: `net.head` in `net.head.eval()`."""
        return self.node.func.value if isinstance(self.node.func, ast.Attribute) else None


@dataclass(frozen=True, eq=False)
class Creation:
    """A call that makes a known layer or loss: `nn.Dropout(0.5)`.

    Args:
        kind: the vocabulary's word for what it makes.
        call: the call.
    """

    kind: str
    call: Call


@dataclass(frozen=True, eq=False)
class Step:
    """A known operation applied to a value, or where a value that is followed comes to an end.

    Args:
        kind: the vocabulary's word; "input" for a parameter whose callers are not in this file,
            "constant" for a literal, "unknown" for what cannot be followed.
        node: the call; a layer of a Sequential has its creation here.
        function: the function in which it stands.
        call: the call, where it is one.
        creation: how its layer was made, where it is a layer's call.
    """

    kind: str
    node: ast.AST
    function: Function | None = None
    call: Call | None = None
    creation: Creation | None = None
