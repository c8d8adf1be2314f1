"""A layer of a model, as rules see it, in the model channel and in a run."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Place

if TYPE_CHECKING:
    from torch.nn import Module


@dataclass(frozen=True, eq=False)
class Layer:
    """A module of a model.

    Args:
        path: where it hangs, as in `model.named_modules()`; "" is the model itself.
        paths: all its paths, where it hangs in several places.
        module: the module.
        kind: the vocabulary's word for it ("dropout", "batch_norm", "linear"); None for what is
            none of them. A subclass of a known layer has that layer's kind.
        parent: path of the module that holds it.
    """

    path: str
    paths: tuple[str, ...]
    module: "Module"
    kind: str | None
    parent: str | None

    @property
    def place(self) -> Place:
        """Where a finding about this layer is."""
        return Place(module=self.path)

    def __str__(self) -> str:
        """As a message names it: Dropout 'encoder.drop', or the model (Net)."""
        name = type(self.module).__name__
        return f"{name} {self.path!r}" if self.path else f"the model ({name})"
