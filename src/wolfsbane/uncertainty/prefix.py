"""The deterministic prefix once: torch.func.vmap over the samples' numbers.

A tensor has a dimension for the samples from the first drop on that it depends on. Whatever comes
before is computed once for all of them, and the rest for all of them at once.
"""

import functools
import warnings

import torch
from torch import Tensor

from wolfsbane.uncertainty.masks import Window
from wolfsbane.uncertainty.passes import Passes


def run(passes: Passes, samples: range) -> Tensor:
    """Return the outputs of samples, (k, *)."""

    def of_one(index: Tensor) -> Tensor:
        return passes.run(Window(samples.start, len(samples), index))

    index = torch.arange(samples.start, samples.stop, device=passes.device)
    with warnings.catch_warnings():
        # An operator without a rule of its own is run for each sample: right, and slow.
        warnings.filterwarnings("ignore", message="There is a performance drop")
        output: Tensor = torch.func.vmap(of_one, randomness="different")(index)
    return output


@functools.cache
def warm_up() -> None:
    """Load what vmap loads at its first use, so that a trial's time does not show it."""
    torch.func.vmap(torch.neg)(torch.zeros(1))
