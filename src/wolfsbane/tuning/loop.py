"""What a training loop of the user's is given, and what it gives back."""

from collections.abc import Mapping
from typing import Any, Protocol

import torch


class Report(Protocol):
    """Notes one epoch: wolfsbane measures it, or the caller has."""

    def __call__(self, metrics: Mapping[str, Any] | None = None, /, **named: Any) -> None:
        """Measure the model; or take metrics, named train_, validation_ or test_ and the metric."""


class TrainingLoop(Protocol):
    """A training loop of the user's: `train(model, data, seed, report) -> metrics`."""

    def __call__(
        self, model: torch.nn.Module, data: Any, seed: int, report: Report, /
    ) -> Mapping[str, Any] | None:
        """Train the model in place.

        Args:
            model: built for this training.
            data: parts .train, .validation and .test, each with .x and .y, where wolfsbane splits
                the data; else what the tuner was given, as it is.
            seed: torch's default generators are seeded with it already.
            report: to be called after each epoch.

        Returns:
            Nothing, or metrics of the state that the training ended in: of its only epoch where
            none was reported, else what was reported last.
        """
