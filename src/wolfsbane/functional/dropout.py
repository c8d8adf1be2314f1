"""Dropout of single elements and of whole samples, on the mask contract of `wolfsbane.mask`."""

from collections.abc import Sequence

import torch
from torch import Tensor

from wolfsbane.errors import ShapeError
from wolfsbane.functional.broadcast_dims import positive_dims, shared_mask
from wolfsbane.functional.masking import zero
from wolfsbane.functional.override import overridable
from wolfsbane.mask.rate import Rate, check_rate, never_drops


@overridable
def dropout(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
    broadcast_dims: Sequence[int] = (),
) -> Tensor:
    r"""Zero each element independently with probability p, and scale up the rest.

    $$y_i = m_i x_i / (1 - p), \quad m_i \sim \mathrm{Bernoulli}(1 - p)$$

    p is rounded to a multiple of 1/65536 and the scale is the inverse of the rounded keep rate,
    so the expectation is exact. A dropped inf or nan becomes zero. float16 and bfloat16 are
    multiplied in float32 and rounded once.

    In training one 64-bit key is drawn; the mask follows from it and is never stored. In
    evaluation, and for p = 0, the input itself is returned and nothing is drawn.

    Args:
        input: floating-point or complex tensor.
        p: probability of an element to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.
        broadcast_dims: dimensions over which the mask is shared: it has size 1 there, and all
            elements along them are kept or dropped together. Negative ones count from the end.
            Where dimension 0, the batch, is among them, all processes of `wolfsbane.mask.shard`
            have the same mask. Default: none.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability, or broadcast_dims no dimensions
            of the input.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> sorted(set(dropout(torch.ones(1000), p=0.2).tolist()))
        [0.0, 1.2499...]
        >>> dropout(torch.ones(3), p=0.2, training=False)
        tensor([1., 1., 1.])
        >>> y = dropout(torch.ones(2, 5, 4), broadcast_dims=(1,))  # one mask for all five steps
        >>> bool((y == y[:, :1]).all())
        True

    References:
        Hinton et al. 2012, arXiv:1207.0580. Srivastava et al. 2014, JMLR 15:1929.
    """
    probability = check_rate(p)
    shared = positive_dims(broadcast_dims, input.dim()) if broadcast_dims else ()
    if not training or never_drops(p):
        return input
    if not shared:
        return zero(input, probability, tuple(input.shape), inplace, generator)
    return zero(input, probability, shared_mask(input, shared), inplace, generator, 0 in shared)


@overridable
def drop_path(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Zero whole samples with probability p, and scale up the rest (stochastic depth).

    Put at the end of a residual branch, it drops the branch for a sample. One decision is made
    per sample. Otherwise as `dropout`.

    Args:
        input: floating-point or complex tensor.
        p: probability of a sample to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (N, *) to (N, *).

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input has no dimensions.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = drop_path(torch.ones(6, 4, 3), p=0.5)
        >>> bool((y == y[:, :1, :1]).all())
        True

    References:
        Huang et al. 2016, arXiv:1603.09382.
    """
    probability = check_rate(p)
    if input.dim() == 0:
        raise ShapeError("drop_path expects (N, *), but got a tensor without dimensions")
    if not training or never_drops(p):
        return input
    mask_shape = (input.size(0),) + (1,) * (input.dim() - 1)
    return zero(input, probability, mask_shape, inplace, generator)
