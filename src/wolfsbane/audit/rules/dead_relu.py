"""WB405."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Place, Severity
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.measures.units import Units, axis_of_units, key_of
from wolfsbane.audit.run.observer import Observer, OperationCall
from wolfsbane.audit.traits.rectifiers import is_rectifier

if TYPE_CHECKING:
    from torch import Tensor

HELP = (
    "Lower the learning rate, standardise the inputs or add a norm before it, and check the biases;"
    " LeakyReLU or GELU keep a gradient"
)


class DeadRelu(Rule):
    """A ReLU most of whose units are 0 for every example: they do not learn any more.

    ## What it does

    Watches what every ReLU (and ReLU6, as layer or function) that follows a linear layer or a
    convolution gives in the sampled training steps. A unit (a feature, or a channel over all its
    positions) that gave 0 for every example of the last 5 of them is dead. Reported is a layer with
    more than half of its units dead, plus two standard deviations of what accident gives in a fresh
    network: 1 / sqrt(n) for n units. At least 100 examples have to be seen.

    ## Why is this bad?

    Where a ReLU gives 0 its derivative is 0. A unit that gives 0 for every example gets no
    gradient, so nothing brings it back: its weights are ballast. Usual causes are a learning rate
    that is too high, a bias far below zero, and inputs of large mean.

    ## Example

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
    nn.init.constant_(model[0].bias, -20.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(12):
        optimizer.zero_grad()
        out = model(torch.randn(32, 20))
        nn.functional.cross_entropy(out, torch.randint(2, (32,))).backward()
        optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 2))
    nn.init.zeros_(model[0].bias)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(12):
        optimizer.zero_grad()
        out = model(torch.randn(32, 20))
        nn.functional.cross_entropy(out, torch.randint(2, (32,))).backward()
        optimizer.step()
    ```

    ## When to ignore it

    Where units are meant to be silent for most data, as in a sparse autoencoder with many more
    features than a few batches show, or where part of a network is not used by this task.

    ## References

    - Lu, Shin, Su, Karniadakis, "Dying ReLU and Initialization", 2019, arXiv:1903.06733
    - [SageMaker Debugger, DeadRelu](https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-rules.html):
      a layer is reported when more than half of its ReLUs are dead (`threshold_layer`)
    - Braiek, Khomh, "Testing Feedforward Neural Networks Training Programs" (TheDeepChecker), 2022,
      arXiv:2204.00694: the same half, and a patience of 5
    - [keras#7057](https://github.com/keras-team/keras/issues/7057)
    """

    code = "WB405"
    name = "dead-relu"
    severity = Severity.WARNING

    def observer(self) -> Observer:
        return _Watch()


class _Watch(Observer):
    def __init__(self) -> None:
        self.units: dict[tuple[str | None, Place, int], Units] = {}

    def on_operation(self, call: OperationCall) -> None:
        operation, output = call.operation, call.output
        if not call.grad or not is_rectifier(operation) or not _trains(output):
            return
        axis = axis_of_units(operation, output.ndim)
        if axis is None or not output.numel():
            return
        key = (*key_of(operation), output.shape[axis])
        units = self.units.setdefault(key, Units(operation))
        units.add(call.step, output.detach() > 0, axis, output.shape[0])

    def findings(self) -> Iterator[Finding]:
        for units in self.units.values():
            if units.is_mostly_inactive(0.0):
                yield DeadRelu.found(
                    Channel.RUN,
                    units.place,
                    f"{units.num_inactive(0.0)} of {units.num_units} units of {units} gave 0 for"
                    f" all {units.num_examples:,} examples seen in the last {len(units.seen)}"
                    " sampled steps",
                    HELP,
                )


def _trains(output: "Tensor | object") -> bool:
    return bool(getattr(output, "requires_grad", False))
