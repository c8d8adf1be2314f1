"""Models that an experiment can train: new ones, whose output fits the data."""

from collections.abc import Sequence

import torch

from wolfsbane.experiment.data import Data
from wolfsbane.experiment.factories import check_is_new
from wolfsbane.experiment.training import check_output


def check_models(built: Sequence[tuple[str, torch.nn.Module]], data: Data | None) -> None:
    """Check models by name that were built one after the other, one name more than once.

    Args:
        built: names, and what was built for them.
        data: what they are trained on; without it their output is not looked at.

    Raises:
        ModelError: an output does not fit, a model has no parameters, or two share parameters.
    """
    seen: set[int] = set()
    for name, model in built:
        if data is not None:
            check_output(name, model, data)
        check_is_new(f"variant {name!r}", model, seen)
