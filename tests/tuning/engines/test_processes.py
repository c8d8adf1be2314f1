"""Processes of this machine."""

import os
import signal

import pytest

from tuning.engines.suite import (
    ClosingSuite,
    a_setting,
    is_over,
    marking,
    performing,
    requests,
    wait_until,
)
from wolfsbane.tuning.engines import make_engine
from wolfsbane.tuning.trial import Outcome


@pytest.fixture(scope="module")
def engine():
    engine = make_engine("local", 2, performing())
    yield engine
    engine.close()


class TestProcesses(ClosingSuite):
    def test_a_process_that_has_grown_stays(self, engine):
        """loky would end it, and warn."""

        def look(data, request):
            from joblib.externals.loky import process_executor  # noqa: PLC0415  # the worker's

            return Outcome({"validation_nll": (float(process_executor._USE_PSUTIL),)})

        ((_, found),) = engine.run(a_setting(look, None), requests(1))
        assert found.curves["validation_nll"] == (0.0,)

    def test_processes_stay_for_the_next_batch(self, engine, tmp_path):
        for _ in range(3):
            list(engine.run(a_setting(marking(), tmp_path), requests(2)))
        assert len({mark.name.split("-")[1] for mark in tmp_path.iterdir()}) <= 2

    def test_a_process_that_died_while_idle_is_replaced(self, engine, tmp_path):
        list(engine.run(a_setting(marking(), tmp_path), requests(1)))
        (mark,) = tmp_path.iterdir()
        pid = int(mark.name.split("-")[1])
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: is_over(tmp_path, 0))
        answers = list(engine.run(a_setting(marking(), tmp_path), requests(2)))
        assert len(answers) == 2
