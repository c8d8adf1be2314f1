"""What a rule sees of a model that exists."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.operation import Tape

if TYPE_CHECKING:
    from torch.nn import Module
    from torch.optim import Optimizer


@dataclass(frozen=True, eq=False)
class ModelView:
    """A model, and what else check_model was given.

    Args:
        model: the model. Rules only read.
        layers: all its modules, each once, in the order of `named_modules()`, the root first.
        tape: the operations of a forward pass in evaluation; None without example inputs, or where
            the model did not run.
        loss: the loss module or function, if given; `loss_kind` is the vocabulary's word for it.
        optimizer: the optimizer, if given.
        loader: the data loader, if given.
    """

    model: "Module"
    layers: Sequence[Layer]
    tape: Tape | None = None
    loss: Any = None
    loss_kind: str | None = None
    optimizer: "Optimizer | None" = None
    loader: Iterable[Any] | None = None

    def of_kind(self, kinds: Iterable[str]) -> list[Layer]:
        """Return the layers of these kinds."""
        wanted = frozenset(kinds)
        return [layer for layer in self.layers if layer.kind in wanted]

    def children_of(self, layer: Layer) -> list[Layer]:
        """Return the layers that hang directly below a layer, in their order."""
        return [child for child in self.layers if child.parent == layer.path and child is not layer]
