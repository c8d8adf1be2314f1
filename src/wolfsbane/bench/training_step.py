"""A whole training step of an MLP: what regularisation adds to it, with our layers and torch's."""

import itertools
from collections.abc import Callable, Sequence

import torch
import torch.nn.functional as TF
from torch import Tensor

from wolfsbane import nn
from wolfsbane.bench.case import OURS, OURS_COMPILED, Measurement, Settings
from wolfsbane.bench.check import check
from wolfsbane.bench.compiled import compiled
from wolfsbane.bench.subject import SEED, Mask, Subject
from wolfsbane.bench.timing import Contender

PLAIN, STOCK = "plain", "stock"
"""The MLP without regularisers, and with torch's."""

SIZES = (784, 1024, 1024, 10)
BATCH = 128
RATE = 0.5
LEARNING_RATE = 0.01

UNITS_AT_A_KINK = 1e-2
"""Floor of the check, as a share of the gradient's length.

Rounding flips one or two of the 131,072 units of a layer at ReLU's kink; one is
1 / sqrt(131,072) = 0.3% of the length of the gradient that passes through it.
"""


def measure_training_step(settings: Settings) -> Measurement:
    """Time forward, loss, backward and SGD of three networks with the same Linear layers.

    Each is Linear, something, Linear, something, Linear: nothing but ReLU; our BatchNormAct1d; or
    torch's batch norm, ReLU and dropout.
    """
    torch.manual_seed(SEED)
    x, y = torch.randn(BATCH, SIZES[0]), torch.randint(SIZES[-1], (BATCH,))
    ours = network(lambda width: [nn.BatchNormAct1d(width, "relu", RATE)])
    check(subject_of(ours, x, y), backward=True)
    plain = network(lambda _: [torch.nn.ReLU()])
    stock = network(
        lambda width: [torch.nn.BatchNorm1d(width), torch.nn.ReLU(), torch.nn.Dropout(RATE)]
    )
    models = {OURS: ours, PLAIN: plain, STOCK: stock}
    contenders = {name: Contender(_step(model, x, y)) for name, model in models.items()}
    absent = {}
    if settings.compiles:
        contenders[OURS_COMPILED] = Contender(_step(ours, x, y, compiled(ours)))
    else:
        absent[OURS_COMPILED] = "without torch.compile"
    return Measurement(settings.interleave(contenders), absent)


def network(between: Callable[[int], Sequence[torch.nn.Module]]) -> torch.nn.Sequential:
    """Return an MLP with `between(width)` after each hidden Linear layer."""
    layers: list[torch.nn.Module] = []
    for width_in, width in itertools.pairwise(SIZES[:-1]):
        layers += [torch.nn.Linear(width_in, width), *between(width)]
    return torch.nn.Sequential(*layers, torch.nn.Linear(SIZES[-2], SIZES[-1]))


def subject_of(model: torch.nn.Module, x: Tensor, y: Tensor) -> Subject:
    """Return the loss of a network with batch norm, ReLU and dropout as something to check."""

    def formula(x: Tensor, *rest: Tensor) -> Tensor:
        *parameters, first_mask, second_mask = rest
        for mask, at in ((first_mask, 0), (second_mask, 4)):
            weight, bias, gamma, beta = parameters[at : at + 4]
            x = TF.linear(x, weight, bias)
            x = TF.batch_norm(x, None, None, gamma, beta, training=True).relu() * mask
        return TF.cross_entropy(TF.linear(x, *parameters[8:]), y)

    def loss(x: Tensor) -> Tensor:
        return TF.cross_entropy(model(x), y)

    return Subject(
        operation="batch_norm_act_dropout",
        ours=loss,
        stock=loss,
        formula=formula,
        data=(x,),
        parameters=tuple(model.parameters()),
        masks=tuple(Mask((len(x), width), RATE) for width in SIZES[1:-1]),
        drops_last=False,
        floor=UNITS_AT_A_KINK,
        norm=2.0,
    )


def _step(
    model: torch.nn.Module, x: Tensor, y: Tensor, forward: Callable[[Tensor], Tensor] | None = None
) -> Callable[[], object]:
    run = model if forward is None else forward
    optimizer = torch.optim.SGD(model.parameters(), lr=LEARNING_RATE)

    def step() -> None:
        optimizer.zero_grad()
        TF.cross_entropy(run(x), y).backward()
        optimizer.step()

    return step
