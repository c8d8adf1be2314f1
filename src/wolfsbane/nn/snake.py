"""Snake as a layer, with one frequency for all or a learnt one for each channel."""

from typing import Any

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import check_num_features, explain_unknown_arguments
from wolfsbane.functional.snake import check_alpha
from wolfsbane.nn.layer import Layer, is_leaf


class Snake(Layer):
    r"""Add to each element a wave of itself, which lets a network extrapolate periods.

    $$y = x + \frac{1}{a} \sin^2(a x)$$

    Without `num_features` a is one fixed number and there are no parameters; with it each channel
    learns its own a, the parameter `alpha` of shape (C,). Nothing is divided by a: a = 0 is the
    identity, and has a gradient. Training and evaluation are the same.

    float16 and bfloat16 are computed in float32 and rounded once; the output has the input's dtype.

    Args:
        num_features: C, the size of dimension 1, to learn an a for each channel; 1 to learn one for
            all; None to learn none. Default: None.
        alpha: what a is, or starts from, in 1 / unit of the input. The paper takes 5 to 50 for
            data known to be periodic. Default: 1.
        device: of the parameter.
        dtype: of the parameter.

    Shape:
        (*) to (*); with num_features > 1, (N, C, *) to (N, C, *).

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: dimension 1 has not num_features elements.
        DtypeError: the input holds integers.

    Examples:
        >>> Snake(alpha=5.0)(torch.zeros(2))
        tensor([0., 0.])
        >>> layer = Snake(16)
        >>> layer(torch.randn(8, 16, 100)).shape
        torch.Size([8, 16, 100])
        >>> list(layer.state_dict())
        ['alpha']

    References:
        Ziyin, Hartwig, Ueda 2020, arXiv:2006.08195, equation 3.
    """

    alpha: float | Tensor

    @explain_unknown_arguments
    def __init__(
        self,
        num_features: int | None = None,
        alpha: float = 1.0,
        device: Any = None,
        dtype: Any = None,
    ) -> None:
        if num_features is not None:
            check_num_features(num_features)
        start = check_alpha(alpha)
        super().__init__()
        self.num_features = num_features
        self.initial_alpha = start
        if num_features is None:
            self.alpha = start
        else:
            empty = torch.empty(num_features, device=device, dtype=dtype)
            self.alpha = torch.nn.Parameter(empty)
            self.reset_parameters()

    def reset_parameters(self) -> None:
        """Set the frequencies to what they start from."""
        if isinstance(self.alpha, Tensor):
            torch.nn.init.constant_(self.alpha, self.initial_alpha)

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return the input and its wave."""
        return F.snake(input, self.alpha)

    def extra_repr(self) -> str:
        features = "" if self.num_features is None else f"{self.num_features}, "
        return f"{features}alpha={self.initial_alpha:g}"
