"""Exceptions between processes."""

import threading

import pytest

from wolfsbane.errors import ModelError
from wolfsbane.tuning.engines.failure import failure_of, unwrap
from wolfsbane.tuning.trial import Outcome


def raised(error):
    try:
        raise error  # noqa: TRY301
    except BaseException as found:  # noqa: BLE001
        return failure_of(found, "epoch 3")


class OfThisProcess(Exception):  # noqa: N818
    """One that pickle cannot take along."""

    def __reduce__(self):
        raise TypeError("not me")


def test_an_outcome_is_passed_on():
    outcome = Outcome({})
    assert unwrap(outcome) is outcome


def test_an_exception_keeps_type_and_arguments_and_tells_where_it_was_raised():
    with pytest.raises(LookupError) as caught:
        unwrap(raised(LookupError("no layer", 3)))
    assert caught.type is LookupError
    assert caught.value.args == ("no layer", 3)
    text = str(caught.value.__cause__)
    assert "in raised" in text
    assert "LookupError: ('no layer', 3)" in text
    assert text.endswith("epoch 3")


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (OfThisProcess("too wide"), "OfThisProcess: too wide"),
        (ValueError(threading.Lock()), "ValueError: <unlocked"),
        (SystemExit(3), "SystemExit: 3"),
        (KeyboardInterrupt(), "KeyboardInterrupt"),
    ],
)
def test_what_cannot_be_raised_here_is_told(error, told):
    with pytest.raises(ModelError, match=f"training failed with {told}") as caught:
        unwrap(raised(error))
    assert "in raised" in str(caught.value.__cause__)
