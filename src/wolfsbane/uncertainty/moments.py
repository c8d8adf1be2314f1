"""Mean and variance of samples that arrive in parts: exact, in float64, in constant memory."""

import torch
from torch import Tensor

from wolfsbane.kernels.reference import accumulator


class Moments:
    """Running mean and squared deviations over the first dimension of what is added.

    Chan's formula merges the moments of a part with those so far, which does not cancel as a sum of
    squares would.

    References:
        Chan, Golub, LeVeque 1983, doi:10.1080/00031305.1983.10483115.

    Examples:
        >>> moments = Moments()
        >>> moments.add(torch.tensor([[1.0], [2.0]]))
        >>> moments.add(torch.tensor([[6.0]]))
        >>> moments.mean, moments.variance
        (tensor([3.], dtype=torch.float64), tensor([7.], dtype=torch.float64))
    """

    def __init__(self) -> None:
        self.count = 0
        self._mean: Tensor | None = None
        self._deviations: Tensor | None = None

    def add(self, samples: Tensor) -> None:
        """Add samples of shape (k, *)."""
        wide = samples.to(accumulator(samples.device))
        count, mean = samples.size(0), wide.mean(0)
        deviations = (wide - mean).square().sum(0)
        if self._mean is None or self._deviations is None:
            self.count, self._mean, self._deviations = count, mean, deviations
            return
        total = self.count + count
        step = mean - self._mean
        self._deviations += deviations + step.square() * (self.count * count / total)
        self._mean += step * (count / total)
        self.count = total

    @property
    def mean(self) -> Tensor:
        """The mean of all samples."""
        assert self._mean is not None
        return self._mean

    @property
    def variance(self) -> Tensor:
        """The unbiased variance of all samples: nan for one."""
        assert self._deviations is not None
        if self.count == 1:
            return torch.full_like(self._deviations, torch.nan)
        return self._deviations / (self.count - 1)
