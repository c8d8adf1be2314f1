"""Other libraries' drop path, told by its name and proved by a trial, not by an import."""

from typing import Any

import torch
from torch import Tensor
from torch.nn import Module

NAMES = ("DropPath", "StochasticDepth")
"""How such classes are called, or end: timm and MONAI, torchvision, transformers' BeitDropPath."""

RATES = ("drop_prob", "p")
"""How they call their rate."""

TRIAL_RATE = 0.75
NUM_SAMPLES = 256
"""All samples dropped, or none, would be taken for a fault once in 1e31 trials: 0.75 ** 256."""


def is_drop_path(module: Module) -> bool:
    """Whether a module calls itself a drop path."""
    return type(module).__name__.endswith(NAMES)


def rate_of(module: Module) -> float | None:
    """Return the rate of a drop path (None of one that has none stands for 0), if it has one."""
    name = _rate_name(module)
    rate: Any = None if name is None else vars(module)[name]
    if name is not None and rate is None:
        return 0.0
    if not isinstance(rate, (int, float)) or isinstance(rate, bool):
        return None
    return float(rate) if 0.0 <= rate <= 1.0 else None


def other_than_ours(module: Module) -> str | None:
    """Return what a drop path does that `wolfsbane.nn.DropPath` does not, or None.

    A shallow copy of it, at a rate of 0.75, is given ones. The module, its hooks and torch's random
    numbers are not touched.
    """
    if "forward" in vars(module):
        return "its forward was replaced on this object"
    if module._parameters or module._buffers or module._modules:  # noqa: SLF001
        return "it holds tensors or modules, which a drop path does not need"
    if rate_of(module) is None:
        return "it has no rate drop_prob or p between 0 and 1"
    ones = torch.ones(NUM_SAMPLES, 3, 2, device="cpu", dtype=torch.float32)
    try:
        with torch.random.fork_rng(devices=[]), torch.no_grad():
            evaluated, trained = (_try(module, ones, training=t) for t in (False, True))
    except Exception as error:  # noqa: BLE001  # whatever another's code may raise
        return f"a trial of it failed: {error}"
    return _difference(ones, evaluated, trained)


def _rate_name(module: Module) -> str | None:
    return next((name for name in RATES if name in vars(module)), None)


def _try(module: Module, input: Tensor, *, training: bool) -> Tensor:
    double = type(module).__new__(type(module))
    double.__dict__.update(vars(module))
    double.__dict__.update({_rate_name(module) or "p": TRIAL_RATE, "training": training})
    output: Tensor = type(module).forward(double, input.clone())
    return output


def _difference(ones: Tensor, evaluated: Tensor, trained: Tensor) -> str | None:
    if not torch.equal(evaluated, ones):
        return "in evaluation it changes its input"
    if trained.shape != ones.shape or not torch.equal(trained, trained[:, :1, :1].expand_as(ones)):
        return "it does not drop whole samples"
    kept = trained[:, 0, 0][trained[:, 0, 0] != 0]
    if kept.numel() in {0, NUM_SAMPLES}:
        return "it does not decide for each sample on its own"
    if not torch.allclose(kept, torch.full_like(kept, 1 / (1 - TRIAL_RATE))):
        return f"it scales the samples it keeps by {kept[0]:.4g} where p = {TRIAL_RATE}, not by 4"
    return None
