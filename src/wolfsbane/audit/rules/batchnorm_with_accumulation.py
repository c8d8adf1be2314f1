"""WB304."""

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import LayerCall, Observer, Step, Watched
from wolfsbane.audit.traits.batch_norms import ENOUGH_SAMPLES, is_synchronised, listed, samples
from wolfsbane.audit.vocabulary import BATCH_NORMS

MIN_STEPS = 2
MOST = 0.5
"""Share of the steps that have to accumulate: one that a GradScaler skips looks like it, too."""

FINGERPRINT = 64
SAME_BATCH = 0.3
"""Numbers that are kept of a batch, and the relative distance at which two are variants of one:
the second pass of SAM or of adversarial training."""


class BatchnormWithAccumulation(Rule):
    """Gradients are accumulated over batches that are too small for the batch norms.

    ## What it does

    Finds runs in which each step of the optimizer has several forward passes, each with its own
    backward pass and its own samples, while batch norms train on fewer than 16 samples.

    ## Why is this bad?

    Four times 4 samples are not 16 samples to a batch norm: it normalises each 4 by their own mean
    and variance. The gradient is averaged, the noise of the statistics is not. ResNet-50's error on
    ImageNet is 23.6% with 32 samples per normalisation, and 27.3% with 4 (Wu and He 2018).

    ## Example

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step, batch in enumerate(torch.randn(64, 8).split(4)):
        loss = model(batch).square().mean() / 4
        loss.backward()
        if (step + 1) % 4 == 0:
            optimizer.step()
            optimizer.zero_grad()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(8, 16), nn.LayerNorm(16), nn.ReLU(), nn.Linear(16, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for step, batch in enumerate(torch.randn(64, 8).split(4)):
        loss = model(batch).square().mean() / 4
        loss.backward()
        if (step + 1) % 4 == 0:
            optimizer.step()
            optimizer.zero_grad()
    ```

    ## When to ignore it

    Where the network is known to train well at this batch size. Not reported are several forward
    passes with one backward pass, as in a Siamese network, passes over variants of one batch, and
    passes through which a gradient goes on into the input, as from a critic to its generator.

    ## References

    - Wu and He 2018, Group Normalization, arXiv:1803.08494, table 2
    - [yolov5#1630](https://github.com/ultralytics/yolov5/issues/1630)
    - [pytorch#46516](https://github.com/pytorch/pytorch/issues/46516)
    """

    code = "WB304"
    name = "batchnorm-with-accumulation"
    severity = Severity.WARNING
    examples = (
        Example(
            "import torch\n"
            "from torch import nn\n"
            "model = nn.Sequential(nn.Linear(8, 4), nn.BatchNorm1d(4), nn.Linear(4, 1))\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "for left, right in torch.randn(6, 2, 8, 8):\n"
            "    loss = (model(left) - model(right)).square().mean()\n"
            "    optimizer.zero_grad()\n"
            "    loss.backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=False,
        ),
    )

    def observer(self) -> Observer:
        """Return what counts forward and backward passes per step."""
        return _Passes()


@dataclass
class _Run:
    watched: Watched
    steps: int = 0
    counts: Counter[int] = field(default_factory=Counter)
    batches: list[tuple[float, ...]] = field(default_factory=list)
    """Fingerprints of the batches of the current step."""
    has_new_samples: bool = False
    is_adversarial: bool = False
    """Whether a gradient goes through the input, as from a discriminator to its generator."""
    norms: dict[Layer, int] = field(default_factory=dict)
    """Batch norms in training mode, and the most samples that one got at a time."""


class _Passes(Observer):
    def __init__(self) -> None:
        self._runs: dict[int, _Run] = {}

    def on_layer(self, call: LayerCall) -> None:
        if not call.grad or call.layer is None:
            return
        run = self._runs.setdefault(id(call.watched), _Run(call.watched))
        if call.layer.path == "":
            batch = _first_tensor([*call.inputs, *call.kwargs.values()])
            run.is_adversarial |= bool(getattr(batch, "requires_grad", False))
            run.batches.append(_fingerprint(batch))
        if call.layer.kind in BATCH_NORMS and _shares_nothing(call.module):
            shape = getattr(call.inputs[0], "shape", ()) if call.inputs else ()
            run.norms[call.layer] = max(run.norms.get(call.layer, 0), *shape[:1])

    def on_step(self, step: Step) -> None:
        for watched in step.watched:
            run = self._runs.setdefault(id(watched), _Run(watched))
            run.steps += 1
            if step.num_forwards == step.num_backwards:
                run.counts[step.num_forwards] += 1
            run.has_new_samples |= _are_different(run.batches)
            run.batches.clear()

    def findings(self) -> Iterator[Finding]:
        for run in self._runs.values():
            yield from _accumulated(run)


def _accumulated(run: _Run) -> Iterator[Finding]:
    several = Counter({passes: times for passes, times in run.counts.items() if passes > 1})
    times = several.total()
    is_rare = times < MIN_STEPS or times < MOST * run.steps
    if is_rare or run.is_adversarial or not run.has_new_samples:
        return
    small = [norm for norm, samples in run.norms.items() if 0 < samples < ENOUGH_SAMPLES]
    if not small:
        return
    passes = several.most_common(1)[0][0]
    size = max(run.norms[norm] for norm in small)
    normalise = "normalise" if len(small) > 1 else "normalises"
    yield BatchnormWithAccumulation.found(
        Channel.RUN,
        small[0].place,
        f"{listed(small)} {normalise} {samples(size)} at a time, not the "
        f"{size * passes} that a step learns from: {times} of {run.steps} steps accumulated the "
        f"gradients of {passes} forward passes",
        "Use a batch of at least 16 samples, or replace batch norm by group norm, which does not "
        "depend on it; where the network is trained already, wolfsbane.stats.freeze(model)",
    )


def _shares_nothing(module: Any) -> bool:
    return module.training and not is_synchronised(module)


def _first_tensor(values: Sequence[Any]) -> Any:
    for value in values:
        if hasattr(value, "detach"):
            return value
        nested = list(value.values()) if isinstance(value, dict) else value
        found = _first_tensor(nested) if isinstance(nested, (list, tuple)) else None
        if found is not None:
            return found
    return None


def _fingerprint(tensor: Any) -> tuple[float, ...]:
    """Return numbers spread over a tensor."""
    if tensor is None or not tensor.numel():
        return ()
    flat = tensor.detach().reshape(-1)
    spread = flat[:: max(1, flat.numel() // FINGERPRINT)][:FINGERPRINT]
    return tuple(spread.float().tolist())


def _are_different(batches: Sequence[tuple[float, ...]]) -> bool:
    """Whether there are two or more, and none is much like the one before."""
    pairs = list(pairwise(batches))
    return bool(pairs) and all(_distance(one, other) > SAME_BATCH for one, other in pairs)


def _distance(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    if len(one) != len(other):
        return math.inf
    size = max(math.hypot(*one), math.hypot(*other))
    return math.dist(one, other) / size if size else 0.0
