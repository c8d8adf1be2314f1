"""WB406."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from wolfsbane.audit.finding import Channel, Finding, Place, Severity
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Rule
from wolfsbane.audit.run.measures.units import Units, axis_of_units, key_of
from wolfsbane.audit.run.observer import Observer, OperationCall
from wolfsbane.audit.vocabulary import DROPOUTS, NORMS, POOLS, SHAPE_ONLY, WEIGHTED

if TYPE_CHECKING:
    from torch import Tensor

FLAT = 0.01
"""How close to an end of its range a value counts as saturated: sigmoid below 0.01 or above 0.99,
where its derivative is less than a 25th of its largest; tanh beyond 0.99, where it is a 50th. The
ends at which SageMaker Debugger starts (inputs of 17, and 9.5) leave no gradient at all."""

TOLERATED = 0.05
"""Share of a saturated unit's values that may not be: TheDeepChecker looks at the 95th percentile;
SageMaker Debugger's `threshold_inactivity` is 1%, of inputs that are far further out."""

BETWEEN = SHAPE_ONLY | DROPOUTS | NORMS | POOLS
"""Kinds that may stand between a hidden activation and the layer that takes it."""

HELP = (
    "Standardise the inputs, use smaller initial weights (Xavier) or a smaller learning rate, add a"
    " norm before it, or take ReLU or GELU"
)


class SaturatedActivation(Rule):
    """A hidden sigmoid or tanh that most units leave at an end of its range: no gradient passes.

    ## What it does

    Watches what sigmoid and tanh between two layers give in the sampled training steps. A unit is
    saturated when 95% of its values in the last 5 of them lie within 1% of the range's ends: beyond
    0.99 for tanh, below 0.01 or above 0.99 for sigmoid. Reported is a layer with more than half of
    its units saturated, plus a margin for accident. Gates, whose result is multiplied with
    something, and the model's own output, which a good classifier saturates, are left alone; so is
    the inside of `nn.LSTM` and `nn.GRU`.

    ## Why is this bad?

    At the ends of its range the function is flat: its derivative there is less than a 25th of that
    in the middle, so what lies before it hardly learns. Usual causes are inputs that were not
    standardised, initial weights that are too large, and a learning rate that is too high.

    ## Example

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(12):
        optimizer.zero_grad()
        out = model(1000 + 50 * torch.randn(32, 20))
        nn.functional.cross_entropy(out, torch.randint(2, (32,))).backward()
        optimizer.step()
    ```

    ## Use instead

    ```python
    import torch
    from torch import nn

    model = nn.Sequential(nn.Linear(20, 64), nn.Tanh(), nn.Linear(64, 2))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    for _ in range(12):
        optimizer.zero_grad()
        out = model((1000 + 50 * torch.randn(32, 20) - 1000) / 50)
        nn.functional.cross_entropy(out, torch.randint(2, (32,))).backward()
        optimizer.step()
    ```

    ## When to ignore it

    Where the activation is meant to be a switch, as in binarised or hashing networks.

    ## References

    - Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks",
      2010, section 3
    - [SageMaker Debugger, SaturatedActivation](https://docs.aws.amazon.com/sagemaker/latest/dg/saturated-activation.html)
    - Braiek, Khomh, "Testing Feedforward Neural Networks Training Programs" (TheDeepChecker), 2022,
      arXiv:2204.00694
    """

    code = "WB406"
    name = "saturated-activation"
    severity = Severity.WARNING

    def observer(self) -> Observer:
        return _Watch()


class _Watch(Observer):
    def __init__(self) -> None:
        self.units: dict[tuple[str | None, Place], Units] = {}
        self.hidden: set[tuple[str | None, Place]] = set()
        self.gates: set[tuple[str | None, Place]] = set()

    def on_operation(self, call: OperationCall) -> None:
        operation = call.operation
        if not call.grad:
            return
        if operation.kind in ("sigmoid", "tanh"):
            self._measure(call, call.output)
        elif operation.kind in WEIGHTED:
            self.hidden.update(_activations_before(operation))
        elif operation.kind == "mul":
            self.gates.update(_activations_before(operation))

    def _measure(self, call: OperationCall, output: "Tensor") -> None:
        axis = axis_of_units(call.operation, output.ndim)
        if axis is None or not output.requires_grad or not output.numel():
            return
        units = self.units.setdefault(key_of(call.operation), Units(call.operation))
        if units.seen and units.num_units != output.shape[axis]:
            return
        values = output.detach()
        is_tanh = call.operation.kind == "tanh"
        distance = 1 - values.abs() if is_tanh else 0.5 - (values - 0.5).abs()
        units.add(call.step, distance > FLAT, axis, output.shape[0])

    def findings(self) -> Iterator[Finding]:
        for key, units in self.units.items():
            if key not in self.hidden or key in self.gates:
                continue
            if units.is_mostly_inactive(TOLERATED):
                yield SaturatedActivation.found(
                    Channel.RUN,
                    units.place,
                    f"{units.num_inactive(TOLERATED)} of {units.num_units} units of {units} were"
                    f" {_where(units.operation)} in at least {1 - TOLERATED:.0%} of the"
                    f" {units.num_values:,} values that each gave in the last {len(units.seen)}"
                    " sampled steps",
                    HELP,
                )


def _where(operation: Operation) -> str:
    if operation.kind == "tanh":
        return f"beyond {1 - FLAT} or -{1 - FLAT}"
    return f"below {FLAT} or above {1 - FLAT}"


def _activations_before(operation: Operation) -> Iterator[tuple[str | None, Place]]:
    """Yield the activations whose result an operation takes, as key_of names them."""
    waiting = list(operation.inputs)
    while waiting:
        before = waiting.pop()
        if before.kind in ("sigmoid", "tanh"):
            yield key_of(before)
        elif before.kind in BETWEEN:
            waiting.extend(before.inputs)
