"""Trainings in this process."""

import os

import pytest

from tuning.engines.suite import a_setting, marking, performing, requests
from wolfsbane.tuning.engines import make_engine


@pytest.fixture
def engine():
    return make_engine("local", 1, performing())


def test_requests_are_answered_in_order_by_this_process(engine, tmp_path):
    asked = requests(3)
    answers = list(engine.run(a_setting(marking(), tmp_path), asked))
    assert [one for one, _ in answers] == asked
    assert len(list(tmp_path.glob(f"*-{os.getpid()}-*"))) == 3


def test_a_training_begins_when_its_outcome_is_asked_for(engine, tmp_path):
    answers = engine.run(a_setting(marking(), tmp_path), requests(3))
    next(answers)
    answers.close()
    assert len(list(tmp_path.iterdir())) == 1


def test_an_exception_is_the_one_that_was_raised(engine):
    error = LookupError("no such layer")

    def fail(data, request):
        raise error

    with pytest.raises(LookupError) as caught:
        next(engine.run(a_setting(fail, None), requests(1)))
    assert caught.value is error
