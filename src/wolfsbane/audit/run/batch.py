"""The last batch that a model was trained on, and the loss that was computed from its output."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.functions import Tracks, tensors_in
from wolfsbane.audit.vocabulary import LOSSES

RESHAPES = frozenset(
    {"view", "reshape", "squeeze", "unsqueeze", "flatten", "contiguous", "view_as", "__getitem__"}
)
"""Kinds after which an output has the same numbers in the same order, if it has as many."""
AUTOCAST_DEVICES = ("cpu", "cuda")


@dataclass(frozen=True, eq=False)
class LossCall:
    """A call of a loss: what else it took than the model's output.

    Args:
        function: what was called.
        args, kwargs: its arguments; the one that `position` names is the output's.
        position: an index in args, or a name in kwargs.
        number: which of the output's tensors it took.
        shape: in which shape.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    position: int | str
    number: int
    shape: tuple[int, ...]

    def of(self, output: object) -> float:
        """Return the loss of another output of the model."""
        tensors = list(tensors_in(output))
        prediction = tensors[self.number].reshape(self.shape)
        args, kwargs = list(self.args), dict(self.kwargs)
        if isinstance(self.position, int):
            args[self.position] = prediction
        else:
            kwargs[self.position] = prediction
        return float(self.function(*args, **kwargs).mean())


@dataclass(eq=False)
class Batch:
    """A training batch, without its graph.

    Args:
        args, kwargs: what the model was called with.
        autocast: the devices for which autocast was on, and its type there.
        loss: how its loss was computed, once that is seen.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    autocast: Mapping[str, torch.dtype] = field(default_factory=dict)
    loss: LossCall | None = None

    @classmethod
    def of(cls, args: tuple[Any, ...], kwargs: dict[str, Any]) -> "Batch":
        """Return what a model is being called with."""
        on = {
            kind: torch.get_autocast_dtype(kind)
            for kind in AUTOCAST_DEVICES
            if torch.is_autocast_enabled(kind)
        }
        return cls(detached(args), detached(kwargs), on)


def loss_call(
    function: Callable[..., Any],
    args: tuple[Any, ...],
    kwargs: Mapping[str, Any],
    output: object,
    tracks: Tracks,
) -> LossCall | None:
    """Return how a loss was computed from a model's output, if it was."""
    outputs = list(tensors_in(output))
    for position, value in _arguments(args, kwargs):
        number = next((n for n, each in enumerate(outputs) if _is_same(value, each, tracks)), None)
        if number is not None:
            shape = tuple(value.shape)
            return LossCall(function, detached(args), detached(kwargs), position, number, shape)
    return None


def own_loss(output: object) -> float | None:
    """Return the loss that a model computes itself: a scalar, alone or under the name `loss`."""
    loss = output.get("loss") if isinstance(output, Mapping) else getattr(output, "loss", output)
    if isinstance(loss, Tensor) and loss.numel() == 1 and loss.is_floating_point():
        return float(loss)
    return None


def is_loss(kind: str | None) -> bool:
    """Whether a kind of operation is a loss."""
    return kind in LOSSES


def detached(values: Any) -> Any:
    """Return nested tuples, lists and dicts with their tensors taken out of the graph."""
    with torch._C.DisableTorchFunction():  # noqa: SLF001  # it would be recorded; no public switch
        return _detached(values)


def _detached(values: Any) -> Any:
    if isinstance(values, Tensor):
        return values.detach()
    if type(values) in (tuple, list):
        return type(values)(map(_detached, values))
    if type(values) is dict:
        return {name: _detached(value) for name, value in values.items()}
    return values


def _arguments(
    args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> Iterator[tuple[int | str, Tensor]]:
    yield from ((position, each) for position, each in enumerate(args) if isinstance(each, Tensor))
    yield from ((name, each) for name, each in kwargs.items() if isinstance(each, Tensor))


def _is_same(value: Tensor, output: Tensor, tracks: Tracks) -> bool:
    """Whether a tensor is a model's output, or that in another shape."""
    if value is output:
        return True
    wanted, operation = tracks.maker_of(output), tracks.maker_of(value)
    while operation is not None and operation.kind in RESHAPES and operation is not wanted:
        operation = _single(operation.inputs)
    return operation is not None and operation is wanted and value.numel() == output.numel()


def _single(operations: tuple[Operation, ...]) -> Operation | None:
    return operations[0] if len(operations) == 1 else None
