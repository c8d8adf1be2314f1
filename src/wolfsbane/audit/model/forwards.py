"""What the text of a module's forward tells."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.spellings import FUNCTIONS
from wolfsbane.audit.vocabulary import DROPOUTS

if TYPE_CHECKING:
    from torch.nn import Module

MODE = "training"

GIVEN_THE_MODE = DROPOUTS | {
    "attention", "multi_head_attention", "batch_norm", "instance_norm", "rrelu"
}  # fmt: skip
"""Functions that need the mode: to hand it to them is no sign that a model ends otherwise."""


def depends_on_mode(module: "type[Module]") -> bool:
    """Whether the forward of a class reads the mode for more than its dropouts and norms.

    Examples:
        >>> from torch import nn
        >>> depends_on_mode(nn.Dropout), depends_on_mode(nn.MultiheadAttention)
        (False, True)
    """
    try:
        text = textwrap.dedent(inspect.getsource(module.forward))
    except (OSError, TypeError):
        return False
    if MODE not in text:
        return False
    try:
        tree = ast.parse(text)
    except SyntaxError:  # a lambda in the middle of a line
        return True
    return any(_is_mode(node) for node in _walked(tree))


def _walked(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes of a tree, without what such functions are called with."""
    yield node
    for child in ast.iter_child_nodes(node):
        if not (isinstance(child, ast.Call) and _is_given_the_mode(child.func)):
            yield from _walked(child)


def _is_given_the_mode(function: ast.expr) -> bool:
    name = getattr(function, "attr", getattr(function, "id", ""))
    return FUNCTIONS.get(name) in GIVEN_THE_MODE


def _is_mode(node: ast.AST) -> bool:
    return (isinstance(node, ast.Attribute) and node.attr == MODE) or (
        isinstance(node, ast.Name) and node.id == MODE
    )
