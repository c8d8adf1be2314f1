"""Batch renormalisation: batch norm whose training output is that of evaluation, within limits."""

from numbers import Real

import torch
from torch import Tensor

from wolfsbane.errors import ArgumentError, ArgumentTypeError
from wolfsbane.functional.batch_norm import as_running, batch_norm, check_batch, check_vectors
from wolfsbane.functional.override import overridable
from wolfsbane.kernels.batch_norm import update_running
from wolfsbane.kernels.block import Norm, Running
from wolfsbane.kernels.fused import batch_norm_with_statistics, fixed
from wolfsbane.kernels.reference import HALF_PRECISION, Statistics, per_channel


@overridable
def batch_renorm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float | Tensor = 0.1,
    eps: float = 1e-5,
    *,
    r_max: float | Tensor = 3.0,
    d_max: float | Tensor = 5.0,
) -> Tensor:
    r"""Normalise each channel over the batch, corrected towards the running statistics.

    $$y = \Bigl(\frac{x - \mu_B}{\sigma_B} r + d\Bigr) \gamma + \beta, \quad
    r = \mathrm{clip}_{[1/r_{max}, r_{max}]}\frac{\sigma_B}{\sigma}, \quad
    d = \mathrm{clip}_{[-d_{max}, d_{max}]}\frac{\mu_B - \mu}{\sigma}$$

    In training, mu_B and sigma_B = sqrt(variance + eps) are the batch's, mu and sigma the running
    ones before this batch; r and d are constants for the gradient. Where neither is clipped, the
    output is that of evaluation. Afterwards the running statistics are updated in place, as in
    `batch_norm`, with the unbiased variance. In evaluation this is `batch_norm`.

    Statistics accumulate in float64 and the output keeps the input's dtype and layout.

    Args:
        input: floating-point tensor.
        running_mean: C values.
        running_var: C values.
        weight: gamma, C values; ones where None.
        bias: beta, C values; zeros where None.
        training: normalise with the batch's statistics. Default: False.
        momentum: weight of this batch in the running statistics. Default: 0.1 (the paper's: 0.01).
        eps: added to the variance. Default: 1e-5.
        r_max: limit of the scale's correction, at least 1, which allows none. A number, or a
            tensor without dimensions. Default: 3, the paper's.
        d_max: limit of the shift's correction, at least 0, which allows none. Default: 5, the
            paper's.

    Shape:
        (N, C, *) to (N, C, *).

    Raises:
        ShapeError: one value per channel in training, or vectors that have not C values.
        DtypeError: dtypes that do not go together.
        ArgumentError: no running statistics, eps is not positive, or a limit is out of range.

    Examples:
        >>> x, mean, var = torch.tensor([[1.0], [3.0]]), torch.zeros(1), torch.ones(1)
        >>> batch_renorm(x, mean, var, training=True)
        tensor([[1.0000],
                [3.0000]])
        >>> batch_renorm(x, torch.zeros(1), torch.ones(1), training=True, r_max=1.0, d_max=0.0)
        tensor([[-1.0000],
                [ 1.0000]])

    References:
        Ioffe 2017, arXiv:1702.03275, algorithm 1.
    """
    check_limits(r_max, d_max)
    check_batch(input, training, eps)
    check_vectors(input, running_mean, running_var, weight, bias)
    running = as_running(running_mean, running_var, momentum)
    if running is None:
        raise ArgumentError(
            "batch renorm corrects towards running_mean and running_var, but got None: pass both, "
            "or call batch_norm(training=True)"
        )
    if not training or input.numel() == 0:
        return batch_norm(input, running_mean, running_var, weight, bias, training, momentum, eps)
    wide = input.float() if input.dtype in HALF_PRECISION else input
    normalised, found = batch_norm_with_statistics(wide, Norm(None, None, eps))
    scale, shift = _corrections(found, running, eps, (r_max, d_max))
    if weight is not None:
        scale, shift = scale * weight, shift * weight
    if bias is not None:
        shift = shift + bias
    scale, shift = (per_channel(vector, wide).to(wide.dtype) for vector in (scale, shift))
    output = (normalised * scale + shift).to(input.dtype)
    update_running(running, found)
    return output


@torch.no_grad()
def _corrections(
    found: Statistics, running: Running, eps: float, limits: tuple[float | Tensor, float | Tensor]
) -> tuple[Tensor, Tensor]:
    """Return r and d, of C values each: the paper's algorithm 1."""
    r_max, d_max = limits
    deviation = torch.sqrt(running.var.to(found.variance.dtype) + eps)
    r = torch.sqrt(found.variance + eps) / deviation
    d = (found.mean - running.mean) / deviation
    clipped = torch.stack([_clip(r, 1.0 / r_max, r_max), _clip(d, -d_max, d_max)])
    r, d = fixed(clipped).unbind()
    return r, d


def _clip(vector: Tensor, low: float | Tensor, high: float | Tensor) -> Tensor:
    return torch.clamp(vector, low, high)  # type: ignore[arg-type]  # both numbers, or both tensors


def check_limits(r_max: float | Tensor, d_max: float | Tensor) -> None:
    """Raise unless r_max is at least 1 and d_max at least 0; a tensor's number is not looked at."""
    for name, limit in (("r_max", r_max), ("d_max", d_max)):
        if isinstance(limit, bool) or not isinstance(limit, Real | Tensor):
            raise ArgumentTypeError(
                f"{name} has to be a number, but got {limit!r} (of type {type(limit).__name__}). "
                "The paper's limits are r_max=3 and d_max=5"
            )
    if not isinstance(r_max, Tensor) and not r_max >= 1.0:
        raise ArgumentError(
            f"r_max has to be at least 1, but got {r_max!r}. The scale is corrected by a factor "
            "from 1/r_max to r_max; r_max=1 allows no correction, the paper's limit is 3"
        )
    if not isinstance(d_max, Tensor) and not d_max >= 0.0:
        raise ArgumentError(
            f"d_max has to be at least 0, but got {d_max!r}. The shift is corrected by -d_max to "
            "d_max deviations; d_max=0 allows no correction, the paper's limit is 5"
        )
