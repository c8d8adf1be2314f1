"""Concrete dropout: a relaxed mask, through which the drop probability is learned."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid, softplus

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.functional.broadcast_dims import positive_dims, shared_mask
from wolfsbane.functional.masking import dtype_error
from wolfsbane.functional.override import overridable
from wolfsbane.kernels.keys import draw
from wolfsbane.kernels.reference import HALF_PRECISION
from wolfsbane.mask.shard import first_index
from wolfsbane.mask.uniform import uniform

TEMPERATURE = 0.1
"""Gal, Hron, Kendall 2017, arXiv:1705.07832, section 3."""


@overridable
def concrete_dropout(
    input: Tensor,
    logit: Tensor,
    temperature: float = TEMPERATURE,
    training: bool = True,
    *,
    broadcast_dims: Sequence[int] = (),
    generator: torch.Generator | None = None,
) -> Tensor:
    r"""Multiply each element by a mask that is nearly 0 or 1, and differentiable in its rate.

    $$y_i = x_i \frac{1 - z_i}{1 - p}, \quad z_i = \sigma\left(\frac{1}{t} \left(
    \log \frac{p}{1 - p} + \log \frac{u_i}{1 - u_i}\right)\right), \quad u_i \sim U(0, 1)$$

    In training one 64-bit key is drawn, from which the u follow (`wolfsbane.mask.uniform`); the
    mask is kept for backward. In evaluation the input itself is returned and nothing is drawn.
    float16 and bfloat16 are multiplied in float32 and rounded once.

    Args:
        input: floating-point tensor.
        logit: log(p / (1 - p)) of the drop probability, a tensor of one number. Its gradient is
            that of the relaxation.
        temperature: t, positive; the smaller, the closer the mask to 0 and 1. Default: 0.1.
        training: False returns the input. Default: True.
        broadcast_dims: dimensions over which the mask is shared; see `dropout`. Default: none.
        generator: where the key is drawn; torch's default CPU generator where None.

    Shape:
        (*) to (*): any shape, the same shape.

    Raises:
        ArgumentError, ArgumentTypeError: temperature is not positive, or broadcast_dims no
            dimensions of the input.
        DtypeError: the input is not of floating point.

    Examples:
        >>> _ = torch.manual_seed(0)
        >>> y = concrete_dropout(torch.ones(10_000), torch.tensor(0.0))
        >>> abs(y.mean().item() - 1) < 0.05
        True

    References:
        Gal, Hron, Kendall 2017, arXiv:1705.07832, section 3.
    """
    check_temperature(temperature)
    dims = positive_dims(broadcast_dims, input.dim())
    if not training:
        return input
    if not input.is_floating_point():
        raise dtype_error(input)
    wide = input.float() if input.dtype in HALF_PRECISION else input
    shape = shared_mask(input, dims)
    key, start = draw(generator, input), 0 if 0 in dims else first_index(shape)
    u = uniform(shape, key, input.device, start)
    noise = (u.log() - (-u).log1p()).to(wide.dtype)
    odds = logit.to(wide.dtype)
    # (1 - z) / (1 - p), by logarithms: 1 / (1 - p) alone would overflow where p is next to 1.
    log_keep, log_scale = logsigmoid(-(odds + noise) / temperature), softplus(odds)
    return (wide * (log_keep + log_scale).exp()).to(input.dtype)


def check_temperature(temperature: object) -> None:
    """Raise unless `temperature` is a positive number."""
    if type(temperature) is float and 0.0 < temperature < math.inf:
        return
    expected = f"temperature has to be a positive number, but got {temperature!r}"
    if isinstance(temperature, bool | str) or not isinstance(temperature, int | float):
        raise ArgumentTypeError(f"{expected} (of type {type(temperature).__name__})")
    if not 0.0 < temperature < math.inf:
        raise ArgumentError(f"{expected}. The paper has 0.1; towards 0 the mask becomes 0 or 1")
