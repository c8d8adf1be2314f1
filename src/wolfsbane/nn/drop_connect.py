"""DropConnect: a linear layer of which single weights are dropped."""

from typing import Any, Self

import torch
from torch import Tensor

from wolfsbane.arguments import explain_unknown_arguments
from wolfsbane.errors import ArgumentTypeError
from wolfsbane.functional.drop_weights import drop_weights
from wolfsbane.mask.key import check_generator
from wolfsbane.mask.rate import check_rate
from wolfsbane.nn.dropout import _Dropout
from wolfsbane.nn.layer import generator_text, is_leaf, set_rate


class DropConnect(_Dropout, torch.nn.Linear):
    r"""A linear layer of which each weight is dropped with probability p, the rest scaled up.

    $$y = (M \star W) x / (1 - p) + b, \quad M_{ij} \sim \mathrm{Bernoulli}(1 - p)$$

    In training one mask is drawn at every call, for all samples of the batch; the paper draws one
    for each sample, and drops biases too. In evaluation the weights are used as they are, which is
    the mean of the paper's normal approximation. All processes of `wolfsbane.mask.shard` have the
    same mask. A `torch.nn.Linear` with its arguments, parameters and state_dict keys, so
    that weights go either way.

    Args:
        in_features: size of an input sample.
        out_features: size of an output sample.
        bias: learn a bias. Default: True.
        device: where the parameters are.
        dtype: of the parameters.
        p: probability of a weight to be dropped, in [0, 1]. Default: 0.5.
        generator: where the keys are drawn. Default: torch's default CPU generator.

    Shape:
        (*, in_features) to (*, out_features).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, generator not a generator.

    Examples:
        >>> layer = DropConnect(8, 3, p=0.5)
        >>> layer(torch.randn(4, 8)).shape
        torch.Size([4, 3])

    References:
        Wan et al. 2013, ICML, PMLR 28(3):1058.
    """

    @explain_unknown_arguments
    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        device: Any = None,
        dtype: Any = None,
        *,
        p: float | Tensor = 0.5,
        generator: torch.Generator | None = None,
    ) -> None:
        check_rate(p)
        check_generator(generator)
        torch.nn.Linear.__init__(self, in_features, out_features, bias, device, dtype)
        self.inplace = False
        set_rate(self, p)
        self.generator = generator

    @classmethod
    def from_linear(
        cls,
        linear: torch.nn.Linear,
        p: float | Tensor = 0.5,
        *,
        generator: torch.Generator | None = None,
    ) -> Self:
        """Return a layer that shares the parameters of a linear layer, and has its mode."""
        if not isinstance(linear, torch.nn.Linear):
            raise ArgumentTypeError(
                f"from_linear needs a torch.nn.Linear, but got {type(linear).__name__}. To drop "
                "weights of another layer: WeightDrop(module, 'weight')"
            )
        sizes, has_bias = (linear.in_features, linear.out_features), linear.bias is not None
        layer = cls(*sizes, has_bias, "meta", p=p, generator=generator)
        layer.weight, layer.bias = linear.weight, linear.bias
        layer.training = linear.training
        return layer

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the linear map of the input, by weights of which some are dropped in training."""
        weight = self.weight
        if self.training:
            weight = drop_weights(weight, self.p, self.generator)
        return torch.nn.functional.linear(input, weight, self.bias)

    def extra_repr(self) -> str:
        return f"{torch.nn.Linear.extra_repr(self)}, p={self.p}{generator_text(self)}"
