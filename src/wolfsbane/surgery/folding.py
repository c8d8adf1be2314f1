"""Batch norms taken into the weights of the layers beside them, for inference."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import Module, Parameter
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from wolfsbane import nn
from wolfsbane.surgery.changes import Change, Replace, SetParameter
from wolfsbane.surgery.example import Inputs, as_inputs
from wolfsbane.surgery.folded_weights import (
    LAYERS,
    Weights,
    fold_before,
    fold_behind,
    is_exact_before,
    num_inputs,
    num_outputs,
    weights_of,
)
from wolfsbane.surgery.graph import Graph
from wolfsbane.surgery.optimizers import check_optimizers
from wolfsbane.surgery.plan import Kept, Plan
from wolfsbane.surgery.succession import own_behaviour
from wolfsbane.surgery.surroundings import Surroundings
from wolfsbane.surgery.tracing import read_graph
from wolfsbane.surgery.trial import Trial

WITH_ACTIVATION = (nn.BatchNormAct1d, nn.BatchNormAct2d, nn.BatchNormAct3d)

BATCH_NORMS = (
    *(torch.nn.BatchNorm1d, torch.nn.BatchNorm2d, torch.nn.BatchNorm3d, torch.nn.SyncBatchNorm),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.SyncBatchNorm),
    *WITH_ACTIVATION,
)

ACTIVATIONS: dict[str, Callable[[float], Module]] = {
    "identity": lambda _: torch.nn.Identity(),
    "relu": lambda _: torch.nn.ReLU(),
    "leaky_relu": torch.nn.LeakyReLU,
    "sigmoid": lambda _: torch.nn.Sigmoid(),
    "tanh": lambda _: torch.nn.Tanh(),
    "gelu": lambda _: torch.nn.GELU(),
    "gelu_tanh": lambda _: torch.nn.GELU("tanh"),
    "silu": lambda _: torch.nn.SiLU(),
    "elu": torch.nn.ELU,
    "hardswish": lambda _: torch.nn.Hardswish(),
    "mish": lambda _: torch.nn.Mish(),
}
"""What is left of a BatchNormAct, by its activation's name, from the activation's parameter."""

IN_TRAINING = "it is in training mode: call model.eval() first"

FOR_INFERENCE = (
    "the folded model is for inference: in training it has no batch norm, nor its dropout"
)


def fold_batchnorm(
    model: Module, example_inputs: Any = None, *, optimizers: Sequence[Optimizer] = ()
) -> Plan:
    r"""Plan batch norms in evaluation mode to be taken into the layers beside them.

    With $s = \gamma / \sqrt{\sigma^2 + \epsilon}$ and $t = \beta - \mu s$ per channel, a layer
    $W x + b$ before the batch norm becomes $(s W) x + (s b + t)$, and one behind it
    $(W s) x + (b + W t)$. The new weights are computed in float64 and rounded once.

    The layer is a Linear, or a convolution or transposed convolution of one to three dimensions,
    grouped or not, with or without bias (without, it gets one: a new name in the state_dict). The
    batch norm is torch.nn's or ours; its place is taken by `torch.nn.Identity`, or by its
    activation, and its names leave the state_dict. A convolution behind a batch norm must not pad
    with zeros: the edges would differ.

    A batch norm is left as it is, with the reason, where it is in training mode; where it or the
    layer is called more than once, or anything else takes what is between them; where the layer's
    weights are another's too; where a hook sees what is between; and beside a Linear, unless
    `example_inputs` show an input of two dimensions: with more, the Linear's features are the last
    dimension, and the batch norm's channels the second.

    `plan.apply()` compares outputs in evaluation mode: of each pair on random input, and with
    `example_inputs` of the whole model. Afterwards the model is for inference.

    Args:
        model: any model, in evaluation mode.
        example_inputs: what the model is called with: a tensor, a tuple of positional arguments or
            a dict of keyword arguments. Default: none.
        optimizers: those that train the model; new weights take the old ones' places in them.

    Returns:
        A plan; `plan.apply()` folds.

    Raises:
        ArgumentTypeError, ArgumentError: the example or the optimizers are not what they have to be.
        ModelError: the model does not run on the example.

    Examples:
        >>> model = torch.nn.Sequential(
        ...     torch.nn.Conv2d(3, 8, 3, bias=False), torch.nn.BatchNorm2d(8), torch.nn.ReLU()
        ... )
        >>> plan = fold_batchnorm(model.eval(), torch.randn(2, 3, 9, 9))
        >>> plan.added_keys
        ['0.bias']
        >>> undo = plan.apply()
        >>> [type(layer).__name__ for layer in model]
        ['Conv2d', 'Identity', 'ReLU']

    References:
        Jacob et al. 2018, arXiv:1712.05877, section 3.2.
    """
    trained = check_optimizers(model, optimizers)
    inputs = as_inputs(example_inputs)
    finder = _Finder(read_graph(model, inputs, modes=(False,)), Surroundings(model))
    for member in finder.around.members.values():
        if isinstance(member.module, _BatchNorm):
            finder.look_at(member.module)
    folds = list(finder.folds.values())
    made = {id(fold): fold.parameters() for fold in folds}
    return Plan(
        verb="fold_batchnorm",
        model=model,
        changes=tuple(c for fold in folds for c in _changes(fold, made[id(fold)], finder.around)),
        kept=tuple(finder.kept),
        notes=(*finder.graph.notes, *([FOR_INFERENCE] if folds else [])),
        optimizers=trained,
        successors={
            old: made[id(fold)][name]
            for fold in folds
            for name, old in fold.layer._parameters.items()  # noqa: SLF001
            if old is not None
        },
        beside={
            made[id(fold)]["bias"]: made[id(fold)]["weight"]
            for fold in folds
            if fold.layer._parameters["bias"] is None  # noqa: SLF001
        },
        verify=_Verification(folds, finder.around, inputs),
    )


@dataclass(eq=False)
class Fold:
    """A layer, the batch norms that it takes in, and the weights that it gets by that."""

    layer: Module
    weights: Weights
    before: Module | None = None
    behind: Module | None = None
    rests: dict[int, Module] = field(default_factory=dict)

    @property
    def norms(self) -> list[Module]:
        """The batch norms that are taken in."""
        return [norm for norm in (self.before, self.behind) if norm is not None]

    @property
    def modules(self) -> tuple[Module, ...]:
        """Layer and batch norms, in the order of the forward pass."""
        return tuple(m for m in (self.before, self.layer, self.behind) if m is not None)

    def parameters(self) -> dict[str, Parameter]:
        """Return new parameters, rounded to the layer's dtype, in its memory format."""
        old: Any = self.layer._parameters["weight"]  # noqa: SLF001
        weight = torch.empty_like(old, requires_grad=False).copy_(self.weights.weight)
        bias = self.weights.bias.to(old.device, old.dtype)
        frozen = self.layer._parameters["bias"]  # noqa: SLF001
        wants = old.requires_grad if frozen is None else frozen.requires_grad
        return {
            "weight": Parameter(weight, requires_grad=old.requires_grad),
            "bias": Parameter(bias, requires_grad=wants),
        }


class _Finder:
    """Finds what can be folded, and the reasons why the rest cannot."""

    def __init__(self, graph: Graph, around: Surroundings) -> None:
        self.graph = graph
        self.around = around
        self.folds: dict[int, Fold] = {}
        self.kept: list[Kept] = []
        self._holders: dict[int, int] = {}
        for member in around.members.values():
            for parameter in member.module._parameters.values():  # noqa: SLF001
                self._holders[id(parameter)] = self._holders.get(id(parameter), 0) + 1

    def look_at(self, norm: Module) -> None:
        """Fold a batch norm into the layer before it, else behind it, or say why not."""
        why = _obstacle_of_norm(norm) or self._fold(norm)
        if why is not None:
            self.kept.append(Kept(self.around.path(norm), type(norm).__name__, why))

    def _fold(self, norm: Module) -> str | None:
        earlier = self.graph.predecessor(norm, training=False)
        why = earlier.why
        if earlier.module is not None:
            why_not = self._obstacle(norm, earlier.module, [earlier.module, norm])
            if why_not is None:
                return self._take_in(norm, earlier.module, is_before=False)
            why = why_not
        if type(norm) in WITH_ACTIVATION:
            return why
        later = self.graph.successor(norm, training=False).module
        if later is None or type(later) not in LAYERS:
            return why
        why_not = self._obstacle(norm, later, [norm, later]) or is_exact_before(later)
        if why_not is None:
            return self._take_in(norm, later, is_before=True)
        return f"{why}; and {_named(later)} behind it: {why_not}"

    def _take_in(self, norm: Module, layer: Module, *, is_before: bool) -> str | None:
        fold = self.folds.get(id(layer)) or Fold(layer, weights_of(layer))
        fold_in = fold_before if is_before else fold_behind
        weights = fold_in(layer, fold.weights, norm)
        dtype: Any = layer._parameters["weight"].dtype  # type: ignore[union-attr]  # noqa: SLF001
        if not all(t.to(dtype).isfinite().all() for t in (weights.weight, weights.bias)):
            return f"the folded weights are too large for {dtype}"
        fold.weights = weights
        if is_before:
            fold.before = norm
        else:
            fold.behind = norm
        fold.rests[id(norm)] = _rest(norm)
        self.folds[id(layer)] = fold
        return None

    def _obstacle(self, norm: Any, layer: Any, order: list[Module]) -> str | None:
        """Return why a batch norm and the layer beside it cannot be one, or None."""
        if type(layer) not in LAYERS:
            return f"beside it is {_named(layer)}, into which nothing can be folded"
        weight = layer._parameters.get("weight")  # noqa: SLF001
        if type(weight) is not Parameter or not weight.is_floating_point():
            return f"the weight of {_named(layer)} is not a plain floating-point parameter"
        channels = num_inputs(layer) if order[0] is norm else num_outputs(layer)
        if channels != norm.num_features:
            return f"{_named(layer)} has {channels} channels there, and it {norm.num_features}"
        if weight.device != norm.running_var.device or weight.is_meta:
            return f"{_named(layer)} is on another device, or without numbers"
        return (
            own_behaviour(layer, type(layer))
            or self._obstacle_of_shape(norm, layer)
            or self._obstacle_of_sharing(layer)
            or self.around.hooked(order)
            or self.around.listed(order)
        )

    def _obstacle_of_shape(self, norm: Module, layer: Module) -> str | None:
        """Return why a batch norm's channels may not be the layer's: dimension 1 of the input."""
        shapes = self.graph.shapes.get(id(norm), ())
        if isinstance(layer, torch.nn.Linear):
            if not shapes:
                return (
                    "beside it is a Linear, whose features are the last dimension and not the "
                    "second unless the input has two: pass example_inputs to show that"
                )
            expected = 2
        else:
            expected = len(layer._parameters["weight"].shape)  # type: ignore[union-attr]  # noqa: SLF001
        for shape in shapes:
            if len(shape) != expected:
                return (
                    f"its input {tuple(shape)} has its channels in dimension 1, and "
                    f"{_named(layer)} has them elsewhere"
                )
        return None

    def _obstacle_of_sharing(self, layer: Module) -> str | None:
        if len(self.around.members[id(layer)].slots) > 1:
            return f"{_named(layer)} hangs in several places of the model"
        for name, parameter in layer._parameters.items():  # noqa: SLF001
            if parameter is not None and self._holders[id(parameter)] > 1:
                return f"the {name} of {_named(layer)} is another module's too"
        return None


def _obstacle_of_norm(norm: Any) -> str | None:
    if type(norm) not in BATCH_NORMS:
        return f"{type(norm).__module__}.{type(norm).__qualname__} is a class of its own"
    if "forward" in vars(norm):
        return "its forward was replaced on this object"
    if norm.running_mean is None or norm.running_var is None:
        return "it has no running statistics (track_running_stats=False)"
    if norm.training:
        return IN_TRAINING
    return None


def _rest(norm: Any) -> Module:
    """Return what is left of a batch norm that was folded: its activation, if it had one."""
    if type(norm) in WITH_ACTIVATION:
        return ACTIVATIONS[norm.activation.name](norm.activation.parameter)
    return torch.nn.Identity()


def _named(module: Module) -> str:
    return type(module).__name__


def _changes(
    fold: Fold, parameters: dict[str, Parameter], around: Surroundings
) -> Iterator[Change]:
    layer = fold.layer
    path = around.path(layer)
    names = " and ".join(around.path(norm) for norm in fold.norms)
    for name, new in parameters.items():
        old = layer._parameters[name]  # noqa: SLF001
        before = f"no {name}" if old is None else f"{name} {tuple(old.shape)}"
        after = f"{name} {tuple(new.shape)}, {names} folded in"
        yield SetParameter(path=path, before=before, after=after, owner=layer, name=name, old=old, new=new)
    for norm in fold.norms:
        member = around.members[id(norm)]
        rest = fold.rests[id(norm)]
        yield Replace(
            path=member.path,
            before=f"{type(norm).__module__.partition('.')[0]}.nn.{type(norm).__name__}",
            after=f"torch.nn.{type(rest).__name__}",
            slots=member.slots,
            old=norm,
            new=rest,
            keys=dict.fromkeys(_state_keys(norm)),
        )


def _state_keys(norm: Any) -> list[str]:
    kept_out = norm._non_persistent_buffers_set  # noqa: SLF001
    tensors = {**norm._parameters, **norm._buffers}  # noqa: SLF001
    return [name for name, value in tensors.items() if value is not None and name not in kept_out]


class _Verification:
    """Compares each layer with its batch norms, and the whole model on an example."""

    def __init__(self, folds: list[Fold], around: Surroundings, inputs: Inputs | None) -> None:
        self.folds = folds
        self.around = around
        self.inputs = inputs

    def __call__(self, model: Module) -> Callable[[Module], Iterable[str]]:
        pairs = [(self._of_fold(fold), _folded(fold)) for fold in self.folds]
        expected = [(trial, changed, trial.before()) for trial, changed in pairs]
        whole = self._of_model(model) if self.inputs is not None and self.folds else None
        expected_of_model = None if whole is None else whole.before()

        def check(changed_model: Module) -> Iterator[str]:
            for trial, changed, results in expected:
                trial.after(changed, results)
            if whole is not None and expected_of_model is not None:
                worst = whole.after(changed_model, expected_of_model)
                yield (
                    "checked on the example in evaluation mode: outputs differ by at most "
                    f"{worst:.2g}"
                )

        return check

    def _of_fold(self, fold: Fold) -> Trial:
        name = f"the layer at {self.around.path(fold.layer)}"
        model = torch.nn.Sequential(*fold.modules)
        return Trial(name, model, _random_input(fold.layer), (False,), (fold.modules,))

    def _of_model(self, model: Module) -> Trial:
        assert self.inputs is not None
        places = tuple(fold.modules for fold in self.folds)
        return Trial("the model", model, self.inputs, (False,), places)


def _folded(fold: Fold) -> Module:
    rests = [fold.rests[id(fold.behind)]] if fold.behind is not None else []
    return torch.nn.Sequential(fold.layer, *rests)


def _random_input(layer: Any) -> Inputs:
    """Return a small input: four samples, and along each dimension what the kernel needs."""
    shape = [4, num_inputs(layer)]
    if not isinstance(layer, torch.nn.Linear):
        padding = max(layer._reversed_padding_repeated_twice)  # noqa: SLF001
        reach = zip(layer.kernel_size, layer.dilation, strict=True)
        shape += [dilation * (size - 1) + 3 + padding for size, dilation in reach]
    generator = torch.Generator().manual_seed(0)
    values = torch.randn(shape, generator=generator) + 1
    return Inputs((values.to(layer.weight.device, layer.weight.dtype),))
