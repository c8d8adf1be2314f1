"""WB306."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from wolfsbane.audit.finding import Channel, Finding, Severity
from wolfsbane.audit.layer import Layer
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.observer import Forward, LayerCall, Observer
from wolfsbane.audit.traits.batch_norms import listed
from wolfsbane.audit.vocabulary import (
    ACTIVATIONS,
    BATCH_NORMS,
    DROPOUTS,
    POOLS,
    SHAPE_ONLY,
    WEIGHTED,
)

PASSED = ACTIVATIONS | DROPOUTS | POOLS | SHAPE_ONLY
"""Kinds through which the layer is looked for that made a batch norm's input."""

FAR = 0.5
"""Standard deviations between means, as root mean square over channels, that are a difference."""

SURE = 4.0
"""Standard errors of such a distance that are added: those of a mean of few samples are large."""


class BatchnormReused(Rule):
    """One batch norm normalises different things in one forward pass.

    ## What it does

    Finds a batch norm that runs several times in a forward pass, on the outputs of different
    layers; in a run, one whose inputs' means differ from call to call.

    ## Why is this bad?

    A batch norm has one running mean and variance. In training each call is normalised by its own
    batch, and all is well; the running statistics are a mixture that fits none of the calls, so in
    evaluation the same layer does something else.

    ## Example

    ```python
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
            self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
            self.norm = nn.BatchNorm2d(8)

        def forward(self, x):
            x = self.norm(self.conv1(x)).relu()
            return self.norm(self.conv2(x)).relu()

    model = Net()
    example_inputs = torch.randn(4, 3, 8, 8)
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 8, 3, padding=1)
            self.norm1 = nn.BatchNorm2d(8)
            self.conv2 = nn.Conv2d(8, 8, 3, padding=1)
            self.norm2 = nn.BatchNorm2d(8)

        def forward(self, x):
            x = self.norm1(self.conv1(x)).relu()
            return self.norm2(self.conv2(x)).relu()

    model = Net()
    example_inputs = torch.randn(4, 3, 8, 8)
    ```

    ## When to ignore it

    Where the calls see the same distribution. A branch that is applied twice as a whole, as in a
    Siamese network, is only reported where its inputs' means are measured to differ.

    ## References

    - [SimSiam#1](https://github.com/PatrickHua/SimSiam/issues/1): what a batch norm does depends on
      what is put through it together
    - Cooijmans et al. 2017, Recurrent Batch Normalization, arXiv:1603.09025: statistics of their
      own for each time step
    - Tan et al. 2020, EfficientDet, arXiv:1911.09070, whose heads share convolutions over the
      levels of a pyramid, and not batch norms
    """

    code = "WB306"
    name = "batchnorm-reused"
    severity = Severity.WARNING
    examples = (
        Example(
            "import torch\n"
            "from torch import nn\n"
            "class Net(nn.Module):\n"
            "    def __init__(self):\n"
            "        super().__init__()\n"
            "        self.norm = nn.BatchNorm1d(8)\n"
            "        self.head = nn.Linear(8, 1)\n"
            "    def forward(self, prices, counts):\n"
            "        return self.head(self.norm(prices)) + self.head(self.norm(counts))\n"
            "model = Net()\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\n"
            "for _ in range(6):\n"
            "    loss = model(torch.randn(32, 8), torch.randn(32, 8) + 10).square().mean()\n"
            "    optimizer.zero_grad()\n"
            "    loss.backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=True,
        ),
        Example(
            "import torch\n"
            "from torch import nn\n"
            "class Siamese(nn.Module):\n"
            "    def __init__(self):\n"
            "        super().__init__()\n"
            "        self.encoder = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8))\n"
            "    def forward(self, left, right):\n"
            "        return self.encoder(left) - self.encoder(right)\n"
            "model = Siamese()\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.01)\n"
            "for _ in range(6):\n"
            "    loss = model(torch.randn(16, 8), torch.randn(16, 8)).square().mean()\n"
            "    optimizer.zero_grad()\n"
            "    loss.backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=False,
        ),
    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        """Report batch norms on the tape that follow different layers with weights."""
        calls: dict[Layer, list[Operation]] = {}
        for operation in model.tape.operations if model.tape else ():
            if operation.kind in BATCH_NORMS and operation.layer is not None:
                calls.setdefault(operation.layer, []).append(operation)
        for norm, operations in calls.items():
            makers = [_maker(operation) for operation in operations]
            different = list(dict.fromkeys(maker for maker in makers if maker is not None))
            if len(different) > 1:
                names = ", ".join(repr(maker.path) for maker in different[:4])
                yield self.found(
                    Channel.MODEL,
                    norm.place,
                    f"{listed([norm])} runs {len(operations)} times in one forward pass, on what "
                    f"different layers give ({names}), but has one running mean and variance",
                    "Give each its own batch norm",
                )

    def observer(self) -> Observer:
        """Return what compares the inputs of each call."""
        return _Calls()


def _maker(norm: Operation) -> Layer | None:
    """Return the layer with weights whose output a batch norm gets; None where it is not clear."""
    operation = norm
    while operation.inputs:
        operation = operation.inputs[0]
        if operation.kind in WEIGHTED:
            return operation.layer
        if operation.kind not in PASSED:
            return None
    return None


@dataclass
class _Inputs:
    """What one call of a batch norm got over the run, as numbers: sums over sampled passes."""

    mean: list[float]
    var: list[float]
    samples: int
    passes: int = 1

    def add(self, mean: list[float], var: list[float], samples: int) -> None:
        self.mean = [old + new for old, new in zip(self.mean, mean, strict=True)]
        self.var = [old + new for old, new in zip(self.var, var, strict=True)]
        self.samples += samples
        self.passes += 1


@dataclass
class _Norm:
    layer: Layer
    calls_in_pass: int = 0
    is_reused: bool = False
    inputs: dict[int, _Inputs] = field(default_factory=dict)
    """By the number of the call in its forward pass."""


class _Calls(Observer):
    """Only a norm that was called twice in one pass is measured, in the passes after it."""

    def __init__(self) -> None:
        self._norms: dict[int, _Norm] = {}
        self._is_within = False

    def on_forward(self, forward: Forward) -> None:
        self._is_within = forward.grad and forward.is_sampled
        for norm in self._norms.values():
            norm.calls_in_pass = 0

    def on_layer(self, call: LayerCall) -> None:
        if call.layer is None or not self._is_within:
            return
        if call.layer.kind in BATCH_NORMS and call.module.training and call.inputs:
            norm = self._norms.setdefault(id(call.module), _Norm(call.layer))
            if norm.is_reused:
                _measure(norm, call.inputs[0])
            norm.calls_in_pass += 1
            norm.is_reused |= norm.calls_in_pass > 1

    def findings(self) -> Iterator[Finding]:
        for norm in self._norms.values():
            distance = _distance(list(norm.inputs.values()))
            if distance is not None:
                yield BatchnormReused.found(
                    Channel.RUN,
                    norm.layer.place,
                    f"{listed([norm.layer])} runs {len(norm.inputs)} times in one forward pass, on "
                    f"inputs whose means lie {distance:.2g} standard deviations apart, but has one "
                    f"running mean and variance",
                    "Give each its own batch norm",
                )


def _measure(norm: _Norm, input: Any) -> None:
    """Add the mean and variance of each channel."""
    if input.dim() < 2 or not input.numel():  # noqa: PLR2004  # (N, C, *)
        return
    channels = input.detach().transpose(0, 1).flatten(1).double()
    mean = channels.mean(1)
    var = (channels - mean[:, None]).square().mean(1)
    known = norm.inputs.get(norm.calls_in_pass)
    if known is None:
        inputs = _Inputs(mean.tolist(), var.tolist(), input.shape[0])
        norm.inputs[norm.calls_in_pass] = inputs
    else:
        known.add(mean.tolist(), var.tolist(), input.shape[0])


def _distance(calls: Sequence[_Inputs]) -> float | None:
    """Return the largest distance between means that is no accident; None without one."""
    pairs = [(one, other) for n, one in enumerate(calls) for other in calls[n + 1 :]]
    found = [(_apart(one, other), _by_chance(one, other)) for one, other in pairs]
    sure = [apart for apart, chance in found if apart > FAR + SURE * chance]
    return max(sure, default=None)


def _apart(one: _Inputs, other: _Inputs) -> float:
    """Return the root mean square over channels of (difference of means) / (standard deviation)."""
    squares = [
        (m1 / one.passes - m2 / other.passes) ** 2
        / max((v1 / one.passes + v2 / other.passes) / 2, 1e-12)
        for m1, v1, m2, v2 in zip(one.mean, one.var, other.mean, other.var, strict=True)
    ]
    return math.sqrt(sum(squares) / len(squares))


def _by_chance(one: _Inputs, other: _Inputs) -> float:
    """Return that distance's size where both get the same distribution: sqrt(1/n + 1/m)."""
    return math.sqrt(1 / one.samples + 1 / other.samples)
