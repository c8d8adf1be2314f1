"""What every engine does; each one's test file inherits it."""

import os
import signal
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wolfsbane.errors import ModelError
from wolfsbane.experiment.data import pool_of_arrays
from wolfsbane.experiment.training import AdamW
from wolfsbane.tuning.engines.here import Here
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.setting import Setting
from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.subject import make_subject
from wolfsbane.tuning.training import perform
from wolfsbane.tuning.trial import Outcome, Purpose, Request

PATIENCE = 60
"""Seconds until a test is red that waits for another process."""


def performing():
    """Return a function that does what the setting's `train` says.

    Functions within functions travel by their code: no worker has to import the tests.
    """

    def train_of_setting(setting, request):
        return setting.train(setting.data, request)

    return train_of_setting


def a_setting(train, data):
    return Setting(None, None, data, Objective(), train, 0)


def requests(number):
    return [
        Request(index, Configuration((("p", index / 10),)), seed=index, purpose=Purpose.SEARCH)
        for index in range(number)
    ]


def marking(special=None):
    """Return a training that leaves a file "NUMBER-PID-TIME", and then does what is special."""

    def train(folder, request):
        (folder / f"{request.number}-{os.getpid()}-{time.time_ns()}").touch()
        if special is not None:
            special(folder, request)
        return Outcome({"validation_nll": (float(request.number),)})

    return train


def starts(folder, number):
    """Return how often a training was begun."""
    return len(list(folder.glob(f"{number}-*")))


def is_over(folder, number):
    """Whether the process that began a training is gone, or says that it stopped."""
    (mark,) = folder.glob(f"{number}-*")
    pid = mark.name.split("-")[1]
    stat = Path(f"/proc/{pid}/stat")
    has_ended = not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] == "Z"
    return has_ended or (folder / f"stopped-{number}").exists()


def wait_until(condition):
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def waiting_for_ever():
    """Return a training whose first one waits for the second, and that waits until it is ended."""

    def wait(folder, request):
        try:
            while True:
                time.sleep(0.01)
        finally:
            (folder / f"stopped-{request.number}").touch()

    return wait


def pool():
    """Return a table of two classes that are easily told apart."""
    y = np.arange(120) % 2
    x = np.random.default_rng(0).normal(size=(120, 5)) + y[:, None]
    return pool_of_arrays("two classes", {"x": x, "y": y})


class EngineSuite:
    """Subclasses have a fixture `engine`, of two workers, made with `performing()`."""

    def test_outcomes_are_those_of_trainings_in_this_process(self, engine):
        subject = make_subject()
        real = Setting(subject, pool(), None, Objective(), AdamW(2), 40)
        extreme = subject.space.extreme
        asked = [
            Request(0, subject.space.baseline, 0, Purpose.SEARCH),
            Request(1, extreme, 1, Purpose.SEARCH, label_noise=0.2, keep_weights=True),
        ]

        def train(data, request):
            return perform(data, request)

        def untimed(run):
            return {one.number: replace(found, seconds=0) for one, found in run}

        here = untimed(Here(perform).run(real, asked))
        assert untimed(engine.run(a_setting(train, real), asked)) == here

    def test_a_killed_worker_loses_only_its_own_training(self, engine, tmp_path):
        """Both run when one is killed; the other ends after that has begun anew."""

        def die_once(folder, request):
            def begun(number):
                return len(list(folder.glob(f"{number}-*")))

            deadline = time.monotonic() + 60
            needed = {0: (1, 1), 1: (0, 2)}.get(request.number, (0, 1))
            while begun(needed[0]) < needed[1] and time.monotonic() < deadline:
                time.sleep(0.01)
            if request.number == 0 and begun(0) == 1:
                os.kill(os.getpid(), signal.SIGKILL)

        asked = requests(4)
        answers = list(engine.run(a_setting(marking(die_once), tmp_path), asked))
        assert sorted(one.number for one, _ in answers) == [0, 1, 2, 3]
        assert {one for one, _ in answers} == set(asked)
        assert all(found.curves["validation_nll"] == (one.number,) for one, found in answers)
        assert [starts(tmp_path, number) for number in range(4)] == [2, 1, 1, 1]
        assert not list(tmp_path.glob(f"*-{os.getpid()}-*"))

    def test_a_training_that_no_worker_survives_ends_the_run(self, engine, tmp_path):
        def die(folder, request):
            if request.number == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        with pytest.raises(ModelError, match=r"died each time it was begun.*fewer jobs"):
            list(engine.run(a_setting(marking(die), tmp_path), requests(2)))
        assert starts(tmp_path, 0) == 3

    def test_an_exception_ends_the_run_as_it_was_raised(self, engine, tmp_path):
        wait = waiting_for_ever()

        def fail(folder, request):
            if request.number == 0:
                wait(folder, request)
            while not list(folder.glob("0-*")):
                time.sleep(0.01)
            print("a last word")  # noqa: T201
            raise LookupError("no such layer", 3)

        with pytest.raises(LookupError) as caught:
            list(engine.run(a_setting(marking(fail), tmp_path), requests(2)))
        assert caught.type is LookupError
        assert caught.value.args == ("no such layer", 3)
        assert 'raise LookupError("no such layer", 3)' in str(caught.value.__cause__)
        assert "a last word" in str(caught.value.__cause__)
        wait_until(lambda: is_over(tmp_path, 0))


class ClosingSuite(EngineSuite):
    """Also what is seen of a closed iterator; how Ray ends is seen with Ctrl-C."""

    def test_closing_the_iterator_ends_what_runs(self, engine, tmp_path):
        wait = waiting_for_ever()

        def wait_unless_first(folder, request):
            if request.number > 0:
                wait(folder, request)
            while not list(folder.glob("1-*")):
                time.sleep(0.01)

        answers = engine.run(a_setting(marking(wait_unless_first), tmp_path), requests(2))
        assert next(answers)[0].number == 0
        answers.close()
        wait_until(lambda: is_over(tmp_path, 1))
