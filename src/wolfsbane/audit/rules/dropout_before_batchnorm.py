"""WB111."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from wolfsbane.audit.finding import Channel, Finding, Place, Severity
from wolfsbane.audit.model.rates import rate_of as rate_of_operation
from wolfsbane.audit.model.rates import rate_of_layer
from wolfsbane.audit.model.sequences import sequences
from wolfsbane.audit.model.subject import line_of, place_of, subject_of
from wolfsbane.audit.model.view import ModelView
from wolfsbane.audit.operation import Operation
from wolfsbane.audit.rule import Example, Rule
from wolfsbane.audit.run.measures.variance import Variance
from wolfsbane.audit.run.observer import Observer, OperationCall
from wolfsbane.audit.source.file import Source, Step
from wolfsbane.audit.source.patterns.rates import drops_nothing, numbers_of, rate_of
from wolfsbane.audit.traits.chains import HasKind, before
from wolfsbane.audit.vocabulary import (
    ACTIVATIONS,
    BATCH_NORMS,
    CHANNEL_DROPOUTS,
    ELEMENT_DROPOUT,
    POOLS,
    SHAPE_ONLY,
)
from wolfsbane.audit.wording import counted

DROPOUTS = frozenset({ELEMENT_DROPOUT, *CHANNEL_DROPOUTS})
"""Those that raise the variance; alpha dropout keeps it."""

SCALABLE = SHAPE_ONLY | {"relu", "leaky_relu", "prelu"}
"""Kinds through which zeros stay zeros and a factor stays a factor: as if dropout came behind."""

UNWEIGHTED = ACTIVATIONS | POOLS | SHAPE_ONLY

SMALLEST_RATIO = 1.05
"""A ratio below is within a variance's noise: of 1000 values it errs by sqrt(2/1000) = 4.5%."""

DEFAULT_RATE = 0.5
"""torch's p, and this project's, where none is given."""

HELP = "Put the dropout behind the batch norm, or behind the next weighted layer"

if TYPE_CHECKING:
    from wolfsbane.audit.layer import Layer

Node = TypeVar("Node", bound=HasKind)


class DropoutBeforeBatchnorm(Rule):
    """Dropout whose result goes into batch norm with no weighted layer between: a variance shift.

    ## What it does

    Finds dropout before batch norm with nothing but activations, pooling and changes of shape
    between the two. In a run it measures how much more variance the batch norm's input has in
    training.

    ## Why is this bad?

    Dropout keeps the mean and raises the variance: what is kept is multiplied by 1/(1-p). Batch
    norm remembers that raised variance, and divides by it in evaluation, when nothing is dropped
    and the variance is smaller. At p=0.5 behind a ReLU the ratio is about 2.5, so that every
    channel varies too little by a factor of 1.6: the network meets numbers in evaluation that it
    was not trained on.

    ## Example

    ```python
    from torch import nn

    block = nn.Sequential(
        nn.Linear(64, 64), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1d(64), nn.Linear(64, 10)
    )
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Dropout2d(0.2), nn.ReLU(), nn.BatchNorm2d(8))
    ```

    ## Use instead

    ```python
    from torch import nn

    block = nn.Sequential(
        nn.Linear(64, 64), nn.BatchNorm1d(64), nn.ReLU(), nn.Dropout(0.5), nn.Linear(64, 10)
    )
    ```

    ```python model
    from torch import nn

    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout2d(0.2))
    ```

    ## When to ignore it

    Where the statistics are estimated anew after training, with the dropout off, as
    `wolfsbane.stats.recalibrate` does; or where p is so small that the ratio does not matter.

    ## References

    - X. Li, S. Chen, X. Hu, J. Yang, "Understanding the Disharmony between Dropout and Batch
      Normalization by Variance Shift", 2019, [arXiv:1801.05134](https://arxiv.org/abs/1801.05134)
    """

    code = "WB111"
    name = "dropout-before-batchnorm"
    severity = Severity.WARNING
    examples = (
        Example(
            "import torch\n"
            "from torch import nn\n"
            "layers = [nn.Linear(8, 8), nn.ReLU(), nn.Dropout(0.5), nn.BatchNorm1d(8)]\n"
            "model = nn.Sequential(*layers, nn.Linear(8, 2))\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "for _ in range(3):\n"
            "    model(torch.randn(256, 8)).square().mean().backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=True,
        ),
        Example(
            "import torch\n"
            "from torch import nn\n"
            "layers = [nn.Linear(8, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.5)]\n"
            "model = nn.Sequential(*layers, nn.Linear(8, 2))\n"
            "optimizer = torch.optim.SGD(model.parameters(), lr=0.1)\n"
            "for _ in range(3):\n"
            "    model(torch.randn(256, 8)).square().mean().backward()\n"
            "    optimizer.step()\n",
            Channel.RUN,
            is_invalid=False,
        ),
    )

    def check_source(self, source: Source) -> Iterator[Finding]:
        for norm in source.steps_of(BATCH_NORMS) if source.may_have(DROPOUTS) else ():
            for drop, is_scaled in _drops_before(norm, source.inputs_of):
                if not drops_nothing(source, drop):
                    rate = _rate_in(source, drop) if is_scaled else None
                    yield self.found(
                        Channel.SOURCE,
                        source.place(drop.node),
                        _message("dropout", rate, "batch norm"),
                        HELP,
                        related=((source.place(norm.node), "the batch norm"),),
                    )

    def check_model(self, model: ModelView) -> Iterator[Finding]:
        pairs = [*_pairs_of_sequences(model), *_pairs_of_tape(model)]
        # What a Sequential shows by its order, the tape shows once more.
        told: set[tuple[str, str]] = set()
        for pair in pairs:
            if (pair.drop, pair.norm) not in told:
                told.add((pair.drop, pair.norm))
                message = _message(pair.drop, pair.rate, pair.norm)
                yield self.found(Channel.MODEL, pair.place, message, HELP)

    def observer(self) -> Observer:
        return _Shifts()


@dataclass(frozen=True)
class _Pair:
    """A dropout and the batch norm behind it, by name, and the rate where it tells the ratio."""

    drop: str
    norm: str
    place: Place
    rate: float | None


def _drops_before(
    norm: Node, inputs_of: Callable[[Node], Iterable[Node]]
) -> Iterator[tuple[Node, bool]]:
    """Yield the dropouts before a batch norm, and whether they scale its input as they are."""
    scaled = {id(node) for node in before(norm, inputs_of, SCALABLE)}
    for node in before(norm, inputs_of, UNWEIGHTED):
        if node.kind in DROPOUTS:
            yield node, id(node) in scaled


def _pairs_of_sequences(model: ModelView) -> Iterator[_Pair]:
    for layers in sequences(model):
        drop: Layer | None = None
        is_scaled = True
        for layer in layers:
            if layer.kind in DROPOUTS:
                drop, is_scaled = (layer if rate_of_layer(layer) else None), True
            elif layer.kind in BATCH_NORMS and drop is not None:
                rate = rate_of_layer(drop) if is_scaled else None
                yield _Pair(str(drop), str(layer), drop.place, rate)
                drop = None
            elif layer.kind not in UNWEIGHTED:
                drop = None
            elif layer.kind not in SCALABLE:
                is_scaled = False


def _pairs_of_tape(model: ModelView) -> Iterator[_Pair]:
    for norm in model.tape.operations if model.tape is not None else ():
        if norm.kind not in BATCH_NORMS:
            continue
        for drop, is_scaled in _drops_before(norm, _first_input):
            rate = rate_of_operation(drop)
            if rate:
                factor = rate if is_scaled else None
                yield _Pair(subject_of(drop), subject_of(norm), place_of(drop), factor)


def _first_input(operation: Operation) -> tuple[Operation, ...]:
    return operation.inputs[:1]


def _rate_in(source: Source, drop: Step) -> float | None:
    rate = rate_of(drop)
    if rate is None:
        call = drop.call if drop.creation is None else drop.creation.call
        return None if call is None or call.has_unknown_arguments else DEFAULT_RATE
    found = {float(value) for _, value in numbers_of(source, rate)}
    return found.pop() if len(found) == 1 else None


def _message(drop: str, rate: float | None, norm: str) -> str:
    more = "more"
    if rate is not None and 0 < rate < 1:
        # E[x²]/(1-p) - E[x]² over E[x²] - E[x]²: the smallest ratio is at mean 0.
        drop, more = f"{drop} p={rate:g}", f"at least {1 / (1 - rate):.3g} times the"
    return (
        f"{drop} comes before {norm}: its input has {more} variance in training than in evaluation"
    )


class _Shifts(Observer):
    """Compares the variance of a batch norm's input with what it is without the dropout."""

    def __init__(self) -> None:
        self.pairs: dict[tuple[str, str], tuple[_Pair, Variance]] = {}
        self.evaluated: dict[str, Variance] = {}

    def on_operation(self, call: OperationCall) -> None:
        norm = call.operation
        if norm.kind not in BATCH_NORMS or not call.tensors:
            return
        if not norm.arguments.get("training"):
            if subject_of(norm) in self.evaluated:
                self.evaluated[subject_of(norm)].add(call.tensors[0])
            return
        for drop, is_scaled in _drops_before(norm, _first_input):
            rate = rate_of_operation(drop)
            if rate and drop.arguments.get("training"):
                name, factor = f"{subject_of(drop)} p={rate:g}", rate if is_scaled else None
                pair = _Pair(name, subject_of(norm), line_of(drop), factor)
                _, variance = self.pairs.setdefault((pair.drop, pair.norm), (pair, Variance()))
                variance.add(call.tensors[0], rate)
                if pair.rate is None:
                    self.evaluated.setdefault(pair.norm, Variance())

    def findings(self) -> Iterator[Finding]:
        for pair, variance in self.pairs.values():
            evaluated = self.evaluated.get(pair.norm)
            if evaluated is None:
                ratio, other = variance.ratio_without_drop, "that it would have without the dropout"
            elif evaluated.num_calls:
                ratio, other = variance.ratio_to(evaluated), "that it has in evaluation"
            else:
                continue
            if ratio >= SMALLEST_RATIO:
                yield DropoutBeforeBatchnorm.found(
                    Channel.RUN,
                    pair.place,
                    f"{pair.drop} comes before {pair.norm}: in "
                    f"{counted(variance.num_calls, 'sampled training step')} its input had "
                    f"{ratio:.3g} times the variance {other}",
                    HELP,
                )
