"""Sparsemax: probabilities, some of which are exactly zero."""

import torch
from torch import Tensor

from wolfsbane.functional.constants import check_dim
from wolfsbane.functional.override import overridable
from wolfsbane.functional.widening import check_floating, widened


@overridable
def sparsemax(input: Tensor, dim: int = -1) -> Tensor:
    r"""Return the probabilities that are nearest to the input: a softmax that can give zeros.

    $$y = \arg\min_{p \in \Delta} \lVert p - z \rVert^2, \quad y_i = \max(z_i - \tau, 0)$$

    with $\tau$ such that y sums to one. Its derivative is $v_i - \bar v$ on the support, where y is
    positive, and zero elsewhere. Only differences of inputs matter, so large inputs are no
    problem, and -inf (a masked position) gives 0. Where all are -inf the result is nan, as
    softmax's is. The same in training and evaluation. float16 and bfloat16 are computed in float32
    and rounded once; the output has the input's dtype.

    Args:
        input: floating-point tensor.
        dim: the dimension that sums to one. Default: -1.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentTypeError: dim is not an integer.
        DtypeError: the input holds integers.

    Examples:
        >>> sparsemax(torch.tensor([1.5, 1.0, -float("inf"), 0.0]))
        tensor([0.7500, 0.2500, 0.0000, 0.0000])

    References:
        Martins, Astudillo 2016, arXiv:1602.02068, algorithm 1.
    """
    check_floating("sparsemax", input)
    check_dim(dim)
    if input.numel() == 0:
        return input.clone()
    z = widened(input)
    z = z - z.detach().amax(dim, keepdim=True)
    outside = _has_no_part(z.detach(), dim)
    inside = z.masked_fill(outside, 0.0)
    tau = (inside.sum(dim, keepdim=True) - 1.0) / outside.logical_not().sum(dim, keepdim=True)
    return (z - tau).masked_fill(outside, 0.0).clamp(min=0.0).to(input.dtype)


def _has_no_part(z: Tensor, dim: int) -> Tensor:
    """Return where the probability is zero, for inputs of which the largest is 0."""
    # tau is at least -1: what lies below has no part. As -1 it makes sums of integers, which are
    # exact; a long tail of large numbers, summed in float32 as GPUs do, could pass for support.
    ranked = z.clamp(min=-1.0).sort(dim, descending=True).values
    sums = ranked.cumsum(dim)
    counts = torch.ones_like(ranked).cumsum(dim)
    # At least one, also where nan answers no to every question.
    size = (1.0 + counts * ranked > sums).sum(dim, keepdim=True).clamp(min=1)
    return z <= (sums.gather(dim, size - 1) - 1.0) / size
