"""Nothing runs on when the process that asks for trainings is interrupted or killed."""

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

import pytest

from skips import require_packages
from tuning.engines.suite import PATIENCE, is_over, starts, wait_until

PROGRAM = Path(__file__).with_name("waiting.py")
TESTS = Path(__file__).parents[2]


@contextmanager
def waiting(engine, folder):
    """Run the program in a terminal's way, all its processes in one group, until both train."""
    marks = folder / "marks"
    marks.mkdir()
    path = os.pathsep.join([str(TESTS), os.environ.get("PYTHONPATH", "")])
    with (folder / "out").open("w") as out, (folder / "err").open("w") as err:
        program = subprocess.Popen(
            [sys.executable, PROGRAM, engine, marks],
            stdout=out,
            stderr=err,
            start_new_session=True,
            env={**os.environ, "PYTHONPATH": path},
        )
    try:
        wait_until(lambda: program.poll() is not None or (starts(marks, 0) and starts(marks, 1)))
        yield program
    finally:
        if program.poll() is None:
            os.killpg(program.pid, signal.SIGKILL)
        program.wait()


@pytest.mark.parametrize("engine", ["local", "ray", "dask"])
def test_interrupted_all_processes_end_without_a_word(engine, tmp_path):
    require_packages(*{"local": [], "ray": ["ray"], "dask": ["distributed.scheduler"]}[engine])
    with waiting(engine, tmp_path) as program:
        os.killpg(program.pid, signal.SIGINT)
        assert program.wait(PATIENCE) == 0
    assert (tmp_path / "out").read_text() == "interrupted\n"
    assert (tmp_path / "err").read_text() == ""
    wait_until(lambda: all(is_over(tmp_path / "marks", number) for number in (0, 1)))


def test_workers_end_with_a_process_that_is_killed(tmp_path):
    with waiting("local", tmp_path) as program:
        program.kill()
        wait_until(lambda: all(is_over(tmp_path / "marks", number) for number in (0, 1)))
