"""The models of a run: those it was told to watch, or those that turn out to train."""

import weakref
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from torch.nn import Module
from torch.optim import Optimizer

from wolfsbane.audit.finding import Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.layers import layers_of
from wolfsbane.audit.run.observer import Watched

WRAPPERS = {
    "OptimizedModule": "_orig_mod",
    "DataParallel": "module",
    "DistributedDataParallel": "module",
}
"""Classes that run another module, and the attribute that holds it."""


@dataclass(eq=False)
class Tracked:
    """What is counted about a watched model.

    Args:
        watched: the model, as observers see it.
        trains: whether it is certain to: a backward pass followed its forward.
        step: steps of its optimizer that are finished.
        num_forwards, num_backwards: since its last step.
        num_evaluations: forward passes without gradients so far.
        called: submodules that were called from outside since its last step, by id.
    """

    watched: Watched
    trains: bool
    step: int = 0
    num_forwards: int = 0
    num_backwards: int = 0
    num_evaluations: int = 0
    has_pending_forward: bool = False
    called: dict[int, int] = field(default_factory=dict)
    by_module: dict[int, Layer] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._index()

    def refresh(self) -> None:
        """Find the layers again if modules were added, taken out, or made (lazy ones)."""
        known = {id(layer.module): type(layer.module) for layer in self.watched.layers}
        now = {id(module): type(module) for module in self.watched.model.modules()}
        if known != now or self._kinds != now:
            old = {
                (id(layer.module), layer.path, layer.kind): layer for layer in self.watched.layers
            }
            new = layers_of(self.watched.model)
            self.watched.layers = [
                old.get((id(layer.module), layer.path, layer.kind), layer) for layer in new
            ]
            self._index()

    def counts(self, module: Module, grad: bool) -> bool:
        """Count a call; parts of a model that are called one by one are one forward pass."""
        if not grad:
            self.num_evaluations += 1
            return True
        self.called[id(module)] = times = self.called.get(id(module), 0) + 1
        if times <= self.num_forwards:
            return False
        self.num_forwards = times
        return True

    @property
    def has_trained(self) -> bool:
        """Whether it was called with gradients."""
        return self.step > 0 or self.num_forwards > 0

    def steps(self) -> None:
        """Count a step of the optimizer."""
        self.step += 1
        self.num_forwards = self.num_backwards = 0
        self.called.clear()

    def _index(self) -> None:
        self.by_module = {id(layer.module): layer for layer in self.watched.layers}
        self._kinds = {id(layer.module): type(layer.module) for layer in self.watched.layers}
        self.parameters = {id(parameter) for parameter in self.watched.model.parameters()}

    def layer_of(self, module: Module) -> Layer | None:
        """Return the layer that a module is."""
        return self.by_module.get(id(module))

    def is_trained_by(self, optimizer: Optimizer) -> bool:
        """Whether an optimizer has parameters of this model."""
        return any(
            id(parameter) in self.parameters
            for group in optimizer.param_groups
            for parameter in group["params"]
        )


class Registry:
    """All models of a run.

    Args:
        models: to watch; None: whatever turns out to train.
    """

    def __init__(self, models: Sequence[Module] | None) -> None:
        self.is_open = models is None
        self._tracked: dict[int, Tracked] = {}
        for model in models or ():
            root = looked_through(model)
            self._tracked[id(root)] = Tracked(Watched(root, layers_of(root)), trains=True)

    def __iter__(self) -> Iterator[Tracked]:
        return iter(tuple(self._tracked.values()))

    def watched(self) -> list[Watched]:
        """Return the models that train, in the order in which they were first called."""
        return [tracked.watched for tracked in self if tracked.trains]

    def of_root(self, root: Module) -> Tracked | None:
        """Return the model that a module is, or else the one that it is a part of."""
        exact = self._tracked.get(id(root))
        if exact is not None or not self._tracked:
            return exact
        return next((each for each in self if id(root) in each.by_module), None)

    def candidate(self, root: Module) -> Tracked | None:
        """Take a module in that is called with gradients, if it has something to train."""
        if not self.is_open or not any(each.requires_grad for each in root.parameters()):
            return None
        tracked = Tracked(Watched(root, layers_of(root)), trains=root.training)
        self._tracked[id(root)] = tracked
        return tracked

    def name_all(self) -> None:
        """Name the models, where there are several: by their class, with a number if need be."""
        watched = self.watched()
        if len(watched) < 2:  # noqa: PLR2004  # one model needs no name
            return
        kinds = [type(each.model).__name__ for each in watched]
        for number, (each, kind) in enumerate(zip(watched, kinds, strict=True)):
            nth = f" {kinds[: number + 1].count(kind)}" if kinds.count(kind) > 1 else ""
            each.name = f"{kind}{nth}"


def looked_through(module: Module) -> Module:
    """Return the module that a wrapper runs, such as a compiled one's original."""
    attribute = WRAPPERS.get(type(module).__name__)
    inner = getattr(module, attribute, None) if attribute else None
    return looked_through(inner) if isinstance(inner, Module) else module


class ModeLog:
    """Modes that were set before it was known which models train: the last for each module."""

    def __init__(self) -> None:
        self._set: dict[int, tuple[weakref.ref[Module], bool, Place]] = {}

    def add(self, module: Module, training: bool, place: Place) -> None:
        """Note that a mode was set."""
        self._set.pop(id(module), None)
        self._set[id(module)] = (weakref.ref(module), training, place)

    def of(self, tracked: Tracked) -> Iterator[tuple[Layer, bool, Place]]:
        """Yield what was set on a model's layers, or on what holds the model, oldest first."""
        for held, training, place in tuple(self._set.values()):
            module = held()
            layer = None if module is None else layer_reached(tracked, module)
            if layer is not None:
                yield layer, training, place


def layer_reached(tracked: Tracked, module: Module) -> Layer | None:
    """Return the layer of a model whose mode is set when a module's is: the root within others."""
    layer = tracked.layer_of(module)
    if layer is not None:
        return layer
    root = tracked.watched.model
    return tracked.layer_of(root) if any(each is root for each in module.modules()) else None
