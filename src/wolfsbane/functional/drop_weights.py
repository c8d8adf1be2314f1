"""Weights with elements dropped: the draw that DropConnect, WeightDrop and others share."""

import torch
from torch import Tensor

from wolfsbane.functional.masking import zero
from wolfsbane.functional.override import overridable
from wolfsbane.mask.rate import Rate, check_rate, never_drops


@overridable
def drop_weights(weight: Tensor, p: Rate, generator: torch.Generator | None = None) -> Tensor:
    """Return a weight with elements dropped, the same in all processes of `wolfsbane.mask.shard`.

    A function of its own, so that modes see that a mask is one of weights: all rows share it.

    Args:
        weight: floating-point or complex tensor.
        p: probability of an element to be zeroed, in [0, 1].
        generator: where the key is drawn; torch's default CPU generator where None.
    """
    rate = check_rate(p)
    if never_drops(p):
        return weight
    shape = tuple(weight.shape)
    return zero(weight, rate, shape, inplace=False, generator=generator, is_of_all_ranks=True)
