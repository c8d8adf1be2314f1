"""Recurrent nets taken apart into layers, so that the dropout in between has a mask of ours."""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from wolfsbane.errors import UnsupportedError
from wolfsbane.uncertainty.masks import Masks

PLACE_OF_WEIGHTS = 2
"""In the arguments for a padded input; for a packed one batch_sizes come before."""


def between_layers(function: Any) -> Callable[..., Any]:
    """Return the handler of torch.lstm, torch.gru, torch.rnn_tanh or torch.rnn_relu."""

    def handle(masks: Masks, *args: Any) -> Any:
        packed = not isinstance(args[PLACE_OF_WEIGHTS], list | tuple)
        place = PLACE_OF_WEIGHTS + packed
        num_layers, dropout = args[place + 2], args[place + 3]
        if num_layers == 1 or dropout == 0:
            return function(*args)
        _check_rows(masks, function, packed, args)
        return _run(function, masks, args, place)

    return handle


def _check_rows(masks: Masks, function: Any, packed: bool, args: tuple[Any, ...]) -> None:
    if masks.needs_rows and (packed or not args[-1]):
        what = "a PackedSequence" if packed else "batch_first=False"
        raise UnsupportedError(
            f"consistent=True and strategy='replicate' need the batch as first dimension of "
            f"whatever is dropped, and {function.__name__} has it elsewhere with {what}. Build the "
            "layer with batch_first=True and give it a padded tensor"
        )


def _run(function: Any, masks: Masks, args: tuple[Any, ...], place: int) -> Any:
    """Run layer after layer, as torch does, and drop elements of what goes to the next."""
    input, sizes = args[0], args[1 : place - 1]
    state, weights, bias, num_layers, dropout, _, bidirectional, *layout = args[place - 1 :]
    is_lstm = isinstance(state, list | tuple)
    states = list(state) if is_lstm else [state]
    directions = 2 if bidirectional else 1
    num_weights = len(weights) // num_layers
    final: list[tuple[Tensor, ...]] = []
    for layer in range(num_layers):
        rows = slice(layer * directions, (layer + 1) * directions)
        own = [each[rows].contiguous() for each in states]
        own_weights = list(weights[layer * num_weights : (layer + 1) * num_weights])
        given = (own if is_lstm else own[0], own_weights, bias, 1, 0.0, False, bidirectional)
        input, *last = function(input, *sizes, *given, *layout)
        final.append(tuple(last))
        if layer + 1 < num_layers:
            input = masks.zero(input, dropout)
    return input, *(torch.cat(parts) for parts in zip(*final, strict=True))
