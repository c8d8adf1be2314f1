"""What makes up a block of layers: a normalisation, an activation, a dropout.

`Activation` names those that fused operations know; it computes them as torch does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

FUNCTIONS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "identity": lambda x, _: x,
    "relu": lambda x, _: F.relu(x),
    "leaky_relu": F.leaky_relu,
    "sigmoid": lambda x, _: x.sigmoid(),
    "tanh": lambda x, _: x.tanh(),
    "gelu": lambda x, _: F.gelu(x),
    "gelu_tanh": lambda x, _: F.gelu(x, approximate="tanh"),
    "silu": lambda x, _: F.silu(x),
    "elu": F.elu,
    "hardswish": lambda x, _: F.hardswish(x),
    "mish": lambda x, _: F.mish(x),
}

DEFAULT_PARAMETERS = {"leaky_relu": 0.01, "elu": 1.0}
"""torch's defaults."""


class Activation(NamedTuple):
    """An activation function and its parameter (leaky_relu's negative slope, elu's alpha)."""

    name: str
    parameter: float = 0.0

    def __str__(self) -> str:
        """Return the name, with the parameter where there is one."""
        return f"{self.name}({self.parameter:g})" if self.parameter else self.name

    def __call__(self, input: Tensor) -> Tensor:
        """Return the activation of each element."""
        return FUNCTIONS[self.name](input, self.parameter)


IDENTITY = Activation("identity")


class Tail(NamedTuple):
    """What follows a normalisation or a bias: an activation, and dropout where p > 0."""

    activation: Activation = IDENTITY
    p: float = 0.0
    key: int = 0

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing follows."""
        return self.p == 0.0 and self.activation == IDENTITY


class Norm(NamedTuple):
    """A normalisation's gamma, beta and eps, and whether it uses the batch's statistics."""

    weight: Tensor | None
    bias: Tensor | None
    eps: float
    uses_batch: bool = True


@dataclass(frozen=True)
class Running:
    """Running statistics, and the weight of this batch in them."""

    mean: Tensor
    var: Tensor
    momentum: float = 0.0
