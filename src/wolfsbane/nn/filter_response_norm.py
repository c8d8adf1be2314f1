"""Filter response norm layers, with their thresholded linear unit, an activation, or neither."""

from typing import Any, ClassVar

import torch
from torch import Tensor

from wolfsbane import functional as F
from wolfsbane.arguments import check_eps, check_num_features, explain_unknown_arguments
from wolfsbane.errors import ShapeError
from wolfsbane.functional.activation import as_activation
from wolfsbane.kernels.block import IDENTITY, Activation
from wolfsbane.nn.layer import Layer, is_leaf

TLU = "tlu"
"""The paper's name for max(y, tau)."""


class _FilterResponseNorm(Layer):
    _dims: ClassVar[int]

    weight: Tensor
    bias: Tensor
    tau: Tensor | None
    eps: float | Tensor

    @explain_unknown_arguments
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        device: Any = None,
        dtype: Any = None,
        *,
        activation: str | torch.nn.Module | None = TLU,
        learn_eps: bool = False,
    ) -> None:
        check_num_features(num_features)
        check_eps(eps)
        has_tau = isinstance(activation, str) and activation == TLU
        function = IDENTITY if activation is None or has_tau else as_activation(activation)
        super().__init__()

        def learned(*shape: int, fill: float = 0.0) -> torch.nn.Parameter:
            return torch.nn.Parameter(torch.full(shape, fill, device=device, dtype=dtype))

        self.num_features = num_features
        self.weight = learned(num_features, fill=1.0)
        self.bias = learned(num_features)
        self.register_parameter("tau", learned(num_features) if has_tau else None)
        self.activation: Activation = function
        self.initial_eps = eps
        self.eps = learned(fill=eps) if learn_eps else eps

    def reset_parameters(self) -> None:
        """Set gamma to one, beta and tau to zero, and a learned eps to where it started."""
        torch.nn.init.ones_(self.weight)
        torch.nn.init.zeros_(self.bias)
        if self.tau is not None:
            torch.nn.init.zeros_(self.tau)
        if isinstance(self.eps, Tensor):
            torch.nn.init.constant_(self.eps, self.initial_eps)

    @is_leaf
    def forward(self, input: Tensor) -> Tensor:
        """Return each sample's channels divided by their root mean square, and activated."""
        if input.dim() != self._dims:
            raise ShapeError(
                f"expected {self._dims}D input (got {input.dim()}D input). The shape is (N, C, *), "
                f"features second, and here it is {tuple(input.shape)}"
            )
        output = F.filter_response_norm(input, self.weight, self.bias, self.tau, self.eps)
        return self.activation(output)

    def extra_repr(self) -> str:
        activation = TLU if self.tau is not None else self.activation
        learned = ", learn_eps=True" if isinstance(self.eps, Tensor) else ""
        return f"{self.num_features}, eps={self.initial_eps}, activation={activation}{learned}"


class FilterResponseNorm1d(_FilterResponseNorm):
    r"""Divide each channel of each sequence by its root mean square; scale, shift and threshold.

    $$y = \max\Bigl(\frac{x}{\sqrt{\nu^2 + |\epsilon|}} \gamma + \beta,\ \tau\Bigr), \quad
    \nu^2 = \frac{1}{L} \sum_l x_l^2$$

    Training and evaluation are the same: there are no running statistics, and samples do not see
    each other. The maximum is the paper's activation, the thresholded linear unit (TLU), whose tau
    is learned; the layer stands for a normalisation and the activation behind it.

    What follows the normalisation is `activation`: "tlu" (parameters weight, bias, tau: timm's
    FilterResponseNormTlu2d, whose weights load), None (weight, bias: the norm alone, timm's with
    apply_act=False), or an activation (weight, bias: timm's FilterResponseNormAct2d, whose weights
    load). There is no mean to subtract, so a plain ReLU instead of the TLU costs accuracy.

    The mean of squares accumulates in float64; the output keeps the input's dtype.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to nu^2, positive. Default: 1e-5, timm's; the paper's is 1e-6.
        device: of the parameters.
        dtype: of the parameters.
        activation: "tlu"; None; or, as in `BatchNormAct1d`, a name such as "relu" or a module of
            torch.nn. Default: "tlu".
        learn_eps: make eps a parameter, whose magnitude counts; for channels of one position, where
            the paper starts it at 1e-4. Default: False.

    Shape:
        (N, C, L) to (N, C, L).

    Raises:
        ArgumentError, ArgumentTypeError: an argument is out of range.
        ShapeError: wrong number of dimensions or features.
        DtypeError: the input's dtype does not go with the parameters'.

    Examples:
        >>> x = torch.tensor([[[3.0, -3.0]]])
        >>> FilterResponseNorm1d(1)(x)
        tensor([[[1.0000, 0.0000]]], grad_fn=...)
        >>> FilterResponseNorm1d(1, activation=None)(x)
        tensor([[[ 1.0000, -1.0000]]], grad_fn=...)

    References:
        Singh, Krishnan 2019, arXiv:1911.09737, sections 3.1 and 3.2.
    """

    _dims = 3


class FilterResponseNorm2d(_FilterResponseNorm):
    """Divide each channel of each image by its root mean square; scale, shift and threshold.

    As `FilterResponseNorm1d`, over the dimensions H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to nu^2, positive. Default: 1e-5.
        device: of the parameters.
        dtype: of the parameters.
        activation: "tlu", None, a name or a module of torch.nn. Default: "tlu".
        learn_eps: make eps a parameter. Default: False.

    Shape:
        (N, C, H, W) to (N, C, H, W).

    Raises:
        As `FilterResponseNorm1d`.

    Examples:
        >>> y = FilterResponseNorm2d(3, activation="silu")(torch.randn(8, 3, 5, 5))
        >>> y.shape
        torch.Size([8, 3, 5, 5])

    References:
        As `FilterResponseNorm1d`.
    """

    _dims = 4


class FilterResponseNorm3d(_FilterResponseNorm):
    """Divide each channel of each volume by its root mean square; scale, shift and threshold.

    As `FilterResponseNorm1d`, over the dimensions D, H and W, with the same arguments.

    Args:
        num_features: C, the size of dimension 1.
        eps: added to nu^2, positive. Default: 1e-5.
        device: of the parameters.
        dtype: of the parameters.
        activation: "tlu", None, a name or a module of torch.nn. Default: "tlu".
        learn_eps: make eps a parameter. Default: False.

    Shape:
        (N, C, D, H, W) to (N, C, D, H, W).

    Raises:
        As `FilterResponseNorm1d`.

    Examples:
        >>> FilterResponseNorm3d(3)(torch.randn(2, 3, 4, 5, 5)).shape
        torch.Size([2, 3, 4, 5, 5])

    References:
        As `FilterResponseNorm1d`.
    """

    _dims = 5
