"""Models that an experiment can train: new ones, whose output fits the data."""

from collections.abc import Sequence

import torch

from wolfsbane.experiment.data import Data
from wolfsbane.experiment.factories import check_is_new
from wolfsbane.experiment.training import check_output


def check_models(built: Sequence[tuple[str, torch.nn.Module]], data: Data | None) -> None:
    """Check models that were built one after the other, some of them more than once.

    Args:
        built: labels for messages, such as "variant 'a'", and what was built for them.
        data: what they are trained on; without it their output is not looked at.

    Raises:
        ModelError: an output does not fit, a model has no parameters, or two share parameters.
    """
    seen: set[int] = set()
    for label, model in built:
        if data is not None:
            check_output(label, model, data)
        check_is_new(label, model, seen)
