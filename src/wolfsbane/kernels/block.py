"""What makes up a block of layers: a normalisation, an activation, a dropout.

`Activation` names those that fused operations know; it computes them as torch does.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from wolfsbane.mask.key import Key
from wolfsbane.mask.rate import Rate

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
    p: Rate = 0.0
    key: Key = 0
    start: int = 0
    """Logical index of the mask's first element."""

    @property
    def is_empty(self) -> bool:
        """Tell whether nothing follows."""
        return not self.has_dropout and self.activation == IDENTITY

    @property
    def numbers(self) -> tuple[float, int]:
        """Return p and the key, which are numbers where a kernel is called."""
        return float(self.p), int(self.key)

    @property
    def has_dropout(self) -> bool:
        """Tell whether elements may be dropped; a tensor's numbers are not looked at."""
        return isinstance(self.p, Tensor) or self.p > 0.0


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
    momentum: float | Tensor = 0.0
    """A tensor without dimensions where a number is not to be had: traced."""
