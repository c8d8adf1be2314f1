"""All that determines a search, apart from how much of it is done."""

from dataclasses import dataclass
from typing import Any

from wolfsbane.experiment.data import Pool
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.subject import Subject


@dataclass(frozen=True)
class Setting:
    """What every training shares; travels to the workers.

    Attributes:
        subject: what is trained.
        pool: the data, where wolfsbane splits it.
        data: what the user's training loop is given instead, where it is no Pool.
        objective: what is to be as good as possible.
        train: the training loop; see `wolfsbane.tuning.loop`.
        train_size: examples to train on; 0 where wolfsbane does not split the data.
        label_noise: share of the training examples that get a wrong label.
        seed: the first of the seeds.
    """

    subject: Subject
    pool: Pool | None
    data: Any
    objective: Objective
    train: Any
    train_size: int
    label_noise: float = 0.0
    seed: int = 0
