"""What a model makes of examples, in evaluation mode."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor

from wolfsbane.experiment.data import Examples

EVALUATION_BATCH = 1024


@contextmanager
def evaluation_mode(model: torch.nn.Module) -> Iterator[None]:
    """Put every submodule in evaluation mode, and back in the mode it was in."""
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            yield
    finally:
        for module, training in modes:
            module.training = training


def predict(model: torch.nn.Module, examples: Examples) -> Tensor:
    """Return the logits of all examples, in batches."""
    return torch.cat([logits_of(model, x) for x in examples.x.split(EVALUATION_BATCH)])


def logits_of(model: torch.nn.Module, x: Tensor) -> Any:
    """Return the logits of a batch on the CPU, wherever the model is."""
    logits = model(x.to(next(model.parameters(), x).device))
    return logits.cpu() if isinstance(logits, Tensor) else logits
