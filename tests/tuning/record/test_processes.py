"""Two processes on one record, and processes that are killed; all of them real."""

import os
import random
import signal
import socket
import time
from collections import Counter

import pytest

from tuning.record.processes import context, race
from tuning.record.searches import (
    NUM_PROVED,
    NUM_SEARCHED,
    begin,
    compete,
    hold,
    is_proof,
    opened,
    outcome,
    pair,
    work,
)
from wolfsbane.errors import ArgumentError

ROUNDS = 8
"""In which two processes race for one record; of three kinds."""

KILLS = 12

LONGEST_RUN = 0.15
"""Seconds after which a search is killed at the latest: about six of its trainings."""


def test_of_two_processes_that_start_at_once_exactly_one_gets_the_record(place):
    answers = race(compete, place, 2 * ROUNDS, ROUNDS)
    assert Counter(answer for answer, _ in answers) == {"got": ROUNDS, "refused": ROUNDS}
    refused = [message for answer, message in answers if answer == "refused"]
    assert all("in use by" in message for message in refused)
    with opened(*place) as record:
        assert record.num_resumed == ROUNDS


@pytest.mark.parametrize("place", ["sqlite", "postgresql"], indirect=True)
def test_two_searches_that_begin_a_database_at_once_both_do(place):
    assert sorted(race(begin, place, 2)) == [0.0, 1.0]


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


def run_until_killed(place, draw):
    """Start a search, kill it at a random moment, and return the trainings it had told."""
    processes = context()
    ours, theirs = processes.Pipe(duplex=False)
    search = processes.Process(target=work, args=(place, theirs, 0.02))
    search.start()
    theirs.close()
    assert ours.recv() == "opened"
    time.sleep(draw.uniform(0, LONGEST_RUN))
    search.kill()
    search.join()
    told = []
    while ours.poll():
        try:
            told.append(ours.recv())
        except (EOFError, OSError):
            break
    return told


def finish(place):
    processes = context()
    ours, theirs = processes.Pipe(duplex=False)
    search = processes.Process(target=work, args=(place, theirs, 0))
    search.start()
    search.join()
    assert search.exitcode == 0
    return ours


def test_a_search_that_is_killed_again_and_again_has_every_training_once(tmp_path):
    draw = random.Random(20260731)
    told = set()
    for _ in range(KILLS):
        told |= {one for one in run_until_killed(str(tmp_path), draw) if isinstance(one, int)}
        with opened(tmp_path) as record:
            finished = {trial.request.number for trial in record.trials()}
        assert told <= finished
    finish(str(tmp_path))
    with opened(tmp_path) as record:
        trials = record.trials()
    searched = [
        (trial.request.configuration.as_dict()["dropout"], trial.request.seed)
        for trial in trials
        if not is_proof(trial)
    ]
    assert sorted(searched) == sorted(pair(index) for index in range(NUM_SEARCHED))
    proved = [(trial.request.seed, trial.outcome.weights) for trial in trials if is_proof(trial)]
    assert proved == [
        (1000 + index, b"weights of %d" % (1000 + index)) for index in range(NUM_PROVED)
    ]
    assert all(
        trial.outcome == outcome(trial.request.seed + 0.1) for trial in trials[:NUM_SEARCHED]
    )
    assert told
