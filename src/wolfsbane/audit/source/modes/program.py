"""Where a walk over a program stands, and what it may ask about the program."""

import ast
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property

from wolfsbane.audit.source.calls import Call, Creation
from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.modes.values import State, Value
from wolfsbane.audit.source.structure import Class, Function

MANAGERS = ("contextlib.contextmanager", "contextlib.asynccontextmanager")


@dataclass(eq=False)
class Loop:
    """A loop that is being gone through.

    Args:
        node: the loop, or a comprehension's `for`.
        varying: names that get a value in it.
        breaks, continues: what holds where it is left, or begun again, early.
        trains: whether anything is trained in it.
    """

    node: ast.AST
    varying: frozenset[str]
    breaks: list[State] = field(default_factory=list)
    continues: list[State] = field(default_factory=list)
    trains: bool = False


@dataclass(eq=False)
class Frame:
    """A function that is being gone through.

    Args:
        function: the function.
        key: what its names' paths begin with.
        call: the call that led here.
        returns: what holds where it returns, and what it returns.
        tests: names in the tests under which the walk stands.
        loops: those under which it stands, outermost first.
        on_yield: what to do where it yields, if it is a context manager.
    """

    function: Function
    key: str
    call: ast.Call | None = None
    returns: list[tuple[State, Value]] = field(default_factory=list)
    tests: list[frozenset[str]] = field(default_factory=list)
    loops: list[Loop] = field(default_factory=list)
    on_yield: Callable[[], None] | None = None

    @property
    def names_of_tests(self) -> frozenset[str]:
        """All names in the tests under which the walk stands."""
        return frozenset().union(*self.tests)


class Program:
    """A program's functions and classes, by name.

    Args:
        source: the program.
    """

    def __init__(self, source: Source) -> None:
        self.source = source

    @cached_property
    def classes(self) -> dict[str, Class]:
        """Its classes."""
        return {one.name: one for one in self.source.classes}

    @cached_property
    def functions(self) -> dict[str, Function]:
        """Its functions that are no methods."""
        return {
            one.name: one
            for one in self.source.functions
            if one.owner is None and isinstance(one.node, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    @cached_property
    def calls(self) -> dict[int, Call]:
        """Its calls, by their nodes' ids."""
        return {id(one.node): one for one in self.source.calls}

    @cached_property
    def creations(self) -> dict[int, Creation]:
        """The calls that make known layers, by their nodes' ids."""
        return {id(one.call.node): one for one in self.source.creations}

    def lineage(self, one: Class) -> Iterator[Class]:
        """Yield a class and its bases in this file."""
        waiting, seen = [one], set[int]()
        while waiting:
            one = waiting.pop(0)
            if id(one) not in seen:
                seen.add(id(one))
                yield one
                bases = [self.source.name_of(base) for base in one.node.bases]
                waiting += [self.classes[base] for base in bases if base in self.classes]

    def method(self, one: Class, name: str) -> Function | None:
        """Return a class's method, perhaps inherited within this file."""
        found = (base.methods[name] for base in self.lineage(one) if name in base.methods)
        return next(found, None)

    def has_attribute(self, one: Class, name: str) -> bool:
        """Whether a class, or what it inherits in this file, sets an attribute of this name."""
        return any(name in base.attributes for base in self.lineage(one))

    def is_module(self, one: Class) -> bool:
        """Whether a class is a torch module."""
        return self.source.is_module(one)

    def has_known_bases(self, one: Class) -> bool:
        """Whether all that a class inherits stands in this file, or comes from torch.nn."""
        for base in self.lineage(one):
            for node in base.node.bases:
                name = self.source.name_of(node) or ""
                if name not in self.classes and not name.startswith(("torch.nn", "object", "abc.")):
                    return False
        return True

    def decorators(self, function: Function) -> list[str]:
        """Return the full names of a function's decorators."""
        found = []
        for node in getattr(function.node, "decorator_list", []):
            called = node.func if isinstance(node, ast.Call) else node
            found.append(self.source.name_of(called) or "")
        return found

    def is_manager(self, function: Function) -> bool:
        """Whether a function is a context manager written as a generator."""
        return any(name in MANAGERS for name in self.decorators(function))


def names_in(node: ast.AST) -> frozenset[str]:
    """Return the names in an expression, dotted ones as a whole: `args.train`."""
    found, waiting = set[str](), [node]
    while waiting:
        part = waiting.pop()
        if isinstance(part, ast.Attribute | ast.Name):
            found.add(ast.unparse(part))
        if not isinstance(part, ast.Attribute):
            waiting.extend(ast.iter_child_nodes(part))
    return frozenset(found)


def stored_in(nodes: list[ast.AST]) -> frozenset[str]:
    """Return the names that get a value below some nodes."""
    return frozenset(
        part.id
        for node in nodes
        for part in ast.walk(node)
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store)
    )


@functools.lru_cache(maxsize=1024)
def has_yield(function: Function) -> bool:
    """Whether a function is a generator."""
    waiting: list[ast.AST] = list(function.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            waiting.extend(ast.iter_child_nodes(node))
    return False
