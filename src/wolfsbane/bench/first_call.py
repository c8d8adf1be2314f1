"""How long a first call takes: run by `processes` in a process of its own.

    python -m wolfsbane.bench.first_call OPERATION NUM_THREADS

prints JSON: seconds of the first forward and of the first backward, each from just before the call
to its return. torch and wolfsbane are imported before, and the layer and its input made.
"""

import json
import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

import wolfsbane
from wolfsbane import nn

OPERATIONS: dict[str, Callable[[], tuple[Callable[..., Tensor], tuple[int, ...]]]] = {
    "dropout": lambda: (nn.Dropout(), (64, 256)),
    "dropout2d": lambda: (nn.Dropout2d(), (8, 16, 8, 8)),
    "batch_norm": lambda: (nn.BatchNorm2d(16), (8, 16, 8, 8)),
    "batch_norm_act_dropout": lambda: (nn.BatchNormAct2d(16, p=0.1), (8, 16, 8, 8)),
    "bias_act_dropout": lambda: (nn.BiasActDropout(256), (64, 256)),
    "dropout_add": lambda: (nn.DropoutAdd(), (64, 256)),
}
"""A layer and the shape of its input, by name."""

TOLERANCE = 1e-4
"""For float32 against the reference executor, which computes batch norm in float64."""


def main(operation: str, num_threads: int) -> None:
    """Measure and print; ends with an error where the result is not the reference's."""
    torch.set_num_threads(num_threads)
    layer, shape = OPERATIONS[operation]()
    x = torch.randn(shape, requires_grad=True)
    inputs = (x, x) if operation == "dropout_add" else (x,)
    seconds: dict[str, float] = {}
    torch.manual_seed(0)
    output = _timed(lambda: layer(*inputs), seconds, "forward")
    grad = torch.randn_like(output)
    (ours,) = _timed(lambda: torch.autograd.grad(output, x, grad), seconds, "backward")
    with wolfsbane.use_executor("reference"):
        torch.manual_seed(0)
        expected = layer(*inputs)
        (truth,) = torch.autograd.grad(expected, x, grad)
    torch.testing.assert_close(output, expected, rtol=TOLERANCE, atol=TOLERANCE)
    torch.testing.assert_close(ours, truth, rtol=TOLERANCE, atol=TOLERANCE)
    sys.stdout.write(json.dumps(seconds))


def _timed(run: Callable[[], Any], seconds: dict[str, float], name: str) -> Any:
    begin = time.perf_counter()
    result = run()
    seconds[name] = time.perf_counter() - begin
    return result


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
