"""An answer that is graded in a worker, shown, and noted."""

from collections.abc import Callable, Iterator
from typing import Protocol

from wolfsbane.learn.block_json import from_json
from wolfsbane.learn.blocks import Block, Graded
from wolfsbane.learn.practice.item import Item
from wolfsbane.learn.practice.jobs import question_job, repair_job
from wolfsbane.learn.practice.progress import ProgressFile
from wolfsbane.learn.workers.job import Job
from wolfsbane.learn.workers.run import Run

Answer = int | str
"""A choice, counted from 0, or a program."""


class Starts(Protocol):
    """What starts runs, as `Workers` does."""

    def start(self, job: Job) -> Run:
        """Begin a job."""


def attempt(
    workers: Starts,
    progress: ProgressFile,
    item: Item,
    answer: Answer,
    show: Callable[[Block], None],
) -> bool:
    """Grade an answer, show what comes of it, and note it; a run that was stopped has not passed.

    Args:
        workers: where it runs.
        progress: where it is noted.
        item: a question or a program to mend.
        answer: to it.
        show: is given each block.

    Returns:
        Whether it passed.
    """
    passed = False
    for block in _blocks(workers, item, answer):
        show(block)
        passed = passed or (isinstance(block, Graded) and block.passed)
    progress.note(item.name, passed, answer if isinstance(answer, str) else None)
    return passed


def _blocks(workers: Starts, item: Item, answer: Answer) -> Iterator[Block]:
    for given in workers.start(_job(item, answer)).blocks():
        yield from_json(given)


def _job(item: Item, answer: Answer) -> Job:
    if isinstance(answer, int):
        return question_job(item.name, answer)
    return repair_job(item.name, answer)
