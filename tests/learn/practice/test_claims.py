"""Claims and messages are evaluated in a program's names, whatever they raise."""

import pytest

from wolfsbane.errors import ArgumentError
from wolfsbane.learn.practice.claims import Verdict, decide, fill

NAMES = {"rate": 0.25, "layers": ["a", "b"], "words": {"key": "value"}}


def test_a_claim_is_true_or_false():
    assert decide("rate < 0.5", NAMES) == Verdict("rate < 0.5", holds=True)
    assert str(decide("rate > 0.5", NAMES)) == "`rate > 0.5` is `False`"


@pytest.mark.parametrize(
    ("claim", "error"),
    [
        ("missing", "NameError: name 'missing' is not defined"),
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("rate = 1", "SyntaxError"),
    ],
)
def test_a_claim_that_raises_does_not_hold_and_says_why(claim, error):
    verdict = decide(claim, NAMES)
    assert not verdict.holds
    assert error in verdict.error
    assert str(verdict).startswith(f"`{claim}` raises `")


def test_what_a_claim_prints_is_not_shown(capsys):
    decide("print('aside')", NAMES)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("message", "filled"),
    [
        ("plain", "plain"),
        ("", ""),
        ("rate {rate:.1%}", "rate 25.0%"),
        ("{len(layers)} layers: {layers[0:1]!r}", "2 layers: ['a']"),
        ("{'yes' if rate != 1 else 'no'} {words['key']}", "yes value"),
        ('ends with "{words["key"]}"', 'ends with "value"'),
        ('three """ quotes {rate}', 'three """ quotes 0.25'),
        ("braces {{}} and \\n", "braces {} and \\n"),
        ("two\nlines of {rate=}", "two\nlines of rate=0.25"),
        ("{missing.mean():.2f} and {rate}", "? and 0.25"),
    ],
)
def test_a_message_is_filled_as_an_f_string(message, filled):
    assert fill(message, NAMES) == filled


def test_a_message_that_is_no_f_string_is_refused():
    with pytest.raises(ArgumentError, match=r"cannot be read as an f-string.*Write \{\{"):
        fill("an open { brace", NAMES)
