"""Edits that correct a call."""

import ast

import pytest

from wolfsbane.audit.source.file import Source
from wolfsbane.audit.source.patterns.corrections import argument_added, inserted_before, replaced
from wolfsbane.audit.source.reading.editing import apply_edits


def call_in(code):
    source = Source.read(code)
    return source, next(node for node in ast.walk(source.tree) if isinstance(node, ast.Call))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("drop(x, 0.5)", "drop(x, 0.5, t=1)"),
        ("drop(x, p=0.5)", "drop(x, p=0.5, t=1)"),
        ("drop(p=0.5, input=x)", "drop(p=0.5, input=x, t=1)"),
        ("drop(\n    x,\n    0.5,\n)", "drop(\n    x,\n    0.5, t=1,\n)"),
        ("drop('é', x)", "drop('é', x, t=1)"),
    ],
)
def test_an_argument_is_added_behind_the_last_one(before, after):
    source, call = call_in(before)
    assert apply_edits(before, [argument_added(source, call, "t=1")]) == after


@pytest.mark.parametrize("code", ["drop()", "drop(x, (0.5))", "drop(x, 0.5  # half\n)"])
def test_no_argument_is_added_where_the_text_is_unusual(code):
    assert argument_added(*call_in(code), "t=1") is None


def test_a_node_is_replaced_or_preceded():
    source, call = call_in("y = drop(x)")
    assert apply_edits(source.text, [replaced(source, call, "x")]) == "y = x"
    assert apply_edits(source.text, [inserted_before(source, call, "not ")]) == "y = not drop(x)"
