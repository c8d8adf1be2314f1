"""What is asked of a training, what it gave, and both together."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from wolfsbane.experiment.measures import Epoch
from wolfsbane.experiment.metrics import Reliability
from wolfsbane.tuning.objective import Objective
from wolfsbane.tuning.space import Configuration


class Purpose(StrEnum):
    """Why a training is made, which decides what may be read of it."""

    SEARCH = "search"
    """Its validation metric helps to choose; its test metric is never looked at for that."""
    PROOF = "proof"
    """Its seed had no part in the search; its test metric measures the gain."""
    COMPLEXITY = "complexity"
    """It tells how hard the data is for this model, and nothing of the rate."""


@dataclass(frozen=True)
class Request:
    """One training to be made.

    Attributes:
        number: of the trial, from 0.
        configuration: what is trained.
        seed: of training examples, weights, batch order and masks.
        purpose: why.
        train_size: training examples, where not as many as in the search.
        label_noise: share of wrong training labels, where not as in the search.
        keep_weights: whether the outcome brings the trained weights.
    """

    number: int
    configuration: Configuration
    seed: int
    purpose: Purpose
    train_size: int | None = None
    label_noise: float | None = None
    keep_weights: bool = False


@dataclass(frozen=True)
class Outcome:
    """What a training gave.

    Attributes:
        curves: metrics by name, such as "validation_nll", one value an epoch. wolfsbane's own are
            train_, validation_ and test_ nll and accuracy, and test_ece; a training loop of the
            user's may return others.
        reliability: on the test examples after the last epoch; None where the user's loop measures.
        memorised: the share of wrong training labels that the network gives back; None without.
        num_parameters: of the model.
        initial_weights: a fingerprint; equal ones make a pair precise.
        seconds: the training took.
        weights: the trained state_dict as `torch.save` writes it, where it was asked for.
    """

    curves: Mapping[str, tuple[float, ...]]
    reliability: Reliability | None = None
    memorised: float | None = None
    num_parameters: int = 0
    initial_weights: str = ""
    seconds: float = 0.0
    weights: bytes | None = None

    def best_epoch(self, objective: Objective) -> int:
        """Return the index of the epoch with the best validation metric, the first of equals."""
        values = self.curves[f"validation_{objective.name}"]
        return values.index((max if objective.higher_is_better else min)(values))

    def score(self, part: str, objective: Objective, epoch: Epoch | None = None) -> float:
        """Return the objective's metric on "validation" or "test" data, in its epoch or another."""
        index = self.best_epoch(objective) if (epoch or objective.epoch) is Epoch.BEST else -1
        return self.curves[f"{part}_{objective.name}"][index]


@dataclass(frozen=True)
class Trial:
    """A training of the record: finished, or still running where there is no outcome."""

    request: Request
    outcome: Outcome | None = None
