"""Monte-Carlo dropout against the loop that people write: a forward pass a sample."""

from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor

from wolfsbane.bench.case import OURS, Case, Goal, Measurement, RedCheckError, Section, Settings
from wolfsbane.bench.subject import SEED
from wolfsbane.bench.timing import Contender
from wolfsbane.uncertainty import mc_dropout

LOOP = "loop"
"""Dropout layers in training mode, all else in evaluation, and a pass for each sample."""

NUM_SAMPLES = 32

NUM_FOR_CHECK = 512

DEVIATIONS = 7.0
"""How far means may differ, in standard errors: by chance once in 10^11 outputs."""

HEAD, EVERYWHERE = "dropout in its head", "dropout everywhere"

Make = Callable[[], torch.nn.Module]


def monte_carlo() -> tuple[Case, ...]:
    """Return the cases: at least ten times the loop's speed where the head drops, never below 0.9.

    The sizes of the small CNN are those for which the gain of running the deterministic part once
    was first measured (batch 16).
    """
    head = partial(_cnn, 0.0)
    everywhere = partial(_cnn, 0.1)
    return (
        _case(f"CNN with {HEAD}, batch 16", head, (16, 3, 32, 32), 10.0),
        _case(f"CNN with {HEAD}, batch 1", head, (1, 3, 32, 32), 0.9),
        _case(f"CNN with {HEAD}, batch 64", head, (64, 3, 32, 32), 0.9),
        _case(f"CNN with {EVERYWHERE}, batch 1", everywhere, (1, 3, 32, 32), 0.9),
        _case(f"CNN with {EVERYWHERE}, batch 16", everywhere, (16, 3, 32, 32), 0.9),
        _case("transformer encoder, batch 16", _encoder, (16, 32, 64), 0.9),
        _case("MLP, batch 16", _mlp, (16, 64), 0.9),
    )


def _case(name: str, make: Make, shape: tuple[int, ...], target: float) -> Case:
    return Case(
        f"mc_dropout, {NUM_SAMPLES} samples, {name}",
        Section.TARGETS,
        (Goal(LOOP, target=target),),
        partial(_measure, make=make, shape=shape),
        output="fresh",
    )


def _measure(settings: Settings, make: Make, shape: tuple[int, ...]) -> Measurement:
    torch.manual_seed(SEED)
    model, x = make().eval(), torch.randn(shape)
    _check(model, x)
    contenders = {
        OURS: Contender(lambda: mc_dropout(model, x, NUM_SAMPLES)),
        LOOP: Contender(lambda: _loop(model, x, NUM_SAMPLES)),
    }
    return Measurement(settings.interleave(contenders))


def _loop(model: torch.nn.Module, x: Tensor, num_samples: int) -> tuple[Tensor, Tensor]:
    """Return mean and variance of samples, as they are usually drawn."""
    live = (torch.nn.modules.dropout._DropoutNd, torch.nn.MultiheadAttention)  # noqa: SLF001
    for module in model.modules():
        # An encoder layer in evaluation takes a fast path that drops nothing.
        module.training = isinstance(module, (*live, torch.nn.TransformerEncoderLayer))
    with torch.no_grad():
        samples = torch.stack([model(x) for _ in range(num_samples)])
    model.eval()
    return samples.mean(0), samples.var(0)


def _check(model: torch.nn.Module, x: Tensor) -> None:
    """Compare our mean with the loop's, in standard errors of their difference."""
    ours = mc_dropout(model, x, NUM_FOR_CHECK)
    mean, variance = _loop(model, x, NUM_FOR_CHECK)
    error = ((ours.variance + variance) / NUM_FOR_CHECK).sqrt()
    worst = ((ours.mean - mean).abs() / error.clamp_min(1e-12)).max().item()
    if not worst < DEVIATIONS:
        raise RedCheckError(f"mean is {worst:.1f} standard errors from the loop's")


def _cnn(p: float) -> torch.nn.Module:
    """Return four convolutions with batch norm (and dropout of channels), and a head that drops."""
    layers: list[torch.nn.Module] = []
    for index, (channels_in, channels) in enumerate(((3, 32), (32, 32), (32, 64), (64, 64))):
        layers += [
            torch.nn.Conv2d(channels_in, channels, 3, padding=1),
            torch.nn.BatchNorm2d(channels),
            torch.nn.ReLU(),
        ]
        layers += [torch.nn.Dropout2d(p)] if p else []
        layers += [torch.nn.MaxPool2d(2)] if index == 1 else []
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(64, 128)]
    return torch.nn.Sequential(
        *layers, *head, torch.nn.ReLU(), torch.nn.Dropout(0.5), torch.nn.Linear(128, 10)
    )


def _encoder() -> torch.nn.Module:
    layer = torch.nn.TransformerEncoderLayer(64, 4, 128, 0.1, batch_first=True)
    encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    return torch.nn.Sequential(encoder, torch.nn.Flatten(), torch.nn.Linear(32 * 64, 10))


def _mlp() -> torch.nn.Module:
    layers: list[torch.nn.Module] = []
    for width_in, width in ((64, 256), (256, 256)):
        layers += [torch.nn.Linear(width_in, width), torch.nn.ReLU(), torch.nn.Dropout(0.2)]
    return torch.nn.Sequential(*layers, torch.nn.Linear(256, 10))
