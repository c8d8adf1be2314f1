"""Two processes on one record, and processes that are killed; all of them real."""

import os
import random
import signal
import socket
import time
from collections import Counter

import pytest

from landscapes import make_pool, make_setting
from tuning.record.processes import context, race
from tuning.record.searches import (
    asked_of,
    begin,
    compete,
    hold,
    opened,
    search_whole,
)
from wolfsbane.errors import ArgumentError
from wolfsbane.tuning.record import open_record

ROUNDS = 20
"""In which two processes race for a folder; a quarter for a database, which opens slowly."""

KILLS = 12

LONGEST_RUN = 0.5
"""Seconds after which a search is killed at the latest: about ten of its trainings."""


def test_of_two_processes_that_start_at_once_exactly_one_gets_the_record(place):
    rounds = ROUNDS if place[1] is None else ROUNDS // 4
    answers = race(compete, place, 2 * rounds, rounds)
    assert Counter(answer for answer, _ in answers) == {"got": rounds, "refused": rounds}
    refused = [message for answer, message in answers if answer == "refused"]
    assert all("in use by" in message for message in refused)
    with opened(*place) as record:
        assert record.num_resumed == rounds


@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_searches_that_begin_a_database_at_once_all_do(place):
    assert sorted(race(begin, place, 4, num_processes=4)) == [0.0, 1.0, 2.0, 3.0]


def test_who_comes_second_is_told_who_is_first_since_when_and_what_to_do(place):
    with opened(*place):
        said = rf"in use by process {os.getpid()} on {socket.gethostname()}, since 20.*Wait for it"
        with pytest.raises(ArgumentError, match=said), opened(*place):
            pass
    with opened(*place):
        pass


def test_a_killed_process_frees_the_record_and_leaves_nothing_running(place):
    processes = context()
    ours, theirs = processes.Pipe()
    holder = processes.Process(target=hold, args=(place, theirs))
    holder.start()
    pid = ours.recv()
    with pytest.raises(ArgumentError, match=f"process {pid} "), opened(*place):
        pass
    os.kill(pid, signal.SIGKILL)
    holder.join()
    with opened(*place) as record:
        assert record.trials() == []
        assert record.suggest().seed == 0


def run_until_killed(place, wait):
    """Start a search, kill it after a while, and return the trainings it had told."""
    processes = context()
    ours, theirs = processes.Pipe(duplex=False)
    search = processes.Process(target=search_whole, args=(str(place), theirs, 0.02))
    search.start()
    theirs.close()
    assert ours.recv() == "opened"
    time.sleep(wait)
    search.kill()
    search.join()
    told = []
    while ours.poll():
        try:
            told.append(ours.recv())
        except (EOFError, OSError):
            break
    return {one for one in told if one != "done"}


def finish(place):
    """Make a search to its end."""
    processes = context()
    _, theirs = pipe = processes.Pipe(duplex=False)
    search = processes.Process(target=search_whole, args=(str(place), theirs, 0))
    search.start()
    search.join()
    assert search.exitcode == 0
    for end in pipe:
        end.close()


def test_a_whole_search_that_is_killed_again_and_again_comes_to_the_same(tmp_path):
    draw = random.Random(20260731)
    setting = make_setting(make_pool())
    told = set()
    for _ in range(KILLS):
        told |= run_until_killed(tmp_path / "killed", draw.uniform(0, LONGEST_RUN))
        with open_record(setting, tmp_path / "killed") as record:
            assert told <= {trial.request.number for trial in record.trials()}
    for name in ("killed", "whole"):
        finish(tmp_path / name)
    with (
        open_record(setting, tmp_path / "killed") as killed,
        open_record(setting, tmp_path / "whole") as whole,
    ):
        assert len(asked_of(killed)) == len(killed.trials()) == len(whole.trials())
        assert asked_of(killed) == asked_of(whole)
        assert killed.chosen == whole.chosen
