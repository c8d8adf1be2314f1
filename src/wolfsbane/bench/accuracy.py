"""How far off a batch's variance is where the mean is large."""

import torch
from torch import Tensor

from wolfsbane import nn
from wolfsbane.bench.case import EAGER, OURS, Measurement, RedCheckError, Settings
from wolfsbane.bench.subject import SEED

MEAN = 1e5


def measure_variance_error(_settings: Settings, layout: torch.memory_format) -> Measurement:
    """Return the largest relative error of the variance: sigma 1, 65,536 values a channel.

    Raises:
        RedCheckError: ours depends on the number of threads.
    """
    torch.manual_seed(SEED)
    x = (torch.randn(64, 4, 32, 32) + MEAN).contiguous(memory_format=layout)
    truth = x.double().var((0, 2, 3))
    ours = _variance(nn.BatchNorm2d(4, momentum=1.0), x)
    theirs = _variance(torch.nn.BatchNorm2d(4, momentum=1.0), x)
    num_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        alone = _variance(nn.BatchNorm2d(4, momentum=1.0), x)
    finally:
        torch.set_num_threads(num_threads)
    if not torch.equal(ours, alone):
        raise RedCheckError(f"the variance on one thread is not that on {num_threads}")
    errors = {
        name: [(found.double() / truth - 1).abs().max().item()]
        for name, found in ((OURS, ours), (EAGER, theirs))
    }
    return Measurement(errors)


def _variance(layer: torch.nn.BatchNorm2d, x: Tensor) -> Tensor:
    layer(x)
    assert layer.running_var is not None
    return layer.running_var
