"""What is to be as good as possible, and in which state of the network."""

from dataclasses import dataclass

from wolfsbane.experiment.measures import Epoch

BETTER_WHEN_HIGHER = {"nll": False, "accuracy": True}
"""What wolfsbane measures itself and can select by: on validation data."""


@dataclass(frozen=True)
class Objective:
    """A metric on validation data.

    Attributes:
        name: without the part of the data: "nll" is `validation_nll` in selection, `test_nll` in
            the proof.
        higher_is_better: the direction of a gain.
        epoch: after the last epoch, or at the one with the best validation metric.
    """

    name: str = "nll"
    higher_is_better: bool = False
    epoch: Epoch = Epoch.LAST
