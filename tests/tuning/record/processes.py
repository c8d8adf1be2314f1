"""Real processes that start quickly: forked from a server that has imported what they need."""

import multiprocessing
import os

from skips import require


def context():
    require(hasattr(os, "fork"), "fork, which starts processes that have everything imported")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["pytest", "optuna", "wolfsbane.tuning.record"])
    return found


def race(target, place, num_answers, *arguments, num_processes=2):
    """Run a function in processes at once, and return what they answer."""
    processes = context()
    barrier, answers = processes.Barrier(num_processes), processes.Queue()
    all_of_them = [
        processes.Process(target=target, args=(place, barrier, answers, *(arguments or (number,))))
        for number in range(num_processes)
    ]
    for one in all_of_them:
        one.start()
    found = [answers.get(timeout=60) for _ in range(num_answers)]
    for one in all_of_them:
        one.join()
    assert {one.exitcode for one in all_of_them} == {0}
    return found
