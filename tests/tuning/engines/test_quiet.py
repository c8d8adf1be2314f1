"""What trainings print in workers."""

import logging
import sys

import pytest

from wolfsbane.tuning.engines.quiet import LONGEST, kept_back


def test_what_is_printed_is_kept_off_the_terminal(capfd):
    with kept_back() as printed:
        print("a bar")  # noqa: T201
        print("a word", file=sys.stderr)  # noqa: T201
    print("after")  # noqa: T201
    assert printed.text == "a bar\na word\n"
    assert capfd.readouterr() == ("after\n", "")


def test_the_end_of_much_is_kept():
    with kept_back() as printed:
        for number in range(LONGEST):
            print(number)  # noqa: T201
    assert len(printed.text) == LONGEST
    assert printed.text.endswith(f"{LONGEST - 1}\n")


def test_a_logger_made_meanwhile_goes_on(capfd):
    logger = logging.getLogger("made in a training")
    with kept_back():
        handler = logging.StreamHandler()
    logger.addHandler(handler)
    logger.warning("later")
    logger.removeHandler(handler)
    assert capfd.readouterr().err == ""


def test_terminals_are_as_before_after_an_error():
    before = sys.stdout, sys.stderr
    with pytest.raises(ZeroDivisionError), kept_back():
        1 / 0  # noqa: B018
    assert (sys.stdout, sys.stderr) == before
