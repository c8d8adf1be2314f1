"""Where a search stands, for whoever shows it."""

from dataclasses import dataclass

from wolfsbane.tuning.space import Configuration
from wolfsbane.tuning.trial import Purpose, Trial


@dataclass(frozen=True)
class Progress:
    """Where a search stands after a training, or before the first.

    Attributes:
        phase: what the trainings are for now.
        finished: trainings done.
        running: trainings asked for: at work, or next.
        budget: trainings allowed.
        best: the best configuration so far; None before there is one.
        value: its objective on validation data, as estimated; None before there is one.
        trial: the training that has just ended; None at the start of a phase.
    """

    phase: Purpose
    finished: int
    running: int
    budget: int
    best: Configuration | None = None
    value: float | None = None
    trial: Trial | None = None
