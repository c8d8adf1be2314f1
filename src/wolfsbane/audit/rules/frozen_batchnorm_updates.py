"""WB301."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Forward, LayerCall, Observer, Step, Watched
from wolfsbane.audit.traits.batch_norms import keeps_statistics, listed
from wolfsbane.audit.traits.frozen_parts import frozen_parts
from wolfsbane.audit.vocabulary import BATCH_NORMS
from wolfsbane.audit.wording import counted

MIN_STEPS = 2
"""Steps after which a parameter that trains has moved."""

MOST = 6
"""Parts that are named in an advice."""


class FrozenBatchNormUpdates(Rule):
    """A batch norm is frozen, but its running statistics go on changing.

    ## What it does

    Finds batch norms whose weight and bias are not trained, in a model of which other parts are,
    and which are in training mode. In a run it measures how far their running mean and variance
    moved.

    ## Why is this bad?

    `requires_grad = False` stops gradients. A running mean is no parameter: in training mode every
    batch changes it, and the layer normalises with the batch's own statistics. So the "frozen"
    backbone is another one after the training than before, its features in evaluation are not those
    that the new head was trained on, and a checkpoint of the head alone does not restore the model.

    ## Example

    ```python
    from torch import nn

    backbone = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    backbone.requires_grad_(False)
    model = nn.Sequential(backbone, nn.Flatten(), nn.LazyLinear(2))
    model.train()
    ```

    ## Use instead

    ```python
    from torch import nn
    from wolfsbane import stats

    backbone = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU())
    backbone.requires_grad_(False)
    stats.freeze(backbone)
    model = nn.Sequential(backbone, nn.Flatten(), nn.LazyLinear(2))
    model.train()
    ```

    ## When to ignore it

    Where the statistics are meant to adapt to new data while the weights stay. An average of a
    model that trains, such as the key encoder of MoCo or a mean teacher, is recognised and not
    reported.

    ## References

    - [pytorch#86590](https://github.com/pytorch/pytorch/issues/86590)
    - [pytorch#66073](https://github.com/pytorch/pytorch/issues/66073)
    - [chemprop#952](https://github.com/chemprop/chemprop/issues/952)
    - He et al. 2016, arXiv:1512.03385, freeze statistics too while fine-tuning.
    """

    code = "WB301"
    name = "frozen-batchnorm-updates"
    severity = Severity.WARNING
    examples = (
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))\n"
            "model[:2].requires_grad_(False)\n"
            "optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)\n"
            "for _ in range(4):\n"
            "    loss = model(torch.randn(8, 4) + 3).square().mean()\n"
            "    optimizer.zero_grad()\n"
            "    loss.backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=True,
        ),
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Linear(4, 2))\n"
            "model[:2].requires_grad_(False).eval()\n"
            "optimizer = torch.optim.SGD(model[2].parameters(), lr=0.1)\n"
            "for _ in range(4):\n"
            "    loss = model(torch.randn(8, 4) + 3).square().mean()\n"
            "    optimizer.zero_grad()\n"
            "    loss.backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=False,
        ),
    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        """Report batch norms without gradients in training mode, all in one."""
        frozen = [
            layer
            for layer in model.of_kind(BATCH_NORMS)
            if _is_without_gradients(layer.module) and _would_update(layer.module)
        ]
        if not any(parameter.requires_grad for parameter in model.model.parameters()):
            return
        parts = frozen_parts(frozen, model.layers)
        if parts:
            norms = [norm for found in parts.values() for norm in found]
            yield self.found(
                Channel.MODEL,
                next(iter(parts)).place,
                f"{listed(norms)} {_be(norms)} frozen, for weight and bias do not require "
                f"gradients, but in training mode: every batch will change the running statistics",
                _help(list(parts)),
            )

    def observer(self) -> "Observer":
        """Return what compares the statistics of layers that do not train, at start and end."""
        return _Statistics()


@dataclass
class _State:
    """A batch norm at the first training step, as numbers."""

    layer: Layer
    mean: list[float]
    var: list[float]
    affine: tuple[list[float], ...]
    calls: int = 0
    with_gradient: int = 0


@dataclass
class _Model:
    watched: Watched
    states: dict[int, _State]
    steps: int = 0
    is_training: bool = False
    optimizers: dict[int, Any] = field(default_factory=dict)


class _Statistics(Observer):
    def __init__(self) -> None:
        self._models: dict[int, _Model] = {}

    def on_forward(self, forward: Forward) -> None:
        key = id(forward.watched)
        if forward.grad and key not in self._models:
            self._models[key] = _Model(forward.watched, _states(forward.watched))
        if key in self._models:
            self._models[key].is_training = forward.grad

    def on_layer(self, call: LayerCall) -> None:
        model = self._models.get(id(call.watched))
        state = model.states.get(id(call.module)) if model and model.is_training else None
        if state is not None and call.module.training:
            state.calls += 1
            state.with_gradient += bool(getattr(call.output, "requires_grad", False))

    def on_step(self, step: Step) -> None:
        for watched in step.watched:
            model = self._models.get(id(watched))
            if model is not None:
                model.steps += 1
                model.optimizers[id(step.optimizer)] = step.optimizer

    def findings(self) -> Iterator[Finding]:
        for model in self._models.values():
            if model.steps >= MIN_STEPS:
                yield from _moved(model)


def _states(watched: Watched) -> dict[int, _State]:
    """Return the batch norms' numbers; one that has not seen its first batch has none."""
    found: dict[int, _State] = {}
    for layer in watched.layers:
        module: Any = layer.module
        if layer.kind in BATCH_NORMS and keeps_statistics(module) and _is_ready(module):
            numbers = module.running_mean.tolist(), module.running_var.tolist()
            found[id(module)] = _State(layer, *numbers, _affine(module))
    return found


def _is_ready(module: Any) -> bool:
    """Whether there is a weight, and it has numbers: a lazy one has none, a sharded one a part."""
    weight = module.weight
    is_elsewhere = hasattr(weight, "materialize") or hasattr(weight, "full_tensor")
    return weight is not None and not is_elsewhere and weight.device.type != "meta"


def _affine(module: Any) -> tuple[list[float], ...]:
    return tuple(p.tolist() for p in (module.weight, module.bias) if p is not None)


def _moved(model: _Model) -> Iterator[Finding]:
    """Report what did not train, and moved; what an average of weights updates did change."""
    trained = {
        id(parameter)
        for optimizer in model.optimizers.values()
        for group in optimizer.param_groups
        for parameter in group["params"]
        if parameter.requires_grad
    }
    if not any(id(parameter) in trained for parameter in model.watched.model.parameters()):
        return
    still: dict[str, list[Layer]] = {}
    for state in model.states.values():
        why = _why_frozen(state, trained)
        if state.calls and why is not None and state.affine == _affine(state.layer.module):
            still.setdefault(why, []).append(state.layer)
    for why, frozen in still.items():
        parts = frozen_parts(frozen, model.watched.layers, trained)
        norms = [norm for found in parts.values() for norm in found]
        moves = {_distance(model.states[id(norm.module)]): norm for norm in norms}
        if max(moves, default=0.0) > 0:
            yield FrozenBatchNormUpdates.found(
                Channel.RUN,
                next(iter(parts)).place,
                f"{listed(norms)} {_be(norms)} frozen, for {why}, but the running mean moved in "
                f"{counted(model.steps, 'training step')}: that of {moves[max(moves)].path!r} by "
                f"{max(moves):.2g} standard deviations",
                _help(list(parts)),
            )


def _why_frozen(state: _State, trained: set[int]) -> str | None:
    module: Any = state.layer.module
    if _is_without_gradients(module):
        return "weight and bias do not require gradients"
    if id(module.weight) not in trained:
        return "no optimizer trains weight and bias"
    return None if state.with_gradient else "its part of the model runs under no_grad"


def _distance(state: _State) -> float:
    """Return how far the running mean moved, in standard deviations, averaged over channels."""
    module: Any = state.layer.module
    pairs = zip(state.mean, state.var, module.running_mean.tolist(), strict=True)
    moves = [abs(now - before) / (var + module.eps) ** 0.5 for before, var, now in pairs]
    return math.fsum(moves) / len(moves)


def _would_update(module: Any) -> bool:
    return bool(module.training) and keeps_statistics(module) and module.momentum != 0


def _is_without_gradients(module: Any) -> bool:
    affine = [parameter for parameter in (module.weight, module.bias) if parameter is not None]
    return bool(affine) and not any(parameter.requires_grad for parameter in affine)


def _be(norms: Sequence[Layer]) -> str:
    return "are" if len(norms) > 1 else "is"


def _help(parts: Sequence[Layer]) -> str:
    paths = [part.path for part in parts]
    if paths == [""]:
        return "Freeze the statistics too: wolfsbane.stats.freeze(model)"
    which = repr(paths[0]) if len(paths) == 1 else "..." if len(paths) > MOST else repr(paths)
    return f"Freeze the statistics too: wolfsbane.stats.freeze(model, which={which})"
