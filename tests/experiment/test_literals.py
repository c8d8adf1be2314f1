"""Text of a command line as values."""

import pytest

from wolfsbane.experiment.literals import literal


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("128", 128),
        ("True", True),
        ("false", False),
        ("None", "none"),
        ("'a b'", "a b"),
        ("gelu", "gelu"),
        ("0..1", "0..1"),
    ],
)
def test_text_is_read_as_what_it_looks_like(text, value):
    found = literal(text)
    assert (type(found), found) == (type(value), value)
