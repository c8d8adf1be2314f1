"""Bias, activation and dropout as one layer, in one pass over memory."""

from typing import Any

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import (
    check_num_features,
    explain_unknown_arguments,
)
from wolfsbane.functional.activation import as_activation
from wolfsbane.mask.key import check_generator
from wolfsbane.mask.rate import check_rate
from wolfsbane.nn.layer import Layer, is_leaf, set_rate


class BiasActDropout(Layer):
    r"""Add a learnt bias to the last dimension, apply an activation, and drop elements.

    $$y_i = \frac{m_i}{1 - p}\, \mathrm{act}(x_i + b_{c(i)}), \quad
    m_i \sim \mathrm{Bernoulli}(1 - p)$$

    What follows a `Linear(bias=False)` in an MLP, in one pass over memory. For backward the input
    is kept; the activation's derivative and the mask are computed again. In training a new mask is
    drawn at every call where p > 0; in evaluation nothing is dropped.

    Args:
        num_features: C, the size of the last dimension.
        activation: "identity", "relu", "leaky_relu", "sigmoid", "tanh", "gelu", "gelu_tanh",
            "silu", "elu", "hardswish" or "mish", or one of these as a module of torch.nn.
            Default: "relu".
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.5.
        device: of the bias.
        dtype: of the bias.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (*, C) to (*, C).

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: the last dimension has not num_features elements.
        DtypeError: the input holds integers.

    Examples:
        >>> mlp = torch.nn.Sequential(
        ...     torch.nn.Linear(57, 256, bias=False),
        ...     BiasActDropout(256, activation="gelu", p=0.1),
        ...     torch.nn.Linear(256, 2),
        ... )
        >>> mlp(torch.randn(8, 57)).shape
        torch.Size([8, 2])

    References:
        Srivastava et al. 2014, JMLR 15:1929.
    """

    p: float | Tensor

    @explain_unknown_arguments
    def __init__(
        self,
        num_features: int,
        activation: str | torch.nn.Module = "relu",
        p: float | Tensor = 0.5,
        device: Any = None,
        dtype: Any = None,
        *,
        generator: torch.Generator | None = None,
    ) -> None:
        check_num_features(num_features)
        check_rate(p)
        check_generator(generator)
        super().__init__()
        self.num_features = num_features
        self.activation = as_activation(activation)
        set_rate(self, p)
        self.generator = generator
        self.bias = torch.nn.Parameter(torch.empty(num_features, device=device, dtype=dtype))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the bias to zeros."""
        torch.nn.init.zeros_(self.bias)

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input with bias and activation, with elements dropped in training."""
        return F.bias_act_dropout(
            input, self.bias, self.activation, self.p, self.training, generator=self.generator
        )

    def extra_repr(self) -> str:
        return f"{self.num_features}, activation={self.activation}, p={self.p}"
