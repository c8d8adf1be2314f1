"""Filter response normalisation: each sample's channel by its own root mean square."""

import math
from typing import Any

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, DtypeError, ShapeError
from wolfsbane.functional.batch_norm import check_dtypes, check_num_channels
from wolfsbane.functional.constants import check_number
from wolfsbane.functional.override import overridable
from wolfsbane.functional.widening import widened
from wolfsbane.kernels.reference import accumulator, per_channel

FEWEST_DIMS = 3
"""(N, C, L)."""


@overridable
def filter_response_norm(
    input: Tensor,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    tau: Tensor | None = None,
    eps: float | Tensor = 1e-5,
) -> Tensor:
    r"""Divide each sample's channel by its root mean square, then scale, shift and threshold.

    $$y = \max\Bigl(\frac{x}{\sqrt{\nu^2 + |\epsilon|}} \gamma + \beta,\ \tau\Bigr), \quad
    \nu^2 = \frac{1}{L} \sum_l x_l^2$$

    The sum is over a sample's own positions, so training and evaluation are the same and no batch
    is needed. Without tau there is no threshold. The mean of squares accumulates in float64, the
    rest is computed in float32 (float64 for float64), and the output keeps the input's dtype.

    Args:
        input: floating-point tensor.
        weight: gamma, C values; ones where None.
        bias: beta, C values; zeros where None.
        tau: the threshold of the thresholded linear unit (TLU), C values; none where None.
        eps: added to nu^2: a positive number, or a tensor without dimensions, which may be learned
            and whose magnitude counts. Default: 1e-5, timm's; the paper's is 1e-6.

    Shape:
        (N, C, *) to (N, C, *), with at least one dimension after C.

    Raises:
        ShapeError: fewer than three dimensions, or vectors that have not C values.
        DtypeError: the input is not floating-point, or dtypes do not go together.
        ArgumentError, ArgumentTypeError: eps is not a positive, finite number.

    Examples:
        >>> filter_response_norm(torch.tensor([[[3.0, -3.0]]]))
        tensor([[[ 1.0000, -1.0000]]])
        >>> filter_response_norm(torch.tensor([[[3.0, -3.0]]]), tau=torch.zeros(1))
        tensor([[[1.0000, 0.0000]]])

    References:
        Singh, Krishnan 2019, arXiv:1911.09737, equations 1 to 3.
    """
    _check(input, eps)
    for name, vector in (("weight", weight), ("bias", bias), ("tau", tau)):
        if vector is not None:
            check_num_channels(name, vector.numel(), input)
            check_dtypes(name, vector.dtype, input)
    scale = torch.rsqrt(_mean_of_squares(input) + (eps.abs() if isinstance(eps, Tensor) else eps))
    if weight is not None:
        scale = scale * per_channel(weight, input)
    wide = widened(input)
    output = wide * scale.to(wide.dtype)
    if bias is not None:
        output = output + per_channel(bias, input).to(wide.dtype)
    if tau is not None:
        output = torch.maximum(output, per_channel(tau, input).to(wide.dtype))
    return output.to(input.dtype)


def _mean_of_squares(input: Tensor) -> Tensor:
    """Return the mean over each channel's positions, in float64."""
    if torch.compiler.is_compiling():  # which cannot trace a jvp, and keeps what it chooses
        wide = input.to(accumulator(input.device))
        return wide.square().sum(_positions(input), keepdim=True) / _num_positions(input)
    mean: Tensor = _MeanOfSquares.apply(input)
    return mean


class _MeanOfSquares(torch.autograd.Function):
    """Of which autograd keeps the input, not a float64 copy of it.

    That is also what `vector_norm` keeps, but its second derivative is nan where a channel is zero.
    """

    generate_vmap_rule = True

    @staticmethod
    def forward(input: Tensor) -> Tensor:
        dtype = accumulator(input.device)
        norm: Tensor = torch.linalg.vector_norm(
            input, dim=_positions(input), keepdim=True, dtype=dtype
        )
        return norm.square() / _num_positions(input)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:
        ctx.save_for_backward(*inputs)
        ctx.save_for_forward(*inputs)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        (input,) = ctx.saved_tensors
        # In float64: for a large input the slope is too small for float32, not their product.
        slope = grads[0] * (2.0 / _num_positions(input))
        return torch.mul(input, slope).to(input.dtype)

    @staticmethod
    def jvp(ctx: Any, *tangents: Tensor) -> Tensor:
        (input,) = ctx.saved_tensors
        product: Tensor = input.to(accumulator(input.device)) * tangents[0]
        return product.sum(_positions(input), keepdim=True) * (2.0 / _num_positions(input))


def _positions(input: Tensor) -> list[int]:
    return list(range(2, input.dim()))


def _num_positions(input: Tensor) -> int:
    return max(1, math.prod(input.shape[2:]))


def _check(input: Tensor, eps: float | Tensor) -> None:
    if input.dim() < FEWEST_DIMS:
        raise ShapeError(
            f"expected at least 3D input (got {input.dim()}D input). The shape is (N, C, *): the "
            "mean is over a channel's positions, and a vector's features have none"
        )
    if not input.is_floating_point():
        raise DtypeError(
            f'"filter_response_norm" not implemented for {input.dtype}: it needs a floating-point '
            "input. Convert it: input.float()"
        )
    if isinstance(eps, Tensor):
        return
    advice = "It is added to the mean of squares; the default is eps=1e-5"
    if check_number("filter_response_norm eps", eps, advice) <= 0.0:
        raise ArgumentError(
            f"filter_response_norm eps must be positive, but got {eps!r}. It keeps the division "
            "finite where a channel is zero; the default is eps=1e-5"
        )
