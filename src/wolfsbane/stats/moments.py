"""Count, mean and squared deviations of each channel, merged exactly.

Two sets of values are merged by Chan's formulas, with d = mean_b - mean_a and n = n_a + n_b:

    mean = mean_a + d n_b / n
    M2 = M2_a + M2_b + d^2 n_a n_b / n

Unlike sums of squares they do not cancel where the mean is large beside the deviation.

References:
    Chan, Golub, LeVeque 1979, "Updating formulae and a pairwise algorithm for computing sample
    variances", Stanford STAN-CS-79-773, eq. 2.1.
"""

import functools
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from wolfsbane.kernels.reference import accumulator

MOST_AT_ONCE = 2**20
"""Elements that are widened to float64 at a time: 8 MiB, and as much for their deviations."""


@dataclass(frozen=True, eq=False)
class Moments:
    """What is known of the values of each channel.

    Args:
        count: values per channel.
        mean: of each channel, in float64 (float32 where the device has no float64).
        squares: sum of the squared deviations from the mean.
    """

    count: int
    mean: Tensor
    squares: Tensor

    @property
    def biased_var(self) -> Tensor:
        """The variance that a batch norm divides by in training."""
        return self.squares / self.count

    @property
    def unbiased_var(self) -> Tensor:
        """The variance that a batch norm keeps as its running one."""
        return self.squares / (self.count - 1)

    def merged(self, other: "Moments") -> "Moments":
        """Return the moments of both sets of values together."""
        if not other.count:
            return self
        if not self.count:
            return other
        count = self.count + other.count
        share = other.count / count
        delta = other.mean - self.mean
        squares = self.squares + other.squares + delta.square() * (self.count * share)
        return Moments(count, self.mean + delta * share, squares)


def no_values(num_channels: int, device: torch.device) -> Moments:
    """Return the moments of nothing: merged with others, they change nothing."""
    zeros = torch.zeros(num_channels, dtype=accumulator(device), device=device)
    return Moments(0, zeros, zeros.clone())


def all_merged(parts: Iterable[Moments]) -> Moments:
    """Return the moments of all sets of values together, merged in their order."""
    return functools.reduce(Moments.merged, parts)


def moments_of(input: Tensor) -> Moments:
    """Return the moments of each channel of a tensor, in two passes over it in float64.

    A large tensor is halved until a part is small enough to be widened, so that little memory is
    needed beside it.

    Shape:
        (N, C, *) to C channels.

    Examples:
        >>> moments = moments_of(torch.tensor([[1.0, 10.0], [3.0, 30.0]]))
        >>> moments.count, moments.mean, moments.biased_var
        (2, tensor([ 2., 20.], dtype=torch.float64), tensor([  1., 100.], dtype=torch.float64))
    """
    dims = [dim for dim in range(input.dim()) if dim != 1]
    longest = max(dims, key=input.size)
    length = input.size(longest)
    if input.numel() > MOST_AT_ONCE and length > 1:
        half = length // 2
        first = input.narrow(longest, 0, half)
        return moments_of(first).merged(moments_of(input.narrow(longest, half, length - half)))
    if not input.numel():
        return no_values(input.size(1), input.device)
    wide = input.to(accumulator(input.device))
    mean = wide.mean(dims, keepdim=True)
    squares = (wide - mean).square_().sum(dims)
    return Moments(input.numel() // input.size(1), mean.flatten(), squares)
