"""What a rule sees of a training run: events, as they happen.

A rule's observer overrides the events that it needs, keeps what it has to, and tells at the end.
It must not change anything: tensors are read under no_grad, nothing random is drawn, and what it
keeps are numbers, not tensors.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from wolfsbane.audit.finding import Finding, Place
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.operation import Operation

if TYPE_CHECKING:
    from torch import Tensor
    from torch.nn import Module
    from torch.optim import Optimizer


@dataclass(eq=False)
class Watched:
    """A model that is watched: one that trains.

    Args:
        model: its root.
        layers: all its modules, as in the model channel; those that are added later come in.
        name: what to call it in messages where several models train; "" where there is one. It is
            known when the run has ended.
    """

    model: "Module"
    layers: Sequence[Layer]
    name: str = ""

    def layer_of(self, module: "Module") -> Layer | None:
        """Return the layer that a module is, if it is one of this model."""
        return next((layer for layer in self.layers if layer.module is module), None)


@dataclass(frozen=True, eq=False)
class Forward:
    """A call of a watched model has begun (every call, whether sampled or not).

    Args:
        watched: the model.
        step: number of the training step, from 0: steps of the optimizer finished so far.
        grad: whether gradients are recorded: a training step where true. A validation that forgets
            no_grad has it too; what an optimizer's step has trained is told by on_step.
        is_sampled: whether this call's layers and operations are observed as well.
        inputs, kwargs: of the call, where known. Read, keep nothing.
    """

    watched: Watched
    step: int
    grad: bool
    is_sampled: bool
    inputs: tuple[Any, ...] = ()
    kwargs: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class LayerCall:
    """A layer of a watched model has been called (sampled calls only).

    Args:
        watched, layer: which; `layer` is None for a module that no watched model owns, such as one
            held in a plain list or made in forward: then `module` alone says what it is.
        module: the module that was called.
        kind: the vocabulary's word for it.
        inputs, kwargs, output: of the call. Read, keep nothing.
        step, grad: as in Forward.
        place: the user's line that called it, where known.
        within: the innermost layer of the watched model that was being called; None outside, where
            a loss module is called.
    """

    watched: Watched
    layer: Layer | None
    module: "Module"
    kind: str | None
    inputs: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    output: Any
    step: int
    grad: bool
    place: Place
    within: Layer | None = None


@dataclass(frozen=True, eq=False)
class OperationCall:
    """A torch function has been called in a sampled step, by the model or by the training loop.

    Args:
        watched: the model that trains, if one has been called yet in this step.
        operation: what was called; its inputs are known where they were made in the same step.
        tensors: the tensors it took, in order; for a loss the prediction and the target.
        output: what it returned.
        step, grad: as in Forward.
    """

    watched: Watched | None
    operation: Operation
    tensors: tuple["Tensor", ...]
    output: Any
    step: int
    grad: bool


@dataclass(frozen=True, eq=False)
class ModeSet:
    """train() or eval() has been called on a module of a watched model (every call).

    Args:
        watched, layer: whose mode was set; its submodules' with it.
        training: to which mode.
        step: in which step.
        place: the user's line that did it.
    """

    watched: Watched
    layer: Layer
    training: bool
    step: int
    place: Place


@dataclass(frozen=True, eq=False)
class Step:
    """The optimizer has finished a step (every step).

    Args:
        watched: the models it trains.
        optimizer: the optimizer.
        step: its number, from 0.
        num_forwards: calls of the model with gradients since the step before.
        num_backwards: calls of backward since the step before. An optimizer that evaluates a
            closure (LBFGS) has several of both without accumulating.
        is_sampled: whether layers and operations of it were observed.
    """

    watched: Sequence[Watched]
    optimizer: "Optimizer"
    step: int
    num_forwards: int
    num_backwards: int
    is_sampled: bool


@dataclass(frozen=True, eq=False)
class ModeGap:
    """The same batch has been put through a copy of the model in both modes.

    Args:
        watched: the model.
        step: when.
        train_loss, eval_loss: the run's own loss in each mode, where it could be computed.
        distance: relative distance between the outputs, ||eval - train|| / ||train||.
        responsible: layers, each with the loss (or distance) that is left when it alone stays in
            training mode in an evaluation; the most responsible first. Empty where the gap is
            narrow, and in the first 80 steps.
    """

    watched: Watched
    step: int
    train_loss: float | None
    eval_loss: float | None
    distance: float
    responsible: Sequence[tuple[Layer, float]] = ()


@dataclass(frozen=True, eq=False)
class Failure:
    """The run ended with an exception.

    Args:
        error: the exception.
        watched: the models that were watched so far.
        stack: the layers that were being called when it was raised, outermost first, with their
            inputs' shapes.
        place: the innermost line of the user's in its traceback.
        history: the last sampled operations, newest last, for tracing in-place changes.
    """

    error: BaseException
    watched: Sequence[Watched]
    stack: Sequence[tuple[Layer, tuple[tuple[int, ...], ...]]]
    place: Place
    history: Sequence[Operation] = field(default_factory=tuple)


class Observer:
    """Base of what a rule watches a run with. Override what is needed."""

    def on_forward(self, forward: Forward) -> None:
        """A watched model is called."""

    def on_layer(self, call: LayerCall) -> None:
        """A layer was called, in a sampled step."""

    def on_operation(self, call: OperationCall) -> None:
        """A torch function was called, in a sampled step."""

    def on_mode(self, event: ModeSet) -> None:
        """A mode was set."""

    def on_step(self, step: Step) -> None:
        """The optimizer has finished a step."""

    def on_mode_gap(self, gap: ModeGap) -> None:
        """Both modes were compared."""

    def on_failure(self, failure: Failure) -> None:
        """The run ended with an exception."""

    def findings(self) -> Iterator[Finding]:
        """Tell what was found, when the run has ended."""
        return iter(())
