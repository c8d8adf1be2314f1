"""How an operation is taken out of a program's text."""

import ast
from collections.abc import Sequence

from wolfsbane.audit.finding import Edit, Span
from wolfsbane.audit.source.file import Source, Step


def removal_of(source: Source, step: Step) -> tuple[Edit, ...]:
    """Return the edits that leave a step out: nothing where that cannot be done by an edit here."""
    if step.creation is not None and step.creation.call.node is step.node:
        return _removal_of_element(source, step.node)
    if not isinstance(step.node, ast.Call):
        return ()
    taken = _first_tensor(step)
    if taken is None or not source.segment(taken):
        return ()
    text = source.segment(taken)
    if isinstance(taken, ast.BinOp | ast.UnaryOp | ast.IfExp | ast.Lambda | ast.Compare):
        text = f"({text})"
    return (Edit(source.span(step.node), text),)


def _first_tensor(step: Step) -> ast.expr | None:
    """Return what a call takes: F.softmax(x), self.softmax(x), x.softmax(1)."""
    assert isinstance(step.node, ast.Call)
    function = step.node.func
    is_method = step.creation is None and (step.call is None or step.call.name is None)
    if is_method and isinstance(function, ast.Attribute):
        return function.value
    if step.node.args and not isinstance(step.node.args[0], ast.Starred):
        return step.node.args[0]
    return next((word.value for word in step.node.keywords if word.arg == "input"), None)


def _removal_of_element(source: Source, node: ast.AST) -> tuple[Edit, ...]:
    """Take a layer out of a Sequential, with the comma before it, or its whole line."""
    node = _named(source, node)
    siblings = _siblings(source, node)
    if node not in siblings or len(siblings) == 1:
        return ()
    span = source.span(node)
    if _is_alone_on_its_lines(source, span):
        return (Edit(Span(span.line, 1, span.end_line + 1, 1), ""),)
    index = siblings.index(node)
    if index == 0:
        after = source.span(siblings[1])
        return _edit(source, Span(span.line, span.column, after.line, after.column))
    before = source.span(siblings[index - 1])
    return _edit(source, Span(before.end_line, before.end_column, span.end_line, span.end_column))


def _named(source: Source, node: ast.AST) -> ast.AST:
    """Return ("name", layer) of an OrderedDict for its layer, and other layers themselves."""
    parent = source.parent_of(node)
    is_named = isinstance(parent, ast.Tuple) and isinstance(parent.elts[0], ast.Constant)
    return parent if is_named and parent is not None else node


def _siblings(source: Source, node: ast.AST) -> Sequence[ast.AST]:
    parent = source.parent_of(node)
    if isinstance(parent, ast.Call):
        return parent.args
    return parent.elts if isinstance(parent, ast.List | ast.Tuple) else ()


def _is_alone_on_its_lines(source: Source, span: Span) -> bool:
    before = source.lines[span.line - 1][: span.column - 1]
    after = source.lines[span.end_line - 1][span.end_column - 1 :]
    return not before.strip() and after.strip() == ","


def _edit(source: Source, span: Span) -> tuple[Edit, ...]:
    """Return the deletion, unless it would swallow a comment."""
    lines = source.lines[span.line - 1 : span.end_line]
    has_comment = any("#" in line for line in lines[:-1])
    return () if has_comment else (Edit(span, ""),)
