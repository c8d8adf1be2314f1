"""What a batch may be, and how a model is called with one."""

from collections.abc import Iterable, Mapping
from typing import Any

from torch import Tensor
from torch.nn import Module

from wolfsbane.errors import ArgumentTypeError


def call(model: Module, batch: Any) -> Any:
    """Call a model with a batch: a tensor, a tuple or list that begins with one, or a dict.

    Raises:
        ArgumentTypeError: it is something else.

    Examples:
        >>> import torch
        >>> call(torch.nn.Identity(), (torch.ones(2), "labels"))
        tensor([1., 1.])
    """
    if isinstance(batch, Mapping):
        return model(**batch)
    if isinstance(batch, (tuple, list)) and batch:
        return model(batch[0])
    if isinstance(batch, Tensor):
        return model(batch)
    said = f"an empty {type(batch).__name__}" if isinstance(batch, (tuple, list)) else repr(batch)
    raise ArgumentTypeError(
        "a batch has to be a tensor, a tuple or list whose first element is the model's input, or "
        f"a dict of keyword arguments, but got {said[:80]}. Say how the model is called with it: "
        "forward=lambda model, batch: model(...)"
    )


def check_batches(batches: object) -> None:
    """Raise unless `batches` can be a collection of batches: one tensor is not.

    Raises:
        ArgumentTypeError: it is not iterable, or it is one batch.
    """
    expected = f"batches has to be an iterable of batches, but got {type(batches).__name__}"
    if isinstance(batches, (Tensor, Mapping)):
        raise ArgumentTypeError(f"{expected}. One batch is a list of one: [batch]")
    if isinstance(batches, (str, bytes)) or not isinstance(batches, Iterable):
        advice = "Call it" if callable(batches) else "Pass a DataLoader, a list or a generator"
        if not hasattr(batches, "__getitem__") or isinstance(batches, (str, bytes)):
            raise ArgumentTypeError(f"{expected}. {advice}")
