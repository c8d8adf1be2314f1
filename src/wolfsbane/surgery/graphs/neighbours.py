"""What is known where a model has no graph: the order of modules in torch.nn.Sequential."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import TypeGuard

from torch.nn import Module, Sequential

from wolfsbane.anatomy.places import members
from wolfsbane.surgery.graphs.graph import Node, Trace

UNKNOWN = "code that could not be traced"


def neighbours(model: Module) -> Trace:
    """Return the chains in a model's Sequentials, as if each were called once wherever it hangs.

    A module that hangs in several places is taken to be called from each of them. A Sequential
    that its parent's code does more with than call it (`self.layers[:2]`, a loop over it) tells
    nothing about its children: each is taken to be called by that code.
    """
    found = {path: member.module for member in members(model) for path in member.paths}
    apart = _taken_apart(found)
    outside = Node(UNKNOWN, None)
    steps = [outside]
    for path, module in found.items():
        parent = _parent(path)
        if path in apart or (is_sequential(_at(found, parent)) and parent not in apart):
            continue
        end = Node(path, module, (outside,))
        if is_sequential(module):
            end = _chain(module, path, outside, steps)
        else:
            steps.append(end)
        steps.append(Node(UNKNOWN, None, (end,)))
    return Trace(steps, training=None)


def _taken_apart(found: dict[str, Module]) -> set[str]:
    """Return the paths of Sequentials that their parent's code names without calling them."""
    named: dict[type[Module], frozenset[str]] = {}
    apart = set()
    for path, module in found.items():
        parent = _at(found, _parent(path))
        if parent is None or not is_sequential(module) or is_sequential(parent):
            continue
        cls = type(parent)
        if cls not in named:
            named[cls] = frozenset(name for base in cls.__mro__ for name in _named(base))
        if path.rpartition(".")[2] in named[cls]:
            apart.add(path)
    return apart


def _named(cls: type) -> Iterator[str]:
    """Yield which attributes of self a class reads, other than to call them at once."""
    if cls.__module__.partition(".")[0] in {"torch", "builtins"}:
        return
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(cls)))
    except (OSError, TypeError, SyntaxError):  # written in a shell, or made by a program
        return
    for node in _in_use(tree):
        if _is_of_self(node) and isinstance(node.ctx, ast.Load):
            yield node.attr


def _in_use(node: ast.AST) -> Iterator[ast.AST]:
    """Yield what a forward may run: not `__init__`, nor the function's name in a call of it."""
    if isinstance(node, ast.FunctionDef) and node.name == "__init__":
        return
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(node, ast.Call) and child is node.func and _is_of_self(child):
            continue
        yield from _in_use(child)


def _is_of_self(node: ast.AST) -> TypeGuard[ast.Attribute]:
    if not isinstance(node, ast.Attribute) or not isinstance(node.value, ast.Name):
        return False
    return node.value.id == "self"


def is_sequential(module: Module | None) -> bool:
    """Whether a module calls its children one after the other, and does nothing else."""
    if module is None or "forward" in vars(module):
        return False
    return isinstance(module, Sequential) and type(module).forward is Sequential.forward


def _at(found: dict[str, Module], path: str | None) -> Module | None:
    return None if path is None else found.get(path)


def _parent(path: str) -> str | None:
    return path.rpartition(".")[0] if path else None


def _chain(sequential: Module, path: str, source: Node, steps: list[Node]) -> Node:
    for name, child in sequential._modules.items():  # noqa: SLF001  # aliases too
        if child is None:
            continue
        child_path = f"{path}.{name}" if path else name
        if is_sequential(child):
            source = _chain(child, child_path, source, steps)
        else:
            source = Node(child_path, child, (source,))
            steps.append(source)
    return source
