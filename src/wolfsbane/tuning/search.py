"""The phases of a search: choose, prove, and say how hard the data is; within the budget."""

from collections.abc import Callable
from dataclasses import dataclass

from wolfsbane.tuning.answer import Answer
from wolfsbane.tuning.engine import Engine
from wolfsbane.tuning.progress import Progress
from wolfsbane.tuning.record import Record
from wolfsbane.tuning.setting import Setting

DEFAULT_BUDGET = 24


@dataclass(frozen=True)
class Limits:
    """How much is done. No part of the configuration's hash: a search may go on with more.

    Attributes:
        budget: trainings at most, of all purposes.
        precision: half the width of the gain's interval that is narrow enough, in the objective's
            unit; None for the default of the objective.
        batch: trainings asked for at once; the same for one process as for that many.
        complexity: whether the learning curve over training-set size is wanted.
    """

    budget: int = DEFAULT_BUDGET
    precision: float | None = None
    batch: int = 4
    complexity: bool = False


def search(
    setting: Setting,
    limits: Limits,
    record: Record,
    engine: Engine,
    on_progress: Callable[[Progress], None],
) -> Answer:
    """Make the trainings that are still to be made, and return what they come to.

    Everything is decided by the record: called again with the same one it goes on where it was.
    Ctrl-C ends it with what is finished; before the first training is, it goes on to the caller.

    Raises:
        ModelError: a training failed.
    """
    raise NotImplementedError
