"""Real processes that start quickly: forked from a server that has imported what they need."""

import multiprocessing
import os

from skips import require


def context():
    require(hasattr(os, "fork"), "fork, which starts processes that have everything imported")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["pytest", "optuna", "wolfsbane.tuning.record"])
    return found


def race(target, place, num_answers, *arguments):
    """Run a function in two processes at once, and return what they answer."""
    processes = context()
    barrier, answers = processes.Barrier(2), processes.Queue()
    both = [
        processes.Process(target=target, args=(place, barrier, answers, *each))
        for each in ([arguments] * 2 if arguments else [(0,), (1,)])
    ]
    for one in both:
        one.start()
    found = [answers.get(timeout=60) for _ in range(num_answers)]
    for one in both:
        one.join()
    assert [one.exitcode for one in both] == [0, 0]
    return found
