"""Noise from normal distributions: multiplied (Gaussian dropout), or added."""

import math

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.functional.masking import dtype_error
from wolfsbane.functional.override import overridable
from wolfsbane.kernels.keys import draw
from wolfsbane.kernels.noise import gaussian
from wolfsbane.mask.rate import Rate, check_rate, never_drops
from wolfsbane.mask.shard import first_index


@overridable
def gaussian_dropout(
    input: Tensor,
    p: Rate = 0.5,
    training: bool = True,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Multiply each element by noise of mean 1 and the variance that dropout has.

    $$y_i = \xi_i x_i, \quad \xi_i \sim \mathcal{N}(1, p / (1 - p))$$

    In training one 64-bit key is drawn, from which the noise follows (`wolfsbane.mask.normal`);
    backward computes it again, so that nothing of the input's size is kept. In evaluation, and for
    p = 0, the input itself is returned and nothing is drawn. float16 and bfloat16 are multiplied in
    float32 and rounded once.

    Args:
        input: floating-point tensor.
        p: the drop probability whose variance the noise has, in [0, 1). Default: 0.5.
        training: False returns the input. Default: True.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: p is not a probability below 1.
        DtypeError: the input is not of floating point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = gaussian_dropout(torch.ones(10_000), p=0.2)
        >>> abs(y.mean().item() - 1) < 0.02, abs(y.var().item() - 0.25) < 0.02
        (True, True)

    References:
        Srivastava et al. 2014, JMLR 15:1929, section 10.
    """
    rate = check_gaussian_rate(p)
    if not training or never_drops(p):
        return input
    return _noisy(input, (rate / (1.0 - rate)) ** 0.5, True, generator)


@overridable
def gaussian_noise(
    input: Tensor,
    std: float = 0.1,
    training: bool = True,
    *,
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Add normal noise to each element.

    $$y_i = x_i + \sigma z_i, \quad z_i \sim \mathcal{N}(0, 1)$$

    In training one 64-bit key is drawn, from which the noise follows (`wolfsbane.mask.normal`). In
    evaluation, and for std = 0, the input itself is returned and nothing is drawn. float16 and
    bfloat16 are added in float32 and rounded once.

    Args:
        input: floating-point tensor.
        std: standard deviation of the noise, in the input's unit, at least 0. Default: 0.1.
        training: False returns the input. Default: True.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: std is not a finite number of at least 0.
        DtypeError: the input is not of floating point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = gaussian_noise(torch.full((10_000,), 5.0), std=2.0)
        >>> abs(y.mean().item() - 5) < 0.1, abs(y.std().item() - 2) < 0.1
        (True, True)

    References:
        Bishop 1995, doi:10.1162/neco.1995.7.1.108.
    """
    deviation = check_std(std)
    if not training or deviation == 0.0:
        return input
    return _noisy(input, deviation, False, generator)


def check_gaussian_rate(p: object) -> Rate:
    """Return a drop probability below 1, or raise."""
    rate = check_rate(p)
    if not isinstance(rate, Tensor) and rate == 1.0:
        raise ArgumentError(
            "dropout probability has to be below 1 for Gaussian dropout, but got 1: its noise has "
            "variance p / (1 - p). To drop everything use dropout(input, p=1)"
        )
    return rate


def check_std(std: object) -> float:
    """Return a standard deviation as a float, or raise."""
    if type(std) is float and 0.0 <= std < math.inf:
        return std
    expected = f"std has to be a finite number of at least 0, but got {std!r}"
    if isinstance(std, bool | str | bytes) or not hasattr(std, "__float__"):
        raise ArgumentTypeError(f"{expected} (of type {type(std).__name__}), such as std=0.1")
    number = float(std)
    if not 0.0 <= number < math.inf:
        raise ArgumentError(f"{expected}. It is in the unit of the input; std=0 adds nothing")
    return number


def _noisy(input: Tensor, std: Rate, is_factor: bool, generator: torch.Generator | None) -> Tensor:
    if not input.is_floating_point():
        raise dtype_error(input)
    key = draw(generator, input)
    return gaussian(input, std, is_factor, key, first_index(tuple(input.shape)))
