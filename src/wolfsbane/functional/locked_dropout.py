"""Locked (variational) dropout: one mask for all steps of a sequence."""

import torch
from torch import Tensor

from wolfsbane.errors import ShapeError
from wolfsbane.functional.broadcast_dims import shared_mask
from wolfsbane.functional.masking import zero
from wolfsbane.functional.override import overridable
from wolfsbane.mask.rate import Rate, check_rate, never_drops

BATCHED, UNBATCHED = 3, 2


@overridable
def locked_dropout(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    inplace: bool = False,
    *,
    batch_first: bool = False,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Zero features of sequences with probability p, the same ones at every step.

    $$y_{tni} = m_{ni} x_{tni} / (1 - p), \quad m_{ni} \sim \mathrm{Bernoulli}(1 - p)$$

    One decision is made per (sample, feature), and it holds for the whole sequence. In evaluation,
    and for p = 0, the input itself is returned and nothing is drawn. Otherwise as `dropout`.

    Args:
        input: floating-point or complex tensor.
        p: probability of a feature of a sample to be zeroed, in [0, 1]. Default: 0.5.
        training: False returns the input. Default: True.
        inplace: write the result into the input. Default: False.
        batch_first: the input is (N, L, D), not (L, N, D). Default: False.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (L, N, D), or (N, L, D) with `batch_first`, or (L, D), to the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability.
        ShapeError: the input is not 2-D or 3-D.
        DtypeError: the input holds integers.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = locked_dropout(torch.ones(5, 2, 4))
        >>> bool((y == y[:1]).all())  # all five steps are dropped alike
        True

    References:
        Gal, Ghahramani 2016, arXiv:1512.05287, section 4. Merity et al. 2017, arXiv:1708.02182,
        section 4.2.
    """
    probability = check_rate(p)
    if not isinstance(input, Tensor) or input.dim() not in {UNBATCHED, BATCHED}:
        given = f"shape {tuple(input.shape)}" if isinstance(input, Tensor) else type(input).__name__
        raise ShapeError(
            "locked_dropout expects sequences (L, N, D), (N, L, D) with batch_first=True, or "
            f"(L, D), but got {given}. Unpack a PackedSequence first: pad_packed_sequence(input); "
            "for other shapes use dropout(input, p, broadcast_dims=(time,))"
        )
    if not training or never_drops(p):
        return input
    time = 1 if batch_first and input.dim() == BATCHED else 0
    # With (L, N, D) the mask is (N, D), so that shards of a batch have their parts of it.
    return zero(input, probability, shared_mask(input, (time,)), inplace, generator)
