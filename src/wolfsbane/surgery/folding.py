"""Batch norms taken into the weights of the layers beside them, for inference."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch.nn import Identity, Module, Parameter
from torch.nn.modules.batchnorm import _BatchNorm
from torch.optim import Optimizer

from wolfsbane.anatomy.example import Inputs, as_inputs
from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.surgery.checking.retracing import Retracing
from wolfsbane.surgery.checking.verification import Part, Verification
from wolfsbane.surgery.fold_conditions import Conditions, named, obstacle_of_norm
from wolfsbane.surgery.folded_norm import WITH_ACTIVATION, rest_of, state_names
from wolfsbane.surgery.folded_weights import (
    LAYERS,
    Weights,
    fold_before,
    fold_behind,
    is_exact_before,
    num_inputs,
    weights_of,
)
from wolfsbane.surgery.graphs.graph import Graph
from wolfsbane.surgery.graphs.surroundings import Surroundings
from wolfsbane.surgery.graphs.symbolic import is_timm_batch_norm_act
from wolfsbane.surgery.graphs.tracing import read_graph
from wolfsbane.surgery.planning.changes import Change, Replace, SetParameter
from wolfsbane.surgery.planning.optimizers import check_optimizers
from wolfsbane.surgery.planning.plan import Kept, Plan

FOR_INFERENCE = (
    "the folded model is for inference: in training it has no batch norm, nor its dropout"
)


@explain_unknown_arguments
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
    weights are another's too; where a hook sees what is between; and, unless `example_inputs` show
    the shapes, beside a Linear, whose features are the second dimension of two only, and beside a
    convolution of one dimension, whose channels are the second only where there is a batch.

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
        ArgumentTypeError, ArgumentError: the example or the optimizers are not what is expected.
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
        verify=Verification(
            modes=(False,),
            parts=lambda: [_part(fold, finder.around.path(fold.layer)) for fold in folds],
            places=tuple(fold.modules for fold in folds),
            inputs=inputs,
            retracing=Retracing(finder.graph, _became(folds)),
            stale=lambda: _stale(folds, Surroundings(model)),
        ),
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
        self.conditions = Conditions(graph, around)

    def look_at(self, norm: Module) -> None:
        """Fold a batch norm into the layer before it, else behind it, or say why not."""
        why = obstacle_of_norm(norm) or self._fold(norm)
        if why is not None:
            self.kept.append(Kept(self.around.path(norm), type(norm).__name__, why))

    def _fold(self, norm: Module) -> str | None:
        earlier = self.graph.predecessor(norm, training=False)
        why = earlier.why
        if earlier.module is not None:
            why_not = self.conditions.obstacle(norm, earlier.module, [earlier.module, norm])
            if why_not is None:
                return self._take_in(norm, earlier.module, is_before=False)
            why = why_not
        if type(norm) in WITH_ACTIVATION or is_timm_batch_norm_act(norm):
            return why
        later = self.graph.successor(norm, training=False).module
        if later is None or type(later) not in LAYERS:
            return why
        why_not = self.conditions.obstacle(norm, later, [norm, later]) or is_exact_before(later)
        if why_not is None:
            return self._take_in(norm, later, is_before=True)
        return f"{why}; and {named(later)} behind it: {why_not}"

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
        fold.rests[id(norm)] = rest_of(norm)
        self.folds[id(layer)] = fold
        return None


def _became(folds: list[Fold]) -> dict[int, tuple[Module, ...]]:
    rests = {key: rest for fold in folds for key, rest in fold.rests.items()}
    return {key: () if type(rest) is Identity else (rest,) for key, rest in rests.items()}


def _stale(folds: list[Fold], around: Surroundings) -> str | None:
    """Return why a batch norm of a plan can no longer be folded."""
    for fold in folds:
        found = [obstacle_of_norm(norm) for norm in fold.norms]
        found += [around.hooked(fold.modules), around.listed(fold.modules)]
        why = next(filter(None, found), None)
        if why is not None:
            return why
    return None


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
        yield SetParameter(
            path=path,
            paths=around.members[id(layer)].paths,
            before=before,
            after=after,
            added=(name,) if old is None else (),
            owner=layer,
            name=name,
            old=old,
            new=new,
        )
    for norm in fold.norms:
        member = around.members[id(norm)]
        rest = fold.rests[id(norm)]
        yield Replace(
            path=member.path,
            paths=member.paths,
            before=f"{type(norm).__module__.partition('.')[0]}.nn.{type(norm).__name__}",
            after=f"torch.nn.{type(rest).__name__}",
            slots=member.slots,
            old=norm,
            new=rest,
            keys=dict.fromkeys(state_names(norm)),
        )


def _part(fold: Fold, path: str) -> Part:
    return Part(
        name=f"the layer at {path}",
        before=torch.nn.Sequential(*fold.modules),
        after=_folded(fold),
        places=fold.modules,
        inputs=_random_input(fold.layer),
    )


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
