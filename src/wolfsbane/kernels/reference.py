"""The reference executor: plain torch operations on any device. It is the specification.

dtype policy: dropout multiplies in float32 or wider and rounds once; batch norm accumulates and
normalises in float64 (float32 where the device has no float64) and the output keeps the input's
dtype. Memory layout is the input's throughout.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor

from wolfsbane.mask import threshold
from wolfsbane.mask.bits import keep_bits
from wolfsbane.mask.key import Key
from wolfsbane.mask.normal import normal
from wolfsbane.mask.rate import LEVELS, Rate

HALF_PRECISION = frozenset({torch.float16, torch.bfloat16})
DEVICES_WITHOUT_FLOAT64 = frozenset({"mps"})

Coefficients = tuple[Rate, Rate, Rate]
"""(scale, shift, fill) of what a dropout does with an element: see `masked_affine`."""

SumOverRanks = Callable[[Tensor], Tensor]
"""A differentiable sum of a tensor over the processes that share statistics."""


def masked_affine(
    input: Tensor,
    p: Rate,
    key: Key,
    mask_shape: tuple[int, ...],
    coefficients: Coefficients,
    start: int = 0,
) -> Tensor:
    """Return scale * input + shift where the mask keeps, fill where it drops.

    Args:
        input: of any shape that `mask_shape` broadcasts to.
        p: drop probability.
        key: the mask's key. A tensor of keys, of shape K, has masks of shape (*K, *mask_shape).
        mask_shape: the mask's logical shape with ones for the dimensions it is broadcast over.
        coefficients: (scale, shift, fill); plain dropout is (scale(p), 0, 0). As p, each is a
            number, or a tensor whose shape broadcasts to K.
        start: logical index of the mask's first element.
    """
    if isinstance(p, float) and threshold(p) == LEVELS:
        return torch.full_like(input, coefficients[2])  # type: ignore[arg-type]  # p is a number
    if not torch.compiler.is_compiling() and input._is_zerotensor():  # noqa: SLF001
        input = input.clone()  # A gradient of zeros without memory, into which nothing is written.
    if input.numel() == 0:
        return input.clone()
    keep = keep_bits(mask_shape, threshold(p), key, input.device, start)
    scale, shift, fill = (_over(number, mask_shape, input.device) for number in coefficients)
    wide = input.float() if input.dtype in HALF_PRECISION else input
    output = wide * scale
    if isinstance(shift, Tensor) or shift:
        output = output + shift
    # Select, do not multiply by zero: a dropped inf or nan is gone.
    if isinstance(key, Tensor):
        return torch.where(keep, output, fill).to(input.dtype)
    return output.masked_fill_(~keep, fill).to(input.dtype)


def _over(number: Rate, mask_shape: tuple[int, ...], device: torch.device) -> Rate:
    """Return a number of each key so that it broadcasts over the key's mask."""
    if not isinstance(number, Tensor):
        return number
    return number.to(device)[(..., *(None,) * len(mask_shape))]


def gaussian(input: Tensor, std: Rate, is_factor: bool, key: Key, start: int = 0) -> Tensor:
    """Return input * (1 + std z) or, where the noise is no factor, input + std z, of normal z.

    Args:
        input: of any shape, which is the noise's logical shape.
        std: standard deviation of the noise. As the key, it may be a tensor under torch.func.
        is_factor: whether the noise is a factor.
        key: the key that z follows from.
        start: logical index of the first element.
    """
    wide = input.float() if input.dtype in HALF_PRECISION else input
    noise = normal(tuple(input.shape), key, input.device, start).to(wide.dtype) * std
    return (wide * (1.0 + noise) if is_factor else wide + noise).to(input.dtype)


class Statistics(NamedTuple):
    """Per-channel statistics of a batch, each broadcastable over it."""

    mean: Tensor
    variance: Tensor
    """Biased: the mean of the squared deviations."""
    num_values: Tensor
    """Number of values per channel."""


def accumulator(device: torch.device) -> torch.dtype:
    """Return the dtype that statistics accumulate in."""
    return torch.float32 if device.type in DEVICES_WITHOUT_FLOAT64 else torch.float64


def _reduced_dims(input: Tensor) -> list[int]:
    return [dim for dim in range(input.dim()) if dim != 1]


def per_channel(vector: Tensor, like: Tensor) -> Tensor:
    """Return a vector of C values as (1, C, 1, ...), to be broadcast over `like`, widened."""
    shape = [1, -1] + [1] * (like.dim() - 2)
    return vector.reshape(shape).to(accumulator(like.device))


def over_one_rank(tensor: Tensor) -> Tensor:
    """Return the sum over ranks where there is one rank."""
    return tensor


def _centre(input: Tensor, sum_over_ranks: SumOverRanks) -> tuple[Tensor, Statistics]:
    """Return input - mean, and the statistics, in two passes over the widened input."""
    wide = input.to(accumulator(input.device))
    dims = _reduced_dims(input)
    sums = wide.sum(dims, keepdim=True)
    size = torch.full_like(sums, float(input.numel() // input.size(1)))
    count, total = sum_over_ranks(torch.stack([size, sums]))
    mean = total / count
    centred = wide - mean
    variance = sum_over_ranks(centred.square().sum(dims, keepdim=True)) / count
    return centred, Statistics(mean, variance, count)


def batch_statistics(input: Tensor, sum_over_ranks: SumOverRanks = over_one_rank) -> Statistics:
    """Return mean, biased variance and count per channel of (N, C, *), over all ranks.

    A rank's batch may be empty.
    """
    return _centre(input, sum_over_ranks)[1]


def batch_norm(
    input: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
    sum_over_ranks: SumOverRanks = over_one_rank,
) -> tuple[Tensor, Statistics]:
    """Return (input - mean) / sqrt(variance + eps) * weight + bias, and the statistics."""
    centred, statistics = _centre(input, sum_over_ranks)
    scale = torch.rsqrt(statistics.variance + eps)
    if weight is not None:
        scale = scale * per_channel(weight, input)
    output = centred * scale
    if bias is not None:
        output = output + per_channel(bias, input)
    return output.to(input.dtype), statistics


def normalise(
    input: Tensor,
    mean: Tensor,
    variance: Tensor,
    weight: Tensor | None,
    bias: Tensor | None,
    eps: float,
) -> Tensor:
    """Return (input - mean) / sqrt(variance + eps) * weight + bias for statistics given."""
    scale = torch.rsqrt(per_channel(variance, input) + eps)
    if weight is not None:
        scale = scale * per_channel(weight, input)
    output = (input.to(scale.dtype) - per_channel(mean, input)) * scale
    if bias is not None:
        output = output + per_channel(bias, input)
    return output.to(input.dtype)


def batch_norm_backward(
    grad: Tensor,
    input: Tensor,
    statistics: Statistics,
    weight: Tensor | None,
    eps: float,
    sum_over_ranks: SumOverRanks = over_one_rank,
) -> tuple[Tensor, Tensor, Tensor]:
    r"""Return the gradients of input, weight and bias.

    With $\hat x = (x - \mu) r$, $r = 1 / \sqrt{\sigma^2 + \epsilon}$ and means over the count::

        dx = r * weight * (dy - mean(dy) - xhat * mean(dy * xhat))
        dweight = sum(dy * xhat),  dbias = sum(dy)

    References:
        Ioffe, Szegedy 2015, arXiv:1502.03167, section 3.
    """
    mean, variance, count = statistics
    dims = _reduced_dims(input)
    wide = grad.to(mean.dtype)
    rstd = torch.rsqrt(variance + eps)
    normalised = (input.to(mean.dtype) - mean) * rstd
    sums = torch.stack([wide.sum(dims, keepdim=True), (wide * normalised).sum(dims, keepdim=True)])
    grad_bias, grad_weight = sums
    mean_grad, mean_product = sum_over_ranks(sums) / count
    scale = rstd if weight is None else rstd * per_channel(weight, input)
    grad_input = (wide - mean_grad - normalised * mean_product) * scale
    return grad_input.to(input.dtype), grad_weight.reshape(-1), grad_bias.reshape(-1)


def batch_norm_jvp(
    tangents: tuple[Tensor | None, Tensor | None, Tensor | None],
    input: Tensor,
    statistics: Statistics,
    weight: Tensor | None,
    eps: float,
    sum_over_ranks: SumOverRanks = over_one_rank,
) -> Tensor:
    """Return the directional derivative of the output along (input, weight, bias) tangents."""
    mean, variance, count = statistics
    tangent, weight_tangent, bias_tangent = tangents
    dims = _reduced_dims(input)
    rstd = torch.rsqrt(variance + eps)
    normalised = (input.to(mean.dtype) - mean) * rstd
    output = torch.zeros_like(normalised)
    if tangent is not None:
        wide = tangent.to(mean.dtype)
        sums = torch.stack(
            [wide.sum(dims, keepdim=True), (wide * normalised).sum(dims, keepdim=True)]
        )
        drift, spread = sum_over_ranks(sums) / count
        scale = rstd if weight is None else rstd * per_channel(weight, input)
        output = output + (wide - drift - normalised * spread) * scale
    if weight_tangent is not None:
        output = output + normalised * per_channel(weight_tangent, input)
    if bias_tangent is not None:
        output = output + per_channel(bias_tangent, input)
    return output.to(input.dtype)
