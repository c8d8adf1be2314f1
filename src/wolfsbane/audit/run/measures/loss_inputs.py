"""What the losses of a run are given, step after step."""

from abc import abstractmethod
from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wolfsbane.audit.operation import Operation
from wolfsbane.audit.run.observer import Observer, OperationCall
from wolfsbane.audit.vocabulary import DROPOUTS, SHAPE_ONLY

if TYPE_CHECKING:
    from torch import Tensor

    from wolfsbane.audit.finding import Place

PASSED_THROUGH = SHAPE_ONLY | DROPOUTS


@dataclass(eq=False)
class LossSite:
    """One line of a program that computes a loss, and what was seen there.

    Args:
        loss: the operation, as first seen.
        origin: what made the prediction, where that ran in the same step.
        num_calls, num_suspicious: how often it was seen, and how often with a suspicious input.
        num_elements, num_zeros: of all predictions seen, and how many of them were exactly 0.
        num_classes: size of the class dimension.
        lowest: the lowest loss seen; None where it is no mean.
    """

    loss: Operation
    origin: Operation | None
    num_calls: int = 0
    num_suspicious: int = 0
    num_elements: int = 0
    num_zeros: int = 0
    num_classes: int = 1
    lowest: float | None = None

    @property
    def is_always_suspicious(self) -> bool:
        """Whether every input seen here was."""
        return 0 < self.num_calls == self.num_suspicious


class LossInputs(Observer):
    """Watches what the losses of some kinds are given. A subclass says what is suspicious."""

    losses: Collection[str] = ()
    through: Collection[str] = PASSED_THROUGH

    def __init__(self) -> None:
        self.sites: dict[Place, LossSite] = {}

    @abstractmethod
    def is_suspicious(self, prediction: "Tensor", site: LossSite) -> bool:
        """Whether this prediction should not go into the loss. It is detached and not empty."""

    def on_operation(self, call: OperationCall) -> None:
        """Look at a loss's prediction, where it trains something."""
        if call.operation.kind not in self.losses or not call.grad or not call.tensors:
            return
        prediction = call.tensors[0]
        if not prediction.requires_grad or not prediction.numel():
            return
        site = self.sites.get(call.operation.place)
        if site is None:
            origin = origin_of(call.operation, self.through)
            origin = None if origin is not None and origin.kind == "input" else origin
            site = self.sites[call.operation.place] = LossSite(call.operation, origin)
        if site.num_calls > site.num_suspicious:
            return
        site.num_calls += 1
        site.num_elements += prediction.numel()
        site.num_classes = prediction.shape[min(1, prediction.ndim - 1)] if prediction.ndim else 1
        site.lowest = _lowest(site, call.output)
        site.num_suspicious += self.is_suspicious(prediction.detach(), site)


def origin_of(operation: Operation, through: Collection[str] = PASSED_THROUGH) -> Operation | None:
    """Return what made an operation's first input, looking `through` some kinds."""
    while operation.inputs:
        operation = operation.inputs[0]
        if operation.kind not in through:
            return operation
    return None


def name_of(operation: Operation) -> str:
    """Name an operation in a message: its layer where it is one, else the function."""
    layer = operation.layer
    if layer is not None and layer.kind is not None:
        return str(layer)
    return f"{operation.kind}()"


def _lowest(site: LossSite, output: Any) -> float | None:
    """Return the lowest mean loss so far."""
    is_mean = site.loss.arguments.get("reduction", "mean") == "mean"
    if not is_mean or not hasattr(output, "numel") or output.numel() != 1:
        return None
    value = float(output.detach())
    return value if site.lowest is None else min(value, site.lowest)
