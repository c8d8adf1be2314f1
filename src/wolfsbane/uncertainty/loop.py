"""A loop: one forward pass a sample. It runs whatever the model runs."""

import torch
from torch import Tensor

from wolfsbane.uncertainty.masks import Window
from wolfsbane.uncertainty.passes import Passes


def run(passes: Passes, samples: range) -> Tensor:
    """Return the outputs of samples, (k, *)."""
    return torch.stack([passes.run(Window(sample)) for sample in samples])
