"""What a rule sees of a model that exists."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from wolfsbane.audit.layer import Layer
from wolfsbane.audit.operation import Operation, Tape

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
        children = layer.module._modules.values()  # noqa: SLF001  # torch yields a shared one once
        return [self._by_module[id(child)] for child in children if child is not None]

    def layer_at(self, path: str) -> Layer | None:
        """Return the layer with this path, any of its paths."""
        return self._by_path.get(path)

    def layer_of(self, module: "Module") -> Layer | None:
        """Return the layer that a module is, if it is one of this model."""
        return self._by_module.get(id(module))

    def operations_in(self, layer: Layer) -> Sequence[Operation]:
        """Return the operations that ran in a layer itself, not in those below it."""
        return self._by_layer.get(id(layer), ())

    @cached_property
    def _by_path(self) -> Mapping[str, Layer]:
        return {path: layer for layer in self.layers for path in layer.paths}

    @cached_property
    def _by_module(self) -> Mapping[int, Layer]:
        return {id(layer.module): layer for layer in self.layers}

    @cached_property
    def _by_layer(self) -> Mapping[int, Sequence[Operation]]:
        found: dict[int, list[Operation]] = {}
        for operation in () if self.tape is None else self.tape.operations:
            found.setdefault(id(operation.layer), []).append(operation)
        return found
