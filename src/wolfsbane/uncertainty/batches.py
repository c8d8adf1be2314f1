"""What a model is called with: a batch as a tensor, a tuple or a dict, and many of them."""

import operator
from collections.abc import Callable, Iterable, Iterator
from typing import Any, cast

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError, ShapeError

Batch = Any
"""A tensor, a tuple or list of arguments, or a dict of keyword arguments."""

Forward = Callable[[torch.nn.Module, Batch], Tensor]


def call(model: torch.nn.Module, batch: Batch) -> Tensor:
    """Call a model with a batch."""
    if isinstance(batch, tuple | list):
        return cast("Tensor", model(*batch))
    if _is_dict(batch):
        return cast("Tensor", model(**batch))
    return cast("Tensor", model(batch))


def batches(inputs: Any, batch_size: int | None, whole: bool) -> Iterator[Batch]:
    """Return the batches of inputs: cut to a size, or as an iterable gives them.

    Args:
        inputs: one batch, or an iterable of them.
        batch_size: rows of a part, at most.
        whole: keep all of a tuple that an iterable gives, not only its first element.

    Raises:
        ArgumentError, ArgumentTypeError: they are not what they have to be.
    """
    if batch_size is not None and (
        isinstance(batch_size, bool) or not isinstance(batch_size, int) or batch_size < 1
    ):
        raise ArgumentError(
            f"batch_size has to be a positive integer or None, but got {batch_size!r}. None takes "
            "the inputs as one batch"
        )
    if isinstance(inputs, Tensor | tuple) or _is_dict(inputs):
        num_rows(inputs)
        return cut(inputs, batch_size)
    if isinstance(inputs, str | bytes) or not isinstance(inputs, Iterable):
        raise ArgumentTypeError(
            "inputs have to be a tensor, a tuple of arguments, a dict of keyword arguments, or an "
            f"iterable of such batches, but got {inputs!r} (of type {type(inputs).__name__})"
        )
    given = inputs if whole else map(_model_input, inputs)
    return (part for batch in given for part in cut(batch, batch_size))


def _model_input(batch: Batch) -> Batch:
    """Return what the model is called with, of a batch that may hold labels after it."""
    return batch[0] if isinstance(batch, tuple | list) and batch else batch


def cut(batch: Batch, size: int | None) -> Iterator[Batch]:
    """Yield parts of a batch, at most `size` rows each."""
    rows = num_rows(batch)
    if size is None or rows <= size:
        yield batch
        return
    for first in range(0, rows, size):
        yield mapped(operator.itemgetter(slice(first, first + size)), batch)


def mapped(function: Callable[[Tensor], Tensor], batch: Batch) -> Batch:
    """Return a batch with each tensor that has rows changed; the rest is passed on."""
    if isinstance(batch, tuple | list):
        return tuple(mapped(function, part) for part in batch)
    if _is_dict(batch):
        return {name: mapped(function, part) for name, part in batch.items()}
    return function(batch) if isinstance(batch, Tensor) and batch.dim() else batch


def tensors(batch: Batch) -> list[Tensor]:
    """Return the tensors of a batch that have rows."""
    found: list[Tensor] = []

    def note(tensor: Tensor) -> Tensor:
        found.append(tensor)
        return tensor

    mapped(note, batch)
    return found


def num_rows(batch: Batch) -> int:
    """Return the size of a batch: of its tensors' first dimension.

    Raises:
        ArgumentTypeError: there is no tensor with a dimension in it.
        ShapeError: its tensors differ in their first dimension.
    """
    sizes = [tensor.size(0) for tensor in tensors(batch)]
    if not sizes:
        raise ArgumentTypeError(
            "a batch has to hold a tensor whose first dimension is the batch, but got "
            f"{type(batch).__name__} without one"
        )
    if len(set(sizes)) > 1:
        raise ShapeError(
            "the tensors of a batch have to agree in their first dimension, the batch, but have "
            f"sizes {', '.join(map(str, sizes))}. What does not belong to the batch goes into "
            "forward: mc_dropout(model, x, forward=lambda model, x: model(x, table))"
        )
    return sizes[0]


def _is_dict(batch: Batch) -> bool:
    """Whether a batch is a mapping; transformers' BatchEncoding is one, and no dict."""
    return hasattr(batch, "keys") and hasattr(batch, "items")
