"""Edits that correct a call, and keep the rest of the text as it is."""

import ast

from wolfsbane.audit.finding import Edit, Span
from wolfsbane.audit.source.file import Source


def replaced(source: Source, node: ast.AST, text: str) -> Edit:
    """Return the edit that puts a text in a node's place."""
    return Edit(source.span(node), text)


def inserted_before(source: Source, node: ast.AST, text: str) -> Edit:
    """Return the edit that puts a text before a node."""
    span = source.span(node)
    return Edit(Span(span.line, span.column, span.line, span.column), text)


def argument_added(source: Source, call: ast.Call, text: str) -> Edit | None:
    """Return the edit that gives a call one more argument; None where its text is too unusual."""
    given = [*call.args, *(keyword.value for keyword in call.keywords)]
    if not given:
        return None
    last = source.span(max(given, key=lambda node: (node.end_lineno, node.end_col_offset)))
    end = source.span(call)
    tail = _text_between(source, (last.end_line, last.end_column), (end.end_line, end.end_column))
    if tail.strip(" \t\n,") != ")":  # The last argument stands in parentheses, or has a comment.
        return None
    at = Span(last.end_line, last.end_column, last.end_line, last.end_column)
    return Edit(at, f", {text}")


def one_minus(source: Source, node: ast.expr) -> str:
    """Return the text of 1 minus an expression.

    Examples:
        >>> source = Source.read("keep + more, keep")
        >>> sum_, name = source.tree.body[0].value.elts
        >>> one_minus(source, sum_), one_minus(source, name)
        ('1 - (keep + more)', '1 - keep')
    """
    text = source.segment(node)
    is_simple = isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript | ast.Constant)
    return f"1 - {text}" if is_simple else f"1 - ({text})"


def _text_between(source: Source, start: tuple[int, int], end: tuple[int, int]) -> str:
    """Return what stands between two places, each a line and a column from 1."""
    lines = source.lines[start[0] - 1 : end[0]]
    lines[-1] = lines[-1][: end[1] - 1]
    lines[0] = lines[0][start[1] - 1 :]
    return "\n".join(lines)
